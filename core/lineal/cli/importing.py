"""`lineal import`: versions of other registries into the store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineal.cli import output, storing
from lineal.cli.context import Context, format_option, narrate, pass_context
from lineal.cli.output import Format
from lineal.config import place
from lineal.errors import Error, NotFound, Unavailable
from lineal.model.listing import Sort, VersionRow
from lineal.model.reference import canonical
from lineal.store.effort import Effort

if TYPE_CHECKING:
    from lineal.registries.native.shelf import Made
    from lineal.workspace import Workspace


@click.command("import")
@click.argument("what", metavar="VERSION|FILTER|PATH")
@click.option("--model", "name", default="", metavar="NAME", help="Call the model so, not as its registry does.")
@click.option("--git", "repository", metavar="REPO", help="Take PATH of this git repository, at every commit.")
@click.option("--rev", "revision", default="", help="With --git: only up to this branch, tag or commit.")
@click.option(
    "--effort", type=click.Choice([effort.value for effort in Effort]), help="How hard to try to make it small."
)
@storing.store_option
@format_option
@pass_context
def command(
    context: Context,
    what: str,
    name: str,
    repository: str | None,
    revision: str,
    effort: str | None,
    store: str | None,
    form: Format,
) -> None:
    """Copy one VERSION, or all that match a FILTER, from other registries into the store, oldest first.

    Bytes come from a DVC cache or remote, MLflow artifacts, the Hugging Face cache, a checkpoint folder, or from git
    (blobs, and git-lfs objects that are at hand). They are checked against the registry's own hashes; parameters,
    metrics, environment, data and lineage come along. The registries stay as they are.

    \b
    Examples:
      lineal import mlflow:churn@champion
      lineal import 'registry:dvc model:churn' --model churn
      lineal import models/churn.pt --git . --model churn    every version that git itself holds
    """
    if repository is not None:
        _from_git(context, repository, what, name, revision, effort, store, form)
        return
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
    _write([(reference_of(row), done) for row, done in made], form)
    if failed:
        narrate(f"{failed:,} of {len(rows):,} could not be imported")
        click.get_current_context().exit(6)


def _from_git(
    context: Context,
    repository: str,
    path: str,
    name: str,
    revision: str,
    effort: str | None,
    store: str | None,
    form: Format,
) -> None:
    """Copy a file or folder out of git, as each commit has it."""
    from lineal.intake.githistory import Commit, bring

    made: list[tuple[str, Made]] = []
    missing: list[Commit] = []

    def keep(commit: Commit, done: Made) -> None:
        made.append((f"{path}@{commit.id[:10]}", done))
        share = f"{output.size(done.written.stored)} of {output.size(done.written.read)}"
        narrate(f"{commit.id[:10]} {commit.subject[:40]} -> {canonical('', done.model, f'v{done.number}')}: {share}")

    def miss(commit: Commit, error: Unavailable) -> None:
        missing.append(commit)
        narrate(f"{commit.id[:10]}: {error.message} ({error.hint})")

    with storing.opened(context, store, create=True) as (work, shelf):
        bring(
            shelf,
            Path(place(repository, work.around.cwd, work.around.home)),
            path,
            name=name or Path(path).stem,
            revision=revision,
            effort=Effort(effort or work.config.effort),
            on_made=keep,
            on_missing=miss,
        )
    _write(made, form)
    if missing:
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


def _write(made: list[tuple[str, Made]], form: Format) -> None:
    items = [
        {
            "from": origin,
            "reference": canonical("", done.model, f"v{done.number}"),
            "id": done.id,
            "new": done.fresh,
            "bytes": done.written.read,
            "stored": done.written.stored,
        }
        for origin, done in made
    ]
    if form == Format.JSON:
        output.documents(items)
    else:
        heads = ["from", "reference", "id", "new", "bytes", "stored"]
        output.table(form, heads, ([str(one[head]) for head in heads] for one in items))
