"""Opening an index for writing, which makes it where there is none."""

from __future__ import annotations

from pathlib import Path

from lineal.errors import IndexUnavailable
from lineal.index.database import Database
from lineal.index.place import PostgresPlace, SqlitePlace, read
from lineal.index.writer import Writer


def open_database(url_or_path: str) -> Database:
    """Connect for writing.

    Raises:
        IndexUnavailable: it is held, damaged, of another version, or its place cannot be written.
        MissingExtra: PostgreSQL is wanted and psycopg is not installed.
    """
    place = read(url_or_path)
    if isinstance(place, PostgresPlace):
        from lineal.index.postgres import PostgresDatabase

        return PostgresDatabase(place)
    return _sqlite(place)


def _sqlite(place: SqlitePlace) -> Database:
    from lineal.index.sqlite import SqliteDatabase

    folder = Path(place.path).absolute().parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        hint = "check the folder, or name another index with --index"
        raise IndexUnavailable(f"no folder for the index {place.path}: {error.strerror}", hint=hint) from error
    return SqliteDatabase(str(Path(place.path).absolute()))


def open_writer(url_or_path: str) -> Writer:
    """Open an index for writing; the caller holds its lock (see `lock.holding`)."""
    return Writer(open_database(url_or_path))
