"""A comparison as a grid: facets that fold, rows of cells with a glyph for better and worse, and the code's diff."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum
from typing import NamedTuple, Self

from lineal.model.diff import Cell, Diff, Facet, Row, Section, Severity, Verdict
from lineal_tui.present import text
from lineal_tui.present.code import languages
from lineal_tui.present.code import line as code_line
from lineal_tui.present.ink import BLANK, Line, Span, Tone, fit, fit_right, width
from lineal_tui.present.telling import telling

_TEXT_LINES = 500
"""Lines of a code diff that the grid shows at most."""
_MEASURED = 400
"""Cells of a facet by which the width of the columns is chosen."""
_KEY_CELLS, _CELL_MIN, _CELL_MAX = 26, 9, 24
_ASIDE = 20  # cells kept for the difference where two are compared
GLYPHS = {
    Verdict.BETTER: ("▲", Tone.BETTER),
    Verdict.WORSE: ("▼", Tone.WORSE),
    Verdict.SAME: ("=", Tone.DIM),
    Verdict.NOISE: ("~", Tone.DIM),
    Verdict.CHANGED: ("≠", Tone.CHANGED),
    Verdict.ADDED: ("+", Tone.CHANGED),
    Verdict.REMOVED: ("−", Tone.CHANGED),
    Verdict.ABSENT: (" ", Tone.DIM),
    Verdict.BASE: (" ", Tone.PLAIN),
}
_SEVERE = {
    Severity.HIGH: ("‼ ", Tone.WORSE),
    Severity.MEDIUM: ("! ", Tone.WARN),
    Severity.LOW: ("· ", Tone.DIM),
    Severity.NONE: ("  ", Tone.DIM),
}


class Part(Enum):
    """What a line of the grid is."""

    FACET = 1
    ROW = 2
    CODE = 3


class Entry(NamedTuple):
    """One line of the grid: a facet's head, a compared row, or a line of the code diff."""

    part: Part
    section: Section
    row: Row | None = None
    said: str = ""
    language: str = ""  # of a line of code: the suffix of its file

    @property
    def changed(self) -> bool:
        """Whether `n` stops here."""
        return self.part is Part.ROW and self.row is not None and self.row.changed


def entries(diff: Diff, folded: Collection[Facet], *, sieved: bool = False) -> list[Entry]:
    """Return the visible lines. Facets with nothing to show are left out unless they say why, or rows are filtered."""
    out: list[Entry] = []
    for section in diff.sections:
        if not section.rows if sieved else not section.total and not section.note:
            continue
        out.append(Entry(Part.FACET, section))
        if section.facet in folded:
            continue
        out += [Entry(Part.ROW, section, row) for row in _ordered(section)]
        code = section.text.splitlines()
        told = zip(code[:_TEXT_LINES], languages(code), strict=False)
        out += [Entry(Part.CODE, section, said=line[:1000], language=language) for line, language in told]
        if len(code) > _TEXT_LINES:
            out.append(Entry(Part.CODE, section, said=f"… {len(code) - _TEXT_LINES} more lines"))
    return out


def _ordered(section: Section) -> Sequence[Row]:
    """Return a facet's rows; metrics by what they tell, the others as they were ranked."""
    if section.facet is not Facet.METRICS:
        return section.rows
    return sorted(section.rows, key=lambda row: telling(row.name))


class Grid(NamedTuple):
    """Where the columns of a comparison stand. The key column never scrolls."""

    diff: Diff
    key: int
    cells: tuple[int, ...]
    offset: int
    room: int

    @classmethod
    def of(cls, diff: Diff, room: int, offset: int = 0) -> Self:
        """Lay out a comparison in `room` cells, with widths that its first rows need."""
        first = max(20, _MEASURED // len(diff.versions))
        rows = [(section.facet, row) for section in diff.sections for row in section.rows[:first]]
        key = (
            min(max(_KEY_CELLS, room // 4), max((width((Span(text.safe(r.name, 60)),)) for _, r in rows), default=10))
            + 5
        )
        widest = (
            min(_CELL_MAX, max(_CELL_MIN, (room - key - _ASIDE) // 2 - 2)) if len(diff.versions) == 2 else _CELL_MAX
        )
        cells = tuple(_column(diff, rows, i, widest) for i in range(len(diff.versions)))
        return cls(diff, key, cells, max(0, min(offset, len(cells) - 2)), room)

    def shown(self) -> list[int]:
        """Return the versions on screen: the baseline first, then as many of the others as fit."""
        base = self.diff.baseline
        others = [i for i in range(len(self.cells)) if i != base][self.offset :]
        kept, used = [base], self.key + self.cells[base] + 2
        for i in others:
            if used + self.cells[i] + 2 > self.room and len(kept) > 1:
                break
            kept.append(i)
            used += self.cells[i] + 2
        return kept

    @property
    def hidden(self) -> int:
        """How many versions do not fit."""
        return len(self.cells) - len(self.shown())

    def head(self) -> Line:
        """Return the line above: the versions, the baseline marked."""
        out = [Span(fit("", self.key), Tone.HEAD)]
        for i in self.shown():
            base = i == self.diff.baseline
            name = text.safe(self.diff.names[i], 60) + (" ◂" if base else "")
            out.append(Span("  " + fit(name, self.cells[i]), Tone.ACCENT if base else Tone.HEAD))
        if self.hidden:
            out.append(Span(f"  +{self.hidden} ⇄", Tone.DIM))
        return tuple(out)

    def line(self, entry: Entry, folded: Collection[Facet]) -> Line:
        """Return one line of the grid."""
        match entry.part:
            case Part.FACET:
                return _facet(entry.section, entry.section.facet in folded)
            case Part.CODE:
                return code_line(entry.said, entry.language)
            case Part.ROW:
                return self._row(entry.section.facet, entry.row) if entry.row else BLANK

    def _row(self, facet: Facet, row: Row) -> Line:
        sign, severe = _SEVERE[row.severity]
        goal = {"max": "▲", "min": "▼"}.get(row.goal or "", "")
        key = fit(text.safe(row.name, 120), self.key - 5) + " " + (goal or " ")
        out = [Span(" "), Span(sign, severe), Span(key + " ", Tone.PLAIN if row.changed else Tone.DIM)]
        for i in self.shown():
            out += _cell(facet, row, row.cells[i], self.cells[i], base=i == self.diff.baseline)
        return (*out, *self._aside(row))

    def _aside(self, row: Row) -> Line:
        """What follows the cells: the difference, where only two are compared, and the note."""
        two = len(self.cells) == 2
        other = row.cells[1 - self.diff.baseline] if two else None
        said = moved(other) if other else ""
        note = row.note or (other.note if other else self._notes(row))
        tone = GLYPHS[other.verdict][1] if other else Tone.DIM
        return (Span(f"  {said}" if said else "", tone), Span(f"  {text.safe(note, 120)}" if note else "", Tone.DIM))

    def _notes(self, row: Row) -> str:
        """What is said of single cells, by version, where there are more than two."""
        said = ((self.diff.names[i], row.cells[i].note) for i in self.shown())
        return " · ".join(f"{name}: {note}" for name, note in said if note)


def _cell(facet: Facet, row: Row, cell: Cell, cells: int, *, base: bool) -> list[Span]:
    glyph, tone = GLYPHS[cell.verdict]
    if not row.changed:
        tone = Tone.DIM
    value = shown(facet, cell, row)
    if base:
        return [Span("  " + fit(value, cells), Tone.PLAIN if row.changed else Tone.DIM)]
    return [Span(f" {glyph} ", tone), Span(fit(value, cells - 1), Tone.DIM if cell.verdict is Verdict.SAME else tone)]


def shown(facet: Facet, cell: Cell, row: Row) -> str:
    """Return a cell's value as text, a dash where there is none; only metrics are rounded."""
    if cell.value is None and cell.verdict in (Verdict.ABSENT, Verdict.REMOVED):
        return "–"
    if cell.value is None:
        return "–" if row.changed else ""
    if facet is Facet.METRICS and isinstance(cell.value, float):
        return text.number(cell.value)
    if facet is Facet.FILES and isinstance(cell.value, int):
        return text.count(cell.value)
    return text.value(cell.value, 200)


def moved(cell: Cell) -> str:
    """Return the difference to the baseline, absolute and relative; "" where there is none to say."""
    if cell.delta is None or not cell.delta:
        return ""
    relative = f" ({text.percent(cell.relative)})" if cell.relative is not None and text.percent(cell.relative) else ""
    return text.signed(cell.delta) + relative


def _facet(section: Section, folded: bool) -> Line:
    count = f"  {text.count(section.changed)} of {text.count(section.total)}" if section.total else ""
    tone = Tone.HEAD if section.changed else Tone.DIM
    return (
        Span(("▸ " if folded else "▾ ") + section.facet, tone),
        Span(count, Tone.DIM),
        *_verdicts(section),
        Span(f"   {text.safe(section.note, 200)}" if section.note else "", Tone.DIM),
    )


def _verdicts(section: Section) -> Line:
    """Count what got worse and better, where that can be said."""
    cells = [cell.verdict for row in section.rows if row.goal for cell in row.cells]
    worse, better = cells.count(Verdict.WORSE), cells.count(Verdict.BETTER)
    return (
        Span(f"   ▼ {worse} worse" if worse else "", Tone.WORSE),
        Span(f"   ▲ {better} better" if better else "", Tone.BETTER),
    )


def _column(diff: Diff, rows: list[tuple[Facet, Row]], i: int, widest: int) -> int:
    name = width((Span(text.safe(diff.names[i], 60)),)) + (2 if i == diff.baseline else 0)
    longest = max((width((Span(shown(facet, row.cells[i], row)),)) for facet, row in rows), default=0)
    return max(_CELL_MIN, min(widest, max(name, longest + 1)))


# --- transposed: a line for each version, a column for each changed row ---------------------------------------------


class Sheet(NamedTuple):
    """The comparison with rows and columns swapped. The column of names never scrolls."""

    diff: Diff
    rows: tuple[tuple[Facet, Row], ...]
    cells: tuple[int, ...]
    name: int
    offset: int
    room: int

    @classmethod
    def of(cls, diff: Diff, folded: Collection[Facet], room: int, offset: int = 0) -> Self:
        """Lay out the rows of the unfolded facets as columns."""
        rows = tuple((s.facet, row) for s in diff.sections if s.facet not in folded for row in s.rows)
        rows = rows[:400]  # nobody scrolls further sideways
        cells = tuple(_sheet_column(facet, row) for facet, row in rows)
        name = min(28, max(width((Span(text.safe(n, 60)),)) for n in diff.names) + 2)
        return cls(diff, rows, cells, name, max(0, min(offset, len(rows) - 1)), room)

    def shown(self) -> list[int]:
        """Return the columns on screen."""
        kept: list[int] = []
        used = self.name
        for i in range(self.offset, len(self.rows)):
            if used + self.cells[i] + 2 > self.room and kept:
                break
            kept.append(i)
            used += self.cells[i] + 2
        return kept

    def head(self) -> Line:
        """Return the names of the columns."""
        titles = (
            Span("  " + fit_right(text.safe(self.rows[i][1].name, 60), self.cells[i]), Tone.HEAD) for i in self.shown()
        )
        left = len(self.rows) - len(self.shown()) - self.offset
        return (Span(fit("", self.name)), *titles, Span(f"  +{left} ⇄" if left > 0 else "", Tone.DIM))

    def line(self, index: int) -> Line:
        """Return the line of one version."""
        base = index == self.diff.baseline
        name = text.safe(self.diff.names[index], 60) + (" ◂" if base else "")
        out = [Span(fit(name, self.name), Tone.ACCENT if base else Tone.PLAIN)]
        for i in self.shown():
            facet, row = self.rows[i]
            cell = row.cells[index]
            glyph, tone = GLYPHS[cell.verdict]
            out.append(Span(f" {glyph} " if not base else "   ", tone))
            same = Tone.DIM if cell.verdict is Verdict.SAME else tone
            out.append(Span(fit_right(shown(facet, cell, row), self.cells[i] - 1), same))
        return tuple(out)


def _sheet_column(facet: Facet, row: Row) -> int:
    longest = max((width((Span(shown(facet, cell, row)),)) for cell in row.cells), default=0)
    return max(6, min(18, max(longest + 1, width((Span(text.safe(row.name, 60)),)))))
