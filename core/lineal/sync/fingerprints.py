"""The last part of a sync: local files get their digests, so that equal bytes are one content whoever names them.

`content` then holds exactly the contents of the local files of the index, and a file whose registry names no digest
carries the SHA-256 that was found. Where the bytes are not those that the registry names (a work tree that was
changed), they say nothing about the version and are left out.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from lineal.index.database import chunks, marks
from lineal.index.writer import Writer
from lineal.store.fingerprint import Digests, Mark, Memory, Pace, digest, mark
from lineal.sync.events import EVERY, Event, Fingerprinting

_TOGETHER = 200  # files that share a commit
_FIELDS = {"md5": "md5", "md5-dos2unix": "md5", "sha256": "sha256", "git-sha1": "git_sha1", "blake3": "blake3"}


class Wanted(msgspec.Struct, frozen=True):
    """A file of a version: its row, what its registry names it by ("" for nothing), and what is stored of it."""

    version_id: int
    position: int
    local: str
    algorithm: str
    hex: str
    content_id: int | None


class Hashed(msgspec.Struct, frozen=True):
    """How many files were read, and how many local ones are not what their registry says."""

    read: int = 0
    mismatched: int = 0


class Fingerprints:
    """Brings the fingerprints of an index up to date. The caller holds the index's lock."""

    def __init__(
        self,
        writer: Writer,
        memory: Memory,
        tell: Callable[[Event], None],
        cancel: threading.Event,
        *,
        bytes_per_second: int = 0,
    ) -> None:
        self._writer = writer
        self._memory = memory
        self._tell = tell
        self._cancel = cancel
        self._pace = Pace(bytes_per_second)
        self._read = 0
        self._mismatched = 0

    def bring_up(self) -> Hashed:
        """Hash what is not remembered, and write what is known; a cancelled run writes what it had found."""
        wanted = self._wanted()
        marks_of = {path: found for path in wanted if (found := mark(path)) is not None}
        remembered = {path: self._memory.get(at) for path, at in marks_of.items()}
        known = {path: digests for path, digests in remembered.items() if digests is not None}
        self._write({path: known.get(path) for path in wanted if path in known or path not in marks_of}, wanted)
        missing = [path for path in marks_of if path not in known]
        self._hash(in_order(missing, marks_of), marks_of, wanted)
        self._drop_unused()
        self._writer.commit()
        return Hashed(self._read, self._mismatched)

    def _wanted(self) -> dict[str, list[Wanted]]:
        sql = "SELECT version_id, position, local, algorithm, hex, content_id, computed FROM file WHERE local <> ''"
        found: dict[str, list[Wanted]] = {}
        for version_id, position, local, algorithm, name, content, computed in self._writer.database.run(sql):
            file = Wanted(version_id, position, local, algorithm, name, content)
            if computed:
                file = msgspec.structs.replace(file, algorithm="", hex="")
            found.setdefault(local, []).append(file)
        return found

    def _hash(self, paths: Sequence[str], marks_of: dict[str, Mark], wanted: dict[str, list[Wanted]]) -> None:
        told = _Told(self._tell, len(paths), sum(marks_of[path].size for path in paths))
        for some in chunks(paths, _TOGETHER):
            found: dict[str, Digests | None] = {}
            for path in some:
                done = digest(path, pace=self._pace, cancel=self._cancel, on_bytes=told.bytes)
                if self._cancel.is_set():
                    break
                told.file()
                found[path] = None
                if done is not None:
                    self._memory.put(*done, time.time_ns())
                    found[path] = done[1]
                    self._read += 1
            self._write(found, wanted)
            if self._cancel.is_set():
                return

    def _write(self, found: dict[str, Digests | None], wanted: dict[str, list[Wanted]]) -> None:
        self._writer.begin()
        contents = self._contents(found.values())
        sql = "UPDATE file SET algorithm=?, hex=?, computed=?, content_id=? WHERE version_id=? AND position=?"
        rows = []
        for path, digests in found.items():
            for file in wanted[path]:
                if digests is not None and not agrees(file, digests):
                    self._mismatched += 1
                rows.append((*_columns(file, digests, contents), file.version_id, file.position))
        self._writer.database.many(sql, rows)
        self._writer.commit()

    def _contents(self, found: Iterable[Digests | None]) -> dict[str, int]:
        """Return the ids of contents by their SHA-256, making those that are new."""
        by_hash = {one.sha256: one for one in found if one is not None}
        ids: dict[str, int] = {}
        for some in chunks(by_hash, 500):
            sql = f"SELECT sha256, id FROM content WHERE sha256 IN ({marks(len(some))})"
            ids |= {row[0]: row[1] for row in self._writer.database.run(sql, some)}
        new = [one for name, one in by_hash.items() if name not in ids]
        rows = [(self._writer.fresh("content"), o.size, o.md5, o.sha256, o.git_sha1, o.blake3) for o in new]
        self._writer.database.load("content", ("id", "size", "md5", "sha256", "git_sha1", "blake3"), rows)
        return ids | {row[3]: row[0] for row in rows}

    def _drop_unused(self) -> None:
        self._writer.begin()
        unused = "NOT EXISTS (SELECT 1 FROM file f WHERE f.content_id = content.id)"
        self._writer.database.run(f"DELETE FROM content WHERE {unused}")


def agrees(file: Wanted, found: Digests) -> bool:
    """Say whether the bytes are those that the registry names; what it does not name, they are."""
    field = _FIELDS.get(file.algorithm)
    return not file.hex or (field is not None and getattr(found, field) == file.hex)


def _columns(file: Wanted, found: Digests | None, contents: dict[str, int]) -> tuple[str, str, int, int | None]:
    """Return the digest columns of a file's row: algorithm, hex, computed, content."""
    if found is None or not agrees(file, found):
        return file.algorithm, file.hex, 0, None
    if not file.hex:
        return "sha256", found.sha256, 1, contents[found.sha256]
    return file.algorithm, file.hex, 0, contents[found.sha256]


def in_order(paths: Sequence[str], marks_of: dict[str, Mark]) -> list[str]:
    """Return the files in the order of what hashing them gains: sizes that several have first, then small ones."""
    sizes = Counter(marks_of[path].size for path in paths)
    return sorted(paths, key=lambda path: (sizes[marks_of[path].size] == 1, marks_of[path].size, path))


def memory_beside(index_folder: str | None, cache_folder: Path) -> Memory:
    """Open the memory of fingerprints: beside the index where that is a file, else in the user's cache."""
    return Memory((Path(index_folder) if index_folder else cache_folder / "index") / "fingerprints.db")


class _Told:
    """Counts bytes and files, and tells of them ten times a second at most."""

    def __init__(self, tell: Callable[[Event], None], files: int, size: int) -> None:
        self._tell = tell
        self._of = (files, size)
        self._files, self._bytes = 0, 0
        self._started = time.monotonic()
        self._told_at = self._started

    def bytes(self, count: int) -> None:
        """Count bytes that were read."""
        self._bytes += count
        self._say(time.monotonic())

    def file(self) -> None:
        """Count a file that is done; the last one is always told."""
        self._files += 1
        self._say(time.monotonic(), last=self._files == self._of[0])

    def _say(self, now: float, *, last: bool = False) -> None:
        if now - self._told_at < EVERY and not last:
            return
        self._told_at = now
        rate = self._bytes / max(now - self._started, 1e-9)
        left = max(self._of[1] - self._bytes, 0) / rate if rate else None
        said = Fingerprinting(
            files=self._files, of_files=self._of[0], bytes=self._bytes, of_bytes=self._of[1], rate=rate, left=left
        )
        self._tell(said)
