"""Reading a whole ledger to say everything that is wrong with it, and not only what comes first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

import msgspec

from lineal.errors import Corrupt
from lineal.ledger import events, snapshots
from lineal.ledger.anchors import Anchorage
from lineal.ledger.events import Entry
from lineal.ledger.folding import FOLDING, State
from lineal.ledger.memory import Head, Memory
from lineal.ledger.reading import Objects
from lineal.ledger.snapshots import Snapshot

MOST = 1000  # problems that are listed, and notes
SKEW = 600.0  # seconds that clocks may differ before it is worth a note
_RUN = 10_000  # entries that a listing shows, read in one go


class Finding(msgspec.Struct, frozen=True):
    """Something about one part of a ledger: "entry 7", "snapshot 3,000", "anchor 12 in s3://..."."""

    where: str
    what: str


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What a ledger's verification found. It is sound where there are no problems; notes are no damage."""

    entries: int  # that were read
    head: Head
    snapshots: int = 0  # that were compared with what the entries amount to
    anchors: int = 0  # that the ledger was compared with
    problems: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()
    more: int = 0  # problems and notes beyond those listed


class Verifier:
    """One verification of one ledger."""

    def __init__(self, objects: Objects, store: str, memory: Memory) -> None:
        self._objects, self._store, self._memory = objects, store, memory
        self._problems: list[Finding] = []
        self._notes: list[Finding] = []
        self._more = 0
        self._expected: dict[int, list[tuple[str, str]]] = defaultdict(list)  # what says which hash an entry has
        self._snapshots: dict[int, list[tuple[str, Snapshot]]] = defaultdict(list)
        self._compared = 0
        self._state: State | None = State()  # None once the chain is broken: then it amounts to nothing certain
        self._latest = float("-inf")  # time

    def run(self, anchorages: Iterable[Anchorage], on_bytes: Callable[[int], None]) -> Verified:
        """Verify everything. What is expected is read first, so that what is written meanwhile does no harm."""
        head = self._memory.head()
        if head.number:
            self._expected[head.number].append(("what this client saw", head.hash))
        anchors = sum(self._anchors(anchorage) for anchorage in anchorages)
        self._find_snapshots()
        count, last = 0, Head(store=self._store)
        before: str | None = self._store
        for number, data in self._all():
            if data is None:
                self._problem(_entry(number), "is gone")
                before = self._state = None
                continue
            on_bytes(len(data))
            digest = events.digest(data)
            self._compare(number, digest)
            self._check(number, data, before)
            self._check_snapshots(number)
            before, count, last = digest, count + 1, Head(store=self._store, number=number, hash=digest)
        for number, said in sorted(self._expected.items()):
            for where, _ in said:
                self._problem(where, f"entry {number:,} is gone: the ledger was cut short")
        return Verified(
            entries=count,
            head=last,
            snapshots=self._compared,
            anchors=anchors,
            problems=tuple(self._problems),
            notes=tuple(self._notes),
            more=self._more,
        )

    def _all(self) -> Iterator[tuple[int, bytes | None]]:
        """Yield all entries with their numbers; of a gap the first number, without bytes.

        Listings show where entries are that lie beyond a gap, and may lag behind: what they leave out is asked for.
        """
        number = 1
        for run in _runs(self._objects.all_listed()):
            yield from self._probed(range(number, run.start))
            yield from zip(run, self._objects.many(run), strict=True)
            number = run.stop
        while (data := self._objects.read(number)) is not None:
            yield number, data
            number += 1

    def _probed(self, numbers: range) -> Iterator[tuple[int, bytes | None]]:
        """Yield the first entries of these that no listing shows, up to one that is not there."""
        for number in numbers:
            data = self._objects.read(number)
            yield number, data
            if data is None:
                return

    def _check(self, number: int, data: bytes, before: str | None) -> None:
        try:
            entry = self._objects.decoded(number, data)
        except Corrupt:
            self._problem(_entry(number), "is damaged")
            self._state = None
            return
        if entry.number != number:
            self._problem(_entry(number), f"calls itself entry {entry.number:,}")
            self._state = None
        if before is not None and entry.before != before:
            self._problem(_entry(number), "does not follow the one before")
            self._state = None
        self._check_time(number, entry)
        if self._state is not None:
            self._state.take(entry.event, number)

    def _check_time(self, number: int, entry: Entry) -> None:
        back = self._latest - entry.event.at
        if back > SKEW:
            self._note(_entry(number), f"is dated {back:,.0f} s before an earlier entry")
        self._latest = max(self._latest, entry.event.at)

    def _compare(self, number: int, digest: str) -> None:
        for where, hash_ in self._expected.pop(number, ()):
            if hash_ != digest:
                self._problem(where, f"entry {number:,} is another: the ledger was rewritten")

    def _anchors(self, anchorage: Anchorage) -> int:
        """Expect what was written down in one place; return how many anchors there are."""
        count = 0
        for name, anchor in anchorage.kept():
            if anchor is None:
                self._problem(f"anchor {name}", "cannot be read, or says something else than its name")
            elif anchor.store == self._store:
                self._expected[anchor.number].append((f"anchor {name}", anchor.hash))
                count += 1
        if not count:
            self._problem(anchorage.url, "holds no anchor of this ledger: was it taken away, or is the store another?")
        return count

    def _find_snapshots(self) -> None:
        there = snapshots.listed(self._objects.backend)
        for number in there[: -snapshots.TRIED]:
            self._note(_snapshot(number), "is one too many, and not used")
        for number in there[-snapshots.TRIED :]:
            where = _snapshot(number)
            try:
                found = snapshots.read(self._objects.backend, number)
            except Corrupt:
                self._problem(where, "is damaged: it may be deleted")
                continue
            if found is not None:
                self._expect(where, found)
        data = self._memory.snapshot()
        if data is not None:
            try:
                self._expect("the snapshot in the cache", snapshots.decode(data))
            except Corrupt:
                self._note("the snapshot in the cache", "is damaged, and will not be used")

    def _expect(self, where: str, snapshot: Snapshot) -> None:
        if snapshot.folding != FOLDING:
            self._note(where, "is of another version of Lineal, and not used")
        elif not snapshot.counts(self._store):
            self._problem(where, "is that of another ledger: it may be deleted")
        else:
            self._expected[snapshot.number].append((where, snapshot.hash))
            self._snapshots[snapshot.number].append((where, snapshot))

    def _check_snapshots(self, number: int) -> None:
        for where, snapshot in self._snapshots.pop(number, ()):
            if self._state is None:
                continue  # its hash was compared; what the entries amount to is not known any more
            self._compared += 1
            try:
                same = snapshot.written() == self._state.written()
            except Corrupt:
                same = False
            if not same:
                self._problem(where, "says something else than the entries: delete it")

    def _problem(self, where: str, what: str) -> None:
        self._add(self._problems, where, what)

    def _note(self, where: str, what: str) -> None:
        self._add(self._notes, where, what)

    def _add(self, findings: list[Finding], where: str, what: str) -> None:
        if len(findings) < MOST:
            findings.append(Finding(where, what))
        else:
            self._more += 1


def _entry(number: int) -> str:
    return f"entry {number:,}"


def _snapshot(number: int) -> str:
    return f"snapshot {number:,}"


def _runs(numbers: Iterable[int]) -> Iterator[range]:
    """Yield sorted numbers as runs without gaps; 0 is no number of an entry."""
    run = range(1, 1)
    for number in numbers:
        if run and number == run.stop and len(run) < _RUN:
            run = range(run.start, number + 1)
        elif number:
            if run:
                yield run
            run = range(number, number + 1)
    if run:
        yield run
