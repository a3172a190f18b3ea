"""Twenty thousand ways to change a ledger, each found by a client that saw its end; and by one that has an anchor."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec import structs

from lineal.ledger import events, snapshots
from lineal.ledger.anchors import Objects
from lineal.ledger.events import Entry, Event
from lineal.ledger.folding import State
from lineal.ledger.ledger import Ledger
from lineal.model.values import Metric, Tag
from tests.unit.ledger.places import STORE, Place, event

COUNT = 10  # entries
FEWEST = 20_000
VERSION = f"{1:064x}"
Stored = dict[str, bytes]


def _said() -> list[Event]:
    """Return events of many kinds, all different."""
    return [
        event(1, number=1, metrics=(Metric("auc", 0.5),)),
        event(2, number=2),
        event(3, events.METRICS, version=VERSION, metrics=(Metric("auc", 0.75),)),
        event(4, events.TAGS, version=VERSION, tags=(Tag("by", "night"),)),
        event(5, events.ALIAS, version=VERSION, alias="prod"),
        event(6, events.REQUESTED, version=VERSION, alias="prod", message="please"),
        event(7, events.APPROVED, version=VERSION, alias="prod", by="noa"),
        event(8, events.ALIAS, version=f"{2:064x}", before=VERSION, alias="prod"),
        event(9, events.RETIRED, version=VERSION),
        event(10, events.DEPLOYED, version=f"{2:064x}", where="eu"),
    ]


def _chained(said: list[Event], before: str = STORE, first: int = 1) -> Stored:
    """Return entries whose hashes are right."""
    found: Stored = {}
    for number, one in enumerate(said, first):
        data = events.encode(Entry(number=number, before=before, event=one))
        found[events.key(number)], before = data, events.digest(data)
    return found


GOOD = _chained(_said())
KEYS = list(GOOD)


def _flips(drawn: random.Random) -> Iterator[Stored]:
    for key, data in GOOD.items():
        for at in range(len(data)):
            for bit in drawn.sample(range(8), 4):
                yield {**GOOD, key: data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]}


def _deletions(drawn: random.Random) -> Iterator[Stored]:
    for chosen in itertools.product([True, False], repeat=COUNT):
        if not all(chosen):
            yield {key: GOOD[key] for key, kept in zip(KEYS, chosen, strict=True) if kept}


def _swaps(drawn: random.Random) -> Iterator[Stored]:
    for one, other in itertools.combinations(KEYS, 2):
        yield {**GOOD, one: GOOD[other], other: GOOD[one]}
    for _ in range(2000):
        order = drawn.sample(KEYS, COUNT)
        if order != KEYS:
            yield {key: GOOD[from_] for key, from_ in zip(KEYS, order, strict=True)}


def _truncations(drawn: random.Random) -> Iterator[Stored]:
    for key, data in GOOD.items():
        yield from ({**GOOD, key: data[:at]} for at in range(len(data)))


def _rewrites(drawn: random.Random) -> Iterator[Stored]:
    """Say one thing otherwise, and make all hashes after it right; or move a thing, or leave it out."""
    fields: list[tuple[str, Callable[[], object]]] = [
        ("at", drawn.random),
        ("by", lambda: f"{drawn.random()}"),
        ("message", lambda: f"{drawn.random()}"),
        ("version", lambda: f"{drawn.getrandbits(256):064x}"),
        ("kind", lambda: drawn.choice([events.REJECTED, events.RESTORED, "unheard of"])),
        ("id", lambda: f"{drawn.getrandbits(128):032x}"),
    ]
    said = _said()
    for _ in range(3000):
        name, value = drawn.choice(fields)
        at = drawn.randrange(COUNT)
        yield _chained([*said[:at], structs.replace(said[at], **{name: value()}), *said[at + 1 :]])
    for at in range(COUNT):
        yield _chained([*said[:at], *said[at + 1 :]])
        yield _chained([*said[:at], event(99, events.NOTE), *said[at:]])


def _forks(drawn: random.Random) -> Iterator[Stored]:
    """Go another way from some entry on, shorter, as long, or longer."""
    for _ in range(1500):
        kept, length = drawn.randrange(COUNT), drawn.randint(0, 2 * COUNT)
        others = [event(drawn.getrandbits(100), events.NOTE, message="of the fork") for _ in range(length)]
        yield _chained([*_said()[:kept], *others])


def _replaced(drawn: random.Random) -> Iterator[Stored]:
    """Leave the entries as they are and put something else in the place of the snapshot."""
    state = State(events.decode(data) for data in GOOD.values())
    digest = events.digest(GOOD[KEYS[-1]])
    good = snapshots.encode(STORE, COUNT, digest, state)
    assert good is not None
    for at in range(0, len(good), 2):
        yield {**GOOD, snapshots.key(COUNT): good[:at] + bytes([good[at] ^ 1 << drawn.randrange(8)]) + good[at + 1 :]}
    for _ in range(500):
        said = _said()
        at = drawn.randrange(COUNT)
        said[at] = structs.replace(said[at], id=f"{drawn.getrandbits(128):032x}", message=f"{drawn.random()}")
        forged = State(Entry(number=number, before="", event=one) for number, one in enumerate(said, 1))
        data = snapshots.encode(STORE, COUNT, digest, forged)
        assert data is not None
        yield {**GOOD, snapshots.key(COUNT): data}
    for number in (1, COUNT - 1, COUNT + 1):
        yield {**GOOD, snapshots.key(number): good}
        for hash_ in (digest, "0" * 64):
            stale = snapshots.encode(STORE, number, hash_, state)
            assert stale is not None
            yield {**GOOD, snapshots.key(number): stale}


WAYS = {
    "flip": _flips,
    "deletion": _deletions,
    "swap": _swaps,
    "truncation": _truncations,
    "rewrite": _rewrites,
    "fork": _forks,
    "snapshot": _replaced,
}


def _seen(folder: Path) -> Path:
    """Let a client see the ledger, and return what it remembers of it."""
    place = Place()
    place.objects = dict(GOOD)
    found = Ledger(place, STORE, folder / "head").verify()
    assert (found.problems, found.notes, found.entries) == ((), (), COUNT)
    return folder / "head"


def test_twenty_thousand_changes_of_a_ledger_are_all_found_by_whoever_saw_its_end(tmp_path: Path) -> None:
    memory, drawn, tried = _seen(tmp_path), random.Random(4), Counter[str]()
    remembered = memory.read_bytes()
    place = Place()
    for way, changes in WAYS.items():
        for objects in changes(drawn):
            place.objects = dict(objects)
            tried[way] += 1
            found = Ledger(place, STORE, memory).verify()
            assert found.problems, (way, tried[way])
            assert place.objects == objects
    assert sum(tried.values()) >= FEWEST, tried
    assert min(tried[way] for way in WAYS) >= 500, tried
    assert memory.read_bytes() == remembered


@pytest.mark.parametrize("way", ["deletion", "rewrite", "fork"])
def test_what_lies_before_an_anchor_is_vouched_for_to_whoever_never_saw_it(way: str) -> None:
    drawn, place, other = random.Random(5), Place(), Place()
    other.url = "elsewhere"
    place.objects = dict(GOOD)
    Ledger(place, STORE).anchor(Objects(other))
    for objects in itertools.islice(WAYS[way](drawn), 0, None, 7):
        place.objects = dict(objects)
        assert Ledger(place, STORE).verify([Objects(other)]).problems
    place.objects = _chained([*_said(), event(11, events.NOTE)])
    assert not Ledger(place, STORE).verify([Objects(other)]).problems


def test_everything_that_is_wrong_is_said_and_not_only_the_first(tmp_path: Path) -> None:
    memory, place = _seen(tmp_path), Place()
    place.objects = {key: data for key, data in GOOD.items() if key not in (KEYS[2], KEYS[9])}
    place.objects[KEYS[4]] = b"nonsense"
    place.objects[KEYS[7]] = place.objects[KEYS[7]].replace(b"prod", b"prOd")
    place.objects[snapshots.key(5)] = b"nonsense"
    place.objects[snapshots.key(50)] = snapshots.encode(STORE, 50, "0" * 64, State()) or b""
    place.objects[events.key(99_000_000_000)] = b"far away"
    found = Ledger(place, STORE, memory).verify()
    assert {(one.where, one.what.partition(":")[0]) for one in found.problems} == {
        ("entry 3", "is gone"),
        ("entry 5", "is damaged"),
        ("entry 6", "does not follow the one before"),
        ("entry 9", "does not follow the one before"),
        ("entry 10", "is gone"),
        ("entry 99,000,000,000", "is damaged"),
        ("snapshot 5", "is damaged"),
        ("snapshot 50", "entry 50 is gone"),
        ("what this client saw", "entry 10 is gone"),
    }


def test_a_list_of_problems_has_an_end() -> None:
    place = Place()
    place.objects = {events.key(number): b"nonsense" for number in range(1, 1501)}
    found = Ledger(place, STORE).verify()
    assert len(found.problems) == 1000
    assert found.more >= 500


def test_clocks_that_went_back_are_notes_and_no_damage() -> None:
    place = Place()
    place.objects = _chained([event(1, at=9000.0), event(2, at=8500.0), event(3, at=8000.0), event(4, at=9000.0)])
    found = Ledger(place, STORE).verify()
    assert not found.problems
    assert [(one.where, one.what) for one in found.notes] == [("entry 3", "is dated 1,000 s before an earlier entry")]
