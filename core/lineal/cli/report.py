"""`lineal report`: the evidence of a review as a bundle of files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lineal.cli import acting, output, storing
from lineal.cli.context import Context, complete_version, narrate, pass_context

if TYPE_CHECKING:
    from lineal.actions.desk import Desk
    from lineal.model.listing import VersionRow
    from lineal.model.plan import Plan


@click.command("report")
@click.argument("version", shell_complete=complete_version)
@click.option("--for", "alias", required=True, metavar="ALIAS", help="The alias that it shall get.")
@click.option("-o", "--output", "folder", metavar="DIR", default=None, help="Where; MODEL-VERSION-ALIAS by default.")
@click.option("--attach", is_flag=True, help="Keep the Markdown in the ledger too, with the version.")
@click.option("--no-run", is_flag=True, help="Run no commands and read no bytes.")
@pass_context
def command(context: Context, version: str, alias: str, folder: str | None, attach: bool, no_run: bool) -> int:
    """Write the evidence for a VERSION and an alias: report.md, report.json, junit.xml, report.svg and their hashes.

    \b
    Example:
      lineal report churn@v42 --for prod -o evidence/
    """
    with acting.at_desk(context) as (work, desk):
        row = work.version(version)
        plan = desk.check(row, alias, run=not no_run, on_step=narrate)
        name = f"{row.model}-{row.name}-{alias}".replace("/", "-").replace("\0", "")
        place = storing.destination(context, folder, name)
        for path in bundle(desk, row, plan, place):
            output.write(str(path))
        if attach:
            _attach(desk, row, plan)
        return 0


def bundle(desk: Desk, row: VersionRow, plan: Plan, folder: Path, picture: str = "") -> list[Path]:
    """Write the bundle; `picture` is an SVG of the screen, drawn from the text where none is given."""
    from lineal.actions import report
    from lineal.cli import checks_formats as formats

    files = {
        "report.md": formats.render(plan, formats.Form.MD) + "\n" + _hashes(desk, row),
        "report.json": formats.render(plan, formats.Form.JSON) + "\n",
        "junit.xml": formats.render(plan, formats.Form.JUNIT) + "\n",
        "report.svg": picture or _picture(plan),
    }
    return report.write(folder, files)


def _hashes(desk: Desk, row: VersionRow) -> str:
    """Return the hashes of the version's files as a table."""
    from lineal.actions import contents
    from lineal.cli.output import markdown

    found = desk.recorded(row) or contents.hashes(desk.work.whole(row), desk.work.registry(row.registry))
    lines = ["", "| file | hash |", "| --- | --- |"]
    lines += [f"| {markdown(one.path)} | {one.algorithm}:{one.hex or 'not to be had'} |" for one in found]
    return "\n".join([*lines, "", f"Content: `{contents.content(found) or 'no hashes'}`", ""])


def _picture(plan: Plan) -> str:
    """Draw a plan as it stands in a terminal."""
    import io

    from rich.console import Console
    from rich.text import Text

    from lineal.cli import plans

    console = Console(record=True, width=110, file=io.StringIO(), force_terminal=True)
    for line in plans.lines(plan):
        console.print(Text(line), soft_wrap=False)
    return console.export_svg(title="lineal check")


def _attach(desk: Desk, row: VersionRow, plan: Plan) -> None:
    from lineal.cli import checks_formats as formats

    said = desk.say(row, "evidence", alias=plan.alias, text=formats.render(plan, formats.Form.MD))
    done = desk.execute(said)
    narrate(f"attached to {row.model} {row.name}: {done.receipts[0]}")
