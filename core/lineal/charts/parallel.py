"""Parallel coordinates: an axis a parameter and one for the metric, a line a version, told apart by how good it is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from lineal.charts.axes import Axis, said
from lineal.charts.drawing import Curve, Drawing, Look, drawn
from lineal.charts.quantities import Quantity, quantity
from lineal.charts.ranks import closeness
from lineal.charts.reducing import HUGE
from lineal.model.listing import VersionRow
from lineal.model.text import visible
from lineal.model.values import Goal

MOST = 100
"""Lines that can be told apart at all: those of the newest versions."""
_APART = 12  # columns that an axis needs for its name
_AXES = 8


class Parallel(msgspec.Struct, frozen=True):
    """The chart, and what must be said of it."""

    drawing: Drawing
    said: tuple[str, ...]
    count: int = 0


def parallel(
    rows: Sequence[VersionRow], metric: str, goal: Goal | None, width: int, height: int, *, colour: bool = True
) -> Parallel:
    """Draw the newest versions that have a metric, with the parameters that go most closely with it first."""
    rows = [row for row in rows if -HUGE < float(row.metrics.get(metric, math.nan)) < HUGE]
    shown = rows[-MOST:]
    close = closeness(shown, metric)
    if not close:
        return Parallel(Drawing("no parameter differs between these versions"), (), 0)
    fields = [name for name, _ in close[: max(1, min(_AXES, width // _APART - 1))]] + [f"metric.{metric}"]
    axes = [quantity(shown, field) for field in fields]
    whole = [at for at in range(len(shown)) if all(math.isfinite(axis.values[at]) for axis in axes)]
    if not whole:
        return Parallel(Drawing("no version has all of these parameters"), (), 0)
    look = Look(colour=colour, axis=Axis.NAME, names=[_name(axis) for axis in axes], levels=(" ", " "), folded=True)
    drawing = drawn(_thirds(whole, axes, goal), width, height - 2, look)
    notes = _notes(rows, shown, close, fields)
    if len(whole) < len(shown):
        notes += (f"{len(shown) - len(whole)} without one of these left out",)
    return Parallel(_with_ends(drawing, axes, width), notes, len(whole))


def _notes(
    rows: Sequence[VersionRow], shown: Sequence[VersionRow], close: Sequence[tuple[str, float]], fields: Sequence[str]
) -> tuple[str, ...]:
    notes = [f"{len(shown)} versions" if len(rows) == len(shown) else f"the newest {len(shown)} of {len(rows)}"]
    notes.append("closest: " + ", ".join(f"{_short(name)} ρ{by:+.2f}" for name, by in close[:3]))
    if len(close) > len(fields) - 1:
        notes.append(f"{len(close) - len(fields) + 1} more params have no room")
    return tuple(notes)


def _short(field: str) -> str:
    return visible(field.partition(".")[2], 30)


def _name(axis: Quantity) -> str:
    return axis.field.partition(".")[2]


def _thirds(whole: Sequence[int], axes: Sequence[Quantity], goal: Goal | None) -> list[Curve]:
    """Return a curve for the best, the middle and the worst third: the lines of their versions, one after another."""
    metric = axes[-1].values
    order = sorted(whole, key=metric.__getitem__, reverse=goal is Goal.MAX)
    labels = ("best third", "middle", "worst third") if goal else ("lowest third", "middle", "highest third")
    size = math.ceil(len(order) / 3)
    units = [_unit(axis) for axis in axes]
    curves = []
    for number, label in enumerate(labels):
        part = order[number * size : (number + 1) * size]
        steps: list[float] = []
        values: list[float] = []
        for turn, at in enumerate(part):
            line = [(float(i), unit[at]) for i, unit in enumerate(units)]
            line = line[::-1] if turn % 2 else line  # there and back again: no line across the chart between two
            steps += [x for x, _ in line]
            values += [y for _, y in line]
        curves.append(Curve(label, steps, values))
    return [curve for curve in curves if curve.values]


def _unit(axis: Quantity) -> list[float]:
    low, high = _ends(axis)
    return [(value - low) / (high - low) if high > low else 0.5 for value in axis.values]


def _ends(axis: Quantity) -> tuple[float, float]:
    finite = [value for value in axis.values if -HUGE < value < HUGE]
    return min(finite), max(finite)


def _with_ends(drawing: Drawing, axes: Sequence[Quantity], width: int) -> Drawing:
    """Write the greatest value of every axis above it, and the least below."""
    if not drawing.cells:
        return drawing
    first, _, rest = drawing.text.partition("\n")
    kinds = [(axis, *_ends(axis)) for axis in axes]
    places = [drawing.left + round(at * (drawing.cells - 1) / max(1, len(axes) - 1)) for at in range(len(axes))]
    tops = [said(axis.axis, high, axis.names) for axis, _, high in kinds]
    lows = [said(axis.axis, low, axis.names) for axis, low, _ in kinds]
    text = "\n".join((first, _row(tops, places, width), rest, _row(lows, places, width)))
    return Drawing(text)


def _row(labels: Sequence[str], places: Sequence[int], width: int) -> str:
    """Put labels centred on their places, none over another."""
    out = ""
    room = max(4, (places[1] - places[0] if len(places) > 1 else width) - 1)
    for label, place in zip(labels, places, strict=True):
        label = visible(label, room)
        start = min(max(place - len(label) // 2, len(out) + (1 if out else 0)), max(0, width - len(label)))
        out = out.ljust(start) + label
    return out
