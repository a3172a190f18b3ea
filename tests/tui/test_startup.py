"""Nothing is imported before it is needed, and the layers of the application hold."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lineal_tui.themes import NAMES, default, themes

ROOT = Path(__file__).parents[2]
HEAVY = ("sqlalchemy", "numpy", "deepdiff", "plotext", "boto3", "yaml", "urllib3", "click")

_FIRST_PAINT = f"""
import asyncio, sys
from tests.tui.fake import FakeSource
from lineal_tui.app import LinealApp

async def main():
    source = FakeSource()
    app = LinealApp(
        source, desk=lambda: source.desk, workspace="w", cwd="/", environ={{"TERM": "xterm"}}, sync=("/bin/true",)
    )
    async with app.run_test(size=(80, 24)) as pilot:
        while not app.screen.query_one("#table").total():
            await pilot.pause(0.01)
        print(*[name for name in {HEAVY!r} if name in sys.modules])

asyncio.run(main())
"""


def python(code: str) -> str:
    """Run code in a fresh interpreter and return what it prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_nothing_heavy_is_imported_at_first_paint() -> None:
    assert python(_FIRST_PAINT) == ""


def test_the_console_script_imports_no_textual() -> None:
    assert (
        python("import sys, lineal_tui.main; print('textual' in sys.modules, 'click' in sys.modules)") == "False False"
    )


def test_screens_are_imported_when_they_are_first_gone_to() -> None:
    code = "import sys, lineal_tui.app; print(*sorted(n for n in sys.modules if n.startswith('lineal_tui.screens.')))"
    assert python(code).split() == [
        "lineal_tui.screens.acting",
        "lineal_tui.screens.frame",
        "lineal_tui.screens.going",
        "lineal_tui.screens.models",
        "lineal_tui.screens.room",
    ]


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"TERM": "xterm-256color"}, "lineal-dark"),
        ({"TERM": "xterm-256color", "COLORFGBG": "0;15"}, "lineal-light"),
        ({"TERM": "xterm-256color", "SSH_CONNECTION": "1 2 3 4"}, "lineal-ansi"),
        ({"TERM": "linux"}, "lineal-ansi"),
    ],
)
def test_the_theme_fits_the_terminal(environ: dict[str, str], name: str) -> None:
    assert default(environ) == name


def test_no_color_writes_no_colour() -> None:
    """What reaches a real terminal: the frame of a whole screen, in bold, dim and reverse at most."""
    from bench.tui import started

    show = [sys.executable, "-c", "from bench.formula import show; show()"]
    with started(show, (80, 24), NO_COLOR="1") as terminal:
        said = terminal.until(b"v999999") + terminal.read(0.3)
    codes = {code for found in re.findall(rb"\x1b\[([0-9;]*)m", said) for code in found.split(b";")}
    assert codes <= {b"", b"0", b"1", b"2", b"3", b"4", b"7", b"39", b"49"}, (
        codes
    )  # the last two are the terminal's own


def test_every_theme_has_every_colour() -> None:
    made = themes()
    assert tuple(theme.name for theme in made) == NAMES
    colours = set(made[0].variables)
    assert all(colours <= theme.variables.keys() for theme in made)


def test_the_guide_holds_the_key_table() -> None:
    from lineal_tui.keys import markdown

    assert markdown() in (ROOT / "tui" / "README.md").read_text()


def test_what_a_comparison_needs_is_loaded_behind_the_first_paint_and_deepdiff_is_not() -> None:
    code = (
        "import sys, time; from lineal_tui.worker import Worker; "
        "worker = Worker(None, print, None); print('lineal.diff' in sys.modules); worker.warm(); began = time.time()\n"
        "while 'lineal_tui.screens.compare' not in sys.modules and time.time() - began < 20: time.sleep(0.01)\n"
        "worker.close(); print('lineal.diff' in sys.modules, 'deepdiff' in sys.modules, 'numpy' in sys.modules)"
    )
    assert python(code).split() == ["False", "True", "False", "False"]
