"""The derived index: tables, query language, planner and pages."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lineal.config import Surroundings
    from lineal.index.index import Index
    from lineal.index.writer import Writer


def named_index(configured: str, root: Path, around: Surroundings) -> str:
    """Return the path or URL of a workspace's index: `configured`, with a schema of its own on PostgreSQL."""
    from lineal.index.place import named

    return named(configured, root, around)


def open_index(url_or_path: str, *, clock: Callable[[], float] = time.time) -> Index:
    """Open an index for reading; one that does not exist yet reads as empty. `clock` gives "now" in Unix seconds.

    Raises:
        IndexUnavailable: it cannot be read, or is of another version.
    """
    from lineal.index.index import open_reader

    return open_reader(url_or_path, clock)


def open_writer(url_or_path: str) -> Writer:
    """Open an index for writing, and make it where there is none; the caller holds its lock (`lock.holding`).

    Raises:
        IndexUnavailable: it is held, damaged, of another version, or its place cannot be written.
    """
    from lineal.index.opening import open_writer as opened

    return opened(url_or_path)
