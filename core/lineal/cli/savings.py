"""`lineal savings`: what the store would keep of what lies elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineal.cli import output, storing
from lineal.cli.context import Context, format_option, narrate, pass_context
from lineal.cli.output import Cell, Format
from lineal.config import Surroundings, place
from lineal.errors import NotFound
from lineal.store.effort import Effort

if TYPE_CHECKING:
    from lineal.intake.savings import Saving
    from lineal.workspace import Workspace


@click.command("savings")
@click.argument("place_or_registry", metavar="[PATH|REGISTRY]", required=False)
@click.option("--exact", is_flag=True, help="Measure every version, not a sample of two of each model.")
@click.option("--effort", type=click.Choice([one.value for one in Effort]), default=Effort.DEFAULT.value)
@format_option
@pass_context
def command(context: Context, place_or_registry: str | None, exact: bool, effort: str, form: Format) -> None:
    """Say what the store would keep of a DVC cache, git-lfs, mlruns/, the Hugging Face cache or checkpoints.

    Before anything is moved: versions are read and stored in a temporary folder, which is then thrown away. Without
    --exact two versions of each model are measured, and the rest reckoned from them.

    \b
    Examples:
      lineal savings                       everything in and around this folder
      lineal savings ~/runs --exact        one place
      lineal savings mlflow                one registry
    """
    from lineal.intake.savings import measure

    with _reading(context, place_or_registry) as work:
        name = place_or_registry if place_or_registry in {spec.name for spec in work.specs} else ""
        rows = list(work.versions(f'registry:"{name}"' if name else "-registry:store"))
        if not rows:
            raise NotFound("there is no version to measure", hint="name a folder that holds models, or a registry")
        with storing.Bar("measuring", 0) as bar:
            found = list(measure(work, rows, exact=exact, effort=Effort(effort), on_bytes=bar))
    if form == Format.JSON:
        output.documents(found)
    else:
        heads = ["model", "versions", "measured", "now", "equal files once", "equal tensors once", "stored", "share"]
        output.table(form, heads, [_line(one) for one in found])
    now, then = sum(one.now for one in found), sum(one.stored for one in found)
    narrate(f"{output.size(now)} now, {output.size(then)} in the store" + (f": {then / now:.0%}" if now else ""))
    if unreadable := sum(one.unreadable for one in found):
        narrate(f"{unreadable:,} versions whose bytes are not here are left out")


def _reading(context: Context, named: str | None) -> Workspace:
    """Open the workspace, or the one in a folder that is named; synced."""
    from lineal.workspace import open_workspace

    with context.open() as work:
        if named is None or named in {spec.name for spec in work.specs}:
            with context.reading() as same:
                known = same.around
            return open_workspace(around=known)
    folder = Path(place(named, context.around.cwd, context.around.home))
    if not folder.is_dir():
        raise NotFound(f"{named!r} is no folder and no registry", hint="`lineal registry ls` lists the registries")
    context.around = Surroundings(folder, context.around.home, context.around.environ, context.around.clock)
    with context.reading() as there:
        return open_workspace(around=there.around)


def _line(one: Saving) -> list[Cell]:
    sizes: list[Cell] = [output.size(each) for each in (one.now, one.files, one.tensors, one.stored)]
    return [one.model, one.versions, one.measured, *sizes, f"{one.stored / one.now:.1%}" if one.now else ""]
