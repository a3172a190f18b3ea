"""`lineal tag`, `register`, `restore`: what else of a version can be changed in its registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lineal.cli import acting, storing
from lineal.cli.context import Context, complete_version, pass_context

if TYPE_CHECKING:
    from lineal.actions.desk import Desk
    from lineal.model.plan import Plan
    from lineal.workspace import Workspace


@click.command("tag")
@click.argument("version", shell_complete=complete_version)
@click.argument("tags", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--remove", "removes", multiple=True, metavar="KEY", help="Take a tag away.")
@acting.options
@pass_context
def tag(
    context: Context,
    version: str,
    tags: tuple[str, ...],
    removes: tuple[str, ...],
    yes: bool,
    dry_run: bool,
    reason: str,
    override: str,
    form: str,
) -> int:
    """Set tags of a VERSION, or take them away.

    \b
    Examples:
      lineal tag churn@v42 owner=mira risk=low
      lineal tag churn@v42 --remove risk
    """
    sets = storing.pairs("tag", tags)
    return acting.carry_out(
        context,
        lambda work, desk: desk.tag(work.version(version), sets, removes, reason=reason),
        yes=yes,
        dry_run=dry_run,
        form=form,
        override=override,
    )


@click.command("register")
@click.argument("version", shell_complete=complete_version)
@click.option(
    "--as", "model", default="", metavar="MODEL", help="The model it becomes a version of; its own by default."
)
@click.option("--name", default="", metavar="VERSION", help="The version's name, where the registry lets one choose.")
@acting.options
@pass_context
def register(
    context: Context,
    version: str,
    model: str,
    name: str,
    yes: bool,
    dry_run: bool,
    reason: str,
    override: str,
    form: str,
) -> int:
    """Give a commit or a run (a VERSION that is none yet) a version of a model: a GTO tag, an MLflow model version.

    \b
    Examples:
      lineal register risk-models:fraud@a1b2c3d4 --name v2.4.0
      lineal register mlflow:fraud-run@id:9f2c41ab --as fraud-scorer
    """

    def plan(work: Workspace, desk: Desk) -> Plan:
        row = work.version(version)
        return desk.register(row, model or row.model, name, reason=reason)

    return acting.carry_out(context, plan, yes=yes, dry_run=dry_run, form=form, override=override)


@click.command("restore")
@click.argument("version", shell_complete=complete_version)
@click.option("--branch", required=True, help="The branch that gets the commit.")
@acting.options
@pass_context
def restore(
    context: Context, version: str, branch: str, yes: bool, dry_run: bool, reason: str, override: str, form: str
) -> int:
    """Commit the `.dvc` file or `dvc.lock` of a VERSION on a branch as it was then, without checking anything out.

    \b
    Example:
      lineal restore risk-models:fraud@v2.1.0 --branch back-to-2.1
    """
    return acting.carry_out(
        context,
        lambda work, desk: desk.restore(work.version(version), branch, reason=reason),
        yes=yes,
        dry_run=dry_run,
        form=form,
        override=override,
    )
