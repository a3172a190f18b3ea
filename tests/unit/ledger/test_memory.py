"""What a client remembers: enough to find out that a ledger was changed, and nothing that can do harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineal.errors import Corrupt
from lineal.ledger import events
from lineal.ledger.ledger import Ledger
from lineal.ledger.memory import Head, Memory
from tests.unit.ledger.places import STORE, Place, filled, numbered, written


def test_a_ledger_that_was_read_is_not_read_again(tmp_path: Path) -> None:
    place = Place()
    filled(place, 3000)
    before = Ledger(place, STORE, tmp_path / "head").refresh().written()
    place.asked.clear()
    again = Ledger(place, STORE, tmp_path / "head")
    assert again.refresh().written() == before
    assert again.head.number == 3000
    assert place.asked["read"] <= 4


def test_snapshots_are_kept_seldom_and_still_nearly_all(tmp_path: Path) -> None:
    place = Place()
    filled(place, 1000)
    ledger = Ledger(place, STORE, tmp_path / "head")
    ledger.refresh()
    kept, seen = tmp_path / "head.snapshot", set()
    for mark in range(5000, 5100):
        ledger.append(numbered(mark))
        seen.add(kept.read_bytes())
    assert len(seen) == 2
    place.asked.clear()
    assert len(Ledger(place, STORE, tmp_path / "head").refresh().models["m"]) == 1100
    assert place.asked["read"] <= 80


@pytest.mark.parametrize("damage", ["last", "middle", "magic", "cut", "empty", "foreign", "gone"])
def test_a_kept_snapshot_that_is_damaged_is_dropped_and_kept_anew(tmp_path: Path, damage: str) -> None:
    place = Place()
    filled(place, 100)
    Ledger(place, STORE, tmp_path / "head").refresh()
    kept = tmp_path / "head.snapshot"
    good = kept.read_bytes()
    at = {"last": len(good) - 1, "middle": len(good) // 2}.get(damage, 0)
    flipped = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
    kept.write_bytes({"cut": good[:-40], "empty": b"", "foreign": b"\xff\x00{}\n" * 9}.get(damage, flipped))
    if damage == "gone":
        kept.unlink()
    again = Ledger(place, STORE, tmp_path / "head")
    assert [standing.number for standing in again.refresh().models["m"].values()] == list(range(1, 101))
    assert kept.read_bytes() == good


def test_a_head_outlives_the_snapshot_and_still_shows_what_was_cut(tmp_path: Path) -> None:
    place = Place()
    written(place, 6, tmp_path / "head")
    (tmp_path / "head.snapshot").write_bytes(b"nonsense")
    place.delete(events.key(6))
    with pytest.raises(Corrupt, match="cut short") as caught:
        Ledger(place, STORE, tmp_path / "head").entries()
    assert str(tmp_path / "head") in caught.value.hint


def test_a_ledger_that_was_verified_was_seen(tmp_path: Path) -> None:
    place = Place()
    filled(place, 6)
    assert not Ledger(place, STORE, tmp_path / "head").verify().problems
    place.delete(events.key(6))
    for _ in range(2):
        found = Ledger(place, STORE, tmp_path / "head").verify()
        assert [one.where for one in found.problems] == ["what this client saw"]
    with pytest.raises(Corrupt, match="cut short"):
        Ledger(place, STORE, tmp_path / "head").refresh()


def test_whoever_deletes_the_head_trusts_the_ledger_as_it_is(tmp_path: Path) -> None:
    place = Place()
    written(place, 6, tmp_path / "head")
    place.delete(events.key(6))
    (tmp_path / "head").unlink()
    assert len(Ledger(place, STORE, tmp_path / "head").entries()) == 5


def test_an_entry_that_is_written_oddly_does_not_make_a_client_forget(tmp_path: Path) -> None:
    place = Place()
    ledger = written(place, 3, tmp_path / "head")
    odd = events.encode(events.Entry(number=4, before=ledger.head.hash, event=ledger.entries()[0].event))
    place.create(events.key(4), b"\n " + odd.rstrip())  # no newline at its end, and one within
    ledger.append(numbered(7))
    for number in range(1, 6):
        place.delete(events.key(number))
    written(place, 3)
    with pytest.raises(Corrupt):
        Ledger(place, STORE, tmp_path / "head").entries()


@pytest.mark.parametrize("data", [b"", b"nonsense", b"{}", b'{"store":1}', b"\xff", b"[" * 100_000])
def test_a_head_that_is_damaged_was_none_and_is_written_anew(tmp_path: Path, data: bytes) -> None:
    place = Place()
    written(place, 4, tmp_path / "head")
    good = (tmp_path / "head").read_bytes()
    (tmp_path / "head").write_bytes(data)
    assert Memory(tmp_path / "head", STORE).head() == Head(store=STORE)
    assert len(Ledger(place, STORE, tmp_path / "head").entries()) == 4
    assert (tmp_path / "head").read_bytes() == good


def test_a_head_of_another_store_does_not_count(tmp_path: Path) -> None:
    written(Place(), 4, tmp_path / "head")
    assert Ledger(Place(), "6" * 32, tmp_path / "head").entries() == []


def test_a_slow_client_does_not_make_others_forget(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "head", STORE)
    memory.keep_head(Head(store=STORE, number=9, hash="9"))
    memory.keep_head(Head(store=STORE, number=8, hash="8"))
    assert memory.head().number == 9


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    place = Place()
    written(place, 5, tmp_path / "file" / "head")
    assert len(Ledger(place, STORE, tmp_path / "file" / "head").entries()) == 5


def test_nothing_else_is_left_in_the_cache(tmp_path: Path) -> None:
    written(Place(), 70, tmp_path / "head")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["head", "head.snapshot"]
