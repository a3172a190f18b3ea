"""Smoothing as TensorBoard does it: an exponential moving average, freed of the bias of its beginning."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from lineal.charts.reducing import HUGE

_UNBIASED = 1e-9  # from here on the correction changes no digit that anybody sees


def smooth(values: Sequence[float], factor: float) -> list[float]:
    """Return the average at every value; 0 smooths nothing, 0.99 very much. What is not finite stays as it is."""
    if not 0 < factor < 1 or not values:
        return list(values)
    if not -HUGE < sum(values) < HUGE:
        return _around_gaps(values, factor)
    fresh = 1 - factor
    averages = list(accumulate(values, lambda last, value: factor * last + fresh * value, initial=0.0))[1:]
    weight = 1.0
    for at in range(len(averages)):
        weight *= factor
        if weight < _UNBIASED:
            break
        averages[at] /= 1 - weight
    return averages


def _around_gaps(values: Sequence[float], factor: float) -> list[float]:
    out: list[float] = []
    last, weight = 0.0, 1.0
    for value in values:
        if -HUGE < value < HUGE:
            last, weight = factor * last + (1 - factor) * value, weight * factor
            out.append(last / (1 - weight))
        else:
            out.append(value)
    return out
