"""The moves of one alias, in the order in which the ledger has them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec


class AliasMoved(msgspec.Struct, frozen=True, kw_only=True):
    """One move; `number` is that of its entry, `at` is in Unix seconds, "" is no version."""

    number: int
    at: float
    before: str
    after: str
    by: str = ""
    observed: bool = False  # seen by a sync, not done by Lineal


class Moves:
    """A list of moves that only grows."""

    def __init__(self) -> None:
        self._moves: list[AliasMoved] = []

    def add(self, number: int, at: float, before: str, after: str, by: str, *, observed: bool) -> None:
        """Append a move."""
        moved = AliasMoved(number=number, at=at, before=before, after=after, by=by, observed=observed)
        self._moves.append(moved)

    @property
    def current(self) -> str:
        """What the alias points at now; "" for nothing."""
        return self._moves[-1].after if self._moves else ""

    def at(self, when: float) -> AliasMoved | None:
        """Return the last move up to a time, in the order of the ledger; None before the first."""
        return next((move for move in reversed(self._moves) if move.at <= when), None)

    def __len__(self) -> int:
        return len(self._moves)

    def __iter__(self) -> Iterator[AliasMoved]:
        return iter(self._moves)

    def __reversed__(self) -> Iterator[AliasMoved]:
        return reversed(self._moves)
