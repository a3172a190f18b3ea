"""`<` and `>` take changes of the view back and make them again; `esc` still leaves the place."""

from __future__ import annotations

from lineal.model.listing import Sort
from lineal_tui.keys import Where
from lineal_tui.places import Place, Places
from lineal_tui.screens.charts import Charts
from lineal_tui.screens.compare import Compare
from lineal_tui.screens.dialog import Quit
from lineal_tui.screens.lineage import Lineage
from lineal_tui.screens.models import Models
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeSource
from tests.tui.seeing import seen, until, until_seen
from tests.tui.test_resuming import models, press

BACK, ON = "less_than_sign", "greater_than_sign"


async def test_a_filter_is_one_step_however_it_was_typed(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(100, 30)) as pilot:
        await until_seen(pilot, "fraud-scorer")
        await press(pilot, "slash", *"chu")
        await until(pilot, lambda: app.session.text == "chu", "some of it")
        await press(pilot, *"rn", "enter")
        await until(pilot, lambda: app.session.text == "churn" and models(app).table.total() == 3, "the filter")
        await press(pilot, BACK)
        await until(pilot, lambda: app.session.text == "" and models(app).table.total() == 31, "no filter")
        assert not app.session.places.can(-1)
        await press(pilot, ON)
        await until(pilot, lambda: app.session.text == "churn" and models(app).table.total() == 3, "it again")
        await press(pilot, "escape")  # takes the filter away, as ever
        await until(pilot, lambda: app.session.text == "", "no filter")
        assert app.session.places.here.where is Where.MODELS


async def test_order_tab_and_only_marked(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(100, 30)) as pilot:
        await until_seen(pilot, "fraud-scorer")
        await press(pilot, "o", *"metric.loss", "enter")
        await until(pilot, lambda: app.session.sort.field == "metric.loss", "the order")
        await press(pilot, "right_square_bracket", "right_square_bracket")
        await until_seen(pilot, "▸metrics")
        await press(pilot, "space", "full_stop")
        await until_seen(pilot, "only the 1 marked")
        await press(pilot, BACK)
        await until(pilot, lambda: models(app).table.total() == 31, "all of them")
        await press(pilot, BACK)
        await until_seen(pilot, "▸overview")  # both turns of the tab at once
        assert app.session.sort.field == "metric.loss"
        await press(pilot, BACK)
        await until(pilot, lambda: app.session.sort == Sort(), "the order as it was")
        await press(pilot, ON, ON, ON)
        await until_seen(pilot, "only the 1 marked", "▸metrics")
        assert app.session.sort.field == "metric.loss"


async def test_compare(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(100, 30)) as pilot:
        await until_seen(pilot, "fraud-scorer")
        await press(pilot, "space", "space", "space", "c")
        await until(pilot, lambda: isinstance(app.screen, Compare) and app.screen.grid.diff is not None, "the grid")
        assert isinstance(app.screen, Compare)
        screen = app.screen
        steps = [screen.view()]
        for key in ("f", "full_stop", "b", "x"):
            await press(pilot, key)
            steps.append(screen.view())
        assert len(set(steps)) == 5
        for view in reversed(steps[:-1]):
            await press(pilot, BACK)
            await until(pilot, lambda view=view: screen.view() == view, str(view))  # type: ignore[misc]
        for view in steps[1:]:
            await press(pilot, ON)
            await until(pilot, lambda view=view: screen.view() == view, str(view))  # type: ignore[misc]
        await press(pilot, "escape")  # leaves the comparison, whatever was changed of its view
        await until(pilot, lambda: isinstance(app.screen, Models) and app.screen.table.total() > 0, "Models")
        await press(pilot, "q")
        await until(pilot, lambda: isinstance(app.screen, Quit), "the question")


async def test_charts_zoomed_many_times_is_one_step(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(100, 30)) as pilot:
        await until_seen(pilot, "fraud-scorer")
        await press(pilot, "4")
        await until(pilot, lambda: isinstance(app.screen, Charts) and app.screen._points > 0, "the chart")
        assert isinstance(app.screen, Charts)
        screen = app.screen
        first = screen.view()
        await press(pilot, "a")
        logs = screen.view()
        await press(pilot, "plus", "plus", "left_square_bracket")
        assert screen.view().view.zoom == 4
        await press(pilot, BACK)
        await until(pilot, lambda: screen.view() == logs, "not zoomed")
        await press(pilot, BACK)
        await until(pilot, lambda: screen.view() == first, "the chart at first")
        await press(pilot, ON, ON)
        await until(pilot, lambda: screen.view().view.zoom == 4, "zoomed again")


async def test_lineage(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(100, 30)) as pilot:
        await until_seen(pilot, "fraud-scorer")
        await press(pilot, "2")
        await until(pilot, lambda: isinstance(app.screen, Lineage) and app.screen.branches.total() > 1, "lineage")
        assert isinstance(app.screen, Lineage)
        screen = app.screen
        await press(pilot, "t", "f")
        await until_seen(pilot, "with siblings")
        await press(pilot, BACK)
        await until(pilot, lambda: not screen.view().siblings and screen.view().lanes, "no siblings")
        await press(pilot, BACK)
        await until(pilot, lambda: not screen.view().lanes, "the tree")
        assert "with siblings" not in seen(app)
        await press(pilot, ON, ON)
        await until(pilot, lambda: screen.view().siblings and screen.view().lanes, "both again")


def test_the_history_is_bounded() -> None:
    places = Places(Place(Where.MODELS))
    for number in range(1000):
        places.turn(Place(Where.MODELS, text=str(number)), "sort", apart=True)
    steps = 0
    while places.can(-1):
        places.step(-1)
        steps += 1
    assert steps < 200
    assert places.out == 0
