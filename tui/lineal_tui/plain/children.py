"""Child processes of text mode: a sync, told in a line now and then, and the command line."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from lineal.model.listing import VersionRow
from lineal_tui import commands
from lineal_tui.messages import SyncStep
from lineal_tui.plain import words
from lineal_tui.present import text
from lineal_tui.present.output import Output, meaning
from lineal_tui.running import Running
from lineal_tui.syncing import SyncChild

_EVERY = 5.0  # seconds between two statements about how far a sync is
_MOST = 2_000  # lines of a command that are read out
_CELLS = 400  # wide enough that no line is broken: who listens wants whole statements


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

    def run(self, typed: str, here: VersionRow | None = None) -> None:
        """Run the command line with what was typed, and read out what it says."""
        try:
            said = commands.split(typed, here)
        except ValueError as error:
            self._say(f"That is no command: {error}")
            return
        if not said or not self._verbs:
            self._say("Type colon and the words of the command line, such as :ls or :who" if self._verbs else
                      "The command line cannot be run here")  # fmt: skip
        elif why := commands.refused(said):
            self._say(why[0].upper() + why[1:])
        else:
            self._run(["--help"] if said == [commands.HELP] else said)

    def _run(self, said: Sequence[str]) -> None:
        output = Output()
        told = 0

        def hear(data: bytes) -> None:
            nonlocal told
            output.feed(data)
            self._read_out(output.first[told:_MOST])
            told = len(output.first)

        try:
            code = asyncio.run(Running(self._verbs, self._cwd, self._environ).run(said, _CELLS, hear))
        except KeyboardInterrupt:
            self._say("Stopped")
            return
        output.end()
        left_out, last = output.last()
        self._read_out([*output.first[told:_MOST], *last])
        if left_out := left_out + max(0, len(output.first) - _MOST):
            self._say(f"{left_out} more lines were left out")
        if code:
            self._say(f"It ended badly: {meaning(code)}")

    def _read_out(self, lines: Sequence[str]) -> None:
        for line in lines:
            if line := line.strip():
                self._pass_on(line)


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
