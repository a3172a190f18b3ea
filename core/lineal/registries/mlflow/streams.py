"""A part of a local file as a stream."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

from lineal.errors import NotFound, Unavailable


def opened(path: Path, start: int, length: int | None) -> BinaryIO:
    """Open `path` from `start`, at most `length` bytes. Raises NotFound or Unavailable."""
    try:
        file = path.open("rb")
        file.seek(start)
    except FileNotFoundError as error:
        raise NotFound(f"{path} is gone", hint="sync to see what is there now") from error
    except OSError as error:
        raise Unavailable(f"{path} cannot be read: {error.strerror}", hint="check its permissions") from error
    return file if length is None else io.BufferedReader(_Part(file, length))


class _Part(io.RawIOBase):
    """The next `left` bytes of a file."""

    def __init__(self, file: io.BufferedReader, left: int) -> None:
        self._file, self._left = file, left

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed's Buffer has no length
        """Fill `buffer` as far as the part goes."""
        data = self._file.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()
