"""A chart's cursor: a column through the lines, and what every curve says there."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from lineal.charts.axes import Axis, said
from lineal_tui.chartview import Read, Readable, View
from lineal_tui.present import text
from lineal_tui.present.ansi import CURVES
from lineal_tui.present.ink import Line, Span, Tone, cut, width

_TIPS = 3  # points at the same place that are named
_LABEL = 24


def with_cursor(lines: Sequence[Line], shown: Readable, cell: int) -> list[Line]:
    """Return the lines of a chart with a rule through one of its columns; what is drawn there stays."""
    at = shown.left + cell
    return [_crossed(line, at) if _framed(line, shown.left) else line for line in lines]


def _framed(line: Line, left: int) -> bool:
    said = "".join(span.text for span in line)
    return said[left - 1 : left] in ("│", "┤")


def _crossed(line: Line, at: int) -> Line:
    out: list[Span] = []
    start = 0
    for span in line:
        end = start + len(span.text)
        if start <= at < end:
            here = span.text[at - start]
            mark = Span("│", Tone.MARK) if here == " " else Span(here, Tone.STRONG)
            out += [Span(span.text[: at - start], span.tone), mark, Span(span.text[at - start + 1 :], span.tone)]
        else:
            out.append(span)
        start = end
    if at >= start:
        out += [Span(" " * (at - start)), Span("│", Tone.MARK)]
    return tuple(span for span in out if span.text)


def readings(shown: Readable, cell: int, cells: int, most: int) -> list[Line]:
    """Say x and what every curve is there, in at most so many lines."""
    x = shown.at(cell)
    near = abs(shown.at(min(cell + 1, shown.cells - 1)) - shown.at(max(cell - 1, 0))) or 1.0
    parts: list[Line] = [(Span(f"x {said(Axis(shown.axis), x, shown.names)}", Tone.STRONG),)]
    parts += [_reading(curve, x, near, at, shown) for at, curve in enumerate(shown.curves)]
    return flowed(parts, cells, most)


def _reading(curve: Read, x: float, near: float, at: int, shown: Readable) -> Line:
    head = (Span(f"{curve.shape} ", CURVES[at % len(CURVES)]), Span(f"{text.safe(curve.label, _LABEL)} ", Tone.DIM))
    place = nearest(curve.steps, curve.values, x)
    if place is None or abs(curve.steps[place] - x) > max(near, _gap(curve.steps, place)):
        return (*head, Span("—", Tone.DIM))
    value = _number(curve.values[place])
    raw = f" (raw {_number(curve.raw[place])})" if len(curve.raw) else ""
    step = curve.steps[place]
    exact = said(Axis(shown.axis), step, shown.names) if shown.axis != Axis.NAME else ""
    tips = _tips(curve, step)
    where = f" {tips}" if tips else f" at {exact}" if exact else ""
    return (*head, Span(value, Tone.STRONG), Span(f"{raw}{where}", Tone.DIM))


def _gap(steps: Sequence[float], at: int) -> float:
    """Return half of the wider gap beside a point: between two points of a line, the nearer one is read."""
    before = steps[at] - steps[at - 1] if at else 0.0
    after = steps[at + 1] - steps[at] if at + 1 < len(steps) else 0.0
    return max(before, after) / 2


def _tips(curve: Read, step: float) -> str:
    if not curve.tips:
        return ""
    first, last = bisect_left(curve.steps, step), bisect_right(curve.steps, step)
    named = ", ".join(text.safe(tip, _LABEL) for tip in curve.tips[first : min(last, first + _TIPS)])
    return named + (f" +{last - first - _TIPS}" if last - first > _TIPS else "")


def nearest(steps: Sequence[float], values: Sequence[float], x: float) -> int | None:
    """Return where the finite value lies that is nearest to x; None where there is none."""
    after = bisect_left(steps, x)
    before = after - 1
    while after < len(steps) and not math.isfinite(values[after]):
        after += 1
    while before >= 0 and not math.isfinite(values[before]):
        before -= 1
    if before < 0 or after >= len(steps):
        return before if before >= 0 else after if after < len(steps) else None
    return before if x - steps[before] < steps[after] - x else after


def _number(value: float) -> str:
    return text.number(float(value))


def flowed(parts: Sequence[Line], cells: int, most: int) -> list[Line]:
    """Put parts beside one another on at most so many lines; what has no room is counted."""
    lines: list[Line] = []
    for at, part in enumerate(parts):
        part = cut(part, cells - 1)
        if lines and width(lines[-1]) + 2 + width(part) <= cells:
            lines[-1] = (*lines[-1], Span("  "), *part)
        elif len(lines) < most:
            lines.append((Span(" "), *part))
        else:
            more = Span(f"  +{len(parts) - at} more", Tone.DIM)
            lines[-1] = (*cut(lines[-1], cells - len(more.text)), more)
            break
    return lines


def state(view: View, steps: bool) -> str:
    """Say what of a view is not as it is at first."""
    said = []
    if steps:
        said += [] if view.clock == "step" else [f"by {view.clock} time" if view.clock == "relative" else "by time"]
    else:
        said += [] if view.form == "lines" else [view.form]
        over = "time" if view.x == "created" else text.safe(view.x, 40)
        said += [] if view.x in ("version", "") or view.form == "parallel" else [f"over {over}"]
    logs = [name for name, on in (("x", view.log_x), ("y", view.log_y)) if on]
    said += [f"log {' and '.join(logs)}"] if logs else []
    said += [f"smoothed {view.smoothing:g}"] if view.smoothing else []
    said += [f"zoom {view.zoom:.3g}×"] if view.zoom > 1.001 else []
    return " · ".join(said)
