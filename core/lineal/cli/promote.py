"""`lineal promote`, `alias`, `rollback`, `undo` and `resume`: aliases move, through the policy, and go back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lineal.cli import acting
from lineal.cli.context import Context, complete_version, narrate, pass_context

if TYPE_CHECKING:
    from lineal.actions.desk import Desk
    from lineal.model.plan import Plan
    from lineal.workspace import Workspace


@click.command("promote")
@click.argument("version", shell_complete=complete_version)
@click.option("--to", "alias", required=True, metavar="ALIAS", help="The alias that it gets.")
@acting.options
@pass_context
def promote(
    context: Context, version: str, alias: str, yes: bool, dry_run: bool, reason: str, override: str, form: str
) -> int:
    """Move an alias to a VERSION, through the gates of the policy that stand before it.

    \b
    Examples:
      lineal promote churn@v42 --to prod --dry-run     what would be done, and may it be
      lineal promote churn@staging --to prod --yes -m "better on the holdout"
    """
    return acting.carry_out(
        context,
        lambda work, desk: desk.promote(work.version(version), alias, reason=reason),
        yes=yes,
        dry_run=dry_run,
        form=form,
        override=override,
    )


@click.command("alias")
@click.argument("version", shell_complete=complete_version)
@click.argument("alias")
@click.option("--remove", is_flag=True, help="Take the alias away.")
@acting.options
@pass_context
def alias(
    context: Context,
    version: str,
    alias: str,
    remove: bool,
    yes: bool,
    dry_run: bool,
    reason: str,
    override: str,
    form: str,
) -> int:
    """Set an ALIAS of a VERSION, or take it away. Gates that stand before it count as for `promote`.

    \b
    Examples:
      lineal alias churn@v42 candidate
      lineal alias churn@candidate candidate --remove
    """
    return acting.carry_out(
        context,
        lambda work, desk: desk.move(work.version(version), alias, remove=remove, reason=reason),
        yes=yes,
        dry_run=dry_run,
        form=form,
        override=override,
    )


@click.command("rollback")
@click.argument("model")
@click.option("--alias", required=True, help="The alias that goes back.")
@click.option("--to", metavar="VERSION", default="", help="To this version, not to the one before.")
@acting.options
@pass_context
def rollback(
    context: Context, model: str, alias: str, to: str, yes: bool, dry_run: bool, reason: str, override: str, form: str
) -> int:
    """Move an alias of a MODEL back to the version that it held before. Its bytes are compared with those promoted.

    \b
    Examples:
      lineal rollback churn --alias prod --yes -m "latency"
      lineal rollback mlflow:churn --alias prod --to v39
    """

    def plan(work: Workspace, desk: Desk) -> Plan:
        row = work.version(model)
        target = None
        if to:
            target = work.version(to if "@" in to else f"{model.rpartition('@')[0] or model}@{to}")
        return desk.rollback(row.registry, row.model, alias, to=target, reason=reason)

    return acting.carry_out(context, plan, yes=yes, dry_run=dry_run, form=form, override=override)


@click.command("undo")
@click.argument("event", default="")
@acting.options
@pass_context
def undo(context: Context, event: str, yes: bool, dry_run: bool, reason: str, override: str, form: str) -> int:
    """Undo an action, by the beginning of its id: your own last one, where none is named. Undoing that does it again.

    \b
    Examples:
      lineal undo --dry-run
      lineal undo 3f9a01c2 --yes
    """
    return acting.carry_out(
        context, lambda _, desk: desk.undo(event, reason=reason), yes=yes, dry_run=dry_run, form=form, override=override
    )


@click.command("resume")
@click.argument("action", default="")
@pass_context
def resume(context: Context, action: str) -> int:
    """End actions whose process died or that could not be ended: go on where that is possible, else take them back."""
    with acting.at_desk(context) as (work, desk):
        done = desk.resume(action, narrate)
        if not done:
            narrate("no action is open")
        return max((acting.told(work, one, "table") for one in done), default=0)
