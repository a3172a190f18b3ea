"""Charts for the worker: from versions and series to curves, and what stands below them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from lineal.charts import Curve, Threshold, draw
from lineal.model.listing import VersionRow
from lineal.model.values import Goal, Series
from lineal_tui.holders import holder, live
from lineal_tui.messages import ChartReady, ChartRequest


def across(request: ChartRequest, rows: Sequence[VersionRow], goal: Goal | None) -> ChartReady:
    """Draw a metric across versions, the oldest first; the holder of `prod` or its like is drawn as a level."""
    values = [float(row.metrics.get(request.metric, math.nan)) for row in rows]
    curve = Curve(request.metric, [float(i) for i in range(len(rows))], values)
    text = draw(
        [curve],
        request.width,
        request.height,
        colour=request.colour,
        thresholds=_incumbent(request.metric, rows),
        names=[row.name for row in rows],
    )
    return ChartReady(request, text, len(rows), _best(rows, values, goal))


def _incumbent(metric: str, rows: Sequence[VersionRow]) -> list[Threshold]:
    row = holder(row for row in rows if metric in row.metrics)
    return [Threshold(f"{row.name} {live(row)}", row.metrics[metric])] if row else []


def _best(rows: Sequence[VersionRow], values: Sequence[float], goal: Goal | None) -> str:
    finite = [i for i, value in enumerate(values) if math.isfinite(value)]
    said = f"{len(rows)} versions by date"
    if not finite or goal is None:
        return said
    best = (max if goal is Goal.MAX else min)(finite, key=values.__getitem__)
    way = "higher" if goal is Goal.MAX else "lower"
    return f"{said} · {way} is better: {rows[best].name} {values[best]:.5g}"


def along(request: ChartRequest, series: Mapping[str, Series]) -> ChartReady:
    """Draw a metric along the training of some versions; those that kept no curve are named below."""
    longest = max((len(each.values) for each in series.values()), default=0)
    curves = [Curve(name, *_newest(each, request.newest)) for name, each in series.items() if each.values]
    without = [name for name, each in series.items() if not each.values]
    note = f"no curve was kept for {', '.join(without)}" if without else _points(longest)
    if not curves:
        return ChartReady(request, "", 0, note)
    text = draw(curves, request.width, request.height, colour=request.colour)
    return ChartReady(request, text, min(longest, request.newest or longest), note)


def _points(count: int) -> str:
    return f"{count} points, by step" if count != 1 else "logged once, at its step: there is no curve"


def _newest(series: Series, most: int) -> tuple[list[float], list[float]]:
    steps = [float(step) for step in series.steps]
    return (steps[-most:], series.values[-most:]) if most else (steps, series.values)
