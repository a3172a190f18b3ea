"""What a person does on Charts: draws metrics together, changes what runs along x, reads values, zooms and pans."""

from __future__ import annotations

import pytest

from lineal.model.values import Series
from lineal_tui.screens.charts import Charts
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeSource
from tests.tui.seeing import seen, until, until_seen


def _screen(app: object) -> Charts:
    screen = getattr(app, "screen", None)
    assert isinstance(screen, Charts)
    return screen


async def test_metrics_stand_beside_one_another_in_forms_that_change(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await until_seen(pilot, "v19")
        await pilot.press("4")
        await until_seen(pilot, "19 versions by date", "v17 prod")
        await pilot.press("m", "j")
        await until_seen(pilot, "loss +1", "× auc", "a scale of its own")
        assert _screen(app)._view.pinned == ("auc",)
        await pilot.press("r")
        await until(pilot, lambda: "+1" not in seen(app), "one metric")
        await pilot.press("v")
        await until_seen(pilot, "points", "by param.")
        assert _screen(app)._view.form == "points"
        await pilot.press("v")
        await until_seen(pilot, "best third", "worst third", "closest:")
        await pilot.press("a")
        await until_seen(pilot, "Parallel coordinates have an axis for every parameter")
        await pilot.press("v")
        await until_seen(pilot, "19 versions by date")
        await pilot.press("a")
        await until(pilot, lambda: _screen(app)._view.log_y, "a logarithmic axis")
        await until_seen(pilot, "log")


async def test_time_runs_along_x_where_it_is_chosen(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await until_seen(pilot, "v19")
        await pilot.press("4")
        await until_seen(pilot, "19 versions by date")
        await pilot.press("t")
        await until_seen(pilot, "along x:", "metric")
        await pilot.press("down", "enter")
        await until(pilot, lambda: _screen(app)._view.x == "created", "time along x")


async def test_zoom_and_pan_show_parts_and_a_cursor_reads_values(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await until_seen(pilot, "v19")
        await pilot.press("4")
        await until_seen(pilot, "19 versions by date")
        await pilot.press("plus")
        await until_seen(pilot, "zoom 2×", "10 of 19 versions")
        assert _screen(app)._view.window == (0.5, 1.0)
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: _screen(app)._view.window == (0.25, 0.75), "what lies left")
        await pilot.press("right_square_bracket", "right_square_bracket")
        await until(pilot, lambda: _screen(app)._view.window == (0.5, 1.0), "the end, and no further")
        await pilot.press("minus")
        await until(pilot, lambda: _screen(app)._view.window == (0.0, 1.0), "all of it")
        await until_seen(pilot, "19 versions by date")
        await pilot.press("l")
        await until(pilot, lambda: _screen(app)._cell is not None, "a cursor")
        await until_seen(pilot, "x v1", "auc 0.9050 v1")
        await pilot.press("l")
        await until(pilot, lambda: _screen(app)._cell == 1, "the cursor a column to the right")
        await pilot.press("h")
        await until(pilot, lambda: _screen(app)._cell == 0, "and back")
        await pilot.press("escape")
        await until(pilot, lambda: _screen(app)._cell is None, "no cursor")
        assert isinstance(app.screen, Charts)


async def test_curves_are_smoothed_and_run_along_time(
    source: FakeSource, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    def series(row: object, metric: str) -> Series:
        del row
        return Series(
            metric, list(range(50)), [float(at % 5) for at in range(50)], [1.0e9 + 60 * at for at in range(50)]
        )

    monkeypatch.setattr(source, "series", series)
    app = make_app(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await until_seen(pilot, "v19")
        await pilot.press("space", "4", "x")
        await until_seen(pilot, "50 points, by step")
        await pilot.press("w")
        await until_seen(pilot, "0.6")
        assert _screen(app)._view.smoothing == 0.6
        await pilot.press("t")
        await until(pilot, lambda: _screen(app)._view.clock == "time", "wall time")
        await pilot.press("t")
        await until(pilot, lambda: _screen(app)._view.clock == "relative", "relative time")
