"""What a client remembers of a ledger, in its cache: the last entry it saw, and beside that what all of them amount to.

The head is what shows that a ledger was cut short or rewritten, so it is kept apart from the snapshot: that may be
dropped at any time, and is nothing but a way to read less. Nothing here is needed; all of it may be deleted.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

_MAX_HEAD = 4096  # bytes


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The last entry of a ledger: its number, 0 where there is none yet, and the hash of its bytes."""

    store: str  # the store's id
    number: int = 0
    hash: str = ""


class Memory:
    """A head in the file `path`, a snapshot in one with the suffix `.snapshot`; without a path nothing is kept."""

    def __init__(self, path: Path | None, store: str) -> None:
        self.path = path
        self._store = store

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

    def snapshot(self) -> bytes | None:
        """Return the bytes of the snapshot that was kept. Nothing vouches for them yet."""
        if self.path is None:
            return None
        try:
            return self.path.with_suffix(".snapshot").read_bytes()
        except OSError:
            return None

    def keep_snapshot(self, data: bytes) -> None:
        """Keep a snapshot in the place of the one there is."""
        if self.path is not None:
            _replace(self.path.with_suffix(".snapshot"), data)

    def drop_snapshot(self) -> None:
        """Delete the snapshot, which is no good."""
        if self.path is not None:
            try:
                self.path.with_suffix(".snapshot").unlink(missing_ok=True)
            except OSError:
                return

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
