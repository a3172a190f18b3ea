"""A comparison as statements: a verdict for each facet first, then what differs, what is worse before the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from lineal.model.diff import Cell, Diff, Facet, Row, Section, Verdict
from lineal_tui.plain import words
from lineal_tui.present import text
from lineal_tui.present.telling import telling

_FIRST = (Verdict.WORSE, Verdict.REMOVED, Verdict.ADDED, Verdict.CHANGED, Verdict.BETTER, Verdict.NOISE)

_UNTOLD = (Verdict.BASE, Verdict.CHANGED, Verdict.ABSENT, Verdict.REMOVED)
"""Verdicts that the value itself says."""


def head(found: Diff) -> list[str]:
    """Return which versions are compared, and for each facet how many things are better, worse or changed."""
    base = text.safe(found.versions[found.baseline], 120)
    others = [text.safe(one, 120) for i, one in enumerate(found.versions) if i != found.baseline]
    said = [f"Compared with {base}, the baseline: {words.listed(others)}"]
    return [*said, *(_summary(section) for section in found.sections if section.changed or section.note)] + (
        [] if any(section.changed for section in found.sections) else ["Nothing differs"]
    )


def _summary(section: Section) -> str:
    counts = Counter(_worst(row) for row in section.rows if row.changed)
    told = words.listed(f"{counts[v]} {words.VERDICTS[v]}" for v in words.VERDICTS if counts[v])
    many = f"{section.changed} of {section.total} differ" if section.total else "nothing recorded"
    parts = [f"{section.facet.capitalize()}: {many}", told if section.changed else ""]
    parts += [text.safe(section.note, 300)] if section.note else []
    return ", ".join(part for part in parts if part)


def _worst(row: Row) -> Verdict:
    """Return the verdict of a row by which it is read: that one of its cells that matters most."""
    found = {cell.verdict for cell in row.cells}
    return next((verdict for verdict in _FIRST if verdict in found), Verdict.SAME)


def rows(found: Diff) -> Iterator[tuple[Facet, Row]]:
    """Yield the rows, facet by facet; of metrics those that are worse first."""
    for section in found.sections:
        ordered = list(section.rows)
        if section.facet is Facet.METRICS:
            ordered.sort(key=lambda row: (_worst(row) is not Verdict.WORSE, telling(row.name), row.name))
        yield from ((section.facet, row) for row in ordered)


def row(found: Diff, facet: Facet, one: Row, limit: int = 80) -> str:
    """Return one row: how it stands, what it is, and what it is in each version, the baseline first."""
    what = f"{words.VERDICTS[_worst(one)].capitalize()}: {words.facet(facet)} {text.safe(one.name, 120)}"
    order = [found.baseline, *(i for i in range(len(found.names)) if i != found.baseline)]
    several = len(order) > 2
    cells = [f"{text.safe(found.names[i], 40)} {_cell(one.cells[i], limit, told=several)}" for i in order]
    parts = [what, *cells]
    parts += [words.GOALS[one.goal]] if one.goal else []
    parts += [text.safe(one.note, 200)] if one.note else []
    return "; ".join(parts)


def _cell(cell: Cell, limit: int, *, told: bool) -> str:
    said = "none" if cell.value is None else text.value(cell.value, limit)
    parts = [said.replace("−", "minus ")]
    if cell.delta:
        parts.append(words.signed(cell.delta))
        parts += [words.percent(cell.relative)] if cell.relative is not None else []
    if told and cell.verdict not in _UNTOLD:
        parts.append(words.VERDICTS[cell.verdict])
    parts += [text.safe(cell.note, 80)] if cell.note else []
    return ", ".join(part for part in parts if part)


def whole(found: Diff, facet: Facet, one: Row) -> list[str]:
    """Return a row in full: a statement for each version."""
    said = [row(found, facet, one)]
    for i, cell in enumerate(one.cells):
        detail = f"; in full: {text.safe(cell.detail, 1500)}" if cell.detail else ""
        said.append(f"{text.safe(found.versions[i], 120)}: {_cell(cell, 1500, told=True)}{detail}")
    return said
