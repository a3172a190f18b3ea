"""The ledger: every change of what was written is found, and every event is in its place once."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lineal.errors import Conflict, Corrupt
from lineal.ledger import events
from lineal.ledger.events import Entry, Event
from lineal.ledger.folding import State
from lineal.ledger.ledger import Ledger
from lineal.model.values import Metric, Tag
from lineal.store.folder import FolderBackend

STORE = "5" * 32


def event(mark: int, kind: str = events.COMMITTED, **said: object) -> Event:
    fields = {"id": f"{mark:032x}", "kind": kind, "at": 1.0, "model": "m", "version": f"{mark:064x}"} | said
    return Event(**fields)  # type: ignore[arg-type]


def numbered(number: int) -> Callable[[State], Event | None]:
    return lambda state: event(number, number=state.next_number("m"))


def written(folder: Path, count: int = 6, memory: Path | None = None) -> Ledger:
    ledger = Ledger(FolderBackend(folder), STORE, memory)
    for number in range(count):
        assert ledger.append(numbered(number)) is not None
    return ledger


def path(folder: Path, number: int) -> Path:
    found = folder / events.key(number)
    found.chmod(0o644)
    return found


def test_events_come_back_in_order_and_chained(tmp_path: Path) -> None:
    written(tmp_path)
    entries = Ledger(FolderBackend(tmp_path), STORE).entries()
    assert [entry.event for entry in entries] == [event(number, number=number + 1) for number in range(6)]
    assert entries[0].before == STORE
    assert [entry.before for entry in entries[1:]] == [events.digest(events.encode(one)) for one in entries[:-1]]


@pytest.mark.parametrize("how", ["flip", "swap", "gap", "foreign", "first gone", "other store"])
def test_every_tampering_with_the_chain_is_found(tmp_path: Path, how: str) -> None:
    written(tmp_path)
    data = path(tmp_path, 3).read_bytes()
    store = STORE
    if how == "flip":
        path(tmp_path, 3).write_bytes(data.replace(b"committed", b"cOmmitted"))
    elif how == "swap":
        path(tmp_path, 3).write_bytes(path(tmp_path, 4).read_bytes())
        path(tmp_path, 4).write_bytes(data)
    elif how == "gap":
        path(tmp_path, 3).unlink()
    elif how == "foreign":
        path(tmp_path, 3).write_bytes(b"not an entry")
    elif how == "first gone":
        path(tmp_path, 1).unlink()
    else:
        store = "6" * 32
    with pytest.raises(Corrupt) as caught:
        Ledger(FolderBackend(tmp_path), store).entries()
    assert caught.value.hint


def test_no_changed_byte_of_an_entry_but_the_last_goes_unnoticed(tmp_path: Path) -> None:
    written(tmp_path, 3)
    data = path(tmp_path, 2).read_bytes()
    for at in range(len(data)):
        path(tmp_path, 2).write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(Corrupt):
            Ledger(FolderBackend(tmp_path), STORE).entries()


def test_a_ledger_that_was_cut_short_or_rewritten_is_found_by_whoever_saw_it(tmp_path: Path) -> None:
    memory = tmp_path / "memory" / "head"
    written(tmp_path / "a", memory=memory).entries()
    path(tmp_path / "a", 6).unlink()
    with pytest.raises(Corrupt, match="cut short"):
        Ledger(FolderBackend(tmp_path / "a"), STORE, memory).entries()
    for number in range(1, 6):
        path(tmp_path / "a", number).unlink()
    other = Ledger(FolderBackend(tmp_path / "a"), STORE)
    for number in range(7):
        other.append(lambda state, number=number: event(100 + number, number=state.next_number("m")))  # type: ignore[misc]
    with pytest.raises(Corrupt, match="rewritten"):
        Ledger(FolderBackend(tmp_path / "a"), STORE, memory).entries()


def test_a_memory_that_is_damaged_is_forgotten(tmp_path: Path) -> None:
    memory = tmp_path / "head"
    written(tmp_path / "a", memory=memory).entries()
    memory.write_bytes(b"nonsense\n")
    assert len(Ledger(FolderBackend(tmp_path / "a"), STORE, memory).entries()) == 6


def test_racing_writers_leave_every_event_once_and_numbers_without_gaps(tmp_path: Path) -> None:
    def work(box: int) -> None:
        ledger = Ledger(FolderBackend(tmp_path), STORE)
        for number in range(5):
            assert ledger.append(numbered(box * 100 + number)) is not None

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
    state = State(Ledger(FolderBackend(tmp_path), STORE).entries())
    assert sorted(one.number for one in state.models["m"].values()) == list(range(1, 81))


class Lossy(FolderBackend):
    """Makes objects, and says that somebody else did."""

    def create(self, key: str, source: bytes | Path) -> bool:
        super().create(key, source)
        return False


def test_a_lost_reply_is_no_second_event(tmp_path: Path) -> None:
    entry = Ledger(Lossy(tmp_path), STORE).append(numbered(1))
    assert isinstance(entry, Entry)
    assert len(Ledger(FolderBackend(tmp_path), STORE).entries()) == 1


class Slow(FolderBackend):
    """Is always beaten by another writer."""

    def create(self, key: str, source: bytes | Path) -> bool:
        number = int(key.rpartition("/")[2])
        entries = Ledger(FolderBackend(self.path), STORE)
        entries.entries()
        other = event(0, id=secrets.token_hex(16), number=number, version=secrets.token_hex(32))
        before = entries.head.hash or STORE
        super().create(key, events.encode(Entry(number=number, before=before, event=other)))
        return False


def test_a_writer_that_is_always_beaten_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(Conflict) as caught:
        Ledger(Slow(tmp_path), STORE).append(numbered(1), deadline=0.2)
    assert caught.value.hint


def test_kinds_and_values_that_are_not_known_here_survive(tmp_path: Path) -> None:
    ledger = Ledger(FolderBackend(tmp_path), STORE)
    odd = event(1, kind="approved-by-moonlight", metrics=(Metric("loss", float("inf")),), tags=(Tag("a", "\udcff"),))
    ledger.append(lambda _: odd)
    (entry,) = Ledger(FolderBackend(tmp_path), STORE).entries()
    assert entry.event.kind == "approved-by-moonlight"
    assert entry.event.metrics[0].value == float("inf")


def test_what_was_said_last_counts() -> None:
    said = [
        event(1, number=1, metrics=(Metric("auc", 0.8),), tags=(Tag("a", "1"),)),
        event(2, events.METRICS, version=f"{1:064x}", metrics=(Metric("auc", 0.9),)),
        event(3, events.RETIRED, version=f"{1:064x}"),
        event(4, events.NOTE, version=f"{1:064x}", message="hm"),
    ]
    state = State(Entry(number=at, before="", event=one) for at, one in enumerate(said, 1))
    standing = state.version("m", f"{1:064x}")
    assert standing.metrics["auc", ""].value == 0.9
    assert standing.tags == {"a": "1"}
    assert standing.retired is said[2]
    assert standing.notes == [said[3]]
    assert state.next_number("m") == 2
