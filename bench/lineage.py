"""Promise: a lineage of 10,000 nodes is laid out and its first window rendered within 100 ms of CPU time."""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence
from functools import partial

from bench.measure import cpu_ms, table
from lineal.model.lineage import Link, Member, Tree
from lineal.model.records import Confidence, EdgeKind, Node, NodeKind
from lineal_tui.present import lineage

_PROMISED = 100.0
_WINDOW = 50


def _tree(count: int, reach: int, seed: int = 1) -> Tree:
    """Return a lineage in which each member came from one of the next `reach`, and one in ten from two of them."""
    chance = random.Random(seed)
    members = tuple(
        Member(node=Node(NodeKind.VERSION, "bench", "m", f"v{at}"), generation=at - count // 2) for at in range(count)
    )
    links = []
    for at in range(1, count):
        links.append(_link(max(0, at - chance.randint(1, reach)), at, EdgeKind.FINETUNED))
        if chance.random() < 0.1:
            links.append(_link(max(0, at - chance.randint(1, 3 * reach)), at, EdgeKind.MERGED))
    return Tree(members=members, links=tuple(links), start=count // 2)


def _link(parent: int, child: int, kind: EdgeKind) -> Link:
    return Link(parent=parent, child=child, kind=kind, confidence=Confidence.DECLARED)


def _paint(tree: Tree, form: type[lineage.Branches] | type[lineage.Lanes]) -> None:
    """Do what the screen does until the first paint: lay out, find the start, render a window around it."""
    twigs = form(tree)
    top = max(0, min(len(twigs) - _WINDOW, (twigs.find(tree.start) or 0) - _WINDOW // 2))
    for at in range(top, min(len(twigs), top + _WINDOW)):
        lineage.line(tree, twigs[at], {}, 158)


def main(argv: Sequence[str]) -> int:
    """Print CPU milliseconds to the first paint, for chains, families and both forms; fail over the promise."""
    parser = argparse.ArgumentParser(prog="python -m bench lineage", description=__doc__)
    parser.add_argument("--nodes", type=int, default=10_000)
    count = parser.parse_args(argv).nodes
    worst, rows = 0.0, []
    for said, reach in (("a chain", 1), ("branches", 12), ("one wide family", count)):
        tree = _tree(count, reach)
        costs = [cpu_ms(partial(_paint, tree, form), 9) for form in (lineage.Branches, lineage.Lanes)]
        worst = max(worst, *costs)
        rows.append([f"{count:,} nodes, {said}", *(f"{cost:.1f}" for cost in costs), f"{_PROMISED:.0f}"])
    print(table(["CPU ms to the first paint", "tree", "graph", "promised"], rows))
    return int(worst > _PROMISED)
