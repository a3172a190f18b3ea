"""Neighbours in the lineage: edges as they were said, names of models resolved, and copies proved by equal bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lineal.index.database import Row
from lineal.index.engine import Engine, listed
from lineal.index.identity import bounded, node_id
from lineal.index.rows import rows_of
from lineal.model.listing import Neighbour, VersionRow
from lineal.model.records import Confidence, EdgeKind, Node, NodeKind

_COPIES = 50  # versions with the same bytes that are looked at, for one version
_LOOKED_AT = 20  # times as many children are looked at as are shown
_SMALL = 4096  # bytes: smaller files are weights only if their name says so
_WEIGHTS = (
    *(".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".gguf", ".onnx", ".h5", ".keras", ".pkl", ".pickle", ".joblib"),
    *(".pb", ".tflite", ".skops", ".cbm", ".ubj", ".msgpack", ".npz"),
)
_NOTES = (".json", ".txt", ".md", ".yaml", ".yml", ".csv", ".log", ".py", ".model", ".tsv", ".toml")
_HASHES = ("md5", "sha256", "git_sha1", "blake3")


def parents(engine: Engine, nodes: Sequence[Node]) -> dict[Node, list[Neighbour]]:
    """Return the edges from each node to its parents, data sets and code, and to older copies."""
    found = _edges(engine, nodes, "child", "parent", 0)
    return _with_copies(engine, nodes, found, older=True)


def children(engine: Engine, nodes: Sequence[Node], limit: int) -> dict[Node, list[Neighbour]]:
    """Return the edges from each node to its children and to newer copies, the newest `limit` of each."""
    found = _edges(engine, nodes, "parent", "child", limit)
    for node, more in _through_names(engine, nodes, limit).items():
        known = {(one.node, one.kind) for one in found[node]}
        found[node] += [one for one in more if (one.node, one.kind) not in known]
    found = _with_copies(engine, nodes, found, older=False)
    return {node: sorted(some, key=_newest, reverse=True)[:limit] for node, some in found.items()}


def _newest(neighbour: Neighbour) -> tuple[float, Node]:
    at = neighbour.version.created_at if neighbour.version else None
    return (at if at is not None else float("-inf"), neighbour.node)


def _edges(engine: Engine, nodes: Sequence[Node], here: str, there: str, limit: int) -> dict[Node, list[Neighbour]]:
    ids = {node_id(_stored(node)): node for node in nodes}
    sql = (
        f"SELECT e.{here}, n.kind, n.registry, n.name, n.key, e.kind, e.confidence, e.detail, v.id, v.created_at "
        f"FROM edge e JOIN node n ON n.id = e.{there} {_ITS_VERSION} "
        f"WHERE e.{here} IN {engine.within('ids')} ORDER BY e.{here}, e.{there}"
    )
    chosen = {"ids": listed(engine, list(ids))}
    if limit:  # a data set may have a million children: so many are looked at, and the newest of them are shown
        sql, chosen = f"{sql} LIMIT :most", {**chosen, "most": limit * _LOOKED_AT * len(ids)}
    rows = engine.rows(sql, chosen)
    if limit:
        rows = [row for number in ids for row in _newest_of([row for row in rows if row[0] == number], limit)]
    return _resolved(engine, nodes, [(ids[row[0]], *row[1:9]) for row in rows])


def _newest_of(rows: list[Row], limit: int) -> list[Row]:
    return sorted(rows, key=lambda row: float("-inf") if row[9] is None else row[9], reverse=True)[:limit]


def _stored(node: Node) -> Node:
    """Return a node as the index names it: long names of data and code are cut there."""
    if node.kind in (NodeKind.DATASET, NodeKind.CODE):
        return Node(node.kind, node.registry, bounded(node.name), bounded(node.key))
    return node


def _resolved(engine: Engine, nodes: Sequence[Node], rows: Iterable[Row]) -> dict[Node, list[Neighbour]]:
    edges = [(row[0], Node(NodeKind(row[1]), *row[2:5]), *row[5:]) for row in rows]
    found: dict[Node, list[Neighbour]] = {node: [] for node in nodes}
    versions = _found(engine, _meant(engine, edges))
    for node, other, kind, confidence, detail, _ in edges:
        near = Neighbour(
            node=other,
            kind=EdgeKind(kind),
            confidence=Confidence(confidence),
            detail=detail,
            version=versions.get(other),
        )
        found[node].append(near)
    return found


def _meant(engine: Engine, edges: Iterable[Row]) -> dict[Node, int]:
    """Return the ids of the versions that the other ends of edges are, or that their names mean."""
    ids: dict[Node, int] = {}
    for _, other, _, _, _, number in edges:
        if number is not None:
            ids[other] = number
        elif other.kind is NodeKind.MODEL and (found := _named(engine, other.name, other.key)):
            ids[other] = found[0][0]
    return ids


def _found(engine: Engine, ids: dict[Node, int]) -> dict[Node, VersionRow]:
    rows = {row.id: row for row in rows_of(engine, sorted(set(ids.values())))}
    return {node: rows[number] for node, number in ids.items() if number in rows}


def version_id(engine: Engine, node: Node) -> int | None:
    """Return the number of the row that a node is, if the index holds it."""
    found = engine.rows(_BY_IDENTITY, {"registry": node.registry, "model": node.name, "key": node.key})
    return int(found[0][0]) if found else None


def find_versions(engine: Engine, nodes: Iterable[Node]) -> dict[Node, VersionRow]:
    """Return the versions that nodes are, or that models' names mean: by revision, else `main`, else the newest."""
    ids: dict[Node, int] = {}
    for node in sorted(nodes):
        if node.kind is NodeKind.VERSION:
            found = engine.rows(_BY_IDENTITY, {"registry": node.registry, "model": node.name, "key": node.key})
        elif node.kind is NodeKind.MODEL:
            found = _named(engine, node.name, node.key)
        else:
            continue
        if found:
            ids[node] = found[0][0]
    return _found(engine, ids)


_ITS_VERSION = (
    "LEFT JOIN registry r ON r.name = n.registry AND n.kind = 'version' LEFT JOIN model m ON m.registry_id = r.id "
    "AND m.name = n.name LEFT JOIN version v ON v.model_id = m.id AND v.key = n.key"
)
_BY_IDENTITY = (
    "SELECT v.id FROM version v JOIN model m ON m.id = v.model_id JOIN registry r ON r.id = m.registry_id "
    "WHERE r.name = :registry AND m.name = :model AND v.key = :key"
)
_NEWEST = "ORDER BY CASE WHEN v.created_at IS NULL THEN 1 ELSE 0 END, v.created_at DESC, v.id DESC LIMIT 1"


def _named(engine: Engine, name: str, revision: str) -> list[Row]:
    models = [row[0] for row in engine.rows("SELECT id FROM model WHERE name = :name ORDER BY id", {"name": name})]
    if not models:
        return []
    among = ", ".join(map(str, models))
    start = f"SELECT v.id FROM version v WHERE v.model_id IN ({among})"
    if revision:
        rows = engine.rows(f"{start} AND (v.key = :said OR v.name = :said) {_NEWEST}", {"said": revision})
        return rows or _aliased(engine, among, revision)
    dated = f"{start} AND v.created_at IS NOT NULL ORDER BY v.created_at DESC, v.id DESC LIMIT 1"
    return _aliased(engine, among, "main") or engine.rows(dated) or engine.rows(f"{start} {_NEWEST}")


def _aliased(engine: Engine, models: str, alias: str) -> list[Row]:
    joined = "JOIN alias a ON a.model_id = v.model_id AND a.key = v.key"
    sql = f"SELECT v.id FROM version v {joined} WHERE v.model_id IN ({models}) AND a.name = :alias {_NEWEST}"
    return engine.rows(sql, {"alias": alias})


def _through_names(engine: Engine, nodes: Sequence[Node], limit: int) -> dict[Node, list[Neighbour]]:
    """Return the children of versions that named their parent's model, where that name means this very version."""
    found: dict[Node, list[Neighbour]] = {}
    for node in nodes:
        if node.kind is not NodeKind.VERSION:
            continue
        sql = "SELECT kind, registry, name, key FROM node WHERE kind <> 'version' AND kind = 'model' AND name = :name"
        named = [Node(NodeKind(row[0]), *row[1:]) for row in engine.rows(sql, {"name": node.name})]
        meant = find_versions(engine, named)
        mine = [
            one for one in named if (row := meant.get(one)) and _identity(row) == (node.registry, node.name, node.key)
        ]
        if mine:
            near = _edges(engine, mine, "parent", "child", limit)
            found[node] = [one for some in near.values() for one in some]
    return found


def _identity(row: VersionRow) -> tuple[str, str, str]:
    return row.registry, row.model, row.key


# --- copies ---


def _with_copies(
    engine: Engine, nodes: Sequence[Node], found: dict[Node, list[Neighbour]], *, older: bool
) -> dict[Node, list[Neighbour]]:
    versions = find_versions(engine, [node for node in nodes if node.kind is NodeKind.VERSION])
    for node, row in versions.items():
        declared = {(one.version.id, one.kind) for one in found[node] if one.version}
        for other, path in _copies(engine, row):
            if _is_older(other, row) is not older:
                continue
            if (other.id, EdgeKind.COPIED) in declared:  # what was declared is proved now
                found[node] = [one for one in found[node] if not _is_copy(one, other)]
            found[node].append(_proved(other, path))
    return found


def _is_copy(neighbour: Neighbour, row: VersionRow) -> bool:
    return neighbour.kind is EdgeKind.COPIED and neighbour.version is not None and neighbour.version.id == row.id


def _proved(row: VersionRow, path: str) -> Neighbour:
    node = Node(NodeKind.VERSION, row.registry, row.model, row.key)
    detail = f"the same bytes: {path}"
    return Neighbour(node=node, kind=EdgeKind.COPIED, confidence=Confidence.PROVED, detail=detail, version=row)


def _is_older(one: VersionRow, other: VersionRow) -> bool:
    """Say which of two copies came first; of the same age, or unknown, the first by name."""

    def when(row: VersionRow) -> tuple[float, tuple[str, str, str]]:
        return (row.created_at if row.created_at is not None else float("inf"), _identity(row))

    return when(one) < when(other)


def _copies(engine: Engine, row: VersionRow) -> list[tuple[VersionRow, str]]:
    """Return the versions of other models with a file of weights whose bytes are those of one here, and its path."""
    sql = "SELECT path, size, algorithm, hex, content_id FROM file WHERE version_id = :id ORDER BY position"
    files = [file for file in engine.rows(sql, {"id": row.id}) if is_weights(file[0], file[1])]
    found: dict[int, str] = {}
    for path, _, algorithm, digest, content in files[:_COPIES]:
        for number in _holders(engine, algorithm, digest, content):
            found.setdefault(number, path)
    found.pop(row.id, None)
    others = rows_of(engine, sorted(found)[:_COPIES])
    return [(other, found[other.id]) for other in others if (other.registry, other.model) != (row.registry, row.model)]


def is_weights(path: str, size: int | None) -> bool:
    """Say whether equal bytes of such a file mean that one model is a copy of another."""
    name = path.lower()
    if name.endswith(_WEIGHTS):
        return size is None or size > 0
    return not name.endswith(_NOTES) and size is not None and size >= _SMALL


def _holders(engine: Engine, algorithm: str, digest: str, content: int | None) -> list[int]:
    hashes = _known(engine, algorithm, digest, content)
    if not hashes:
        return []
    among = engine.within("hashes", str)
    sql = f"SELECT version_id FROM file WHERE hex <> '' AND hex IN {among}"
    numbers = [row[0] for row in engine.rows(f"{sql} LIMIT 200", {"hashes": listed(engine, sorted(hashes))})]
    columns = " OR ".join(f"{column} IN {among}" for column in _HASHES)
    sql = f"SELECT f.version_id FROM file f WHERE f.content_id IN (SELECT id FROM content WHERE {columns}) LIMIT 200"
    numbers += [row[0] for row in engine.rows(sql, {"hashes": listed(engine, sorted(hashes))})]
    return numbers


def _known(engine: Engine, algorithm: str, digest: str, content: int | None) -> set[str]:
    """Return every hash that is known of a file's bytes."""
    hashes = {digest} - {""}
    if content is not None:
        rows = engine.rows(f"SELECT {', '.join(_HASHES)} FROM content WHERE id = :id", {"id": content})
    elif column := {
        "md5": "md5",
        "md5-dos2unix": "md5",
        "sha256": "sha256",
        "git-sha1": "git_sha1",
        "blake3": "blake3",
    }.get(algorithm):
        rows = engine.rows(f"SELECT {', '.join(_HASHES)} FROM content WHERE {column} = :hex", {"hex": digest})
    else:
        rows = []
    return hashes.union(*rows) - {""}
