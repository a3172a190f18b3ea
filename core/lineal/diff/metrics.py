"""Metrics: better, worse, or within the noise, by the goal that somebody stated or the name tells."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import msgspec

from lineal.diff.goals import Goals
from lineal.diff.numbers import CLOSE, delta
from lineal.diff.table import Frame, Judge, tabulate
from lineal.model.diff import Cell, Facet, Row, Section, Verdict
from lineal.model.values import Goal, Metric
from lineal.model.version import Version


def metrics(versions: Sequence[Version], frame: Frame, goals: Goals) -> Section:
    """Compare the last values of all metrics. One measured on several data sets has a row for each."""
    several = _measured_twice(versions)
    columns = [{_name(metric, several): metric for metric in version.metrics} for version in versions]
    return tabulate(columns, _Metrics(goals), frame).section(Facet.METRICS)


def _measured_twice(versions: Sequence[Version]) -> frozenset[str]:
    counts = (Counter(metric.name for metric in version.metrics) for version in versions)
    return frozenset(name for count in counts for name, times in count.items() if times > 1)


def _name(metric: Metric, several: frozenset[str]) -> str:
    return f"{metric.name} ({metric.dataset})" if metric.dataset and metric.name in several else metric.name


def verdict(base: float, value: float, goal: Goal | None, noise: float = 0.0) -> Verdict:
    """Judge a metric against the baseline's. NaN is worse than any number, whatever the goal's direction.

    `noise` is in the metric's unit; differences up to it, and those of rounding, mean nothing.
    """
    if base == value or (math.isnan(base) and math.isnan(value)) or math.isclose(base, value, rel_tol=CLOSE):
        return Verdict.SAME
    if abs(value - base) <= noise:
        return Verdict.NOISE
    if goal is None:
        return Verdict.CHANGED
    if math.isnan(base) or math.isnan(value):
        return Verdict.WORSE if math.isnan(value) else Verdict.BETTER
    return Verdict.BETTER if (value > base) == (goal is Goal.MAX) else Verdict.WORSE


class _Metrics(Judge[Metric]):
    def __init__(self, goals: Goals) -> None:
        self.goals = goals

    def show(self, value: Metric) -> float:
        return value.value

    def same(self, base: Metric, value: Metric) -> bool:
        return verdict(base.value, value.value, None) is Verdict.SAME

    def row(self, row: Row, values: Sequence[Metric | None], base: Metric | None) -> Row:
        there = [metric for metric in values if metric is not None]
        goal, source = self.goals.of(there[0].name, (metric.goal for metric in there))
        noise = self.goals.noise(there[0].name)
        cells = tuple(_judged(cell, base, value, goal, noise) for cell, value in zip(row.cells, values, strict=True))
        return msgspec.structs.replace(row, cells=cells, goal=goal, goal_source=source, note=_note(there))


def _judged(cell: Cell, base: Metric | None, value: Metric | None, goal: Goal | None, noise: float) -> Cell:
    if cell.verdict is not Verdict.CHANGED or base is None or value is None:
        return cell
    difference, relative = delta(base.value, value.value)
    return Cell(
        value=value.value,
        verdict=verdict(base.value, value.value, goal, noise),
        delta=difference,
        relative=relative,
        note="" if not math.isnan(value.value) else "not a number",
    )


def _note(there: list[Metric]) -> str:
    """Warn where the numbers are of different data and so no comparison."""
    datasets = sorted({metric.dataset for metric in there if metric.dataset})
    return f"measured on different data: {', '.join(datasets)}" if len(datasets) > 1 else ""
