"""PostgreSQL as an index to read."""

from __future__ import annotations

import re
import threading
import time
from functools import lru_cache

import psycopg

from lineal.errors import IndexUnavailable
from lineal.index.database import HINT_REBUILD, Row
from lineal.index.engine import NONE, Parameters, TooSlow
from lineal.index.identity import SCHEMA
from lineal.index.place import PostgresPlace
from lineal.index.postgres import connect, unavailable

# The planner is told what it cannot know: our reads are bounded by LIMIT and by index, statistics may be missing
# straight after a sync, and compiling a statement or starting workers costs more than a page.
_SETTINGS = (
    "SET default_transaction_read_only TO on",
    "SET jit TO off",
    "SET max_parallel_workers_per_gather TO 0",
    "SET enable_seqscan TO off",
    "SET enable_hashjoin TO off",
    "SET enable_mergejoin TO off",
    "SET enable_material TO off",
    "SET random_page_cost TO 1.1",
)
_NAME = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")


@lru_cache(maxsize=1024)
def _translated(sql: str) -> bytes:
    return _NAME.sub(r"%(\1)s", sql.replace("%", "%%")).encode()


class PostgresEngine:
    """Reads one schema; one that is not there has no rows."""

    postgres = True

    def __init__(self, place: PostgresPlace) -> None:
        self.place = place
        self._local = threading.local()
        self._all: list[psycopg.Connection[Row]] = []
        self._guard = threading.Lock()
        self._closed = False

    def rows(self, sql: str, parameters: Parameters = NONE, until: float | None = None) -> list[Row]:
        """Run one statement."""
        with unavailable(self.place):
            connection = self._connection()
            if connection is None:
                return []
            try:
                if until is None:
                    return connection.execute(_translated(sql), parameters).fetchall()
                return self._hurried(connection, sql, parameters, until)
            except psycopg.errors.UndefinedTable:  # dropped, or a rebuild is just being put in its place
                self._forget(connection)
                return []
            except psycopg.OperationalError:
                self._forget(connection)
                raise

    @staticmethod
    def _hurried(connection: psycopg.Connection[Row], sql: str, parameters: Parameters, until: float) -> list[Row]:
        left = int((until - time.monotonic()) * 1000)
        if left <= 0:
            raise TooSlow
        connection.execute(f"SET statement_timeout TO {left}".encode())
        try:
            return connection.execute(_translated(sql), parameters).fetchall()
        except psycopg.errors.QueryCanceled as error:
            raise TooSlow from error
        finally:
            connection.execute(b"SET statement_timeout TO 0")

    def within(self, name: str, kind: type[int] | type[str] = int) -> str:
        """Return a set over an array; its type is said because that of an empty one cannot be told."""
        return f"(SELECT unnest(CAST(:{name} AS {'text' if kind is str else 'bigint'}[])))"

    def among(self, column: str, name: str, kind: type[int] | type[str] = int) -> str:
        """Return a comparison with an array, which is never made a join."""
        return f"{column} = ANY(CAST(:{name} AS {'text' if kind is str else 'bigint'}[]))"

    def _connection(self) -> psycopg.Connection[Row] | None:
        held: psycopg.Connection[Row] | None = getattr(self._local, "connection", None)
        if held is not None and not held.closed:
            return held
        if self._closed:
            raise IndexUnavailable("the index is closed")
        connection = connect(self.place)
        connection.prepare_threshold = None  # plans are to be made for the values at hand
        for setting in _SETTINGS:
            connection.execute(setting.encode())
        if not self._check(connection):
            connection.close()
            return None
        self._local.connection = connection
        with self._guard:
            self._all.append(connection)
        return connection

    def _check(self, connection: psycopg.Connection[Row]) -> bool:
        """Say whether the schema holds an index; the mark is the comment of its table `registry`."""
        sql = (
            "SELECT obj_description(c.oid, 'pg_class') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname=%s AND c.relname='registry'"
        )
        found = connection.execute(sql, (self.place.schema,)).fetchone()
        if found is None:
            return False
        if found[0] != f"lineal index, schema {SCHEMA}":
            connection.close()
            message = f"the schema {self.place.schema} holds something else, or an index of another version of Lineal"
            raise IndexUnavailable(message, hint=HINT_REBUILD)
        return True

    def _forget(self, connection: psycopg.Connection[Row]) -> None:
        connection.close()
        with self._guard:
            if connection in self._all:
                self._all.remove(connection)
        self._local.connection = None

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._guard:
            self._closed = True
            for connection in self._all:
                connection.close()
            self._all.clear()
        self._local = threading.local()
