"""One completed scope into the index, with the rules of `model.records.Complete`.

What the scope says belongs to it from then on. A full scope then sweeps what is its own and was not said; a scope with
`delta` keeps it, but for what it says again: a version said again brings all its edges of this scope with it, and an
unreadable place said again replaces what was said of it before.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from lineal.index.database import Database, chunks, marks
from lineal.index.identity import node_id
from lineal.index.ids import Ids
from lineal.index.spool import Spool
from lineal.index.statements import Statements
from lineal.index.versions import BATCH, Identity, Tables, digest, version_node
from lineal.model.records import Alias, AliasMove, Complete, Edge, Gone, Model, Node, NodeKind, Problem
from lineal.model.version import Version

_encode = msgspec.json.Encoder().encode


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """What a scope changed, in versions."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0

    def __add__(self, other: Applied) -> Applied:
        """Return the sums."""
        return Applied(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})


class Interrupted(Exception):
    """A scope was given up half-way because the sync was cancelled."""


class ScopeWriter:
    """Applies one scope within the transaction that the caller holds. Used once."""

    def __init__(
        self,
        database: Database,
        ids: Ids,
        registry_id: int,
        complete: Complete,
        cancel: threading.Event | None = None,
    ) -> None:
        self._cancel = cancel or threading.Event()
        self._database = database
        self._ids = ids
        self._registry_id = registry_id
        self._complete = complete
        self._scope_id = ids.scope(registry_id, complete.scope)
        self._tables = Tables(database, ids)
        self._statements = Statements(database, ids, self._tables, registry_id, self._scope_id)
        self._pending: dict[Identity, tuple[bytes, Version]] = {}
        self._seen: set[int] = set()
        self._said: set[int] = set()  # models
        self._touched: set[int] = set()  # models
        self._counts = {"added": 0, "changed": 0, "removed": 0, "unchanged": 0}

    def apply(self, spool: Spool) -> Applied:
        """Write all that the scope said and sweep what it no longer says."""
        take: dict[type, Callable[[Any], None]] = {
            Model: self._model,
            Gone: self._gone,
            Alias: self._statements.alias,
            AliasMove: self._statements.move,
            Edge: self._statements.edge,
            Problem: self._statements.problem,
        }
        for record, raw in spool:
            if type(record) is Version:
                self._version(record, raw)
            else:
                take[type(record)](record)
        self._finish()
        return Applied(**self._counts)

    def _finish(self) -> None:
        self._flush()
        if not self._complete.delta:
            self._sweep_versions()
            self._sweep_models()
        self._statements.write(delta=self._complete.delta)
        self._tables.drop_loose_nodes()
        finish_models(self._database, self._ids, self._registry_id, self._touched | self._statements.models)
        self._database.run("UPDATE scope SET cursor=? WHERE id=?", (self._complete.cursor, self._scope_id))

    # What is said

    def _version(self, version: Version, raw: bytes) -> None:
        model_id = self._ids.model(self._registry_id, version.model)
        self._pending[model_id, version.key] = (digest(raw), version)
        self._touched.add(model_id)
        if self._complete.delta:
            self._statements.again.add(node_id(version_node(version)))
        if len(self._pending) >= BATCH:
            self._flush()

    def _model(self, model: Model) -> None:
        model_id = self._ids.model(self._registry_id, model.name)
        tags = _encode({tag.key: tag.value for tag in model.tags}).decode()
        sql = "UPDATE model SET scope_id=?, description=?, tags=? WHERE id=?"
        self._database.run(sql, (self._scope_id, model.description, tags, model_id))
        self._said.add(model_id)
        self._touched.add(model_id)

    def _gone(self, gone: Gone) -> None:
        model_id = self._ids.models(self._registry_id).get(gone.model)
        if model_id is None:
            return
        identity = (model_id, gone.key)
        if identity in self._pending:
            self._flush()
        self._statements.again.add(node_id(Node(NodeKind.VERSION, gone.registry, gone.model, gone.key)))
        self._remove([value[0] for value in self._tables.stored([identity]).values()])

    # Versions

    def _flush(self) -> None:
        if self._cancel.is_set():
            raise Interrupted
        batch, self._pending = self._pending, {}
        stored = self._tables.stored(batch)
        rows, replaced, moved = [], [], []
        for identity, (mark, version) in batch.items():
            number, old, scope_id = stored.get(identity) or (self._ids.fresh("version"), None, 0)
            self._seen.add(number)
            if old == mark:
                self._counts["unchanged"] += 1
                moved += [number] if scope_id != self._scope_id else []
                continue
            self._counts["added" if old is None else "changed"] += 1
            replaced += [] if old is None else [number]
            rows.append((number, identity, mark, version))
        self._tables.remove(replaced)
        self._tables.insert(rows, self._scope_id)
        self._tables.move(moved, self._scope_id)
        self._statements.renamed |= self._aliased(row[1] for row in rows)

    def _aliased(self, identities: Iterable[Identity]) -> set[Identity]:
        """Return those of the versions that aliases, said by this or another scope before, point at."""
        wanted = set(identities)
        targets: set[Identity] = set()
        for some in chunks({model_id for model_id, _ in wanted}, 500):
            sql = f"SELECT model_id, key FROM alias WHERE model_id IN ({marks(len(some))})"
            targets.update((row[0], row[1]) for row in self._database.run(sql, some))
        return targets & wanted

    def _remove(self, ids: Sequence[int]) -> None:
        for some in chunks(ids, 500):
            sql = f"SELECT DISTINCT model_id FROM version WHERE id IN ({marks(len(some))})"
            self._touched.update(row[0] for row in self._database.run(sql, some))
        self._tables.remove(ids)
        self._seen.difference_update(ids)
        self._counts["removed"] += len(ids)

    def _sweep_versions(self) -> None:
        own = self._database.run("SELECT id FROM version WHERE scope_id=?", (self._scope_id,))
        self._remove([row[0] for row in own if row[0] not in self._seen])

    def _sweep_models(self) -> None:
        before = self._database.run("SELECT id FROM model WHERE scope_id=?", (self._scope_id,))
        silent = {row[0] for row in before} - self._said
        unsay_models(self._database, silent)
        self._touched |= silent


def unsay_models(database: Database, ids: Iterable[int]) -> None:
    """Forget what was said of models themselves; their versions and aliases may keep them."""
    sql = "UPDATE model SET scope_id=NULL, description='', tags='{}' WHERE id=?"
    database.many(sql, [(number,) for number in ids])


def finish_models(database: Database, ids: Ids, registry_id: int, touched: Iterable[int]) -> None:
    """Count the versions of models that were touched, and drop those that nothing speaks of any more."""
    for some in chunks(touched, 500):
        within = marks(len(some))
        database.run(
            "UPDATE model SET versions = (SELECT count(*) FROM version v WHERE v.model_id = model.id), "
            f"newest_at = (SELECT max(v.created_at) FROM version v WHERE v.model_id = model.id) WHERE id IN ({within})",
            some,
        )
        silent = " AND ".join(
            f"NOT EXISTS (SELECT 1 FROM {table} t WHERE t.model_id = model.id)" for table in ("alias", "alias_move")
        )
        where = f"id IN ({within}) AND versions = 0 AND scope_id IS NULL AND {silent}"
        ids.drop_models(registry_id, [row[0] for row in database.run(f"SELECT name FROM model WHERE {where}", some)])
        database.run(f"DELETE FROM model WHERE {where}", some)
