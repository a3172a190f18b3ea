"""Models as a person uses it: tabs of the details, columns and order of her choice, filters, marks, jumps."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot
from textual.widgets import Input

from lineal.model.listing import Sort
from lineal_tui import messages as m
from lineal_tui.app import LinealApp
from lineal_tui.looks import Look
from lineal_tui.places import identity
from lineal_tui.present.tabs import ORDER, Tab
from lineal_tui.screens.choices import ColumnChooser
from lineal_tui.tabs import RecordedRequest
from lineal_tui.widgets.filter import FilterBox
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeIndex, FakeSource, version
from tests.tui.seeing import screen_text, seen, until, until_seen
from tests.tui.test_hostile import _UNSAFE, HOSTILE, hostile
from tests.tui.test_screens import models, opened, press


async def chosen(pilot: Pilot[int], key: str, *words: str) -> None:
    """Open a choice, take a line for each of some words, and close it."""
    await press(pilot, key)
    for word in words:
        pilot.app.screen.query_one(Input).value = word
        await until_seen(pilot, word.replace(" ", "  "))
        await press(pilot, "enter")
    if isinstance(pilot.app.screen, ColumnChooser):
        await press(pilot, "escape")


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_tabs_show_each_side_of_a_version_and_stay_when_it_changes(
    source: FakeSource, make_app: MakeApp, size: tuple[int, int]
) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        assert "▸overview" in seen(app)
        for tab, texts in {
            Tab.PARAMS: ("optimizer.name", "adam"),
            Tab.METRICS: ("latency_ms", "▁"),
            Tab.ENVIRONMENT: ("python", "3.11.9"),
            Tab.DATA: ("transactions", "training"),
            Tab.FILES: ("1 file", "model.safetensors"),
            Tab.TENSORS: ("2 tensors", "2×768", "head.bias"),
            Tab.LINEAGE: ("came from", "inferred?"),
            Tab.HISTORY: ("staging",),
            Tab.CARD: ("A card", "What it is for."),
        }.items():
            await press(pilot, "right_square_bracket")
            await until_seen(pilot, f"▸{tab}", *texts)
            assert models(app).details.tab is tab
            assert app.session.tab == tab
        assert "# A card" not in seen(app)
        await press(pilot, "left_square_bracket", "left_square_bracket", "left_square_bracket")
        await until_seen(pilot, "▸tensors", "2 tensors")
        await press(pilot, "j", "j")
        await press(pilot, "left_square_bracket")
        await until_seen(pilot, "▸files", "sha256 000000000000")
        await until(pilot, lambda: models(app).details.ready is not None, "the version")
        await press(pilot, *["right_square_bracket"] * 6)
        await until_seen(pilot, "▸params", "focal")  # round again
        assert all(len(line) <= size[0] for line in screen_text(app))


async def test_a_tab_asks_only_when_it_is_shown_and_says_why_there_is_nothing(
    source: FakeSource, make_app: MakeApp
) -> None:
    source.broken = True
    source.index.held = [
        version("prod", "fraud-scorer", 19, card=""),
        version("prod", "fraud-scorer", 18, card="&#27;[2J **x**"),
    ]
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert "the server is away" not in seen(app)
        await press(pilot, *["right_square_bracket"] * 6)
        await until_seen(pilot, "▸tensors", "the server is away", "try again")
        await press(pilot, *["right_square_bracket"] * 3)
        await until_seen(pilot, "▸card", "No model card.", "the note of its run")
        await press(pilot, "j")
        await until_seen(pilot, "\ufffd[2J x")
        await press(pilot, *["right_square_bracket"])
        await until_seen(pilot, "▸overview", "fraud-scorer v18")


async def test_columns_are_chosen_and_remembered_for_each_model(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await chosen(pilot, "comma", "env python", "tag owner", "registry")
        await until_seen(pilot, "registry", "owner", "mira")
        await until(pilot, lambda: "python" in models(app).table.layout_of.names(), "the column")
        assert app.session.looks[""][""].columns[:3] == ("registry", "tag.owner", "env.python")
        await press(pilot, "apostrophe", *"merchant", "enter")
        await until_seen(pilot, "prod:merchant-embed", "merchant-embed v5")
        assert app.session.columns == ()
        assert "owner" not in screen_text(app)[1]
        await chosen(pilot, "comma", "env torch")
        await until_seen(pilot, "torch", "2.13.0+cu132")
        await chosen(pilot, "o", "metric.auc")
        await until(pilot, lambda: app.session.sort.field == "metric.auc", "the order")
        assert app.session.looks["prod"]["merchant-embed"].sort == Sort("metric.auc", True)
        await press(pilot, "less_than_sign")
        await until(pilot, lambda: app.session.sort == Sort(), "the order taken back")
        await press(pilot, "less_than_sign", "less_than_sign")
        await until_seen(pilot, "owner")
        assert app.session.sort == Sort()
        await press(pilot, "greater_than_sign", "greater_than_sign", "greater_than_sign")
        await until_seen(pilot, "by me", "torch")
        await chosen(pilot, "comma", "automatic")
        assert app.session.look == Look((), Sort("metric.auc", True))
        assert "torch" not in screen_text(app)[1]


async def test_environments_are_asked_for_the_rows_on_screen_once(source: FakeSource, make_app: MakeApp) -> None:
    source.index.held = [version("prod", "fraud-scorer", n) for n in range(1, 1000)]
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_seen(pilot, "fraud-scorer v")
        asked: list[RecordedRequest] = []
        table = models(app).table
        post = table.post_message

        def hear(message: m.Ask) -> bool:
            if isinstance(message, m.Ask) and isinstance(message.request, RecordedRequest):
                asked.append(message.request)
            return post(message)

        table.post_message = hear  # type: ignore[method-assign, assignment]
        await chosen(pilot, "comma", "env cuda")
        await until_seen(pilot, "13.2")
        await until(pilot, lambda: "…" not in "".join(line[27:50] for line in screen_text(app)[2:8]), "every row")
        rows = [identity(row) for request in asked for row in request.rows]
        assert len(rows) == len(set(rows))
        assert len(rows) < 60
        await press(pilot, "j", "k", "j")
        assert len([row for request in asked for row in request.rows]) == len(rows)


async def test_a_range_is_marked_survives_filters_and_is_shown_alone(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "v")
        await until_seen(pilot, "Mark where the range begins with space first.")
        await press(pilot, "u")
        await until_seen(pilot, "Nothing is marked.")
        table = models(app).table
        await press(pilot, "shift+down", "shift+down")
        names = [table.row(i) for i in range(3)]
        assert [identity(row) for row in names if row] == list(app.session.marks)
        assert table.cursor == 2
        await until_seen(pilot, "✱ 3 marked")
        await press(pilot, "shift+up")
        assert len(app.session.marks) == 3
        await press(pilot, "u")
        assert not app.session.marks
        assert "marked" not in screen_text(app)[0]
        await press(pilot, "g", "space", "j", "j", "j", "v")
        await until_seen(pilot, "✱ 5 marked")
        await press(pilot, "slash", *"alias:staging", "enter")
        await until(pilot, lambda: table.total() == 1, "one version")
        assert len(app.session.marks) == 5
        await until_seen(pilot, "✱ 5 marked")
        await press(pilot, "v")
        await until_seen(pilot, "Mark where the range begins")  # that list is gone
        await press(pilot, "full_stop")
        await until_seen(pilot, "only the 5 marked")
        assert table.total() == 5
        await press(pilot, "u")
        await until(pilot, lambda: table.total() == 1, "the list again")
        assert not app.session.marks


async def test_a_range_of_thousands_is_refused_with_the_reason(source: FakeSource, make_app: MakeApp) -> None:
    source.index.held = [version("prod", "fraud-scorer", n) for n in range(1, 1500)]
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_seen(pilot, "fraud-scorer v")
        table = models(app).table
        await press(pilot, "g", "space", "G")
        await until(pilot, lambda: table.cursor == 1498, "the end")
        await press(pilot, "v")
        await until_seen(pilot, "That would be 1499 versions, and a range holds 1000.")
        assert len(app.session.marks) == 1
        table.cursor = 400
        await press(pilot, "v")
        await until(pilot, lambda: len(app.session.marks) == 401, "a range over pages")


async def test_filters_used_before_come_back_with_up_and_what_was_typed_with_down(
    source: FakeSource, make_app: MakeApp
) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        for text in ("alias:prod", "churn"):
            await press(pilot, "slash", *text, "enter")
            await until_seen(pilot, f"/{text}")
            await press(pilot, "escape")
        assert app.session.filters == ["alias:prod", "churn"]
        await press(pilot, "slash", *"v1")
        box = _box(app)
        field = box.query_one(Input)
        await press(pilot, "up")
        assert field.value == "churn"
        await press(pilot, "up", "up")
        assert field.value == "alias:prod"
        await until(pilot, lambda: models(app).table.total() == 1, "the old filter, live")
        await press(pilot, "down", "down")
        assert field.value == "v1"
        await press(pilot, "down")
        assert models(app).table.has_focus
        assert app.session.text == "v1"
        assert app.session.filters == ["alias:prod", "churn", "v1"]


def _box(app: LinealApp) -> FilterBox:
    box = models(app).box
    assert box is not None
    return box


async def test_the_tree_tells_freshness_and_a_tab_is_opened_with_the_mouse(
    source: FakeSource, make_app: MakeApp
) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        prod = next(line for line in screen_text(app) if "▾ prod" in line)
        assert prod[:34].split()[1:] == ["prod", "2m", "24"]
        app.session.begin_sync(["hf"])
        models(app).frame()
        await until_seen(pilot, "◔")
        app.session.hear_sync(m.SyncStep(running=False))
        models(app).frame()
        await until(pilot, lambda: "◔" not in seen(app), "the end of the sync")
        pane = models(app).details
        at = next(line for line in screen_text(app) if "▸overview" in line).index(" files") + 2
        await pilot.click(pane, offset=(at - pane.region.x, 0))
        await until_seen(pilot, "▸files")
        assert app.session.tab == "files"


async def test_a_jump_finds_a_version_of_the_present_model_first(make_app: MakeApp) -> None:
    source = FakeSource(FakeIndex())
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "apostrophe", *"merchant", "enter")
        await until_seen(pilot, "prod:merchant-embed", "merchant-embed v5")
        await press(pilot, "apostrophe", *"v2")
        await until_seen(pilot, "merchant-embed v2")
        await press(pilot, "enter")
        await until_seen(pilot, "prod:merchant-embed", "merchant-embed v2")
        row = models(app).table.row()
        assert row is not None
        assert (row.model, row.name) == ("merchant-embed", "v2")


@pytest.mark.parametrize("kind", ["all", "long", "wide"])
async def test_no_tab_column_or_word_lets_hostile_text_out(make_app: MakeApp, kind: str) -> None:
    source = hostile(HOSTILE[kind])
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: models(app).table.total() == 2, "rows")
        for tab in [*ORDER[1:], ORDER[0]]:
            await press(pilot, "right_square_bracket")
            await until_seen(pilot, f"▸{tab}")
            await until(pilot, lambda: bool(models(app).details.lines), "lines")
            _is_clean(app)
        for key in ("comma", "o", "apostrophe"):
            await press(pilot, key, "down", "enter")
            _is_clean(app)
            while len(app.screen_stack) > 1:
                await press(pilot, "escape")
        await press(pilot, "slash", *"author:", "tab")
        _is_clean(app)
        assert _box(app).query_one(Input).value == "author:" or kind != "all"


def _is_clean(app: LinealApp) -> None:
    lines = screen_text(app)
    assert not any(_UNSAFE.search(line) for line in lines)
    assert all(cell_len(line) <= 80 for line in lines)
