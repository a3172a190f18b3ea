"""`lineal check`: the policy's verdict on a version, as CI asks for it."""

from __future__ import annotations

from pathlib import Path

import click

from lineal.cli import acting, output
from lineal.cli.context import Context, complete_version, narrate, pass_context
from lineal.errors import ConfigError

FORMATS = ("table", "json", "junit", "md", "github")


@click.command("check")
@click.argument("version", shell_complete=complete_version)
@click.option("--for", "alias", required=True, metavar="ALIAS", help="The alias that it shall get.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="table", show_default=True, help="How to write it."
)
@click.option(
    "--policy-from", "ref", metavar="REF", default="", help="Take the policy from this git ref (a base branch)."
)
@click.option("--no-run", is_flag=True, help="Run no commands and read no bytes.")
@pass_context
def command(context: Context, version: str, alias: str, form: str, ref: str, no_run: bool) -> int:
    """Judge a VERSION by the policy for an alias: the same verdict as on the screen. Exit code 1 if a check fails.

    On a pull request the policy comes from its base branch: GITHUB_BASE_REF, CI_MERGE_REQUEST_TARGET_BRANCH_NAME and
    CHANGE_TARGET name it by themselves.

    \b
    Examples:
      lineal check churn@v42 --for prod
      lineal check churn@latest --for staging --format github --policy-from origin/main
    """
    from lineal.actions.basis import based
    from lineal.actions.desk import Desk
    from lineal.cli import checks_formats

    with context.reading() as work:
        basis = based(work, ref)
        if basis.ref:
            narrate(f"note: the policy is that of {basis.ref}")
        if work.config.policy_error:
            raise ConfigError(f"the policy cannot be read: {work.config.policy_error}", hint="`lineal policy explain`")
        desk = Desk(work, basis)
        try:
            plan = desk.check(work.version(version), alias, run=not no_run, on_step=narrate)
        finally:
            desk.close()
        if form == "table":
            acting.show(plan, form)
        else:
            output.write(checks_formats.render(plan, checks_formats.Form(form)))
        summary = context.around.environ.get("GITHUB_STEP_SUMMARY", "")
        if form == "github" and summary:
            checks_formats.add_summary(plan, Path(summary))
        failed = [one for one in plan.checks if not one.passed]
        if form == "table":
            narrate(f"{len(failed)} of {len(plan.checks)} checks failed" if failed else "all checks passed")
        return 1 if failed else 0
