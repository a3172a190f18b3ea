"""A chart of metrics across versions: over their order, their time, or any parameter or metric."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from lineal.charts.drawing import Curve
from lineal.charts.quantities import TIME, VERSION, Quantity, quantity
from lineal.charts.reducing import HUGE
from lineal.charts.smoothing import smooth
from lineal.model.listing import VersionRow

_ALIKE = 25.0  # spans that differ by more than this cannot be read on one axis


class Across(msgspec.Struct, frozen=True):
    """Curves that have an x axis in common, and what must be said of them."""

    curves: list[Curve]
    x: Quantity
    plain: list[Curve]  # in their own units
    raw: list[Curve]  # before smoothing
    order: list[int]  # which version each point is
    said: tuple[str, ...] = ()
    own_scales: bool = False  # each curve from 0 to 1, its least and its greatest

    @property
    def in_order(self) -> bool:
        """Whether the versions follow one another along x, so that a line between them means something."""
        return self.x.field in (VERSION, TIME)


def across(rows: Sequence[VersionRow], metrics: Sequence[str], field: str = VERSION, smoothing: float = 0.0) -> Across:
    """Prepare metrics of versions, the oldest first, over `field`. Raises NotFound where no version has it."""
    x = quantity(rows, field)
    order = sorted((at for at in range(len(rows)) if -HUGE < x.values[at] < HUGE), key=x.values.__getitem__)
    said = [f"{x.missing} without {field} left out"] if x.missing else []
    steps = [x.values[at] for at in order]
    raw = []
    for metric in metrics:
        values = [float(rows[at].metrics.get(metric, math.nan)) for at in order]
        lost = sum(metric in rows[at].metrics and not -HUGE < y < HUGE for at, y in zip(order, values, strict=True))
        said += [f"{lost} of {metric} not finite"] if lost else []
        raw.append(Curve(metric, steps, values))
    smoothed = smoothing and field in (VERSION, TIME)
    plain = [Curve(one.label, steps, smooth(one.values, smoothing)) for one in raw] if smoothed else raw
    if apart(plain):
        note = (*said, "each metric on a scale of its own")
        return Across([scaled(curve) for curve in plain], x, plain, raw, order, note, True)
    return Across(plain, x, plain, raw, order, tuple(said))


def apart(curves: Sequence[Curve]) -> bool:
    """Say whether curves differ so much in size that on one axis some would be flat."""
    spans = [_range(curve.values) for curve in curves]
    found = [span for span in spans if span is not None]
    if len(found) < 2:
        return False
    whole = max(high for _, high in found) - min(low for low, _ in found)
    return any(whole > _ALIKE * max(high - low, abs(high) / 1e3) for low, high in found)


def scaled(curve: Curve) -> Curve:
    """Return a curve from 0 to 1, its range in its label."""
    found = _range(curve.values)
    if found is None:
        return curve
    low, high = found
    span = (high - low) or 1.0
    label = f"{curve.label} {low:.4g}…{high:.4g}" if high > low else f"{curve.label} {low:.4g}"
    return Curve(label, curve.steps, [(value - low) / span for value in curve.values])


def _range(values: Sequence[float]) -> tuple[float, float] | None:
    finite = [value for value in values if -HUGE < value < HUGE]
    return (min(finite), max(finite)) if finite else None


def telling_param(rows: Sequence[VersionRow], metric: str) -> str:
    """Return the parameter that goes most closely with a metric, as a field; "" if none has two numbers."""
    from lineal.charts.ranks import closeness

    best = closeness(rows, metric)
    return best[0][0] if best else ""
