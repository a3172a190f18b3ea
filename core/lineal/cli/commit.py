"""`lineal commit`: a model or data set into the store."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineal.cli import output, storing
from lineal.cli.context import Context, format_option, narrate, pass_context
from lineal.cli.output import Format
from lineal.config import place
from lineal.errors import ConfigError
from lineal.model.plain import finite
from lineal.model.reference import canonical
from lineal.model.values import Metric, Param, Tag, Value
from lineal.store.effort import Effort

if TYPE_CHECKING:
    from lineal.registries.native.shelf import Made, Shelf
    from lineal.store.manifest import Parent
    from lineal.workspace import Workspace


@click.command("commit")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("--model", metavar="NAME", help="What the model is called.")
@click.option("--dataset", metavar="NAME", help="What the data set is called.")
@click.option("--parent", "parents", metavar="VERSION", multiple=True, help="What it was made from; any registry's.")
@click.option("--param", "params", metavar="K=V", multiple=True, help="A parameter; numbers and JSON are read as such.")
@click.option("--metric", "metrics", metavar="K=V", multiple=True, help="A metric; may be added later too.")
@click.option("--tag", "tags", metavar="K=V", multiple=True, help="A tag; may be added later too.")
@click.option("-m", "--message", default="", help="What there is to say about it.")
@click.option(
    "--effort",
    type=click.Choice([effort.value for effort in Effort]),
    help="How hard to try to make it small; by default what `[store]` says.",
)
@storing.store_option
@format_option
@pass_context
def command(
    context: Context,
    paths: tuple[str, ...],
    model: str | None,
    dataset: str | None,
    parents: tuple[str, ...],
    params: tuple[str, ...],
    metrics: tuple[str, ...],
    tags: tuple[str, ...],
    message: str,
    effort: str | None,
    store: str | None,
    form: Format,
) -> None:
    """Put files into the store as a version of a model, or of a data set.

    A folder alone is taken with what is in it; several paths each under their own names. The version gets an id that is
    the hash of what is in it, and a number: v1, v2, ... The same content is the same version and is not stored again.

    \b
    Examples:
      lineal commit model.safetensors --model churn -m "first"
      lineal commit out/ --model churn --parent churn --metric auc=0.91 --param lr=3e-4
      lineal commit rows.parquet --dataset rows
    """
    if bool(model) == bool(dataset):
        raise ConfigError("say --model NAME or --dataset NAME", hint="lineal commit out/ --model churn")
    from lineal.registries.native import trees
    from lineal.registries.native.shelf import Said

    with storing.opened(context, store, create=True) as (work, shelf):
        tree = trees.read([Path(place(path, work.around.cwd, work.around.home)) for path in paths])
        said = Said(
            parents=tuple(_parent(work, shelf, reference) for reference in parents),
            params=tuple(Param(key, _value(text)) for key, text in storing.pairs("param", params).items()),
            metrics=tuple(Metric(key, _number(key, text)) for key, text in storing.pairs("metric", metrics).items()),
            tags=tuple(Tag(key, value) for key, value in storing.pairs("tag", tags).items()),
            message=message,
        )
        with storing.Bar("committing", tree.size) as bar:
            made = shelf.commit(
                tree,
                said,
                kind="model" if model else "dataset",
                name=model or dataset or "",
                effort=Effort(effort or work.config.effort),
                on_bytes=bar,
            )
    _report(made, form)


def _parent(work: Workspace, shelf: Shelf, reference: str) -> Parent:
    """Return a parent: a version of this store, else of any registry in the index."""
    from lineal.errors import NotFound
    from lineal.store.manifest import Parent

    try:
        found = shelf.resolve(reference)
        return Parent(kind="trained_from", id=found.id, model=found.event.model)
    except NotFound:
        row = work.version(reference)
    return Parent(kind="trained_from", registry=row.registry, model=row.model, key=row.key)


def _value(text: str) -> Value:
    try:
        found: Value = json.loads(text)
    except ValueError:
        return text
    return found if finite(found) == found else text


def _number(key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ConfigError(f"--metric {key}={text} is no number") from error


def _report(made: Made, form: Format) -> None:
    written = made.written
    if form == Format.JSON:
        output.document(
            {
                "reference": canonical("", made.model, f"v{made.number}"),
                "id": made.id,
                "number": made.number,
                "new": made.fresh,
                "bytes": written.read,
                "fresh": written.fresh,
                "stored": written.stored,
                "blocks": written.blocks,
            }
        )
        return
    output.write(canonical("", made.model, f"v{made.number}"))
    if not made.fresh:
        narrate(f"{made.model}@v{made.number} holds the same content already")
    share = f", {written.stored / written.read:.1%} of {output.size(written.read)}" if written.read else ""
    narrate(f"id {made.id[:12]}; wrote {output.size(written.stored)}{share}")
