"""What differs between a candidate and the version that it would replace, for a reader in a hurry: the worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lineal.model.diff import Diff, Facet, Row, Section, Severity, Verdict
from lineal.model.listing import VersionRow
from lineal.model.plain import number
from lineal.model.plan import Difference

if TYPE_CHECKING:
    from lineal.workspace import Workspace

_FACETS = (Facet.METRICS, Facet.PARAMS, Facet.ENVIRONMENT, Facet.DATA, Facet.CODE, Facet.FILES)
_EACH = 40  # rows of one facet
_ORDER = {Verdict.WORSE: 0, Verdict.REMOVED: 1, Verdict.CHANGED: 2, Verdict.ADDED: 2, Verdict.BETTER: 3}
_LONG = 200  # characters of a value


def differences(work: Workspace, before: VersionRow, after: VersionRow) -> tuple[Difference, ...]:
    """Compare two versions over every facet but their tensors, which are compared on their own screen."""
    diff: Diff = work.diff([before, after], facets=frozenset(_FACETS))
    return tuple(one for section in diff.sections for one in _section(section))


def _section(section: Section) -> list[Difference]:
    rows = [row for row in section.rows if row.changed]
    rows.sort(key=lambda row: (_ORDER.get(row.cells[1].verdict, 4), -int(row.severity)))
    if section.facet is Facet.ENVIRONMENT:
        rows = [row for row in rows if row.severity > Severity.LOW] or rows[:3]
    found = [_difference(section.facet, row) for row in rows[:_EACH]]
    if len(rows) > _EACH or section.changed > len(rows):
        more = section.changed - len(found)
        found.append(Difference(facet=section.facet, name=f"{more:,} more", before="", after=""))
    return found


def _difference(facet: Facet, row: Row) -> Difference:
    base, cell = row.cells
    return Difference(
        facet=facet.value,
        name=row.name,
        before=_text(base.value),
        after=_text(cell.value),
        verdict=cell.verdict,
        goal=row.goal,
        delta=cell.delta,
        note=cell.note or row.note,
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    text = number(value) if isinstance(value, float) else str(value)
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"
