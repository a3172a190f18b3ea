"""Things with names, one column for each version, made into rows that say how each cell stands to the baseline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from lineal.model.diff import Cell, Facet, Row, Section, Verdict
from lineal.model.values import Value

T = TypeVar("T")


class Judge(Generic[T]):
    """What one facet knows about its values: how to show one, when two are the same, what a difference means."""

    def show(self, value: T) -> Value:
        """Return the value as it stands in a cell."""
        raise NotImplementedError

    def detail(self, _value: T) -> str:
        """Return what a cell says in full beside the value: a whole digest."""
        return ""

    def same(self, base: T, value: T) -> bool:
        """Say whether the two are no difference."""
        return base == value

    def differ(self, _base: T, value: T) -> Cell:
        """Return the cell of a value that is not the same as the baseline's."""
        return Cell(value=self.show(value), detail=self.detail(value), verdict=Verdict.CHANGED)

    def row(self, row: Row, _values: Sequence[T | None], _base: T | None) -> Row:
        """Return the row with what only a look at all its values can say: goal, severity, note."""
        return row


class Frame(msgspec.Struct, frozen=True):
    """What a comparison was asked: which column is the baseline, and whether equal rows are wanted."""

    baseline: int = 0
    changed_only: bool = True


class Table(msgspec.Struct, frozen=True):
    """The rows that are shown, of `total`, of which `changed` differ."""

    rows: tuple[Row, ...] = ()
    changed: int = 0
    total: int = 0

    def section(self, facet: Facet, note: str = "", text: str = "") -> Section:
        """Return the table as the section of a facet."""
        return Section(facet=facet, rows=self.rows, changed=self.changed, total=self.total, note=note, text=text)


def tabulate(
    columns: Sequence[Mapping[str, T]],
    judge: Judge[T],
    frame: Frame,
    *,
    unknown: frozenset[int] = frozenset(),
    order: Iterable[str] | None = None,
) -> Table:
    """Compare `columns` name by name.

    `unknown` are columns of versions that recorded nothing of the kind: what they lack is shown as lacking, but is no
    difference. `order` gives the names in the order of the rows; without it they are sorted.
    """
    names = sorted(set().union(*columns)) if order is None else list(order)
    rows: list[Row] = []
    changed = 0
    for name in names:
        values = [column.get(name) for column in columns]
        if _equal(values, values[frame.baseline], judge):
            if not frame.changed_only:
                rows.append(_row(name, values, judge, frame, unknown))
            continue
        row = _row(name, values, judge, frame, unknown)
        changed += row.changed
        if row.changed or not frame.changed_only:
            rows.append(row)
    return Table(tuple(rows), changed, len(names))


def _equal(values: list[T | None], base: T | None, judge: Judge[T]) -> bool:
    if base is None:
        return False
    return all(value is base or (value is not None and judge.same(base, value)) for value in values)


def _row(name: str, values: list[T | None], judge: Judge[T], frame: Frame, unknown: frozenset[int]) -> Row:
    base = values[frame.baseline]
    cells = tuple(_cell(value, base, at == frame.baseline, judge) for at, value in enumerate(values))
    changed = any(_counts(cell, at in unknown or frame.baseline in unknown) for at, cell in enumerate(cells))
    return judge.row(Row(name=name, cells=cells, changed=changed), values, base)


def _counts(cell: Cell, unknown: bool) -> bool:
    if cell.verdict in (Verdict.BASE, Verdict.SAME, Verdict.ABSENT):
        return False
    return not (unknown and cell.verdict in (Verdict.ADDED, Verdict.REMOVED))


def _cell(value: T | None, base: T | None, is_base: bool, judge: Judge[T]) -> Cell:
    if value is None:
        return Cell(verdict=Verdict.ABSENT if base is None else Verdict.REMOVED)
    if base is None or is_base or judge.same(base, value):
        verdict = Verdict.BASE if is_base else Verdict.ADDED if base is None else Verdict.SAME
        return Cell(value=judge.show(value), detail=judge.detail(value), verdict=verdict)
    return judge.differ(base, value)
