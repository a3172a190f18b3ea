"""Hooks that are commands: run in the workspace with the event on stdin, bounded in time and output.

A command has a process group of its own, of which nothing outlives it. It does not get the variables of the environment
that look like secrets. Nothing goes through a shell.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import IO

from lineal.actions.deliveries import MAX_OUTPUT, Happening, Outcome, Told, text
from lineal.actions.processes import followed, without_secrets
from lineal.config import Surroundings
from lineal.model.plain import spelt
from lineal.policy.rules import Hook

_LONGEST = 8 << 10  # characters of one variable
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
    output, ended = followed(process, end, MAX_OUTPUT)
    return _told(hook, process.returncode, ended, text(output))


def _told(hook: Hook, status: int, ended: bool, output: str) -> Told:
    if not ended:
        reason = f"stopped after {hook.timeout:g} s"
        return Told(outcome=Outcome.LATE, reason=reason, output=output)
    if status == 0:
        return Told(outcome=Outcome.DELIVERED, status=0, output=output)
    reason = f"ended with status {status}" if status > 0 else f"was ended by signal {-status}"
    return Told(outcome=Outcome.FAILED, reason=reason, status=status, output=output)


def variables(happening: Happening, delivery: str) -> dict[str, str]:
    """Return what a command is told in its environment: LINEAL_EVENT, LINEAL_MODEL and so on."""
    said = {f"LINEAL_{name.upper()}": _variable(getattr(happening, name)) for name in _TOLD}
    return said | {"LINEAL_ID": _variable(happening.id), "LINEAL_DELIVERY": delivery}


def _variable(value: object) -> str:
    return str(spelt(str(value))).replace("\0", "")[:_LONGEST]


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
