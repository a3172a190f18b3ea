"""`lineal ls`: versions, filtered and sorted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import click

from lineal.cli import output
from lineal.cli.context import Context, format_option, pass_context
from lineal.cli.output import Cell, Format
from lineal.cli.shapes import version_item
from lineal.errors import ConfigError
from lineal.model.listing import ModelRow, Sort, VersionRow
from lineal.workspace import Workspace

_METRICS = 3  # so many metrics are shown where no column is asked for

EPILOG = """\b
Queries (the same as in the filter box of the application):
  churn                                 versions in which a word begins so
  model:churn alias:prod                fields; * and ? are wildcards
  metric.auc>=0.9 param.lr<1e-3         comparisons; metric.auc:0.8..0.9 is a range
  created:<7d -tag:debug                younger than seven days; - negates
  env.torch>=2.1 | (id:ab12cd has:env.cuda)  | means or; brackets group
\b
Examples:
  lineal ls model:churn --sort metric.auc
  lineal ls 'created:<7d' --columns metric.auc,param.lr,env.torch
  lineal ls --format json | jq -r '.[].reference'
"""


@click.command("ls", epilog=EPILOG)
@click.argument("query", nargs=-1)
@click.option("--sort", metavar="FIELD", help="Sort by a field, as in metric.auc; -FIELD for ascending order.")
@click.option("--columns", metavar="FIELD,...", help="Columns: metric.X, param.X, tag.X, or a field such as author.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Stop after N versions.")
@click.option("--models", is_flag=True, help="List models with their number of versions instead.")
@format_option
@pass_context
def command(
    context: Context,
    query: Sequence[str],
    sort: str | None,
    columns: str | None,
    limit: int | None,
    models: bool,
    form: Format,
) -> None:
    """List the versions that match QUERY, newest first."""
    with context.reading() as work:
        text = " ".join(query)
        if models:
            _models(work.index.models(text), form)
            return
        rows = islice(work.versions(text, _sort(sort)), limit)
        if form == Format.JSON:
            output.documents(version_item(row) for row in rows)
        else:
            _table(work, rows, columns, form)


def _sort(text: str | None) -> Sort | None:
    if text is None:
        return None
    return Sort(text.removeprefix("-"), descending=not text.startswith("-"))


def _models(rows: list[ModelRow], form: Format) -> None:
    if form == Format.JSON:
        output.documents(rows)
        return
    heads = ["registry", "model", "versions", "newest"]
    output.table(form, heads, ([row.registry, row.model, row.versions, output.moment(row.newest_at)] for row in rows))


def _table(work: Workspace, rows: Iterator[VersionRow], columns: str | None, form: Format) -> None:
    first = list(islice(rows, 200))
    chosen = columns.split(",") if columns else _columns(first)
    heads = ["registry", "model", "version", "aliases", *(name.removeprefix("metric.") for name in chosen)]
    heads += ["author", "created"]

    def line(row: VersionRow) -> list[Cell]:
        cells: list[Cell] = [row.registry, row.model, row.name, ",".join(row.aliases)]
        cells += [_cell(work, row, name) for name in chosen]
        return [*cells, row.author, output.moment(row.created_at)]

    output.table(form, heads, (line(row) for group in (first, rows) for row in group))


def _columns(rows: list[VersionRow]) -> list[str]:
    """Choose the metrics that most of the first versions have."""
    counts: dict[str, int] = {}
    for row in rows:
        for name in row.metrics:
            counts[name] = counts.get(name, 0) + 1
    return [f"metric.{name}" for name in sorted(counts, key=lambda name: (-counts[name], name))[:_METRICS]]


def _cell(work: Workspace, row: VersionRow, field: str) -> Cell:
    kind, dot, name = field.partition(".")
    if dot and kind == "metric":
        return row.metrics.get(name)
    if dot and kind == "param":
        value = row.params.get(name)
        return value if isinstance(value, Cell) else output.json_text(value)
    if dot and kind == "tag":
        return row.tags.get(name)
    if dot and kind == "env":
        return _environment(work, row, name)
    return _plain(row, field)


def _plain(row: VersionRow, field: str) -> Cell:
    fields: dict[str, Cell] = {
        "id": row.key,
        "kind": row.kind,
        "state": row.state,
        "number": row.number,
        "message": row.message.partition("\n")[0],
        "author": row.author,
        "created": output.moment(row.created_at),
    }
    if field not in fields:
        raise ConfigError(f"{field!r} is no column", hint=f"metric.X, param.X, tag.X, env.X, {', '.join(fields)}")
    return fields[field]


def _environment(work: Workspace, row: VersionRow, name: str) -> Cell:
    found = work.whole(row).environment
    if found is None:
        return None
    if name in ("python", "os", "cuda", "cudnn", "driver", "cpu", "image"):
        return str(getattr(found, name))
    if name == "gpu":
        return ", ".join(found.gpus)
    return next((package.version for package in found.packages if package.name == name), None)
