"""Kinship for the worker: a lineage with siblings, and the way between two versions with what changed along it."""

from __future__ import annotations

from collections.abc import Callable

from lineal import lineage
from lineal.errors import Error, NotFound
from lineal.model.diff import Diff
from lineal.model.lineage import Path, Tree
from lineal.model.listing import VersionRow
from lineal_tui.kinship import PathReady, PathRequest, Step

COMPARED = 40
"""Steps of a way that are compared; of a longer one the rest are only named."""

Compare = Callable[[VersionRow, VersionRow], Diff]


def family(index: lineage.Relatives, row: VersionRow) -> Tree:
    """Return a lineage with siblings, and with what else used the same data and code."""
    return lineage.family(index, lineage.node_of(row))


def path(index: lineage.Relatives, request: PathRequest, compare: Compare) -> PathReady:
    """Find the way between two versions and compare the ends of each step."""
    left, right = lineage.node_of(request.left), lineage.node_of(request.right)
    found = lineage.path(index, left, right)
    if not found.members:
        raise NotFound(
            f"nothing connects {request.left.name} with {request.right.name}",
            hint="the search ended at its limit" if found.cut else "they share no model, data or code",
        )
    steps = [_step(found, at, compare) for at in range(len(found.links))]
    return PathReady(request, found, lineage.common(index, left, right), steps)


def _step(found: Path, at: int, compare: Compare) -> Step:
    link = found.links[at]
    parent, child = found.members[link.parent].version, found.members[link.child].version
    if parent is None or child is None:
        return Step()
    if at >= COMPARED:
        return Step(why="not compared: the way is long")
    try:
        return Step(compare(parent, child))
    except Error as error:
        return Step(why=str(error))
