"""Read-only connections to MLflow's databases, behind one small interface.

SQLite is opened so that its folder stays byte for byte as it was. A database with a rollback journal is opened with
`mode=ro`, which takes shared locks and makes no file. One in WAL mode would make `-wal` and `-shm` files even when only
read; so it is opened as immutable where there is no `-wal`, and else read from a private copy.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from lineal.errors import BadFormat, ConfigError, MissingExtra, Unavailable

_WAL = 2  # the read and write versions at bytes 18 and 19 of the header
_BUSY = 5.0  # seconds
_COPIES = 3  # attempts to copy while another process writes
_COPY_LIMIT = 8 << 30  # bytes
_TIMEOUT_MS = 300_000
_HINT_BUSY = "another process is writing; try again"


class Session(Protocol):
    """One read-only transaction."""

    def rows(self, statement: str, *values: Any) -> Sequence[Sequence[Any]]:
        """Return all rows of a statement whose parameters are written `?`."""
        ...

    def columns(self, table: str) -> frozenset[str]:
        """Return the names of a table's columns; none where there is no such table."""
        ...


class Engine(Protocol):
    """A database that sessions are opened on."""

    def fingerprint(self) -> str | None:
        """Return a cheap token that changes with the content; None for a server."""
        ...

    def session(self) -> Any:
        """Return a context manager that gives a `Session`. Raises RegistryError."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class Sqlite:
    """A database file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fingerprint(self) -> str:
        """Return sizes and times of the file and of its `-wal`. Raises Unavailable where the file is gone."""
        self._check()
        return " ".join(_stamp(place) for place in (self.path, self._beside("-wal"), self._beside("-journal")))

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open one read-only transaction.

        Raises:
            Unavailable: the file is gone, busy, or holds a write that was cut off; BadFormat: it is no database.
        """
        self._check()
        with self._uri() as uri:
            try:
                connection = sqlite3.connect(
                    uri, uri=True, timeout=_BUSY, isolation_level=None, check_same_thread=False
                )
            except sqlite3.Error as error:
                raise self._failed(error) from error
            try:
                connection.execute("PRAGMA query_only = 1")
                connection.execute("PRAGMA trusted_schema = 0")  # no side effects of a hostile schema's functions
                connection.execute("BEGIN")
                yield _SqliteSession(connection)
            except sqlite3.Error as error:
                raise self._failed(error) from error
            finally:
                connection.close()

    def close(self) -> None:
        """Do nothing: no connection outlives its session."""

    def _check(self) -> None:
        if not self.path.is_file():
            hint = "was it moved? `lineal registry ls` lists places"
            raise Unavailable(f"there is no database {self.path}", hint=hint)

    def _beside(self, suffix: str) -> Path:
        return self.path.with_name(self.path.name + suffix)

    @contextmanager
    def _uri(self) -> Iterator[str]:
        if not self._in_wal_mode():
            yield f"file:{quote(str(self.path))}?mode=ro"
        elif not _size(self._beside("-wal")):
            yield f"file:{quote(str(self.path))}?mode=ro&immutable=1"
        else:
            with tempfile.TemporaryDirectory(prefix="lineal-mlflow-") as folder:
                yield f"file:{quote(str(self._copy(Path(folder))))}"

    def _in_wal_mode(self) -> bool:
        try:
            with self.path.open("rb") as file:
                head = file.read(20)
        except OSError as error:
            hint = "check its permissions"
            raise Unavailable(f"{self.path} cannot be read: {error.strerror}", hint=hint) from error
        if not head.startswith(b"SQLite format 3\0"):
            raise BadFormat(
                f"{self.path} is no SQLite database", hint="is it the file that the server was started with?"
            )
        return len(head) == 20 and head[18] == _WAL

    def _copy(self, folder: Path) -> Path:
        """Copy database and log to where their side files may be made; again if they changed meanwhile."""
        if _size(self.path) + _size(self._beside("-wal")) > _COPY_LIMIT:
            hint = "stop its server, so that the log is folded in, or give the server's URL"
            raise Unavailable(f"{self.path} is in use and too large to copy", hint=hint)
        for _ in range(_COPIES):
            before = self.fingerprint()
            try:
                shutil.copyfile(self.path, folder / "copy.db")
                shutil.copyfile(self._beside("-wal"), folder / "copy.db-wal")
            except OSError as error:
                raise Unavailable(f"{self.path} cannot be copied: {error.strerror}", hint=_HINT_BUSY) from error
            if self.fingerprint() == before:
                return folder / "copy.db"
        raise Unavailable(f"{self.path} changes too fast to be read", hint=_HINT_BUSY)

    def _failed(self, error: sqlite3.Error) -> Exception:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            return BadFormat(f"{self.path} is damaged: {error}", hint="restore it from a backup")
        if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY} and _size(self._beside("-journal")):
            hint = "start MLflow on it once, which completes or undoes that write"
            return Unavailable(f"a write to {self.path} was cut off", hint=hint)
        return Unavailable(f"{self.path} cannot be read: {error}", hint=_HINT_BUSY)


class _SqliteSession:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, statement: str, *values: Any) -> Sequence[Sequence[Any]]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.OperationalError as error:
            if self._connection.text_factory is _text or "decode" not in str(error):
                raise
        self._connection.text_factory = _text  # texts that are no UTF-8: slower, and only where there are any
        return self._connection.execute(statement, values).fetchall()

    def columns(self, table: str) -> frozenset[str]:
        return frozenset(row[1] for row in self._connection.execute(f"PRAGMA table_info({table})"))


class Postgres:
    """A database on a server, through SQLAlchemy and psycopg."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine: Any = None

    def fingerprint(self) -> None:
        """Return None: nothing cheap tells without a connection."""
        return

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open one read-only transaction.

        Raises:
            MissingExtra: psycopg is not installed; Unavailable: the server refuses or is not there.
        """
        from sqlalchemy.exc import SQLAlchemyError

        engine = self._engine or self._connect()
        try:
            with engine.connect() as connection:
                yield _PostgresSession(connection)
                connection.rollback()
        except SQLAlchemyError as error:
            raise _refused(error) from error

    def close(self) -> None:
        """Close all connections."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _connect(self) -> Any:
        from sqlalchemy import create_engine
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError
        from sqlalchemy.pool import NullPool

        url = re.sub(r"^postgres(?:ql)?(?:\+\w+)?:", "postgresql+psycopg:", self._url)
        options = f"-c default_transaction_read_only=on -c statement_timeout={_TIMEOUT_MS}"
        settings = {"connect_timeout": 10, "options": options, "application_name": "lineal"}
        try:
            self._engine = create_engine(
                url, poolclass=NullPool, isolation_level="REPEATABLE READ", connect_args=settings
            )
        except ImportError as error:
            raise MissingExtra("postgres", "psycopg") from error
        except (ArgumentError, NoSuchModuleError, ValueError) as error:
            hint = "write postgresql://user@host:port/database"
            raise ConfigError("the database's URL cannot be read", hint=hint) from error
        return self._engine


class _PostgresSession:
    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def rows(self, statement: str, *values: Any) -> Sequence[Sequence[Any]]:
        text = statement.replace("%", "%%").replace("?", "%s")
        found: Sequence[Sequence[Any]] = self._connection.exec_driver_sql(text, values).fetchall()
        return found

    def columns(self, table: str) -> frozenset[str]:
        statement = (
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped"
        )
        return frozenset(row[0] for row in self.rows(statement, table))


def _refused(error: Exception) -> Exception:
    """Turn what the driver says into an error without the URL's password."""
    text = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    text = re.sub(r"password=\S+|://[^/@\s]*@", "", text)[:300]
    if "authentication failed" in text or "no password supplied" in text or "permission denied" in text:
        from lineal.errors import AuthRequired

        hint = "give the user in the URL and the password in ~/.pgpass or PGPASSWORD"
        return AuthRequired(f"the database refuses: {text}", hint=hint)
    return Unavailable(f"the database cannot be read: {text}", hint="is the server running, and the address right?")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _stamp(path: Path) -> str:
    try:
        info = path.stat()
    except OSError:
        return "-"
    return f"{info.st_mtime_ns}:{info.st_size}:{info.st_ino}"
