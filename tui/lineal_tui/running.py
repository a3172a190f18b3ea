"""A command of the command line as a child process: no shell, no terminal, and nothing of it is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

_CHUNK = 1 << 16
_POLL = 0.02  # seconds between two looks at a child
_PAUSE = 0.004  # seconds after each full chunk: one that writes without end must not keep keys waiting
_GRACE = 3.0  # seconds from the request to end until it is made to
_LINGER = 0.5  # seconds that the output is read on after the child has ended: others may hold its end open
_LEFT_OUT = ("LINEAL_EVENTS", "COLORTERM", "FORCE_COLOR", "CLICOLOR_FORCE")
NOT_STARTED = 127
"""The exit code of what could not be started."""


class Running:
    """Runs one command at a time, in a session of its own: it finds no terminal to ask at, and is ended as a group."""

    def __init__(self, command: Sequence[str], cwd: str, environ: Mapping[str, str]) -> None:
        self._command = tuple(command)
        self._cwd = cwd
        self._environ = {name: value for name, value in environ.items() if name not in _LEFT_OUT}
        self._process: subprocess.Popen[bytes] | None = None
        self._asked = False  # it was asked to end

    async def run(
        self, words: Sequence[str], cells: int, hear: Callable[[bytes], None], into: int | None = None
    ) -> int:
        """Run the command line with these words, hand on what it writes as it comes, and return its exit code.

        Args:
            words: what would be typed behind `lineal`.
            cells: how wide its output may be.
            hear: is given output and complaints, in the order in which they were written.
            into: a file that takes the output; complaints alone are heard then.
        """
        self._asked = False
        try:
            process = self._process = subprocess.Popen(
                [*self._command, *words],
                cwd=self._cwd,
                env=self._surroundings(cells),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if into is None else into,
                stderr=subprocess.STDOUT if into is None else subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:  # ValueError: a zero byte among the words
            hear(f"lineal could not be started: {getattr(error, 'strerror', None) or error}\n".encode())
            return NOT_STARTED
        try:
            await self._follow(process, hear)
            while (code := process.poll()) is None:
                await asyncio.sleep(_POLL)
        finally:
            self._process = None
            _end(process)
        return code

    def _surroundings(self, cells: int) -> dict[str, str]:
        plain = {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": str(cells), "PYTHONUNBUFFERED": "1"}
        return {**self._environ, **plain, "GIT_TERMINAL_PROMPT": "0"}

    async def _follow(self, process: subprocess.Popen[bytes], hear: Callable[[bytes], None]) -> None:
        """Hand on what is written until nobody can write any more, or the child has ended and nothing comes."""
        pipe = process.stdout or process.stderr
        assert pipe is not None
        file, quiet = pipe.fileno(), 0.0
        os.set_blocking(file, False)
        while quiet < _LINGER:
            try:
                data = os.read(file, _CHUNK)
            except BlockingIOError:
                quiet += _POLL if process.poll() is not None else 0.0
                await asyncio.sleep(_POLL)
                continue
            if not data:
                return
            quiet = 0.0
            hear(data)
            await asyncio.sleep(_PAUSE if len(data) == _CHUNK else 0)

    @property
    def stopped(self) -> bool:
        """Whether what ran last was asked to end."""
        return self._asked

    def cancel(self) -> None:
        """Ask it to end; a little later make it. A second time makes it at once."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        _signal(process, signal.SIGKILL if self._asked else signal.SIGTERM)
        if not self._asked:
            asyncio.get_running_loop().call_later(_GRACE, _kill, process)
        self._asked = True


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        _signal(process, signal.SIGKILL)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal the child and all that it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _end(process: subprocess.Popen[bytes]) -> None:
    """See to it that nothing is left: it has a second to put its things in order. Nothing cancels this."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1.0)
    _signal(process, signal.SIGKILL)  # what it started goes with it
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
