"""Data sets: another digest is other data; the same digest under another name is a renaming."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from lineal.diff.numbers import counted
from lineal.diff.renames import renamed
from lineal.diff.table import Frame, Judge, tabulate
from lineal.model.diff import Cell, Facet, Section, Verdict
from lineal.model.values import Value
from lineal.model.version import Dataset, Version


def data(versions: Sequence[Version], frame: Frame) -> Section:
    """Compare the data that versions were trained and evaluated on."""
    columns = [_named(version.datasets) for version in versions]
    base = columns[frame.baseline]
    moved = [renamed(base, column, _digests) for column in columns]
    return tabulate(moved, _Data(), frame).section(Facet.DATA)


def _named(datasets: Sequence[Dataset]) -> Mapping[str, Dataset]:
    """Name data sets so that none hides another: by name, then with the role, then with a number."""
    times = Counter(one.name for one in datasets)
    named: dict[str, Dataset] = {}
    for one in datasets:
        name = f"{one.name} ({one.role})" if times[one.name] > 1 and one.role else one.name
        number = 2
        while name in named:
            name, number = f"{one.name} #{number}", number + 1
        named[name] = one
    return named


def _digests(one: Dataset) -> frozenset[str]:
    return frozenset((one.digest,)) if one.digest else frozenset()


class _Data(Judge[Dataset]):
    def show(self, value: Dataset) -> Value:
        return value.digest or value.source or value.rows

    def detail(self, value: Dataset) -> str:
        return value.source if value.digest else ""

    def same(self, base: Dataset, value: Dataset) -> bool:
        if base.name != value.name:
            return False
        if base.digest and value.digest:
            return base.digest == value.digest
        return (base.source, base.rows, base.size) == (value.source, value.rows, value.size)

    def differ(self, base: Dataset, value: Dataset) -> Cell:
        return Cell(value=self.show(value), detail=self.detail(value), verdict=Verdict.CHANGED, note=_note(base, value))


def _note(base: Dataset, value: Dataset) -> str:
    if base.digest and base.digest == value.digest:
        return f"the same data, now called {value.name}"
    parts = []
    if base.rows is not None and value.rows is not None and base.rows != value.rows:
        parts.append(counted(value.rows - base.rows, "rows"))
    if base.size is not None and value.size is not None and base.size != value.size:
        parts.append(counted(value.size - base.size, "B"))
    return ", ".join(parts)
