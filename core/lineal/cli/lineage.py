"""`lineal lineage`: what a version came from, what came from it, and how two are related."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from lineal import lineage
from lineal.cli import output
from lineal.cli.context import Context, complete_version, format_option, narrate, pass_context
from lineal.cli.output import Cell, Format
from lineal.cli.shapes import related
from lineal.errors import ConfigError, NotFound
from lineal.model import lanes
from lineal.model.lineage import Common, Impact, Link, Member, Path, Tree
from lineal.model.outline import FOLD, Line, outline, rails
from lineal.model.records import NodeKind
from lineal.model.text import visible
from lineal.workspace import reference_of

_EDGE = ["child", "how", "parent", "known", "from"]

EPILOG = """\b
Each line names how it came from the line above it and how well that is known:
  proved (equal bytes), declared (somebody wrote it down), inferred (a guess).
\b
Examples:
  lineal lineage churn@v41
  lineal lineage churn@v41 --up 1 --down 0
  lineal lineage churn@v41 --graph                 lanes, newest first
  lineal lineage churn@v41 --to hf:org/base        the path between two
  lineal lineage churn@v41 --common churn@v38      where they part
  lineal lineage hub:org/base --impact             what was made from it, and what of that is live
"""


@click.command("lineage", epilog=EPILOG)
@click.argument("version", shell_complete=complete_version)
@click.option("--up", type=click.IntRange(0), default=50, show_default=True, help="Generations of ancestors.")
@click.option("--down", type=click.IntRange(0), default=50, show_default=True, help="Generations of descendants.")
@click.option("--limit", type=click.IntRange(1), default=2000, show_default=True, help="At most so many nodes.")
@click.option("--to", "target", metavar="VERSION", shell_complete=complete_version, help="The path to another version.")
@click.option("--common", "other", metavar="VERSION", shell_complete=complete_version, help="What both come from.")
@click.option(
    "--impact", is_flag=True, help="What was made from it: how many versions, of which models, which are live."
)
@click.option("--unfold", is_flag=True, help="Show long chains in full.")
@click.option("--graph", is_flag=True, help="Lanes as in `git log --graph`, newest first.")
@format_option
@pass_context
def command(
    context: Context,
    version: str,
    up: int,
    down: int,
    limit: int,
    target: str | None,
    other: str | None,
    impact: bool,
    unfold: bool,
    graph: bool,
    form: Format,
) -> None:
    """Show the ancestors and descendants of VERSION across registries, with data sets and code."""
    if sum(map(bool, (target, other, impact))) > 1:
        raise ConfigError("--to, --common and --impact ask different questions", hint="use one at a time")
    with context.reading() as work:
        node = lineage.node_of(work.version(version))
        if target:
            _path(lineage.path(work.index, node, lineage.node_of(work.version(target)), limit=limit), form)
        elif other:
            _common(lineage.common(work.index, node, lineage.node_of(work.version(other)), limit=limit), form)
        elif impact:
            _impact(lineage.impact(work.index, node, limit=limit), form)
        elif graph and form == Format.TABLE:
            _graph(lineage.tree(work.index, node, up=up, down=down, limit=limit), unfold=unfold)
        else:
            _tree(lineage.tree(work.index, node, up=up, down=down, limit=limit), form, unfold=unfold)


def _tree(tree: Tree, form: Format, *, unfold: bool) -> None:
    if form == Format.JSON:
        output.document(related(tree))
    elif form == Format.TABLE:
        for line in _lines(tree, unfold=unfold):
            output.write(line)
        if tree.cut:
            output.write("… there is more: raise --limit, --up or --down")
    else:
        output.table(form, _EDGE, (_edge(tree.members, link) for link in tree.links))


def _graph(tree: Tree, *, unfold: bool) -> None:
    for knot in lanes.graph(tree, fold=0 if unfold else FOLD, inputs=range(len(tree.members))):
        output.write(f"{knot.art} {_knot(tree, knot)}")
    if tree.cut:
        output.write("… there is more: raise --limit, --up or --down")


def _knot(tree: Tree, knot: lanes.Knot) -> str:
    if knot.folded:
        return f"… {knot.folded} versions folded …"
    named = visible(_named(tree.members[knot.member]))
    if knot.link is None:
        return named
    how = f"{knot.link.kind} ({knot.link.confidence})"
    other = "of" if knot.link.parent == knot.member else "from"
    end = tree.members[knot.link.child if other == "of" else knot.link.parent]
    return f"{named}  {how} {other} {visible(end.version.name if end.version else end.node.key[:12])}"


def _lines(tree: Tree, *, unfold: bool) -> Iterator[str]:
    lines = outline(tree, fold=0 if unfold else FOLD)
    for line, rail in zip(lines, rails(lines), strict=True):
        yield (rail + _line(tree, line)).rstrip()


def _line(tree: Tree, line: Line) -> str:
    if line.folded:
        return f"… {line.folded} versions folded …"
    how = f"{line.link.kind} ({line.link.confidence}) ── " if line.link else ""
    again = "  (shown above)" if line.again else ""
    here = "  ◂" if line.member == tree.start else ""
    return how + visible(_named(tree.members[line.member])) + here + again


def _named(member: Member) -> str:
    row, node = member.version, member.node
    if row is not None:
        aliases = f"  [{', '.join(row.aliases)}]" if row.aliases else ""
        return f"{reference_of(row)}{aliases}"
    kinds = {NodeKind.DATASET: "data", NodeKind.CODE: "code", NodeKind.MODEL: "model", NodeKind.VERSION: "version"}
    key = node.key[:12] if node.kind in (NodeKind.DATASET, NodeKind.CODE) else node.key
    away = "" if node.kind in (NodeKind.DATASET, NodeKind.CODE) else "  (not in any registry here)"
    return " ".join(filter(None, (kinds[node.kind], node.name, key))) + away


def _edge(members: tuple[Member, ...], link: Link) -> list[Cell]:
    child, parent = _named(members[link.child]), _named(members[link.parent])
    return [child, link.kind.value, parent, link.confidence.value, link.detail]


def _path(path: Path, form: Format) -> None:
    if form == Format.JSON:
        output.document(related(path))
        return
    if not path.members:
        raise NotFound("there is no path between the two", hint="raise --limit" if path.cut else "")
    if form != Format.TABLE:
        output.table(form, _EDGE, (_edge(path.members, link) for link in path.links))
        return
    output.write(visible(_named(path.members[0])))
    for at, link in enumerate(path.links):
        arrow = "came from" if link.child == at else "became"
        output.write(f"  {arrow} ({link.kind}, {link.confidence}) {visible(_named(path.members[at + 1]))}")


def _common(common: Common, form: Format) -> None:
    if form == Format.JSON:
        output.document(related(common))
        return
    shared = [*common.ancestors, *common.inputs]
    if not shared:
        raise NotFound("the two have nothing in common", hint="raise --limit" if common.cut else "")
    heads = ["common", "generations up", "from the other"]
    output.table(form, heads, ([_named(one.member), one.left, one.right] for one in shared))


def _impact(found: Impact, form: Format) -> None:
    if form == Format.JSON:
        output.document(related(found))
        return
    live = _aliased([found.tree.members[at] for at in found.live])
    heads = ["registry", "model", "versions", "live"]
    rows: list[list[Cell]] = [
        [one.registry, one.model, one.versions, live.get((one.registry, one.model), "")] for one in found.models
    ]
    output.table(form, heads, rows)
    if found.tree.cut:
        narrate("there is more: raise --limit")


def _aliased(members: Sequence[Member]) -> dict[tuple[str, str], str]:
    """Return the live versions of each model, with the aliases that make them so."""
    said: dict[tuple[str, str], list[str]] = {}
    for member in members:
        if member.version is not None:
            one = f"{member.version.name} [{', '.join(member.version.aliases)}]"
            said.setdefault((member.node.registry, member.node.name), []).append(one)
    return {model: ", ".join(names) for model, names in said.items()}
