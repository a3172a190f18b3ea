"""One sync at a time for each index, whichever process it is in; a process that dies lets go by dying."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lineal.errors import IndexBusy, IndexUnavailable
from lineal.index.place import PostgresPlace, SqlitePlace, read

_PAUSE = 0.1  # seconds between two attempts


@contextmanager
def holding(url_or_path: str, wait: float = 0.0) -> Iterator[None]:
    """Hold the right to write an index, waiting for it at most `wait` seconds.

    Raises:
        IndexBusy: another process is syncing into it.
        IndexUnavailable: the lock cannot be made.
    """
    place = read(url_or_path)
    with _file(place, wait) if isinstance(place, SqlitePlace) else _advisory(place, wait):
        yield


def _until(attempt: Callable[[], bool], wait: float) -> None:
    end = time.monotonic() + wait
    while not attempt():
        if time.monotonic() >= end:
            raise IndexBusy("another sync of this index is running", hint="wait for it to end, or stop it")
        time.sleep(_PAUSE)


@contextmanager
def _file(place: SqlitePlace, wait: float) -> Iterator[None]:
    """Lock a file beside the index: the index itself may be replaced while the lock is held."""
    path = Path(place.path).absolute()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        hint = "check the folder and its permissions, or name another index with --index"
        raise IndexUnavailable(f"the index {path} cannot be written: {error.strerror}", hint=hint) from error

    def attempt() -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    try:
        _until(attempt, wait)
        yield
    finally:
        os.close(handle)  # the file stays: to remove it would give two holders two files


@contextmanager
def _advisory(place: PostgresPlace, wait: float) -> Iterator[None]:
    """Hold an advisory lock, in a connection of its own, so that no rollback can lose it."""
    from lineal.index.postgres import connect, try_lock, unavailable, unlock

    connection = connect(place)
    name = f"lineal sync {place.schema}"
    try:
        with unavailable(place):
            _until(lambda: try_lock(connection, name), wait)
        try:
            yield
        finally:
            unlock(connection, name)
    finally:
        connection.close()
