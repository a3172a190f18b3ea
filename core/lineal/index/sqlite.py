"""SQLite as an index to write: one file, WAL, one writer at a time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lineal.errors import IndexUnavailable
from lineal.index.database import HINT_REBUILD, HINT_ROOM, Row, chunks, marks
from lineal.index.identity import APPLICATION, SCHEMA

WAIT = 5.0  # seconds for a lock
CACHE = 256 << 10  # KiB
LOG = 64 << 20  # bytes that the write-ahead log keeps; one large scope may make it as large as the index


def unavailable(path: str, error: sqlite3.Error) -> IndexUnavailable:
    """Say in one sentence why the index at `path` cannot be used."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return IndexUnavailable(f"another process holds the index {path}", hint="wait for its sync to end, or stop it")
    if code == sqlite3.SQLITE_FULL:
        return IndexUnavailable(f"no room is left for the index {path}", hint=HINT_ROOM)
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return IndexUnavailable(f"the index {path} is damaged", hint=HINT_REBUILD)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        hint = "check the folder and its permissions, or name another index with --index"
        return IndexUnavailable(f"the index {path} cannot be written: {error}", hint=hint)
    return IndexUnavailable(f"the index {path} failed: {error}", hint=HINT_REBUILD)


def check(connection: sqlite3.Connection, path: str) -> bool:
    """Say whether the file holds an index; False for an empty file.

    Raises:
        IndexUnavailable: it is an index of another version, or no index at all.
    """
    version, mark = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id"))
    if (version, mark) == (SCHEMA, APPLICATION):
        return True
    if mark == APPLICATION:
        message = f"the index {path} was written by another version of Lineal (schema {version}, not {SCHEMA})"
        raise IndexUnavailable(message, hint=HINT_REBUILD)
    if version or mark or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise IndexUnavailable(f"{path} is a database of something else", hint="name another file with --index")
    return False


class SqliteDatabase:
    """A writing connection to the file at `path`, which is made where there is none."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.folder: str | None = str(Path(path).parent)
        with self._telling():
            self._connection = sqlite3.connect(path, timeout=WAIT, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        with self._telling():
            for pragma in (
                "synchronous=NORMAL",
                f"cache_size=-{CACHE}",
                "temp_store=MEMORY",
                "mmap_size=0",
                f"journal_size_limit={LOG}",
            ):
                self._connection.execute(f"PRAGMA {pragma}")
            if not check(self._connection, self.path):
                self._create()
            self._connection.execute("PRAGMA journal_mode=WAL")

    def _create(self) -> None:
        from lineal.index.schema import sqlite_ddl  # SQLAlchemy, only for a new file

        self._connection.execute("PRAGMA journal_mode=WAL")
        self.begin()
        if not check(self._connection, self.path):  # another process may have been faster
            for statement in sqlite_ddl():
                self._connection.execute(statement)
        self.commit()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise unavailable(self.path, error) from error

    def begin(self) -> None:
        """Open a transaction; IMMEDIATE, because a deferred one that turns to writing fails at once when contended."""
        with self._telling():
            self._connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Commit."""
        with self._telling():
            self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Roll back, also where SQLite has done so by itself (a full disk)."""
        with self._telling():
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Run one statement."""
        with self._telling():
            return self._connection.execute(sql, parameters).fetchall()

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row."""
        with self._telling():
            self._connection.executemany(sql, rows)

    def load(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert rows."""
        names = ",".join(f'"{column}"' for column in columns)
        self.many(f"INSERT INTO {table} ({names}) VALUES ({marks(len(columns))})", rows)

    def load_words(self, rows: Sequence[tuple[int, str, str]]) -> None:
        """Insert into the table and, as its content is external, into FTS5."""
        self.load("fulltext", ("version_id", "words", "aliases"), rows)
        self.many("INSERT INTO fts (rowid, words, aliases) VALUES (?,?,?)", rows)

    def drop_words(self, ids: Sequence[int]) -> None:
        """Remove from FTS5, which must be told what it holds, and from the table."""
        for some in chunks(ids, 500):
            within = f"version_id IN ({marks(len(some))})"
            told = f"SELECT 'delete', version_id, words, aliases FROM fulltext WHERE {within}"
            self.run(f"INSERT INTO fts (fts, rowid, words, aliases) {told}", some)
            self.run(f"DELETE FROM fulltext WHERE {within}", some)

    def analyse(self) -> None:
        """Do nothing: our queries name their own order, and a planner with statistics would second-guess it."""

    def close(self) -> None:
        """Close; the last connection folds the write-ahead log into the file."""
        self._connection.close()
