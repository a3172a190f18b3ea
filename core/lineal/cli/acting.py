"""What the verbs that change something share: plan, preview, ask, carry out, and say what became of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lineal.cli import output, plans
from lineal.cli.context import Context, narrate
from lineal.cli.output import Format
from lineal.errors import Blocked, ConfigError, Error
from lineal.model.text import visible

if TYPE_CHECKING:
    from lineal.actions.desk import Desk
    from lineal.model.plan import Done, Plan
    from lineal.workspace import Workspace

Command = TypeVar("Command", bound=Callable[..., Any])


def options(command: Command) -> Command:
    """Add what every action takes."""
    for option in (
        click.option(
            "--format", "form", type=click.Choice(["table", "json"]), default="table", help="How to write it."
        ),
        click.option("--override", metavar="REASON", default="", help="Go past the policy; the reason is recorded."),
        click.option("-m", "--reason", default="", help="Why: it is recorded."),
        click.option("--dry-run", is_flag=True, help="Show the plan and change nothing."),
        click.option("-y", "--yes", is_flag=True, help="Do not ask."),
    ):
        command = option(command)
    return command


@contextmanager
def at_desk(context: Context) -> Iterator[tuple[Workspace, Desk]]:
    """Open the workspace, freshly synced, and its desk."""
    from lineal.actions.desk import Desk

    with context.reading() as work:
        desk = Desk(work)
        try:
            yield work, desk
        finally:
            desk.close()


def carry_out(
    context: Context,
    make: Callable[[Workspace, Desk], Plan],
    *,
    yes: bool,
    dry_run: bool,
    form: str,
    override: str = "",
) -> int:
    """Plan an action, show it, ask, and carry it out. Returns the exit code."""
    with at_desk(context) as (work, desk):
        if not dry_run:
            desk.guard()
        plan = make(work, desk)
        if dry_run:
            show(plan, form)
            return Blocked.exit_code if plan.blocked and not override and plan.action in _HELD_UP else 0
        if not yes:
            _confirm(plan)
        narrator = narrate if sys.stderr.isatty() else _quiet
        try:
            done = desk.execute(plan, override=override, on_step=narrator)
        except Blocked as error:
            for line in plans.checks(error.checks):
                sys.stderr.write(line + "\n")
            raise
        return told(work, done, form)


_HELD_UP = frozenset({"promote", "alias", "rollback", "tag", "register"})


def show(plan: Plan, form: str) -> None:
    """Write a plan."""
    if form == Format.JSON:
        output.document(plan)
        return
    for line in plans.lines(plan):
        output.write(line)


def _confirm(plan: Plan) -> None:
    """Show a plan and ask. Raises ConfigError where nobody can answer, and Abort for a no."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigError("nobody is here to confirm it", hint="--yes carries it out, --dry-run shows the plan")
    for line in plans.lines(plan):
        sys.stderr.write(line + "\n")
    sys.stderr.write("Carry this out? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise click.Abort


def _quiet(_: str) -> None:
    """Say nothing: the narration is for people who wait."""


def _refresh(work: Workspace, done: Done) -> None:
    """Bring the index up to date with what was changed."""
    from lineal.cli.sync import freshen

    known = {spec.name for spec in work.specs}
    names = dict.fromkeys(step.change.registry for step in done.plan.steps)
    try:
        freshen(work, [name for name in names if name in known])
    except Error as error:
        narrate(f"note: it is done, but the index is old: {error.message}")


def told(work: Workspace, done: Done, form: str) -> int:
    """Say what became of an action, and return the exit code."""
    _refresh(work, done)
    from lineal.model.plan import State

    if form == Format.JSON:
        output.document(done)
    elif done.state is State.APPLIED:
        output.write(f"done: {visible(done.plan.title)}")
        for receipt in done.receipts:
            output.write(f"  {visible(receipt)}")
        undo = f"lineal undo {done.plan.id[:12]}"
        output.write(f"  take it back with: {undo}")
    for told in done.hooks:
        narrate(f"hook: {told}")
    if done.state is not State.APPLIED:
        narrate(f"{done.plan.title}: {done.state}: {done.error}")
        narrate("hint: `lineal resume` tries to end it, `lineal log` shows what was done")
        return 5
    return 0
