"""Foreign bytes read piece by piece through ranges, so that a header costs a header and not the file.

The same parsers then serve local files and remote ones: a source is a function that opens `length` bytes from `start`.
What is fetched is capped, and so is the number of requests: a hostile header cannot make its reader wander for ever.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from lineal.errors import BadFormat, Unavailable

OpenRange = Callable[[int, int | None], BinaryIO]
"""Opens a source from an offset, for at most so many bytes (None: to its end)."""

FIRST = 100_000  # bytes: holds most headers whole
SMALLEST, LARGEST = 4 << 10, 1 << 20  # bytes a request
BUDGET = 128 << 20  # bytes in all
MAX_REQUESTS = 100_000
KEPT = 4  # pieces remembered
PIECE = 4 << 10  # bytes that a reader takes from a window at a time

_HINT = "it may be still being written or only partly copied; otherwise fetch or write it again"


class Window:
    """Random access to a source of `size` bytes (None: not known) through few requests, within a budget."""

    def __init__(self, open_range: OpenRange, size: int | None, *, budget: int = BUDGET) -> None:
        self.size = size
        self._open = open_range
        self._budget = budget
        self._requests = 0
        self._pieces: list[tuple[int, bytes]] = []
        self._next = SMALLEST

    def read(self, start: int, length: int) -> bytes:
        """Return exactly `length` bytes from `start`. Raises BadFormat if the source ends before."""
        found = self.upto(start, length)
        if len(found) < length:
            raise BadFormat(f"cut off: it ends where bytes {start:,} to {start + length:,} should be", hint=_HINT)
        return found

    def upto(self, start: int, length: int) -> bytes:
        """Return at most `length` bytes from `start`: fewer only at the end of the source."""
        if self.size is not None:
            length = min(length, max(0, self.size - start))
        if length <= 0:
            return b""
        for at, piece in self._pieces:
            if at <= start and start + length <= at + len(piece):
                return piece[start - at : start - at + length]
        return self._fetch(start, length)[:length]

    def _fetch(self, start: int, length: int) -> bytes:
        last = self._pieces[-1] if self._pieces else None
        forward = last is not None and last[0] <= start <= last[0] + len(last[1])
        self._next = FIRST if last is None else min(self._next * 2, LARGEST) if forward else SMALLEST
        wanted = max(length, self._next)
        self._spend(length)
        piece = self._request(start, wanted)
        self._pieces = [*self._pieces[1 - KEPT :], (start, piece)]
        return piece

    def _spend(self, length: int) -> None:
        """Count what was asked for; what is read ahead is bounded by the number of requests."""
        self._requests += 1
        self._budget -= length
        if self._budget < 0 or self._requests > MAX_REQUESTS:
            raise BadFormat("its header is too long or too scattered to be read", hint="such a file is not supported")

    def _request(self, start: int, length: int) -> bytes:
        with self._open(start, length) as stream:
            parts: list[bytes] = []
            while length > 0 and (part := stream.read(length)):
                parts.append(part)
                length -= len(part)
        return b"".join(parts)


class Reader:
    """A place in a window that moves forward, with the part of a binary file's interface that parsers use.

    `end` is the offset behind the last byte that may be read; reads stop there as at the end of a file.
    """

    def __init__(self, window: Window, start: int = 0, end: int | None = None) -> None:
        self.window = window
        self.at = start
        self.end = end if end is not None else window.size if window.size is not None else 1 << 62
        self._piece, self._from = b"", 0  # a piece at hand: parsers read a byte at a time

    def read(self, length: int) -> bytes:
        """Return at most `length` bytes, fewer only at the end."""
        start = self.at - self._from
        if start >= 0 and length >= 0 and start + length <= len(self._piece):
            self.at += length
            return self._piece[start : start + length]
        wanted = max(0, min(length, self.end - self.at))
        if wanted < PIECE:
            self._piece = self.window.upto(self.at, min(PIECE, self.end - self.at))
            self._from = self.at
            found = self._piece[:wanted]
        else:
            found = self.window.upto(self.at, wanted)
        self.at += len(found)
        return found

    def take(self, length: int) -> bytes:
        """Return exactly `length` bytes. Raises BadFormat at the end."""
        if self.at + length > self.end:
            raise BadFormat(f"cut off: it ends before byte {self.at + length:,}", hint=_HINT)
        found = self.read(length)
        if len(found) < length:
            raise BadFormat(f"cut off: it ends before byte {self.at:,}", hint=_HINT)
        return found

    def number(self, width: int, order: str = "little") -> int:
        """Return an unsigned integer of `width` bytes."""
        return int.from_bytes(self.take(width), "big" if order == "big" else "little")

    def readline(self) -> bytes:
        """Return bytes up to and with the next newline, at most 64 KiB."""
        found = self.window.upto(self.at, min(1 << 16, self.end - self.at))
        line = found[: found.find(b"\n") + 1] or found
        self.at += len(line)
        return line

    def tell(self) -> int:
        """Return the offset of the next byte."""
        return self.at


class _Slice(io.RawIOBase):
    """The next `length` bytes of a file, as a file."""

    def __init__(self, stream: BinaryIO, length: int) -> None:
        self._stream, self._left = stream, length

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self._stream.read(min(len(view), self._left))
        view[: len(data)] = data
        self._left -= len(data)
        return len(data)

    def close(self) -> None:
        self._stream.close()
        super().close()


def open_slice(path: Path, start: int = 0, length: int | None = None) -> BinaryIO:
    """Open a local file from `start` for at most `length` bytes. Raises Unavailable."""
    try:
        stream = path.open("rb", buffering=0 if length is not None else -1)
        stream.seek(start)
    except OSError as error:
        raise _unavailable(path, error) from error
    if length is None:
        return stream
    return io.BufferedReader(_Slice(stream, length), min(max(length, 1), 1 << 16))


def _unavailable(path: Path, error: OSError) -> Unavailable:
    return Unavailable(f"{path} cannot be read: {error.strerror}", hint="check that it is there and yours to read")


def read_small(path: Path, limit: int) -> bytes:
    """Return the whole of a local file. Raises Unavailable; BadFormat if it is longer than `limit` bytes."""
    try:
        with path.open("rb") as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise _unavailable(path, error) from error
    if len(data) > limit:
        raise BadFormat(f"longer than {limit:,} bytes", hint="a file this long is not read")
    return data


def of_file(path: Path, *, budget: int = BUDGET) -> Window:
    """Return a window on a local file. Raises Unavailable."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise _unavailable(path, error) from error
    return Window(lambda start, length: open_slice(path, start, length), size, budget=budget)


def of_bytes(data: bytes) -> Window:
    """Return a window on bytes in memory."""
    return Window(lambda start, length: io.BytesIO(data[start : None if length is None else start + length]), len(data))
