"""The ledger of one store: entries appended by compare-and-set, without a server, and verified whenever they are read.

What a client saw last it remembers: so a ledger that was cut short or rewritten is found out, which the chain alone
does not show. What the entries up to some number amount to is kept beside that, and the chain is followed from there.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from lineal.errors import Conflict, Corrupt, NotFound, StoreError
from lineal.ledger import events, snapshots
from lineal.ledger.anchors import Anchor, Anchorage
from lineal.ledger.events import Entry, Event
from lineal.ledger.folding import State
from lineal.ledger.memory import Head, Memory
from lineal.ledger.reading import HINT, MAX_ENTRY, Objects
from lineal.ledger.snapshots import Snapshot
from lineal.ledger.verifying import Verified, Verifier
from lineal.store.backend import Backend

DEADLINE = 120.0  # seconds that an append goes on trying
SKEW = 600.0  # seconds that clocks may differ without putting events out of order
_FRESH = 64  # entries after which the snapshot in the cache is written anew, at least
_SHARE = 250  # ... and at least this part of the ledger


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
        self._objects = Objects(backend)
        self._memory = Memory(memory, store)
        self._store = store
        self._seen = self._memory.head()
        self._begun = False
        self._kept = 0  # the number of the snapshot in the cache
        self._last: Entry | None = None
        self.state = State()
        self.head = Head(store=store)  # the last entry that was read; before any its number is 0

    def refresh(self) -> State:
        """Take up what is new, verified, and return what all of it amounts to.

        Raises:
            Corrupt: an entry is damaged, missing, or not chained to the one before; or entries are gone.
        """
        self._check_seen()
        if not self._begun:
            self._begin()
        self._follow()
        self._check_end()
        return self.state

    def entries(self) -> list[Entry]:
        """Return all entries up to now, verified. Raises Corrupt, as `refresh`."""
        self.refresh()
        return list(self.walk(1, self.head.number))

    def _check_seen(self) -> None:
        """Look whether the entry that was the last one once still is what it was."""
        number = self._seen.number
        if number < 1:
            return
        data = self._objects.read(number)
        if data is None:
            raise self._objects.corrupt(f"was cut short: entry {number:,} is gone", self._unless_trusted())
        if events.digest(data) != self._seen.hash:
            raise self._rewritten(number)

    def _begin(self) -> None:
        """Begin with the newest snapshot that the entries bear out: the cache's own, else one in the store."""
        for snapshot, mine in self._snapshots():
            try:
                entry, state = self._borne_out(snapshot), snapshot.state()
                if not mine:
                    state.check()
            except Corrupt:
                entry = None
            if entry is None:
                if mine:
                    self._memory.drop_snapshot()
                continue
            self.state, self._last = state, entry
            self.head = Head(store=self._store, number=snapshot.number, hash=snapshot.hash)
            self._kept = snapshot.number if mine else 0
            break
        self._begun = True

    def _snapshots(self) -> Iterator[tuple[Snapshot, bool]]:
        """Yield snapshots, and whether they are this client's own."""
        data = self._memory.snapshot()
        if data is not None:
            try:
                mine = snapshots.decode(data)
            except Corrupt:
                mine = None
            if mine is not None and mine.counts(self._store):
                yield mine, True
            else:
                self._memory.drop_snapshot()
        for found in snapshots.newest(self._backend, self._store):
            yield found, False

    def _borne_out(self, snapshot: Snapshot) -> Entry | None:
        """Return the last entry of a snapshot, if it is there, is that one, and follows what was seen before."""
        data = self._objects.read(snapshot.number)
        if data is None or events.digest(data) != snapshot.hash:
            return None
        if 0 < self._seen.number < snapshot.number:
            before = self._seen.hash
            for entry, digest in self._chained(self._seen.number + 1, snapshot.number, before):
                last, before = entry, digest
            return last if before == snapshot.hash else None
        return self._objects.decoded(snapshot.number, data)

    def _chained(self, first: int, last: int, before: str) -> Iterator[tuple[Entry, str]]:
        """Yield entries and their hashes, where the first follows `before` and each the one before it."""
        for number, data in enumerate(self._objects.many(range(first, last + 1)), first):
            if data is None:
                raise self._objects.corrupt(f"has a gap before entry {last:,}")
            yield self._verified(number, data, before), (before := events.digest(data))

    def _verified(self, number: int, data: bytes, before: str) -> Entry:
        entry = self._objects.decoded(number, data)
        if entry.number != number or entry.before != before:
            raise self._objects.corrupt(f"is broken: entry {number:,} does not follow the one before")
        return entry

    def _follow(self) -> None:
        """Take what is new, and remember how far it goes."""
        for data in self._objects.fresh(self.head.number + 1):
            self._take(data)
        if self.head.number > self._seen.number:
            self._seen = self.head
            self._memory.keep_head(self._seen)
        self._keep()

    def _keep(self) -> None:
        """Keep a snapshot in the cache, where the one there is far behind: it is written whole, so not for each entry.

        What cannot be written is tried again when there are many more.
        """
        number = self.head.number
        if self._memory.path is None or number - self._kept < max(_FRESH, number // _SHARE):
            return
        self._kept = number
        data = snapshots.encode(self._store, number, self.head.hash, self.state)
        if data is not None:
            self._memory.keep_snapshot(data)

    def _check_end(self) -> None:
        """Look whether entries lie beyond the last one: then those between are gone, if they are not just written."""
        number = self.head.number + 1
        last = max(self._objects.listed(number // 1000), self._objects.listed(number // 1000 + 1))
        if last < number:
            return
        if self._objects.read(number) is None:
            raise self._objects.corrupt(f"has a gap before entry {last:,}")
        self._follow()

    def _take(self, data: bytes) -> None:
        number = self.head.number + 1
        entry, digest = self._verified(number, data, self.head.hash or self._store), events.digest(data)
        if number == self._seen.number and digest != self._seen.hash:
            raise self._rewritten(number)
        self.head = Head(store=self._store, number=number, hash=digest)
        self._last = entry
        self.state.take(entry.event, number)

    def _rewritten(self, number: int) -> Corrupt:
        return self._objects.corrupt(f"was rewritten: entry {number:,} is another", self._unless_trusted())

    def _unless_trusted(self) -> str:
        return HINT if self._memory.path is None else f"{HINT}; to trust it as it is, delete {self._memory.path}"

    def walk(self, first: int = 1, last: int | None = None) -> Iterator[Entry]:
        """Yield entries in order, each verified to follow the one before; up to the last one there is now.

        Args:
            first: the number of the first one, from 1.
            last: the number of the last one; None for the last there is.

        Raises:
            Corrupt: an entry is damaged, missing, or not chained to the one before.
        """
        if last is None or last > self.head.number:
            self.refresh()
            last = min(last or self.head.number, self.head.number)
        first = max(first, 1)
        if first > last:
            return
        before = self._store if first == 1 else events.digest(self._there(first - 1))
        for entry, digest in self._chained(first, last, before):
            if entry.number == self.head.number and digest != self.head.hash:
                raise self._rewritten(entry.number)
            yield entry

    def entry(self, number: int) -> Entry:
        """Return one entry, which the next one must be chained to.

        Raises:
            NotFound: there is none of this number.
            Corrupt: it is damaged, or is not what the next one follows.
        """
        if number > self.head.number:
            self.refresh()
        if not 1 <= number <= self.head.number:
            raise NotFound(f"the ledger has no entry {number:,}", hint=f"the last one is {self.head.number:,}")
        if number == self.head.number:
            return self._decoded_as(number, self.head.hash)
        return self._decoded_as(number, self._objects.decoded(number + 1, self._there(number + 1)).before)

    def _decoded_as(self, number: int, digest: str) -> Entry:
        data = self._there(number)
        if events.digest(data) != digest:
            raise self._rewritten(number)
        return self._objects.decoded(number, data)

    def _there(self, number: int) -> bytes:
        data = self._objects.read(number)
        if data is None:
            raise self._objects.corrupt(f"has lost its entry {number:,}")
        return data

    def find(self, event: str) -> Entry | None:
        """Return the entry of the event with this id, None where there is none. Raises Corrupt."""
        if not self._begun:
            self.refresh()
        number = self.state.seen.number(event)
        return None if number is None else self.entry(number)

    def back(self, before: int | None = None) -> Iterator[Entry]:
        """Yield entries, the newest first, each verified by the one that follows it; lazily, as a log is read.

        Args:
            before: begin with the entry before this number; None for the last there is now.

        Raises:
            Corrupt: an entry is damaged, missing, or not what the next one is chained to.
        """
        if before is None or before > self.head.number:
            self.refresh()
        last = self.head.number if before is None else min(before - 1, self.head.number)
        if last < 1:
            return
        digest = self.head.hash
        if last < self.head.number:
            digest = self._objects.decoded(last + 1, self._there(last + 1)).before
        for number, data in zip(range(last, 0, -1), self._objects.many(range(last, 0, -1)), strict=True):
            if data is None:
                raise self._objects.corrupt(f"has lost its entry {number:,}")
            if events.digest(data) != digest:
                raise self._rewritten(number)
            entry = self._objects.decoded(number, data)
            digest = entry.before
            yield entry

    def append(
        self, decide: Callable[[State], Event | None], *, deadline: float = DEADLINE, as_told: bool = False
    ) -> Entry | None:
        """Append the event that `decide` makes of the state, or nothing where it makes none.

        `decide` is asked again whenever somebody else was quicker, so what it says holds for the state it was asked
        with. It must make the same `id` each time. An event that seems to come up to 10 minutes before the last one is
        given that one's time: clocks differ, and the order of the entries is what counts.

        Args:
            decide: makes the event.
            deadline: seconds for which it is tried again.
            as_told: keep the event's time in any case, as that of one which comes from another ledger.

        Raises:
            Conflict: others were quicker until the deadline.
            Corrupt: as for `refresh`.
            StoreError: the event is one that could not be read again.
        """
        end = time.monotonic() + deadline
        self.refresh()
        while True:
            event = decide(self.state)
            if event is None or event.id in self.state.seen:
                return None if event is None else self.find(event.id)
            entry = Entry(
                number=self.head.number + 1,
                before=self.head.hash or self._store,
                event=event if as_told else self._in_order(event),
            )
            self._backend.create(events.key(entry.number), _readable(entry))
            self._follow()  # whatever the answer was: what is there now decides
            number = self.state.seen.number(event.id)
            if number is not None:
                if number % snapshots.EVERY == 0:
                    snapshots.leave(self._backend, self._store, self.head.number, self.head.hash, self.state)
                return self._last if number == self.head.number else self.entry(number)
            if time.monotonic() > end:
                raise Conflict(f"too many others write into {self._backend.url}", hint="try again")
            time.sleep(random.uniform(0, 0.02))
            self._follow()

    def _in_order(self, event: Event) -> Event:
        """Give an event the last one's time, where its own lies a little before; a signed one stays as it is."""
        last = self._last.event.at if self._last is not None else 0.0
        if not event.signature and isinstance(event.at, float | int) and 0 < last - event.at <= SKEW:
            return msgspec.structs.replace(event, at=last)
        return event

    def anchor(self, where: Anchorage) -> Anchor:
        """Write the last entry's number and hash down in another place, where they are not changed with the ledger.

        Raises:
            NotFound: the ledger is empty.
            Corrupt: as for `refresh`; or another hash of this entry was written down there.
        """
        self.refresh()
        if self.head.number < 1:
            raise NotFound("the ledger has no entry yet", hint="`lineal commit` makes the first")
        made = Anchor(store=self._store, number=self.head.number, hash=self.head.hash)
        where.keep(made)
        return made

    def verify(
        self, anchorages: Iterable[Anchorage] = (), on_bytes: Callable[[int], None] = lambda _: None
    ) -> Verified:
        """Read everything from the first entry on, and say all that is not as it should be; the state stays as it is.

        Args:
            anchorages: places where anchors of this ledger lie, which it must still contain.
            on_bytes: is told how many bytes more were read.

        Raises:
            Unavailable, AuthRequired: the ledger or an anchorage cannot be reached.
        """
        found = Verifier(self._objects, self._store, self._memory).run(anchorages, on_bytes)
        if not found.problems:
            self._memory.keep_head(found.head)
        return found


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
