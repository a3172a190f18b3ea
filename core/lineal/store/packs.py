"""Packs: many blocks in one object, with a footer that says where each one is, verified before it is believed.

    magic | blocks | footer: one record of 84 bytes a block | number of records, BLAKE3 of the footer, magic

A pack is named by the BLAKE3 of all its bytes. FORMAT.md is the specification.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from lineal.errors import Corrupt, NotFound
from lineal.store.backend import Backend

if TYPE_CHECKING:
    from pathlib import Path

    from lineal.store.filesystem import FileSystem

MAGIC = b"LNLPACK1"
FULL = 64 << 20  # bytes: a pack is closed once it has as many
MAX_BLOCK = 4 << 20  # bytes of a block; a reader refuses longer ones
_RECORD = struct.Struct("<32s32sQIIBBBx")
_TAIL = struct.Struct("<I32s8s")
MAX_RECORDS = 1 << 22
_HINT = "`lineal repair --from REMOTE` fetches what is damaged; `lineal verify` shows what else is"


class Entry(msgspec.Struct, frozen=True):
    """One block in a pack. `base` is the hash of the block it is a difference from, empty for none."""

    hash: bytes  # BLAKE3 of the block's own bytes
    offset: int  # in the pack
    stored: int  # bytes in the pack
    size: int  # bytes of the block
    codec: int
    width: int
    depth: int  # blocks to be read before this one
    base: bytes = b""


def key(name: str) -> str:
    """Return the key of a pack's object."""
    return f"packs/{name[:2]}/{name}.pack"


def footer(entries: list[Entry]) -> bytes:
    """Return the end of a pack that holds `entries`."""
    from blake3 import blake3

    records = b"".join(
        _RECORD.pack(one.hash, one.base or bytes(32), one.offset, one.stored, one.size, one.codec, one.width, one.depth)
        for one in entries
    )
    return records + _TAIL.pack(len(entries), blake3(records).digest(), MAGIC)


def read_footer(backend: Backend, name: str, size: int | None = None) -> list[Entry]:
    """Return what a pack holds, from its end. Raises NotFound; Corrupt if its footer is not what was written."""
    from blake3 import blake3

    size = backend.size(key(name)) if size is None else size
    if size is None:
        raise NotFound(f"the pack {name[:12]} is not there", hint=_HINT)
    if size < len(MAGIC) + _TAIL.size:
        raise _damaged(name, "cut off")
    guess = min(size, 64 << 10)  # most footers, in one request
    end = backend.read(key(name), size - guess, guess)
    if len(end) != guess:
        raise _damaged(name, "cut off")
    count, digest, magic = _TAIL.unpack_from(end, len(end) - _TAIL.size)
    length = count * _RECORD.size
    if magic != MAGIC or count > MAX_RECORDS or length + _TAIL.size + len(MAGIC) > size:
        raise _damaged(name, "no footer")
    if length + _TAIL.size > guess:
        end = backend.read(key(name), size - length - _TAIL.size, length + _TAIL.size)
    records = end[len(end) - _TAIL.size - length : len(end) - _TAIL.size]
    if len(records) != length or blake3(records).digest() != digest:
        raise _damaged(name, "a footer that does not match its hash")
    return list(_entries(name, records, size - length - _TAIL.size))


def _entries(name: str, records: bytes, end: int) -> Iterator[Entry]:
    for found, base, offset, stored, size, codec, width, depth in _RECORD.iter_unpack(records):
        if offset < len(MAGIC) or offset + stored > end or size > MAX_BLOCK or stored > 2 * MAX_BLOCK:
            raise _damaged(name, "a block outside of it")
        yield Entry(found, offset, stored, size, codec, width, depth, b"" if base == bytes(32) else base)


def _damaged(name: str, reason: str) -> Corrupt:
    return Corrupt(f"the pack {name[:12]} is damaged: {reason}", hint=_HINT)


class PackFile:
    """A pack as it is written, in a temporary file."""

    def __init__(self, folder: Path, fs: FileSystem) -> None:
        from blake3 import blake3

        self._fs = fs
        self._handle, self.path = fs.create_temporary(folder)
        self._hasher = blake3()
        self._at = 0
        self.entries: list[Entry] = []
        self._append(MAGIC)

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._at

    def _append(self, data: bytes) -> None:
        self._fs.write(self._handle, data)
        self._hasher.update(data)
        self._at += len(data)

    def add(self, found: Entry, data: bytes) -> Entry:
        """Write a block; return its entry with its place."""
        entry = msgspec.structs.replace(found, offset=self._at, stored=len(data))
        self._append(data)
        self.entries.append(entry)
        return entry

    def close(self) -> str:
        """Write the footer and return the pack's name; the file lies at `path` until it is moved."""
        self._append(footer(self.entries))
        self._fs.close(self._handle)
        self._handle = -1
        return self._hasher.hexdigest()

    def abandon(self) -> None:
        """Take the temporary file away."""
        if self._handle >= 0:
            self._fs.close(self._handle)
            self._handle = -1
        self._fs.discard(self.path)
