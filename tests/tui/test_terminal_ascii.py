"""Terminals that know nothing but ASCII: when, by which glyphs, and that nothing moves."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from lineal_tui.app import LinealApp
from lineal_tui.present.ascii import GLYPHS, plain, wanted
from lineal_tui.present.ink import width
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeSource
from tests.tui.seeing import screen_text, until, until_seen

SOURCES = Path(__file__).parents[2] / "tui" / "lineal_tui"


@pytest.mark.parametrize(
    ("environ", "chosen", "ascii_only"),
    [
        ({"TERM": "xterm-256color", "LANG": "C.UTF-8"}, None, False),
        ({"TERM": "xterm-256color", "LANG": "de_DE.utf8"}, None, False),
        ({"TERM": "xterm-256color"}, None, False),  # nothing is said, as in many containers
        ({"TERM": "xterm-256color", "LANG": "C"}, None, True),
        ({"TERM": "xterm-256color", "LANG": "C", "LC_CTYPE": "C.UTF-8"}, None, True),  # set by Python itself
        ({"TERM": "xterm-256color", "LANG": "C", "LC_CTYPE": "en_US.UTF-8"}, None, False),
        ({"TERM": "xterm-256color", "LANG": "C", "LC_ALL": "C.UTF-8"}, None, False),
        ({"TERM": "xterm-256color", "LANG": "en_US.UTF-8", "LC_ALL": "POSIX"}, None, True),
        ({"TERM": "xterm-256color", "LANG": "de_DE.ISO-8859-1"}, None, True),
        ({"TERM": "linux", "LANG": "C.UTF-8"}, None, True),
        ({"TERM": "linux", "LANG": "C.UTF-8"}, False, False),
        ({"TERM": "xterm-256color", "LANG": "C.UTF-8"}, True, True),
    ],
)
def test_it_is_used_where_it_is_needed_or_chosen(
    environ: dict[str, str], chosen: bool | None, ascii_only: bool
) -> None:
    assert wanted(environ, chosen) is ascii_only


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"))))
def test_nothing_but_ascii_is_left_and_nothing_moves(text: str) -> None:
    assert plain(text).isascii()
    assert cell_len(plain(text)) == cell_len(text)


def test_letters_keep_their_likeness() -> None:
    assert plain("Müller naïve ﬁ 模型 ▲ ✔ ⣿⠀") == "Muller naive f ???? ^ + * "


def test_every_glyph_of_the_application_is_in_the_one_table() -> None:
    used = {char for file in SOURCES.rglob("*.py") for char in file.read_text() if not char.isascii()}
    assert used - set(GLYPHS) == set()
    assert all(cell_len(glyph) >= len(instead) for glyph, instead in GLYPHS.items())


def _is_at(app: LinealApp, where: str) -> bool:
    return app.screen.id == where


async def test_every_screen_is_ascii_and_as_it_was(source: FakeSource, make_app: MakeApp) -> None:
    """The same keys in both: what differs is characters, never cells."""
    shown: list[list[list[str]]] = []
    for ascii_only in (False, True):
        app = make_app(source, ascii=ascii_only)
        screens: list[list[str]] = []
        async with app.run_test(size=(100, 30)) as pilot:
            await until_seen(pilot, "everything", "auc")
            await pilot.press("tab", "space", "j", "space")
            for key, there in (("2", "lineage"), ("1", "models"), ("3", "compare"), ("4", "charts"), ("7", "sources")):
                await pilot.press(key)
                await until(pilot, partial(_is_at, app, there), there)
                await pilot.pause(0.2)
                screens.append(screen_text(app))
            await pilot.press("1", "question_mark")
            await pilot.pause(0.2)
            screens.append(screen_text(app))
        shown.append(screens)
    rich, poor = shown
    for before, after in zip(rich, poor, strict=True):
        assert "".join(after).isascii()
        assert [plain(line).rstrip() for line in before] == after
        assert [cell_len(plain(line)) for line in before] == [cell_len(line) for line in before]


def test_widths_are_those_of_the_painted_line() -> None:
    from lineal_tui.present.ink import Span

    line = (Span("▌ 模型 …"),)
    assert width(line) == len(plain(line[0].text))
    assert not re.search(r"[^\x20-\x7e]", plain(line[0].text))
