"""Long lists in parts: a numbered statement for each thing, `more` for the next part, a number to choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from lineal.model.listing import VersionRow
from lineal_tui.messages import Rows
from lineal_tui.plain import words

PART = 12
"""Things that are read out at once."""


class Item(NamedTuple):
    """One thing of a list, and what choosing it does; without that it has no number."""

    said: str
    choose: Callable[[], None] | None = None
    row: VersionRow | None = None  # the version that it is, to be marked


class Items(Protocol):
    """What a list is made of; each thing is made when it is read out."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def __getitem__(self, at: int) -> Item:
        """Return one. Raises IndexError."""
        ...


class Listing:
    """A list, and how far it was read out."""

    def __init__(self, items: Items | Sequence[Item] = (), noun: str = "thing") -> None:
        self._items, self._noun = items, noun
        self._at = 0

    def __len__(self) -> int:
        return len(self._items)

    @property
    def read_out(self) -> int:
        """How many of them were read out."""
        return self._at

    @property
    def numbered(self) -> bool:
        """Whether anything can be chosen by number; lists are of one kind of things, so the first tells."""
        return len(self) > 0 and self._items[0].choose is not None

    def choice(self, number: int) -> Callable[[], None] | None:
        """Return what choosing a number does; None where nothing has it."""
        return self._items[number - 1].choose if 0 < number <= len(self) else None

    def row(self, number: int) -> VersionRow | None:
        """Return the version that has a number; None where none has."""
        return self._items[number - 1].row if 0 < number <= len(self) else None

    def part(self) -> list[str]:
        """Return the next part, and how much is left."""
        begin, end = self._at, min(self._at + PART, len(self))
        if begin >= end:
            return [f"That was all: {words.counted(len(self), self._noun)}"] if len(self) else []
        self._at = end
        said = [self._said(at) for at in range(begin, end)]
        if end < len(self):
            said.append(f"{end} of {len(self)}; type more for the next {min(PART, len(self) - end)}")
        elif begin:
            said.append(f"{end} of {len(self)}: that was all")
        return said

    def _said(self, at: int) -> str:
        item = self._items[at]
        return f"{at + 1}: {item.said}" if item.choose else item.said

    def go(self, parts: int) -> None:
        """Go so many parts on from the one that was read out last; the next `part` begins there."""
        shown = max(0, (self._at - 1) // PART)
        last = max(0, (len(self) - 1) // PART)
        self._at = min(max(0, shown + parts), last) * PART


class Versions:
    """Versions of the index, read in pages as they are read out."""

    def __init__(self, rows: Rows, said: Callable[[VersionRow], str], choose: Callable[[VersionRow], None]) -> None:
        self._rows, self._say, self._choose = rows, said, choose

    def __len__(self) -> int:
        return self._rows.count

    def __getitem__(self, at: int) -> Item:
        page = self._rows.page(at // self._rows.PAGE) or []
        if at % self._rows.PAGE >= len(page):
            return Item("a version that the index does not hold any more")
        row = page[at % self._rows.PAGE]
        return Item(self._say(row), lambda: self._choose(row), row)
