"""Versions from one store to another: only the blocks that the other side lacks, as they are written, in whole packs.

A pack of which everything is wanted goes as it is; of others a new one is made of what is wanted, without decoding it.
What an interrupted transfer brought stays and is not sent again. The order is packs, manifest, event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import msgspec

from lineal.errors import Corrupt, NotFound
from lineal.store import documents, packs
from lineal.store.bases import split_blocks
from lineal.store.catalog import Located
from lineal.store.documents import Document
from lineal.store.packs import PackFile
from lineal.store.store import Store

_PARALLEL = 4
_PIECE = 16 << 20


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What a transfer sent, in bytes; `whole` is what the versions' files have together."""

    versions: int = 0
    packs: int = 0
    sent: int = 0
    whole: int = 0


class Parcel(msgspec.Struct, frozen=True):
    """Blocks that are sent together: all of `pack`, or some of several."""

    entries: tuple[Located, ...]
    pack: str = ""  # named where it goes as it is

    @property
    def size(self) -> int:
        """Bytes to be sent, about."""
        return sum(entry.stored for entry in self.entries)


def blocks_of(document: Document) -> list[bytes]:
    """Return the blocks of a version, each once, in order."""
    found: dict[bytes, None] = {}
    for layout in document.layouts:
        for span in layout.spans:
            found.update(dict.fromkeys(split_blocks(span.blocks)))
    return list(found)


def missing(source: Store, target: Store, wanted: Iterable[Document]) -> list[Parcel]:
    """Return what must be sent so that `target` can restore the versions `wanted`. Raises Corrupt."""
    needed: dict[bytes, Located] = {}
    for document in wanted:
        source.prepare(document)
        for block in blocks_of(document):
            _need(source, target, block, needed)
    by_pack: dict[str, list[Located]] = {}
    for entry in needed.values():
        by_pack.setdefault(entry.pack, []).append(entry)
    return list(_parcels(source, by_pack))


def _need(source: Store, target: Store, block: bytes, needed: dict[bytes, Located]) -> None:
    """Note a block and those it is a difference from, down to what the target has."""
    if block in needed or target.catalog.find(block) is not None:
        return
    for link in source.reader.chain(block):
        if link.hash in needed or target.catalog.find(link.hash) is not None:
            return
        needed[link.hash] = link


def _parcels(source: Store, by_pack: dict[str, list[Located]]) -> Iterable[Parcel]:
    parts: list[Located] = []
    for pack, entries in sorted(by_pack.items()):
        if len(entries) == len(source.catalog.inside(pack)):
            yield Parcel(tuple(entries), pack)
            continue
        parts += sorted(entries, key=lambda entry: entry.offset)
    batch: list[Located] = []
    size = 0
    for entry in parts:
        batch.append(entry)
        size += entry.stored
        if size >= packs.FULL:
            yield Parcel(tuple(batch))
            batch, size = [], 0
    if batch:
        yield Parcel(tuple(batch))


def send(
    source: Store, target: Store, parcels: Iterable[Parcel], on_bytes: Callable[[int], None] = lambda _: None
) -> int:
    """Send parcels, some at a time, and return the bytes of the packs made there.

    Raises:
        Corrupt: a block is not what its hash says; what was sent before stays.
        Unavailable, AuthRequired, OutOfSpace: either side.
    """
    with ThreadPoolExecutor(_PARALLEL, "send") as pool:
        jobs = [pool.submit(_send, source, target, parcel, on_bytes) for parcel in parcels]
        try:
            return sum(job.result() for job in jobs)
        finally:
            for job in jobs:
                job.cancel()


def _send(source: Store, target: Store, parcel: Parcel, on_bytes: Callable[[int], None]) -> int:
    if parcel.pack:
        return _send_whole(source, target, parcel.pack, on_bytes)
    pack = PackFile(target.backend.scratch(), target.fs)
    try:
        for entry in parcel.entries:
            data = source.backend.read(packs.key(entry.pack), entry.offset, entry.stored)
            if len(data) != entry.stored:
                raise Corrupt(f"the pack {entry.pack[:12]} is cut off", hint="`lineal verify` lists what is damaged")
            pack.add(entry, data)
            on_bytes(len(data))
        name = pack.close()
        target.backend.create(packs.key(name), pack.path)
        target.catalog.add(name, pack.entries, pack.size)
        return pack.size
    finally:
        pack.abandon()


def _send_whole(source: Store, target: Store, name: str, on_bytes: Callable[[int], None]) -> int:
    """Copy a pack through a temporary file, and only if it is still what its name says."""
    from blake3 import blake3

    size = source.backend.size(packs.key(name))
    if size is None:
        raise NotFound(f"the pack {name[:12]} is gone", hint="try again: packs were rewritten meanwhile")
    handle, path = target.fs.create_temporary(target.backend.scratch())
    hasher = blake3()
    try:
        for start in range(0, size, _PIECE):
            data = source.backend.read(packs.key(name), start, min(_PIECE, size - start))
            target.fs.write(handle, data)
            hasher.update(data)
            on_bytes(len(data))
        target.fs.close(handle)
        handle = -1
        if hasher.hexdigest() != name:
            raise Corrupt(
                f"the pack {name[:12]} is not what its name says", hint="`lineal verify` lists what is damaged"
            )
        target.backend.create(packs.key(name), path)
    finally:
        if handle >= 0:
            target.fs.close(handle)
        target.fs.discard(path)
    target.catalog.add(name, source.catalog.inside(name), size)
    return size


def publish(target: Store, document: Document) -> bool:
    """Make a version's manifest in `target`, whose packs are there; say whether it is new."""
    hint = sorted({entry.pack for block in blocks_of(document) if (entry := target.catalog.find(block))})
    data = documents.encode(document.manifest, document.layouts, tuple(hint))
    return target.backend.create(documents.key(document.id), data)


def fetch(target: Store, document: Document) -> bool:
    """Make a version's manifest in `target` without its bytes; say whether it is new."""
    data = documents.encode(document.manifest, document.layouts, ())
    return target.backend.create(documents.key(document.id), data)
