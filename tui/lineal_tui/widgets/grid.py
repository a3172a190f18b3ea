"""The grid of Compare: facets that fold, rows that can be filtered, columns that scroll beside a frozen key."""

from __future__ import annotations

from lineal.model.diff import Diff, Facet
from lineal_tui.present.compare import Entry, Grid, Part, Sheet, entries
from lineal_tui.present.ink import BLANK, Line, Span, Tone
from lineal_tui.present.sieve import Sieve
from lineal_tui.widgets.lines import Lines


class DiffGrid(Lines):
    """The grid of a comparison: lines are facets and rows, or versions when transposed."""

    HEADS = 1

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.folded: set[Facet] = set()
        self.transposed = False
        self.instead: list[Line] = []  # what is said while there is no comparison
        self.words = ""  # of the filter
        self._sieve: Sieve | None = None
        self._diff: Diff | None = None  # the rows that pass the filter
        self._entries: list[Entry] = []
        self._grid: Grid | None = None
        self._sheet: Sheet | None = None
        self._offset = 0

    def show(self, diff: Diff | None, instead: list[Line] | None = None) -> None:
        """Show a comparison, or what is said instead."""
        self._sieve, self.instead = Sieve(diff) if diff else None, instead or []
        self.sift(self.words)

    def sift(self, words: str) -> None:
        """Show only the rows that hold every word; all of them without one."""
        self.words = words
        self._diff = self._sieve.keep(words) if self._sieve else None
        self._lay()

    @property
    def sieved(self) -> bool:
        """Whether a filter is on."""
        return bool(self.words.split())

    @property
    def code(self) -> str:
        """The difference of the code, whatever the filter leaves."""
        return self._sieve.code if self._sieve else ""

    @property
    def whole(self) -> bool:
        """Whether the filter looks at values too: there are too many of them to do so at every key otherwise."""
        return self._sieve is None or self._sieve.whole

    @property
    def diff(self) -> Diff | None:
        """What is shown."""
        return self._diff

    def _lay(self) -> None:
        diff = self._diff
        if diff is not None:
            self._entries = entries(diff, self.folded, sieved=self.sieved)
            self._grid = Grid.of(self._sieve.diff if self._sieve else diff, self.room, self._offset)
            self._sheet = Sheet.of(diff, self.folded, self.room, self._offset) if self.transposed else None
            self._offset = self._sheet.offset if self._sheet else self._grid.offset
        self.changed()

    def resized(self) -> None:
        """Lay the columns out for the new width."""
        self._lay()

    def total(self) -> int:
        """Return the number of lines."""
        if self._diff is None:
            return len(self.instead)
        return len(self._diff.versions) if self._sheet else len(self._entries) or int(self.sieved)

    def head_at(self, y: int) -> Line:
        """Return the versions, or the names of the rows when transposed."""
        if self._diff is None or self._grid is None:
            return BLANK
        return self._sheet.head() if self._sheet else self._grid.head()

    def line_at(self, index: int) -> Line:
        """Return one line."""
        if self._diff is None or self._grid is None:
            return self.instead[index]
        if self._sheet:
            return self._sheet.line(index)
        if not self._entries:
            return (Span(" No row holds that; esc shows all.", Tone.DIM),)
        return self._grid.line(self._entries[index], self.folded)

    def sideways(self, by: int) -> None:
        """Scroll the columns."""
        self._offset = max(0, self._offset + by)
        self._lay()

    def hop(self, by: int) -> bool:
        """Go to the next change, or the one before; return whether there was one."""
        i = self.cursor + by
        while 0 <= i < len(self._entries) and not self._sheet:
            if self._entries[i].changed:
                self.cursor = i
                return True
            i += by
        return False

    def hop_facet(self, by: int) -> bool:
        """Go to the next facet, or to the head of this one and then the one before; return whether there was one."""
        heads = [i for i, entry in enumerate(self._entries) if entry.part is Part.FACET and not self._sheet]
        ahead = [i for i in heads if (i > self.cursor if by > 0 else i < self.cursor)]
        if ahead:
            self.cursor = ahead[0 if by > 0 else -1]
        return bool(ahead)

    def fold(self) -> None:
        """Fold the facet that the cursor is in, or unfold it."""
        if self._diff is None or self._sheet or not self._entries:
            return
        facet = self._entries[self.cursor].section.facet
        self.folded ^= {facet}
        self._lay()
        heads = [i for i, e in enumerate(self._entries) if e.part is Part.FACET and e.section.facet is facet]
        if heads and facet in self.folded:
            self.cursor = heads[0]

    def transpose(self) -> None:
        """Swap rows and columns."""
        self.transposed = not self.transposed
        self._offset = 0
        self.cursor = 0
        self._lay()

    @property
    def said(self) -> Entry | None:
        """What is under the cursor."""
        return self._entries[self.cursor] if not self._sheet and self.cursor < len(self._entries) else None
