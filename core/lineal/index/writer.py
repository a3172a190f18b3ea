"""The one writer of an index: registries, their scans scope by scope, and what is swept with them."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import msgspec

from lineal.config import RegistrySpec
from lineal.errors import IndexUnavailable
from lineal.index.clean import cleaned, text
from lineal.index.database import Database, chunks, marks
from lineal.index.ids import Ids
from lineal.index.scopes import Applied, Interrupted, ScopeWriter
from lineal.index.spool import Spool
from lineal.index.statements import write_problems
from lineal.model.records import Complete, Problem

__all__ = ["COMMIT_EVERY", "Applied", "Interrupted", "Memo", "Writer"]

COMMIT_EVERY = 2_000  # records of whole scopes that may share one commit


class Memo(msgspec.Struct, frozen=True):
    """What an index remembers of a registry: its versions (None before its first whole scan), and its fingerprint.

    The fingerprint is None where the last scan failed, so that nothing is skipped.
    """

    versions: int | None
    fingerprint: str | None


class Writer:
    """Writes an index. One thread uses it at a time, and it alone writes: the caller holds the index's lock.

    Whole scopes become visible at `commit`; a scope that fails leaves nothing of itself.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._ids = Ids(database)
        self._open = False
        self._pending = 0  # records since the last commit

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()
        self.close()

    def begin(self) -> None:
        """Open a transaction unless one is open."""
        if not self._open:
            self.database.begin()
            self._open = True

    def commit(self) -> None:
        """Commit what is pending."""
        if self._open:
            self.database.commit()
            self._open, self._pending = False, 0

    def rollback(self) -> None:
        """Forget what is pending."""
        self._open, self._pending = False, 0
        self._ids.forget()
        self.database.rollback()

    def close(self) -> None:
        """Let go; what was not committed is lost."""
        self.database.close()

    def cursors(self, registry: str) -> dict[str, str]:
        """Return the cursor of each scope of a registry; empty for one not seen yet."""
        sql = "SELECT s.name, s.cursor FROM scope s JOIN registry r ON r.id = s.registry_id WHERE r.name=?"
        return dict(self.database.run(sql, (registry,)))

    def enter(self, spec: RegistrySpec) -> None:
        """Note that a registry exists, and where; if its kind or place changed, what was known of it goes."""
        self.begin()
        known = self.database.run("SELECT kind, url FROM registry WHERE name=?", (spec.name,))
        place = (text(spec.kind), text(spec.url))
        if known and known[0] != place:
            self.drop([spec.name])
            known = []
        if known:
            self.database.run("UPDATE registry SET origin=? WHERE name=?", (spec.origin, spec.name))
            return
        sql = "INSERT INTO registry (id, name, kind, url, origin) VALUES (?,?,?,?,?)"
        self.database.run(sql, (self._ids.fresh("registry"), spec.name, *place, spec.origin))

    def apply(self, spool: Spool, complete: Complete, cancel: threading.Event | None = None) -> Applied:
        """Write one completed scope of a registry that was entered; all of it or nothing.

        The commit may come later, with that of other small scopes: see `commit`.

        Raises:
            Interrupted: `cancel` was set meanwhile.
            IndexUnavailable: it cannot be written; all that was not committed is undone.
        """
        complete = cleaned(complete)
        if spool.count > COMMIT_EVERY:
            self.commit()  # so that what was complete before does not hang on this one
        self.begin()
        self.database.run("SAVEPOINT one_scope")
        try:
            with _uncollected():
                applied = self._apply(spool, complete, cancel or threading.Event())
        except IndexUnavailable:
            self.rollback()
            raise
        except BaseException:
            self._ids.forget()
            self.database.run("ROLLBACK TO SAVEPOINT one_scope")
            raise
        self.database.run("RELEASE SAVEPOINT one_scope")
        self._pending += spool.count
        if self._pending >= COMMIT_EVERY:
            self.commit()
        return applied

    def _apply(self, spool: Spool, complete: Complete, cancel: threading.Event) -> Applied:
        registry_id = self._registry(spool.registry)
        if complete.delta and not spool.count:
            scope_id = self._ids.scope(registry_id, complete.scope)
            self.database.run("UPDATE scope SET cursor=? WHERE id=?", (complete.cursor, scope_id))
            return Applied()
        return ScopeWriter(self.database, self._ids, registry_id, complete, cancel).apply(spool)

    def _registry(self, name: str) -> int:
        number = self._ids.registry(name)
        if number is None:
            raise LookupError(f"{name} was not entered")  # a fault of the caller
        return number

    def close_scan(self, registry: str, named: Iterable[str]) -> int:
        """Drop the scopes that a whole scan did not name, with all they held; return how many versions went."""
        self.begin()
        registry_id = self._registry(registry)
        rows = self.database.run("SELECT id, name FROM scope WHERE registry_id=?", (registry_id,))
        kept = set(named)
        return sum(self._drop_scope(registry_id, number) for number, name in rows if name not in kept)

    def _drop_scope(self, registry_id: int, scope_id: int) -> int:
        name = self.database.run("SELECT name FROM scope WHERE id=?", (scope_id,))[0][0]
        with Spool("") as nothing:
            writer = ScopeWriter(self.database, self._ids, registry_id, Complete(registry="", scope=name))
            removed = writer.apply(nothing).removed
        self.database.run("DELETE FROM scope WHERE id=?", (scope_id,))
        return removed

    def settle(self, registry: str, problems: Iterable[Problem]) -> None:
        """Note what a scan met outside any completed scope, instead of what the last one did; tidy up after it."""
        self.begin()
        number = self._registry(registry)
        self.database.run("DELETE FROM problem WHERE registry_id=? AND scope_id IS NULL", (number,))
        write_problems(self.database, self._ids, [cleaned(problem) for problem in problems], number, None)
        self._drop_unused()

    def succeed(self, registry: str, fingerprint: str | None, at: float) -> None:
        """Note that a scan reached its end at `at` (Unix seconds); `fingerprint` was taken before it began."""
        self.begin()
        sql = "UPDATE registry SET synced_at=?, fingerprint=?, error='', hint='' WHERE name=?"
        self.database.run(sql, (at, None if fingerprint is None else text(fingerprint), registry))

    def fail(self, registry: str, message: str, hint: str) -> None:
        """Note why a scan did not reach its end; what was completed before stays."""
        self.begin()
        sql = "UPDATE registry SET error=?, hint=? WHERE name=?"
        self.database.run(sql, (text(message), text(hint), registry))

    def problems(self, registry: str) -> int:
        """Return how many problems the index holds of a registry."""
        return int(
            self.database.run("SELECT count(*) FROM problem WHERE registry_id=?", (self._registry(registry),))[0][0]
        )

    def known(self, registry: str) -> Memo:
        """Return what is known of a registry that was entered."""
        sql = (
            "SELECT r.synced_at, r.error, r.fingerprint, "
            "(SELECT sum(m.versions) FROM model m WHERE m.registry_id = r.id) FROM registry r WHERE r.name=?"
        )
        synced_at, error, fingerprint, versions = self.database.run(sql, (registry,))[0]
        return Memo(None if synced_at is None else int(versions or 0), None if error else fingerprint)

    def fresh(self, table: str) -> int:
        """Return the next free id of a table."""
        return self._ids.fresh(table)

    def keep_only(self, names: Iterable[str]) -> list[str]:
        """Drop every registry but these; return the names of those dropped."""
        self.begin()
        kept = set(names)
        gone = [row[0] for row in self.database.run("SELECT name FROM registry ORDER BY name") if row[0] not in kept]
        self.drop(gone)
        return gone

    def drop(self, registries: Iterable[str]) -> None:
        """Drop registries with all they held."""
        self.begin()
        for name in registries:
            self.close_scan(name, ())
            number = self._registry(name)
            for table in ("problem", "model", "registry"):
                column = "id" if table == "registry" else "registry_id"
                self.database.run(f"DELETE FROM {table} WHERE {column}=?", (number,))
            self._ids.forget()
        self._drop_unused()

    def _drop_unused(self) -> None:
        """Remove environments and keys that no version has: few are looked at, each by one probe of an index."""
        unused = "NOT EXISTS (SELECT 1 FROM version v WHERE v.environment_id = environment.id)"
        gone = [row[0] for row in self.database.run(f"SELECT id FROM environment WHERE {unused}")]
        for some in chunks(gone, 500):
            for table, column in (("env_fact", "environment_id"), ("environment", "id")):
                self.database.run(f"DELETE FROM {table} WHERE {column} IN ({marks(len(some))})", some)
        none = " AND ".join(
            f"NOT EXISTS (SELECT 1 FROM {table} t WHERE t.key_id = key.id)"
            for table in ("fact_num", "fact_txt", "env_fact")
        )
        lost = self.database.run(f"SELECT id FROM key WHERE {none}")
        self.database.many("DELETE FROM key WHERE id=?", lost)
        if gone or lost:
            self._ids.forget()


@contextmanager
def _uncollected() -> Iterator[None]:
    """Put the collection of garbage off: the rows of a scope hold no cycles, and looking for some costs a tenth."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
