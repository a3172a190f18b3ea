"""The comparison shows what changed, whether it is better, and can be turned about."""

from __future__ import annotations

from lineal_tui.screens.compare import Compare
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeSource
from tests.tui.seeing import screen_text, seen, until, until_seen
from tests.tui.test_screens import both, opened, press


@both
async def test_compare_shows_what_changed_and_whether_it_is_better(
    source: FakeSource, make_app: MakeApp, size: tuple[int, int]
) -> None:
    app = make_app(source)
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await press(pilot, "space", "space", "c")
        await until_seen(pilot, "metrics  2 of 3", "v18 ◂", "▲", "+0.0050", "lr")
        assert "latency_ms" not in seen(app)
        await press(pilot, "full_stop")
        await until_seen(pilot, "latency_ms", "everything")
        await press(pilot, "full_stop")
        await until(pilot, lambda: "latency_ms" not in seen(app))


async def test_compare_hops_folds_transposes_and_changes_the_baseline(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(100, 40)) as pilot:
        await opened(pilot)
        await press(pilot, "space", "space", "space", "c")
        await until_seen(pilot, "v17 ◂", "metrics  2 of 3")
        screen = app.screen
        assert isinstance(screen, Compare)
        await press(pilot, "n")
        assert screen.grid.cursor == 1
        await press(pilot, "n", "N")
        assert screen.grid.cursor == 1
        await press(pilot, "f")
        assert "▸ metrics" in seen(app)
        assert screen.grid.cursor == 0
        await press(pilot, "f")
        assert "▾ metrics" in seen(app)
        await press(pilot, "b")
        await until_seen(pilot, "v18 ◂")
        await press(pilot, "x")
        await until(pilot, lambda: screen.grid.total() == 3, "a line for each version")
        assert [line[1:5].strip() for line in screen_text(app)[2:5]] == ["v17", "v18", "v19"]
        await press(pilot, "n")
        await until_seen(pilot, "Transposed; x swaps back.")
        await press(pilot, "G", "b")
        await until_seen(pilot, "v19 ◂")


async def test_compare_scrolls_sideways_under_a_frozen_key(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, *["space"] * 9, "c")
        await until_seen(pilot, "v17 ◂", "⇄")  # it is live
        before = screen_text(app)[1]
        await press(pilot, "l", "l")
        assert screen_text(app)[1] != before
        assert "v17 ◂" in screen_text(app)[1]
        assert "auc" in seen(app)


def test_a_legend_has_the_tone_of_its_curve_whichever_code_names_the_colour() -> None:
    from lineal_tui.present.ansi import from_ansi

    legend, first, second = from_ansi("\x1b[36m━\x1b[0m auc  \x1b[95m━\x1b[0m b\n\x1b[38;5;6mx\x1b[0m\n\x1b[38;5;13my")
    assert legend[0].tone is first[0].tone
    assert legend[2].tone is second[0].tone
    assert first[0].tone is not second[0].tone


async def test_notes_on_cells_are_said_by_version_where_there_are_more_than_two(
    source: FakeSource, make_app: MakeApp
) -> None:
    app = make_app(source)
    async with app.run_test(size=(160, 45)) as pilot:
        await opened(pilot)
        await press(pilot, "space", "space", "space", "c")
        await until_seen(pilot, "v17 ◂", "v18: ×0.3")
