"""A sync as a child process: its events come as JSON lines, so that no work of its own ever stands before a key."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import IO

import msgspec
from msgspec import Struct

from lineal_tui import keys
from lineal_tui.messages import SyncStep

_LINE = 1 << 20
_GRACE = 5.0  # seconds between SIGTERM and SIGKILL
_POLL = 0.02  # seconds between two looks at a child that has closed its output


class SyncChild:
    """One child at a time. `tell` is called on the event loop with each step.

    asyncio's own processes are not used: one whose task is cancelled twice, as a closing loop does, outlives the loop.
    """

    def __init__(
        self, command: Sequence[str], cwd: str, environ: Mapping[str, str], tell: Callable[[SyncStep], None]
    ) -> None:
        self._command = tuple(command)
        self._cwd = cwd
        self._environ = dict(environ)
        self._tell = tell
        self._process: subprocess.Popen[bytes] | None = None
        self._cancelled = False

    @property
    def running(self) -> bool:
        """Whether a child runs."""
        return self._process is not None

    async def run(self, names: Sequence[str]) -> None:
        """Start a child for these registries (none: all), tell what it says, and wait for its end."""
        self._cancelled = False
        try:
            process = self._process = subprocess.Popen(
                [*self._command, *names],
                cwd=self._cwd,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except OSError as error:
            self._tell(SyncStep(running=False, error=f"the sync could not be started: {error.strerror}"))
            return
        try:
            said = await self._follow(process)
        finally:
            self._process = None
            _end(process)
        self._tell(said)

    async def _follow(self, process: subprocess.Popen[bytes]) -> SyncStep:
        async with _read(process.stdout) as stdout, _read(process.stderr) as stderr:
            complaint = asyncio.ensure_future(stderr.read(_LINE))
            try:
                unread = await self._listen(stdout)
                while (code := process.poll()) is None:
                    await asyncio.sleep(_POLL)
                said = (await complaint).decode(errors="backslashreplace").strip().splitlines()
            finally:
                complaint.cancel()
        error = "" if self._cancelled else _outcome(code, unread, said)
        return SyncStep(running=False, changed=True, error=error, said=said[-1] if said and not error else "")

    async def _listen(self, stdout: asyncio.StreamReader) -> list[str]:
        """Tell each step; return the registries that could not be read."""
        unread: list[str] = []
        while line := await _line(stdout):
            if step := step_of(line):
                unread += [step.registry] if step.failed else []
                self._tell(step)
        return unread

    def cancel(self) -> None:
        """Ask the child to end; kill it if it does not."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        self._cancelled = True
        process.terminate()
        asyncio.get_running_loop().call_later(_GRACE, process.kill)


@contextlib.asynccontextmanager
async def _read(pipe: IO[bytes] | None) -> AsyncIterator[asyncio.StreamReader]:
    if pipe is None:
        raise AssertionError("pipes were asked for")
    reader = asyncio.StreamReader(limit=_LINE)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), pipe
    )
    try:
        yield reader
    finally:
        transport.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """See to it that it is no more: it is asked, and has a second to put its things in order. Nothing cancels this."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(1.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _outcome(code: int, unread: Sequence[str], said: Sequence[str]) -> str:
    """Return what is to be said about a sync that has ended; "" if it went well."""
    if code == 0:
        return ""
    if said and said[-1].startswith("hint:") and len(said) > 1:
        return f"{said[-2].removeprefix('lineal: ')} ({said[-1].removeprefix('hint: ')})"
    if unread:
        return f"{', '.join(unread)} could not be read; {keys.shown('sources')} says why"
    return said[-1] if said else f"the sync ended with exit code {code}"


async def _line(stream: asyncio.StreamReader) -> bytes:
    """Return the next line; one that is too long is skipped."""
    while True:
        try:
            return await stream.readline()
        except ValueError:
            continue


class _Event(Struct):
    """The fields that a screen shows of the events in `lineal.sync.events`; importing these would import the sync."""

    event: str
    registry: str = ""
    done: int = 0
    expected: int | None = None
    rate: float = 0.0
    left: float | None = None
    files: int = 0
    of_files: int = 0
    in_bytes: bool = False


def step_of(line: bytes) -> SyncStep | None:
    """Read one event of a sync; None for a line that is none: it is only progress."""
    try:
        event = msgspec.json.decode(line, type=_Event)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if event.event == "fingerprinting":
        return SyncStep(done=event.files, total=event.of_files, rate=event.rate, left=event.left, hashing=True)
    return SyncStep(
        registry=event.registry, done=event.done, total=event.expected, rate=event.rate, left=event.left,
        changed=event.event in ("finished", "failed"), failed=event.event == "failed", bytes=event.in_bytes,
    )  # fmt: skip
