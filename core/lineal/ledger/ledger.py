"""The ledger of one store: entries appended by compare-and-set, without a server, and verified whenever they are read.

What a client saw last it remembers: so a ledger that was cut short or rewritten is found out, which the chain alone
does not show. Entries read once are kept beside that, and the chain is followed through them again.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from lineal.errors import Conflict, Corrupt, NotFound
from lineal.ledger import events
from lineal.ledger.events import Entry, Event
from lineal.ledger.folding import State
from lineal.store.backend import Backend

DEADLINE = 120.0  # seconds that an append goes on trying
_AHEAD = 32  # entries fetched at once
MAX_ENTRY = 4 << 20  # bytes
_HINT = "somebody changed or took away what was written: compare with another clone before you trust it"


class Ledger:
    """The events of one store, for one thread at a time."""

    def __init__(self, backend: Backend, store: str, memory: Path | None = None) -> None:
        """Open the ledger.

        Args:
            backend: where the store lies.
            store: its id, which the first entry is chained to.
            memory: a file in the user's cache that remembers what was read; it may be deleted.
        """
        self._backend = backend
        self._memory = memory
        self._lines: list[bytes] = []
        self._head = store
        self._first = store
        self.state = State()
        self._entries: list[Entry] = []
        self._remember_from = 0
        self._recalled = False

    def entries(self) -> list[Entry]:
        """Return all entries up to now, verified.

        Raises:
            Corrupt: an entry is damaged, missing, or not chained to the one before; or entries are gone.
        """
        if not self._recalled:
            self._recall()
        known = len(self._lines)
        for data in self._fresh(known + 1):
            self._take(data)
        if len(self._lines) > self._remember_from:
            self._remember()
        return self._entries

    def _recall(self) -> None:
        """Begin with what was read before, if it still is what the store says at its end."""
        self._recalled = True
        lines = _remembered(self._memory)
        if not lines:
            return
        try:
            for line in lines:
                self._take(line)
        except Corrupt:
            self._reset()  # the memory is damaged: the store is read from its beginning
            return
        last = len(lines)
        try:
            now = self._backend.read(events.key(last), 0, MAX_ENTRY)
        except NotFound:
            raise Corrupt(
                f"the ledger of {self._backend.url} was cut short: entry {last:,} is gone", hint=_HINT
            ) from None
        if now != lines[-1]:
            raise Corrupt(f"the ledger of {self._backend.url} was rewritten: entry {last:,} is another", hint=_HINT)
        self._remember_from = last

    def _reset(self) -> None:
        self._lines, self._entries, self.state, self._head = [], [], State(), self._first

    def _fresh(self, number: int) -> Iterator[bytes]:
        """Yield the entries from `number` on. A listing says how far to look ahead; only a read says where it ends."""
        hint = self._listed(number)
        if hint - number >= 4:
            with ThreadPoolExecutor(_AHEAD, "ledger") as pool:
                for data in pool.map(self._read, range(number, hint + 1)):
                    if data is None:
                        raise Corrupt(f"the ledger of {self._backend.url} has a gap before entry {hint:,}", hint=_HINT)
                    yield data
            number = hint + 1
        while (data := self._read(number)) is not None:
            yield data
            number += 1

    def _listed(self, number: int) -> int:
        if self._read(number) is None and number > 1:
            return 0
        last = max((one.key for one in self._backend.list("ledger/")), default="")
        tail = last.rpartition("/")[2]
        return int(tail) if tail.isdecimal() else 0

    def _read(self, number: int) -> bytes | None:
        try:
            return self._backend.read(events.key(number), 0, MAX_ENTRY)
        except NotFound:
            return None

    def _take(self, data: bytes) -> None:
        number = len(self._lines) + 1
        try:
            entry = events.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Corrupt(f"entry {number:,} of the ledger of {self._backend.url} is damaged", hint=_HINT) from error
        if entry.number != number or entry.before != self._head:
            raise Corrupt(
                f"entry {number:,} of the ledger of {self._backend.url} does not follow the one before", hint=_HINT
            )
        self._lines.append(data)
        self._entries.append(entry)
        self._head = events.digest(data)
        self.state.take(entry.event)

    def append(self, decide: Callable[[State], Event | None], *, deadline: float = DEADLINE) -> Entry | None:
        """Append the event that `decide` makes of the state, or nothing where it makes none.

        `decide` is asked again whenever somebody else was quicker, so what it says holds for the state it was asked
        with. It must make the same `id` each time.

        Raises:
            Conflict: others were quicker until the deadline.
            Corrupt: as for `entries`.
        """
        end = time.monotonic() + deadline
        while True:
            self.entries()
            event = decide(self.state)
            if event is None or event.id in self.state.seen:
                return None if event is None else self._of(event.id)
            entry = Entry(number=len(self._lines) + 1, before=self._head, event=event)
            self._backend.create(events.key(entry.number), events.encode(entry))
            self.entries()  # whatever the answer was: what is there now decides
            if event.id in self.state.seen:
                return self._of(event.id)
            if time.monotonic() > end:
                raise Conflict(f"too many others write into {self._backend.url}", hint="try again")
            time.sleep(random.uniform(0, 0.02))

    def _of(self, event: str) -> Entry:
        return next(entry for entry in reversed(self._entries) if entry.event.id == event)

    def _remember(self) -> None:
        """Keep what was read. It is only a memory: where it cannot be written, the store is read again."""
        if self._memory is None:
            return
        temporary = self._memory.with_name(f"{self._memory.name}.{os.getpid()}")
        try:
            self._memory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary.write_bytes(b"".join(self._lines))
            temporary.replace(self._memory)
        except OSError:
            return
        self._remember_from = len(self._lines)


def _remembered(memory: Path | None) -> list[bytes]:
    if memory is None:
        return []
    try:
        return memory.read_bytes().splitlines(keepends=True)
    except OSError:
        return []
