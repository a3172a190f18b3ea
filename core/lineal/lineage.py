"""Ancestors, descendants, common ancestors, the way between two versions, and what something had an influence on.

Everything is read from the index in batches, a generation at a time, so that a wide family takes no query for each
member. Cycles, which foreign registries may state, end where they meet themselves.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Protocol

import msgspec

from lineal.model.lineage import Common, Impact, Link, Member, ModelCount, Path, Shared, Tree
from lineal.model.listing import Neighbour, VersionRow
from lineal.model.records import Confidence, EdgeKind, Node, NodeKind

LIMIT = 10_000  # members of one answer, unless said otherwise
_FAN = 200  # children of one member that are followed
_BATCH = 500  # nodes in one question to the index
_ENDLESS = sys.maxsize
_INPUTS = frozenset((NodeKind.DATASET, NodeKind.CODE))
_TRUST = {Confidence.PROVED: 0, Confidence.DECLARED: 1, Confidence.INFERRED: 2}


class Relatives(Protocol):
    """What lineage asks of an index."""

    def find(self, registry: str, model: str, key: str) -> VersionRow | None:
        """Return the version of that identity."""
        ...

    def parents(self, nodes: Sequence[Node]) -> dict[Node, list[Neighbour]]:
        """Return what each node came from."""
        ...

    def children(self, nodes: Sequence[Node], limit: int = 200) -> dict[Node, list[Neighbour]]:
        """Return what came from each node, at most `limit` for each."""
        ...


def node_of(row: VersionRow) -> Node:
    """Return the node that a version is."""
    return Node(NodeKind.VERSION, row.registry, row.model, row.key)


def tree(index: Relatives, node: Node, *, up: int | None = None, down: int | None = None, limit: int = LIMIT) -> Tree:
    """Return what `node` came from and what came from it.

    `up` and `down` bound the generations (None: all of them), `limit` the members; the nearest are kept. Data sets and
    code that ancestors were made from are members too. A node that the index does not know stands alone.
    """
    walk = _Walk(index, node, limit)
    steps = ((_Way.UP, up), (_Way.DOWN, down))
    walk.run({way: _ENDLESS if depth is None else depth for way, depth in steps})
    return walk.tree()


def family(index: Relatives, node: Node, *, limit: int = LIMIT) -> Tree:
    """Return the lineage of `node` with its siblings: what else came from its parents, the data and code included."""
    walk = _Walk(index, node, limit)
    walk.run({_Way.UP: _ENDLESS, _Way.DOWN: _ENDLESS})
    walk.beside()
    return walk.tree()


def ancestors(index: Relatives, node: Node, *, depth: int | None = None, limit: int = LIMIT) -> Tree:
    """Return what `node` came from, `depth` generations back or all."""
    return tree(index, node, up=depth, down=0, limit=limit)


def descendants(index: Relatives, node: Node, *, depth: int | None = None, limit: int = LIMIT) -> Tree:
    """Return what came from `node`, `depth` generations on or all."""
    return tree(index, node, up=0, down=depth, limit=limit)


def impact(index: Relatives, node: Node, *, limit: int = LIMIT) -> Impact:
    """Return what was made from a data set, a commit or a model: how many versions, of which models, which are live."""
    below = descendants(index, node, limit=limit)
    made = [(at, member) for at, member in enumerate(below.members) if _is_made(member)]
    counts = Counter((member.node.registry, member.node.name) for _, member in made)
    return Impact(
        tree=below,
        versions=len(made),
        models=tuple(
            ModelCount(registry=registry, model=model, versions=count)
            for (registry, model), count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        ),
        live=tuple(at for at, member in made if member.version is not None and member.version.aliases),
    )


def _is_made(member: Member) -> bool:
    return member.generation > 0 and member.node.kind is NodeKind.VERSION


def common(index: Relatives, left: Node, right: Node, *, limit: int = LIMIT) -> Common:
    """Return the nearest common ancestors of two nodes (ties together), and the data and code that both come from.

    A node counts as an ancestor of itself: where one descends from the other, that one is the answer.
    """
    sides = [ancestors(index, node, limit=limit) for node in (left, right)]
    distance = [{member.node: -member.generation for member in side.members} for side in sides]
    shared = sorted(
        (
            Shared(member=member, left=distance[0][member.node], right=distance[1][member.node])
            for member in sides[0].members
            if member.node in distance[1]
        ),
        key=lambda one: (one.left + one.right, one.left, one.member.node),
    )
    models = [one for one in shared if one.member.node.kind not in _INPUTS]
    return Common(
        ancestors=tuple(one for one in models if one.left + one.right == models[0].left + models[0].right),
        inputs=tuple(one for one in shared if one.member.node.kind in _INPUTS),
        cut=any(side.cut for side in sides),
    )


class _Way(Enum):
    UP = -1
    DOWN = 1


class _Kin(msgspec.Struct):
    """A member while the walk goes on."""

    at: int
    version: VersionRow | None
    generation: int
    more: bool = False


class _Walk:
    """A walk from one node to both sides, a generation at a time, so that a limit keeps the nearest."""

    def __init__(self, index: Relatives, start: Node, limit: int) -> None:
        self.index = index
        self.limit = max(1, limit)
        version = index.find(start.registry, start.name, start.key) if start.kind is NodeKind.VERSION else None
        self.kin = {start: _Kin(0, version, 0)}
        self.links: dict[tuple[int, int, EdgeKind], Link] = {}
        self.cut = False

    def run(self, depths: dict[_Way, int]) -> None:
        start = next(iter(self.kin))
        fronts = {way: [start] for way in depths}
        seen = {way: {start} for way in depths}
        generation = 0
        while any(fronts.values()):
            for way, depth in depths.items():
                within = generation < depth
                if fronts[way] and (within or depth):
                    fronts[way] = self._step(way, fronts[way], seen[way], generation + 1 if within else None)
                else:
                    fronts[way] = []
            generation += 1

    def beside(self) -> None:
        """Take in the other children of the start's parents."""
        start = next(iter(self.kin))
        parents = [near.node for _, found in _asked(self.index, _Way.UP, [start]) for near in found]
        for parent, near in _asked(self.index, _Way.DOWN, [node for node in parents if node in self.kin]):
            if len(near) >= _FAN:
                self._more(parent)
            for one in near:
                if one.node in self.kin:
                    self._link(parent, one, _Way.DOWN)
                elif len(self.kin) < self.limit:
                    self.kin[one.node] = _Kin(len(self.kin), one.version, 0)
                    self._link(parent, one, _Way.DOWN)
                else:
                    self._more(parent)

    def _step(self, way: _Way, front: list[Node], seen: set[Node], generation: int | None) -> list[Node]:
        """Take in the next generation and return it; None only marks who has relatives beyond the last one."""
        following: list[Node] = []
        for node, near in _asked(self.index, way, front):
            if way is _Way.DOWN and len(near) >= _FAN:
                self._more(node)
            for one in near:
                if not self._take(node, one, way, generation):
                    self._more(node)
                elif one.node not in seen:
                    seen.add(one.node)
                    following.append(one.node)
        return following if generation is not None else []

    def _take(self, node: Node, near: Neighbour, way: _Way, generation: int | None) -> bool:
        if near.node not in self.kin:
            if generation is None or len(self.kin) >= self.limit:
                return False
            self.kin[near.node] = _Kin(len(self.kin), near.version, generation * way.value)
        self._link(node, near, way)
        return True

    def _more(self, node: Node) -> None:
        self.kin[node].more = self.cut = True

    def _link(self, node: Node, near: Neighbour, way: _Way) -> None:
        link = _linked(self.kin[node].at, self.kin[near.node].at, near, way)
        key = (link.parent, link.child, link.kind)
        known = self.links.get(key)
        if known is None or _TRUST[link.confidence] < _TRUST[known.confidence]:
            self.links[key] = link

    def tree(self) -> Tree:
        members = (
            Member(node=node, version=kin.version, generation=kin.generation, more=kin.more)
            for node, kin in self.kin.items()
        )
        return Tree(members=tuple(members), links=tuple(self.links.values()), cut=self.cut)


def _linked(here: int, there: int, near: Neighbour, way: _Way) -> Link:
    parent, child = (there, here) if way is _Way.UP else (here, there)
    return Link(parent=parent, child=child, kind=near.kind, confidence=near.confidence, detail=near.detail)


def _asked(index: Relatives, way: _Way, nodes: Sequence[Node]) -> Iterator[tuple[Node, list[Neighbour]]]:
    """Yield each node with its relatives on one side, the resolved version in place of a model's name."""
    for start in range(0, len(nodes), _BATCH):
        batch = nodes[start : start + _BATCH]
        found = index.parents(batch) if way is _Way.UP else index.children(batch, _FAN)
        for node in batch:
            yield node, [_resolved(near) for near in found.get(node, ())]


def _resolved(near: Neighbour) -> Neighbour:
    if near.node.kind is NodeKind.MODEL and near.version is not None:
        return msgspec.structs.replace(near, node=node_of(near.version))
    return near


def path(index: Relatives, left: Node, right: Node, *, limit: int = LIMIT) -> Path:
    """Return a shortest way between two nodes over edges in either direction.

    Ways through models are preferred: two versions of one data set are always near, and that says little. Only where
    no such way exists do data sets and code count as steps. `limit` bounds the nodes that are looked at.
    """
    found = Path()
    for through_inputs in (False, True):
        search = _Search(index, left, right, limit, frozenset() if through_inputs else _INPUTS)
        found = search.run()
        if found.members:
            break
    return found


class _Search:
    """A search from both ends at once, a whole ring at a time, so that the first meeting is a shortest way."""

    def __init__(self, index: Relatives, left: Node, right: Node, limit: int, avoided: frozenset[NodeKind]) -> None:
        self.index, self.limit, self.avoided = index, limit, avoided
        self.ends = (left, right)
        self.came: tuple[dict[Node, tuple[Node, Neighbour, _Way] | None], ...] = ({left: None}, {right: None})
        self.versions: dict[Node, VersionRow | None] = {}
        self.cut = False

    def run(self) -> Path:
        rings = [[self.ends[0]], [self.ends[1]]]
        while (meeting := self._meeting(rings)) is None:
            if not (rings[0] and rings[1]) or self.cut:
                return Path(cut=self.cut)
            side = 0 if len(rings[0]) <= len(rings[1]) else 1
            rings[side] = self._ring(side, rings[side])
        return self._path(meeting)

    def _meeting(self, rings: list[list[Node]]) -> Node | None:
        both = (node for side in (0, 1) for node in rings[side] if node in self.came[1 - side])
        return min(both, default=None)

    def _ring(self, side: int, ring: list[Node]) -> list[Node]:
        following: list[Node] = []
        for way in _Way:
            for node, near in _asked(self.index, way, ring):
                for one in near:
                    if self._enters(side, one.node):
                        self.came[side][one.node] = (node, one, way)
                        self.versions[one.node] = one.version
                        following.append(one.node)
        return following

    def _enters(self, side: int, node: Node) -> bool:
        if node in self.came[side] or (node.kind in self.avoided and node not in self.ends):
            return False
        if len(self.came[0]) + len(self.came[1]) >= self.limit + 2:
            self.cut = True
            return False
        return True

    def _path(self, meeting: Node) -> Path:
        """Put the two halves together: from the left end to the meeting, and on to the right end."""
        first = list(self._back(0, meeting))[::-1]
        second = list(self._back(1, meeting))
        nodes = [*(node for node, _, _ in first), meeting, *(node for node, _, _ in second)]
        links = [_linked(at, at + 1, near, way) for at, (_, near, way) in enumerate(first)]
        links += [_linked(at + 1, at, near, way) for at, (_, near, way) in enumerate(second, len(first))]
        members = (Member(node=node, version=self._version(node), generation=at) for at, node in enumerate(nodes))
        return Path(members=tuple(members), links=tuple(links))

    def _back(self, side: int, node: Node) -> Iterator[tuple[Node, Neighbour, _Way]]:
        while (step := self.came[side][node]) is not None:
            yield step
            node = step[0]

    def _version(self, node: Node) -> VersionRow | None:
        if node in self.versions:
            return self.versions[node]
        return self.index.find(node.registry, node.name, node.key) if node.kind is NodeKind.VERSION else None
