"""Which events a ledger holds, and in which entries: 24 bytes for each, however many there are."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import pairwise

_ID = 16  # bytes of an id
_RECORD = _ID + 8  # an id, then the number of its entry, the highest byte first
_RECENT = 4096  # ids that are kept beside the sorted ones, at least


class Seen:
    """Ids of events with the numbers of their entries. `id in seen` says whether an event counts already."""

    def __init__(self, records: bytes = b"", odd: Mapping[str, int] | None = None) -> None:
        """Take up what `written` gave.

        Raises:
            ValueError: it is cut short, or not sorted.
        """
        if len(records) % _RECORD:
            raise ValueError("records of ids are cut short")
        self._records = records
        self._odd: dict[str, int] = dict(odd or {})  # ids of another form, which only other programs write
        self._recent: dict[bytes, int] = {}

    def add(self, event: str, number: int) -> None:
        """Note the event with this id, which must not be there, of the entry `number`."""
        key = _bytes(event)
        if key is None:
            self._odd[event] = number
            return
        self._recent[key] = number
        if len(self._recent) > max(_RECENT, len(self._records) // _RECORD // 8):
            self._merge()

    def __contains__(self, event: str) -> bool:
        return self.number(event) is not None

    def number(self, event: str) -> int | None:
        """Return the number of the entry that holds an event, or None where none does."""
        key = _bytes(event)
        if key is None:
            return self._odd.get(event)
        if key in self._recent:
            return self._recent[key]
        at = bisect_left(range(len(self)), key, key=self._id)
        if at < len(self) and self._id(at) == key:
            return int.from_bytes(self._records[at * _RECORD + _ID : (at + 1) * _RECORD])
        return None

    def lacking(self, other: Seen) -> list[int]:
        """Return the numbers of the entries whose events `other` does not hold, sorted."""
        there = {key for key, _ in other._pairs()}
        found = [number for key, number in self._pairs() if key not in there]
        return sorted(found + [number for event, number in self._odd.items() if event not in other._odd])

    def written(self) -> tuple[bytes, dict[str, int]]:
        """Return all of it as two values that only depend on what was added."""
        self._merge()
        return self._records, dict(sorted(self._odd.items()))

    def check(self) -> None:
        """Look whether the records are sorted, as searching them needs. Raises ValueError."""
        if any(one >= other for one, other in pairwise(map(self._id, range(len(self))))):
            raise ValueError("records of ids are not sorted")

    def __len__(self) -> int:
        """Return how many sorted records there are."""
        return len(self._records) // _RECORD

    def _id(self, at: int) -> bytes:
        return self._records[at * _RECORD : at * _RECORD + _ID]

    def _pairs(self) -> Iterator[tuple[bytes, int]]:
        self._merge()
        for at in range(0, len(self._records), _RECORD):
            yield self._records[at : at + _ID], int.from_bytes(self._records[at + _ID : at + _RECORD])

    def _merge(self) -> None:
        if self._recent:
            records = [self._records[at : at + _RECORD] for at in range(0, len(self._records), _RECORD)]
            records += sorted(key + number.to_bytes(8) for key, number in self._recent.items())
            records.sort()  # two sorted runs: little more than a merge
            self._records = b"".join(records)
            self._recent = {}


def _bytes(event: str) -> bytes | None:
    """Return an id of 32 hexadecimal digits, written as usual, in half the bytes."""
    if len(event) != 2 * _ID:
        return None
    try:
        key = bytes.fromhex(event)
    except ValueError:
        return None
    return key if key.hex() == event else None
