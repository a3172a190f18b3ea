"""A small workspace in memory that answers as the real one does, for tests of the screens."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

from lineal.config import RegistrySpec
from lineal.diff import compare
from lineal.diff.goals import Goals
from lineal.diff.texts import TextDiff, between
from lineal.errors import NotFound, QueryError, Unavailable
from lineal.index.index import Index
from lineal.index.rows import Rows
from lineal.model.diff import Diff
from lineal.model.lineage import Link, Member, Tree
from lineal.model.listing import ModelRow, Neighbour, ProblemRow, RegistryRow, Sort, VersionRow
from lineal.model.records import Confidence, Edge, EdgeKind, Node, NodeKind
from lineal.model.reference import Reference, parse
from lineal.model.values import Metric, Param, Series, Tag
from lineal.model.version import (
    Algorithm,
    Code,
    Dataset,
    Digest,
    Environment,
    File,
    Kind,
    Package,
    Run,
    State,
    Tensor,
    Version,
)
from lineal.policy.rules import Policy
from tests.tui.fake_desk import DAY, NOW, FakeDesk, history

__all__ = ["DAY", "NOW", "FakeDesk", "FakeIndex", "FakeRows", "FakeSource", "chain", "node", "small", "version"]

if TYPE_CHECKING:
    from lineal.store.care import Saved  # brings NumPy, which no first paint may


def version(registry: str, model: str, number: int, **changes: object) -> Version:
    """Make a version with something in every field."""
    auc = 0.90 + 0.005 * (number % 9)
    fields: dict[str, object] = {
        "registry": registry,
        "model": model,
        "key": f"{number:08x}c0ffee",
        "name": f"v{number}",
        "kind": Kind.REGISTERED,
        "number": number,
        "created_at": NOW - DAY * (50 - number % 50) - 60,
        "author": ("mira", "ola", "sven")[number % 3],
        "message": f"run {number}: focal loss",
        "params": (
            Param("lr", 1e-3 if number % 2 else 3e-4),
            Param("loss_fn", "focal" if number > 3 else "bce"),
            Param("optimizer.name", "adam"),
        ),
        "metrics": (Metric("auc", auc), Metric("loss", 0.3 - auc / 10), Metric("latency_ms", 18.0)),
        "tags": (Tag("owner", "mira"),),
        "environment": Environment(
            python="3.11.9",
            cuda="13.2" if number > 3 else "13.1",
            gpus=("H100",),
            driver="580.159",
            packages=(
                Package("numpy", "2.4.6"),
                Package("rich", "15.0.0" if number > 3 else "14.3.0"),
                Package("torch", "2.13.0+cu132" if number > 3 else "2.12.1+cu131"),
            ),
        ),
        "datasets": (
            Dataset(name="transactions", digest=f"tx-{number // 3}", role="training", rows=1_200_000 + number),
        ),
        "code": Code(
            repository="https://example.org/fraud.git", commit=f"a41c9e2{number:033x}", branch="main", dirty=False
        ),
        "run": Run(id=f"r{number}", name=f"run-{number}", experiment="fraud"),
        "files": (
            File(path="model.safetensors", size=4_000_000 + number, digest=Digest(Algorithm.SHA256, f"{number:064x}")),
        ),
        "card": "# A card\n\nWhat it is for.",
    }
    return Version(**{**fields, **changes})  # type: ignore[arg-type]


def small() -> list[Version]:
    """Three registries, five models, some thirty versions."""
    found = [version("prod", "fraud-scorer", n) for n in range(1, 20)]
    found += [version("prod", "merchant-embed", n) for n in range(1, 6)]
    found += [version("risk-models", "churn", n, kind=Kind.COMMIT) for n in range(1, 4)]
    found += [version("hf", "bert-base-uncased", 1, kind=Kind.SNAPSHOT, state=State.PARTIAL, metrics=())]
    found += [version("files", "runs/12", n, kind=Kind.CHECKPOINT, name=f"checkpoint-{n}00") for n in range(1, 4)]
    return found


class FakeRows(Rows):
    """Rows that are all there, read in pages; `slow` makes pages miss every deadline."""

    def __init__(self, rows: list[VersionRow], *, slow: bool = False) -> None:
        self._held = rows
        self._slow = slow
        self.count = min(len(rows), self.PAGE)
        self.exact = len(rows) <= self.PAGE
        self.reads: list[tuple[int, float | None]] = []

    def page(self, number: int, deadline_ms: float | None = None) -> list[VersionRow] | None:
        self.reads.append((number, deadline_ms))
        if self._slow and deadline_ms is not None and number:
            return None
        page = self._held[number * self.PAGE : (number + 1) * self.PAGE]
        self.count = max(self.count, number * self.PAGE + len(page))
        self.exact = self.exact or self.count == len(self._held)
        return page

    def measure(self) -> int:
        self.count, self.exact = len(self._held), True
        return self.count


@dataclass
class FakeIndex(Index):
    """An index over a list of versions."""

    held: list[Version] = field(default_factory=small)
    named: dict[tuple[str, str, str], tuple[str, ...]] = field(
        default_factory=lambda: {
            ("prod", "fraud-scorer", "v17"): ("prod",),
            ("prod", "fraud-scorer", "v19"): ("staging",),
        }
    )
    edges: list[Edge] = field(default_factory=list)
    met: list[ProblemRow] = field(default_factory=list)
    errors: dict[str, tuple[str, str]] = field(default_factory=dict)
    slow: bool = False
    asked: list[str] = field(default_factory=list)
    synced_at: float | None = NOW - 120

    def row(self, number: int) -> VersionRow:
        v = self.held[number]
        return VersionRow(
            id=number,
            registry=v.registry,
            model=v.model,
            key=v.key,
            name=v.name,
            kind=v.kind,
            state=v.state,
            number=v.number,
            created_at=v.created_at,
            author=v.author,
            message=v.message,
            aliases=self.named.get((v.registry, v.model, v.name), ()),
            params={p.name: p.value for p in v.params},
            metrics={m.name: m.value for m in v.metrics},
            tags={t.key: t.value for t in v.tags},
        )

    def _found(self, query: str) -> list[VersionRow]:
        if " | " in query:
            found = {row.id: row for part in query.split(" | ") for row in self._found(part)}
            return [found[i] for i in sorted(found)]
        rows = [self.row(i) for i in range(len(self.held))]
        plain = query.replace("(", " ").replace(")", " ")
        for match in re.finditer(r'(\w[\w.]*)(:|>=)("(?:[^"\\]|\\.)*"|\S+)', plain):
            name, value = match[1], re.sub(r"\\(.)", r"\1", match[3].strip('"'))
            if name in ("registry", "model", "alias", "version"):
                rows = [row for row in rows if _has(row, name, value)]
            elif name.startswith("metric.") and match[2] == ">=":
                rows = [row for row in rows if row.metrics.get(name[7:], 0.0) >= float(value)]
            elif name != "has":
                raise QueryError(
                    f"no field is called {name!r}", match.start(1), match.end(1), hint="did you mean model?"
                )
        for word in re.sub(r'\S*[:=]("[^"]*"|\S*)|\|', " ", plain).split():
            rows = [row for row in rows if word.lower() in f"{row.model} {row.name} {row.author} {row.message}".lower()]
        return rows

    def rows(self, query: str = "", sort: Sort | None = None) -> FakeRows:
        self.asked.append(query)
        sort = sort or Sort()
        rows = self._found(query)

        def order(row: VersionRow) -> tuple[bool, float]:
            at = row.metrics.get(sort.field[7:]) if sort.field.startswith("metric.") else row.created_at
            return at is None, (at or 0.0) * (-1 if sort.descending else 1)

        return FakeRows(sorted(rows, key=order), slow=self.slow)

    def models(self, query: str = "") -> list[ModelRow]:
        counts: dict[tuple[str, str], int] = {}
        for row in self._found(query):
            counts[row.registry, row.model] = counts.get((row.registry, row.model), 0) + 1
        return [ModelRow(registry=r, model=m, versions=n) for (r, m), n in sorted(counts.items())]

    def registries(self) -> list[RegistryRow]:
        names = sorted({v.registry for v in self.held})
        return [
            RegistryRow(
                name=name,
                kind="mlflow",
                url=f"/somewhere/{name}",
                origin="found",
                synced_at=self.synced_at,
                versions=sum(v.registry == name for v in self.held),
                fingerprint="f",
                problems=sum(p.registry == name for p in self.met),
                error=self.errors.get(name, ("", ""))[0],
                hint=self.errors.get(name, ("", ""))[1],
            )
            for name in names
        ]

    def problems(self, registry: str = "") -> list[ProblemRow]:
        return [p for p in self.met if registry in ("", p.registry)]

    def version(self, row_id: int) -> Version:
        return self.held[row_id]

    def find(self, registry: str, model: str, key: str) -> VersionRow | None:
        for i, v in enumerate(self.held):
            if (v.registry, v.model, v.key) == (registry, model, key):
                return self.row(i)
        return None

    def current_id(self, registry: str, model: str, key: str) -> int | None:
        row = self.find(registry, model, key)
        return row.id if row else None

    def resolve(self, reference: Reference) -> VersionRow:
        for i, v in enumerate(self.held):
            if v.model == reference.model and v.name == reference.selector.value:
                return self.row(i)
        raise NotFound(f"there is no {reference.raw}")

    def parents(self, nodes: Sequence[Node]) -> dict[Node, list[Neighbour]]:
        return {
            node: [
                Neighbour(
                    node=e.parent,
                    kind=e.kind,
                    confidence=e.confidence,
                    detail=e.detail,
                    version=self.find(e.parent.registry, e.parent.name, e.parent.key),
                )
                for e in self.edges
                if e.child == node
            ]
            for node in nodes
        }

    def children(self, nodes: Sequence[Node], limit: int = 200) -> dict[Node, list[Neighbour]]:
        found: dict[Node, list[Neighbour]] = {node: [] for node in nodes}
        for e in self.edges:
            if e.parent in found:
                row = self.find(e.child.registry, e.child.name, e.child.key)
                near = Neighbour(node=e.child, kind=e.kind, confidence=e.confidence, detail=e.detail, version=row)
                found[e.parent].append(near)
        return {node: near[:limit] for node, near in found.items()}

    def keys(self, kind: str, prefix: str = "", limit: int = 50) -> list[str]:
        names = {
            "metric": {m.name for v in self.held for m in v.metrics},
            "param": {p.name for v in self.held for p in v.params},
            "model": {v.model for v in self.held},
            "tag": {t.key for v in self.held for t in v.tags},
            "env": {p.name for v in self.held if v.environment for p in v.environment.packages},
        }
        return sorted(name for name in names.get(kind, set()) if name.startswith(prefix))[:limit]

    def values(self, field: str, prefix: str = "", limit: int = 50) -> list[str]:
        found = {str(getattr(v, field)) for v in self.held} if field in ("registry", "model", "author") else set()
        return sorted(value for value in found if value.startswith(prefix))[:limit]

    def close(self) -> None:
        pass


def _has(row: VersionRow, name: str, value: str) -> bool:
    held = {"registry": [row.registry], "model": [row.model], "alias": list(row.aliases), "version": [row.name]}[name]
    if value.endswith("*"):
        return any(each.startswith(value[:-1]) for each in held)
    return value in held


def node(v: Version) -> Node:
    """Return a version as an end of an edge."""
    return Node(NodeKind.VERSION, v.registry, v.model, v.key)


@dataclass
class FakeSource:
    """A workspace over a fake index."""

    index: FakeIndex = field(default_factory=FakeIndex)
    goals: Goals = field(default_factory=Goals)
    fresh: list[str] = field(default_factory=list)
    curves: Mapping[str, Series] = field(default_factory=dict)
    extra: list[RegistrySpec] = field(default_factory=list)
    broken: bool = False
    policy: Policy = field(default_factory=Policy)
    texts: Mapping[tuple[str, str], bytes] = field(default_factory=dict)

    @cached_property
    def desk(self) -> FakeDesk:
        """Return a desk that knows something of the fraud-scorer, where there is one."""
        desk = FakeDesk(self.index.find, lambda: [self.index.row(i) for i in range(len(self.index.held))])
        rows = {row.name: row for row in desk.rows() if (row.registry, row.model) == ("prod", "fraud-scorer")}
        if {"v12", "v14", "v17", "v19"} <= rows.keys():
            desk.held_ones, desk.entries = history(rows)
        return desk

    @property
    def specs(self) -> list[RegistrySpec]:
        return self.extra

    def version(self, reference: str) -> VersionRow:
        return self.index.resolve(parse(reference))

    def diff(self, rows: Sequence[VersionRow], *, baseline: int = 0, changed_only: bool = True, most: int = 0) -> Diff:
        whole = [self.index.version(row.id) for row in rows]
        return compare(whole, baseline=baseline, changed_only=changed_only, goals=self.goals, most=most)

    def text_diff(self, base: VersionRow, other: VersionRow, path: str = "") -> TextDiff:
        pair = self.index.version(base.id), self.index.version(other.id)
        return between(*pair, path, lambda v, file: self.texts.get((v.name, file.path), b""))

    def lineage(self, row: VersionRow) -> Tree:
        held = {node(v): self.index.row(i) for i, v in enumerate(self.index.held)}
        start = Node(NodeKind.VERSION, row.registry, row.model, row.key)
        nodes = [start]
        for at in nodes:
            for e in self.index.edges:
                for mine, other in ((e.child, e.parent), (e.parent, e.child)):
                    if mine == at and other not in nodes:
                        nodes.append(other)
        links = [
            Link(parent=nodes.index(e.parent), child=nodes.index(e.child), kind=e.kind, confidence=e.confidence)
            for e in self.index.edges
            if e.child in nodes and e.parent in nodes
        ]
        return Tree(members=tuple(Member(node=n, version=held.get(n)) for n in nodes), links=tuple(links))

    def series(self, row: VersionRow, metric: str) -> Series:
        if self.broken:
            raise Unavailable("the server is away", hint="try again")
        found = self.curves.get(metric)
        return found or Series(metric, list(range(20)), [1.0 / (i + 1) for i in range(20)], [0.0] * 20)

    def tensors(self, row: VersionRow) -> list[Tensor]:
        """Return the headers of two tensors; those of a broken place cannot be read."""
        if self.broken:
            raise Unavailable("the server is away", hint="try again")
        return [Tensor("head.weight", "F32", (2, 768), "model.safetensors"), Tensor("head.bias", "F32", (2,), "m")]

    def unseen(self) -> list[str]:
        """Return no registry: all were read."""
        return []

    def statistics(self, registry: str) -> tuple[tuple[int, int, int], list[Saved]]:
        """Return nothing: no registry here is a store."""
        return (0, 0, 0), []

    def stale(self) -> list[str]:
        return self.fresh


def chain(index: FakeIndex) -> None:
    """Give the fraud-scorer a line of descent, a base in another registry, a data set and a copy."""
    versions = [v for v in index.held if v.model == "fraud-scorer"]
    base = next(v for v in index.held if v.registry == "hf")
    copy = next(v for v in index.held if v.registry == "risk-models")
    index.edges.append(_edge(versions[0], node(base), EdgeKind.FINETUNED, Confidence.DECLARED))
    for parent, child in pairwise(versions):
        index.edges.append(_edge(child, node(parent), EdgeKind.FINETUNED, Confidence.INFERRED))
    data = Node(NodeKind.DATASET, "", "transactions", "tx-6")
    index.edges.append(_edge(versions[-1], data, EdgeKind.TRAINED_ON, Confidence.DECLARED))
    before = Node(NodeKind.DATASET, "", "transactions", "tx-4")
    index.edges.append(_edge(versions[-3], before, EdgeKind.TRAINED_ON, Confidence.DECLARED))
    index.edges.append(_edge(copy, node(versions[-1]), EdgeKind.COPIED, Confidence.PROVED))


def _edge(child: Version, parent: Node, kind: EdgeKind, confidence: Confidence) -> Edge:
    return Edge(child=node(child), parent=parent, kind=kind, confidence=confidence, detail="test")
