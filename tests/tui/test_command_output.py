"""What a command writes on the screen: as it comes, bounded, inert, stopped, and nothing of it is left."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lineal_tui.app import LinealApp
from lineal_tui.screens.output import Output
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeSource, version
from tests.tui.seeing import seen, until, until_seen
from tests.tui.test_commanding import SAYS, command, line
from tests.tui.test_running import gone
from tests.tui.test_screens import opened, press


def runs(code: str) -> tuple[str, ...]:
    """A command line that runs some Python, whatever its words are."""
    return (sys.executable, "-S", "-c", code)


async def test_output_comes_as_it_is_written_and_a_command_is_stopped(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source, verbs=runs("import time\nprint('first', flush=True)\ntime.sleep(600)"))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await command(pilot, "ls")
        await until_seen(pilot, "first", "runs", "esc stops it")
        await press(pilot, "escape")
        await until_seen(pilot, "ended by SIGTERM", "esc closes")
        await press(pilot, "escape")
        assert len(app.screen_stack) == 1


async def test_output_without_end_keeps_the_application_awake(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source, verbs=runs("while True: print('y' * 70)"))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await command(pilot, "ls")
        await until_seen(pilot, "yyyyyyy")
        await press(pilot, "G")
        await until_seen(pilot, "yyyyyyy")
        await until(pilot, lambda: isinstance(app.screen, Output) and app.screen._output.last()[0] > 0, "too much")
        await press(pilot, "escape")
        await until_seen(pilot, "ended by SIGTERM")
        await press(pilot, "g", "pageup")
        assert isinstance(app.screen, Output)


async def test_hostile_output_is_inert_and_long_lines_can_be_read(source: FakeSource, make_app: MakeApp) -> None:
    said = r"b'\x1b]0;t\x07[bold]\xe2\x80\xae\n' + b'ab' * 60 + b'END\n' + 'müde 模型'.encode()"
    said += r" + b'\nhint: ' + b'word ' * 40"
    app = make_app(source, verbs=runs(f"import sys; sys.stdout.buffer.write({said}); sys.exit(4)"))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await command(pilot, "ls")
        await until_seen(pilot, "\\e]0;t\\x07[bold]\\u202e", "müde 模型", "exit code 4: not found")
        assert "END" not in seen(app)
        assert seen(app).count("word") == 40
        await press(pilot, *["l"] * 12)
        await until_seen(pilot, "END")
        await press(pilot, *["h"] * 12)
        await press(pilot, "w")
        await until_seen(pilot, "END", "abab")


async def test_the_whole_output_is_copied(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source, verbs=runs("print('\\n'.join(map(str, range(100))))"))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await command(pilot, "ls")
        await until_seen(pilot, "exit code 0")
        written: list[str] = []
        assert app._driver is not None
        app._driver.write = written.append  # type: ignore[method-assign, assignment]
        await press(pilot, "y")
        await until_seen(pilot, "copied 289 B")
        assert any("\x1b]52;c;" in said for said in written)


async def test_screens_follow_what_a_command_changed(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source, verbs=SAYS)
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot)
        source.index.held.append(version("prod", "brand-new", 49))
        await command(pilot, "ls")
        await until_seen(pilot, "ran ['ls']")
        await press(pilot, "escape")
        assert "brand-new" not in seen(app)
        await command(pilot, "commit x --model brand-new")
        await until_seen(pilot, "ran ['commit'")
        await press(pilot, "escape")
        await until_seen(pilot, "brand-new")


async def test_nothing_runs_on_when_the_application_ends(source: FakeSource, make_app: MakeApp, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    code = f"import os, time; open({str(file)!r}, 'w').write(str(os.getpid())); print('up', flush=True)"
    code += "; time.sleep(600)"
    app = make_app(source, verbs=runs(code))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await command(pilot, "ls")
        await until_seen(pilot, "up")
    assert gone(int(file.read_text()))


async def test_windows_that_change_while_a_command_runs(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source, verbs=runs("import time\nfor i in range(60): print('row', i, 'x' * 90, flush=True)"))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await line(pilot, "ls")
        for size in ((60, 16), (200, 50), (20, 5), (80, 24)):
            await pilot.resize_terminal(*size)
        await press(pilot, "enter")
        for size in ((60, 16), (200, 50), (20, 5), (80, 24)):
            await pilot.resize_terminal(*size)
        await until_seen(pilot, "row 0", "exit code 0")


def test_the_environment_of_a_child_names_the_index_and_no_colour(tmp_path: Path) -> None:
    from lineal_tui.running import Running

    child = Running(SAYS, str(tmp_path), {**os.environ, "LINEAL_INDEX": "x.db", "LINEAL_EVENTS": "jsonl"})
    found = child._surroundings(70)
    assert (found["LINEAL_INDEX"], found["COLUMNS"], found["NO_COLOR"], found["TERM"]) == ("x.db", "70", "1", "dumb")
    assert "LINEAL_EVENTS" not in found


def test_it_is_made_only_of_what_the_first_paint_has() -> None:
    """The parser of the command line is loaded when it is first typed in."""
    import subprocess

    code = "import sys, lineal_tui.app; print(sorted({'click', 'lineal_tui.parsing', 'subprocess'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "lineal_tui.parsing" not in said
    assert LinealApp.__name__ == "LinealApp"
