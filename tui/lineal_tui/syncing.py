"""A sync as a child process: its events come as JSON lines, so that no work of its own ever stands before a key."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from lineal_tui.messages import SyncStep

_LINE = 1 << 20
_GRACE = 5.0  # seconds between SIGTERM and SIGKILL


class SyncChild:
    """One child at a time. `tell` is called on the event loop with each step."""

    def __init__(self, command: Sequence[str], cwd: str, tell: Callable[[SyncStep], None]) -> None:
        self._command = tuple(command)
        self._cwd = cwd
        self._tell = tell
        self._process: asyncio.subprocess.Process | None = None
        self._cancelled = False

    @property
    def running(self) -> bool:
        """Whether a child runs."""
        return self._process is not None

    async def run(self, names: Sequence[str]) -> None:
        """Start a child for these registries (none: all), tell what it says, and wait for its end."""
        self._cancelled = False
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                *names,
                cwd=self._cwd,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=_LINE,
            )
        except OSError as error:
            self._tell(SyncStep(running=False, error=f"the sync could not be started: {error.strerror}"))
            return
        try:
            said = await self._follow(self._process)
        finally:
            self._process = None
        self._tell(said)

    async def _follow(self, process: asyncio.subprocess.Process) -> SyncStep:
        stdout, stderr = process.stdout, process.stderr
        if stdout is None or stderr is None:
            raise AssertionError("pipes were asked for")
        complaint = asyncio.ensure_future(stderr.read(_LINE))
        try:
            while line := await _line(stdout):
                if step := step_of(line):
                    self._tell(step)
            code = await process.wait()
        except asyncio.CancelledError:
            self.cancel()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 1.0)
            complaint.cancel()
            raise
        said = (await complaint).decode(errors="backslashreplace").strip().splitlines()
        failed = code not in (0, 6) and not self._cancelled
        return SyncStep(
            running=False, changed=True, error=(said[-1] if said else f"exit code {code}") if failed else ""
        )

    def cancel(self) -> None:
        """Ask the child to end; kill it if it does not."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        self._cancelled = True
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        asyncio.get_running_loop().call_later(_GRACE, _kill, process)


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


async def _line(stream: asyncio.StreamReader) -> bytes:
    """Return the next line; one that is too long is skipped."""
    while True:
        try:
            return await stream.readline()
        except ValueError:
            continue


def step_of(line: bytes) -> SyncStep | None:
    """Read one event of a sync; None for a line that is none: it is only progress."""
    try:
        event = msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    kind = event.get("type")
    if not isinstance(kind, str):
        return None
    return SyncStep(
        registry=_text(event.get("registry")),
        done=int(_number(event.get("done")) or 0),
        total=int(total) if (total := _number(event.get("total"))) else None,
        rate=_number(event.get("rate")) or 0.0,
        left=_number(event.get("eta")),
        changed=kind in ("finished", "registry_finished", "registry_failed", "scope"),
    )


def _text(value: object) -> str:
    return value[:200] if isinstance(value, str) else ""


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
