"""Reading a ledger in either direction, one entry of it, and the times of what is appended."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from lineal.errors import Corrupt, NotFound
from lineal.ledger import events
from lineal.ledger.events import Entry
from lineal.ledger.ledger import SKEW, Ledger
from tests.unit.ledger.places import STORE, Place, event, filled, numbered


def numbers(entries: object) -> list[int]:
    return [entry.number for entry in entries]  # type: ignore[attr-defined]


@pytest.mark.parametrize("count", [0, 1, 2, 33, 700])
def test_both_directions_meet_all_entries(count: int) -> None:
    place = Place()
    filled(place, count)
    there, back = list(Ledger(place, STORE).walk()), list(Ledger(place, STORE).back())
    assert numbers(there) == list(range(1, count + 1))
    assert back == there[::-1]


@pytest.mark.parametrize(("first", "last", "want"), [(1, 3, [1, 2, 3]), (8, 99, [8, 9]), (5, 4, []), (0, 1, [1])])
def test_a_part_is_walked(first: int, last: int, want: list[int]) -> None:
    place = Place()
    filled(place, 9)
    assert numbers(Ledger(place, STORE).walk(first, last)) == want


@pytest.mark.parametrize(("before", "want"), [(4, [3, 2, 1]), (1, []), (10, [9, 8, 7]), (99, [9, 8, 7])])
def test_a_log_goes_on_from_anywhere(before: int, want: list[int]) -> None:
    place = Place()
    filled(place, 9)
    assert numbers(itertools.islice(Ledger(place, STORE).back(before), 3)) == want


def test_a_log_of_a_few_lines_reads_a_few_entries() -> None:
    place = Place()
    filled(place, 5000)
    ledger = Ledger(place, STORE)
    ledger.refresh()
    place.asked.clear()
    assert len(list(itertools.islice(ledger.back(), 20))) == 20
    assert place.asked["read"] <= 40


def test_one_entry_is_found_by_its_number_and_by_its_event() -> None:
    place = Place()
    filled(place, 9)
    assert Ledger(place, STORE).entry(9).event == event(9, number=9)
    assert Ledger(place, STORE).entry(4).event == event(4, number=4)
    assert Ledger(place, STORE).find(f"{4:032x}") == Ledger(place, STORE).entry(4)
    assert Ledger(place, STORE).find("no such event") is None
    for number in (0, -1, 10):
        with pytest.raises(NotFound) as caught:
            Ledger(place, STORE).entry(number)
        assert caught.value.hint


@pytest.mark.parametrize(
    "ask", [lambda one: list(one.walk(2, 8)), lambda one: list(one.back()), lambda one: one.entry(5)]
)
def test_what_was_damaged_since_is_found_where_it_is_read(ask: Callable[[Ledger], object]) -> None:
    for harm in ("flipped", "foreign", "gone"):
        place = Place()
        filled(place, 9)
        ledger = Ledger(place, STORE)
        ledger.refresh()
        good = place.objects[events.key(5)]
        place.objects[events.key(5)] = good.replace(b"committed", b"cOmmitted") if harm == "flipped" else b"{}"
        if harm == "gone":
            place.delete(events.key(5))
        with pytest.raises(Corrupt) as caught:
            ask(ledger)
        assert caught.value.hint


def dated(*times: float, **said: object) -> list[float]:
    """Append events of these times and return those that were written."""
    place = Place()
    ledger = Ledger(place, STORE)
    for mark, at in enumerate(times):
        ledger.append(lambda _, mark=mark, at=at: event(mark, events.NOTE, at=at, **said))  # type: ignore[misc]
    return [entry.event.at for entry in Ledger(place, STORE).walk()]


def test_clocks_that_differ_a_little_keep_the_order() -> None:
    assert dated(1000.0, 999.0, 400.0, 1000.5) == [1000.0, 1000.0, 1000.0, 1000.5]


def test_a_clock_that_jumps_is_kept_as_it_is() -> None:
    assert dated(1000.0, 1000.0 - SKEW - 1, 1e12, 5.0) == [1000.0, 399.0, 1e12, 5.0]


def test_the_time_of_a_signed_event_and_of_one_from_elsewhere_stays() -> None:
    assert dated(1000.0, 990.0, signature="s") == [1000.0, 990.0]
    place = Place()
    ledger = Ledger(place, STORE)
    ledger.append(lambda _: event(1, at=1000.0))
    told = ledger.append(lambda _: event(2, at=990.0), as_told=True)
    assert told is not None
    assert told.event.at == 990.0


def test_the_order_is_kept_also_by_a_client_that_begins_at_a_snapshot() -> None:
    place = Place()
    filled(place, 999)
    Ledger(place, STORE).append(lambda _: event(5000, at=2000.0, number=1000))
    entry = Ledger(place, STORE).append(lambda _: event(5001, at=1990.0, number=1001))
    assert entry is not None
    assert entry.event.at == 2000.0


def test_an_event_that_is_there_already_is_given_back(tmp_path: object) -> None:
    place = Place()
    filled(place, 30)
    found = Ledger(place, STORE).append(lambda _: event(7, number=7))
    assert found == Entry(number=7, before=Ledger(place, STORE).entry(7).before, event=event(7, number=7))
    assert len(place.objects) == 30
    assert Ledger(place, STORE).append(numbered(8)) is None
