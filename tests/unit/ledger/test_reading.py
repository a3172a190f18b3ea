"""What a ledger is read with: few requests, many at a time, and a listing is believed only where it shows something."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from lineal.errors import Unavailable
from lineal.ledger import events
from lineal.ledger.ledger import Ledger
from lineal.ledger.reading import FAR
from lineal.store.backend import Object
from tests.unit.ledger.places import STORE, Place, event, filled, numbered, written


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 6, 999, 1000, 1001, 1003, 2001])
def test_a_ledger_of_any_length_is_read_whole(count: int) -> None:
    place = Place()
    filled(place, count)
    entries = Ledger(place, STORE).entries()
    assert [entry.event for entry in entries] == [event(number, number=number) for number in range(1, count + 1)]


def test_many_entries_are_read_at_the_same_time_where_one_takes_a_while() -> None:
    together = threading.Barrier(8)  # nobody gets past it alone

    def meet(key: str) -> None:
        if int(key[-12:]) == 50:
            time.sleep(2 * FAR)
        if 101 <= int(key[-12:]) <= 108:
            together.wait(10)

    place = Place(meet)
    filled(place, 200)
    assert len(Ledger(place, STORE).entries()) == 200


def test_an_append_lists_the_last_thousand_and_not_the_whole_ledger() -> None:
    place = Place()
    filled(place, 5100)
    ledger = Ledger(place, STORE)
    ledger.entries()
    place.asked.clear()
    assert ledger.append(numbered(9999)) is not None
    assert place.asked["listed"] <= 200
    assert place.asked["read"] <= 6
    assert place.asked["create"] == 1


class Lagging(Place):
    """Lists only what is older than its newest objects, or nothing."""

    lag = 7

    def list(self, prefix: str) -> Iterator[Object]:
        return iter(list(super().list(prefix))[: -self.lag])


@pytest.mark.parametrize("lag", [1, 7, 5000])
def test_a_listing_that_lags_behind_hides_nothing(lag: int) -> None:
    place = Lagging()
    place.lag = lag
    filled(place, 1500)
    ledger = Ledger(place, STORE)
    assert len(ledger.entries()) == 1500
    entry = ledger.append(numbered(9999))
    assert entry is not None
    assert entry.number == 1501
    found = Ledger(place, STORE).verify()
    assert (found.entries, found.problems) == (1501, ())


@pytest.mark.parametrize(
    "key",
    [
        "ledger/99999999/000030000000",
        "ledger/00000000/999999999999",
        "ledger/00000000/000000000abc",
        "ledger/00000000/000000000009.tmp",
        "ledger/00000001/9",
    ],
)
def test_objects_that_are_no_entries_do_not_count(key: str) -> None:
    place = Place()
    filled(place, 6)
    place.objects[key] = b"x"
    assert len(Ledger(place, STORE).entries()) == 6
    assert place.asked["read"] < 20


def test_an_entry_that_is_written_while_the_end_is_looked_at_is_no_gap() -> None:
    place = Place()
    written(place, 3)

    class Busy(Place):
        def list(self, prefix: str) -> Iterator[Object]:
            if events.key(4) not in self.objects:
                written(place, 5)
            return super().list(prefix)

    busy = Busy()
    busy.objects = place.objects
    assert len(Ledger(busy, STORE).entries()) == 5


def test_a_place_that_cannot_be_reached_halfway_is_an_error_once_and_read_on_later() -> None:
    broken = True

    def fail(key: str) -> None:
        if broken and key == events.key(150):
            raise Unavailable("memory is gone", hint="try later")

    place = Place(fail)
    filled(place, 300)
    ledger = Ledger(place, STORE)
    with pytest.raises(Unavailable):
        ledger.entries()
    broken = False
    assert [entry.number for entry in ledger.entries()] == list(range(1, 301))
