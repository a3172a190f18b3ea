"""`lineal retire`: a version that is not to be used any more."""

from __future__ import annotations

import click

from lineal.cli import storing
from lineal.cli.context import Context, narrate, pass_context


@click.command("retire")
@click.argument("version")
@click.option("-m", "--reason", default="", help="Why.")
@click.option("--undo", is_flag=True, help="Let it count again; as long as `lineal gc` has not taken its bytes.")
@storing.store_option
@pass_context
def command(context: Context, version: str, reason: str, undo: bool, store: str | None) -> None:
    """Mark a VERSION of the store as not to be used. Its bytes stay until `lineal gc`, and 14 days at least.

    \b
    Examples:
      lineal retire churn@v2 -m "trained on leaked rows"
      lineal retire churn@v2 --undo
    """
    with storing.opened(context, store, writes=True) as (_, shelf):
        found = shelf.resolve(version)
        changed = shelf.restore(found, reason) if undo else shelf.retire(found, reason)
        state = "counts again" if undo else "is retired"
        narrate(f"{found.event.model}@{found.name} {state}" + ("" if changed else " already"))
