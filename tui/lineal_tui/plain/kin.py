"""A lineage, and the way between two versions, as statements: the nearest relatives first."""

from __future__ import annotations

from collections.abc import Iterator

from lineal.model.lineage import Link, Member, Tree
from lineal.model.records import NodeKind
from lineal_tui.kinship import PathReady, Step
from lineal_tui.plain import differing, words
from lineal_tui.present import text

_INPUTS = {NodeKind.DATASET: "data", NodeKind.CODE: "code"}


def member(one: Member) -> str:
    """Return what a node is called, with its aliases and where it is."""
    node, row = one.node, one.version
    name = text.safe(f"{node.name} {row.name if row else node.key[:12]}", 120)
    kind = f"{_INPUTS[node.kind]} " if node.kind in _INPUTS else ""
    held = f", {words.aliases(row.aliases)}" if row and row.aliases else ""
    where = f" in {text.safe(node.registry, 40)}" if node.registry else ""
    known = "" if row or node.kind in _INPUTS else ", which no registry here holds"
    return f"{kind}{name}{where}{held}{known}"


def head(tree: Tree) -> list[str]:
    """Return how many relatives there are, in one statement."""
    up = sum(one.generation < 0 and one.node.kind not in _INPUTS for one in tree.members)
    down = sum(one.generation > 0 and one.node.kind not in _INPUTS for one in tree.members)
    inputs = sum(one.node.kind in _INPUTS for one in tree.members)
    counts = [words.counted(up, "ancestor"), words.counted(down, "descendant")]
    counts += [words.counted(inputs, "data set or commit", "data sets and commits")] if inputs else []
    said = [f"Lineage of {member(tree.members[tree.start])}: {words.listed(counts)}"]
    return [*said, "There is more than could be followed"] if tree.cut else said


def relatives(tree: Tree) -> list[int]:
    """Return the members but the start: ancestors from near to far, then descendants, then data and code."""
    order = [at for at in range(len(tree.members)) if at != tree.start]

    def rank(at: int) -> tuple[int, int, int]:
        one = tree.members[at]
        group = 2 if one.node.kind in _INPUTS else 0 if one.generation < 0 else 1
        return group, abs(one.generation), at

    return sorted(order, key=rank)


class Told:
    """Relatives as statements; the links are looked up once, for a lineage may have ten thousand."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._links: dict[int, list[Link]] = {}
        for link in tree.links:
            self._links.setdefault(link.parent, []).append(link)
            self._links.setdefault(link.child, []).append(link)

    def relative(self, at: int) -> str:
        """Return one relative: how far it is, what it is, and by which edge it is nearer to the start."""
        one = self._tree.members[at]
        return ", ".join(part for part in (self._distance(one), member(one), self._edge(at)) if part)

    def _distance(self, one: Member) -> str:
        if one.node.kind in _INPUTS:
            return "Used"
        if not one.generation:
            return "Sibling"
        far = abs(one.generation)
        name = ("Parent" if one.generation < 0 else "Child") if far == 1 else ""
        return name or f"{words.counted(far, 'generation')} {'up' if one.generation < 0 else 'down'}"

    def _edge(self, at: int) -> str:
        """Return the edges that lead from a relative to what is nearer, in words."""
        mine, out = self._tree.members[at], []
        for link in self._links.get(at, [])[:20]:
            other = self._tree.members[link.child if link.parent == at else link.parent]
            nearer = abs(other.generation) < abs(mine.generation) and other.node.kind not in _INPUTS
            if nearer or mine.node.kind in _INPUTS:
                pair = (_short(other), "it") if link.parent == at else ("it", _short(other))
                out.append(edge(link, *pair))
        return words.listed(out, 3)


def edge(link: Link, child: str, parent: str) -> str:
    """Return how a child came from its parent, and how sure that is."""
    return f"{child} {words.EDGES[link.kind]} {parent} ({words.CONFIDENCES[link.confidence]})"


def _short(one: Member) -> str:
    return text.safe(f"{one.node.name} {one.version.name if one.version else one.node.key[:12]}", 80)


def path(found: PathReady) -> Iterator[str]:
    """Yield what both come from, then the way step by step with what changed at each."""
    way, common = found.path, found.common
    yield f"The way from {_short(way.members[0])} to {_short(way.members[-1])}: {words.counted(len(way.links), 'step')}"
    if not common.ancestors:
        yield "They have no common ancestor among models"
    for one in common.ancestors[:3]:
        yield f"Common ancestor: {member(one.member)}, {one.left} up from the first, {one.right} from the second"
    for one in common.inputs[:3]:
        yield f"Both used {member(one.member)}"
    for at, link in enumerate(way.links):
        here, there = _short(way.members[at]), _short(way.members[at + 1])
        pair = (here, there) if link.child == at else (there, here)
        yield f"Step {at + 1}: {edge(link, *pair)}"
        yield from _changes(found.steps[at])


def _changes(step: Step) -> Iterator[str]:
    if step.why:
        yield f"Not compared: {text.safe(step.why, 200)}"
    if step.diff is None:
        return
    changed = [(facet, row) for facet, row in differing.rows(step.diff) if row.changed]
    yield from (differing.row(step.diff, facet, row) for facet, row in changed[:3])
    if len(changed) > 3:
        yield f"{len(changed) - 3} more differences at this step; compare reads them all"
    if not changed:
        yield "Nothing that is recorded changed at this step"
