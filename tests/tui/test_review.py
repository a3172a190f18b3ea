"""Review and History: what waits, why it may not go, what was, and the way back."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Input

from lineal.model.plan import Review as Request
from lineal.model.plan import Subject
from lineal_tui.present import days, history
from lineal_tui.screens.review import Review, file_name
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeSource
from tests.tui.fake_desk import CHECKS, DAY, LATENCY, NOW, subject
from tests.tui.seeing import screen_text, seen, until, until_seen
from tests.tui.test_acting import planned, typed
from tests.tui.test_screens import opened, press

SIZES = [(80, 24), (160, 45)]
both = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


def waiting(source: FakeSource) -> None:
    """Let two candidates wait: v18 for prod, asked for by ola, and an embedding, asked for by mira herself."""
    rows = {(row.model, row.name): row for row in source.desk.rows()}
    source.desk.reviews = [
        Request(
            subject=subject(rows["fraud-scorer", "v18"]), alias="prod", asked_by="ola", asked_at=NOW - 7200,
            incumbent=subject(rows["fraud-scorer", "v17"]), incumbent_since=NOW - 12 * DAY, text="please",
        ),
        Request(
            subject=subject(rows["merchant-embed", "v5"]), alias="staging", asked_by="mira", asked_at=NOW - 3600,
            mine=True,
        ),
    ]  # fmt: skip


async def reviewing(pilot: Pilot[int]) -> Review:
    """Go to Review, and wait for a plan."""
    await press(pilot, "5")
    await until(pilot, lambda: isinstance(pilot.app.screen, Review), "the screen")
    screen = pilot.app.screen
    assert isinstance(screen, Review)
    await until(pilot, lambda: screen.verdict.plan is not None, "a plan")
    return screen


@both
async def test_review_shows_a_version_that_nobody_asked_for_for_its_likeliest_alias(
    source: FakeSource, make_app: MakeApp, size: tuple[int, int]
) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await reviewing(pilot)
        await until_seen(pilot, "fraud-scorer v19 → prod", "not asked for; V asks", "nothing waits", "you: mira [RW]")
        await until_seen(pilot, "replaces v17 (since", "checks")
        assert all(len(line) <= size[0] for line in screen_text(app))
        await planned(pilot, "V", "V again confirms")
        await press(pilot, "V")
        await until_seen(pilot, "✔ done")
        assert source.desk.asked[-2:][0][:4] == ("say", "v19", "requested", "prod") or (
            ("say", "v19", "requested", "prod", "") in source.desk.asked
        )


@both
async def test_the_inbox_says_who_asked_what_it_replaces_and_what_is_mine(
    source: FakeSource, make_app: MakeApp, size: tuple[int, int]
) -> None:
    waiting(source)
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        screen = await reviewing(pilot)
        await until_seen(pilot, "2 waiting", "asked by ola, 2 h", "yours: somebody else")
        if size[0] > 100:
            await until_seen(pilot, "replaces v17 (1 w there)", "replaces nothing", "“please”")
        assert screen.subject() is not None
        assert screen.subject() == app.session.places.here.rows[0]  # the version that it was opened on
        await press(pilot, "j")
        await until(pilot, lambda: ("promote", "v18", "prod") in source.desk.asked, "the plan of v18")
        await press(pilot, "j")
        await until(pilot, lambda: ("promote", "v5", "staging") in source.desk.asked, "the plan of the embedding")
        await press(pilot, "k")
        await until_seen(pilot, "promote fraud-scorer v18")
        assert source.desk.asked.count(("promote", "v18", "prod")) == 1  # kept


@pytest.mark.parametrize(("key", "what"), [("Y", "approved"), ("X", "rejected"), ("W", "note"), ("P", "promote")])
async def test_deeds_of_review_are_about_the_candidate_and_its_alias(
    source: FakeSource, make_app: MakeApp, key: str, what: str
) -> None:
    waiting(source)
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await reviewing(pilot)
        await press(pilot, "j")
        await until_seen(pilot, "promote fraud-scorer v18")
        await planned(pilot, key, f"{key} again confirms")
        await press(pilot, key)
        await until_seen(pilot, "✔ done")
        plan = source.desk.did[-1][0]
        assert (plan.action, plan.subject.name, plan.alias) == (what, "v18", "" if key == "W" else "prod")
        await until_seen(pilot, "2 waiting")
        screen = app.screen
        assert isinstance(screen, Review)
        assert screen.subject() is not None
        assert screen.subject().name == "v18"  # type: ignore[union-attr]


@both
async def test_enter_shows_the_evidence_of_a_check_and_a_block_is_said(
    source: FakeSource, make_app: MakeApp, size: tuple[int, int]
) -> None:
    source.desk.checks = (*CHECKS, LATENCY)
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        screen = await reviewing(pilot)
        await until_seen(pilot, "blocked by latency_ms")
        await press(pilot, "enter")
        await until(pilot, lambda: screen.verdict.has_focus, "the cursor in the plan")
        told = ["".join(span.text for span in one.line) for one in screen.verdict._told]
        at = next(i for i, line in enumerate(told) if line.startswith("✘ latency"))
        await press(pilot, *["j"] * at, "enter")
        await until_seen(pilot, "p99 23.1")


@pytest.mark.parametrize("key", ["3", "c"])
async def test_candidate_and_incumbent_are_compared(source: FakeSource, make_app: MakeApp, key: str) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await reviewing(pilot)
        await press(pilot, key)
        await until_seen(pilot, "compare   2 versions", "v17 ◂", "v19")
        await press(pilot, "escape")
        await until_seen(pilot, "not asked for")


async def test_evidence_is_written_into_the_folder_that_was_named(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await reviewing(pilot)
        await press(pilot, "e")
        await typed(pilot, "-2")
        await until_seen(pilot, "✔ 4 files in")
        name, alias, folder = source.desk.reported[0]
        assert (name, alias) == ("v19", "prod")
        assert folder.endswith("evidence/fraud-scorer-v19-prod-2")


@pytest.mark.parametrize("said", ["../../etc", "a/b\x1b", "..", "模型", "x" * 300])
def test_a_folder_for_evidence_is_one_plain_name(said: str) -> None:
    name = file_name(said)
    assert name
    assert not set(name) & set("/\\\x1b")
    assert name not in (".", "..")
    assert len(name) <= 100


async def test_what_cannot_be_promoted_is_judged_all_the_same(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "j", "j")
        await until_seen(pilot, "fraud-scorer v17")
        screen = await reviewing(pilot)
        await until_seen(pilot, "prod is v17 already", "named as agreed")
        assert screen.verdict.plan is not None
        assert screen.verdict.plan.steps == ()


async def test_an_empty_inbox_says_what_to_do(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "7", "5")
        await until_seen(pilot, "Nothing waits for a review.", "lineal request")
        await press(pilot, "P")
        await until_seen(pilot, "No version under the cursor.")


async def test_a_candidate_that_is_gone_is_said_to_be(source: FakeSource, make_app: MakeApp) -> None:
    source.desk.reviews = [
        Request(subject=Subject(registry="prod", model="gone", key="k", name="v1"), alias="prod", asked_at=NOW)
    ]
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "7", "5")
        await until_seen(pilot, "gone v1 is no longer in the index")


# --- history ---


@both
async def test_history_draws_every_alias_and_the_record_newest_first(
    source: FakeSource, make_app: MakeApp, size: tuple[int, int]
) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await press(pilot, "6")
        await until_seen(pilot, "history   prod:fraud-scorer", "prod", "staging", "~~", "▏v14", "▏v17", "requested")
        lines = screen_text(app)
        order = [
            next(i for i, line in enumerate(lines) if mark in line) for mark in ("requested", "→ v19", "v14 → v17")
        ]
        assert order == sorted(order)
        assert all(len(line) <= size[0] for line in lines)
        await until_seen(pilot, "approved by sven", "drift seen")


@both
async def test_a_day_is_jumped_to_and_unknown_is_said(
    source: FakeSource, make_app: MakeApp, size: tuple[int, int]
) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await press(pilot, "6")
        await until_seen(pilot, "drift seen")
        await press(pilot, "t")
        await typed(pilot, days.spelt(NOW - 15 * DAY))
        await until_seen(pilot, f"on {days.spelt(NOW - 15 * DAY)} UTC", "v14 since", "unknown: nobody looked")
        await press(pilot, "t")
        await typed(pilot, "40d")
        await until_seen(pilot, f"on {days.spelt(NOW - 40 * DAY)} UTC", "when it was v12")
        await press(pilot, "right")
        await until_seen(pilot, f"on {days.spelt(NOW - 39 * DAY)} UTC")
        await press(pilot, "t")
        await typed(pilot, "soon")
        await until_seen(pilot, "a date is written 2026-03-01")


async def test_a_deployment_that_differs_from_its_alias_is_marked(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(160, 45)) as pilot:
        await opened(pilot)
        await press(pilot, "6")
        await until_seen(pilot, "≠ prod-eu runs v14")


async def test_rolling_back_goes_to_the_holding_under_the_cursor(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "6")
        await until_seen(pilot, "drift seen")
        await press(pilot, *["j"] * 4)
        await until(pilot, lambda: any("▌" in line and "→ v14" in line for line in screen_text(app)), "the holding")
        await planned(pilot, "R", "R again confirms")
        assert source.desk.asked[-1] == ("rollback", "fraud-scorer", "prod", "v14", "")
        await press(pilot, "R")
        await until_seen(pilot, "✔ done: prod v17 → v14")


async def test_undo_is_about_the_event_under_the_cursor(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "6")
        await until_seen(pilot, "drift seen")
        await press(pilot, "j", "j")
        await planned(pilot, "U", "U again confirms")
        assert source.desk.asked[-1] == ("undo", "a" * 32)


@both
async def test_enter_shows_checks_approvals_command_and_signer(
    source: FakeSource, make_app: MakeApp, size: tuple[int, int]
) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await press(pilot, "6")
        await until_seen(pilot, "drift seen")
        await press(pilot, "j", "j", "enter")
        await until_seen(pilot, "on record", "SHA256:7c1f", "lineal promote fraud-scorer@v17")
        await press(pilot, "G")
        await until_seen(pilot, "p99 23.1", "approved by sven")
        await press(pilot, "escape")
        await until(pilot, lambda: "on record" not in seen(app), "the record again")


async def test_the_history_of_everything_names_the_models(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "7", "6")
        await until_seen(pilot, "every model", "fraud-scorer@prod")


async def test_nothing_on_record_says_what_makes_a_record(source: FakeSource, make_app: MakeApp) -> None:
    source.desk.held_ones, source.desk.entries = [], []
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "6")
        await until_seen(pilot, "Nothing is on record here yet.")
        await press(pilot, "t")
        await until_seen(pilot, "Nothing is on record.")


@pytest.mark.parametrize("said", ["2026-13-01", "", "soon", "2026-03-01T12", "9999-01-01", "0001-01-01", "99999d"])
def test_what_is_no_day_of_the_record_is_refused(said: str) -> None:
    with pytest.raises(ValueError):
        days.typed(said, NOW)


def test_days_are_told_by_what_was_held_in_them(source: FakeSource) -> None:
    held = days.by_alias(source.desk.held_ones)["prod", "fraud-scorer", "prod"]
    assert [one.subject.name for one in days.on(held, days.start(NOW - 12 * DAY))] == ["v14", "v17"]
    assert [one.source for one in days.on(held, days.start(NOW - 300 * DAY))] == ["unknown"]
    assert days.at(held, NOW - 40 * DAY) is None
    assert days.at(held, NOW).subject.name == "v17"  # type: ignore[union-attr]
    late = [replace(held[1], since=NOW - 30 * DAY)]
    assert [one.source for one in days.on(late, days.start(NOW - 30 * DAY))] == ["unknown", "observed"]
    assert not days.known(days.on(late, days.start(NOW - 50 * DAY))[0])


def test_an_event_and_what_it_brought_about_are_one_line(source: FakeSource) -> None:
    items = history.items(source.desk.held_ones, source.desk.entries)
    assert sum(item.holding is not None and item.entry is not None for item in items) == 1
    assert len(items) == 5
    assert isinstance(Input, type)
