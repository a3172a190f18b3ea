"""Series reduced to what a column can show.

plotext takes 10 s for a million points. Of those that fall on one column only the least and the greatest can be seen,
so no more than these are handed on: every spike stays, and the time is that of finding them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence

HUGE = 1e300  # MLflow writes infinity as the greatest float; spans beyond this overflow

Between = Callable[[float, float, float], float]
"""Given two ends of an axis and a fraction, what lies there."""


def evenly(first: float, last: float, part: float) -> float:
    """Return what lies there on a linear axis."""
    return first + (last - first) * part


def by_factors(first: float, last: float, part: float) -> float:
    """Return what lies there on a logarithmic axis; both ends are above zero."""
    return float(first * (last / first) ** part)


def reduce(
    steps: Sequence[float], values: Sequence[float], columns: int, between: Between = evenly
) -> tuple[list[float], list[float]]:
    """Keep the least and the greatest value of each of `columns` equal parts of the range of steps, in their order.

    The first and the last value stay too. What is not finite is left out. At most 2 x `columns` + 2 points come back;
    all of them, where there are no more.
    """
    kept = sorted({*_kept(steps, values, max(1, columns), between), *_ends(values)})
    return [steps[at] for at in kept], [values[at] for at in kept]


def within(
    steps: Sequence[float], values: Sequence[float], low: float, high: float
) -> tuple[Sequence[float], Sequence[float]]:
    """Return the part of a series whose steps lie between two; steps do not fall."""
    if not steps or (low <= steps[0] and steps[-1] <= high):
        return steps, values
    start, end = bisect_left(steps, low), bisect_right(steps, high)
    return steps[start:end], values[start:end]


def _kept(steps: Sequence[float], values: Sequence[float], columns: int, between: Between) -> Iterator[int]:
    if len(values) <= 2 * columns + 2:
        yield from (at for at, value in enumerate(values) if -HUGE < value < HUGE)
        return
    first, last = steps[0], steps[-1]
    start = 0
    for column in range(1, columns + 1):
        bound = between(first, last, column / columns)
        end = len(values) if column == columns else max(start, bisect_left(steps, bound, start))
        yield from _extremes(values, start, end)
        start = end


def _ends(values: Sequence[float]) -> set[int]:
    return {at for at in (0, len(values) - 1) if values and -HUGE < values[at] < HUGE}


def _extremes(values: Sequence[float], start: int, end: int) -> set[int]:
    """Return where the least and the greatest finite value between `start` and `end` are."""
    part = values[start:end]
    if not part:
        return set()
    if not -HUGE < sum(part) < HUGE:  # one of them, at least, is not finite or is huge
        places = [at for at in range(start, end) if -HUGE < values[at] < HUGE]
        return {min(places, key=values.__getitem__), max(places, key=values.__getitem__)} if places else set()
    return {start + part.index(min(part)), start + part.index(max(part))}
