"""A lineage as lines: a tree with the oldest ancestors first, or a graph with the newest first, as `git log --graph`.

Both are laid out as `lineal lineage` does. What went into a version (data, code) is shown below the version that the
lineage is of, and below others once they are unfolded. Long stretches in which nothing is of interest are folded into
one line.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from lineal.model import lanes, outline
from lineal.model.lineage import Link, Member, Tree
from lineal.model.listing import VersionRow
from lineal.model.records import Confidence, NodeKind
from lineal.model.values import Goal
from lineal_tui.present import text
from lineal_tui.present.ink import Line, Span, Tone, cut, fit, spread, width
from lineal_tui.present.telling import telling

_SURE = {
    Confidence.PROVED: ("proved", Tone.BETTER),
    Confidence.DECLARED: ("declared", Tone.DIM),
    Confidence.INFERRED: ("inferred?", Tone.WARN),
}
_LEAST = 10  # cells below which no parameter is begun
_INPUTS = (NodeKind.DATASET, NodeKind.CODE)


class Twig(NamedTuple):
    """One line: a member under its edge, or a folded stretch, whose first member names it."""

    member: int
    art: str
    link: Link | None
    folded: int = 0
    inwards: bool = False  # the member is data or code of the line above
    again: bool = False  # it stands elsewhere too


class Twigs(Protocol):
    """The visible lines of a lineage; each is made when it is looked at, for a window shows few of ten thousand."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def __getitem__(self, at: int) -> Twig:
        """Return one line."""
        ...

    def find(self, member: int) -> int | None:
        """Return the line of a member."""
        ...


class Branches:
    """A lineage as a tree."""

    def __init__(self, tree: Tree, unfolded: Collection[int] = ()) -> None:
        self._tree = tree
        opened = {*unfolded, tree.start}
        lines = outline.outline(tree, unfolded=unfolded) if tree.members else ()
        self._lines = [line for line in lines if _shown(tree, line, opened)]
        self._rails = outline.rails(self._lines)

    def __len__(self) -> int:
        """Return how many lines there are."""
        return len(self._lines)

    def __getitem__(self, at: int) -> Twig:
        """Return one line."""
        line = self._lines[at]
        return Twig(line.member, self._rails[at], line.link, line.folded, _inwards(self._tree, line), line.again)

    def find(self, member: int) -> int | None:
        """Return the line of a member."""
        return next((i for i, line in enumerate(self._lines) if line.member == member and not line.again), None)


class Lanes:
    """A lineage as a graph with lanes."""

    def __init__(self, tree: Tree, unfolded: Collection[int] = ()) -> None:
        self._tree = tree
        self._knots = lanes.graph(tree, unfolded=unfolded, inputs={*unfolded, tree.start}) if tree.members else []

    def __len__(self) -> int:
        """Return how many lines there are."""
        return len(self._knots)

    def __getitem__(self, at: int) -> Twig:
        """Return one line."""
        knot = self._knots[at]
        inwards = knot.member != self._tree.start and self._tree.members[knot.member].node.kind in _INPUTS
        return Twig(knot.member, knot.art + " ", knot.link, knot.folded, inwards)

    def find(self, member: int) -> int | None:
        """Return the line of a member."""
        return next((i for i, knot in enumerate(self._knots) if knot.member == member), None)


def _shown(tree: Tree, line: outline.Line, opened: Collection[int]) -> bool:
    return not _inwards(tree, line) or line.link is None or line.link.child in opened


def _inwards(tree: Tree, line: outline.Line) -> bool:
    return line.link is not None and tree.members[line.member].node.kind in _INPUTS


# --- lines ----------------------------------------------------------------------------------------------------------


def line(tree: Tree, twig: Twig, goals: Mapping[str, Goal], cells: int) -> Line:
    """Return one line: edge, name, aliases, what changed, where it is, and how sure the edge is."""
    most = cells // 2  # a deep chain leaves room for its names
    art = Span(twig.art if len(twig.art) <= most else "⋯ " + twig.art[2 - most :], Tone.DIM)
    if twig.folded:
        return (art, Span(f"… {text.plural(twig.folded, 'version')} folded, → shows them", Tone.ACCENT))
    member = tree.members[twig.member]
    here = twig.member == tree.start
    right, metric = _right(member, twig), _metric(tree, twig, goals)
    name = (art, *_edge(twig), *_name(tree, twig, member, here=here))
    name = cut(name, max(width((art,)) + 12, cells - 1 - width(right) - width(metric)))  # better or worse is said whole
    rest = cells - 1 - width(right) - width(name) - width(metric)
    params = cut(_params(tree, twig), rest) if rest >= _LEAST else ()
    return spread((*name, *metric, *params), right, cells)


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
    if here:
        out.append(Span(" ◂", Tone.ACCENT))
    if version and version.aliases:
        out.append(Span("  " + text.safe(" ".join(version.aliases), 40), Tone.ALIAS))
    if twig.again:
        out.append(Span("  (elsewhere)", Tone.DIM))
    return tuple(out)


def _right(member: Member, twig: Twig) -> Line:
    where = member.node.registry or {NodeKind.DATASET: "data", NodeKind.CODE: "code"}.get(member.node.kind, "not here")
    out = [Span(" " + fit(text.safe(where, 11), 11) + " ", Tone.DIM)]
    sure = _SURE[twig.link.confidence] if twig.link else ("", Tone.DIM)
    out.append(Span(fit(sure[0], 9), sure[1]))
    out.append(Span("…" if member.more else " ", Tone.DIM))
    return tuple(out)


def _pair(tree: Tree, twig: Twig) -> tuple[VersionRow, VersionRow] | None:
    """Return the version of a line and the one that it was made from, where both are known."""
    if twig.link is None or twig.inwards or twig.again:
        return None
    child, parent = tree.members[twig.link.child].version, tree.members[twig.link.parent].version
    return (child, parent) if child and parent else None


def _metric(tree: Tree, twig: Twig, goals: Mapping[str, Goal]) -> Line:
    """Say how the most telling metric that both have has changed."""
    if (pair := _pair(tree, twig)) is None:
        return ()
    child, parent = (row.metrics for row in pair)
    for name in sorted(goals.keys() & child.keys() & parent.keys(), key=lambda name: (telling(name), name)):
        if delta := child[name] - parent[name]:
            better = (delta > 0) == (goals[name] is Goal.MAX)
            said = f"   {'▲' if better else '▼'} {text.safe(name.rpartition('/')[2], 16)} {text.signed(delta)}"
            return (Span(said, Tone.BETTER if better else Tone.WORSE),)
    return ()


def _params(tree: Tree, twig: Twig) -> Line:
    """Name the first two parameters that have changed."""
    if (pair := _pair(tree, twig)) is None:
        return ()
    child, parent = (row.params for row in pair)
    changed = [
        f"{name.rpartition('.')[2]} {text.value(value, 16)}"
        for name, value in child.items()
        if name in parent and parent[name] != value
    ]
    said = " · ".join(text.safe(part, 40) for part in changed[:2])
    return (Span(f"   {said}", Tone.DIM),) if said else ()


def regression(tree: Tree, twig: Twig, goals: Mapping[str, Goal]) -> bool:
    """Say whether the version of a line is worse than its parent in the first metric that both have."""
    return any(span.tone is Tone.WORSE for span in _metric(tree, twig, goals))
