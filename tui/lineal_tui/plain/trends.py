"""A chart as statements: the first, the best and the last value, which way it goes, and how it stands to the levels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from lineal.charts.axes import Axis, said
from lineal.model.values import Goal
from lineal_tui.chartview import Read, Readable
from lineal_tui.plain import words
from lineal_tui.plain.rows import number
from lineal_tui.present import text


def curve(one: Read, shown: Readable, goal: Goal | None, name: str) -> Iterator[str]:
    """Yield what a curve says, most important first: the last value, the levels, the best, the first, the trend."""
    points = [at for at, value in enumerate(one.values) if math.isfinite(value)]
    if not points:
        yield f"{name}: no number to tell"
        return
    first, last = points[0], points[-1]
    yield f"{name}: last {_point(one, shown, last)}"
    yield from (_level(label, level, one.values[last], goal) for label, level in shown.levels)
    best = _best(one, points, goal)
    if goal is not None:
        yield f"Best: {_point(one, shown, best)}, {words.GOALS[goal]}"
    else:
        least = min(points, key=lambda at: one.values[at])
        yield f"Highest: {_point(one, shown, best)}; lowest: {_point(one, shown, least)}"
    yield f"First: {_point(one, shown, first)}"
    if len(points) > 1:
        yield _trend([one.values[at] for at in points], goal)


def _best(one: Read, points: Sequence[int], goal: Goal | None) -> int:
    choose = min if goal is Goal.MIN else max
    return choose(points, key=lambda at: one.values[at])


def _point(one: Read, shown: Readable, at: int) -> str:
    return f"{number(one.values[at])} at {where(one, shown, at)}"


def where(one: Read, shown: Readable, at: int) -> str:
    """Return what a point is: a version, else the place along the axis."""
    if one.tips:
        return text.safe(one.tips[at], 60)
    if shown.axis == Axis.NUMBER:
        return f"step {number(one.steps[at])}"
    return text.safe(said(Axis(shown.axis), one.steps[at], shown.names), 60)


def _level(label: str, level: float, last: float, goal: Goal | None) -> str:
    told = words.spoken(text.safe(label, 60))
    delta = last - level
    if told.endswith(("at least", "at most")):
        kept = delta >= 0 if told.endswith("at least") else delta <= 0
        return f"Limit {told} {number(level)}: the last value {'keeps' if kept else 'breaks'} it"
    if not delta:
        return f"Live version {told}, {number(level)}: the last value is the same"
    if goal is None:
        return f"Live version {told}, {number(level)}: the last value is {words.signed(delta)} beside it"
    better = (delta > 0) is (goal is Goal.MAX)
    how = f"{'better' if better else 'worse'} by {number(abs(delta))}"
    return f"Live version {told}, {number(level)}: the last value is {how}"


def _trend(values: Sequence[float], goal: Goal | None) -> str:
    """Compare the mean of the last quarter with that of the first."""
    part = max(1, len(values) // 4)
    before, after = (sum(some) / part for some in (values[:part], values[-part:]))
    way = "level" if before == after else "up" if after > before else "down"
    judged = ""
    if goal is not None and before != after:
        judged = ", better" if (after > before) is (goal is Goal.MAX) else ", worse"
    return f"Trend over {len(values)} values: {way}, from {number(before)} to {number(after)} on average{judged}"
