"""Commands that a policy names, while they run: bounded in time and output, ended with all that they started.

A command has a process group of its own, of which nothing outlives it. It does not get the variables of the environment
that look like secrets.
"""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Collection, Mapping
from typing import IO

_SECRET = re.compile(
    r"TOKEN|SECRET|PASSW|PASSPHRASE|PASSCODE|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|AUTHORIZATION|COOKIE|_(KEY|PAT|PASS)$",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"://[^/@\s]*:[^/@\s]*@")  # a URL with a password in it
_TURN = 0.05  # seconds between looks at whether the command ended
_LINGER = 0.5  # seconds in which what is left in the pipe is read


def without_secrets(environ: Mapping[str, str], secrets: Collection[str] = ()) -> dict[str, str]:
    """Return an environment without the variables that are, are called, or hold what looks like a secret."""
    return {
        name: value
        for name, value in environ.items()
        if name not in secrets and not _SECRET.search(name) and not _USERINFO.search(value)
    }


def followed(
    process: subprocess.Popen[bytes],
    end: float,
    most: int,
    *,
    last: bool = False,
    stop: threading.Event | None = None,
) -> tuple[bytes, bool]:
    """Wait until a command ends, and end it where it does not; return what it printed, and whether it ended by itself.

    Args:
        process: started in a session of its own, its output a pipe.
        end: when it is ended, by `time.monotonic`.
        most: bytes that are kept: the first of what it printed, or with `last` the last.
        last: keep the end of what it printed.
        stop: set to end it.
    """
    assert process.stdout is not None
    kept = _Kept(most, last=last)
    with process:
        try:
            ended = _awaited(process, process.stdout, end, kept, stop or threading.Event())
        except BaseException:  # an interrupt too: the group is ours to end
            _kill(process)
            raise
    return bytes(kept.data), ended


class _Kept:
    """The first or last bytes of an output."""

    def __init__(self, most: int, *, last: bool) -> None:
        self._most, self._last = most, last
        self.data = bytearray()

    def read(self, pipe: IO[bytes]) -> bool:
        """Read what there is, and say whether there may be more."""
        data = os.read(pipe.fileno(), 1 << 16)
        if self._last:
            self.data.extend(data)
            del self.data[: -self._most]
        else:
            self.data.extend(data[: self._most - len(self.data)])
        return bool(data)


def _awaited(process: subprocess.Popen[bytes], pipe: IO[bytes], end: float, kept: _Kept, stop: threading.Event) -> bool:
    """Read until the command ends, whatever holds the pipe open; say whether it ended in time."""
    with selectors.DefaultSelector() as ready:
        ready.register(pipe, selectors.EVENT_READ)
        while process.poll() is None:
            left = end - time.monotonic()
            if left <= 0 or stop.is_set():
                break
            if not ready.get_map():  # it closed its output
                time.sleep(min(left, _TURN))
            elif ready.select(min(left, _TURN)) and not kept.read(pipe):
                ready.unregister(pipe)
        ended = process.poll() is not None
        _kill(process)
        until = time.monotonic() + _LINGER
        while ready.get_map() and time.monotonic() < until and ready.select(0):
            if not kept.read(pipe):
                break
    return ended


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the command and all that it left in its group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # nothing is left of it
