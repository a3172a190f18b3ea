"""The ledger of one store: entries appended by compare-and-set, without a server, and verified whenever they are read.

What a client saw last it remembers: so a ledger that was cut short or rewritten is found out, which the chain alone
does not show. Entries read once are kept beside that, and the chain is followed through them again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from lineal.errors import Conflict, Corrupt, NotFound, StoreError
from lineal.ledger import events
from lineal.ledger.events import Entry, Event
from lineal.ledger.folding import State
from lineal.ledger.memory import Head, Memory
from lineal.store.backend import Backend

DEADLINE = 120.0  # seconds that an append goes on trying
_AHEAD = 32  # entries fetched at once
_FEW = 4  # entries read one by one before it is worth listing how many there are
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
        self._memory = Memory(memory, store)
        self._first = store
        self._seen = self._memory.head()
        self._recalled = False
        self._reset()

    def _reset(self) -> None:
        self._lines: list[bytes] = []
        self._entries: list[Entry] = []
        self.state = State()
        self._head = self._first

    def entries(self) -> list[Entry]:
        """Return all entries up to now, verified.

        Raises:
            Corrupt: an entry is damaged, missing, or not chained to the one before; or entries are gone.
        """
        self._check_seen()
        if not self._recalled:
            self._recall()
        self._follow()
        self._check_end()
        return self._entries

    def _check_seen(self) -> None:
        """Look whether the entry that was the last one once still is what it was."""
        number = self._seen.number
        if number < 1:
            return
        data = self._read(number)
        if data is None:
            raise self._corrupt(f"was cut short: entry {number:,} is gone", self._unless_trusted())
        if events.digest(data) != self._seen.hash:
            raise self._corrupt(f"was rewritten: entry {number:,} is another", self._unless_trusted())

    def _recall(self) -> None:
        """Begin with the entries that were kept, if the store still says the same at their end."""
        lines = self._memory.entries()
        try:
            for line in lines:
                self._take(line)
            good = not lines or self._read(len(lines)) == lines[-1]
        except Corrupt:
            good = False
        if not good:  # what was kept is damaged: the store is read from its beginning
            self._memory.forget()
            self._reset()
        self._recalled = True

    def _follow(self) -> None:
        """Take what is new, and remember how far it goes."""
        for data in self._fresh(len(self._lines) + 1):
            self._take(data)
        if len(self._lines) > self._seen.number:
            self._seen = Head(store=self._first, number=len(self._lines), hash=self._head)
            self._memory.keep_head(self._seen)
        self._memory.keep_entries(self._lines)

    def _fresh(self, number: int) -> Iterator[bytes]:
        """Yield the entries from `number` on. A listing says how far to look ahead; only a read says where it ends."""
        first = number
        while (data := self._read(number)) is not None:
            yield data
            number += 1
            if number - first == _FEW or (number - first > _FEW and number % 1000 == 0):
                for data in self._ahead(number):
                    yield data
                    number += 1

    def _ahead(self, number: int) -> Iterator[bytes]:
        """Yield the entries from `number` to the last one that is listed among its thousand, many at a time."""
        last = self._listed(number // 1000)
        if last <= number:
            return
        with ThreadPoolExecutor(_AHEAD, "ledger") as pool:
            for data in pool.map(self._read, range(number, last + 1)):
                if data is None:
                    raise self._corrupt(f"has a gap before entry {last:,}")
                yield data

    def _check_end(self) -> None:
        """Look whether entries lie beyond the last one: then those between are gone, if they are not just written."""
        number = len(self._lines) + 1
        last = max(self._listed(number // 1000), self._listed(number // 1000 + 1))
        if last < number:
            return
        if self._read(number) is None:
            raise self._corrupt(f"has a gap before entry {last:,}")
        self._follow()

    def _listed(self, thousand: int) -> int:
        """Return the last number that a listing shows in one folder, whose other contents mean nothing; 0 if none."""
        last = 0
        for one in self._backend.list(f"ledger/{thousand:08d}/"):
            name = one.key.rpartition("/")[2]
            if len(name) == 12 and name.isascii() and name.isdecimal() and events.key(int(name)) == one.key:
                last = max(last, int(name))
        return last

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
            raise self._corrupt(f"has a damaged entry {number:,}") from error
        if entry.number != number or entry.before != self._head:
            raise self._corrupt(f"is broken: entry {number:,} does not follow the one before")
        digest = events.digest(data)
        if number == self._seen.number and digest != self._seen.hash:
            raise self._corrupt(f"was rewritten: entry {number:,} is another", self._unless_trusted())
        self._lines.append(data)
        self._entries.append(entry)
        self._head = digest
        self.state.take(entry.event, number)

    def _corrupt(self, what: str, hint: str = _HINT) -> Corrupt:
        return Corrupt(f"the ledger of {self._backend.url} {what}", hint=hint)

    def _unless_trusted(self) -> str:
        return _HINT if self._memory.path is None else f"{_HINT}; to trust it as it is, delete {self._memory.path}"

    def append(self, decide: Callable[[State], Event | None], *, deadline: float = DEADLINE) -> Entry | None:
        """Append the event that `decide` makes of the state, or nothing where it makes none.

        `decide` is asked again whenever somebody else was quicker, so what it says holds for the state it was asked
        with. It must make the same `id` each time.

        Raises:
            Conflict: others were quicker until the deadline.
            Corrupt: as for `entries`.
            StoreError: the event is one that could not be read again.
        """
        end = time.monotonic() + deadline
        self.entries()
        while True:
            event = decide(self.state)
            if event is None or event.id in self.state.seen:
                return None if event is None else self._of(event.id)
            entry = Entry(number=len(self._lines) + 1, before=self._head, event=event)
            self._backend.create(events.key(entry.number), _readable(entry))
            self._follow()  # whatever the answer was: what is there now decides
            if event.id in self.state.seen:
                return self._of(event.id)
            if time.monotonic() > end:
                raise Conflict(f"too many others write into {self._backend.url}", hint="try again")
            time.sleep(random.uniform(0, 0.02))
            self._follow()

    def _of(self, event: str) -> Entry:
        return next(entry for entry in reversed(self._entries) if entry.event.id == event)


def _readable(entry: Entry) -> bytes:
    """Return an entry's bytes, proved to be readable: one that is not would close the ledger to everybody, for ever."""
    try:
        data = events.encode(entry)
        if len(data) <= MAX_ENTRY and events.decode(data).before == entry.before:
            return data
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise StoreError(f"an event cannot be written down: {error}", hint="is one of its values no number?") from error
    raise StoreError(
        f"an event has {len(data):,} bytes, and at most {MAX_ENTRY:,} are kept",
        hint="say less in its message, metrics and tags",
    )
