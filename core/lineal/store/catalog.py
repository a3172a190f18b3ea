"""Which block is in which pack: a SQLite file in the user's cache, made from the packs' footers and safe to delete.

Packs are the truth. What a listing does not show is dropped only once the store itself says that it is gone.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lineal.errors import Corrupt, NotFound
from lineal.store import packs
from lineal.store.backend import Backend
from lineal.store.packs import Entry

_SCHEMA = """
CREATE TABLE IF NOT EXISTS pack (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, size INTEGER, modified REAL);
CREATE TABLE IF NOT EXISTS block (
  hash BLOB, pack INTEGER, offset INTEGER, stored INTEGER, size INTEGER, codec INTEGER, width INTEGER, depth INTEGER,
  base BLOB, PRIMARY KEY (hash, depth, pack)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS block_pack ON block (pack);
CREATE INDEX IF NOT EXISTS block_base ON block (base) WHERE base <> x'';
"""
_COLUMNS = "block.hash, block.offset, block.stored, block.size, codec, width, depth, base, pack.name"
_PARALLEL = 16  # footers fetched at once
VERSION = 2


class Located(Entry, frozen=True):
    """A block, and the name of the pack that holds it."""

    pack: str = ""


class Catalog:
    """The blocks of one store. Methods may be called from several threads."""

    def __init__(self, backend: Backend, path: Path | None) -> None:
        """Open the file at `path`; in memory where there is none or it cannot be used."""
        self._backend = backend
        self._lock = threading.RLock()
        self.damaged: dict[str, Corrupt] = {}  # packs whose footers were not believed
        self._connection = _opened(path)

    def refresh(self) -> None:
        """Take in packs that were added, and drop those that are gone."""
        listed = {Path(one.key).stem: one for one in self._backend.list("packs/") if one.key.endswith(".pack")}
        known = self.packs()
        fresh = [name for name in listed if name not in known]
        self.take({name: listed[name].size for name in fresh}, {name: listed[name].modified for name in fresh})
        for name in known.keys() - listed.keys():
            if self._backend.size(packs.key(name)) is None:
                self.drop(name)

    def take(self, sizes: dict[str, int | None], modified: dict[str, float] | None = None) -> None:
        """Read the footers of packs that are not known yet; a damaged one is noted and left out."""
        known = self.packs()
        wanted = [name for name in sizes if name not in known]
        if not wanted:
            return
        with ThreadPoolExecutor(min(_PARALLEL, len(wanted)), "footers") as pool:
            for name, entries in zip(wanted, pool.map(lambda one: self._footer(one, sizes[one]), wanted), strict=True):
                if entries is not None:
                    self.add(name, entries, sizes[name], (modified or {}).get(name))

    def _footer(self, name: str, size: int | None) -> list[Entry] | None:
        try:
            return packs.read_footer(self._backend, name, size)
        except NotFound:
            return None
        except Corrupt as error:
            self.damaged[name] = error
            return None

    def add(self, name: str, entries: Iterable[Entry], size: int | None = None, modified: float | None = None) -> None:
        """Note what a pack holds; harmless twice."""
        with self._lock, self._transaction():
            self._connection.execute(
                "INSERT OR IGNORE INTO pack (name, size, modified) VALUES (?,?,?)", (name, size, modified)
            )
            (number,) = self._connection.execute("SELECT id FROM pack WHERE name=?", (name,)).fetchone()
            self._connection.executemany(
                "INSERT OR IGNORE INTO block VALUES (?,?,?,?,?,?,?,?,?)",
                [(e.hash, number, e.offset, e.stored, e.size, e.codec, e.width, e.depth, e.base) for e in entries],
            )

    def drop(self, name: str) -> None:
        """Forget a pack that is gone."""
        with self._lock, self._transaction():
            self._connection.execute("DELETE FROM block WHERE pack IN (SELECT id FROM pack WHERE name=?)", (name,))
            self._connection.execute("DELETE FROM pack WHERE name=?", (name,))

    def find(
        self, block: bytes, *, below: int | None = None, apart_from: frozenset[str] = frozenset()
    ) -> Located | None:
        """Return where a block is: of several copies the smallest.

        `below` is the depth of the block that needs this one as its base: only a copy with a lesser depth will do. So
        chains end, even where one store wrote A as a difference from B and another B as a difference from A.
        """
        sql = (
            f"SELECT {_COLUMNS} FROM block JOIN pack ON pack.id = block.pack WHERE hash=? AND depth < ? "
            "ORDER BY block.stored, depth, pack.id"
        )
        with self._lock:
            for row in self._connection.execute(sql, (block, 256 if below is None else below)):
                if row[8] not in apart_from:
                    return _located(row)
        return None

    def differences(self, base: bytes) -> int:
        """Return how many blocks are differences from one."""
        with self._lock:
            sql = "SELECT count(DISTINCT hash) FROM block WHERE base = ? AND base <> x''"
            (count,) = self._connection.execute(sql, (base,)).fetchone()
        return int(count)

    def packs(self) -> dict[str, int | None]:
        """Return the names of the known packs, with their sizes in bytes."""
        with self._lock:
            return dict(self._connection.execute("SELECT name, size FROM pack ORDER BY id").fetchall())

    def ages(self) -> dict[str, float | None]:
        """Return when each known pack was written, by the clock of whoever keeps it."""
        with self._lock:
            return dict(self._connection.execute("SELECT name, modified FROM pack").fetchall())

    def inside(self, name: str) -> list[Located]:
        """Return the blocks of one pack, in their order."""
        sql = f"SELECT {_COLUMNS} FROM block JOIN pack ON pack.id = block.pack WHERE name=? ORDER BY block.offset"
        with self._lock:
            return [_located(row) for row in self._connection.execute(sql, (name,))]

    def totals(self) -> tuple[int, int, int]:
        """Return the number of packs, of blocks and the bytes of all packs."""
        with self._lock:
            count, size = self._connection.execute("SELECT count(*), coalesce(sum(size), 0) FROM pack").fetchone()
            (blocks,) = self._connection.execute("SELECT count(*) FROM block").fetchone()
        return count, blocks, size

    def _transaction(self) -> _Transaction:
        return _Transaction(self._connection)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


class _Transaction:
    """BEGIN IMMEDIATE, so that two processes wait for one another and do not fail."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, *_: object) -> None:
        self._connection.execute("COMMIT" if kind is None else "ROLLBACK")


def _located(row: tuple[bytes, int, int, int, int, int, int, bytes, str]) -> Located:
    return Located(*row[:8], pack=row[8])


def _opened(path: Path | None) -> sqlite3.Connection:
    """Open the file, made anew where it is damaged; in memory where there is no place for it."""
    if path is not None:
        for _ in range(2):
            try:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                return _prepared(str(path))
            except (OSError, sqlite3.OperationalError):
                break
            except sqlite3.DatabaseError:
                _remove(path)
    return _prepared(":memory:")


def _prepared(name: str) -> sqlite3.Connection:
    connection = sqlite3.connect(name, timeout=30.0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")  # what is lost is read from the footers again
        connection.executescript(_SCHEMA)
        connection.execute("SELECT count(*) FROM pack").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _remove(path: Path) -> None:
    for end in ("", "-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
