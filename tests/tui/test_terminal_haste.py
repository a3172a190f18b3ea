"""Keys and windows that come too fast: nothing is confirmed by a paste, nothing closes twice, nothing breaks."""

from __future__ import annotations

import time

from lineal_tui.keys import Where
from lineal_tui.screens.dialog import Help
from lineal_tui.screens.preview import Preview
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeSource
from tests.tui.seeing import seen, until, until_seen
from tests.tui.test_acting import planned
from tests.tui.test_screens import opened, press


async def test_keys_that_come_too_fast_confirm_nothing(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        await planned(pilot, "P")
        app.session.hurried_at = time.monotonic()  # as a paste, or a key that is held down, leaves it
        await press(pilot, "P")
        await until_seen(pilot, "too fast to be meant")
        assert source.desk.did == []
        assert isinstance(app.screen, Preview)
        app.session.hurried_at = time.monotonic() - 1
        await press(pilot, "P")
        await until(pilot, lambda: len(source.desk.did) == 1, "the promotion")


async def test_what_is_closed_twice_closes_nothing_below(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        await press(pilot, "7")
        await until(pilot, lambda: app.screen.id == Where.SOURCES.value, "sources")
        await press(pilot, "question_mark")
        await until(pilot, lambda: isinstance(app.screen, Help), "the help")
        above = app.screen
        above.dismiss(None)
        above.dismiss(None)
        await pilot.pause()
        assert app.screen.id == Where.SOURCES.value
        assert len(app.screen_stack) == 2


async def test_windows_that_change_while_dialogs_open_and_close(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        for size in ((20, 5), (200, 60), (59, 30), (80, 15), (1, 1), (100, 30)):
            await pilot.press("question_mark")
            await pilot.resize_terminal(*size)
            await pilot.press("escape")
            small = size[0] < 60 or size[1] < 16
            assert app.screen.has_class("-small") is small
            if small and size[0] > 45:
                assert "Terminal too small" in seen(app)
        await until_seen(pilot, "everything", "auc▲", "? keys")


def test_a_configuration_that_cannot_be_read_is_a_line_that_fits() -> None:
    from lineal_tui.present.bars import wrong
    from lineal_tui.present.ink import width

    for cells in (60, 80, 200):
        line = wrong("/home/x/.config/lineal/config.toml is not TOML: \x1b[31m" + "y" * 9000, cells)
        assert width(line) <= cells
        assert "\x1b" not in "".join(span.text for span in line)
        assert any("Defaults stand" in span.text for span in line)
