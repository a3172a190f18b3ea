"""A session that comes back: what a person left is what she finds, and no file stops anybody."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from lineal.model.listing import Sort
from lineal_tui.app import LinealApp
from lineal_tui.keeping import Keeper
from lineal_tui.keys import Where
from lineal_tui.looks import Look
from lineal_tui.resuming import LARGEST, SCHEMA, decode
from lineal_tui.screens.charts import Charts
from lineal_tui.screens.compare import Compare
from lineal_tui.screens.lineage import Lineage
from lineal_tui.screens.models import Models
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeSource
from tests.tui.seeing import seen, until, until_seen


async def press(pilot: Pilot[int], *keys: str) -> None:
    """Press keys, one after another."""
    for key in keys:
        await pilot.press(key)
        await pilot.pause()


def models(app: LinealApp) -> Models:
    """Return the screen."""
    assert isinstance(app.screen, Models)
    return app.screen


async def quits(pilot: Pilot[int]) -> None:
    """Quit, as ctrl+q does."""
    await pilot.press("ctrl+q")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the session is kept."""
    return tmp_path / "state" / "sessions" / "one.json"


async def test_models_comes_back_as_it_was_left(source: FakeSource, make_app: MakeApp, file: Path) -> None:
    app = make_app(source, keeper=Keeper(file))
    async with app.run_test(size=(100, 30)) as pilot:
        await until_seen(pilot, "fraud-scorer")
        await press(pilot, "space", "space", "right_square_bracket", "slash", *"fraud", "enter")
        await until_seen(pilot, "/fraud")
        app.session.sort = Sort("metric.auc")
        models(app).renew()
        await until_seen(pilot, "by metric.auc")
        await press(pilot, "j", "j", "j", "ctrl+t")
        await until(pilot, lambda: models(app).table.cursor == 3, "the cursor")
        row, marks, theme = models(app).subject(), list(app.session.marks), app.theme
        await quits(pilot)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not list(file.parent.glob(".*"))

    again = make_app(source, keeper=Keeper(file))
    async with again.run_test(size=(100, 30)) as pilot:
        await until_seen(pilot, "/fraud", "by metric.auc", "▸params")
        await until(pilot, lambda: models(again).subject() == row, "the version under the cursor")
        await until(pilot, lambda: list(again.session.marks) == marks, "the marks")
        assert again.session.filters == ["fraud"]
        assert again.theme == theme
        await quits(pilot)

    fresh = make_app(source, keeper=Keeper(file, fresh=True))
    async with fresh.run_test(size=(100, 30)) as pilot:
        await until_seen(pilot, "fraud-scorer")
        assert "/fraud" not in seen(fresh)
        assert decode(file.read_bytes()).models.text == "fraud"  # until it ends itself
        await quits(pilot)
    assert decode(file.read_bytes()).models.text == ""


async def test_a_comparison_comes_back_with_its_baseline_and_layout(
    source: FakeSource, make_app: MakeApp, file: Path
) -> None:
    app = make_app(source, keeper=Keeper(file))
    async with app.run_test(size=(100, 30)) as pilot:
        await until_seen(pilot, "fraud-scorer")
        await press(pilot, "space", "space", "space", "c")
        await until(pilot, lambda: isinstance(app.screen, Compare) and app.screen.grid.diff is not None, "the grid")
        await press(pilot, "b", "full_stop", "x")
        assert isinstance(app.screen, Compare)
        view = app.screen.view()
        assert view.transposed
        assert not view.changed_only
        await quits(pilot)
    again = make_app(source, keeper=Keeper(file))
    async with again.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: isinstance(again.screen, Compare) and again.screen.grid.diff is not None, "it again")
        assert isinstance(again.screen, Compare)
        assert again.screen.view() == view
        await until_seen(pilot, "3 versions  everything")
        await press(pilot, "escape")
        await until(pilot, lambda: isinstance(again.screen, Models) and bool(again.screen.table.total()), "Models")
        assert len(again.session.marks) == 3


async def test_charts_and_lineage_come_back(source: FakeSource, make_app: MakeApp, file: Path) -> None:
    app = make_app(source, keeper=Keeper(file))
    async with app.run_test(size=(100, 30)) as pilot:
        await until_seen(pilot, "fraud-scorer")
        await press(pilot, "4")
        await until(pilot, lambda: isinstance(app.screen, Charts) and bool(app.screen.metric), "charts")
        await press(pilot, "a", "m", "j")
        assert isinstance(app.screen, Charts)
        view = app.screen.view()
        await quits(pilot)
    again = make_app(source, keeper=Keeper(file))
    async with again.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: isinstance(again.screen, Charts) and bool(again.screen.metric), "charts again")
        assert isinstance(again.screen, Charts)
        assert again.screen.view() == view
        await press(pilot, "escape", "2")
        await until(pilot, lambda: isinstance(again.screen, Lineage) and again.screen.branches.total() > 0, "lineage")
        await press(pilot, "t", "f")
        await quits(pilot)
    third = make_app(source, keeper=Keeper(file))
    async with third.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: isinstance(third.screen, Lineage), "lineage again")
        assert isinstance(third.screen, Lineage)
        await until(pilot, lambda: isinstance(third.screen, Lineage) and third.screen.view().lanes, "the graph")
        assert third.screen.view().siblings


async def test_what_is_gone_is_said_and_the_nearest_place_shown(
    source: FakeSource, make_app: MakeApp, file: Path
) -> None:
    file.parent.mkdir(parents=True)
    gone = ["prod", "no-such-model", "00", "v1"]
    saved = {
        "schema": SCHEMA, "models": {"where": "models", "registry": "prod", "model": "no-such-model", "rows": [gone]},
        "here": {"where": "compare", "rows": [gone, gone]}, "marks": [gone],
    }  # fmt: skip
    file.write_bytes(msgspec.json.encode(saved))
    app = make_app(source, keeper=Keeper(file))
    async with app.run_test(size=(100, 30)) as pilot:
        await until_seen(pilot, "No longer here", "1 version of the last session", "its model")
        assert app.session.places.here.where is Where.MODELS
        assert app.session.scope.registry == "prod"
        await until(pilot, lambda: models(app).table.total() == 24, "all of the registry")


BROKEN = {
    "empty": b"",
    "cut": b'{"schema":1,"models":{"whe',
    "another version": b'{"schema":99}',
    "not ours": b"[1,2,3]",
    "too large": b'{"schema":1,"tab":"' + b"x" * LARGEST + b'"}',
    "no utf-8": b'{"schema":1,"tab":"\xff\xfe"}',
    "a screen that is none": b'{"schema":1,"models":{"where":"nowhere"}}',
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("said", BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_file_is_said_once_and_stops_nobody(
    source: FakeSource, make_app: MakeApp, file: Path, said: bytes
) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(said)
    app = make_app(source, keeper=Keeper(file))
    async with app.run_test(size=(100, 30)) as pilot:
        await until_seen(pilot, "fraud-scorer", "This session begins anew")
        assert file.read_bytes() == said
        await quits(pilot)
    assert decode(file.read_bytes()).schema == SCHEMA


async def test_hostile_values_are_left_out(source: FakeSource, make_app: MakeApp, file: Path) -> None:
    file.parent.mkdir(parents=True)
    evil = "\x1b]0;owned\x07\u202e"
    saved = {
        "schema": SCHEMA, "tab": evil, "theme": evil, "lists": {"filters": [evil, "fine"], "__class__": [evil]},
        "models": {"where": "models", "text": evil, "view": {"type": "models", "tab": evil, "look": {
            "columns": [evil, "metric.auc"], "sort": {"field": f"metric {evil}", "descending": True}}}},
        "looks": {evil: {evil: {"columns": [evil]}}},
        "here": {"where": "charts", "rows": [["prod", "fraud-scorer", f"{3:08x}c0ffee", evil]], "view": {
            "type": "charts", "metric": evil, "view": {"window": [0.5, 0.5], "smoothing": 7.5, "x": evil}}},
        "marks": [[evil, evil, evil, evil]],
    }  # fmt: skip
    file.write_bytes(msgspec.json.encode(saved))
    app = make_app(source, keeper=Keeper(file))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, Charts) and bool(app.screen.metric), "charts")
        assert app.session.filters == ["fine"]
        assert "\x1b" not in seen(app)
        assert "\u202e" not in seen(app)
        await press(pilot, "escape")
        await until(pilot, lambda: isinstance(app.screen, Models) and bool(app.screen.table.total()), "Models")
        assert app.session.text == ""
        assert app.session.look == Look(("metric.auc",))
        await quits(pilot)


async def test_a_folder_that_takes_nothing_costs_one_line(
    source: FakeSource, make_app: MakeApp, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file where the folder would be")
    keeper = Keeper(tmp_path / "state" / "sessions" / "one.json")
    app = make_app(source, keeper=keeper)
    async with app.run_test(size=(100, 30)) as pilot:
        await until_seen(pilot, "fraud-scorer")
        await quits(pilot)
    assert keeper.trouble.startswith("the session could not be kept")
    assert "\n" not in keeper.trouble


def test_an_older_write_never_replaces_a_newer(file: Path) -> None:
    keeper = Keeper(file)
    first, second = keeper.turn(), keeper.turn()
    keeper.write(b"new", second)
    keeper.write(b"old", first)
    assert file.read_bytes() == b"new"
