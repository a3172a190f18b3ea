"""Charts for the worker: what is drawn from is kept while it is looked at in other ways."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from msgspec import structs

from lineal.charts.axes import Axis
from lineal.charts.drawing import Curve, Drawing, Look, Threshold, drawn, shapes
from lineal.charts.levels import levels
from lineal.charts.parallel import parallel
from lineal.charts.reducing import HUGE, by_factors, evenly
from lineal.charts.training import MOST, Clock, along
from lineal.charts.versions import Across, across, apart, scaled, telling_param
from lineal.model.listing import VersionRow
from lineal.model.values import Goal, Series
from lineal.policy.rules import Policy
from lineal_tui.chartview import Read, Readable
from lineal_tui.messages import ChartReady, ChartRequest
from lineal_tui.places import identity

Rows = Callable[[ChartRequest], list[VersionRow]]
GetSeries = Callable[[VersionRow, str], Series]


class Easel:
    """Draws charts; the versions and series of the last ones are kept until the screen asks anew (`turn`)."""

    def __init__(
        self,
        rows: Rows,
        series: GetSeries,
        goals: Callable[[Sequence[VersionRow]], Mapping[str, Goal]],
        holder: Callable[[VersionRow], VersionRow | None],
        policy: Policy,
    ) -> None:
        self._read_rows, self._read_series = rows, series
        self._goals, self._holder, self._policy = goals, holder, policy
        self._rows: dict[object, list[VersionRow]] = {}
        self._series: dict[object, Series] = {}
        self._turn = -1

    def draw(self, request: ChartRequest) -> ChartReady:
        """Draw what is asked for."""
        if request.turn != self._turn:
            self._rows.clear()
            self._series.clear()
            self._turn = request.turn
        if request.steps:
            return self._training(request)
        rows = self._versions(request)
        if request.view.form == "parallel":
            return self._parallel(request, rows)
        return self._across(request, rows)

    def _versions(self, request: ChartRequest) -> list[VersionRow]:
        key = (request.scope, request.metric, request.view.pinned)
        if key not in self._rows:
            self._rows = {key: self._read_rows(request)}
        return self._rows[key]

    # --- across versions ---

    def _parallel(self, request: ChartRequest, rows: Sequence[VersionRow]) -> ChartReady:
        goal = self._goal(rows, request.metric)
        made = parallel(rows, request.metric, goal, request.width, request.height, colour=request.colour)
        return ChartReady(request, made.drawing.text, made.count, " · ".join(made.said))

    def _across(self, request: ChartRequest, rows: Sequence[VersionRow]) -> ChartReady:
        view = request.view
        field = view.x or telling_param(rows, request.metric) or "version"
        made = across(rows, metrics_of(request), field, view.smoothing)
        joined = view.form == "lines" and made.in_order
        shown = _window(made.plain, view.window, log=view.log_x)
        look = Look(
            colour=request.colour,
            axis=made.x.axis,
            names=made.x.names,
            joined=joined,
            log_x=view.log_x and made.x.axis is not Axis.NAME,
            log_y=view.log_y and not made.own_scales,
            shown=shown,
        )
        lines = [] if made.own_scales else self._levels(rows, metrics_of(request), rows)
        drawing = drawn(made.curves, request.width, request.height, look, lines)
        seen = [at for at in made.order if shown is None or shown[0] <= made.x.values[at] <= shown[1]]
        notes = [*_counted(rows, seen, field), *made.said, *_unlogged(made.plain, look)]
        notes += [self._best([rows[at] for at in seen], request.metric)]
        readable = _readable(drawing, look, _reads(made, rows, joined=joined), lines)
        return ChartReady(request, drawing.text, len(seen), _joined(notes), readable)

    def _levels(
        self, rows: Sequence[VersionRow], metrics: Sequence[str], holders: Sequence[VersionRow]
    ) -> list[Threshold]:
        found = {metric: levels(self._policy, rows, metric, holders) for metric in metrics}
        if len(metrics) == 1:
            return found[metrics[0]]
        return [structs.replace(one, label=f"{metric} {one.label}") for metric in metrics for one in found[metric]]

    def _goal(self, rows: Sequence[VersionRow], metric: str) -> Goal | None:
        row = next((row for row in rows if metric in row.metrics), None)
        return self._goals([row]).get(metric) if row else None

    def _best(self, rows: Sequence[VersionRow], metric: str) -> str:
        goal = self._goal(rows, metric)
        finite = [row for row in rows if -HUGE < float(row.metrics.get(metric, math.nan)) < HUGE]
        if not finite or goal is None:
            return ""
        best = (max if goal is Goal.MAX else min)(finite, key=lambda row: row.metrics[metric])
        way = "higher" if goal is Goal.MAX else "lower"
        return f"{way} is better: {best.name} {best.metrics[metric]:.5g}"

    # --- along training ---

    def _training(self, request: ChartRequest) -> ChartReady:
        view, metrics = request.view, metrics_of(request)
        series = self._all_series(request.rows, metrics)
        made = along(series, Clock(view.clock), view.smoothing)
        notes = self._lacks(request, len(series), made.without, made.untimed, view.clock)
        if not made.curves:
            return ChartReady(request, "", 0, _joined(notes))
        own = len(metrics) > 1 and apart(made.curves)
        shown = _window(made.curves, view.window, log=view.log_x)
        log_y = view.log_y and not own
        look = Look(colour=request.colour, axis=made.axis, log_x=view.log_x, log_y=log_y, shown=shown)
        curves = [scaled(curve) for curve in made.curves] if own else made.curves
        lines = [] if own else self._levels(request.rows, metrics, self._live(request.rows))
        drawing = drawn(curves, request.width, request.height, look, lines)
        longest = max(_inside(curve, shown) for curve in made.curves)
        notes = [_points(longest, view.clock), *notes, *_unlogged(made.curves, look)]
        notes += ["each curve on a scale of its own"] if own else []
        marks = shapes(len(made.curves))
        reads = tuple(
            Read(curve.label, mark, curve.steps, curve.values, raw.values if view.smoothing else ())
            for curve, raw, mark in zip(made.curves, made.raw, marks, strict=True)
        )
        return ChartReady(request, drawing.text, longest, _joined(notes), _readable(drawing, look, reads, lines))

    def _all_series(self, rows: Sequence[VersionRow], metrics: Sequence[str]) -> dict[str, Series]:
        pairs = [(row, metric) for metric in metrics for row in rows][:MOST]
        same_names = len({row.name for row in rows}) < len(rows)
        out: dict[str, Series] = {}
        for row, metric in pairs:
            key = (identity(row), metric)
            if key not in self._series:
                self._series[key] = self._read_series(row, metric)
            name = f"{row.model} {row.name}" if same_names else row.name
            label = f"{name} {metric}" if len(metrics) > 1 else name
            out[label if label not in out else f"{row.registry} {label}"] = self._series[key]
        return out

    def _live(self, rows: Sequence[VersionRow]) -> list[VersionRow]:
        models = {(row.registry, row.model): row for row in rows}
        return [row for one in list(models.values())[:MOST] if (row := self._holder(one))]

    def _lacks(
        self, request: ChartRequest, drawn_of: int, without: Sequence[str], untimed: Sequence[str], clock: str
    ) -> list[str]:
        wanted = len(request.rows) * len(metrics_of(request))
        notes = [f"the first {drawn_of} of {wanted} curves"] if wanted > drawn_of else []
        notes += [f"no curve was kept for {', '.join(without)}"] if without else []
        return notes + ([f"no times were kept for {', '.join(untimed)}: t shows steps"] if untimed else [])


def metrics_of(request: ChartRequest) -> tuple[str, ...]:
    """Return the metrics of a chart: the one under the cursor first."""
    return tuple(dict.fromkeys((request.metric, *request.view.pinned)))


def _reads(made: Across, rows: Sequence[VersionRow], *, joined: bool) -> tuple[Read, ...]:
    tips = [rows[at].name for at in made.order]
    marks = shapes(len(made.plain), joined=joined)
    return tuple(
        Read(plain.label, mark, plain.steps, plain.values, () if plain is raw else raw.values, tips)
        for plain, raw, mark in zip(made.plain, made.raw, marks, strict=True)
    )


def _readable(drawing: Drawing, look: Look, reads: tuple[Read, ...], lines: Sequence[Threshold]) -> Readable | None:
    if not drawing.cells:
        return None
    low, high = drawing.low, drawing.high
    levels = [(one.label, one.value) for one in lines]
    return Readable(drawing.left, drawing.cells, low, high, look.axis.value, reads, look.log_x, look.names, levels)


def _window(curves: Sequence[Curve], window: tuple[float, float], *, log: bool) -> tuple[float, float] | None:
    """Return the part of the x axis that is shown, from fractions of all of it; None for all."""
    if window == (0.0, 1.0):
        return None
    every = [curve.steps for curve in curves if curve.steps]
    if not every:
        return None
    low, high = min(steps[0] for steps in every), max(steps[-1] for steps in every)
    if log:
        low = min((step for steps in every for step in steps if step > 0), default=low)
    if log and 0 < low < high:
        return by_factors(low, high, window[0]), by_factors(low, high, window[1])
    return evenly(low, high, window[0]), evenly(low, high, window[1])


def _inside(curve: Curve, shown: tuple[float, float] | None) -> int:
    from bisect import bisect_left, bisect_right

    if shown is None:
        return len(curve.steps)
    return bisect_right(curve.steps, shown[1]) - bisect_left(curve.steps, shown[0])


def _counted(rows: Sequence[VersionRow], seen: Sequence[int], field: str) -> list[str]:
    count = f"{len(seen)} of {len(rows)}" if len(seen) < len(rows) else f"{len(rows)}"
    return [f"{count} versions by {'date' if field in ('version', 'created') else field}"]


def _unlogged(curves: Sequence[Curve], look: Look) -> list[str]:
    """Say how many values a logarithmic axis has no place for."""
    lost = sum(value <= 0 for curve in curves for value in curve.values) if look.log_y else 0
    before = sum(step <= 0 for curve in curves for step in curve.steps) if look.log_x else 0
    return [f"{lost + before} at or below 0 left out: log axis"] if lost + before else []


def _points(count: int, clock: str) -> str:
    by = {"step": "step", "time": "wall time, UTC", "relative": "time since the start"}[clock]
    return f"{count} points, by {by}" if count != 1 else "logged once, at its step: there is no curve"


def _joined(notes: Sequence[str]) -> str:
    return " · ".join(note for note in notes if note)
