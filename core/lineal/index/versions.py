"""Versions into the index, by the thousand: rows, facts, full text, files, and edges to data and code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from math import isfinite
from typing import Any

from lineal.index import document, words
from lineal.index.database import Database, Row, chunks, marks
from lineal.index.document import Documents
from lineal.index.facts import Facts, Key
from lineal.index.identity import bounded, node_id
from lineal.index.ids import Ids
from lineal.model.records import Confidence, EdgeKind, Node, NodeKind
from lineal.model.version import File, Version

Identity = tuple[int, str]  # model id, key
Stored = tuple[int, bytes, int]  # version id, digest, scope id
BATCH = 4_000  # versions written together: large enough for sorted facts to fall close together
_LOOKUP = 400  # identities asked for at once
_VERSION = [
    "id",
    "model_id",
    "scope_id",
    "key",
    "name",
    "number",
    "created_at",
    "author",
    "message",
    "kind",
    "state",
    "environment_id",
    "params",
    "metrics",
    "tags",
    "detail",
    "digest",
]
_FILE = [
    "version_id",
    "position",
    "path",
    "size",
    "stored",
    "algorithm",
    "hex",
    "computed",
    "place",
    "location",
    "local",
]
_NAMES = (
    "SELECT r.name, m.name, v.key FROM version v JOIN model m ON m.id = v.model_id "
    "JOIN registry r ON r.id = m.registry_id WHERE v.id IN"
)


def digest(raw: bytes) -> bytes:
    """Return what tells an unchanged version: a hash of it as it was encoded."""
    return blake2b(raw, digest_size=16).digest()


def small(value: int | None) -> int | None:
    """Return `value` where it fits 64 signed bits, else None."""
    return value if value is not None and -(2**63) <= value < 2**63 else None


def moment(value: float | None) -> float | None:
    """Return a time in Unix seconds, or None where it is no finite number."""
    return float(value) if value is not None and isfinite(value) else None


def version_node(version: Version) -> Node:
    """Return the node that stands for a version."""
    return Node(NodeKind.VERSION, version.registry, version.model, version.key)


def derived(version: Version) -> Iterator[tuple[Node, EdgeKind, str]]:
    """Yield the parents that a version itself names: its data sets and its code."""
    for data in version.datasets:
        yield Node(NodeKind.DATASET, "", bounded(data.name), bounded(data.digest)), EdgeKind.TRAINED_ON, data.role
    if version.code is not None and (version.code.commit or version.code.repository):
        code = Node(NodeKind.CODE, "", bounded(version.code.repository), bounded(version.code.commit))
        yield code, EdgeKind.BUILT_FROM, version.code.entry


class Tables:
    """Writes and removes whole versions. Nothing here knows of scopes' rules."""

    def __init__(self, database: Database, ids: Ids) -> None:
        self._database = database
        self._ids = ids
        self.loose: set[int] = set()  # nodes that may have lost their last edge

    def stored(self, identities: Iterable[Identity]) -> dict[Identity, Stored]:
        """Return what the index holds of these versions."""
        found: dict[Identity, Stored] = {}
        for some in chunks(identities, _LOOKUP):
            want = ",".join(["(?,?)"] * len(some))
            sql = (
                f"WITH want (model_id, key) AS (VALUES {want}) SELECT v.model_id, v.key, v.id, v.digest, v.scope_id "
                "FROM want JOIN version v ON v.model_id = want.model_id AND v.key = want.key"
            )
            for model_id, key, number, mark, scope_id in self._database.run(
                sql, [part for one in some for part in one]
            ):
                found[model_id, key] = (number, bytes(mark), scope_id)
        return found

    def insert(self, rows: Sequence[tuple[int, Identity, bytes, Version]], scope_id: int) -> None:
        """Write versions under their ids, without the words of their aliases."""
        params = [document.param_pairs(version) for *_, version in rows]
        documents = [document.encode(row[3], pairs) for row, pairs in zip(rows, params, strict=True)]
        table = [self._row(row, scope_id, said) for row, said in zip(rows, documents, strict=True)]
        self._database.load("version", _VERSION, table)
        facts = Facts()
        for row, pairs in zip(rows, params, strict=True):
            facts.version(row[0], row[3], pairs)
            if row[3].files:
                facts.files(row[0], [file.path for file in row[3].files])
        self._load_facts(facts)
        self._database.load_words([(row[0], words.of_version(row[3]), "") for row in rows])
        self._load_files(rows)
        self._load_edges([version for *_, version in rows], scope_id)

    def _row(self, row: tuple[int, Identity, bytes, Version], scope_id: int, said: Documents) -> Row:
        number, (model_id, key), mark, v = row
        environment = None if v.environment is None else self._ids.environment(v.environment)
        head = (number, model_id, scope_id, key, v.name, small(v.number), moment(v.created_at), v.author, v.message)
        return (
            *head,
            v.kind.value,
            v.state.value,
            environment,
            said.params,
            said.metrics,
            said.tags,
            said.detail,
            mark,
        )

    def _sorted(self, by_key: Mapping[Key, list[tuple[Any, int]]]) -> list[Row]:
        """Return rows of a table of facts in the order of its primary key, each once: so they fall close together."""
        numbered = sorted((self._ids.key(*key), facts) for key, facts in by_key.items())
        return [(number, *fact) for number, facts in numbered for fact in sorted(set(facts))]

    def _load_facts(self, facts: Facts) -> None:
        for table, by_key in (("fact_num", facts.numbers), ("fact_txt", facts.texts)):
            self._database.load(table, ("key_id", "value", "version_id"), self._sorted(by_key))

    def _load_files(self, rows: Sequence[tuple[int, Identity, bytes, Version]]) -> None:
        files = [(row[0], at, file) for row in rows for at, file in enumerate(row[3].files)]
        self._database.load("file", _FILE, [self._file(*one) for one in files])

    @staticmethod
    def _file(version_id: int, position: int, file: File) -> Row:
        named = (file.digest.algorithm.value, file.digest.hex) if file.digest else ("", "")
        where = (file.place.value, file.location, file.local)
        return (version_id, position, file.path, small(file.size), small(file.stored), *named, 0, *where)

    def _load_edges(self, versions: Sequence[Version], scope_id: int) -> None:
        nodes: dict[int, Node] = {}
        edges: dict[tuple[int, int, str], Row] = {}
        for version in versions:
            for parent, kind, detail in derived(version):
                child = version_node(version)
                ends = node_id(child), node_id(parent)
                nodes |= {ends[0]: child, ends[1]: parent}
                edges[*ends, kind.value] = (*ends, kind.value, scope_id, Confidence.DECLARED.value, detail)
        self.insert_edges(nodes, [edges[ends] for ends in sorted(edges)])

    def insert_edges(self, nodes: dict[int, Node], edges: Sequence[Row]) -> None:
        """Write edges (child, parent, kind, scope, confidence, detail) and the nodes at their ends, where missing."""
        rows = [(n, node.kind.value, node.registry, node.name, node.key) for n, node in sorted(nodes.items())]
        said = "INSERT INTO node (id, kind, registry, name, key) VALUES (?,?,?,?,?) ON CONFLICT DO NOTHING"
        self._database.many(said, rows)
        said = (
            "INSERT INTO edge (child, parent, kind, scope_id, confidence, detail) VALUES (?,?,?,?,?,?) "
            "ON CONFLICT (child, parent, kind, scope_id) "
            "DO UPDATE SET confidence = excluded.confidence, detail = excluded.detail"
        )
        self._database.many(said, edges)

    def remove(self, ids: Sequence[int]) -> None:
        """Remove versions with all that belongs to them: facts are made again from the documents to be found."""
        for some in chunks(ids, 500):
            self._drop_facts(some)
            self._drop_edges(some)
            self._database.drop_words(some)
            for table, column in (("file", "version_id"), ("version", "id")):
                self._database.run(f"DELETE FROM {table} WHERE {column} IN ({marks(len(some))})", some)

    def _drop_facts(self, ids: Sequence[int]) -> None:
        sql = f"SELECT id, name, author, params, metrics, tags, detail FROM version WHERE id IN ({marks(len(ids))})"
        facts = Facts()
        for number, name, author, *said in self._database.run(sql, ids):
            facts.row(number, name, author, Documents(*said))
        for number, path in self._database.run(
            f"SELECT version_id, path FROM file WHERE version_id IN ({marks(len(ids))})", ids
        ):
            facts.files(number, [path])
        for table, by_key in (("fact_num", facts.numbers), ("fact_txt", facts.texts)):
            where = "key_id=? AND value=? AND version_id=?"
            self._database.many(f"DELETE FROM {table} WHERE {where}", self._sorted(by_key))

    def _drop_edges(self, ids: Sequence[int]) -> None:
        """Remove what a version says of itself; what registries say of it is theirs to take back."""
        nodes = [
            node_id(Node(NodeKind.VERSION, *row)) for row in self._database.run(f"{_NAMES} ({marks(len(ids))})", ids)
        ]
        where = f"child IN ({marks(len(nodes))}) AND kind IN ('trained_on','built_from')"
        if nodes:
            self.loose.update(nodes)
            self.loose.update(row[0] for row in self._database.run(f"SELECT parent FROM edge WHERE {where}", nodes))
            self._database.run(f"DELETE FROM edge WHERE {where}", nodes)

    def drop_loose_nodes(self) -> None:
        """Remove the nodes at which the edges ended that were removed, where none ends there now."""
        for some in chunks(self.loose, 500):
            free = " AND ".join(f"NOT EXISTS (SELECT 1 FROM edge WHERE {end} = node.id)" for end in ("child", "parent"))
            self._database.run(f"DELETE FROM node WHERE id IN ({marks(len(some))}) AND {free}", some)
        self.loose.clear()

    def move(self, ids: Sequence[int], scope_id: int) -> None:
        """Give unchanged versions to another scope, with their own edges."""
        for some in chunks(ids, 500):
            within = marks(len(some))
            self._database.run(f"UPDATE version SET scope_id=? WHERE id IN ({within})", [scope_id, *some])
            nodes = [node_id(Node(NodeKind.VERSION, *row)) for row in self._database.run(f"{_NAMES} ({within})", some)]
            sql = "UPDATE edge SET scope_id=? WHERE child=? AND kind IN ('trained_on','built_from')"
            self._database.many(sql, [(scope_id, node) for node in nodes])
