"""What an entry is, byte by byte: it comes back as it was, whatever was said, and whoever wrote it."""

from __future__ import annotations

import json
import math

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineal.ledger import events
from lineal.ledger.events import Entry, Event
from lineal.model.plain import spelt
from lineal.model.values import Goal, Metric, Tag
from tests.unit.ledger.places import STORE, event

TEXT = st.text(max_size=20)
METRIC = st.builds(
    Metric,
    name=TEXT,
    value=st.floats(allow_nan=False),
    step=st.none() | st.integers(0, 2**63 - 1),
    goal=st.none() | st.sampled_from(Goal),
    dataset=TEXT,
)
EVENT = st.builds(
    Event,
    id=TEXT,
    kind=TEXT,
    at=st.floats(allow_nan=False, allow_infinity=False),
    by=TEXT,
    host=TEXT,
    model=TEXT,
    version=TEXT,
    number=st.none() | st.integers(1, 2**40),
    message=TEXT,
    metrics=st.lists(METRIC, max_size=3).map(tuple),
    tags=st.lists(st.builds(Tag, key=TEXT, value=TEXT), max_size=3).map(tuple),
)


@settings(deadline=None)
@given(EVENT, st.integers(1, 10**12))
def test_an_entry_comes_back_as_it_was(said: Event, number: int) -> None:
    entry = Entry(number=number, before=STORE, event=said)
    data = events.encode(entry)
    assert events.decode(data) == entry
    assert events.encode(events.decode(data)) == data
    assert data.endswith(b"\n")
    assert data.count(b"\n") == 1
    assert b"\r" not in data


def test_an_entry_is_sorted_json_of_these_very_bytes() -> None:
    entry = Entry(number=1, before="ab", event=event(1, number=3, tags=(Tag("z", "ü"),)))
    data = events.encode(entry)
    assert data == (
        b'{"before":"ab","event":{"at":1.0,"id":"00000000000000000000000000000001","kind":"committed","model":"m",'
        b'"number":3,"tags":[{"key":"z","value":"\xc3\xbc"}],"version":"' + b"0" * 63 + b'1"},"number":1}\n'
    )


def test_entries_are_chained_by_blake3() -> None:
    assert events.digest(b"") == "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"


def test_keys_sort_as_their_numbers_do() -> None:
    numbers = [1, 9, 10, 999, 1000, 1001, 999_999, 1_000_000, 10**9]
    keys = [events.key(number) for number in numbers]
    assert keys == sorted(keys)
    assert keys[4] == "ledger/00000001/000000001000"


def test_what_a_newer_writer_says_besides_does_no_harm() -> None:
    plain = json.loads(events.encode(Entry(number=1, before=STORE, event=event(1, number=1))))
    plain["event"] |= {"kind": "signed", "sealed": {"by": ["a", None]}}
    plain["version"] = 2
    entry = events.decode(json.dumps(plain).encode())
    assert entry.event.kind == "signed"
    assert entry.event.number == 1


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_values_that_are_not_finite_come_back(value: float) -> None:
    entry = Entry(number=1, before=STORE, event=event(1, metrics=(Metric("loss", value),)))
    found = events.decode(events.encode(entry)).event.metrics[0].value
    assert found == value or (math.isnan(found) and math.isnan(value))


def test_halves_of_surrogates_are_spelt() -> None:
    entry = Entry(number=1, before=STORE, event=event(1, message="a\udcff"))
    assert events.decode(events.encode(entry)).event.message == spelt("a\udcff") == "a\\udcff"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'{"number":1}',
        b'{"number":1,"before":"","event":{}}',
        b'{"number":"1","before":"","event":{"id":"1","kind":"note","at":1}}',
        b'{"number":1,"before":"","event":{"id":"1","kind":"note","at":1e999}}',
        b'{"number":1,"before":"","event":{"id":"1","kind":"note","at":1,"metrics":[{"name":"a","value":"x"}]}}',
        b'{"number":1,"before":"","event":{"id":"1","kind":"note","at":1,"tags":[["a","b"]]}}',
    ],
)
def test_what_is_no_entry_is_refused(data: bytes) -> None:
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)):
        events.decode(data)
