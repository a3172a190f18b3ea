"""What a writer reads: one file's bytes, from a disk or out of another registry, in order and by range."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from lineal.errors import Conflict, NotFound, Unavailable
from lineal.formats.window import OpenRange, Window, open_slice

PIECE = 1 << 20


class Source:
    """Bytes with a known size. `open_range(start, length)` opens a part of them; `check` raises if they changed."""

    def __init__(
        self, name: str, size: int, open_range: OpenRange, check: Callable[[], None] = lambda: None, mode: int = 0o644
    ) -> None:
        self.name = name
        self.size = size
        self.mode = mode
        self.open_range = open_range
        self.check = check

    def window(self) -> Window:
        """Return them for a parser of headers."""
        return Window(self.open_range, self.size)

    def stream(self) -> BinaryIO:
        """Open them from their first byte."""
        return self.open_range(0, None)


def of_path(path: Path) -> Source:
    """Return the source of a regular file on this machine, links followed.

    Raises:
        NotFound: there is none.
        Unavailable: it cannot be read, or is no regular file.
    """
    before = _stat(path)

    def check() -> None:
        after = _stat(path)
        if _state(after) != _state(before):
            raise Conflict(f"{path} changed while it was read", hint="commit it again once nothing writes to it")

    mode = 0o755 if before.st_mode & 0o100 else 0o644
    return Source(str(path), before.st_size, lambda start, length: open_slice(path, start, length), check, mode)


def _state(info: os.stat_result) -> tuple[int, int, int, int]:
    return info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns


def _stat(path: Path) -> os.stat_result:
    try:
        info = path.stat()
    except FileNotFoundError as error:
        raise NotFound(f"{path} is not there", hint="was it moved, or is the name misspelt?") from error
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}", hint="check its permissions") from error
    if not stat.S_ISREG(info.st_mode):
        raise Unavailable(f"{path} is no regular file", hint="sockets, pipes and devices are not committed")
    return info
