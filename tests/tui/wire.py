"""A terminal of our own: what is sent over the wire, byte for byte, and what a terminal makes of it (pyte)."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyte

from tests.cli.running import TAKE

ROOT = Path(__file__).parents[2]
PATIENCE = 40.0  # seconds until what never came is said to have been waited for
_PRIVATE = re.compile(rb"\x1b\[[<>=?][0-9;]*\$?[a-zA-Z]")  # pyte knows few of these, and prints the end of the others
_COLOUR = re.compile(rb"\x1b\[([0-9;]*)m")


class Screen(pyte.Screen):
    """The cells. A terminal answers questions; this one does not."""

    def report_device_status(self, *_: Any, **__: Any) -> None:
        """Say nothing."""


class Wire:
    """A process on a terminal, seen from the other end."""

    def __init__(self, command: Sequence[str], folder: Path, environ: dict[str, str], size: tuple[int, int]) -> None:
        self.sent = b""
        self._alternate = False
        self.file, theirs = pty.openpty()
        self._child = subprocess.Popen(
            [sys.executable, "-c", TAKE, *command], cwd=folder, env=environ,
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        self.pid = self._child.pid
        os.close(theirs)
        self.before = termios.tcgetattr(self.file)
        self.screen = Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self.resize(*size)

    def resize(self, columns: int, lines: int) -> None:
        """Make the window another size."""
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.resize(lines, columns)

    def type(self, data: bytes) -> None:
        """Send what a keyboard, or a paste, sends; what is sent back meanwhile is read."""
        while data:
            _, ready, _ = select.select([], [self.file], [], 0.05)
            if ready:
                data = data[os.write(self.file, data[:512]) :]
            self.read(0)

    def read(self, seconds: float = 0.1) -> bytes:
        """Read what comes within so many seconds."""
        ready, _, _ = select.select([self.file], [], [], seconds)
        try:
            said = os.read(self.file, 1 << 16) if ready else b""
        except OSError:
            said = b""
        self.sent += said
        for switch in re.findall(rb"\x1b\[\?1049([hl])", said):
            self._alternate = switch == b"h"
        if b"\x1b[?1049" in said:
            self.screen.reset()
        self._stream.feed(_PRIVATE.sub(b"", said))
        return said

    def alternate(self) -> bool:
        """Say whether the screen is that of an application, not that of the shell."""
        return self._alternate

    @property
    def shown(self) -> str:
        """What is on the screen."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def until(self, true: Callable[[], bool], what: str) -> None:
        """Read until something holds."""
        end = time.monotonic() + PATIENCE
        while not true():
            self.read()
            assert time.monotonic() < end, f"never came: {what}\n{self.shown}\n{self.sent[-500:]!r}"

    def see(self, *texts: str) -> None:
        """Read until every text is on the screen."""
        self.until(lambda: all(text in self.shown for text in texts), " and ".join(texts))

    def settle(self) -> None:
        """Read until nothing more comes."""
        while self.read(0.3):
            pass

    def ended(self) -> int:
        """Wait for the end and return the exit code."""
        status: list[int] = []

        def gone() -> bool:
            pid, code = os.waitpid(self.pid, os.WNOHANG)
            status.extend([code] if pid else [])
            return bool(pid)

        self.until(gone, "the end")
        self.settle()
        self._child.returncode = os.waitstatus_to_exitcode(status[0])
        return self._child.returncode

    def stopped(self) -> bool:
        """Say whether it has stopped since it was asked last."""
        pid, code = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
        return bool(pid) and os.WIFSTOPPED(code)

    def restored(self) -> bool:
        """Say whether the terminal is as it was: its modes, and what was switched on is off."""
        on = {mode for mode, switch in re.findall(rb"\x1b\[\?(\d+)([hl])", self.sent) if switch == b"h"}
        last = dict(re.findall(rb"\x1b\[\?(\d+)([hl])", self.sent))
        left = {mode for mode in on - {b"7", b"25"} if last[mode] == b"h"}
        wrapped = last.get(b"7", b"h") == b"h" and last.get(b"25", b"h") == b"h"
        return not left and wrapped and termios.tcgetattr(self.file)[:4] == self.before[:4]

    def colours(self) -> set[bytes]:
        """Return every code of colour and emphasis that was sent."""
        return set(_COLOUR.findall(self.sent))

    def close(self) -> None:
        """End what still runs."""
        if self._child.returncode is None:
            self._child.kill()
            self._child.wait()
        if self.file >= 0:
            os.close(self.file)

    def hung_up(self) -> int:
        """Close the window, and return the exit code."""
        os.close(self.file)
        self.file = -1
        return self._child.wait(PATIENCE)

    def left(self) -> list[int]:
        """Return the processes that are left of the session."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                said = entry.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(said[3]) == self.pid and said[0] != "Z":
                found.append(int(entry.parent.name))
        return found


@contextmanager
def wired(
    *words: str, folder: Path, home: Path, size: tuple[int, int] = (80, 24), code: str = "", **environ: str
) -> Iterator[Wire]:
    """Open `lineal` with these words in a folder, or run `code`, on a terminal."""
    command = ["-c", code] if code else ["-m", "lineal_tui.main", *words]
    path = os.pathsep.join(str(ROOT / part) for part in ("core", "tui", "."))
    fixed = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": path, "GIT_CONFIG_NOSYSTEM": "1"}
    wire = Wire(command, folder, {**fixed, "TERM": "xterm-256color", "LANG": "C.UTF-8", **environ}, size)
    try:
        yield wire
    finally:
        wire.close()
