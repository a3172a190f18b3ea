"""Charts of series as text: reduced to what a column can show, then drawn by plotext.

plotext takes 10 s for a million points. Of those that fall on one column only the least and the greatest can be seen,
so no more than these are handed on: every spike stays, and the time is that of finding them.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Any

import msgspec

from lineal.model.text import visible

_HUGE = 1e300  # MLflow writes infinity as the greatest float; spans beyond this overflow
_SMALLEST = (20, 6)  # columns and lines below which plotext has no room for axes
_LABEL = 40  # characters of a label
_TICK = 12  # columns that a tick's label gets
_MORE = 10  # columns kept for `+99 more`
_COLOURS = ("cyan", "magenta", "orange", "blue", "green", "red")
_ANSI = {"red": 31, "green": 32, "orange": 33, "blue": 34, "magenta": 35, "cyan": 36}  # plotext calls 33 orange
_SHAPES = ("•", "×", "+", "o", "#", "*")  # where there are no colours, or more curves than one
_drawing = Lock()  # plotext keeps its state in one global figure


class Curve(msgspec.Struct, frozen=True):
    """One line of a chart. `steps` do not fall; `values` are as many, and may hold NaN and infinities."""

    label: str
    steps: Sequence[float]
    values: Sequence[float]


class Threshold(msgspec.Struct, frozen=True):
    """A level drawn across a chart: a limit, or what the present holder of an alias reaches."""

    label: str
    value: float


def reduce(steps: Sequence[float], values: Sequence[float], columns: int) -> tuple[list[float], list[float]]:
    """Keep the least and the greatest value of each of `columns` equal parts of the range of steps, in their order.

    The first and the last value stay too. What is not finite is left out. At most 2 x `columns` + 2 points come back;
    all of them, where there are no more.
    """
    kept = sorted({*_kept(steps, values, max(1, columns)), *_ends(values)})
    return [steps[at] for at in kept], [values[at] for at in kept]


def _kept(steps: Sequence[float], values: Sequence[float], columns: int) -> Iterator[int]:
    if len(values) <= 2 * columns + 2:
        yield from (at for at, value in enumerate(values) if -_HUGE < value < _HUGE)
        return
    first, last = steps[0], steps[-1]
    start = 0
    for column in range(1, columns + 1):
        bound = first + (last - first) * column / columns
        end = len(values) if column == columns else max(start, bisect_left(steps, bound, start))
        yield from _extremes(values, start, end)
        start = end


def _ends(values: Sequence[float]) -> set[int]:
    return {at for at in (0, len(values) - 1) if values and -_HUGE < values[at] < _HUGE}


def _extremes(values: Sequence[float], start: int, end: int) -> set[int]:
    """Return where the least and the greatest finite value between `start` and `end` are."""
    part = values[start:end]
    if not part:
        return set()
    if not -_HUGE < sum(part) < _HUGE:  # one of them, at least, is not finite or is huge
        places = [at for at in range(start, end) if -_HUGE < values[at] < _HUGE]
        return {min(places, key=values.__getitem__), max(places, key=values.__getitem__)} if places else set()
    return {start + part.index(min(part)), start + part.index(max(part))}


def draw(
    curves: Sequence[Curve],
    width: int,
    height: int,
    *,
    colour: bool = True,
    thresholds: Sequence[Threshold] = (),
    names: Sequence[str] = (),
) -> str:
    """Draw curves into `height` lines of `width` columns, with ANSI colours or without any; the first is the legend.

    `names` are the names of steps 0, 1, 2 ... where steps are versions. Labels are made safe here: a chart cannot be
    cleaned once it is drawn. Without a finite value there is one line that says so. Thread-safe, one at a time.
    """
    width, height = max(width, _SMALLEST[0]), max(height, _SMALLEST[1])
    reduced = [(curve.label, *reduce(curve.steps, curve.values, width)) for curve in curves]
    pens = _pens(len(reduced), colour)
    lines = [_Line(*line, pen) for line, pen in zip(reduced, pens, strict=True) if line[2]]
    if not lines:
        return "no finite values to draw"
    levels = [one for one in thresholds if abs(one.value) < _HUGE]
    with _drawing:
        chart = _drawn(lines, levels, (width, height - 1), names)
    return f"{_legend(lines, levels, width)}\n{chart}"


class _Pen(msgspec.Struct, frozen=True):
    """How a curve is told from the others: by a shape, or by a colour (an index into `_COLOURS`) and fine dots."""

    shape: str
    colour: int | None

    def draw(self, text: str) -> str:
        return text if self.colour is None else f"\x1b[{_ANSI[_COLOURS[self.colour]]}m{text}\x1b[0m"


class _Line(msgspec.Struct, frozen=True):
    label: str
    steps: list[float]
    values: list[float]
    pen: _Pen


def _pens(count: int, colour: bool) -> list[_Pen]:
    if colour:
        return [_Pen("━", at % len(_COLOURS)) for at in range(count)]
    return [_Pen("━" if count == 1 else _SHAPES[at % len(_SHAPES)], None) for at in range(count)]


def _legend(lines: Sequence[_Line], thresholds: Sequence[Threshold], width: int) -> str:
    """Return one line that names the curves and the levels; what has no room is counted."""
    parts = [(line.pen.draw(line.pen.shape), visible(line.label, _LABEL)) for line in lines]
    parts += [("─", f"{visible(one.label, _LABEL)} {one.value:g}".strip()) for one in thresholds]
    text, used = "", 0
    for at, (sign, label) in enumerate(parts):
        room = 3 + _cells(label) + (_MORE if at + 1 < len(parts) else 0)
        if used and used + room > width:
            return f"{text}  +{len(parts) - at} more"
        text += f"{'  ' if used else ''}{sign} {label}"
        used += 4 + _cells(label)
    return text


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _drawn(lines: Sequence[_Line], thresholds: Sequence[Threshold], size: tuple[int, int], names: Sequence[str]) -> str:
    import plotext

    plotext.clear_figure()
    plotext.limit_size(False, False)
    plotext.plot_size(*size)
    plotext.theme("clear")
    _scale(plotext, lines, thresholds, size[0], names)
    for line in lines:
        colour = None if line.pen.colour is None else _COLOURS[line.pen.colour]
        marker = "braille" if line.pen.shape == "━" else line.pen.shape
        plotext.plot(line.steps, line.values, marker=marker, color=colour)
    text: str = plotext.build()
    plain = "\n".join(row.rstrip() for row in plotext.uncolorize(text).splitlines())
    return plain if lines[0].pen.colour is None else text.rstrip("\n")


def _scale(
    plotext: Any, lines: Sequence[_Line], thresholds: Sequence[Threshold], width: int, names: Sequence[str]
) -> None:
    """Set both axes, and draw the thresholds: they belong to the range that is shown."""
    left, right = min(line.steps[0] for line in lines), max(line.steps[-1] for line in lines)
    ticks, labels = _ticks(left, right, max(2, width // _TICK), names)
    plotext.xticks(ticks, labels)
    every = [value for line in lines for value in (min(line.values), max(line.values))]
    every += [one.value for one in thresholds]
    low, high = min(every), max(every)
    if low == high:
        low, high = low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
    plotext.ylim(low, high)
    plotext.xlim(left - (left == right), right + (left == right))
    for one in thresholds:
        plotext.horizontal_line(one.value)


def _ticks(left: float, right: float, most: int, names: Sequence[str]) -> tuple[list[float], list[str]]:
    """Choose round steps to name along the axis, so few that their labels have room."""
    span = right - left
    if not span:
        return [left], [_named(left, names)]
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    apart = next(power * times for times in (1, 2, 5, 10) if power * times >= rough)
    if all(bound == int(bound) for bound in (left, right)):
        apart = max(1.0, apart)
    first = math.ceil(left / apart)
    ticks = [at * apart for at in range(first, math.floor(right / apart) + 1)]
    return ticks, [_named(tick, names) for tick in ticks]


def _named(step: float, names: Sequence[str]) -> str:
    if names:
        return visible(names[int(step)], _TICK - 2) if 0 <= step < len(names) else ""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(step) >= size:
            return f"{step / size:g}{unit}"
    return f"{step:g}"
