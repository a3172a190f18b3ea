"""Keys that change something: each shows its plan, opens on Cancel, and does what it says by the same key again."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from lineal.model.changes import Say, SetAlias
from lineal.model.plan import Plan, State, Subject
from lineal_tui.app import LinealApp
from lineal_tui.screens.preview import Preview
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeDesk, FakeSource
from tests.tui.fake_desk import CHECKS, LATENCY
from tests.tui.seeing import screen_text, seen, until, until_seen
from tests.tui.test_screens import opened, press

SIZES = [(80, 24), (160, 45)]
both = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
DEEDS = {
    "P": ("promote", ("promote", "v19", "prod")),
    "R": ("roll back", ("rollback", "fraud-scorer", "prod", "", "")),
    "V": ("ask for a review", ("say", "v19", "requested", "prod", "")),
    "Y": ("approve", ("say", "v19", "approved", "prod", "")),
    "X": ("reject", ("say", "v19", "rejected", "prod", "too slow")),
    "W": ("note", ("say", "v19", "note", "", "too slow")),
    "A": ("alias", ("alias", "v19", "canary", False)),
    "T": ("tag", ("tag", "v19", {"tier": "gold plus"}, ("owner",))),
}
"""What each key asks the desk for, with the cursor on v19."""
TYPED = {"R": "", "X": "too slow", "W": "too slow", "A": "canary", "T": "tier='gold plus' -owner"}


async def typed(pilot: Pilot[int], said: str) -> None:
    """Finish the line that asks for a text."""
    await until(pilot, lambda: isinstance(pilot.app.focused, Input), "the line")
    assert isinstance(pilot.app.focused, Input)
    pilot.app.focused.value += said
    await pilot.pause()
    await press(pilot, "enter")


async def planned(pilot: Pilot[int], key: str, *texts: str) -> Preview:
    """Press a key, type what it asks for, and wait for its plan."""
    await press(pilot, key)
    if key in TYPED:
        await typed(pilot, TYPED[key])
    await until(
        pilot, lambda: isinstance(pilot.app.screen, Preview) and pilot.app.screen.pane.plan is not None, "a plan"
    )
    await until_seen(pilot, *texts)
    assert isinstance(pilot.app.screen, Preview)
    return pilot.app.screen


async def closed(pilot: Pilot[int]) -> None:
    """Wait until the plan is gone, and the registry was read again."""
    await until(pilot, lambda: len(pilot.app.screen_stack) == 1, "the end of the plan")
    assert isinstance(pilot.app, LinealApp)
    session = pilot.app.session
    await until(pilot, lambda: session.sync is None, "the end of the sync")


@pytest.mark.parametrize("key", list(DEEDS))
async def test_each_key_shows_its_plan_and_the_same_key_confirms(
    source: FakeSource, make_app: MakeApp, key: str
) -> None:
    does, asked = DEEDS[key]
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await planned(pilot, key, f"{does}  plan", "Cancel", f"{key} again confirms")
        assert source.desk.asked[-1] == asked
        assert source.desk.did == []
        await press(pilot, key)
        await until_seen(pilot, "✔ done")
        await closed(pilot)
        assert [plan.subject.name for plan, _ in source.desk.did] == ["v14" if key == "R" else "v19"]


@pytest.mark.parametrize("key", list(DEEDS))
async def test_enter_alone_and_other_keys_change_nothing(source: FakeSource, make_app: MakeApp, key: str) -> None:
    app = make_app(source)
    other = "Y" if key == "P" else "P"
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        screen = await planned(pilot, key, "Cancel")
        assert screen.on_cancel
        await press(pilot, other, "space", "n", "1")
        assert app.screen is screen
        await press(pilot, "enter")
        await closed(pilot)
        assert source.desk.did == []
        await planned(pilot, key, "Cancel")
        await press(pilot, "escape")
        await closed(pilot)
        assert source.desk.did == []


@both
async def test_the_plan_says_all_that_a_person_must_know(
    source: FakeSource, make_app: MakeApp, size: tuple[int, int]
) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await planned(pilot, "P", "v19 → prod", "replaces v17 (since", "differs", "▼", "loss", "… 4 more")
        lines = [line for line in screen_text(app) if "0.94 →" in line or "0.206 →" in line]
        assert ["loss" in line for line in lines[:2]] == [True, False]  # the worst first
        assert all(len(line) <= size[0] for line in screen_text(app))
        await press(pilot, "j", "G")
        await until_seen(pilot, "would do", "POST /aliases/prod v19", "lineal promote prod:fraud-scorer@v19 --to prod")
        assert "unverified: nothing was compared" in seen(app)
        if size[1] > 30:
            assert "does not count: the author" in seen(app)
            assert "signed SHA256:7c1f" in seen(app)


@both
async def test_enter_on_a_check_unfolds_its_evidence(
    source: FakeSource, make_app: MakeApp, size: tuple[int, int]
) -> None:
    source.desk.checks = (*CHECKS, LATENCY)
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        screen = await planned(pilot, "P", "blocked by latency_ms")
        lines = ["".join(span.text for span in told.line) for told in screen.pane._told]
        at = next(i for i, line in enumerate(lines) if "✘ latency" in line)
        assert at < next(i for i, line in enumerate(lines) if "✔ named" in line)  # failing ones first
        await press(pilot, *["j"] * (at + 1))
        assert screen.pane.cursor == at
        await press(pilot, "enter")
        await until_seen(pilot, "p99 23.1", "make it faster")
        await press(pilot, "enter")
        await until(pilot, lambda: "p99 23.1" not in seen(app), "the evidence folded")
        assert app.screen is screen


async def test_a_blocked_plan_is_let_through_only_with_a_reason(source: FakeSource, make_app: MakeApp) -> None:
    source.desk.checks = (*CHECKS, LATENCY)
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await planned(pilot, "P", "o overrides with a reason")
        await press(pilot, "P")
        assert source.desk.did == []
        await press(pilot, "o")
        await typed(pilot, "")
        await until_seen(pilot, "type something first")
        await typed(pilot, "fire drill")
        await until_seen(pilot, "overrides latency_ms: fire drill", "P again confirms")
        await press(pilot, "P")
        await until_seen(pilot, "✔ done: prod v17 → v19", "U undoes it")
        assert [override for _, override in source.desk.did] == ["fire drill"]


@pytest.mark.parametrize("key", ["tab", "right", "left", "l", "shift+tab"])
async def test_the_alias_is_changed_in_the_plan(source: FakeSource, make_app: MakeApp, key: str) -> None:
    source.desk.aliases = ["prod", "canary"]
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await planned(pilot, "P", "v19 → prod", "tab")
        await press(pilot, key)
        await until_seen(pilot, "v19 → canary")
        await press(pilot, "P")
        await until_seen(pilot, "✔ done")
        assert [plan.alias for plan, _ in source.desk.did] == ["canary"]


async def test_an_alias_that_cannot_be_given_leaves_the_others(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await planned(pilot, "P", "v19 → prod")
        await press(pilot, "tab")
        await until_seen(pilot, "staging is v19 already", "tab another alias")
        await press(pilot, "P", "tab")
        await until_seen(pilot, "v19 → prod", "P again confirms")
        assert source.desk.did == []


async def test_an_alias_that_moved_meanwhile_is_planned_anew(source: FakeSource, make_app: MakeApp) -> None:
    source.desk.conflicts = 1
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await planned(pilot, "P", "P again confirms")
        await press(pilot, "P")
        await until_seen(pilot, "Moved by somebody else meanwhile", "P again confirms")
        assert source.desk.did == []
        assert len(source.desk.asked) == 2
        await press(pilot, "P")
        await until_seen(pilot, "✔ done")


async def test_what_failed_is_said_in_the_plan_and_cannot_be_confirmed_again(
    source: FakeSource, make_app: MakeApp
) -> None:
    source.desk.ends = State.INCOMPLETE
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await planned(pilot, "P", "P again confirms")
        await press(pilot, "P")
        await until_seen(pilot, "half way", "lineal resume", "the server is away")
        await press(pilot, "P", "P")
        assert len(source.desk.did) == 1


async def test_esc_stops_what_runs_and_the_seconds_are_shown(source: FakeSource, make_app: MakeApp) -> None:
    source.desk.hold, source.desk.steps = threading.Event(), ("tests/smoke.py: 3 of 9",)
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await planned(pilot, "P", "P again confirms")
        await press(pilot, "P")
        await until_seen(pilot, "promote … 1 s", "tests/smoke.py: 3 of 9", "esc stops it")
        await press(pilot, "j", "P", "enter")
        await until_seen(pilot, "promote … ")
        await press(pilot, "escape")
        await until_seen(pilot, "tests/smoke.py was stopped", "stopped")
        assert source.desk.did == []
        await press(pilot, "escape")
        await closed(pilot)


async def test_undo_takes_the_last_action_back_or_says_that_there_is_none(
    source: FakeSource, make_app: MakeApp
) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "U")
        await until_seen(pilot, "there is nothing of yours to undo", "nothing to confirm")
        await press(pilot, "U", "escape")
        await closed(pilot)
        await planned(pilot, "P", "P again confirms")
        await press(pilot, "P")
        await closed(pilot)
        await planned(pilot, "U", "undo promote fraud-scorer v19", "U again confirms")
        await press(pilot, "U")
        await until_seen(pilot, "✔ done: undo")
        assert [plan.action for plan, _ in source.desk.did] == ["promote", "undo"]


async def test_alias_names_are_completed_and_taken_away(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "A")
        await until_seen(pilot, "alias: ", "prod", "staging")
        await until(pilot, lambda: isinstance(app.focused, Input), "the line")
        await press(pilot, "tab", "tab", "enter")
        await until_seen(pilot, "v19 → staging")
        await press(pilot, "escape")
        await closed(pilot)
        await press(pilot, "A")
        await typed(pilot, "-staging")
        await until(pilot, lambda: source.desk.asked[-1] == ("alias", "v19", "staging", True), "the alias taken away")


@pytest.mark.parametrize("said", ["tier", "=x", "a=1 -a", "'", "-"])
async def test_tags_that_cannot_be_read_are_said_to_be(source: FakeSource, make_app: MakeApp, said: str) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "T")
        await typed(pilot, said)
        await pilot.pause(0.05)
        assert not isinstance(app.screen, Preview)
        assert source.desk.asked == []
        await press(pilot, "escape")
        await closed(pilot)


async def test_read_only_mode_is_said_once_and_turns_the_keys_off(source: FakeSource, make_app: MakeApp) -> None:
    source.desk.read_only = "the policy in lineal.toml cannot be read: line 3"
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await until_seen(pilot, "[RO]", "Read-only: the policy in lineal.toml cannot be read")
        await press(pilot, "P")
        await until_seen(pilot, "Read-only: the policy")
        assert len(app.screen_stack) == 1
        await press(pilot, "7")
        await until_seen(pilot, "change nothing", "cannot")
        await press(pilot, "5")
        await until_seen(pilot, "Nothing waits for a review", "Read-only: the policy")
    assert source.desk.asked == []


async def test_a_registry_that_cannot_says_why_and_sources_say_what_it_can(
    source: FakeSource, make_app: MakeApp
) -> None:
    source.desk.refusals = {("prod", "alias"): "this server keeps no aliases"}
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await until_seen(pilot, "[RW]", "you: mira")
        await press(pilot, "P")
        await until_seen(pilot, "This server keeps no aliases.")
        await planned(pilot, "W", "W again confirms")
        await press(pilot, "escape", "7")
        await until_seen(pilot, "can", "prod")
        await press(pilot, *["j"] * 2)
        await until_seen(pilot, "set tags, register versions", "move aliases: this server keeps no aliases")


async def test_what_was_not_ended_is_announced_and_resumed(source: FakeSource, make_app: MakeApp) -> None:
    change = SetAlias(registry="prod", model="fraud-scorer", alias="prod", after="x")
    begun = Plan(id="b" * 32, action="promote", title="promote fraud-scorer v18", at=0.0, by="ola", subject=Subject())
    source.desk.begun = [begun]
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await until_seen(pilot, "1 action not ended: lineal resume")
        await press(pilot, "ctrl+p")
        await until_seen(pilot, "end what was begun: promote fraud-scorer v18")
        await until(pilot, lambda: isinstance(app.focused, Input), "the palette")
        await press(pilot, "enter")
        await until_seen(pilot, "resume  plan", "R resumes")
        await press(pilot, "R")
        await until_seen(pilot, "✔ done")
        assert source.desk.resumed == ["b" * 32]
        await until(pilot, lambda: "not ended" not in seen(app), "the announcement gone")
    assert change.inverse().before == "x"


@pytest.mark.parametrize("screen", ["2", "3", "4", "5", "6"])
async def test_the_keys_are_there_wherever_a_version_is(source: FakeSource, make_app: MakeApp, screen: str) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        if screen == "3":
            await press(pilot, "space", "space")
        await press(pilot, screen)
        await until(pilot, lambda: app.screen.id not in (None, "models"), "the screen")
        await until(pilot, lambda: getattr(app.screen, "subject", lambda: None)() is not None, "a version")
        await press(pilot, "W")
        await typed(pilot, "from here")
        await until_seen(pilot, "W again confirms")
        await press(pilot, "W")
        await until_seen(pilot, "✔ done")
    change = source.desk.did[0][0].changes[0]
    assert isinstance(change, Say)
    assert change.text == "from here"


async def test_the_command_of_a_plan_is_copied(
    source: FakeSource, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []

    def sequence(text: str, environ: object) -> str:
        copied.append(text)
        return ""

    monkeypatch.setattr("lineal_tui.clipboard.sequence", sequence)
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        screen = await planned(pilot, "P", "y copies the command")
        await press(pilot, "y")
        await until(pilot, lambda: bool(copied), "the copy")
        await until_seen(pilot, "the command was copied")
        assert copied == [screen.pane.plan.command if screen.pane.plan else ""]


def test_the_fake_records_what_it_is_asked(source: FakeSource) -> None:
    assert isinstance(source.desk, FakeDesk)
    assert source.desk.report(source.index.row(0), "prod", Path("x"), picture="<svg/>")
