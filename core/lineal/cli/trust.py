"""`lineal trust`: allow what this repository brings to be run, for this content."""

from __future__ import annotations

import sys

import click

from lineal.cli import output
from lineal.cli.context import Context, narrate, pass_context
from lineal.errors import ConfigError
from lineal.model.text import visible


@click.command("trust")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--withdraw", is_flag=True, help="Allow nothing of this workspace any more.")
@pass_context
def command(context: Context, yes: bool, withdraw: bool) -> None:
    """Allow the commands of this workspace's policy to be run on this machine, for this very content.

    Checks and hooks with commands are not run before that, and not any more once a command or a file that it names has
    changed.
    """
    from lineal.actions import trust
    from lineal.actions.desk import Desk

    with context.open() as work:
        desk = Desk(work)
        kept = desk.trust()
        if withdraw:
            narrate("nothing of this workspace may be run now" if kept.withdraw() else "nothing was allowed")
            return
        if work.config.policy_error:
            raise ConfigError(f"the policy cannot be read: {work.config.policy_error}")
        commands = desk.commands()
        if not commands:
            narrate("the policy of this workspace brings nothing to be run")
            return
        for command in commands:
            output.write("  " + visible(" ".join(command)))
        for name in trust.named(commands, work.root):
            output.write(f"  as it is now: {visible(name)}")
        token = trust.digest(commands, work.root)
        if kept.holds(token):
            narrate("this is allowed already")
            return
        if not yes:
            if not sys.stdin.isatty():
                raise ConfigError("nobody is here to confirm it", hint="--yes allows it")
            sys.stderr.write("Allow this to be run here? [y/N] ")
            sys.stderr.flush()
            if sys.stdin.readline().strip().lower() not in ("y", "yes"):
                raise click.Abort
        kept.allow(token)
        narrate("allowed, until one of these changes")
