"""Things with names, one column for each version, made into rows that say how each cell stands to the baseline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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

    def alike(self, base: T, value: T) -> bool:
        """Say quickly that the two are one and the same, shown alike; False where only `same` can tell."""
        return base is value

    def suspects(self, base: Mapping[str, T], column: Mapping[str, T]) -> Iterable[str]:
        """Return the names that one of the two lacks, or whose values may differ: too many rather than too few.

        Ten thousand names in fifty columns are half a million values: this is the only look at most of them.
        """
        held = base.get
        return [*(base.keys() - column.keys()), *(name for name, value in column.items() if held(name) is not value)]

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
    most: int = 0,
) -> Table:
    """Compare `columns` name by name; beyond `most` rows (0: no end) those that follow are only counted.

    `unknown` are columns of versions that recorded nothing of the kind: what they lack is shown as lacking, but is no
    difference. `order` gives the names in the order of the rows; without it they are sorted.
    """
    every = set().union(*columns) if order is None else list(dict.fromkeys(order))
    suspected = _suspected(columns, judge, frame.baseline)
    names = [name for name in every if name in suspected] if frame.changed_only else every
    rows: list[Row] = []
    changed = 0
    for name in sorted(names) if order is None else names:
        differs = name in suspected and _differs(name, columns, judge, frame.baseline, unknown)
        changed += differs
        if (differs or not frame.changed_only) and (not most or len(rows) < most):
            values = [column.get(name) for column in columns]
            rows.append(_row(name, values, judge, frame.baseline, differs))
    return Table(tuple(rows), changed, len(every))


def _suspected(columns: Sequence[Mapping[str, T]], judge: Judge[T], baseline: int) -> set[str]:
    """Return the names that may differ in some column."""
    base = columns[baseline]
    found: set[str] = set()
    for column in columns:
        if column is not base:
            found.update(judge.suspects(base, column))
    return found


def _differs(
    name: str, columns: Sequence[Mapping[str, T]], judge: Judge[T], baseline: int, unknown: frozenset[int]
) -> bool:
    """Say whether any value is another than the baseline's; what only one side has counts where both recorded."""
    base = columns[baseline].get(name)
    for at, column in enumerate(columns):
        value = column.get(name)
        if value is base:
            continue
        if value is None or base is None:
            if baseline not in unknown and at not in unknown:
                return True
        elif not (judge.alike(base, value) or judge.same(base, value)):
            return True
    return False


def _row(name: str, values: list[T | None], judge: Judge[T], baseline: int, changed: bool) -> Row:
    base = values[baseline]
    cells = tuple(_cells(values, base, baseline, judge))
    return judge.row(Row(name=name, cells=cells, changed=changed), values, base)


def _cells(values: list[T | None], base: T | None, baseline: int, judge: Judge[T]) -> Iterator[Cell]:
    """Yield the cells of a row; those that show what the baseline shows are one and the same cell."""
    shared: Cell | None = None
    for at, value in enumerate(values):
        if at == baseline or value is None or base is None or not (value is base or judge.alike(base, value)):
            yield _cell(value, base, at == baseline, judge)
            continue
        shared = shared or _cell(value, base, False, judge)
        yield shared


def _cell(value: T | None, base: T | None, is_base: bool, judge: Judge[T]) -> Cell:
    if value is None:
        return Cell(verdict=Verdict.ABSENT if base is None else Verdict.REMOVED)
    if base is None or is_base or judge.same(base, value):
        verdict = Verdict.BASE if is_base else Verdict.ADDED if base is None else Verdict.SAME
        return Cell(value=judge.show(value), detail=judge.detail(value), verdict=verdict)
    return judge.differ(base, value)
