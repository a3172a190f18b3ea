"""Child processes of text mode: a sync, told in a line now and then, and the command line."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from lineal_tui.messages import SyncStep
from lineal_tui.plain import words
from lineal_tui.present import text
from lineal_tui.syncing import SyncChild

_EVERY = 5.0  # seconds between two statements about how far a sync is
_MOST = 2_000  # lines of a command that are read out


class Children:
    """Runs one child at a time and says what it does; ctrl+c ends it."""

    def __init__(
        self,
        sync: Sequence[str],
        verbs: Sequence[str],
        cwd: str,
        environ: Mapping[str, str],
        say: Callable[[str], None],
        pass_on: Callable[[str], None],
    ) -> None:
        self._sync, self._verbs, self._cwd, self._environ = sync, verbs, cwd, dict(environ)
        self._say, self._pass_on = say, pass_on

    def sync(self, names: Sequence[str]) -> None:
        """Read registries again, and say when each is read, and how far it is where that takes long."""
        which = words.listed(text.safe(name, 40) for name in names) if names else "every registry"
        self._say(f"Reading {which}; ctrl+c stops it")
        hearing = _Hearing(self._say)
        child = SyncChild(self._sync, self._cwd, self._environ, hearing.hear)
        try:
            asyncio.run(child.run(names))
        except KeyboardInterrupt:
            self._say("Stopped reading; what was read stays")

    def run(self, typed: str) -> None:
        """Run the command line with what was typed, and read out what it says."""
        try:
            said = shlex.split(typed)
        except ValueError as error:
            self._say(f"That is no command: {error}")
            return
        if not said or not self._verbs:
            self._say("Type colon and the words of the command line, such as :ls or :who" if self._verbs else
                      "The command line cannot be run here")  # fmt: skip
            return
        try:
            self._run(said)
        except KeyboardInterrupt:
            self._say("Stopped")
        except OSError as error:
            self._say(f"The command could not be started: {error.strerror}")

    def _run(self, said: Sequence[str]) -> None:
        environ = {**self._environ, "NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "400"}
        with subprocess.Popen(
            [*self._verbs, *said],
            cwd=self._cwd,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as process:
            assert process.stdout is not None
            try:
                told = 0
                for line in process.stdout:
                    told += 1
                    if told <= _MOST and (line := line.strip()):
                        self._pass_on(line.decode(errors="backslashreplace"))
            except KeyboardInterrupt:
                process.terminate()
                raise
        if told > _MOST:
            self._say(f"{told - _MOST} more lines were left out")
        if process.returncode:
            self._say(f"It ended with exit code {process.returncode}")


class _Hearing:
    """Turns the steps of a sync into statements, few of them."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._last = time.monotonic()
        self._failed: list[str] = []

    def hear(self, step: SyncStep) -> None:
        """Say a step, if it is worth it."""
        name, now = text.safe(step.registry, 40), time.monotonic()
        if not step.running:
            self._end(step)
        elif step.failed:
            self._failed.append(name)
            self._say(f"{name} could not be read; sources says why")
        elif step.changed:
            self._say(f"{name} is read")
        elif now - self._last > _EVERY:
            self._last = now
            self._say(_progress(step, name))

    def _end(self, step: SyncStep) -> None:
        if step.error and not self._failed:
            self._say(f"Error: {text.safe(step.error, 600)}")


def _progress(step: SyncStep, name: str) -> str:
    """Return how far a sync is."""
    of = f" of {step.total}" if step.total else ""
    what = "files hashed" if step.hashing else "versions read"
    left = f", {words.span(step.left)} left" if step.left is not None and step.left >= 1 else ""
    return f"{name or 'Still reading'}: {step.done}{of} {what}{left}"
