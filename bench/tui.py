"""How soon the first versions are on screen, and what a key costs, beside a Textual application that shows one word.

    python -m bench tui [--index FILE] [--runs N] [--keys N] [--size 80x24]

Both run in a pseudo-terminal of the same size. CPU time is that of all threads of the process, from the kernel's own
counters, until the first row (or the word) has been written; bytes are those that a key makes the application write.
Without `--index` the rows come from a formula, a million of them: that is the screen alone. The promises: first paint
within 1.25 of the yardstick's CPU time; at most 400 bytes an arrow (100 over SSH), 4.2 kB a page; any key's first
byte within 16 ms at p99 and 5 ms of CPU.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.measure import table

_HOME = TemporaryDirectory()  # an empty home and working folder: nothing is found, nothing is synced
_STATIC = """
from textual.app import App
from textual.widgets import Static
class Hello(App):
    def compose(self):
        yield Static("first-row")
Hello().run()
"""


_WHOLE = """
import os, sys
from pathlib import Path
from lineal.config import Surroundings
from lineal.workspace import open_workspace
from lineal_tui.main import open_tui
empty = Path(os.environ["HOME"])
open_tui(open_workspace(index=sys.argv[1], around=Surroundings(empty, empty, dict(os.environ))))
"""


class Terminal:
    """A process in a pseudo-terminal, seen from the other end."""

    def __init__(self, command: list[str], columns: int, lines: int, environ: dict[str, str]) -> None:
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.execve(command[0], command, environ)
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def until(self, word: bytes, seconds: float = 30.0) -> bytes:
        """Read until `word` has come."""
        said = b""
        end = time.monotonic() + seconds
        while word not in said:
            part = self.read(end - time.monotonic())
            if not part and time.monotonic() >= end:
                raise RuntimeError(f"{word!r} never came; the last of it: {said[-2000:]!r}")
            said += part
        return said

    def read(self, seconds: float) -> bytes:
        """Read what comes within so many seconds."""
        ready, _, _ = select.select([self.file], [], [], max(0.0, seconds))
        try:
            return os.read(self.file, 1 << 16) if ready else b""
        except OSError:
            return b""

    def quiet(self, seconds: float) -> int:
        """Read until nothing came for so many seconds; return the number of bytes."""
        count = 0
        while part := self.read(seconds):
            count += len(part)
        return count

    def cpu_ms(self) -> float:
        """Return the CPU time of all its threads in milliseconds."""
        total = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                continue  # a thread that has just ended
        return total / 1e6

    def alive(self) -> bool:
        """Say whether the process still runs."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"

    def key(self, name: bytes, seconds: float = 0.4) -> float:
        """Press a key; return the milliseconds until its first byte."""
        start = time.perf_counter()
        os.write(self.file, name)
        ready, _, _ = select.select([self.file], [], [], seconds)
        return (time.perf_counter() - start) * 1e3 if ready else float("nan")

    def close(self) -> None:
        """End the process."""
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.waitpid(self.pid, 0)
        os.close(self.file)


@contextmanager
def started(command: list[str], size: tuple[int, int], **extra: str) -> Iterator[Terminal]:
    """Start a command in a terminal with nothing of this environment but the paths; end it afterwards."""
    keep = {name: value for name, value in os.environ.items() if name in ("PATH", "PYTHONPATH")}
    environ = {
        **keep,
        "HOME": _HOME.name,
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        **extra,
    }
    terminal = Terminal(command, *size, environ)
    try:
        yield terminal
    finally:
        terminal.close()


def _paint(command: list[str], word: bytes, size: tuple[int, int]) -> tuple[float, int]:
    with started(command, size) as terminal:
        said = terminal.until(word)
        return terminal.cpu_ms(), len(said) + terminal.quiet(0.3)


def _keys(terminal: Terminal, keys: Sequence[bytes], times: int, rest: float) -> tuple[float, list[float], float]:
    """Press keys in turn; return bytes and CPU ms a key, and the times to the first byte."""
    terminal.quiet(0.5)
    cpu, count, first = terminal.cpu_ms(), 0, []
    for at in range(times):
        first.append(terminal.key(keys[at % len(keys)]))
        count += terminal.quiet(rest)
    return count / times, sorted(first), (terminal.cpu_ms() - cpu) / times


def _paints(child: list[str], size: tuple[int, int], runs: int) -> None:
    static = [sys.executable, "-c", _STATIC]
    pairs = [(_paint(static, b"first-row", size), _paint(child, b"v999999", size)) for _ in range(runs)]
    base, mine = (min(pair[i][0] for pair in pairs) for i in (0, 1))
    rows = [
        ["Textual Static", f"{base:.0f}", "1.00", str(pairs[0][0][1])],
        ["lineal, first rows", f"{mine:.0f}", f"{mine / base:.2f}", str(pairs[0][1][1])],
        ["median of the pairs", "", f"{median(b[0] / a[0] for a, b in pairs):.2f}", ""],
    ]
    print(table(["first paint", "CPU ms", "ratio", "bytes"], rows) + "\n")


_DOWN, _UP = b"\x1b[B", b"\x1b[A"
_PRESSED = (  # what, keys in turn, how often at most, seconds of rest after each
    ("arrow", (_DOWN, _UP), 200, 0.03),
    ("arrow, with the details", (_DOWN, _UP), 20, 0.25),
    ("arrow, with scrolling", (_DOWN,), 200, 0.03),
    ("page", (b"\x1b[6~",), 60, 0.03),
    ("end and start", (b"G", b"g"), 20, 0.05),
)


def _presses(child: list[str], size: tuple[int, int], times: int) -> None:
    rows = []
    for theme, extra in (("default", {}), ("ssh", {"SSH_CONNECTION": "1"})):
        with started(child, size, **extra) as terminal:
            terminal.until(b"v999999")
            for name, keys, most, rest in _PRESSED:
                written, first, cpu = _keys(terminal, keys, min(times, most), rest)
                if not terminal.alive():
                    raise RuntimeError(f"the application ended at {name!r}")
                p99 = first[min(len(first) - 1, int(len(first) * 0.99))]
                figures = (f"{written:.0f}", f"{median(first):.1f}", f"{p99:.1f}", f"{cpu:.1f}")
                rows.append([f"{theme}: {name}", *figures])
    print(table(["a key", "bytes", "first ms p50", "p99", "CPU ms"], rows))


def main(argv: list[str]) -> int:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="python -m bench tui")
    parser.add_argument("--index", default="", help="a filled index, as bench ingest or generate leaves it")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--keys", type=int, default=100)
    parser.add_argument("--size", default="80x24")
    options = parser.parse_args(argv)
    columns, lines = (int(part) for part in options.size.split("x"))
    child = [sys.executable, "-c", "from bench.formula import show; show()"]
    if options.index:
        child = [sys.executable, "-c", _WHOLE, options.index]
    _paints(child, (columns, lines), options.runs)
    _presses(child, (columns, lines), options.keys)
    return 0
