"""A ledger that others damage, race for, cut off or lie about: nothing that was acknowledged is lost unnoticed."""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lineal.errors import Conflict, Corrupt, StoreError, Unavailable
from lineal.ledger import events
from lineal.ledger.events import Event
from lineal.ledger.ledger import Ledger
from lineal.ledger.reading import MAX_ENTRY
from lineal.model.values import Metric
from lineal.store.folder import FolderBackend
from tests.unit.ledger.places import STORE, Place, event, filled, numbered, written

PROCESSES, THREADS, EACH = 8, 16, 2


def test_no_entry_can_be_taken_out_of_the_middle(tmp_path: Path) -> None:
    for count in range(2, 12):
        for gone in range(1, count):
            place = Place()
            written(place, count)
            place.delete(events.key(gone))
            with pytest.raises(Corrupt) as caught:
                Ledger(place, STORE).entries()
            assert caught.value.hint


def test_no_entry_beyond_those_remembered_can_be_taken_out(tmp_path: Path) -> None:
    for gone in range(6, 9):
        place, memory = Place(), tmp_path / f"{gone}"
        written(place, 5, memory)
        written(place, 9)
        place.delete(events.key(gone))
        with pytest.raises(Corrupt):
            Ledger(place, STORE, memory).entries()


def test_nobody_writes_into_a_gap() -> None:
    place = Place()
    written(place, 4)
    place.delete(events.key(3))
    with pytest.raises(Corrupt):
        Ledger(place, STORE).append(numbered(99))
    assert place.size(events.key(3)) is None


def test_a_folder_of_entries_that_is_lost_is_found_missing() -> None:
    place = Place()
    filled(place, 2005)
    for number in range(1000, 2000):
        place.delete(events.key(number))
    with pytest.raises(Corrupt, match="gap"):
        Ledger(place, STORE).entries()


@pytest.mark.parametrize("left", range(6))
def test_every_cut_is_found_by_whoever_saw_more_and_again_each_time(tmp_path: Path, left: int) -> None:
    place = Place()
    written(place, 6, tmp_path / "head")
    for number in range(left + 1, 7):
        place.delete(events.key(number))
    ledger = Ledger(place, STORE, tmp_path / "head")
    for _ in range(3):
        with pytest.raises(Corrupt, match="cut short"):
            ledger.entries()
        with pytest.raises(Corrupt, match="cut short"):
            ledger.append(numbered(99))
    assert len(place.objects) == left


@pytest.mark.parametrize("how", ["cut", "rewritten"])
def test_what_happens_to_a_ledger_that_is_open_is_found(how: str) -> None:
    place = Place()
    ledger = written(place, 6)
    if how == "cut":
        place.delete(events.key(6))
    else:
        place.objects.clear()
        for mark in range(50, 58):
            Ledger(place, STORE).append(numbered(mark))
    before = dict(place.objects)
    with pytest.raises(Corrupt):
        ledger.append(numbered(99))
    assert place.objects == before


def test_a_fork_is_found_by_whoever_saw_the_other_branch(tmp_path: Path) -> None:
    place = Place()
    written(place, 4)
    fork = Place()
    fork.objects = dict(place.objects)
    Ledger(place, STORE, tmp_path / "head").append(numbered(10))
    for mark in range(20, 23):
        Ledger(fork, STORE).append(numbered(mark))
    with pytest.raises(Corrupt, match="rewritten"):
        Ledger(fork, STORE, tmp_path / "head").entries()


def _too_long() -> Event:
    return event(9, message="x" * MAX_ENTRY)


def _too_many() -> Event:
    return event(9, metrics=tuple(Metric(f"metric-{number:08d}", 0.5) for number in range(100_000)))


@pytest.mark.parametrize("make", [_too_long, _too_many, lambda: event(9, at=float("nan")), lambda: event(9, at="now")])
def test_an_event_that_could_not_be_read_again_is_not_written(make: Callable[[], Event]) -> None:
    place = Place()
    ledger = written(place, 2)
    with pytest.raises(StoreError) as caught:
        ledger.append(lambda _: make())
    assert caught.value.hint
    assert not isinstance(caught.value, Corrupt)
    assert ledger.append(numbered(50)) is not None
    assert len(Ledger(place, STORE).entries()) == 3


def test_an_event_that_just_fits_is_kept() -> None:
    place = Place()
    room = MAX_ENTRY - len(events.encode(events.Entry(number=1, before=STORE, event=event(9, message="x")))) + 1
    assert Ledger(place, STORE).append(lambda _: event(9, message="x" * room)) is not None
    assert place.size(events.key(1)) == MAX_ENTRY
    assert len(Ledger(place, STORE).entries()) == 1


def test_an_object_without_an_end_is_no_entry() -> None:
    place = Place()
    written(place, 1)
    place.objects[events.key(2)] = b'{"number":2,"before":"' + b"x" * (2 * MAX_ENTRY)
    with pytest.raises(Corrupt, match="damaged"):
        Ledger(place, STORE).entries()


class Unsure(Place):
    """Makes an object, or not, and breaks down before it says so."""

    lands = True

    def create(self, key: str, source: bytes | Path) -> bool:
        if self.lands:
            super().create(key, source)
        raise Unavailable("no reply", hint="try later")


@pytest.mark.parametrize("lands", [True, False])
def test_a_writer_that_got_no_answer_asks_again_and_is_there_once(lands: bool) -> None:
    unsure, place = Unsure(), Place()
    unsure.lands, unsure.objects = lands, place.objects
    with pytest.raises(Unavailable):
        Ledger(unsure, STORE).append(numbered(1))
    again = Ledger(place, STORE)
    said = event(1, number=1)
    entry = again.append(lambda _: said)
    assert entry is not None
    assert entry.number == 1
    assert [one.event for one in again.entries()] == [said]


class Beaten(Place):
    """Another writer comes first, `times` times; then nobody is in the way."""

    times = 3

    def create(self, key: str, source: bytes | Path) -> bool:
        if self.times:
            self.times -= 1
            other = Place()
            other.objects = self.objects
            assert Ledger(other, STORE).append(numbered(100 + self.times)) is not None
        return super().create(key, source)


def test_a_writer_that_was_beaten_decides_anew_with_what_the_others_said() -> None:
    place, asked = Beaten(), []

    def decide(state: object) -> Event | None:
        asked.append(numbered(1)(ledger.state))
        return asked[-1]

    ledger = Ledger(place, STORE)
    entry = ledger.append(decide)
    assert entry is not None
    assert [said.number for said in asked if said] == [1, 2, 3, 4]
    assert (entry.number, entry.event.number) == (4, 4)


def test_a_writer_beaten_to_the_same_version_has_nothing_to_say() -> None:
    class Same(Beaten):
        times = 1

        def create(self, key: str, source: bytes | Path) -> bool:
            if self.times:
                self.times = 0
                said = event(55, version=f"{1:064x}", number=1)
                Place.create(self, key, events.encode(events.Entry(number=1, before=STORE, event=said)))
            return Place.create(self, key, source)

    place = Same()
    assert Ledger(place, STORE).append(numbered(1)) is None
    assert len(place.objects) == 1


def test_a_deadline_of_nothing_still_tries_once() -> None:
    assert Ledger(Place(), STORE).append(numbered(1), deadline=0) is not None
    endless = Beaten()
    endless.times = 1000
    with pytest.raises(Conflict) as caught:
        Ledger(endless, STORE).append(numbered(1), deadline=0)
    assert caught.value.hint
    assert endless.times == 999


def _write_some(folder: str, process: int) -> None:
    def work(thread: int) -> None:
        ledger = Ledger(FolderBackend(Path(folder) / "store"), STORE, Path(folder) / "head")
        for number in range(EACH):
            entry = ledger.append(numbered((process * THREADS + thread) * EACH + number))
            assert entry is not None
            mine = Path(folder) / "said" / f"{process}-{thread}-{number}"
            mine.write_text(f"{entry.event.version} {entry.event.number}")

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, range(THREADS)))


def test_eight_processes_of_sixteen_threads_leave_every_version_once_under_the_number_they_were_told(
    tmp_path: Path,
) -> None:
    (tmp_path / "said").mkdir()
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_write_some, args=(str(tmp_path), number)) for number in range(PROCESSES)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * PROCESSES
    total = PROCESSES * THREADS * EACH
    ledger = Ledger(FolderBackend(tmp_path / "store"), STORE, tmp_path / "head")
    assert len(ledger.entries()) == total
    told = dict(path.read_text().split() for path in (tmp_path / "said").iterdir())
    assert told == {one.id: str(one.number) for one in ledger.state.models["m"].values()}
    assert sorted(map(int, told.values())) == list(range(1, total + 1))


def test_a_store_that_was_made_anew_in_its_place_is_found(tmp_path: Path) -> None:
    written(FolderBackend(tmp_path / "store"), 5, tmp_path / "head")
    shutil.rmtree(tmp_path / "store")
    written(FolderBackend(tmp_path / "store"), 2)
    with pytest.raises(Corrupt, match="cut short"):
        Ledger(FolderBackend(tmp_path / "store"), STORE, tmp_path / "head").entries()
