"""Reading from either engine: one SQL text with named parameters (`:name`), short reads, a connection for each thread.

SQLite is read through the standard library and never costs SQLAlchemy; PostgreSQL through psycopg.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from lineal.errors import IndexUnavailable
from lineal.index.database import Row
from lineal.index.place import PostgresPlace, SqlitePlace, read
from lineal.index.sqlite import WAIT, check, unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

Parameters = Mapping[str, Any]
NONE: Parameters = {}
_STEPS = 1_000  # of SQLite's machine between two looks at the clock: some 20 microseconds
_CACHE = 2 << 10  # KiB a connection, of which each lane of the application has one: the system caches the file as well


class TooSlow(Exception):
    """A read did not end before its deadline."""


class Engine(Protocol):
    """What readers ask of a database."""

    postgres: bool

    def rows(self, sql: str, parameters: Parameters = ..., until: float | None = None) -> list[Row]:
        """Run one statement and return its rows; `until` is on `time.monotonic`.

        Raises:
            TooSlow: `until` passed.
            IndexUnavailable: the index cannot be read.
        """
        ...

    def within(self, name: str, kind: type[int] | type[str] = int) -> str:
        """Return SQL for the set of values in parameter `name`, to stand behind `IN`; see `listed`."""
        ...

    def among(self, column: str, name: str, kind: type[int] | type[str] = int) -> str:
        """Return SQL that tells whether a column has one of the values in parameter `name`, row by row."""
        ...

    def close(self) -> None:
        """Close the connections of all threads; harmless twice."""
        ...


def opened(url_or_path: str) -> Engine:
    """Return the engine that reads an index. Nothing is touched yet.

    Raises:
        ConfigError: the URL names no index.
        MissingExtra: it wants PostgreSQL, and psycopg is not installed.
    """
    place = read(url_or_path)
    if isinstance(place, PostgresPlace):
        from lineal.index.postgres_engine import PostgresEngine

        return PostgresEngine(place)
    return SqliteEngine(place)


class SqliteEngine:
    """Reads a SQLite file; one that is not there, or empty, has no rows."""

    postgres = False

    def __init__(self, place: SqlitePlace) -> None:
        self.path = str(Path(place.path).absolute())
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._guard = threading.Lock()
        self._closed = False

    def rows(self, sql: str, parameters: Parameters = NONE, until: float | None = None) -> list[Row]:
        """Run one statement."""
        with self._telling():
            connection = self._connection()
            if connection is None:
                return []
            if until is None:
                return connection.execute(sql, parameters).fetchall()
            return self._hurried(connection, sql, parameters, until)

    @staticmethod
    def _hurried(connection: sqlite3.Connection, sql: str, parameters: Parameters, until: float) -> list[Row]:
        connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
        try:
            return connection.execute(sql, parameters).fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
            raise TooSlow from error
        finally:
            connection.set_progress_handler(None, 0)

    def within(self, name: str, kind: type[int] | type[str] = int) -> str:
        """Return a table-valued function over the JSON array that `listed` made."""
        del kind
        return f"(SELECT value FROM json_each(:{name}))"

    def among(self, column: str, name: str, kind: type[int] | type[str] = int) -> str:
        """Return a look into that table."""
        return f"{column} IN {self.within(name, kind)}"

    def _connection(self) -> sqlite3.Connection | None:
        """Return this thread's connection; None while there is no index."""
        held: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if held is not None and self._still_there():
            return held
        if self._closed:
            raise IndexUnavailable(f"the index {self.path} is closed")
        if held is not None:
            self._forget()
        return self._connect()

    def _still_there(self) -> bool:
        """Say whether the file at the path is the one that is open: another one may have been put in its place."""
        try:
            found = Path(self.path).stat()
        except FileNotFoundError:
            return False
        return bool((found.st_dev, found.st_ino) == self._local.file)

    def _forget(self) -> None:
        self._local.connection.close()
        with self._guard:
            self._all.remove(self._local.connection)
        self._local.connection = None

    def _connect(self) -> sqlite3.Connection | None:
        try:
            found = Path(self.path).stat()
        except FileNotFoundError:
            return None
        address = f"file:{quote(self.path)}?mode=ro"
        connection = sqlite3.connect(address, uri=True, timeout=WAIT, isolation_level=None, check_same_thread=False)
        try:
            for pragma in ("query_only=1", f"cache_size=-{_CACHE}", "mmap_size=0", "temp_store=MEMORY"):
                connection.execute(f"PRAGMA {pragma}")
            ready = check(connection, self.path)
        except BaseException:
            connection.close()
            raise
        if not ready:  # a writer is just making it
            connection.close()
            return None
        self._local.connection, self._local.file = connection, (found.st_dev, found.st_ino)
        with self._guard:
            self._all.append(connection)
        return connection

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, OSError):
                hint = "check the folder and its permissions, or name another index with --index"
                raise IndexUnavailable(f"the index {self.path} cannot be read: {error.strerror}", hint=hint) from error
            raise unavailable(self.path, error) from error

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._guard:
            self._closed = True
            for connection in self._all:
                connection.close()
            self._all.clear()
        self._local = threading.local()


def listed(engine: Engine, values: Sequence[int] | Sequence[str]) -> Any:
    """Return `values` as the parameter that `engine.within` reads."""
    if engine.postgres:
        return list(values)
    import msgspec

    return msgspec.json.encode(values).decode()
