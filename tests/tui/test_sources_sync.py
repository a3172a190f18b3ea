"""Sources while a sync runs or hangs, its problems with how to mend them, and what a person sees without any."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from lineal.model.listing import ProblemRow, RegistryRow
from lineal_tui.messages import SyncStep
from lineal_tui.present import sources
from lineal_tui.present.ink import Line
from lineal_tui.screens.sources import Sources
from lineal_tui.session import Session
from tests.tui.conftest import MakeApp
from tests.tui.fake import NOW, FakeIndex, FakeSource
from tests.tui.seeing import seen, until, until_seen
from tests.tui.test_screens import opened, press

# A sync of a registry that accepts the connection and never answers.
HANGS = (
    'import sys, time; print(\'{"event":"started","registries":[]}\', flush=True); '
    "open(sys.argv[1], 'w').write('up'); time.sleep(60)"
)
ROW = RegistryRow(name="prod", kind="mlflow", url="http://127.0.0.1:9", origin="project", versions=12, synced_at=NOW)
MET = [
    ProblemRow(registry="prod", where="runs/7/meta.yaml", message="no mapping", hint="write it again"),
    ProblemRow(registry="prod", where="runs/8/\x1b[31mmeta.yaml", message="y" * 5000),
]


def told(lines: list[Line]) -> list[str]:
    """Return lines as text."""
    return ["".join(span.text for span in line) for line in lines]


def test_a_registry_that_is_read_says_how_far_and_since_when() -> None:
    steps = {"prod": SyncStep(registry="prod"), "hub": SyncStep(registry="hub", done=40, total=100, rate=8.0, left=7.0)}
    rows = [ROW, RegistryRow(name="hub", kind="huggingface", url="hub", origin="found", versions=100)]
    waits, reads = told(sources.registry_lines(rows, (), sources.Reading(steps, NOW - 12), NOW))
    assert "… reading, 12 s" in waits
    assert "40 of 100 · 8/s · 7 s left" in reads
    assert sources.shown(rows, sources.Reading(steps), syncing=True) == "reading 2 of 2 · esc cancels"
    assert sources.shown(rows, sources.IDLE, syncing=True) == "esc cancels"
    assert sources.shown([ROW], sources.IDLE, syncing=False) == ""


def test_the_session_knows_which_registries_are_still_read() -> None:
    session = Session("w", lambda: NOW)
    session.registries = [ROW, RegistryRow(name="hub", kind="huggingface", url="hub", origin="found")]
    session.begin_sync(())
    assert set(session.reading) == {"prod", "hub"}
    session.hear_sync(SyncStep(registry="hub", done=3))
    assert session.reading["hub"].done == 3
    session.hear_sync(SyncStep(registry="hub", changed=True))
    assert set(session.reading) == {"prod"}
    session.hear_sync(SyncStep(running=False))
    assert session.reading == {}
    assert session.sync is None


def test_problems_say_how_to_mend_them_and_fold_to_a_line_each() -> None:
    whole = told(sources.problem_lines(ROW, MET, 78))
    assert "  → write it again" in whole
    assert any("2 problems met, the rest was read" in line for line in whole)
    assert not any("\x1b" in line for line in whole)
    folded = told(sources.folded_lines(ROW, MET, 78))
    starts = sources.folded_starts(ROW, MET, 78)
    assert [folded[at].startswith("! runs/") for at in starts] == [True, True]
    assert len(folded) == starts[-1] + 1
    assert sources.folded_starts(ROW, [], 78) == [0]


def test_an_unreadable_registry_says_what_to_do_and_that_what_was_read_stays() -> None:
    from msgspec.structs import replace

    lines = told(sources.problem_lines(replace(ROW, error="cannot be reached", hint="is it running?"), [], 78))
    assert "  → is it running?" in lines
    assert "  what was read before stays: 12 versions" in lines
    never = told(sources.problem_lines(replace(ROW, synced_at=None, versions=0), [], 78))
    assert "nothing of it was read yet" in never


def test_what_can_be_copied_of_a_registry_and_its_problem() -> None:
    found = sources.copies(ROW, MET[1])
    assert [said for _, said in found][:3] == ["prod", "http://127.0.0.1:9", "lineal sync prod"]
    assert "\x1b" not in "".join(said for _, said in found)
    assert len(sources.copies(ROW, None)) == 3


async def test_a_registry_that_hangs_is_cancelled_and_keys_are_answered(
    source: FakeSource, make_app: MakeApp, tmp_path: Path
) -> None:
    up = tmp_path / "up"
    app = make_app(source, sync=(sys.executable, "-c", HANGS, str(up)))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "7")
        await until(pilot, lambda: isinstance(app.screen, Sources), "the screen")
        await press(pilot, "a")
        await until_seen(pilot, "esc cancels", "… reading,")
        while not up.exists():
            await asyncio.sleep(0.01)
        await press(pilot, "1", "j")
        await until_seen(pilot, "fraud-scorer v18")  # everything else goes on
        await press(pilot, "7", "escape")
        await until_seen(pilot, "Cancelled. What was read to its end stays")
        assert app.session.sync is None
        assert app.session.reading == {}
        assert "reading" not in seen(app)


async def test_problems_are_folded_and_their_place_is_copied(make_app: MakeApp) -> None:
    source = FakeSource(FakeIndex(met=MET))
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "7")
        await until_seen(pilot, "2 problems", "prod")
        screen = app.screen
        assert isinstance(screen, Sources)
        await press(pilot, "n")
        await until_seen(pilot, "→ write it again", "2 problems met, the rest was read")
        whole = screen.below.total()
        await press(pilot, "f")
        await until_seen(pilot, "! runs/7/meta.yaml", "no mapping")
        assert screen._folded
        assert screen.below.total() < whole
        assert "→ write it again" not in seen(app)
        await press(pilot, "n", "y")
        await until_seen(pilot, "copy", "lineal sync prod", "problem    runs/8/")
        await press(pilot, "escape", "f")
        await until_seen(pilot, "→ write it again")
        assert not screen._folded
