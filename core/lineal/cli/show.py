"""`lineal show`: everything that is known of one version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

import click

from lineal.cli import output
from lineal.cli.context import Context, complete_version, format_option, pass_context
from lineal.cli.output import Cell, Format
from lineal.cli.shapes import reference, whole_version
from lineal.model.listing import VersionRow
from lineal.model.text import visible_lines
from lineal.model.version import Dataset, Environment, File, Tensor, Version


@click.command("show")
@click.argument("version", shell_complete=complete_version)
@click.option("--tensors", is_flag=True, help="Read the headers of its tensors too (names, types, shapes).")
@format_option
@pass_context
def command(context: Context, version: str, tensors: bool, form: Format) -> None:
    """Show one VERSION: its parameters, metrics, environment, data, code, files and card.

    \b
    Examples:
      lineal show churn                 the newest version of churn
      lineal show mlflow:churn@champion what an alias of one registry points at
      lineal show churn@v7 --tensors --format json
    """
    with context.reading() as work:
        row = work.version(version)
        whole = work.whole(row)
        found = work.tensors(row) if tensors else None
        if form == Format.JSON:
            shape = whole_version(row, whole)
            output.document(shape if found is None else shape | {"tensors": found})
        elif form == Format.TABLE:
            for line in _page(row, whole, found):
                output.write(line)
        else:
            output.table(form, ["facet", "name", "value"], _flat(whole, found))


def _page(row: VersionRow, whole: Version, tensors: list[Tensor] | None) -> Iterator[str]:
    yield from output.indented(_head(row, whole))
    for facet, rows in groupby(_flat(whole, tensors), key=itemgetter(0)):
        yield f"\n{facet}"
        yield from output.indented(((str(name), _text(value)) for _, name, value in rows), 1)
    if whole.card:
        yield f"\ncard\n{visible_lines(whole.card)}"


def _text(value: Cell) -> str:
    return output.short(value) if isinstance(value, float) else str(value)


def _head(row: VersionRow, whole: Version) -> list[tuple[str, str]]:
    pairs = [
        ("version", reference(row)),
        ("id", whole.key),
        ("kind", f"{whole.kind}" if whole.state == "ready" else f"{whole.kind}, {whole.state}"),
        ("aliases", ", ".join(row.aliases)),
        ("created", output.moment(whole.created_at)),
        ("author", whole.author),
        ("message", whole.message.strip()),
        ("tags", ", ".join(f"{tag.key}={tag.value}" if tag.value else tag.key for tag in whole.tags)),
    ]
    if whole.run:
        pairs.append(("run", " ".join(filter(None, (whole.run.name, whole.run.id, whole.run.status)))))
    if whole.code:
        dirty = {True: "with uncommitted changes", False: "clean", None: ""}[whole.code.dirty]
        pairs.append(("code", " ".join(filter(None, (whole.code.repository, whole.code.commit, dirty)))))
    return [(name, value) for name, value in pairs if value]


def _flat(whole: Version, tensors: list[Tensor] | None) -> Iterator[Sequence[Cell]]:
    """Yield (facet, name, value) for everything that is a list."""
    for metric in whole.metrics:
        yield ["metrics", f"{metric.name} ({metric.dataset})" if metric.dataset else metric.name, metric.value]
    for param in whole.params:
        value = param.value
        yield ["params", param.name, value if isinstance(value, Cell) else output.json_text(value)]
    if whole.environment:
        yield from (["environment", name, value] for name, value in _environment(whole.environment))
    for dataset in whole.datasets:
        yield ["data", dataset.name, _dataset(dataset)]
    for file in whole.files:
        yield ["files", file.path, _file(file)]
    for tensor in tensors or ():
        yield ["tensors", tensor.name, f"{tensor.dtype} [{', '.join(map(str, tensor.shape))}]"]


def _environment(found: Environment) -> Iterator[tuple[str, str]]:
    for name in ("python", "os", "cuda", "cudnn", "driver", "cpu", "image"):
        if value := getattr(found, name):
            yield name, str(value)
    for gpu in found.gpus:
        yield "gpu", gpu
    if found.memory:
        yield "memory", output.size(found.memory)
    for package in found.packages:
        yield package.name, package.version
    for variable in found.variables:
        yield variable.key, variable.value


def _dataset(dataset: Dataset) -> str:
    rows = f"{dataset.rows} rows" if dataset.rows is not None else ""
    return "  ".join(filter(None, (dataset.role, dataset.digest, output.size(dataset.size), rows, dataset.source)))


def _file(file: File) -> str:
    digest = f"{file.digest.algorithm}:{file.digest.hex}" if file.digest else ""
    stored = f"-> {output.size(file.stored)}" if file.stored is not None else ""
    return "  ".join(filter(None, (output.size(file.size), stored, file.place.value, digest)))
