"""What a client remembers of a ledger, in its cache: the last entry it saw, and beside that the entries themselves.

The head is what shows that a ledger was cut short or rewritten, so it is kept apart from the entries: these may be
dropped at any time, and are nothing but a way to read less. Nothing here is needed; all of it may be deleted.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

_MAX_HEAD = 4096  # bytes


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The last entry of a ledger: its number, 0 where there is none yet, and the hash of its bytes."""

    store: str  # the store's id
    number: int = 0
    hash: str = ""


class Memory:
    """A head in the file `path`, and entries in one with the suffix `.entries`; without a path nothing is kept."""

    def __init__(self, path: Path | None, store: str) -> None:
        self.path = path
        self._store = store
        self._kept = 0  # entries that lie in the file

    def head(self) -> Head:
        """Return the last head that was remembered; where the file is damaged or another store's, there was none."""
        nothing = Head(store=self._store)
        if self.path is None:
            return nothing
        try:
            with self.path.open("rb") as stream:
                found = msgspec.json.decode(stream.read(_MAX_HEAD), type=Head)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return nothing
        return found if found.store == self._store else nothing

    def entries(self) -> list[bytes]:
        """Return the bytes of the first entries, as far as they were kept. Nothing vouches for them yet."""
        if self.path is None:
            return []
        try:
            lines = self.path.with_suffix(".entries").read_bytes().splitlines(keepends=True)
        except OSError:
            return []
        self._kept = len(lines)
        return lines

    def forget(self) -> None:
        """Take it that the entries that are kept are no good: the next ones are written in their place."""
        self._kept = 0

    def keep_entries(self, entries: Sequence[bytes]) -> None:
        """Keep entries, where there are many more than in the file: it is written whole, so not for each one.

        What cannot be written is tried again when there are many more; a ledger that grew by a hundredth is soon read.
        """
        if self.path is None or len(entries) - self._kept <= self._kept // 100:
            return
        self._kept = len(entries)
        _replace(self.path.with_suffix(".entries"), b"".join(entries))

    def keep_head(self, head: Head) -> None:
        """Remember a head, never an older one than there is."""
        if self.path is not None and self.head().number < head.number:
            _replace(self.path, msgspec.json.encode(head))


def _replace(path: Path, data: bytes) -> None:
    """Write a file as a whole, or leave what there was."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".tmp", dir=path.parent)
    except OSError:
        return
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
