"""Private ids: looked up once, remembered while one writer lives, handed out in order.

Only the holder of the index's lock writes, so that the next free id is known without asking the database each time.
After a rollback everything here must be forgotten.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from lineal.index import facts
from lineal.index.database import Database
from lineal.index.folding import FactKind
from lineal.index.identity import bounded
from lineal.model.version import Environment

_encode = msgspec.json.Encoder().encode


class Ids:
    """The ids of registries, scopes, models, keys and environments; missing ones are made."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.forget()

    def forget(self) -> None:
        """Forget everything, because a transaction was rolled back or another writer was at work."""
        self._next: dict[str, int] = {}
        self._keys: dict[tuple[str, str], int] | None = None
        self._models: dict[int, dict[str, int]] = {}
        self._environments: dict[bytes, int] = {}

    def fresh(self, table: str) -> int:
        """Return the next free id of `table`."""
        if table not in self._next:
            self._next[table] = self._database.run(f"SELECT max(id) FROM {table}")[0][0] or 0
        self._next[table] += 1
        return self._next[table]

    def registry(self, name: str) -> int | None:
        """Return the id of a registry that the index knows."""
        found = self._database.run("SELECT id FROM registry WHERE name=?", (name,))
        return int(found[0][0]) if found else None

    def scope(self, registry_id: int, name: str) -> int:
        """Return the id of a scope."""
        where = "SELECT id FROM scope WHERE registry_id=? AND name=?"
        if found := self._database.run(where, (registry_id, name)):
            return int(found[0][0])
        new = self.fresh("scope")
        self._database.run("INSERT INTO scope (id, registry_id, name) VALUES (?,?,?)", (new, registry_id, name))
        return new

    def models(self, registry_id: int) -> dict[str, int]:
        """Return the models of a registry by name; the caller may not change it."""
        if registry_id not in self._models:
            rows = self._database.run("SELECT name, id FROM model WHERE registry_id=?", (registry_id,))
            self._models[registry_id] = dict(rows)
        return self._models[registry_id]

    def model(self, registry_id: int, name: str) -> int:
        """Return the id of a model."""
        known = self.models(registry_id)
        if name not in known:
            new = self.fresh("model")
            self._database.run("INSERT INTO model (id, registry_id, name) VALUES (?,?,?)", (new, registry_id, name))
            known[name] = new
        return known[name]

    def drop_models(self, registry_id: int, names: list[str]) -> None:
        """Forget models whose rows were deleted."""
        for name in names:
            self.models(registry_id).pop(name, None)

    def key(self, kind: FactKind, name: str) -> int:
        """Return the id of a key; a name too long for an index is cut (see `bounded`)."""
        if self._keys is None:
            rows = self._database.run("SELECT id, kind, name FROM key")
            self._keys = {(kind, name): number for number, kind, name in rows}
        found = self._keys.get((kind, name))
        return self._new_key(kind, bounded(name)) if found is None else found

    def _new_key(self, kind: FactKind, name: str) -> int:
        assert self._keys is not None
        if (kind, name) not in self._keys:
            new = self.fresh("key")
            self._database.run("INSERT INTO key (id, kind, name) VALUES (?,?,?)", (new, kind.value, name))
            self._keys[kind, name] = new
        return self._keys[kind, name]

    def environment(self, environment: Environment) -> int:
        """Return the id of an environment, whose document and facts are written once."""
        document = _encode(environment)
        digest = blake2b(document, digest_size=16).digest()
        if digest not in self._environments:
            found = self._database.run("SELECT id FROM environment WHERE digest=?", (digest,))
            self._environments[digest] = found[0][0] if found else self._new_environment(environment, document, digest)
        return self._environments[digest]

    def _new_environment(self, environment: Environment, document: bytes, digest: bytes) -> int:
        new = self.fresh("environment")
        insert = "INSERT INTO environment (id, digest, document) VALUES (?,?,?)"
        self._database.run(insert, (new, digest, document.decode()))
        said = {(self.key(FactKind.ENV, name), value, new) for name, value in facts.of_environment(environment)}
        self._database.load("env_fact", ("key_id", "value", "environment_id"), sorted(said))
        return new
