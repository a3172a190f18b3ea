"""What is the same on every screen: moving, going, changing, and what opens above it; each key pressed there."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from lineal.model.listing import ProblemRow, VersionRow
from lineal_tui import keys
from lineal_tui.acts import Deed
from lineal_tui.app import LinealApp
from lineal_tui.keys import SCREENS, Group, Where
from lineal_tui.places import Place, Scope
from lineal_tui.screens.commanding import CommandLine
from lineal_tui.screens.copying import CopyChooser
from lineal_tui.screens.details import Details
from lineal_tui.screens.dialog import Chooser, Help
from lineal_tui.screens.finding import Jump
from lineal_tui.screens.frame import Frame
from lineal_tui.screens.preview import Preview
from lineal_tui.screens.prompt import Prompt
from lineal_tui.themes import NAMES
from lineal_tui.widgets.lines import Lines
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeSource
from tests.tui.seeing import seen, until, until_seen
from tests.tui.test_screens import press

IDS = {key.id: key.keys[0] for key in keys.TABLE}
SIZE = (120, 40)


def row(source: FakeSource, number: int) -> VersionRow:
    """Return a version of fraud-scorer."""
    found = source.index.find("prod", "fraud-scorer", f"{number:08x}c0ffee")
    assert found is not None
    return found


def app_on(where: Where, source: FakeSource, make_app: MakeApp) -> LinealApp:
    """Make an application that begins at a screen with something on it."""
    rows = (row(source, 19), row(source, 17))
    place = Place(where, Scope("prod", "fraud-scorer"), rows=rows if where is Where.COMPARE else rows[:1])
    return make_app(source, start=place, verbs=("/bin/true",))


def room(app: LinealApp) -> Frame:
    """Return the screen, with nothing above it."""
    assert isinstance(app.screen, Frame), app.screen
    return app.screen


async def ready(pilot: Pilot[int], app: LinealApp, where: Where) -> None:
    """Wait until the screen has lines to move in, and who may change what is known."""
    await until(pilot, lambda: isinstance(app.screen, Frame) and app.screen.WHERE is where, f"screen {where}")
    await until(pilot, lambda: app.session.standing is not None, "the desk")
    await until(pilot, lambda: any(pane.total() > 1 for pane in app.screen.query(Lines)), "lines")


def here(app: LinealApp) -> Lines:
    """Return the pane with the cursor."""
    return next((pane for pane in app.screen.query(Lines) if pane.has_focus), None) or app.screen.query(Lines).first(
        Lines
    )


async def back(pilot: Pilot[int], app: LinealApp) -> None:
    """Close what is above the screen."""
    while not isinstance(app.screen, Frame):
        await press(pilot, "escape")


everywhere = pytest.mark.parametrize("where", SCREENS)


@everywhere
async def test_the_keys_of_moving_move_the_cursor(source: FakeSource, make_app: MakeApp, where: Where) -> None:
    app = app_on(where, source, make_app)
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot, app, where)
        for pane_key in ("next_pane", "previous_pane"):
            await press(pilot, IDS[pane_key])
            pane = here(app)
            for top, bottom in (("top", "bottom"), ("page_up", "page_down"), ("half_up", "half_down"), ("up", "down")):
                await press(pilot, IDS["top"])
                first, shown = pane.cursor, pane.scroll_offset
                await press(pilot, IDS[bottom])
                moved = (pane.cursor, pane.scroll_offset) != (first, shown)
                assert moved or pane.total() <= 1 or pane.cursor == first, bottom
                last = pane.cursor
                await press(pilot, IDS[top])
                assert pane.cursor <= last, top
            total = pane.total()
            await press(pilot, IDS["right"], IDS["left"])
            assert here(app).total() >= 0
            assert total >= 0
        assert room(app).WHERE is where


@everywhere
async def test_numbers_go_to_their_screens_and_back(source: FakeSource, make_app: MakeApp, where: Where) -> None:
    app = app_on(where, source, make_app)
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot, app, where)
        app.session.mark((row(source, 19), row(source, 17)))
        for to in SCREENS:
            name = "compare_screen" if to is Where.COMPARE else to.value
            if why := room(app).off(name):
                await press(pilot, IDS[name])
                await until_seen(pilot, why[1:])
                assert room(app).WHERE is where
                continue
            await press(pilot, IDS[name])
            await until(pilot, lambda to=to: room(app).WHERE is to, f"screen {to}")  # type: ignore[misc]
            assert app.session.places.here.where is to
            await press(pilot, IDS["place_back"])
            await until(pilot, lambda: room(app).WHERE is where, "the way back")
            assert app.session.places.here.where is where
            await press(pilot, IDS["place_forward"])
            await until(pilot, lambda to=to: room(app).WHERE is to, "the way forward")  # type: ignore[misc]
            await press(pilot, IDS["place_back"])
            await until(pilot, lambda: room(app).WHERE is where, "the way back")


@everywhere
@pytest.mark.parametrize("leaving", ["back", "leave"])
async def test_esc_and_q_go_back_to_where_one_was(
    source: FakeSource, make_app: MakeApp, where: Where, leaving: str
) -> None:
    app = app_on(Where.SOURCES if where is Where.MODELS else Where.MODELS, source, make_app)
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot, app, app.session.places.here.where)
        before = room(app).WHERE
        app.session.mark((row(source, 19), row(source, 17)))
        await until(pilot, lambda: where is Where.MODELS or room(app).subject() is not None, "a version")
        await press(pilot, IDS["compare_screen" if where is Where.COMPARE else where.value])
        await until(pilot, lambda: room(app).WHERE is where, f"screen {where}")
        await press(pilot, IDS[leaving])
        await until(pilot, lambda: room(app).WHERE is before, "the place before")
        assert app.session.places.here.where is before


OPENS = {
    "help": Help, "palette": Chooser, "jump": Jump, "details": Details, "copy": CopyChooser, "command": CommandLine,
    "export": Chooser,
}  # fmt: skip


@everywhere
async def test_what_opens_above_a_screen_opens_and_closes(source: FakeSource, make_app: MakeApp, where: Where) -> None:
    app = app_on(where, source, make_app)
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot, app, where)
        if where is not Where.SOURCES:
            await until(pilot, lambda: room(app).subject() is not None, "a version")
        for name, opens in OPENS.items():
            if name not in {key.id for key in keys.of(where)}:
                continue
            if why := room(app).off(name):
                await press(pilot, IDS[name])
                await until_seen(pilot, why[1:])
                continue
            await press(pilot, IDS[name])
            await until(pilot, lambda opens=opens: isinstance(app.screen, opens), name)  # type: ignore[misc]
            await back(pilot, app)
        theme = app.theme
        await press(pilot, IDS["theme"])
        assert app.theme == NAMES[(NAMES.index(theme) + 1) % len(NAMES)]
        await press(pilot, IDS["zoom"])
        assert room(app).has_class("-zoom")
        await press(pilot, IDS["zoom"])
        assert not room(app).has_class("-zoom")
        await press(pilot, IDS["suspend"])  # a pilot has no shell: it stays
        assert room(app).WHERE is where
        if where is not Where.SOURCES:
            await press(pilot, IDS["sync"])
            await until(pilot, lambda: app.session.sync is None, "the sync", 20)


DEEDS = {deed.value: deed for deed in Deed if deed is not Deed.RESUME}


@everywhere
async def test_what_changes_something_shows_its_plan_or_asks_first_and_does_nothing_by_itself(
    source: FakeSource, make_app: MakeApp, where: Where
) -> None:
    app = app_on(where, source, make_app)
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot, app, where)
        if where is not Where.SOURCES:
            await until(pilot, lambda: room(app).subject() is not None, "a version")
        for key in keys.of(where):
            if key.group is not Group.CHANGE:
                continue
            if why := room(app).off(key.id):
                await press(pilot, key.keys[0])
                await until_seen(pilot, why[1:40])
                continue
            await press(pilot, key.keys[0])
            await until(pilot, lambda: isinstance(app.screen, Preview | Prompt | Chooser), f"{key.id} asks")
            if isinstance(app.screen, Preview):
                assert app.screen._request.deed is DEEDS[key.id]
            await back(pilot, app)
            assert source.desk.did == []
        assert room(app).WHERE is where


async def test_a_plan_is_walked_with_every_key_of_moving_and_left(source: FakeSource, make_app: MakeApp) -> None:
    app = app_on(Where.MODELS, source, make_app)
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot, app, Where.MODELS)
        await until(pilot, lambda: room(app).subject() is not None, "a version")
        for key in keys.of(Where.PREVIEW):
            if key.id in ("override", "take", "cancel") or key.group is Group.CHANGE:
                continue
            await press(pilot, IDS["promote"])
            await until(pilot, lambda: isinstance(app.screen, Preview) and app.screen.pane.plan is not None, "the plan")
            await press(pilot, key.keys[0])
            assert isinstance(app.screen, Preview), key.id
            await press(pilot, IDS["cancel"])
            await until(pilot, lambda: isinstance(app.screen, Frame), "the screen")
        for key in keys.of(Where.PREVIEW):
            if key.group is Group.CHANGE and key.id in DEEDS and key.id != "promote":
                await press(pilot, IDS["promote"])
                await until(pilot, lambda: isinstance(app.screen, Preview), "the plan")
                await press(pilot, key.keys[0])  # another deed's key confirms nothing
                assert isinstance(app.screen, Preview), key.id
                await back(pilot, app)
        assert source.desk.did == []


async def test_a_dialog_is_moved_in_and_closed_by_its_keys(source: FakeSource, make_app: MakeApp) -> None:
    app = app_on(Where.MODELS, source, make_app)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot, app, Where.MODELS)
        for key in keys.of(Where.DIALOG):
            await press(pilot, IDS["help"])
            await until(pilot, lambda: isinstance(app.screen, Help), "the help")
            before = seen(app)
            await press(pilot, key.keys[0])
            await pilot.pause()
            if key.id in ("close", "choose"):
                await until(pilot, lambda: isinstance(app.screen, Frame), key.id)
                continue
            assert isinstance(app.screen, Help), key.id
            if key.id in ("down", "page_down", "half_down", "bottom"):
                assert seen(app) != before, key.id
            await press(pilot, "escape")
            await until(pilot, lambda: isinstance(app.screen, Frame), "the screen")


async def test_output_of_a_command_is_moved_in_copied_and_closed_by_its_keys(
    source: FakeSource, make_app: MakeApp
) -> None:
    import sys

    from lineal_tui.screens.output import Output

    says = (sys.executable, "-S", "-c", "for n in range(200): print('line', n, 'x' * 300)")
    app = make_app(source, start=Place(Where.MODELS), verbs=says)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot, app, Where.MODELS)
        await press(pilot, "colon", *"ls", "enter")
        await until(pilot, lambda: isinstance(app.screen, Output), "the output")
        output = app.screen
        assert isinstance(output, Output)
        await until(pilot, lambda: output._code is not None, "the end", 20)
        for key in keys.of(Where.OUTPUT):
            if key.id != "stop":
                await press(pilot, key.keys[0])
                assert app.screen is output, key.id
            if key.id == "copy":
                await until_seen(pilot, "copied")
        await press(pilot, IDS["stop"])
        await until(pilot, lambda: isinstance(app.screen, Frame), "the screen")


@pytest.mark.parametrize("where", [Where.LINEAGE, Where.HISTORY, Where.REVIEW])
async def test_c_compares_the_version_under_the_cursor_with_the_live_one(
    source: FakeSource, make_app: MakeApp, where: Where
) -> None:
    app = app_on(where, source, make_app)
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot, app, where)
        await until(pilot, lambda: room(app).subject() is not None, "a version")
        await press(pilot, IDS["compare"])
        await until(pilot, lambda: room(app).WHERE is Where.COMPARE, "the comparison")
        assert len(app.session.places.here.rows) == 2


async def test_regressions_of_a_lineage_are_hopped_to_both_ways(source: FakeSource, make_app: MakeApp) -> None:
    app = app_on(Where.LINEAGE, source, make_app)
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot, app, Where.LINEAGE)
        await press(pilot, "G", "N")
        at = here(app).cursor
        hopped = at < here(app).total() - 1
        assert hopped or "No regression above." in seen(app)
        await press(pilot, "n")
        assert here(app).cursor > at or "No regression below." in seen(app)


async def test_problems_are_hopped_to_backwards_and_opened(source: FakeSource, make_app: MakeApp) -> None:
    app = app_on(Where.SOURCES, source, make_app)
    source.index.met = [ProblemRow(registry="prod", where=f"runs/{name}", message="cannot be read") for name in "ab"]
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot, app, Where.SOURCES)
        await until(pilot, lambda: not room(app).off("previous"), "problems")
        await press(pilot, "n", "n")
        last = here(app).cursor
        await press(pilot, "N")
        assert here(app).cursor < last or here(app).cursor == 0
        await press(pilot, IDS["previous_pane"], "enter")
        await until(pilot, lambda: room(app).WHERE is Where.MODELS, "the models of the registry")
        assert app.session.scope.registry == "prod"


async def test_enter_on_a_metric_of_charts_keeps_it(source: FakeSource, make_app: MakeApp) -> None:
    app = app_on(Where.CHARTS, source, make_app)
    async with app.run_test(size=SIZE) as pilot:
        await ready(pilot, app, Where.CHARTS)
        await until(pilot, lambda: bool(room(app).metric), "a metric")  # type: ignore[attr-defined]
        metric = room(app).metric  # type: ignore[attr-defined]
        await press(pilot, "enter")
        assert room(app).metric == metric  # type: ignore[attr-defined]
        assert room(app).WHERE is Where.CHARTS
