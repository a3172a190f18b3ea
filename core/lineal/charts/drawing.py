"""Curves and points drawn by plotext, from series reduced to what its columns can show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from threading import Lock
from typing import Any

import msgspec

from lineal.charts.axes import TICK, Axis, decades, ticks
from lineal.charts.reducing import HUGE, by_factors, evenly, reduce, within
from lineal.model.text import visible

_SMALLEST = (20, 6)  # columns and lines below which plotext has no room for axes
_LABEL = 40  # characters of a label
_MORE = 10  # columns kept for `+99 more`
_COLOURS = ("cyan", "magenta", "orange", "blue", "green", "red")
_ANSI = {"red": 31, "green": 32, "orange": 33, "blue": 34, "magenta": 35, "cyan": 36}  # plotext calls 33 orange
_SHAPES = ("•", "×", "+", "o", "#", "*", "◆", "▲", "□", "%", "◇", "@")  # more curves than one differ by these too
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


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How curves are shown. On a logarithmic axis there is nothing at zero or below."""

    colour: bool = True
    axis: Axis = Axis.NUMBER
    names: Sequence[str] = ()  # for Axis.NAME
    levels: Sequence[str] = ()  # names of 0, 1, 2 ... up the y axis; empty: numbers
    log_x: bool = False
    log_y: bool = False
    joined: bool = True  # else points
    folded: bool = False  # curves are short and go to and fro: nothing is reduced
    shown: tuple[float, float] | None = None  # only this part of the x axis


class Drawing(msgspec.Struct, frozen=True):
    """A chart as text, and where its columns lie: `cells` of them from `left`, showing x from `low` to `high`."""

    text: str
    left: int = 0
    cells: int = 0
    low: float = 0.0
    high: float = 0.0
    log_x: bool = False

    def at(self, cell: int) -> float:
        """Return the x that a column shows."""
        part = cell / max(1, self.cells - 1)
        return (by_factors if self.log_x else evenly)(self.low, self.high, part)


def draw(
    curves: Sequence[Curve],
    width: int,
    height: int,
    *,
    colour: bool = True,
    thresholds: Sequence[Threshold] = (),
    names: Sequence[str] = (),
) -> str:
    """Draw curves over a linear axis of numbers, or of `names`; see `drawn`."""
    axis = Axis.NAME if names else Axis.NUMBER
    return drawn(curves, width, height, Look(colour=colour, names=names, axis=axis), thresholds).text


def drawn(
    curves: Sequence[Curve], width: int, height: int, look: Look, thresholds: Sequence[Threshold] = ()
) -> Drawing:
    """Draw curves into `height` lines of `width` columns, with ANSI colours or without any; the first is the legend.

    Labels are made safe here: a chart cannot be cleaned once it is drawn. Without a finite value there is one line
    that says so. Thread-safe, one at a time.
    """
    width, height = max(width, _SMALLEST[0]), max(height, _SMALLEST[1])
    pens = _pens(len(curves), look)
    lines = [_Line(curve.label, *_reduced(curve, width, look), pen) for curve, pen in zip(curves, pens, strict=True)]
    lines = [line for line in lines if line.values]
    if not lines:
        return Drawing("no finite values to draw")
    levels = [one for one in thresholds if abs(one.value) < HUGE and (one.value > 0 or not look.log_y)]
    with _drawing:
        text, low, high = _built(lines, levels, (width, height - 1), look)
    left, cells = _columns(text)
    return Drawing(f"{_legend(lines, levels, width)}\n{text}", left, cells, low, high, look.log_x)


class _Pen(msgspec.Struct, frozen=True):
    """How a curve is told from the others: by a shape, and by a colour (an index into `_COLOURS`) where there are."""

    shape: str
    colour: int | None

    def draw(self, text: str) -> str:
        return text if self.colour is None else f"\x1b[{_ANSI[_COLOURS[self.colour]]}m{text}\x1b[0m"


class _Line(msgspec.Struct, frozen=True):
    label: str
    steps: list[float]
    values: list[float]
    pen: _Pen


def shapes(count: int, *, joined: bool = True) -> list[str]:
    """Return what curves are drawn with, in their order."""
    return ["━"] if count == 1 and joined else [_SHAPES[at % len(_SHAPES)] for at in range(count)]


def _pens(count: int, look: Look) -> list[_Pen]:
    return [
        _Pen(shape, at % len(_COLOURS) if look.colour else None)
        for at, shape in enumerate(shapes(count, joined=look.joined))
    ]


def _reduced(curve: Curve, width: int, look: Look) -> tuple[list[float], list[float]]:
    """Return what of a curve can be seen, on the scale of its axes."""
    steps, values = curve.steps, curve.values
    low, high = look.shown or (-math.inf, math.inf)
    steps, values = within(steps, values, max(low, math.ulp(0.0)) if look.log_x else low, high)
    if look.log_y and values and not min(values) > 0:
        values = [value if value > 0 else math.nan for value in values]
    if (look.joined and not look.folded) or len(
        values
    ) > 20_000:  # points beside one another hide none, until there are very many
        steps, values = reduce(steps, values, width, by_factors if look.log_x else evenly)
    else:
        kept = [at for at, value in enumerate(values) if -HUGE < value < HUGE]
        steps, values = [steps[at] for at in kept], [values[at] for at in kept]
    xs = [math.log10(step) for step in steps] if look.log_x else list(steps)
    return xs, [math.log10(value) for value in values] if look.log_y else list(values)


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


def _built(
    lines: Sequence[_Line], thresholds: Sequence[Threshold], size: tuple[int, int], look: Look
) -> tuple[str, float, float]:
    """Return the chart, and the x at its first and last column."""
    import plotext

    plotext.clear_figure()
    plotext.limit_size(False, False)
    plotext.plot_size(*size)
    plotext.theme("clear")
    low, high = _across(plotext, lines, size[0], look)
    _upwards(plotext, lines, thresholds, size[1], look)
    for line in lines:
        colour = None if line.pen.colour is None else _COLOURS[line.pen.colour]
        marker = "braille" if line.pen.shape == "━" else line.pen.shape
        (plotext.plot if look.joined else plotext.scatter)(line.steps, line.values, marker=marker, color=colour)
    text: str = plotext.build()
    ends = (10.0**low, 10.0**high) if look.log_x else (low, high)
    if not look.colour:
        return "\n".join(row.rstrip() for row in plotext.uncolorize(text).splitlines()), *ends
    return text.rstrip("\n"), *ends


def _across(plotext: Any, lines: Sequence[_Line], width: int, look: Look) -> tuple[float, float]:
    """Set the x axis: of what is shown, else of what there is."""
    left, right = min(min(line.steps) for line in lines), max(max(line.steps) for line in lines)
    most = max(2, width // TICK)
    if look.log_x:
        places, labels = decades(10.0**left, 10.0**right, most)
    else:
        if look.shown and all(map(math.isfinite, look.shown)):
            left, right = look.shown
        places, labels = ticks(look.axis, left, right, most, look.names)
    plotext.xticks(places, labels)
    if left == right:
        left, right = left - 1, right + 1
    elif not look.joined and not look.log_x:  # points on the frame are hard to see
        left, right = left - (right - left) / 40, right + (right - left) / 40
    plotext.xlim(left, right)
    return left, right


def _upwards(plotext: Any, lines: Sequence[_Line], thresholds: Sequence[Threshold], height: int, look: Look) -> None:
    """Set the y axis, and draw the thresholds: they belong to the range that is shown."""
    reach = [math.log10(one.value) if look.log_y else one.value for one in thresholds]
    every = [value for line in lines for value in (min(line.values), max(line.values))] + reach
    low, high = min(every), max(every)
    if look.levels:
        plotext.yticks(list(range(len(look.levels))), [visible(one, TICK) for one in look.levels])
    elif look.log_y:
        plotext.yticks(*decades(10.0**low, 10.0**high, max(2, height // 3)))
    if low == high:
        low, high = low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
    plotext.ylim(low, high)
    for level in reach:
        plotext.horizontal_line(level)


def _columns(text: str) -> tuple[int, int]:
    """Return where the columns of a chart lie: between the corners of its frame."""
    import plotext

    top = str(plotext.uncolorize(text.partition("\n")[0]))
    left, right = top.find("┌"), top.rfind("┐")
    return (left + 1, right - left - 1) if 0 <= left < right else (0, 0)
