"""A family of versions in memory: the part of an index that lineage asks, from a list of edges."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lineal.model.listing import Neighbour, VersionRow
from lineal.model.records import Confidence, Edge, EdgeKind, Node, NodeKind


def version(name: str, model: str = "m") -> Node:
    return Node(NodeKind.VERSION, "r", model, name)


def dataset(name: str) -> Node:
    return Node(NodeKind.DATASET, "", name, "d")


def edge(
    parent: Node,
    child: Node,
    kind: EdgeKind = EdgeKind.TRAINED_FROM,
    confidence: Confidence = Confidence.DECLARED,
    detail: str = "",
) -> Edge:
    return Edge(child=child, parent=parent, kind=kind, confidence=confidence, detail=detail)


class Family:
    """Answers as an index does; `named` are models' names that stand for versions, `aliases` what points at a key."""

    def __init__(
        self, edges: Iterable[Edge], named: dict[Node, Node] | None = None, aliases: dict[str, str] | None = None
    ) -> None:
        self.edges = list(edges)
        self.named = named or {}
        self.aliases = aliases or {}
        self.questions = 0
        self._up: dict[Node, list[Edge]] = {}
        self._down: dict[Node, list[Edge]] = {}
        for one in self.edges:
            self._up.setdefault(one.child, []).append(one)
            self._down.setdefault(self.named.get(one.parent, one.parent), []).append(one)

    def find(self, registry: str, model: str, key: str) -> VersionRow | None:
        aliases = (self.aliases[key],) if key in self.aliases else ()
        created = float(key) if key.isdigit() else None
        return VersionRow(
            id=0, registry=registry, model=model, key=key, name=f"v{key}", kind="run", state="ready",
            created_at=created, aliases=aliases,
        )  # fmt: skip

    def parents(self, nodes: Sequence[Node]) -> dict[Node, list[Neighbour]]:
        self.questions += 1
        return {node: [self._near(one, one.parent) for one in self._up.get(node, ())] for node in nodes}

    def children(self, nodes: Sequence[Node], limit: int = 200) -> dict[Node, list[Neighbour]]:
        self.questions += 1
        return {node: [self._near(one, one.child) for one in self._down.get(node, ())][:limit] for node in nodes}

    def _near(self, one: Edge, node: Node) -> Neighbour:
        stands = self.named.get(node, node)
        row = self.find(stands.registry, stands.name, stands.key) if stands.kind is NodeKind.VERSION else None
        return Neighbour(node=node, kind=one.kind, confidence=one.confidence, detail=one.detail, version=row)
