"""Comparisons as two bounds of a number, and as tests of releases: what `>`, `..` and dates mean. Pure."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor, isfinite

from lineal.index.fields import Pattern
from lineal.index.quantities import Release, age, interval, release, scaled
from lineal.index.query import Op

SIGNS = {Op.ABOVE: ">", Op.AT_LEAST: ">=", Op.BELOW: "<", Op.AT_MOST: "<="}

Bound = tuple[str, float] | None
"""How a value is compared with a number: `(">=", 0.9)`."""


def bounds(op: Op, value: float) -> tuple[Bound, Bound]:
    """Return what a comparison with a number leaves: what is above the first, and below the second."""
    match op:
        case Op.EQUAL | Op.NOT_EQUAL:
            return (">=", value), ("<=", value)
        case Op.ABOVE | Op.AT_LEAST:
            return (SIGNS[op], value), None
        case _:
            return None, (SIGNS[op], value)


def ends(low: str, high: str) -> tuple[Bound, Bound]:
    """Return the bounds of a range, both included."""
    first, last = (scaled(text) if text else None for text in (low, high))
    return (None if first is None else (">=", first)), (None if last is None else ("<=", last))


def whole(bound: Bound) -> Bound:
    """Return the same bound of integers: PostgreSQL asks no index of integers for a fraction."""
    if bound is None or not isfinite(bound[1]):
        return bound
    sign, value = bound
    return sign, ceil(value) if sign in (">=", "<") else floor(value)


def moments(op: Op, text: str, now: float) -> tuple[Bound, Bound]:
    """A date is the whole time that it spans; `<7d` is younger than seven days, so later than that moment."""
    span = interval(text, now)
    if span is None:
        then = now - (age(text) or 0.0)
        later = {Op.BELOW: ">", Op.AT_MOST: ">=", Op.EQUAL: ">="}.get(op)
        return ((later, then), None) if later else (None, ("<" if op is Op.ABOVE else "<=", then))
    start, end = span
    match op:
        case Op.ABOVE:
            return (">=", end), None
        case Op.AT_LEAST:
            return (">=", start), None
        case Op.BELOW:
            return None, ("<", start)
        case Op.AT_MOST:
            return None, ("<", end)
        case _:
            return (">=", start), ("<", end)


def span(low: str, high: str, now: float) -> tuple[Bound, Bound]:
    """From the beginning of `low` to the end of `high`; ages count back from now, whichever way they are written."""
    first = _point(low, now, end=False)
    last = _point(high, now, end=True)
    if first is not None and last is not None and first > last:
        first, last = _point(high, now, end=False), _point(low, now, end=True)
    return (None if first is None else (">=", first)), (None if last is None else ("<", last))


def _point(text: str, now: float, *, end: bool) -> float | None:
    if not text:
        return None
    span = interval(text, now)
    return now - (age(text) or 0.0) if span is None else span[1 if end else 0]


def release_test(op: Op, value: Pattern) -> Callable[[str], bool]:
    """Return the test of an environment's values: as releases where both are, else as texts."""
    wanted = release(value.text)
    if op is not Op.EQUAL:
        return lambda said: _ordered(op, release(said), wanted)
    if wanted is None or value.literal:
        return value.matches
    return lambda said: value.matches(said) or release(said) == wanted


def _ordered(op: Op, said: Release | None, wanted: Release | None) -> bool:
    if said is None or wanted is None:
        return False
    return {
        Op.ABOVE: said > wanted,
        Op.AT_LEAST: said >= wanted,
        Op.BELOW: said < wanted,
        Op.AT_MOST: said <= wanted,
    }[op]


def release_range(low: str, high: str) -> Callable[[str], bool]:
    """Return the test whether an environment's value is a release within a range, both ends included."""
    first, last = (release(text) if text else None for text in (low, high))

    def inside(said: str) -> bool:
        found = release(said)
        return found is not None and (first is None or found >= first) and (last is None or found <= last)

    return inside
