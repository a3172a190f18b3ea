"""The native store: objects of one backend, their catalog, and what is done with both.

format            which store this is, and by which rules it is written
packs/ab/HASH.pack      blocks
manifests/ab/HASH       versions
ledger/...              events (lineal.ledger)
locks/...               leases of writers, and of what takes packs away
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from lineal.errors import Corrupt, NotFound, Unsupported
from lineal.store import documents
from lineal.store.backend import Backend
from lineal.store.catalog import VERSION, Catalog
from lineal.store.documents import Document
from lineal.store.filesystem import FileSystem

if TYPE_CHECKING:
    from lineal.store.reading import Reader

FORMAT_KEY = "format"
FORMAT = 1


class Format(msgspec.Struct, frozen=True):
    """The object `format`: `lineal_store` is the version of the rules, `id` is drawn when the store is made."""

    lineal_store: int
    id: str


class Store:
    """One native store, for one thread at a time."""

    def __init__(self, backend: Backend, identity: str, cache: Path | None, fs: FileSystem | None = None) -> None:
        self.backend = backend
        self.id = identity
        self.fs = fs or FileSystem()
        self._cache = cache
        self.catalog = Catalog(backend, self._beside("db"))
        self._reader: Reader | None = None
        self._documents: dict[str, Document] = {}

    @classmethod
    def open(
        cls, backend: Backend, cache: Path | None = None, *, create: bool = False, fs: FileSystem | None = None
    ) -> Store:
        """Open the store at a backend; with `create` make it where there is none.

        Args:
            backend: where it lies.
            cache: a folder for what can be made again: the catalog, and what the ledger remembers; None for memory.
            create: make it.
            fs: what files are written through.

        Raises:
            NotFound: there is no store.
            Unsupported: it was written by a newer Lineal.
            Corrupt: its `format` is not readable.
        """
        found = _format(backend)
        if found is None and create:
            mine = Format(FORMAT, secrets.token_hex(16))
            backend.create(FORMAT_KEY, msgspec.json.encode(mine) + b"\n")
            found = _format(backend)
        if found is None:
            raise NotFound(f"there is no store at {backend.url}", hint="`lineal commit` makes one")
        return cls(backend, found.id, cache, fs)

    def _beside(self, end: str) -> Path | None:
        if self._cache is None:
            return None
        place = hashlib.sha256(os.fsencode(self.backend.url)).hexdigest()[:8]
        return self._cache / "stores" / f"{self.id[:16]}-{place}-v{VERSION}.{end}"

    @property
    def memory(self) -> Path | None:
        """Where the ledger's last head is remembered."""
        return self._beside("head")

    @property
    def reader(self) -> Reader:
        """What reads blocks."""
        from lineal.store.reading import Reader  # which needs NumPy: whoever only reads the ledger does not

        if self._reader is None:
            self._reader = Reader(self.backend, self.catalog)
        return self._reader

    def document(self, version: str) -> Document:
        """Return a version by its whole id. Raises NotFound, Corrupt, Unsupported."""
        if version not in self._documents:
            if len(self._documents) > 64:
                self._documents.clear()
            found = documents.read(self.backend, version)
            self._documents[version] = found
        return self._documents[version]

    def prepare(self, document: Document) -> None:
        """Make the packs of a version known; where its hint is out of date, look at all packs."""
        known = self.catalog.packs()
        if missing := [name for name in document.packs if name not in known]:
            self.catalog.take(dict.fromkeys(missing))

    def versions(self) -> Iterator[str]:
        """Yield the ids of the manifests that a listing shows, sorted."""
        for one in self.backend.list("manifests/"):
            yield one.key.rpartition("/")[2]

    def close(self) -> None:
        """Let go of everything; harmless twice."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self.catalog.close()
        self.backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _format(backend: Backend) -> Format | None:
    try:
        data = backend.read(FORMAT_KEY, 0, 4096)
    except NotFound:
        return None
    try:
        found = msgspec.json.decode(data, type=Format)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Corrupt(f"{backend.url}/format is not readable", hint="is it a Lineal store?") from error
    if found.lineal_store > FORMAT:
        raise Unsupported(
            f"{backend.url} is of format {found.lineal_store}, this Lineal reads up to {FORMAT}", hint="update Lineal"
        )
    return found
