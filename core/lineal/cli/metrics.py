"""`lineal metrics`: metrics across versions, or along the training of some, as a table or a chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import click

from lineal.cli import metrics_chart, output
from lineal.cli.context import Context, complete_version, format_option, pass_context
from lineal.cli.metrics_chart import Frame
from lineal.cli.output import Cell, Format
from lineal.cli.shapes import reference
from lineal.errors import ConfigError, NotFound
from lineal.model.listing import Sort, VersionRow
from lineal.model.values import Series
from lineal.workspace import Workspace

_CURVES = 6  # metrics in one chart where none is named

EPILOG = """\b
Examples:
  lineal metrics model:churn                          every metric of every version of churn
  lineal metrics model:churn --metric auc --chart     one metric across its versions
  lineal metrics model:churn --metric auc --chart --x lr --log x
  lineal metrics model:churn --metric auc --chart --parallel
  lineal metrics -v churn@v40 -v churn@v41 --steps --metric loss --chart --smooth 0.9 --x relative
"""
_CLOCKS = ("step", "time", "relative")


@click.command("metrics", epilog=EPILOG)
@click.argument("query", nargs=-1)
@click.option("-v", "--version", "versions", multiple=True, shell_complete=complete_version, help="A version by name.")
@click.option("--metric", "names", multiple=True, help="Only this metric; repeatable.")
@click.option("--steps", is_flag=True, help="Along training, of the named versions, instead of the last values.")
@click.option("--chart", is_flag=True, help="Draw it in the terminal.")
@click.option("--width", type=click.IntRange(20, 400), help="Columns of the chart; by default the terminal's.")
@click.option("--height", type=click.IntRange(6, 200), default=20, show_default=True, help="Lines of the chart.")
@click.option("--x", default="", help="What runs along x: time, a parameter, a metric; with --steps a clock.")
@click.option("--smooth", type=click.FloatRange(0, 1, max_open=True), default=0.0, help="As TensorBoard smooths.")
@click.option("--log", type=click.Choice(["x", "y", "xy"]), help="Axes that are logarithmic.")
@click.option("--parallel", is_flag=True, help="Draw parallel coordinates: parameters beside the metric.")
@format_option
@pass_context
def command(
    context: Context,
    /,
    query: Sequence[str],
    versions: Sequence[str],
    names: Sequence[str],
    steps: bool,
    chart: bool,
    form: Format,
    **drawn: Any,
) -> None:
    """Show the metrics of the versions that match QUERY, or of those named with -v."""
    frame = Frame(**{name: value for name, value in drawn.items() if value is not None})
    _check(frame, versions, steps=steps, chart=chart)
    with context.reading() as work:
        rows = _rows(work, query, versions)
        if steps:
            lines = _series(work, rows, names)
            metrics_chart.over_training(_labelled(lines), frame) if chart else _write_series(lines, form)
        elif chart:
            _draw(work, rows, _names(rows, names), frame)
        else:
            _write(work, rows, names, form)


def _check(frame: Frame, versions: Sequence[str], *, steps: bool, chart: bool) -> None:
    if steps and not versions:
        raise ConfigError("--steps needs versions", hint="as in `lineal metrics -v churn@v41 --steps`")
    if not chart and frame != Frame(width=frame.width, height=frame.height):
        raise ConfigError("--x, --smooth, --log and --parallel are about a chart", hint="add --chart")
    if steps and frame.x and frame.x not in _CLOCKS:
        raise ConfigError(f"with --steps --x is one of {', '.join(_CLOCKS)}", hint="without --steps it is a parameter")
    if frame.parallel and (steps or frame.x or frame.log or frame.smooth):
        raise ConfigError("--parallel takes no --steps, --x, --log or --smooth", hint="its axes are the parameters")


def _draw(work: Workspace, rows: Sequence[VersionRow], names: Sequence[str], frame: Frame) -> None:
    if frame.parallel:
        metrics_chart.in_parallel(work, rows, names[0], frame)
    else:
        metrics_chart.over_versions(work, rows, names[:_CURVES], frame)


def _rows(work: Workspace, query: Sequence[str], versions: Sequence[str]) -> list[VersionRow]:
    if versions:
        return [work.version(text) for text in versions]
    found = list(work.versions(" ".join(query), Sort("created", descending=False)))
    if not found:
        raise NotFound("no version matches", hint="`lineal ls` lists them; see its --help for queries")
    return found


def _names(rows: Sequence[VersionRow], names: Sequence[str]) -> list[str]:
    found = sorted({name for row in rows for name in row.metrics})
    missing = [name for name in names if name not in found]
    if missing:
        from difflib import get_close_matches

        close = get_close_matches(missing[0], found, 3)
        hint = f"did you mean {', '.join(close)}?" if close else f"there are: {', '.join(found[:20])}"
        raise NotFound(f"no version here has a metric {missing[0]!r}", hint=hint)
    return list(names) or found


def _write(work: Workspace, rows: Sequence[VersionRow], names: Sequence[str], form: Format) -> None:
    chosen = _names(rows, names)
    if form == Format.JSON:
        output.documents(
            {"reference": reference(row), "metrics": {name: row.metrics.get(name) for name in chosen}} for row in rows
        )
        return
    heads = ["version", *(_head(work, name) for name in chosen), "created"]
    output.table(form, heads, (_line(row, chosen) for row in rows))


def _head(work: Workspace, name: str) -> str:
    goal, _ = work.goals.of(name)
    return f"{name} {goal}" if goal else name


def _line(row: VersionRow, names: Sequence[str]) -> list[Cell]:
    return [reference(row), *(row.metrics.get(name) for name in names), output.moment(row.created_at)]


def _series(work: Workspace, rows: Sequence[VersionRow], names: Sequence[str]) -> list[tuple[VersionRow, Series]]:
    found = [(row, work.series(row, name)) for row in rows for name in _names(rows, names) if name in row.metrics]
    kept = [(row, series) for row, series in found if series.steps]
    if not kept:
        raise NotFound("no steps were kept for these versions", hint="without --steps the last values are shown")
    return kept


def _write_series(lines: Sequence[tuple[VersionRow, Series]], form: Format) -> None:
    if form == Format.JSON:
        output.documents({"reference": reference(row), "series": series} for row, series in lines)
        return
    output.table(form, ["version", "metric", "step", "value", "time"], _points(lines))


def _points(lines: Sequence[tuple[VersionRow, Series]]) -> Iterator[list[Cell]]:
    for row, series in lines:
        for step, value, at in zip(series.steps, series.values, series.times, strict=True):
            yield [reference(row), series.metric, step, value, output.moment(at or None)]


def _labelled(lines: Sequence[tuple[VersionRow, Series]]) -> dict[str, Series]:
    return {f"{row.name} {series.metric}": series for row, series in lines}
