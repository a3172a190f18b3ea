"""An index made aside takes the place of another, at once and whole."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from lineal.errors import IndexUnavailable
from lineal.index.place import PostgresPlace, SqlitePlace, read
from lineal.index.sqlite import WAIT, check, unavailable


def aside(url_or_path: str) -> str:
    """Return where to make the new index: beside the other, so that it can take its place."""
    place = read(url_or_path)
    if isinstance(place, SqlitePlace):
        return f"{Path(place.path).absolute()}.new"
    joint = "&" if "?" in place.url else "?"
    return f"{place.url}{joint}schema={place.schema[:56]}_new"


def discard(url_or_path: str) -> None:
    """Remove an index, also a damaged one; harmless where there is none."""
    place = read(url_or_path)
    if isinstance(place, PostgresPlace):
        from lineal.index.postgres import drop

        drop(place)
        return
    for suffix in ("-wal", "-shm", "-journal", ""):
        Path(f"{place.path}{suffix}").unlink(missing_ok=True)


def take_place(new: str, old: str) -> None:
    """Put the index at `new`, which nobody has open, in the place of the one at `old`.

    Whoever reads the old one goes on reading it whole and sees the new one with his next statement.

    Raises:
        IndexUnavailable: the old one is held, or there is no room.
    """
    here, there = read(new), read(old)
    if isinstance(here, PostgresPlace) and isinstance(there, PostgresPlace):
        from lineal.index.postgres import rename

        rename(here, there)
        return
    assert isinstance(here, SqlitePlace)
    assert isinstance(there, SqlitePlace)
    if _usable(there.path):
        _copy_over(here.path, there.path)
        discard(new)
    else:
        discard(old)  # with its write-ahead log, which would be taken for the new one's
        os.replace(here.path, there.path)  # noqa: PTH105 - both are texts


def _usable(path: str) -> bool:
    if not Path(path).exists():
        return False
    try:
        with _opened(path) as connection:
            return check(connection, path)
    except (IndexUnavailable, sqlite3.DatabaseError):
        return False


@contextmanager
def _opened(path: str) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, timeout=WAIT, isolation_level=None)) as connection:
        yield connection


def _copy_over(new: str, old: str) -> None:
    """Write all pages of `new` over `old` in one transaction.

    Renaming the file over one that others have open would leave them with a file that nobody updates any more, and
    next to the new file a write-ahead log of the old one.
    """
    try:
        with _opened(new) as source, _opened(old) as target:
            source.backup(target)
    except sqlite3.Error as error:
        raise unavailable(old, error) from error
