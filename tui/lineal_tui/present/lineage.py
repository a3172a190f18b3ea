"""A lineage as a tree of lines: the main line of ancestors, the oldest first, then the version, then what came of it.

What else went into a version (data, code, further parents) hangs below it with `◂`. Long stretches without branches,
aliases or a change of kind are folded into one line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from lineal.model.lineage import Link, Member, Tree
from lineal.model.listing import VersionRow
from lineal.model.records import Confidence, EdgeKind, NodeKind
from lineal.model.values import Goal
from lineal_tui.present import text
from lineal_tui.present.ink import Line, Span, Tone, fit, spread

_CHAIN = 5  # a stretch this long is folded
_NEAR = 2  # this near the start nothing is folded
_INPUTS = (EdgeKind.TRAINED_ON, EdgeKind.BUILT_FROM)
_RANK = {
    kind: i
    for i, kind in enumerate(
        (
            EdgeKind.FINETUNED,
            EdgeKind.TRAINED_FROM,
            EdgeKind.RESUMED,
            EdgeKind.MERGED,
            EdgeKind.ADAPTER,
            EdgeKind.QUANTIZED,
            EdgeKind.DISTILLED,
            EdgeKind.COPIED,
            EdgeKind.TRAINED_ON,
            EdgeKind.BUILT_FROM,
        )
    )
}
_SURE = {
    Confidence.PROVED: ("proved", Tone.BETTER),
    Confidence.DECLARED: ("declared", Tone.DIM),
    Confidence.INFERRED: ("inferred?", Tone.WARN),
}
_DEEPEST = 14


class Twig(NamedTuple):
    """One line: a member under its edge, or a folded stretch, whose first member names it."""

    member: int
    art: str
    link: Link | None
    folded: int = 0
    inwards: bool = False  # the member is a parent of the line above
    again: bool = False  # it stands elsewhere too


class _Graph:
    """The links of a tree by their ends, without those to members that are not there."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.up: dict[int, list[Link]] = {}
        self.down: dict[int, list[Link]] = {}
        for link in tree.links:
            self.up.setdefault(link.child, []).append(link)
            self.down.setdefault(link.parent, []).append(link)
        for links in self.up.values():
            links.sort(key=lambda link: _RANK[link.kind])

    def spine(self) -> list[tuple[int, Link | None]]:
        """The main line from the oldest ancestor to the start, each with the link from the one before."""
        line: list[tuple[int, Link | None]] = []
        at, seen = self.tree.start, {self.tree.start}
        while True:
            link = next((e for e in self.up.get(at, ()) if e.kind not in _INPUTS and e.parent not in seen), None)
            line.append((at, link))
            if link is None:
                return line[::-1]
            at = link.parent
            seen.add(at)

    def plain(self, member: int) -> bool:
        """Say whether nothing about a member asks for a line of its own."""
        version = self.tree.members[member].version
        lone = len(self.down.get(member, ())) <= 1 and len(self.up.get(member, ())) <= 1
        return lone and not (version and version.aliases)


def twigs(tree: Tree, unfolded: Collection[int]) -> list[Twig]:
    """Return the visible lines. `unfolded` holds the first members of stretches that are shown in full."""
    if not tree.members:
        return []
    graph = _Graph(tree)
    spine = graph.spine()
    seen = {member for member, _ in spine}
    out: list[Twig] = []
    depth = 0
    for stretch in _stretches(graph, spine, unfolded):
        member, link = stretch[0]
        art = "   " * max(0, min(depth, _DEEPEST) - 1) + ("└─ " if depth else "")
        out.append(Twig(member, art, link, folded=len(stretch) if len(stretch) > 1 else 0))
        depth += 1
        if len(stretch) == 1:
            under = "   " * min(depth, _DEEPEST)
            out += _inputs(graph, member, link, under, seen)
    out += _below(graph, tree.start, "   " * (min(depth, _DEEPEST) - 1), seen, unfolded)
    return out


def _stretches(
    graph: _Graph, spine: list[tuple[int, Link | None]], unfolded: Collection[int]
) -> Iterator[list[tuple[int, Link | None]]]:
    run: list[tuple[int, Link | None]] = []
    last = len(spine) - 1
    for i, (member, link) in enumerate(spine):
        before = run[-1][1] if run else None
        same = not run or (link is not None and before is not None and link.kind is before.kind)
        if 0 < i < last - _NEAR and graph.plain(member) and same:
            run.append((member, link))
            continue
        yield from _flush(run, unfolded)
        run = []
        yield [(member, link)]


def _flush(run: list[tuple[int, Link | None]], unfolded: Collection[int]) -> Iterator[list[tuple[int, Link | None]]]:
    if len(run) >= _CHAIN and run[0][0] not in unfolded:
        yield run
    else:
        yield from ([one] for one in run)


def _inputs(graph: _Graph, member: int, main: Link | None, art: str, seen: set[int]) -> list[Twig]:
    """What else went into a member, and what went into that."""
    out: list[Twig] = []
    for link in graph.up.get(member, ()):
        if link is main:
            continue
        again = link.parent in seen
        out.append(Twig(link.parent, art + "◂─ ", link, inwards=True, again=again))
        if not again:
            seen.add(link.parent)
            out += _inputs(graph, link.parent, None, (art + "   ")[: 3 * _DEEPEST], seen)
    return out


def _below(graph: _Graph, start: int, art: str, seen: set[int], unfolded: Collection[int]) -> list[Twig]:
    """What came of a member, depth first, without recursion: a chain may be thousands long."""
    out: list[Twig] = []
    stack = _children(graph, start, art)
    while stack:
        member, link, own, under = stack.pop()
        if member in seen:
            out.append(Twig(member, own, link, again=True))
            continue
        chain = _chain(graph, member, seen) if member not in unfolded else [member]
        if len(chain) >= _CHAIN:
            seen.update(chain)
            out.append(Twig(member, own, link, folded=len(chain)))
            stack += _children(graph, chain[-1], under)
            continue
        seen.add(member)
        out.append(Twig(member, own, link))
        out += _inputs(graph, member, link, under + "   ", seen)
        stack += _children(graph, member, under)
    return out


def _children(graph: _Graph, member: int, art: str) -> list[tuple[int, Link, str, str]]:
    """The children of a member with the art before them and below them, the last first: a stack."""
    links = [link for link in graph.down.get(member, ()) if link.child != member]
    deep = len(art) >= 3 * _DEEPEST
    out = []
    for i, link in enumerate(links):
        last = i == len(links) - 1
        under = art if deep else art + ("   " if last else "│  ")
        out.append((link.child, link, art + ("└─ " if last else "├─ "), under))
    return out[::-1]


def _chain(graph: _Graph, member: int, seen: set[int]) -> list[int]:
    """The stretch from a member down in which each has one child and nothing to say."""
    chain, walked = [member], {*seen, member}
    links = graph.down.get(member, ())
    while graph.plain(chain[-1]) and len(links) == 1:
        below = links[0].child
        if below in walked or not graph.plain(below):
            break
        chain.append(below)
        walked.add(below)
        links = graph.down.get(below, ())
    return chain


# --- lines ----------------------------------------------------------------------------------------------------------


def line(tree: Tree, twig: Twig, goals: Mapping[str, Goal], cells: int) -> Line:
    """Return one line: edge, name, aliases, what changed, where it is, and how sure the edge is."""
    edge = _edge(twig)
    if twig.folded:
        return (Span(twig.art, Tone.DIM), *edge, Span(f"… {text.plural(twig.folded, 'version')} folded …", Tone.ACCENT))
    member = tree.members[twig.member]
    here = twig.member == tree.start
    left = (Span(twig.art, Tone.DIM), *edge, *_name(tree, twig, member, here=here), *_changes(tree, twig, goals))
    right = _right(member, twig)
    return spread(left, right, cells)


def _edge(twig: Twig) -> Line:
    if twig.link is None:
        return ()
    said = twig.link.kind.value.replace("_", " ")
    return (Span(said + (" " if twig.inwards else " ─ "), Tone.DIM),)


def _name(tree: Tree, twig: Twig, member: Member, *, here: bool) -> Line:
    node, version = member.node, member.version
    parent = tree.members[twig.link.parent] if twig.link and not twig.inwards else None
    model = "" if parent and (parent.node.registry, parent.node.name) == (node.registry, node.name) else node.name + " "
    name = version.name if version else node.key[:12]
    if node.kind is NodeKind.CODE:
        model, name = node.name.rstrip("/").rpartition("/")[2] + " ", node.key[:10]
    tone = Tone.STRONG if here else Tone.PLAIN if version else Tone.DIM
    out = [Span(text.safe(model + name, 80).rstrip(), tone)]
    if version and version.aliases:
        out.append(Span("  " + text.safe(" ".join(version.aliases), 40), Tone.ALIAS))
    if here:
        out.append(Span(" ◂", Tone.ACCENT))
    if twig.again:
        out.append(Span("  (shown elsewhere)", Tone.DIM))
    return tuple(out)


def _right(member: Member, twig: Twig) -> Line:
    where = member.node.registry or {NodeKind.DATASET: "data", NodeKind.CODE: "code"}.get(member.node.kind, "not here")
    out = [Span(fit(text.safe(where, 16), 16), Tone.DIM)]
    sure = _SURE[twig.link.confidence] if twig.link else ("", Tone.DIM)
    out.append(Span(fit(sure[0], 9), sure[1]))
    out.append(Span("…" if member.more else " ", Tone.DIM))
    return tuple(out)


def _changes(tree: Tree, twig: Twig, goals: Mapping[str, Goal]) -> Line:
    """The first metric and the first two parameters in which a version differs from its parent."""
    if twig.link is None or twig.inwards:
        return ()
    child, parent = tree.members[twig.link.child].version, tree.members[twig.link.parent].version
    if child is None or parent is None:
        return ()
    return (*_metric(child, parent, goals), *_params(child, parent))


def _metric(child: VersionRow, parent: VersionRow, goals: Mapping[str, Goal]) -> Line:
    for name, goal in goals.items():
        if name in child.metrics and name in parent.metrics and goal:
            delta = child.metrics[name] - parent.metrics[name]
            if not delta:
                continue
            better = (delta > 0) == (goal is Goal.MAX)
            short = text.safe(name.rpartition("/")[2], 16)
            return (
                Span(
                    f"   {'▲' if better else '▼'} {short} {text.signed(delta)}", Tone.BETTER if better else Tone.WORSE
                ),
            )
    return ()


def _params(child: VersionRow, parent: VersionRow) -> Line:
    changed = [
        f"{name.rpartition('.')[2]} {text.value(value, 16)}"
        for name, value in child.params.items()
        if name in parent.params and parent.params[name] != value
    ]
    said = " · ".join(text.safe(part, 40) for part in changed[:2])
    return (Span(f"   {said}", Tone.DIM),) if said else ()


def regression(tree: Tree, twig: Twig, goals: Mapping[str, Goal]) -> bool:
    """Say whether the version of a line is worse than its parent in the first metric that both have."""
    return any(span.tone is Tone.WORSE for span in _changes(tree, twig, goals))
