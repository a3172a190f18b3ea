"""What one scope of a scan said, kept until the scope is complete: in memory, then in a file without a name.

The writer thus never waits for a registry within a transaction, and a scope that breaks off leaves nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import Any, Self

import msgspec

from lineal.errors import BadFormat
from lineal.index.clean import Said, cleaned
from lineal.model.records import Alias, AliasMove, Edge, Gone, Model, Problem
from lineal.model.version import Version

IN_MEMORY = 32 << 20  # bytes
_KINDS: tuple[type, ...] = (Version, Model, Alias, AliasMove, Edge, Gone, Problem)
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}
_HEAD = struct.Struct("<BI")


class Spool:
    """Records of one registry in the order in which they came, cleaned.

    `folder` is where a large one is kept on disk. Iterating yields each record with the bytes it was encoded as.
    """

    def __init__(self, registry: str, folder: str | None = None) -> None:
        self.registry = registry
        self.count = 0
        self.size = 0  # bytes
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY, dir=folder)  # noqa: SIM115 - closed by close()
        self._encode = msgspec.msgpack.Encoder().encode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, record: Said) -> None:
        """Keep one record.

        Raises:
            BadFormat: it speaks of another registry than the one that is scanned.
        """
        of = record.child.registry if isinstance(record, Edge) else record.registry
        if of != self.registry:
            raise BadFormat(f"the scan of {self.registry} spoke of {of!r}", hint="this is a fault of its adapter")
        data = self._encode(cleaned(record))
        self._file.write(_HEAD.pack(_NUMBERS[type(record)], len(data)))
        self._file.write(data)
        self.count += 1
        self.size += _HEAD.size + len(data)

    def __iter__(self) -> Iterator[tuple[Said, bytes]]:
        decoders: list[Any] = [msgspec.msgpack.Decoder(kind).decode for kind in _KINDS]
        self._file.seek(0)
        read = self._file.read
        while head := read(_HEAD.size):
            number, length = _HEAD.unpack(head)
            data = read(length)
            yield decoders[number](data), data

    def close(self) -> None:
        """Forget everything."""
        self._file.close()
