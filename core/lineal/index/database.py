"""What the writer asks of a database; SQL is portable, with `?` for parameters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Protocol, TypeVar

Row = tuple[Any, ...]
_T = TypeVar("_T")
HINT_ROOM = "make room on the disk, or name another index with --index"
HINT_REBUILD = "`lineal sync --rebuild` makes it anew from the registries"


class Database(Protocol):
    """One connection that writes. Everything raises IndexUnavailable where the database cannot do it now."""

    folder: str | None  # where large temporary files may go; None for the system's choice

    def begin(self) -> None:
        """Open a transaction and take the right to write, waiting up to 5 seconds."""
        ...

    def commit(self) -> None:
        """Make what was written since `begin` visible and lasting."""
        ...

    def rollback(self) -> None:
        """Undo what was written since `begin`."""
        ...

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Run one statement and return its rows."""
        ...

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row."""
        ...

    def load(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert rows, none of which is there yet, as fast as can be."""
        ...

    def load_words(self, rows: Sequence[tuple[int, str, str]]) -> None:
        """Insert (version id, words, alias words) into the full text."""
        ...

    def drop_words(self, ids: Sequence[int]) -> None:
        """Remove versions from the full text."""
        ...

    def analyse(self) -> None:
        """Tell the database's planner of what has just become of the tables; called after much was written."""
        ...

    def close(self) -> None:
        """Roll back what is open and let go; harmless twice."""
        ...


def chunks(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Yield lists of at most `size` items."""
    walk = iter(items)
    while chunk := list(islice(walk, size)):
        yield chunk


def marks(count: int) -> str:
    """Return `?,?,?` for an IN list."""
    return ",".join("?" * count)
