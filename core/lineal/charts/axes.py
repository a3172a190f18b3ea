"""What is written along an axis: round numbers, decades, dates, spans of time, or names."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from lineal.model.text import visible

TICK = 12  # columns that a tick's label gets
_DAY = 86_400.0
_APART = (
    *(1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200),
    *(_DAY * days for days in (1, 2, 7, 14, 30, 60, 90, 180, 365, 730, 1825, 3650)),
)  # seconds


class Axis(StrEnum):
    """What the numbers of an axis are."""

    NUMBER = "number"
    NAME = "name"  # 0, 1, 2 ... stand for names
    TIME = "time"  # Unix seconds
    SPAN = "span"  # seconds since a beginning


Ticks = tuple[list[float], list[str]]
"""Where the marks are, and what they say."""


def ticks(axis: Axis, low: float, high: float, most: int, names: Sequence[str] = ()) -> Ticks:
    """Choose at most about `most` places to name along a linear axis."""
    say = _saying(axis, high - low, names)
    if low == high:
        return [low], [say(low)]
    apart = _apart(axis, low, high, max(1, most))
    first = math.ceil(low / apart)
    places = [at * apart for at in range(first, min(first + 200, math.floor(high / apart) + 1))]
    return places, [say(place) for place in places]


def decades(low: float, high: float, most: int) -> Ticks:
    """Choose the powers of ten, or 1, 2 and 5 where there are few, between two numbers above zero.

    The places are logarithms.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    found = [10.0**power for power in range(first, last + 1)]
    if sum(low <= value <= high for value in found) < 3:
        found = [times * 10.0**power for power in range(first, last + 1) for times in (1, 2, 5)]
    found = [value for value in found if low <= value <= high]
    if len(found) < 2:
        found = sorted({low, high})
    found = found[:: max(1, math.ceil(len(found) / max(1, most)))]
    return [math.log10(value) for value in found], [f"{value:.3g}" for value in found]


def said(axis: Axis, value: float, names: Sequence[str] = ()) -> str:
    """Return one place along an axis in full, as a cursor reads it."""
    if axis is Axis.NAME:
        at = round(value)
        return visible(names[at], 40) if 0 <= at < len(names) else ""
    if axis is Axis.TIME:
        return _moment(value, "%Y-%m-%d %H:%M:%S")
    return _span(value) if axis is Axis.SPAN else f"{value:.6g}"


def _apart(axis: Axis, low: float, high: float, most: int) -> float:
    rough = (high - low) / most
    if axis in (Axis.TIME, Axis.SPAN) and 1 <= rough <= _APART[-1]:
        return next(float(apart) for apart in _APART if apart >= rough)
    power = 10.0 ** math.floor(math.log10(rough))
    apart = next(power * times for times in (1, 2, 5, 10, 20) if power * times >= rough)
    whole = axis is Axis.NAME or all(bound == int(bound) for bound in (low, high))
    return max(1.0, apart) if whole else apart


def _saying(axis: Axis, span: float, names: Sequence[str]) -> Callable[[float], str]:
    if axis is Axis.NAME:
        return lambda at: visible(names[round(at)], TICK - 2) if 0 <= round(at) < len(names) else ""
    if axis is Axis.TIME:
        form = "%Y-%m" if span > 300 * _DAY else "%m-%d" if span > 3 * _DAY else "%d %H:%M"
        return lambda at: _moment(at, form if span > 600 else "%H:%M:%S")
    return _span if axis is Axis.SPAN else _short


def _moment(seconds: float, form: str) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime(form)
    except (ValueError, OverflowError, OSError):
        return f"{seconds:.3g} s"


def _span(seconds: float) -> str:
    for size, unit, part, below in ((_DAY, "d", 3600.0, "h"), (3600.0, "h", 60.0, "m"), (60.0, "m", 1.0, "s")):
        if abs(seconds) >= size:
            whole, rest = divmod(round(seconds / part), round(size / part))
            return f"{whole:g}{unit}{rest:g}{below}" if rest else f"{whole:g}{unit}"
    return f"{seconds:.3g}s"


def _short(step: float) -> str:
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(step) >= size:
            return f"{step / size:g}{unit}"
    return f"{step:.12g}"
