"""Each screen shows what it is for, and each key does what the help says, at the sizes that people have."""

from __future__ import annotations

import pytest
from textual.pilot import Pilot

from lineal_tui.app import LinealApp
from lineal_tui.keys import Where
from lineal_tui.screens.models import Models
from lineal_tui.widgets.lines import Lines
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeIndex, FakeSource
from tests.tui.seeing import screen_text, seen, until, until_seen

SIZES = [(80, 24), (160, 45), (200, 50)]
both = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


def models(app: LinealApp) -> Models:
    """Return the Models screen."""
    screen = app.screen_stack[0]
    assert isinstance(screen, Models)
    return screen


async def press(pilot: Pilot[int], *names: str) -> None:
    """Press keys one after another, each once the one before is done with."""
    for name in names:
        await pilot.press(name)
        await pilot.pause()


async def opened(pilot: Pilot[int]) -> None:
    """Wait for the first list and the first details."""
    await until_seen(pilot, "v19", "fraud-scorer v19")


@both
async def test_models_shows_tree_table_and_details(
    source: FakeSource, make_app: MakeApp, size: tuple[int, int]
) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await until_seen(
            pilot, "everything", "merchant-embed", "staging", "auc▲", "finetuned  v18  inferred", "synced 2 min"
        )
        assert all(len(line) <= size[0] for line in screen_text(app))
        await until_seen(pilot, "[RW]")
        assert "? keys" in screen_text(app)[-1]


@both
async def test_lineage_reads_without_colour(source: FakeSource, make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await press(pilot, "2")
        await until_seen(pilot, "bert-base-uncased", "finetuned ─ v18", "v19 ◂", "copied ─ churn v1", "proved")
        assert "inferred?" in seen(app)
        assert "├─ trained on transactions" in seen(app)
        assert "16 versions folded" in seen(app)


async def test_lineage_hops_between_regressions(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "2")
        await until_seen(pilot, "▼ auc −0.0400")
        await press(pilot, "g", "n")
        await until(pilot, lambda: any("▌" in line and "▼ auc" in line for line in screen_text(app)), "a regression")
        await press(pilot, "n")
        await until_seen(pilot, "No regression below.")


async def test_lineage_shows_the_data_of_any_version_when_unfolded(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "2")
        await until_seen(pilot, "trained on transactions")
        assert seen(app).count("trained on") == 1
        await press(pilot, "k", "k", "l")
        await until(pilot, lambda: seen(app).count("trained on") == 2, "the data of v17")
        await press(pilot, "h")
        assert seen(app).count("trained on") == 1


async def test_lineage_unfolds_goes_there_and_comes_back(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "2")
        await until_seen(pilot, "folded")
        await press(pilot, "g", "j", "l")
        assert "folded" not in seen(app)
        await press(pilot, "h")
        assert "folded" in seen(app)
        await press(pilot, "G", "enter")
        await until_seen(pilot, "lineage   churn v1")
        await press(pilot, "escape")
        await until_seen(pilot, "lineage   fraud-scorer v19")
        await press(pilot, "greater_than_sign")
        await until_seen(pilot, "lineage   churn v1")
        await press(pilot, "1")
        await until_seen(pilot, "models   risk-models:churn", "churn v1")


@both
async def test_charts_draw_versions_and_steps(source: FakeSource, make_app: MakeApp, size: tuple[int, int]) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await press(pilot, "4")
        await until_seen(pilot, "19 versions by date", "v17 prod")
        await press(pilot, "plus")
        await until_seen(pilot, "zoom 2×", "10 of 19 versions")
        await press(pilot, "minus")
        await until(pilot, lambda: "zoom 2×" not in seen(app) and "19 versions by date" in seen(app), "all of them")
        await press(pilot, "j")
        await until_seen(pilot, "loss  fraud-scorer")
        await press(pilot, "x")
        await until_seen(pilot, "20 points, by step")


@both
async def test_sources_show_freshness_problems_and_hints(make_app: MakeApp, size: tuple[int, int]) -> None:
    from lineal.model.listing import ProblemRow

    index = FakeIndex(
        met=[
            ProblemRow(
                registry="files", where="runs/3/model.bin", message="the header ends early", hint="copy it again"
            ),
            ProblemRow(registry="prod", where="run 7", message="no meta.yaml"),
        ],
        errors={"prod": ("the server refused the token", "set MLFLOW_TRACKING_TOKEN")},
    )
    app = make_app(FakeSource(index))
    async with app.run_test(size=size) as pilot:
        await until_seen(pilot, "everything")
        await press(pilot, "7")
        await until_seen(
            pilot, "2 min ago", "runs/3/model.bin", "the header ends early", "copy it again", "✘ unreadable"
        )
        await press(pilot, "n", "n")
        await until_seen(pilot, "set MLFLOW_TRACKING_TOKEN", "no meta.yaml")


async def test_the_cursor_moves_as_vi_and_less_do(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        table = models(app).table
        seen_at = []
        for name in ("j", "down", "k", "up", "ctrl+d", "ctrl+u", "pagedown", "pageup", "G", "g", "end", "home"):
            await press(pilot, name)
            seen_at.append(table.cursor)
        assert seen_at[:4] == [1, 2, 1, 0]
        assert seen_at[4] > 2
        assert seen_at[5] == 0
        assert seen_at[6] > seen_at[4]
        assert seen_at[7] == 0
        assert seen_at[8:] == [30, 0, 30, 0]


async def test_the_tree_narrows_the_table_and_folds(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "shift+tab")
        assert models(app).branches.has_focus
        await press(pilot, "G")
        await until_seen(pilot, "models   risk-models:churn")
        assert models(app).table.total() == 3
        await press(pilot, "h")
        await until(pilot, lambda: models(app).branches.total() == 9, "a folded registry")
        await press(pilot, "l", "enter")
        assert models(app).table.has_focus


async def test_the_filter_is_live_points_at_errors_and_completes(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "slash", *"metric.auc>=0.94")
        await until(pilot, lambda: models(app).table.total() == 2, "two versions")
        await press(pilot, "enter")
        assert "/metric.auc>=0.94" in screen_text(app)[0]
        assert models(app).table.has_focus
        await press(pilot, "escape")
        await until(pilot, lambda: models(app).table.total() == 31, "all versions")
        await press(pilot, "slash", *"v1 medel:churn")
        await until_seen(pilot, "no field is called 'medel'")
        carets = next(line for line in screen_text(app) if "^^^^^" in line)
        typed = next(line for line in screen_text(app) if "medel:churn" in line and "/ v1" in line)
        assert carets.index("^") == typed.index("medel")
        await press(pilot, "escape")
        await until(pilot, lambda: models(app).table.total() == 31, "all versions")
        await press(pilot, "slash", *"metric.")
        await until_seen(pilot, "latency_ms")
        await press(pilot, "tab")
        box = models(app).box
        assert box is not None
        await until_seen(pilot, "/ metric.auc")
        await press(pilot, "tab")
        await until_seen(pilot, "/ metric.latency_ms")


async def test_marks_last_over_screens_and_can_be_shown_alone(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "full_stop")
        await until_seen(pilot, "Nothing is marked.")
        await press(pilot, "space", "j", "space", "full_stop")
        assert models(app).table.total() == 2
        assert seen(app).count("✱") == 2
        await press(pilot, "full_stop")
        await until(pilot, lambda: models(app).table.total() == 31, "all again")
        await press(pilot, "g", "space")
        assert len(app.session.marks) == 1


async def test_one_mark_is_compared_with_the_version_under_the_cursor(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "space", "c")
        await until_seen(pilot, "compare   2 versions", "v18 ◂", "v19")


async def test_without_a_mark_a_version_is_compared_with_the_live_one(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "c")
        await until_seen(pilot, "compare   2 versions", "v17 ◂", "v19")


async def test_the_live_version_is_compared_with_the_one_before_it(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "j", "j", "c")
        await until_seen(pilot, "compare   2 versions", "v17 ◂", "v16")


async def test_details_say_how_a_version_stands_beside_the_live_one(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await until_seen(pilot, "▼ −0.0350 on prod")


async def test_sort_and_columns_are_chosen_from_what_is_there(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "o", *"auc", "enter")
        await until_seen(pilot, "by metric.auc ↓")
        first = models(app).table.row(0)
        assert first is not None
        assert first.metrics["auc"] == pytest.approx(0.94)
        await press(pilot, "o", *"auc", "enter")
        await until_seen(pilot, "by metric.auc ↑")
        await press(pilot, "comma", *"message", "enter")
        await until_seen(pilot, "columns:")
        await press(pilot, "escape")
        await until(pilot, lambda: any(c.source == "message" for c in app.session.columns), "a column")


async def test_jump_finds_models_and_versions_by_name(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "apostrophe", *"merch")
        await until_seen(pilot, "merchant-embed  prod  5 versions")
        await press(pilot, "enter")
        await until_seen(pilot, "models   prod:merchant-embed", "merchant-embed v5")
        await press(pilot, "apostrophe", *"v12")
        await until_seen(pilot, "fraud-scorer v12")
        await press(pilot, "enter")
        await until(pilot, lambda: models(app).table.cursor == 7, "the row of v12")


async def test_zoom_gives_the_window_to_one_pane(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "z")
        await until(pilot, lambda: models(app).table.size.width == 80, "a table over the window")
        assert not models(app).branches.display
        await press(pilot, "z", "tab", "z")
        detail = models(app).query_one("#detail", Lines)
        await until(pilot, lambda: detail.size.height == 22, "details over the window")
        await press(pilot, "escape")
        await until_seen(pilot, "everything")


async def test_details_show_everything(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "i")
        await until_seen(pilot, "details", "from     finetuned")
        await press(pilot, "G")
        await until_seen(pilot, "What it is for.")
        await press(pilot, "q")
        await until_seen(pilot, "everything")


async def test_the_help_says_why_a_key_is_off(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(160, 60)) as pilot:
        await opened(pilot)
        await press(pilot, "question_mark")
        await until_seen(pilot, "off: you are here", "Go")
        await press(pilot, "G")
        await until_seen(pilot, "off: mark two versions first, with space")
        await press(pilot, "escape")
        await until_seen(pilot, "everything")


async def test_the_palette_does_everything_by_name(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "ctrl+p", *"metrics across", "enter")
        await until_seen(pilot, "19 versions by date")


async def test_q_goes_back_and_asks_at_the_root(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "escape")
        await until_seen(pilot, "This is the root; q quits.")
        await press(pilot, "7", "q")
        await until_seen(pilot, "everything")
        await press(pilot, "q")
        await until_seen(pilot, "quit?")
        await press(pilot, "enter")
        await until(pilot, lambda: "quit?" not in seen(app), "enter stays")
        assert app.is_running
        await press(pilot, "q", "q")
        await until(pilot, lambda: not app.is_running, "the end")


async def test_a_window_too_small_says_so_and_recovers(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(59, 15)) as pilot:
        await until_seen(pilot, "Terminal too small")
        assert "everything" not in seen(app)
        await pilot.resize_terminal(80, 24)
        await until_seen(pilot, "everything", "v19")


async def test_an_empty_workspace_says_what_to_do_next(make_app: MakeApp) -> None:
    app = make_app(FakeSource(FakeIndex(held=[])))
    async with app.run_test(size=(80, 24)) as pilot:
        await until_seen(pilot, "lineal registry add PATH", "lineal demo")
        assert "2 lineage" not in screen_text(app)[-1]


async def test_a_filter_without_matches_says_how_to_clear_it(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "slash", *"nosuchword", "enter")
        await until_seen(pilot, "No version matches nosuchword")


async def test_a_place_can_be_where_the_application_opens(source: FakeSource, make_app: MakeApp) -> None:
    from lineal_tui.places import Place

    app = make_app(source, start=Place(Where.SOURCES))
    async with app.run_test(size=(80, 24)) as pilot:
        await until_seen(pilot, "sources", "risk-models", "2 min ago")
