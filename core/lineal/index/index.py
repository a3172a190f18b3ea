"""The index as its readers see it. Everything here is derived: delete the file, sync, and the same rows come back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from lineal.errors import NotFound
from lineal.index import completion, document, edges, resolving
from lineal.index.document import Documents
from lineal.index.engine import Engine, listed, opened
from lineal.index.rows import Rows
from lineal.model.listing import AliasHistory, ModelRow, Neighbour, ProblemRow, RegistryRow, Sort, VersionRow
from lineal.model.records import Alias, AliasKind, AliasMove, Node, NodeKind
from lineal.model.reference import Reference
from lineal.model.version import Algorithm, Digest, Environment, File, Place, Version

_FILE = "f.path, f.size, f.stored, f.algorithm, f.hex, f.place, f.location, f.local"
_HASHES = (
    ("md5", Algorithm.MD5),
    ("sha256", Algorithm.SHA256),
    ("git_sha1", Algorithm.GIT_SHA1),
    ("blake3", Algorithm.BLAKE3),
)
_PLAIN = {kind: kind for _, kind in _HASHES} | {Algorithm.MD5_DOS2UNIX: Algorithm.MD5}  # the same for binary files


def open_reader(url_or_path: str, clock: Callable[[], float]) -> Index:
    """Open an index for reading; `clock` gives Unix seconds, for relative dates. Raises ConfigError, MissingExtra."""
    return Index(opened(url_or_path), clock)


class Index:
    """Read access; `lineal.index.open_index(url_or_path)` makes one. Methods may be called from any thread."""

    def __init__(self, engine: Engine, clock: Callable[[], float]) -> None:
        self._engine = engine
        self._clock = clock

    def rows(self, query: str = "", sort: Sort | None = None) -> Rows:
        """Return the versions that match `query`. Raises QueryError pointing at the wrong word."""
        return Rows(self._engine, query, sort, self._clock())

    def models(self, query: str = "") -> list[ModelRow]:
        """Return the models (with counts), by registry and name; with a query, those with a matching version."""
        counts = self._matching(query) if query.strip() else None
        sql = (
            "SELECT r.name, m.name, m.versions, m.newest_at, m.description, m.id FROM model m "
            "JOIN registry r ON r.id = m.registry_id ORDER BY r.name, m.name"
        )
        return [
            ModelRow(
                registry=row[0],
                model=row[1],
                versions=row[2] if counts is None else counts[row[5]],
                newest_at=row[3],
                description=row[4],
            )
            for row in self._engine.rows(sql)
            if counts is None or row[5] in counts
        ]

    def _matching(self, query: str) -> dict[int, int]:
        """Return how many versions of each model match."""
        from collections import Counter

        rows = self.rows(query)
        rows.measure()
        counts: Counter[int] = Counter()
        for start in range(0, rows.count, 5_000):
            chosen = {"ids": listed(self._engine, rows.ids(start, start + 5_000))}
            sql = f"SELECT model_id, count(*) FROM version WHERE id IN {self._engine.within('ids')} GROUP BY model_id"
            counts.update(dict(self._engine.rows(sql, chosen)))
        return counts

    def registries(self) -> list[RegistryRow]:
        """Return every registry the index has seen, by name."""
        sql = (
            "SELECT r.name, r.kind, r.url, r.origin, r.synced_at, r.error, r.hint, r.fingerprint, "
            "(SELECT count(*) FROM model m WHERE m.registry_id = r.id), "
            "(SELECT coalesce(sum(m.versions), 0) FROM model m WHERE m.registry_id = r.id), "
            "(SELECT count(*) FROM problem p WHERE p.registry_id = r.id) FROM registry r ORDER BY r.name"
        )
        return [
            RegistryRow(
                name=row[0],
                kind=row[1],
                url=row[2],
                origin=row[3],
                synced_at=row[4],
                error=row[5],
                hint=row[6],
                fingerprint=row[7],
                models=row[8],
                versions=int(row[9]),
                problems=row[10],
            )
            for row in self._engine.rows(sql)
        ]

    def problems(self, registry: str = "") -> list[ProblemRow]:
        """Return what could not be read, of one registry or all."""
        sql = (
            "SELECT r.name, p.place, p.message, p.hint FROM problem p JOIN registry r ON r.id = p.registry_id "
            "WHERE :registry IN ('', r.name) ORDER BY r.name, p.place, p.message"
        )
        rows = self._engine.rows(sql, {"registry": registry})
        return [ProblemRow(registry=row[0], where=row[1], message=row[2], hint=row[3]) for row in rows]

    def version(self, row_id: int) -> Version:
        """Return the whole version. Raises NotFound."""
        sql = (
            "SELECT r.name, m.name, v.key, v.name, v.kind, v.state, v.number, v.created_at, v.author, v.message, "
            "v.params, v.metrics, v.tags, v.detail, e.document FROM version v JOIN model m ON m.id = v.model_id "
            "JOIN registry r ON r.id = m.registry_id LEFT JOIN environment e ON e.id = v.environment_id "
            "WHERE v.id = :id"
        )
        rows = self._engine.rows(sql, {"id": row_id})
        if not rows:
            raise NotFound("that version is no longer in the index", hint="it was removed by a sync; look it up again")
        return _whole(rows[0], self._files(row_id))

    def _files(self, row_id: int) -> tuple[File, ...]:
        sql = f"SELECT {_FILE} FROM file f WHERE f.version_id = :id ORDER BY f.position"
        return tuple(_file(*row) for row in self._engine.rows(sql, {"id": row_id}))

    def digests(self, file: File) -> frozenset[Digest]:
        """Return every hash that is known of a file's bytes: its own, and those that fingerprinting found."""
        if file.digest is None:
            return frozenset()
        column = next((name for name, kind in _HASHES if kind is _PLAIN.get(file.digest.algorithm)), "")
        if not column:
            return frozenset({file.digest})
        columns = ", ".join(name for name, _ in _HASHES)
        rows = self._engine.rows(f"SELECT {columns} FROM content WHERE {column} = :hex", {"hex": file.digest.hex})
        known = {Digest(kind, value) for row in rows for (_, kind), value in zip(_HASHES, row, strict=True) if value}
        return frozenset({file.digest, *known})

    def resolve(self, reference: Reference) -> VersionRow:
        """Find the one version that a reference names. Raises NotFound, Conflict (lists all)."""
        return resolving.resolve(self._engine, reference)

    def find(self, registry: str, model: str, key: str) -> VersionRow | None:
        """Return the version of that identity, if the index holds it."""
        node = Node(NodeKind.VERSION, registry, model, key)
        return edges.find_versions(self._engine, [node]).get(node)

    def current_id(self, registry: str, model: str, key: str) -> int | None:
        """Return the row of that identity as it is numbered now, without reading what stands in it."""
        return edges.version_id(self._engine, Node(NodeKind.VERSION, registry, model, key))

    def aliases(self, registry: str) -> list[Alias]:
        """Return every alias of a registry, by model and name."""
        sql = (
            "SELECT m.name, a.name, a.key, a.kind, a.set_at, a.set_by FROM alias a JOIN model m ON m.id = a.model_id "
            "JOIN registry r ON r.id = m.registry_id WHERE r.name = :registry ORDER BY m.name, a.name, a.kind"
        )
        return [
            Alias(registry=registry, model=model, name=n, key=k, kind=AliasKind(kind), set_at=at, set_by=by)
            for model, n, k, kind, at, by in self._engine.rows(sql, {"registry": registry})
        ]

    def history(self, registry: str, model: str) -> AliasHistory:
        """Return the aliases of a model and their recorded moves."""
        where = (
            "JOIN model m ON m.id = a.model_id JOIN registry r ON r.id = m.registry_id "
            "WHERE r.name = :registry AND m.name = :model"
        )
        chosen = {"registry": registry, "model": model}
        sql = f"SELECT a.name, a.key, a.kind, a.set_at, a.set_by FROM alias a {where} ORDER BY a.name, a.kind"
        aliases = [
            Alias(registry=registry, model=model, name=n, key=k, kind=AliasKind(kind), set_at=at, set_by=by)
            for n, k, kind, at, by in self._engine.rows(sql, chosen)
        ]
        sql = f"SELECT a.name, a.before, a.after, a.at, a.by FROM alias_move a {where} ORDER BY a.at, a.name"
        moves = [
            AliasMove(registry=registry, model=model, name=n, before=before, after=after, at=at, by=by)
            for n, before, after, at, by in self._engine.rows(sql, chosen)
        ]
        return AliasHistory(aliases=tuple(aliases), moves=tuple(moves))

    def parents(self, nodes: Sequence[Node]) -> dict[Node, list[Neighbour]]:
        """Return the edges from each node to its parents, data sets and code, and copies (proved by equal bytes)."""
        return edges.parents(self._engine, nodes)

    def children(self, nodes: Sequence[Node], limit: int = 200) -> dict[Node, list[Neighbour]]:
        """Return the edges from each node to its children, at most `limit` each, newest first."""
        return edges.children(self._engine, nodes, limit)

    def keys(self, kind: str, prefix: str = "", limit: int = 50) -> list[str]:
        """Return names in use, for completion: kind is metric, param, tag, env, model, alias, author, registry."""
        return completion.keys(self._engine, kind, prefix, limit)

    def values(self, field: str, prefix: str = "", limit: int = 50) -> list[str]:
        """Return values that a field takes, for completion."""
        return completion.values(self._engine, field, prefix, limit)

    def close(self) -> None:
        """Close all connections."""
        self._engine.close()


def _whole(row: Sequence[Any], files: tuple[File, ...]) -> Version:
    registry, model, key, name, kind, state, number, created_at, author, message, *said, environment = row
    return document.decode(
        Documents(*said),
        registry=registry,
        model=model,
        key=key,
        name=name,
        kind=kind,
        state=state,
        number=number,
        created_at=created_at,
        author=author,
        message=message,
        environment=_environment(environment),
        files=files,
    )


def _environment(said: str | None) -> Environment | None:
    return document.environment(said) if said is not None else None


def _file(
    path: str,
    size: int | None,
    stored: int | None,
    algorithm: str,
    hexed: str,
    place: str,
    location: str,
    local: str,
) -> File:
    digest = Digest(Algorithm(algorithm), hexed) if hexed else None
    return File(path=path, size=size, stored=stored, digest=digest, place=Place(place), location=location, local=local)
