"""A filter over the rows of a comparison: every word must stand in the row's name, one of its values, or a note."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from lineal.model.diff import Diff, Facet, Row, Section
from lineal_tui.present.compare import shown

_VALUES = 60_000
"""Cells of a comparison up to which values are searched too: beyond that a key would wait for them."""


class Sieve:
    """What a comparison's rows say, put together once, when first asked."""

    def __init__(self, diff: Diff) -> None:
        self.diff = diff  # all rows: the columns are laid out for them, so that they stay where they are
        self._said: list[list[str]] | None = None
        rows = sum(len(section.rows) for section in diff.sections)
        self.whole = rows * len(diff.versions) <= _VALUES

    @property
    def code(self) -> str:
        """The difference of the code, whatever is kept."""
        return next((section.text for section in self.diff.sections if section.facet is Facet.CODE), "")

    def keep(self, words: str) -> Diff:
        """Return the comparison with the rows that hold every word, of any case; its counts stay those of all."""
        wanted = words.lower().split()
        if not wanted:
            return self.diff
        if self._said is None:
            self._said = [[self._text(section.facet, row) for row in section.rows] for section in self.diff.sections]
        pairs = zip(self.diff.sections, self._said, strict=True)
        return replace(self.diff, sections=tuple(_kept(section, said, wanted) for section, said in pairs))

    def _text(self, facet: Facet, row: Row) -> str:
        if not self.whole:
            return row.name.lower()
        values = (f"{shown(facet, cell, row)} {cell.note}" for cell in row.cells)
        return " ".join((row.name, row.note, *values)).lower()


def _kept(section: Section, said: Sequence[str], wanted: Sequence[str]) -> Section:
    rows = tuple(row for row, text in zip(section.rows, said, strict=True) if all(word in text for word in wanted))
    return replace(section, rows=rows, text="")
