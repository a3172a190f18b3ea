"""`lineal import`: versions of other registries into the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lineal.cli import output, storing
from lineal.cli.context import Context, format_option, narrate, pass_context
from lineal.cli.output import Format
from lineal.errors import Error, NotFound
from lineal.model.listing import Sort, VersionRow
from lineal.model.reference import canonical
from lineal.store.effort import Effort

if TYPE_CHECKING:
    from lineal.registries.native.shelf import Made
    from lineal.workspace import Workspace


@click.command("import")
@click.argument("what", metavar="VERSION|FILTER")
@click.option("--model", "name", default="", metavar="NAME", help="Call the model so, not as its registry does.")
@click.option(
    "--effort", type=click.Choice([effort.value for effort in Effort]), help="How hard to try to make it small."
)
@storing.store_option
@format_option
@pass_context
def command(context: Context, what: str, name: str, effort: str | None, store: str | None, form: Format) -> None:
    """Copy one VERSION, or all that match a FILTER, from other registries into the store, oldest first.

    Bytes come from a DVC cache or remote, MLflow artifacts, the Hugging Face cache, a checkpoint folder, or from git
    (blobs, and git-lfs objects that are at hand). They are checked against the registry's own hashes; parameters,
    metrics, environment, data and lineage come along. The registries stay as they are.

    \b
    Examples:
      lineal import mlflow:churn@champion
      lineal import 'registry:dvc model:churn' --model churn
    """
    from lineal.intake.importing import bring
    from lineal.workspace import reference_of

    with context.reading() as work:
        rows = [row for row in _rows(work, what) if work.registry(row.registry).spec.kind != "native"]
    failed = 0
    made = []
    with storing.opened(context, store, create=True) as (work, shelf):
        for row in rows:
            try:
                done = bring(work, shelf, row, name=name, effort=Effort(effort or work.config.effort))
            except Error as error:
                if len(rows) == 1:
                    raise
                failed += 1
                narrate(f"{reference_of(row)}: {error.message}" + (f" ({error.hint})" if error.hint else ""))
                continue
            made.append((row, done))
            share = f"{output.size(done.written.stored)} of {output.size(done.written.read)}"
            narrate(f"{reference_of(row)} -> {canonical('', done.model, f'v{done.number}')}: {share}")
    _report(made, form)
    if failed:
        narrate(f"{failed:,} of {len(rows):,} could not be imported")
        click.get_current_context().exit(6)


def _rows(work: Workspace, what: str) -> list[VersionRow]:
    """Return the one version that a reference names, else those that a filter matches."""
    try:
        return [work.version(what)]
    except Error:
        rows = list(work.versions(what, Sort("created", descending=False)))
    if not rows:
        raise NotFound(f"nothing matches {what!r}", hint="`lineal ls` takes the same filter")
    return rows


def _report(made: list[tuple[VersionRow, Made]], form: Format) -> None:
    from lineal.workspace import reference_of

    items = [
        {
            "from": reference_of(row),
            "reference": canonical("", done.model, f"v{done.number}"),
            "id": done.id,
            "new": done.fresh,
            "bytes": done.written.read,
            "stored": done.written.stored,
        }
        for row, done in made
    ]
    if form == Format.JSON:
        output.documents(items)
    else:
        heads = ["from", "reference", "id", "new", "bytes", "stored"]
        output.table(form, heads, ([str(one[head]) for head in heads] for one in items))
