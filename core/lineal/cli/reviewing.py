"""`lineal request`, `approve`, `reject`, `note`, `deployed`, `inbox`: what people say about versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from lineal.cli import acting, output
from lineal.cli.context import Context, complete_version, format_option, pass_context
from lineal.cli.output import Format


def _verb(name: str, what: str, doc: str) -> click.Command:
    """Make a verb that says one thing about a version and an alias."""

    def run(
        context: Context, version: str, alias: str, yes: bool, dry_run: bool, reason: str, override: str, form: str
    ) -> int:
        return acting.carry_out(
            context,
            lambda work, desk: desk.say(work.version(version), what, alias=alias, text=reason),
            yes=yes,
            dry_run=dry_run,
            form=form,
            override=override,
        )

    run.__doc__ = doc
    command: Callable[..., Any] = pass_context(run)
    command = acting.options(command)
    command = click.option("--for", "alias", required=True, metavar="ALIAS", help="The alias that it shall get.")(
        command
    )
    command = click.argument("version", shell_complete=complete_version)(command)
    return click.command(name)(command)


request = _verb("request", "requested", "Ask for a VERSION to get an alias: it stands in the inbox of Review.")
approve = _verb("approve", "approved", "Approve that a VERSION gets an alias. The policy says whose approval counts.")
reject = _verb("reject", "rejected", "Reject that a VERSION gets an alias; `lineal undo` withdraws it.")


@click.command("note")
@click.argument("version", shell_complete=complete_version)
@click.argument("text", default="")
@acting.options
@pass_context
def note(
    context: Context, version: str, text: str, yes: bool, dry_run: bool, reason: str, override: str, form: str
) -> int:
    """Write a note about a VERSION; `lineal undo` withdraws it.

    \b
    Example:
      lineal note churn@v42 "the holdout has duplicates" --yes
    """
    said = text or reason
    if not said.strip():
        raise click.UsageError("there is nothing in the note")
    return acting.carry_out(
        context,
        lambda work, desk: desk.say(work.version(version), "note", text=said),
        yes=yes,
        dry_run=dry_run,
        form=form,
        override=override,
    )


@click.command("deployed")
@click.argument("version", shell_complete=complete_version)
@click.option("--where", required=True, metavar="PLACE", help="Where it runs now: prod-eu, edge ...")
@acting.options
@pass_context
def deployed(
    context: Context, version: str, where: str, yes: bool, dry_run: bool, reason: str, override: str, form: str
) -> int:
    """Write down that a VERSION runs somewhere now: an alias is but an intention.

    \b
    Example:
      lineal deployed churn@v41 --where prod-eu --yes
    """
    return acting.carry_out(
        context,
        lambda work, desk: desk.say(work.version(version), "deployed", where=where, text=reason),
        yes=yes,
        dry_run=dry_run,
        form=form,
        override=override,
    )


@click.command("inbox")
@format_option
@pass_context
def inbox(context: Context, form: Format) -> None:
    """List what waits for a review."""
    with acting.at_desk(context) as (_, desk):
        found = desk.inbox()
    if form == Format.JSON:
        output.documents(found)
        return
    rows = [
        (
            one.subject.reference,
            one.alias,
            one.incumbent.name,
            one.asked_by,
            output.moment(one.asked_at),
            ", ".join(f"{said.what} by {said.by}" for said in one.approvals),
            one.text,
        )
        for one in found
    ]
    output.table(form, ["version", "for", "replaces", "asked by", "asked at", "said", "text"], rows)
