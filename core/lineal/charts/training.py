"""A chart of series along training: by step, by the clock, or by the time since each began."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

import msgspec

from lineal.charts.axes import Axis
from lineal.charts.drawing import Curve
from lineal.charts.smoothing import smooth
from lineal.model.values import Series

MOST = 12
"""Series in one chart: as many as there are shapes to tell them apart."""


class Clock(StrEnum):
    """What runs along the x axis of training."""

    STEP = "step"
    TIME = "time"
    RELATIVE = "relative"


_AXES = {Clock.STEP: Axis.NUMBER, Clock.TIME: Axis.TIME, Clock.RELATIVE: Axis.SPAN}


class Along(msgspec.Struct, frozen=True):
    """Curves of training; `raw` are the same before smoothing; `without` have nothing to draw."""

    curves: list[Curve]
    raw: list[Curve]
    axis: Axis
    without: tuple[str, ...] = ()
    untimed: tuple[str, ...] = ()  # these kept a curve, and no times


def along(series: Mapping[str, Series], clock: Clock = Clock.STEP, smoothing: float = 0.0) -> Along:
    """Prepare series, by label, over a clock."""
    kept = {label: each for label, each in series.items() if each.values}
    timed = {label: each for label, each in kept.items() if clock is Clock.STEP or _timed(each)}
    raw = [_curve(label, each, clock) for label, each in timed.items()]
    curves = [Curve(one.label, one.steps, smooth(one.values, smoothing)) if smoothing else one for one in raw]
    without = tuple(label for label in series if label not in kept)
    return Along(curves, raw, _AXES[clock], without, tuple(label for label in kept if label not in timed))


def _timed(series: Series) -> bool:
    return len(series.times) == len(series.values) and any(series.times)


def _curve(label: str, series: Series, clock: Clock) -> Curve:
    if clock is Clock.STEP:
        return Curve(label, *_ordered(series.steps, series.values))
    places = [at for at, time in enumerate(series.times) if time]
    times, values = [series.times[at] for at in places], [series.values[at] for at in places]
    times, values = _ordered(times, values)
    first = times[0] if clock is Clock.RELATIVE else 0.0
    return Curve(label, [time - first for time in times], values)


def _ordered(steps: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return both in the order of the steps: a run that was resumed goes back in its log."""
    given = list(steps)
    if given == (rising := sorted(given)):  # which takes no time where they do
        return given, list(values)
    order = sorted(range(len(given)), key=given.__getitem__)
    return rising, [values[at] for at in order]
