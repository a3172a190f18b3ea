"""Fingerprints: every digest by which registries name bytes, of one local file, in one pass.

DVC names bytes by MD5, Hugging Face by SHA-256 and git's SHA-1, our own store by BLAKE3. A file that changes while it
is read, or is no regular file, has no fingerprint. What was read once is remembered by device, inode, size and times.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import msgspec

CHUNK = 1 << 20  # bytes read at once
_RACY = 2_000_000_000  # nanoseconds: a file changed this lately may change again without its times showing it
_BEST_EFFORT = sqlite3.Error


class Digests(msgspec.Struct, frozen=True, kw_only=True):
    """The digests of some bytes in lower-case hexadecimal, and their number. `git_sha1` is that of a git blob."""

    size: int
    md5: str
    sha256: str
    git_sha1: str
    blake3: str


class Mark(msgspec.Struct, frozen=True):
    """What tells a file's content without reading it."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


class Pace:
    """Keeps reading to so many bytes per second; 0 for no bound."""

    def __init__(self, bytes_per_second: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = bytes_per_second
        self._clock = clock
        self._free_at = clock()

    def rest(self, count: int) -> float:
        """Note that `count` bytes were read; return the seconds to wait before reading on."""
        if not self._rate:
            return 0.0
        now = self._clock()
        self._free_at = max(self._free_at, now) + count / self._rate
        return self._free_at - now


def _mark(info: os.stat_result) -> Mark:
    return Mark(info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)


def mark(path: str) -> Mark | None:
    """Return the mark of a regular file, links followed; None for anything else."""
    try:
        info = os.stat(path)  # noqa: PTH116 - a foreign name may be no valid Path, and that is no error here
    except (OSError, ValueError):
        return None
    return _mark(info) if stat.S_ISREG(info.st_mode) else None


def digest(
    path: str,
    *,
    pace: Pace | None = None,
    cancel: threading.Event | None = None,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> tuple[Mark, Digests] | None:
    """Read a file once and return its digests, with the mark they hold for.

    None where it cannot be read, is no regular file (a FIFO never blocks this), changed meanwhile, or `cancel` was set.
    `on_bytes` is told of each chunk.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    try:
        handle = os.open(path, flags)
    except (OSError, ValueError):
        return None
    try:
        before = os.fstat(handle)
        if not stat.S_ISREG(before.st_mode):
            return None
        found = _read(handle, before.st_size, pace or Pace(), cancel or threading.Event(), on_bytes)
        return None if found is None or _mark(os.fstat(handle)) != _mark(before) else (_mark(before), found)
    except OSError:
        return None
    finally:
        os.close(handle)


def _read(
    handle: int, size: int, pace: Pace, cancel: threading.Event, on_bytes: Callable[[int], None]
) -> Digests | None:
    from blake3 import blake3

    md5, sha256, both = hashlib.md5(usedforsecurity=False), hashlib.sha256(), blake3()
    git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    left, buffer = size, memoryview(bytearray(CHUNK))
    while left > 0 and (count := os.readv(handle, [buffer])) > 0:
        chunk = buffer[:count]
        for hasher in (md5, sha256, git, both):
            hasher.update(chunk)
        left -= count
        on_bytes(count)
        if cancel.wait(pace.rest(count)):
            return None
    if left:
        return None
    return Digests(
        size=size, md5=md5.hexdigest(), sha256=sha256.hexdigest(), git_sha1=git.hexdigest(), blake3=both.hexdigest()
    )


class Memory:
    """Remembers digests in a SQLite file. It is only a memory: where it cannot be used, files are read again."""

    def __init__(self, path: Path) -> None:
        self._connection: sqlite3.Connection | None = None
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._connection = _opened(path)
        except (OSError, sqlite3.OperationalError):
            return  # no folder, no room, or held: do without
        except sqlite3.DatabaseError:
            path.unlink(missing_ok=True)  # damaged: the next time finds a good one

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, mark: Mark) -> Digests | None:
        """Return the digests of the file with exactly this mark, if they are remembered."""
        if self._connection is None:
            return None
        sql = (
            "SELECT size, md5, sha256, git_sha1, blake3 FROM seen "
            "WHERE device=? AND inode=? AND size=? AND mtime_ns=? AND ctime_ns=?"
        )
        try:
            row = self._connection.execute(sql, _key(mark)).fetchone()
        except _BEST_EFFORT:
            return None
        return Digests(size=row[0], md5=row[1], sha256=row[2], git_sha1=row[3], blake3=row[4]) if row else None

    def put(self, mark: Mark, found: Digests, now_ns: int) -> None:
        """Remember digests, unless the file changed so lately that its times could hide another change."""
        if self._connection is None or now_ns - max(mark.mtime_ns, mark.ctime_ns) < _RACY:
            return
        values = (*_key(mark), found.md5, found.sha256, found.git_sha1, found.blake3)
        try:
            self._connection.execute("INSERT OR REPLACE INTO seen VALUES (?,?,?,?,?,?,?,?,?)", values)
        except _BEST_EFFORT:
            return

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=2.0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA synchronous=OFF")  # nothing is lost that cannot be read again
        connection.execute(
            "CREATE TABLE IF NOT EXISTS seen (device INTEGER, inode INTEGER, size INTEGER, mtime_ns INTEGER, "
            "ctime_ns INTEGER, md5 TEXT, sha256 TEXT, git_sha1 TEXT, blake3 TEXT, PRIMARY KEY (device, inode)) "
            "WITHOUT ROWID"
        )
    except BaseException:
        connection.close()
        raise
    return connection


def _key(mark: Mark) -> tuple[int, ...]:
    """Return the columns of a mark; SQLite's integers are signed, inodes of some file systems are not."""
    return (_signed(mark.device), _signed(mark.inode), mark.size, mark.mtime_ns, mark.ctime_ns)


def _signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value
