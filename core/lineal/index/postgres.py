"""PostgreSQL as an index to write: one schema, rows by COPY."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import lru_cache
from typing import Any

from lineal.errors import IndexUnavailable, MissingExtra
from lineal.index.database import HINT_REBUILD, HINT_ROOM, Row, chunks, marks
from lineal.index.identity import SCHEMA
from lineal.index.place import PostgresPlace

try:
    import psycopg
    from psycopg import sql as psql
except ImportError as missing:
    raise MissingExtra("postgres", "psycopg") from missing

WAIT = 5_000  # milliseconds for a lock
_MARK = f"lineal index, schema {SCHEMA}"
_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


@lru_cache(maxsize=512)
def _translated(statement: str) -> str:
    return statement.replace("%", "%%").replace("?", "%s")


def _cell(value: Any) -> str:
    """Return one value in COPY's text format."""
    if value is None:
        return r"\N"
    if type(value) is str:
        return value.translate(_ESCAPES)
    if isinstance(value, bytes):
        return r"\\x" + value.hex()
    return repr(value)


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the rows in COPY's text format, about a mebibyte at a time."""
    for some in chunks(rows, 5_000):
        yield "".join(["\t".join([_cell(value) for value in row]) + "\n" for row in some])


def _meaning(place: PostgresPlace, error: psycopg.Error) -> IndexUnavailable:
    """Say in one sentence why the index cannot be used."""
    shown = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return IndexUnavailable("another process holds the index", hint="wait for its sync to end, or stop it")
    if isinstance(error, psycopg.errors.DiskFull):
        return IndexUnavailable(f"no room is left for the index: {shown}", hint=HINT_ROOM)
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        hint = "the user needs the right to create a schema in that database"
        return IndexUnavailable(f"the index cannot be written: {shown}", hint=hint)
    if isinstance(error, psycopg.OperationalError):
        hint = "check the server, the URL and the password (PGPASSWORD or ~/.pgpass), or leave out --index"
        return IndexUnavailable(f"the index's database cannot be reached: {shown}", hint=hint)
    return IndexUnavailable(f"the index in schema {place.schema} failed: {shown}", hint=HINT_REBUILD)


@contextmanager
def unavailable(place: PostgresPlace) -> Iterator[None]:
    """Turn what psycopg raises into IndexUnavailable."""
    try:
        yield
    except psycopg.Error as error:
        raise _meaning(place, error) from error


def connect(place: PostgresPlace) -> psycopg.Connection[Row]:
    """Connect, each statement its own transaction, with the index's schema in front.

    Raises:
        IndexUnavailable: the server cannot be reached or refuses.
    """
    with unavailable(place):
        connection = psycopg.connect(place.url, autocommit=True, connect_timeout=10)
        connection.execute(psql.SQL("SET search_path TO {}").format(psql.Identifier(place.schema)))
        return connection


def try_lock(connection: psycopg.Connection[Row], name: str) -> bool:
    """Take the advisory lock of that name for this connection, unless another one has it."""
    rows = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (name,)).fetchall()
    return bool(rows[0][0])


def unlock(connection: psycopg.Connection[Row], name: str) -> None:
    """Let go of a lock before the connection is closed, which a server notices a little later.

    Where the connection is lost, so is the lock.
    """
    with suppress(psycopg.Error):
        connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (name,))


class PostgresDatabase:
    """A writing connection to one schema, which is made where there is none."""

    folder: str | None = None

    def __init__(self, place: PostgresPlace) -> None:
        self.place = place
        self._connection = connect(place)
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        with self._telling():
            self._connection.execute(f"SET lock_timeout TO {WAIT}")
            self._connection.execute("SET synchronous_commit TO off")  # derived data: it can be made again
            if not self._check():
                self._create()

    def _check(self) -> bool:
        """Say whether the schema holds an index of ours; False where there is no such schema or it is empty."""
        sql = (
            "SELECT c.relname, obj_description(c.oid, 'pg_class') FROM pg_class c "
            "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname=%s AND c.relkind='r'"
        )
        tables: dict[str, str] = dict(self._connection.execute(sql, (self.place.schema,)).fetchall())
        if not tables or tables.get("registry") == _MARK:
            return bool(tables)
        if str(tables.get("registry")).startswith("lineal index"):
            message = f"the index in schema {self.place.schema} was written by another version of Lineal"
            raise IndexUnavailable(message, hint=HINT_REBUILD)
        message = f"the schema {self.place.schema} holds something else"
        raise IndexUnavailable(message, hint="name another one: postgresql://...?schema=NAME")

    def _create(self) -> None:
        from lineal.index.schema import postgres_ddl

        name = psql.Identifier(self.place.schema)
        with self._connection.transaction():
            # Two processes that create at once take turns.
            self._connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (f"create {self.place.schema}",))
            if self._check():
                return
            self._connection.execute(psql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
            for statement in postgres_ddl():
                self._connection.execute(statement.encode())

    def _telling(self) -> AbstractContextManager[None]:
        return unavailable(self.place)

    def begin(self) -> None:
        """Open a transaction; the index's lock keeps other writers out."""
        with self._telling():
            self._connection.execute("BEGIN")

    def commit(self) -> None:
        """Commit."""
        with self._telling():
            self._connection.execute("COMMIT")

    def rollback(self) -> None:
        """Roll back; a lost connection has done so."""
        if not self._connection.closed:
            with self._telling():
                self._connection.rollback()

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Run one statement."""
        with self._telling():
            cursor = self._connection.execute(_translated(sql).encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row, pipelined."""
        with self._telling(), self._connection.cursor() as cursor:
            cursor.executemany(_translated(sql).encode(), rows)

    def load(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert rows by COPY."""
        if not rows:
            return
        names = psql.SQL(",").join(psql.Identifier(column) for column in columns)
        statement = psql.SQL("COPY {} ({}) FROM STDIN").format(psql.Identifier(table), names)
        with self._telling(), self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            for text in _lines(rows):
                copy.write(text.encode())

    def load_words(self, rows: Sequence[tuple[int, str, str]]) -> None:
        """Insert into the table, whose generated column is the full text."""
        self.load("fulltext", ("version_id", "words", "aliases"), rows)

    def drop_words(self, ids: Sequence[int]) -> None:
        """Remove from the table."""
        for some in chunks(ids, 500):
            self.run(f"DELETE FROM fulltext WHERE version_id IN ({marks(len(some))})", some)

    def analyse(self) -> None:
        """Gather statistics now: until autovacuum comes by, the planner would take new tables for empty."""
        self.run("ANALYZE version, fact_num, fact_txt, fulltext, edge, node, file, alias, model")

    def close(self) -> None:
        """Close the connection, which rolls back what is open."""
        self._connection.close()


def drop(place: PostgresPlace) -> None:
    """Remove the schema of an index, with everything in it; harmless where there is none."""
    connection = connect(place)
    try:
        with unavailable(place):
            connection.execute(psql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(psql.Identifier(place.schema)))
    finally:
        connection.close()


def rename(new: PostgresPlace, old: PostgresPlace) -> None:
    """Put one schema in the place of another, in one transaction."""
    connection = connect(old)
    here, there = psql.Identifier(new.schema), psql.Identifier(old.schema)
    try:
        with unavailable(old), connection.transaction():
            connection.execute(psql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(there))
            connection.execute(psql.SQL("ALTER SCHEMA {} RENAME TO {}").format(here, there))
    finally:
        connection.close()
