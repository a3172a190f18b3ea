"""Tensors: added, removed, reshaped, retyped, by their headers only."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from lineal.diff.numbers import counted
from lineal.diff.table import Frame, Judge, tabulate
from lineal.errors import Error
from lineal.model.diff import Cell, Facet, Section, Verdict
from lineal.model.values import Value
from lineal.model.version import Tensor, Version

Headers = Callable[[Version], list[Tensor]]
"""Reads the headers of a version's tensors; an empty list where it has none that can be read."""


def tensors(versions: Sequence[Version], frame: Frame, names: Sequence[str], headers: Headers | None) -> Section:
    """Compare the tensors of versions by name. A file that cannot be read is a note, not the end of the comparison."""
    if headers is None:
        return Section(facet=Facet.TENSORS, rows=(), changed=0, total=0, note="not read")
    columns: list[dict[str, Tensor]] = []
    notes: list[str] = []
    for name, version in zip(names, versions, strict=True):
        try:
            columns.append({tensor.name: tensor for tensor in headers(version)})
        except Error as e:
            columns.append({})
            notes.append(f"{name}: {e.message}")
    unknown = frozenset(at for at, column in enumerate(columns) if not column)
    order = dict.fromkeys(name for column in (columns[frame.baseline], *columns) for name in column)
    table = tabulate(columns, _Tensors(), frame, unknown=unknown, order=order)
    return table.section(Facet.TENSORS, "; ".join([*_sizes(columns, names, frame.baseline), *notes]))


def parameters(tensor: Tensor) -> int:
    """Return how many numbers a tensor holds."""
    return math.prod(tensor.shape)


def _sizes(columns: Sequence[dict[str, Tensor]], names: Sequence[str], baseline: int) -> list[str]:
    """Say how many parameters each version has, or that none can be read."""
    counts = [sum(map(parameters, column.values())) for column in columns]
    if not any(columns):
        return ["no tensors can be read"]
    if len(set(counts)) == 1:
        return [f"{counts[0]:,} parameters"]
    base = counts[baseline] if columns[baseline] else None
    return [f"{name}: {_sized(count, base)}" for name, count in zip(names, counts, strict=True)]


def _sized(count: int, base: int | None) -> str:
    if not count:
        return "no tensors can be read"
    grown = f" ({counted(count - base)})" if base is not None and base != count else ""
    return f"{count:,} parameters{grown}"


class _Tensors(Judge[Tensor]):
    def show(self, value: Tensor) -> Value:
        return f"{value.dtype} [{','.join(map(str, value.shape))}]"

    def same(self, base: Tensor, value: Tensor) -> bool:
        return base.shape == value.shape and base.dtype == value.dtype

    def differ(self, base: Tensor, value: Tensor) -> Cell:
        words = ["reshaped"] if base.shape != value.shape else []
        words += ["retyped"] if base.dtype != value.dtype else []
        change = parameters(value) - parameters(base)
        words += [counted(change, "parameters")] if change else []
        return Cell(value=self.show(value), verdict=Verdict.CHANGED, note=", ".join(words))
