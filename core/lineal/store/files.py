"""A stored file as a file: whole, by ranges, by tensors, without the rest of it."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from numpy.typing import NDArray

from lineal.errors import Corrupt, NotFound, Unsupported
from lineal.formats import dtypes
from lineal.store.bases import split_blocks
from lineal.store.manifest import Content, Layout, View
from lineal.store.planes import Bytes

if TYPE_CHECKING:
    from lineal.store.reading import Reader

_HINT = "`lineal repair --from REMOTE` fetches the manifest again"


class Place(msgspec.Struct, frozen=True):
    """One block in a file: its hash, and the offset of its first byte."""

    hash: bytes
    start: int
    size: int


def places(layout: Layout) -> list[Place]:
    """Return a file's blocks in order. Raises Corrupt if the layout does not add up."""
    found: list[Place] = []
    at, sizes = 0, iter(layout.sizes)
    for span in layout.spans:
        end = at + span.size
        for block in split_blocks(span.blocks):
            size = min(layout.block, end - at) if layout.block else next(sizes, 0)
            if size <= 0:
                raise Corrupt("a layout with more blocks than bytes", hint=_HINT)
            found.append(Place(block, at, size))
            at += size
        if at != end:
            raise Corrupt("a layout whose blocks do not add up to its file", hint=_HINT)
    return found


class StoredFile:
    """One file of a version. Reading verifies every block."""

    def __init__(self, reader: Reader, content: Content, layout: Layout) -> None:
        self.content = content
        self.layout = layout
        self._reader = reader

    @cached_property
    def places(self) -> list[Place]:
        """The file's blocks."""
        return places(self.layout)

    @cached_property
    def _starts(self) -> list[int]:
        return [place.start for place in self.places]

    def blocks(self, start: int = 0, stop: int | None = None) -> Iterator[bytes | memoryview]:
        """Yield the bytes from `start` to `stop` in pieces, reading no block that holds none of them."""
        stop = self.content.size if stop is None else min(stop, self.content.size)
        wanted = self._between(start, stop)
        for place, block in zip(wanted, self._reader.blocks(place.hash for place in wanted), strict=True):
            if len(block) != place.size:
                raise Corrupt("a block of another size than the layout says", hint=_HINT)
            yield block.data[max(0, start - place.start) : stop - place.start]

    def _between(self, start: int, stop: int) -> list[Place]:
        if start >= stop:
            return []
        first = bisect_right(self._starts, start) - 1
        last = bisect_right(self._starts, stop - 1)
        return self.places[max(0, first) : last]

    def read(self, start: int = 0, length: int | None = None) -> bytes:
        """Return a range of the file. Raises Corrupt."""
        return b"".join(self.blocks(start, None if length is None else start + length))

    def open(self, start: int = 0, length: int | None = None) -> io.BufferedReader:
        """Open the file, or a part of it, for reading in any order."""
        stop = self.content.size if length is None else min(start + length, self.content.size)
        return io.BufferedReader(_Raw(self, min(start, stop), stop), 1 << 16)

    def view(self, name: str) -> View:
        """Return where a tensor lies. Raises NotFound."""
        for view in self.layout.views:
            if view.name == name:
                return view
        raise NotFound(f"{self.content.path} has no tensor {name!r}", hint="`lineal show --tensors` lists them")

    def tensor(self, name: str) -> NDArray[np.generic]:
        """Return a tensor's values, shaped; types that NumPy lacks as float32, which holds them exactly.

        Raises:
            NotFound: there is none of that name.
            Unsupported: its type has no values of their own, as a quantised block has not.
            Corrupt: its bytes are not what was stored.
        """
        view = self.view(name)
        return array(np.frombuffer(self.read(view.start, view.stop - view.start), np.uint8), view)


def array(data: Bytes, view: View) -> NDArray[np.generic]:
    """Return a tensor's bytes as an array. Raises Unsupported, Corrupt."""
    if view.dtype == "bfloat16":
        wide = data.view("<u2").astype(np.uint32)
        wide <<= 16
        return wide.view(np.float32).reshape(view.shape)
    if view.dtype not in _NUMPY:
        raise Unsupported(
            f"{view.name!r} is of type {view.dtype}", hint="its bytes can be had with `lineal cat --range`"
        )
    found = data.view(_NUMPY[view.dtype])
    if found.size != dtypes.elements(view.shape):
        raise Corrupt(f"{view.name!r} is not as long as its shape says", hint=_HINT)
    return found.reshape(view.shape)


_PLAIN = "bool uint8 int8 uint16 int16 uint32 int32 uint64 int64 float16 float32 float64 complex64 complex128"
_NUMPY = {name: np.dtype(name).newbyteorder("<") for name in _PLAIN.split(" ")}


class _Raw(io.RawIOBase):
    """A stored file from `start` to `stop`, as a file: forward reads are streamed, others begin anew."""

    def __init__(self, file: StoredFile, start: int, stop: int) -> None:
        self._file, self._from, self._stop = file, start, stop
        self._at = start
        self._pieces: Iterator[bytes | memoryview] = iter(())
        self._piece: bytes | memoryview = b""
        self._expected = -1  # where the stream stands

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: self._from, io.SEEK_CUR: self._at, io.SEEK_END: self._stop}[whence]
        if origin + offset < self._from:
            raise ValueError("a negative offset")
        self._at = origin + offset
        return self._at - self._from

    def tell(self) -> int:
        return self._at - self._from

    def readinto(self, buffer: object) -> int:
        target = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        if self._at >= self._stop or not len(target):
            return 0
        if self._at != self._expected:
            self._pieces, self._piece = self._file.blocks(self._at, self._stop), b""
        while not len(self._piece):
            self._piece = next(self._pieces)
        count = min(len(target), len(self._piece))
        target[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        self._at += count
        self._expected = self._at
        return count
