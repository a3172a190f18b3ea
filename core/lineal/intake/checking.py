"""Bytes checked, as they are read, against the hash that somebody else names them by."""

from __future__ import annotations

import hashlib
from typing import Any, BinaryIO, cast

from lineal.errors import Corrupt
from lineal.model.version import Algorithm, Digest
from lineal.store.sources import Source

_HASHED = frozenset({Algorithm.MD5, Algorithm.SHA256, Algorithm.GIT_SHA1, Algorithm.BLAKE3})


def checked(source: Source, path: str, digest: Digest) -> Source:
    """Return a source whose `check` raises Corrupt if what was read is not what `digest` says."""
    return _Checked(source, path, digest) if digest.algorithm in _HASHED else source


class _Checked(Source):
    def __init__(self, source: Source, path: str, digest: Digest) -> None:
        super().__init__(source.name, source.size, source.open_range, source.check, source.mode)
        self._inner_check, self._path, self._digest = source.check, path, digest
        self._hasher: Any = None
        self.check = self._verify

    def stream(self) -> BinaryIO:
        self._hasher = _hasher(self._digest.algorithm, self.size)
        return cast(BinaryIO, _Tee(super().stream(), self._hasher))

    def _verify(self) -> None:
        self._inner_check()
        if self._hasher is not None and self._hasher.hexdigest() != self._digest.hex:
            raise Corrupt(
                f"{self._path} is not what its registry's {self._digest.algorithm} says",
                hint="it was damaged where it lies: fetch it again there",
            )


class _Tee:
    """A stream whose bytes are hashed as they are read."""

    def __init__(self, stream: BinaryIO, hasher: Any) -> None:
        self._stream, self._hasher = stream, hasher

    def read(self, length: int) -> bytes:
        data = self._stream.read(length)
        self._hasher.update(data)
        return data

    def __enter__(self) -> _Tee:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()


def _hasher(algorithm: Algorithm, size: int) -> Any:
    if algorithm is Algorithm.BLAKE3:
        from blake3 import blake3

        return blake3()
    if algorithm is Algorithm.GIT_SHA1:
        return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    return hashlib.new(algorithm.value, usedforsecurity=False)
