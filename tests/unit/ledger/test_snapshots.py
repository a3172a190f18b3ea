"""Snapshots: a shortcut that amounts to the same as all entries, and that is never believed against them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineal.errors import Corrupt, OutOfSpace
from lineal.ledger import events, snapshots
from lineal.ledger.events import Event, Move
from lineal.ledger.folding import State
from lineal.ledger.ledger import Ledger
from lineal.model.values import Metric, Tag
from tests.unit.ledger.places import STORE, Place, event, filled, numbered, written

KINDS = [value for name, value in vars(events).items() if name.isupper() and isinstance(value, str)]
REGISTRIES, MODELS, ALIASES = st.sampled_from(["", "mlflow"]), st.sampled_from("mn"), st.sampled_from(["prod", "next"])
VERSIONS = st.sampled_from(["", "1" * 64, "2" * 64, "3" * 64])
IDS = st.integers(1, 60).map("{:032x}".format) | st.sampled_from(["odd", "A" * 32, ""])
WORDS = st.sampled_from(["", "mira", "why not", "ü\n"])
METRICS = st.builds(Metric, st.sampled_from("xy"), st.floats(), dataset=st.sampled_from(["", "test"]))
TAGS = st.builds(Tag, st.sampled_from("pqr"), WORDS)
MOVES = st.builds(Move, model=MODELS, alias=ALIASES, before=VERSIONS, after=VERSIONS)
EVENTS = st.builds(
    Event,
    id=IDS,
    kind=st.sampled_from([*KINDS, "of another time"]),
    at=st.floats(0, 2e9),
    by=WORDS,
    registry=REGISTRIES,
    model=MODELS,
    version=VERSIONS,
    number=st.none() | st.integers(1, 9),
    message=WORDS,
    metrics=st.lists(METRICS, max_size=2).map(tuple),
    tags=st.lists(TAGS, max_size=2).map(tuple),
    gone=st.lists(st.sampled_from("pqr"), max_size=1).map(tuple),
    alias=ALIASES,
    before=VERSIONS,
    moves=st.lists(MOVES, max_size=2).map(tuple),
    of=IDS,
    action=IDS,
    undoes=st.just("") | IDS,
)


def fold(said: list[Event], state: State | None = None, first: int = 1) -> State:
    state = state or State()
    for number, one in enumerate(said, first):
        state.take(one, number)
    return state


def plain(state: State) -> dict[str, Any]:
    """Return all that a state says, asked for as others ask."""
    about = list(itertools.product(["", "mlflow"], "mn"))
    keys = ["", "1" * 64, "2" * 64, "3" * 64]
    versions = [one for of in state.models.values() for one in of.values()]
    moves = {one: state.moves(*one) for one in state.moved()}
    return {
        "versions": [
            (one.id, one.name, repr((one.event, one.metrics, one.tags, one.notes, one.retired))) for one in versions
        ],
        "aliases": {one: state.aliases(*one) for one in about},
        "moves": {one: [list(of), list(reversed(of)), len(of), of.current, of.at(1e9)] for one, of in moves.items()},
        "said": {(*one, key): repr(state.said(*one, key)) for one in about for key in keys},
        "sayings": [repr(state.sayings(kind)) for kind in KINDS],
        "numbers": [state.next_number(model) for model in "mn"],
        "seen": [(state.seen.number(f"{mark:032x}"), f"{mark:032x}" in state.seen) for mark in range(62)],
        "odd": [state.seen.number(one) for one in ("odd", "A" * 32, "")],
        "actions": [state.watched, state.open, state.undone],
    }


@settings(deadline=None, max_examples=300)
@given(st.lists(EVENTS, max_size=30), st.integers(0, 30))
def test_a_state_that_was_written_goes_on_as_if_it_never_had_been(said: list[Event], middle: int) -> None:
    whole = fold(said)
    data = fold(said[:middle]).written()
    rest = fold(said[middle:], State.read(data), middle + 1)
    assert rest.written() == whole.written()
    assert plain(rest) == plain(whole) == plain(State.read(whole.written()))
    State.read(data).check()
    assert State.read(data).written() == data


def test_as_many_ids_as_are_sorted_away_are_all_found() -> None:
    state = State()
    marks = [(mark * 7919) % 20_011 for mark in range(20_000)]
    for number, mark in enumerate(marks, 1):
        state.seen.add(f"{mark:032x}", number)
    state.seen.check()
    assert all(state.seen.number(f"{mark:032x}") == number for number, mark in enumerate(marks, 1))
    assert state.seen.number(f"{20_011:032x}") is None
    other = State()
    for mark in marks[5:]:
        other.seen.add(f"{mark:032x}", 1)
    assert state.seen.lacking(other.seen) == [1, 2, 3, 4, 5]


def left(place: Place, count: int) -> None:
    """Write a ledger, and leave a snapshot of all of it in its store."""
    filled(place, count)
    ledger = Ledger(place, STORE)
    ledger.refresh()
    snapshots.leave(place, STORE, count, ledger.head.hash, ledger.state)
    place.asked.clear()


def test_a_client_that_comes_new_begins_at_the_snapshot_in_the_store() -> None:
    place = Place()
    left(place, 600)
    filled(place, 610)
    ledger = Ledger(place, STORE)
    assert len(ledger.refresh().models["m"]) == 610
    assert place.asked["read"] <= 15
    assert len(ledger.entries()) == 610


def test_whoever_appends_past_a_thousand_leaves_a_snapshot_and_only_two_stay() -> None:
    place = Place()
    filled(place, 999)
    ledger = Ledger(place, STORE)
    for mark in range(5000, 5003):
        ledger.append(numbered(mark))
    assert snapshots.listed(place) == [1000]
    found = snapshots.read(place, 1000)
    assert found is not None
    assert found.written() == State(Ledger(place, STORE).walk(1, 1000)).written()
    place.objects[snapshots.key(9000)] = b"of a branch that went further"
    for number in (2000, 3000, 4000):
        filled(place, number - 1)
        place.objects = {
            key: data for key, data in place.objects.items() if key <= events.key(number - 1) or "s/" in key
        }
        Ledger(place, STORE).append(numbered(9000 + number))
    assert snapshots.listed(place) == [3000, 4000, 9000]


def test_snapshots_that_somebody_left_by_the_thousand_cost_little() -> None:
    place = Place()
    left(place, 20)
    place.objects |= {snapshots.key(number): b"junk" for number in range(30, 3000)}
    assert len(Ledger(place, STORE).refresh().models["m"]) == 20
    assert place.asked["read"] <= 40
    found = Ledger(place, STORE).verify()
    assert len(found.problems) == snapshots.TRIED
    assert found.notes


def test_a_store_without_room_for_a_snapshot_still_takes_events() -> None:
    class Full(Place):
        def create(self, key: str, source: bytes | Path) -> bool:
            if key.startswith(snapshots.FOLDER):
                raise OutOfSpace("no room", hint="make some")
            return super().create(key, source)

    place = Full()
    filled(place, 999)
    assert Ledger(place, STORE).append(numbered(5000)) is not None


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize("how", ["damaged", "cut", "stale", "other store", "future", "renamed", "other fold", "gone"])
def test_a_snapshot_that_does_not_belong_there_is_not_used(tmp_path: Path, how: str) -> None:
    place, other = Place(), Place()
    left(place, 70)
    Ledger(place, STORE, tmp_path / "head").refresh()
    kept, key = tmp_path / "head.snapshot", snapshots.key(70)
    good = place.objects[key]
    found = snapshots.decode(good)
    forged = State([events.Entry(number=1, before="", event=event(999, number=1))])
    if how == "stale":  # of a ledger of the same store as it was before somebody rewrote it
        filled(other, 70)
        other.objects[events.key(70)] = place.objects[events.key(70)].replace(b'"number":70}', b'"number":70 }')
    elif how == "future":
        filled(other, 40)
    else:
        filled(other, 70)
    data = {
        "damaged": _flipped(good, len(good) // 2),
        "cut": good[:-9],
        "other store": snapshots.encode("6" * 32, 70, found.hash, forged),
        "renamed": snapshots.encode(STORE, 60, found.hash, forged),
    }.get(how, good)
    if how == "other fold":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(snapshots, "FOLDING", 99)
            data = snapshots.encode(STORE, 70, found.hash, forged)
    assert data is not None
    other.objects[key] = data
    kept.write_bytes(data)
    if how == "gone":
        del other.objects[key]
        kept.unlink()
    (tmp_path / "head").unlink()
    for memory in (None, tmp_path / "head"):
        state = Ledger(other, STORE, memory).refresh()
        assert state.written() == State(Ledger(other, STORE).walk()).written()
    if how == "future":
        assert not kept.exists()


def test_a_snapshot_whose_parts_make_no_sense_is_not_used() -> None:
    place = Place()
    filled(place, 5)
    digest = events.digest(place.objects[events.key(5)])
    good = State(Ledger(place, STORE).walk()).written()
    used = 0
    for at in range(len(good)):
        for value in (good[at] ^ 1, 0xC1):
            try:
                state = State.read(good[:at] + bytes([value]) + good[at + 1 :])
                state.check()
            except Corrupt:
                continue
            data = snapshots.encode(STORE, 5, digest, state)
            assert data is not None
            place.objects[snapshots.key(5)] = data
            plain(Ledger(place, STORE).refresh())  # it says something else, and nothing breaks
            used += 1
            assert state.written() == good or Ledger(place, STORE).verify().problems
    assert used


def test_between_what_was_seen_and_a_snapshot_the_chain_is_followed(tmp_path: Path) -> None:
    place = Place()
    written(place, 10, tmp_path / "head")
    written(place, 100)
    ledger = Ledger(place, STORE)
    state = ledger.refresh()
    snapshots.leave(place, STORE, 100, ledger.head.hash, state)
    good = dict(place.objects)
    (tmp_path / "head.snapshot").unlink(missing_ok=True)
    place.objects[events.key(50)] = place.objects[events.key(50)].replace(b"committed", b"cOmmitted")
    with pytest.raises(Corrupt):
        Ledger(place, STORE, tmp_path / "head").refresh()
    place.objects = good
    assert Ledger(place, STORE, tmp_path / "head").refresh().next_number("m") == 101
