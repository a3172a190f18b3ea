"""Hooks that are commands: run in the workspace with the event on stdin, bounded in time and output.

A command has a process group of its own, of which nothing outlives it. It does not get the variables of the environment
that look like secrets. Nothing goes through a shell.
"""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from lineal.actions.deliveries import MAX_OUTPUT, Happening, Outcome, Told, text
from lineal.config import Surroundings
from lineal.model.plain import spelt
from lineal.policy.rules import Hook

_SECRET = re.compile(
    r"TOKEN|SECRET|PASSW|PASSPHRASE|PASSCODE|CREDENTIAL|PRIVATE|API_?KEY|ACCESS_?KEY|AUTHORIZATION|COOKIE|_(KEY|PAT|PASS)$",
    re.IGNORECASE,
)
_USERINFO = re.compile(r"://[^/@\s]*:[^/@\s]*@")  # a URL with a password in it
_LONGEST = 8 << 10  # characters of one variable
_TURN = 0.05  # seconds between looks at whether the command ended
_LINGER = 0.5  # seconds in which what is left in the pipe is read
_TOLD = ("event", "registry", "model", "version", "alias", "before", "after", "by", "at", "reason", "action", "command")


def run(
    hook: Hook, happening: Happening, said: bytes, delivery: str, around: Surroundings, secrets: Collection[str] = ()
) -> Told:
    """Run a hook's command and wait until it ends, or is stopped after `hook.timeout` seconds.

    Args:
        hook: with a command in `run`.
        happening: what it is told in variables.
        said: what it is given on stdin.
        delivery: the id of this delivery.
        around: its working folder and the environment that it gets, but for secrets.
        secrets: variables that it does not get, whatever they are called.
    """
    environ = without_secrets(around.environ, secrets) | variables(happening, delivery)
    end = time.monotonic() + hook.timeout
    try:
        with held(said) as stdin:
            process = subprocess.Popen(
                hook.run,
                cwd=around.cwd,
                env=environ,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                start_new_session=True,
            )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or str(error)
        return Told(outcome=Outcome.FAILED, reason=f"cannot be started: {reason}"[:300])
    with process:
        try:
            output, ended = _followed(process, end)
        except BaseException:  # an interrupt too: the group is ours to end
            _kill(process)
            raise
    return _told(hook, process.returncode, ended, text(output))


def _told(hook: Hook, status: int, ended: bool, output: str) -> Told:
    if not ended:
        reason = f"stopped after {hook.timeout:g} s"
        return Told(outcome=Outcome.LATE, reason=reason, output=output)
    if status == 0:
        return Told(outcome=Outcome.DELIVERED, status=0, output=output)
    reason = f"ended with status {status}" if status > 0 else f"was ended by signal {-status}"
    return Told(outcome=Outcome.FAILED, reason=reason, status=status, output=output)


def _followed(process: subprocess.Popen[bytes], end: float) -> tuple[bytes, bool]:
    """Return what the command printed first, and whether it ended in time; whatever holds the pipe open."""
    assert process.stdout is not None
    kept = bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while process.poll() is None:
            left = end - time.monotonic()
            if left <= 0:
                break
            if not ready.get_map():  # it closed its output
                time.sleep(min(left, _TURN))
            elif ready.select(min(left, _TURN)) and not _read(process.stdout, kept):
                ready.unregister(process.stdout)
        ended = process.poll() is not None
        _kill(process)
        until = time.monotonic() + _LINGER
        while ready.get_map() and time.monotonic() < until and ready.select(0):
            if not _read(process.stdout, kept):
                break
    return bytes(kept), ended


def _read(pipe: IO[bytes], kept: bytearray) -> bool:
    """Read what there is, keep the first of it, and say whether there may be more."""
    data = os.read(pipe.fileno(), 1 << 16)
    kept.extend(data[: MAX_OUTPUT - len(kept)])
    return bool(data)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the command and all that it left in its group."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass  # nothing is left of it


def variables(happening: Happening, delivery: str) -> dict[str, str]:
    """Return what a command is told in its environment: LINEAL_EVENT, LINEAL_MODEL and so on."""
    said = {f"LINEAL_{name.upper()}": _variable(getattr(happening, name)) for name in _TOLD}
    return said | {"LINEAL_ID": _variable(happening.id), "LINEAL_DELIVERY": delivery}


def _variable(value: object) -> str:
    return str(spelt(str(value))).replace("\0", "")[:_LONGEST]


def without_secrets(environ: Mapping[str, str], secrets: Collection[str] = ()) -> dict[str, str]:
    """Return an environment without the variables that are, are called, or hold what looks like a secret."""
    return {
        name: value
        for name, value in environ.items()
        if name not in secrets and not _SECRET.search(name) and not _USERINFO.search(value)
    }


@contextmanager
def held(data: bytes) -> Iterator[IO[bytes]]:
    """Give a file without a name that holds `data`: a process reads it as its stdin, and nobody waits for it."""
    with _nameless() as stream:
        stream.write(data)
        stream.seek(0)
        yield stream


def _nameless() -> IO[bytes]:
    """Open a file without a name: in memory where the system can."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("lineal"), "w+b")
    return tempfile.TemporaryFile()
