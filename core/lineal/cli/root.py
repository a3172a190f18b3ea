"""The `lineal` command itself: global options, and which file holds which verb."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import cast

import click

from lineal import __version__
from lineal.cli import CheckKeys, OpenTui, Serve
from lineal.cli.context import Context

VERBS = {
    "sync": "lineal.cli.sync",
    "ls": "lineal.cli.ls",
    "show": "lineal.cli.show",
    "diff": "lineal.cli.diff",
    "lineage": "lineal.cli.lineage",
    "metrics": "lineal.cli.metrics",
    "registry": "lineal.cli.registry",
    "commit": "lineal.cli.commit",
    "get": "lineal.cli.get",
    "cat": "lineal.cli.cat",
    "import": "lineal.cli.importing",
    "promote": "lineal.cli.promote:promote",
    "rollback": "lineal.cli.promote:rollback",
    "undo": "lineal.cli.promote:undo",
    "who": "lineal.cli.who:who",
    "log": "lineal.cli.who:log",
    "inbox": "lineal.cli.reviewing:inbox",
    "request": "lineal.cli.reviewing:request",
    "approve": "lineal.cli.reviewing:approve",
    "reject": "lineal.cli.reviewing:reject",
    "note": "lineal.cli.reviewing:note",
    "deployed": "lineal.cli.reviewing:deployed",
    "check": "lineal.cli.check",
    "report": "lineal.cli.report",
    "alias": "lineal.cli.promote:alias",
    "tag": "lineal.cli.tagging:tag",
    "register": "lineal.cli.tagging:register",
    "restore": "lineal.cli.tagging:restore",
    "resume": "lineal.cli.promote:resume",
    "policy": "lineal.cli.policy",
    "trust": "lineal.cli.trust",
    "audit": "lineal.cli.audit",
    "savings": "lineal.cli.savings",
    "remote": "lineal.cli.remote",
    "push": "lineal.cli.exchange:push",
    "pull": "lineal.cli.exchange:pull",
    "fetch": "lineal.cli.exchange:fetch",
    "clone": "lineal.cli.exchange:clone",
    "retire": "lineal.cli.retire",
    "export": "lineal.cli.export",
    "verify": "lineal.cli.care:verify",
    "repair": "lineal.cli.care:repair",
    "gc": "lineal.cli.care:gc",
    "repack": "lineal.cli.care:repack",
    "stats": "lineal.cli.care:stats",
    "ci": "lineal.cli.ci",
    "doctor": "lineal.cli.doctor",
    "serve": "lineal.cli.serve",
    "demo": "lineal.cli.demo",
    "completion": "lineal.cli.completion",
}

EPILOG = """\b
Start here:
  lineal demo                       build a workspace of real registries and open it
  lineal                            open what is in and around this folder
  lineal ls 'metric.auc>=0.9'       the same list as text (also --format json|csv|md)
  lineal diff churn@prod churn@v41  what changed, and is it better
  lineal promote churn@v42 --to prod move prod, through the policy; lineal rollback churn --alias prod goes back
  lineal commit out/ --model churn  keep a model: immutable, and the same bytes never twice
\b
A version is named [registry:]model[@selector]; a selector is a version (v7, 1.2.0), an alias (prod),
the first six or more characters of an id, or latest; prod~1 is what prod pointed at before.
\b
Exit codes: 0 done, 1 a difference or failed check, 2 usage, 3 refused by policy, 4 not found, 5 conflict,
  6 a registry could not be reached, 7 corrupt data, 8 index locked or disk full, 70 a bug, 130 interrupted.
"""


class LazyGroup(click.Group):
    """A group that imports a verb's file when the verb is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the verbs in the order in which a newcomer needs them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the file of one verb."""
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name].partition(":")
        return cast(click.Command, getattr(import_module(module), name or "command"))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the verb that was probably meant."""
        from difflib import get_close_matches

        name = args[0] if args else ""
        if name and name not in VERBS and not name.startswith("-"):
            close = get_close_matches(name, VERBS, 1)
            ctx.fail(f"No such command {name!r}." + (f" Did you mean {close[0]!r}?" if close else ""))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb; a reader of its output that went away is no failure, which click would make of it."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise click.exceptions.Exit(0) from None


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option("-C", "--workspace", metavar="DIR", help="Work as if started in DIR.")
@click.option("--index", metavar="FILE|URL", help="Use this SQLite file or postgresql:// index, else LINEAL_INDEX.")
@click.option("--no-sync", is_flag=True, help="Read the index as it is, without a look at changed local registries.")
@click.option("--plain", is_flag=True, help="Open the application as lines of text with prompts: for screen readers.")
@click.option("--fresh", is_flag=True, help="Open the application without what the last session left.")
@click.version_option(__version__, message="lineal %(version)s")
@click.pass_context
def lineal(
    ctx: click.Context, workspace: str | None, index: str | None, no_sync: bool, plain: bool, fresh: bool
) -> None:
    """Every model version you have, in one terminal.

    Without a command, opens the terminal application on the models in and around this folder.
    """
    context: Context = ctx.obj
    context.folder, context.index, context.no_sync = workspace, index or "", no_sync
    context.plain = plain
    context.begin(fresh=fresh)
    if ctx.invoked_subcommand is None:
        ctx.exit(context.open_application())


def run(
    words: Sequence[str],
    open_tui: OpenTui | None,
    open_plain: OpenTui | None = None,
    serve: Serve | None = None,
    check_keys: CheckKeys | None = None,
) -> int:
    """Run the command line on `words` and return the exit code that the verb chose."""
    from lineal.cli import errors, output

    output.prepare()
    try:
        context = Context(open_tui, open_plain, serve, check_keys)
        result = lineal.main(list(words), prog_name="lineal", standalone_mode=False, obj=context)
    except click.exceptions.Exit as e:
        return e.exit_code
    except click.ClickException as e:
        errors.explain_usage(e)
        return e.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    return result if isinstance(result, int) else 0
