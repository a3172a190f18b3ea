"""The moves of one alias, in the order in which the ledger has them: columns of numbers, and each text once."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from typing import Any

import msgspec

from lineal.ledger.unfolding import guarding, unfolded


class AliasMoved(msgspec.Struct, frozen=True, kw_only=True):
    """One move; `number` is that of its entry, `at` is in Unix seconds, "" is no version."""

    number: int
    at: float
    before: str
    after: str
    by: str = ""
    observed: bool = False  # seen by a sync, not done by Lineal


class _Columns(msgspec.Struct, array_like=True):
    """How moves are written: numbers of 8 bytes, times of 8, places in `words` of 4, and 0 or 1, little-endian."""

    numbers: bytes
    times: bytes
    before: bytes
    after: bytes
    by: bytes
    observed: bytes
    words: list[str]


_COLUMNS = msgspec.msgpack.Decoder(_Columns)


class Moves:
    """A list of moves that only grows. What was written is taken apart when it is first asked for."""

    __slots__ = ("_after", "_at", "_before", "_by", "_numbers", "_observed", "_places", "_raw", "_words", "current")

    def __init__(self, current: str = "", raw: msgspec.Raw | None = None) -> None:
        self.current = current  # what the alias points at now; "" for nothing
        self._raw = raw
        self._clear()

    def _clear(self) -> None:
        self._numbers = array("q")
        self._at = array("d")
        self._before, self._after, self._by = array("I"), array("I"), array("I")
        self._observed = bytearray()
        self._words: list[str] = []
        self._places: dict[str, int] = {}

    def add(self, number: int, at: float, before: str, after: str, by: str, *, observed: bool) -> None:
        """Append a move."""
        self._open()
        self._numbers.append(number)
        self._at.append(at)
        for column, word in ((self._before, before), (self._after, after), (self._by, by)):
            column.append(self._place(word))
        self._observed.append(observed)
        self.current = after

    def _place(self, word: str) -> int:
        place = self._places.get(word)
        if place is None:
            place = self._places[word] = len(self._words)
            self._words.append(word)
        return place

    def at(self, when: float) -> AliasMoved | None:
        """Return the last move up to a time, in the order of the ledger; None before the first."""
        self._open()
        return next((self._move(at) for at in reversed(range(len(self._at))) if self._at[at] <= when), None)

    def __len__(self) -> int:
        self._open()
        return len(self._numbers)

    def __iter__(self) -> Iterator[AliasMoved]:
        self._open()
        return map(self._move, range(len(self._numbers)))

    def __reversed__(self) -> Iterator[AliasMoved]:
        self._open()
        return map(self._move, reversed(range(len(self._numbers))))

    def _move(self, at: int) -> AliasMoved:
        return AliasMoved(
            number=self._numbers[at],
            at=self._at[at],
            before=self._words[self._before[at]],
            after=self._words[self._after[at]],
            by=self._words[self._by[at]],
            observed=bool(self._observed[at]),
        )

    def _open(self) -> None:
        """Take apart what was written, unless that is done. Raises Corrupt."""
        if self._raw is None:
            return
        columns = unfolded(self._raw, _COLUMNS)
        self._clear()
        with guarding():
            for column, data in zip(self._columns(), msgspec.structs.astuple(columns), strict=False):
                column.frombytes(data)
                if sys.byteorder == "big":
                    column.byteswap()
            self._observed = bytearray(columns.observed)
            self._words = columns.words
            self._places = {word: place for place, word in enumerate(columns.words)}
            self._check()
        self._raw = None

    def _columns(self) -> tuple[array[Any], ...]:
        return self._numbers, self._at, self._before, self._after, self._by

    def _check(self) -> None:
        """Raise ValueError where columns do not belong together."""
        count = len(self._observed)
        places = (self._before, self._after, self._by)
        if any(len(column) != count for column in self._columns()):
            raise ValueError("columns of different lengths")
        if any(max(column, default=-1) >= len(self._words) for column in places):
            raise ValueError("a text that is not there")
        if self.current != (self._words[self._after[-1]] if count else ""):
            raise ValueError("an alias that is not where its last move left it")

    def check(self) -> None:
        """Look whether what was written can be taken apart. Raises Corrupt."""
        Moves(self.current, self._raw)._open()

    def written(self) -> msgspec.Raw:
        """Return the moves as bytes, which depend on nothing but what was added."""
        if self._raw is not None:
            return self._raw
        numbers, times, before, after, by = map(_little, self._columns())
        columns = _Columns(numbers, times, before, after, by, bytes(self._observed), self._words)
        return msgspec.Raw(msgspec.msgpack.encode(columns))


def _little(column: array[Any]) -> bytes:
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column.tobytes()
