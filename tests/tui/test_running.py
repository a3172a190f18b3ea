"""Commands as real child processes: what they write, however much or hostile, and that nothing of them is left."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lineal.model.text import UNSAFE
from lineal_tui.present.output import FIRST, LAST, WIDEST, Output, meaning, pieces, rows_of
from lineal_tui.running import NOT_STARTED, Running

During = Callable[[Running, Output], None]
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "


def child(code: str, folder: Path) -> Running:
    """A child that runs some Python; nothing of the site, so that it starts quickly."""
    return Running((sys.executable, "-S", "-c", code), str(folder), dict(os.environ))


def heard(code: str, folder: Path, *words: str, during: During | None = None) -> tuple[int, Output]:
    """Run some Python to its end, and return its exit code and what it wrote; `during` is called at each chunk."""
    output = Output()

    async def run() -> int:
        running = child(code, folder)

        def hear(data: bytes) -> None:
            output.feed(data)
            if during:
                during(running, output)

        return await asyncio.wait_for(running.run(words, 72, hear), 60)

    code_ = asyncio.run(run())
    output.end()
    return code_, output


def gone(pid: int) -> bool:
    """Wait until a process is no more; one that nobody waits for dies by and by."""
    for _ in range(500):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


def test_output_and_complaints_come_in_their_order_with_the_words_as_they_are(tmp_path: Path) -> None:
    code = (
        "import os, sys; print(sys.argv[1:], os.environ['COLUMNS'], os.environ['NO_COLOR'], flush=True); "
        "sys.stderr.write('hint: x\\n'); sys.exit(3)"
    )
    ended, output = heard(code, tmp_path, "who", "a b; $(rm) `x` *")
    assert ended == 3
    assert list(output.lines()) == ["['who', 'a b; $(rm) `x` *'] 72 1", "hint: x"]
    assert meaning(ended) == "exit code 3: refused by the policy, or read-only"


def test_a_child_has_no_terminal_to_ask_at(tmp_path: Path) -> None:
    code = (
        "import os, sys\nprint(sys.stdin.read() == '', os.getsid(0) == os.getpid())\n"
        "try:\n open('/dev/tty')\nexcept OSError:\n print('no terminal')"
    )
    assert list(heard(code, tmp_path)[1].lines()) == ["True True", "no terminal"]


def test_hostile_bytes_reach_no_terminal(tmp_path: Path) -> None:
    said = r"b'\x1b]0;t\x07\xff\xfe\xe2\x80\xae\x9b1m\r\n' + 'müde \u6a21'.encode()"
    code = f"import sys; sys.stdout.buffer.write({said})"
    _, output = heard(code, tmp_path)
    first, last = output.lines()
    assert not UNSAFE.search(first + last)
    assert first.startswith("\\e]0;t\\x07\\xff\\xfe\\u202e")
    assert last == "müde 模"


def test_output_without_end_is_bounded_and_can_be_stopped(tmp_path: Path) -> None:
    def stop(running: Running, output: Output) -> None:
        if output.bytes > 3_000_000:
            running.cancel()

    code, output = heard("while True: print('y' * 60)", tmp_path, during=stop)
    assert code == -signal.SIGTERM
    assert meaning(code) == "ended by SIGTERM"
    lines = list(output.lines())
    assert len(lines) == FIRST + 1 + LAST
    assert "lines left out here" in lines[FIRST]
    assert output.bytes > 3_000_000


def test_a_line_of_ten_megabytes_is_cut_and_that_is_said(tmp_path: Path) -> None:
    code, output = heard("import sys; sys.stdout.write('x' * 10_000_000 + '\\nend')", tmp_path)
    assert code == 0
    (long, end) = output.lines()
    assert long == "x" * WIDEST + " … 9.5 MiB more in this line"
    assert end == "end"


def test_a_line_of_ten_megabytes_that_never_ends_is_bounded_too(tmp_path: Path) -> None:
    _, output = heard("import sys; sys.stdout.write('x' * 10_000_000)", tmp_path)
    (long,) = output.lines()
    assert len(long) < WIDEST + 100


def test_a_child_that_will_not_end_is_killed(tmp_path: Path) -> None:
    code = DEAF + "print('deaf', flush=True); time.sleep(600)"
    ended, output = heard(code, tmp_path, during=lambda running, _: running.cancel())
    assert ended == -signal.SIGKILL
    assert list(output.lines()) == ["deaf"]


def test_asked_twice_it_is_killed_at_once_and_what_it_started_goes_too(tmp_path: Path) -> None:
    code = (
        DEAF + "import subprocess, sys\n"
        f"child = subprocess.Popen([sys.executable, '-S', '-c', {DEAF + 'time.sleep(600)'!r}])\n"
        "print(child.pid, flush=True)\ntime.sleep(600)"
    )

    def twice(running: Running, _: Output) -> None:
        running.cancel()
        running.cancel()

    ended, output = heard(code, tmp_path, during=twice)
    assert ended == -signal.SIGKILL
    assert gone(int(next(output.lines())))


def test_one_that_dies_by_a_signal_says_which(tmp_path: Path) -> None:
    ended, _ = heard("import os; os.kill(os.getpid(), 11)", tmp_path)
    assert meaning(ended) == "ended by SIGSEGV"


def test_what_holds_the_output_open_is_not_waited_for(tmp_path: Path) -> None:
    left = "[sys.executable, '-S', '-c', 'import time; time.sleep(600)']"
    code = f"import subprocess, sys; print(subprocess.Popen({left}).pid)"
    ended, output = heard(code, tmp_path)
    assert ended == 0
    assert gone(int(next(output.lines())))


def test_one_whose_task_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    pids: list[int] = []

    async def run() -> None:
        running = child("import os, time; print(os.getpid(), flush=True); time.sleep(600)", tmp_path)
        began = asyncio.Event()

        def hear(data: bytes) -> None:
            pids.append(int(data))
            began.set()

        task = asyncio.ensure_future(running.run((), 72, hear))
        await asyncio.wait_for(began.wait(), 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert gone(pids[0])


def test_what_cannot_be_started_says_why(tmp_path: Path) -> None:
    output = Output()
    running = Running(("/nowhere/at/all",), str(tmp_path), {})
    assert asyncio.run(running.run(("ls",), 72, output.feed)) == NOT_STARTED
    output.end()
    assert list(output.lines()) == ["lineal could not be started: No such file or directory"]
    assert asyncio.run(child("", tmp_path).run(("a\x00b",), 72, output.feed)) == NOT_STARTED


@pytest.mark.parametrize("size", [1, 7, 4096, 1 << 20])
def test_however_output_is_cut_into_pieces_it_is_the_same(size: int) -> None:
    data = b"".join(b"line %d \xe6\xa8\xa1\n" % i for i in range(FIRST + 3000)) + b"the end"
    whole, cut = Output(), Output()
    whole.feed(data)
    for at in range(0, len(data), size):
        cut.feed(data[at : at + size])
    for each in (whole, cut):
        each.end()
    assert list(whole.lines()) == list(cut.lines())
    assert whole.first[0] == "line 0 模"
    assert list(whole.lines())[-1] == "the end"
    assert whole.last()[0] == 3001 - LAST


def test_a_little_beyond_the_bound_is_shown_in_full() -> None:
    output = Output()
    output.feed(b"".join(b"%d\n" % i for i in range(FIRST + 5)))
    output.end()
    assert list(output.lines()) == [str(i) for i in range(FIRST + 5)]


def test_pieces_leave_nothing_out() -> None:
    for said in ("", "short", "a b  " * 50, "模型" * 41, "é" * 81):
        assert "".join(pieces(said, 20)) == said
    assert len(rows_of("hint: " + "word " * 40, 40, broken=False)) > 4
    assert len(rows_of("COLUMN  " * 40, 40, broken=False)) == 1
    assert len(rows_of("COLUMN  " * 40, 40, broken=True)) == 8
