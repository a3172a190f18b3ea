"""The server's end of a page's process: starts it, hands on what is typed and what is drawn, and sees it end."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lineal.model.text import visible_lines

COMMAND = (sys.executable, "-P", "-m", "lineal_tui.serve.child")
"""`-P`: what lies in the workspace is no part of the program."""
_READY = b"__GANGLION__\n"
_LARGEST = 1 << 24  # bytes of one packet
_COMPLAINT = 1 << 14  # bytes kept of what a process says when it goes wrong
_GRACE = 3.0  # seconds until a process that was asked to end is made to
_OURS = ("TMUX", "STY", "SSH_CONNECTION", "SSH_TTY", "LC_ALL", "LC_CTYPE", "COLORFGBG", "LINES")
"""What the server's own terminal says of itself, which is not what a page is."""
Send = Callable[[bytes], Awaitable[None]]


def surroundings(environ: Mapping[str, str], *, write: bool) -> dict[str, str]:
    """Return the environment of a page's process; without `write` nothing may be changed in it."""
    kept = {name: value for name, value in environ.items() if name not in _OURS}
    read_only = {} if write else {"LINEAL_READ_ONLY": "page"}
    return {
        **kept, **read_only, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8",
        "TEXTUAL_DRIVER": "lineal_tui.serve.browser:Browser", "TEXTUAL_COLOR_SYSTEM": "truecolor",
    }  # fmt: skip


class Child:
    """A process, and the packets to and from it: a letter, four bytes of length, and the rest."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._complaint = bytearray()
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls, cwd: str, environ: Mapping[str, str], size: tuple[int, int]) -> Child:
        """Start one, for a page of so many cells."""
        process = await asyncio.create_subprocess_exec(
            *COMMAND, cwd=cwd, env={**environ, "COLUMNS": str(size[0]), "ROWS": str(size[1])},
            stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True,
        )  # fmt: skip
        return cls(process)

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    # --- to it ---

    async def type(self, text: str) -> None:
        """Hand on what was typed. An empty packet would be waited for."""
        if data := text.encode("utf-8", "ignore"):
            await self._tell(b"D", data)

    async def say(self, **what: object) -> None:
        """Tell it of a new size, of the focus, or that it shall end."""
        await self._tell(b"M", json.dumps(what).encode())

    async def _tell(self, kind: bytes, data: bytes) -> None:
        stdin = self._process.stdin
        if stdin is not None and not stdin.is_closing():
            with contextlib.suppress(OSError, RuntimeError):
                stdin.write(kind + len(data).to_bytes(4, "big") + data)
                await stdin.drain()

    # --- from it ---

    async def draw(self, send: Send) -> None:
        """Send what it draws, until it ends; at last what it complains of, where it ends badly."""
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            await self._packets(send)
        code = await self._process.wait()
        await self._listening
        if code > 0 and self._complaint:
            said = visible_lines(self._complaint.decode("utf-8", "replace"))
            await send(f"\x1b[?1049l\x1b[2J\x1b[H{said}".replace("\n", "\r\n").encode())

    async def _packets(self, send: Send) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        await stdout.readuntil(_READY)
        while True:
            head = await stdout.readexactly(5)
            if (size := int.from_bytes(head[1:], "big")) > _LARGEST:
                return
            data = await stdout.readexactly(size)
            if head[:1] == b"D":
                await send(data)

    async def _listen(self) -> None:
        """Read what it complains of, and keep the last of it."""
        stderr = self._process.stderr
        assert stderr is not None
        while said := await stderr.read(4096):
            self._complaint += said
            del self._complaint[:-_COMPLAINT]

    # --- its end ---

    async def stop(self) -> None:
        """Ask it to end, then make it; what it started goes with it."""
        await self.say(type="quit")
        for number in (None, signal.SIGTERM, signal.SIGKILL):
            if number is not None:
                self._signal(number)
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._process.wait()), _GRACE)
                break
        self._signal(signal.SIGKILL)
        self._listening.cancel()

    def _signal(self, number: signal.Signals) -> None:
        """Signal its whole group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def size_of(width: Any, height: Any) -> tuple[int, int]:
    """Return a size that a page says it has, within reason."""
    try:
        return max(1, min(1000, int(width))), max(1, min(500, int(height)))
    except (TypeError, ValueError, OverflowError):
        return 80, 24
