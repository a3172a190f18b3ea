"""Where a store's objects lie: a folder or an S3 bucket, behind one small interface.

Objects are never changed. Their keys are relative, with `/`, of `[a-z0-9._-]` only: `packs/ab/<hash>.pack`. Absence is
what `read` and `size` say; a listing may lag behind and proves nothing but presence.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import msgspec


class Object(msgspec.Struct, frozen=True, order=True):
    """One object as a listing shows it; `modified` is in Unix seconds by the clock of whoever keeps it."""

    key: str
    size: int  # bytes
    modified: float


class Backend(Protocol):
    """One place of a store. Methods may be called from several threads at once.

    All of them raise Unavailable where the place cannot be reached (within a deadline of its own), AuthRequired where
    it refuses the credentials, and OutOfSpace where it has no room or its disk fails.
    """

    url: str  # an absolute path, or s3://bucket/prefix; never with credentials

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Return the bytes of an object from `start`, at most `length` of them. Raises NotFound."""
        ...

    def size(self, key: str) -> int | None:
        """Return the bytes an object has, or None where there is none."""
        ...

    def create(self, key: str, source: bytes | Path) -> bool:
        """Make an object, whole and durably, unless one of that key is there; say whether it was made by this call.

        A file given as `source` may be moved away. After a lost reply the answer may be False though this call made the
        object: who must know compares what is there with what was meant.
        """
        ...

    def list(self, prefix: str) -> Iterator[Object]:
        """Yield the objects whose keys begin with `prefix` (a folder, with its `/`), sorted by key."""
        ...

    def delete(self, key: str) -> None:
        """Take an object away; harmless where there is none."""
        ...

    def scratch(self) -> Path:
        """Return a folder for temporary files that `create` takes; on the same disk where there is one."""
        ...

    def reap(self, now: float) -> int:
        """Take temporary files away that killed processes left behind a day ago or longer; return how many."""
        ...

    def close(self) -> None:
        """Let go of connections; harmless twice."""
        ...
