"""Files into blocks, blocks into packs: each block stored once, in the codec that suits it, durable before it counts.

A writer reads each file once, in order; blocks are encoded by threads and written in order. Nothing is visible until
`finish` has moved the manifest into place; whatever happens before leaves only packs that nobody names.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

import msgspec
import numpy as np

from lineal.errors import Conflict, Corrupt, Unavailable
from lineal.store import bases, choosing, chunking, documents, packs
from lineal.store.bases import Bases
from lineal.store.catalog import Located
from lineal.store.codecs import BASED
from lineal.store.documents import Document
from lineal.store.effort import Effort
from lineal.store.manifest import Content, Layout, Manifest, Span
from lineal.store.packs import Entry, PackFile
from lineal.store.planes import Bytes
from lineal.store.reading import processors
from lineal.store.segments import Segmentation, Stretch
from lineal.store.sources import Source
from lineal.store.store import Store

BLOCK = 1 << 20  # bytes of a block, at most
_IN_FLIGHT = 24  # blocks that are read and not yet written


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """What a writer did, in bytes: `read` of files, `fresh` of blocks that were not stored yet, `stored` in packs."""

    read: int = 0
    fresh: int = 0
    stored: int = 0
    blocks: int = 0  # blocks written


class _Job(msgspec.Struct):
    """A block on its way: its hash, and what encodes it unless it is stored already."""

    hash: bytes
    size: int
    encoded: Future[tuple[Entry, bytes]] | None


class Writer:
    """Writes the files of one version into a store; a context manager that leaves no temporary file behind."""

    def __init__(
        self,
        store: Store,
        effort: Effort = Effort.DEFAULT,
        *,
        known: Bases | None = None,
        on_bytes: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Begin to write.

        Args:
            store: where to.
            effort: how hard to try.
            known: the tensors that blocks may be differences from.
            on_bytes: told of the bytes of each block once it is written or known.
        """
        self._store = store
        self._effort = effort
        self._known = known or Bases()
        self._on_bytes = on_bytes
        self._pool = ThreadPoolExecutor(processors(), "encode")
        self._pack: PackFile | None = None
        self._mine: set[bytes] = set()  # blocks of this writer that no catalog knows yet
        self._packs: list[str] = []
        self._used: set[str] = set()
        self.written = Written()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        if self._pack is not None:
            self._pack.abandon()

    def add(self, source: Source, path: str, found: Segmentation | None = None) -> tuple[Content, Layout]:
        """Store one file, cut as `found` says; return what the manifest says of it, and its layout.

        Raises:
            Conflict: it changed while it was read.
            Unavailable: it cannot be read.
            OutOfSpace: the store has no room.
        """
        from blake3 import blake3

        whole = (blake3(max_threads=1), hashlib.sha256())
        jobs: deque[_Job] = deque()
        hashes: list[bytes] = []
        sizes: list[int] = []
        for block, dtype, base in self._blocks(source, found):
            for hasher in whole:
                hasher.update(block.data)
            jobs.append(self._job(block, dtype, base))
            hashes.append(jobs[-1].hash)
            sizes.append(len(block))
            while len(jobs) > _IN_FLIGHT:
                self._write(jobs.popleft())
        while jobs:
            self._write(jobs.popleft())
        source.check()
        content = Content(
            path=path, mode=source.mode, size=source.size, blake3=whole[0].hexdigest(), sha256=whole[1].hexdigest()
        )
        return content, _layout(content, found, hashes, sizes)

    def _blocks(self, source: Source, found: Segmentation | None) -> Iterator[tuple[Bytes, str, bytes]]:
        """Yield a file's blocks in order, with the type of their numbers and the hash of a base."""
        stream = source.stream()
        with stream:
            if found is None:
                for chunk in _chunks(stream.read, source.size):
                    yield chunk, "", b""
                return
            for stretch in found.stretches:
                yield from self._of_stretch(stream.read, stretch)

    def _of_stretch(self, read: Callable[[int], bytes], stretch: Stretch) -> Iterator[tuple[Bytes, str, bytes]]:
        size = stretch.stop - stretch.start
        known = self._known.blocks(stretch.name, stretch.dtype, size) if stretch.dtype else ()
        for number, start in enumerate(range(0, size, BLOCK)):
            block = _exactly(read, min(BLOCK, size - start))
            yield block, stretch.dtype, known[number] if number < len(known) else b""

    def _job(self, block: Bytes, dtype: str, base: bytes) -> _Job:
        from blake3 import blake3

        found = blake3(block.data).digest()
        if found in self._mine or self._is_stored(found):
            return _Job(found, len(block), None)
        self._mine.add(found)
        return _Job(found, len(block), self._pool.submit(self._encode, found, block, dtype, base))

    def _is_stored(self, block: bytes) -> bool:
        found = self._store.catalog.find(block)
        if found is not None:
            self._used.add(found.pack)
        return found is not None

    def _encode(self, block: bytes, data: Bytes, dtype: str, base: bytes) -> tuple[Entry, bytes]:
        under = bases.anchor(self._store.catalog, base, self._effort.depth) if base else None
        below = self._base(under, len(data)) if under is not None and under.size == len(data) else None
        choice, written = choosing.encode(data, dtype, below, self._effort)
        based = under if choice.codec in BASED else None
        if based is not None:
            self._used.update(link.pack for link in self._store.reader.chain(based.hash))
        entry = Entry(
            block,
            0,
            len(written),
            len(data),
            choice.codec,
            choice.width,
            based.depth + 1 if based else 0,
            based.hash if based else b"",
        )
        return entry, written

    def _base(self, under: Located, size: int) -> Bytes | None:
        """Return the bytes of a base; None where it cannot be read, for a block can always stand on its own."""
        try:
            block = self._store.reader.alone(under.hash)
        except (Corrupt, Unavailable):
            return None
        return block if len(block) == size else None

    def _write(self, job: _Job) -> None:
        stored = 0
        if job.encoded is not None:
            entry, data = job.encoded.result()
            if self._pack is None:
                self._pack = PackFile(self._store.backend.scratch(), self._store.fs)
            self._pack.add(entry, data)
            stored = len(data)
            if self._pack.size >= packs.FULL:
                self._close_pack()
        self._on_bytes(job.size)
        done = self.written
        self.written = Written(
            read=done.read + job.size,
            fresh=done.fresh + (job.size if job.encoded else 0),
            stored=done.stored + stored,
            blocks=done.blocks + bool(job.encoded),
        )

    def _close_pack(self) -> None:
        pack = self._pack
        assert pack is not None
        name = pack.close()
        self._store.backend.create(packs.key(name), pack.path)
        self._pack = None
        pack.abandon()  # an equal pack was there already: nothing moved this one away
        self._store.catalog.add(name, pack.entries, pack.size)
        self._packs.append(name)

    def finish(self, manifest: Manifest, layouts: Iterable[Layout]) -> str:
        """Make the version, durably, and return its id; one that is there already stays as it is.

        Raises:
            OutOfSpace: there is no room; nothing is left behind but packs that nobody names.
        """
        if self._pack is not None:
            self._close_pack()
        self._check_packs()
        version = documents.identify(manifest)
        hint = tuple(sorted({*self._packs, *self._used}))
        unique = {layout.blake3: layout for layout in layouts}
        data = documents.encode(manifest, tuple(unique[name] for name in sorted(unique)), hint)
        self._store.backend.create(documents.key(version), data)
        return version

    def _check_packs(self) -> None:
        """Make sure that what this version counts on is still there, whatever a catalog remembers."""
        for name in sorted(self._used - set(self._packs)):
            if self._store.backend.size(packs.key(name)) is None:
                self._store.catalog.drop(name)
                raise Conflict(f"the pack {name[:12]} was taken away meanwhile", hint="commit again")


class Repacker(Writer):
    """Writes the blocks of versions anew where that makes them smaller."""

    def rewrite(self, document: Document) -> int:
        """Write what gets smaller of one version's blocks into new packs; return the bytes saved.

        Raises:
            Corrupt: a block cannot be read.
        """
        saved = 0
        jobs: deque[tuple[Future[tuple[Entry, bytes]], int]] = deque()
        for block, dtype, base in self._stored_blocks(document):
            found = self._store.catalog.find(block)
            if block in self._mine or found is None:
                continue
            self._mine.add(block)
            data = self._store.reader.alone(block)
            jobs.append((self._pool.submit(self._encode, block, data, dtype, base), found.stored))
            if len(jobs) > _IN_FLIGHT:
                saved += self._keep(*jobs.popleft())
        while jobs:
            saved += self._keep(*jobs.popleft())
        if self._pack is not None:
            self._close_pack()
        return saved

    def _stored_blocks(self, document: Document) -> Iterator[tuple[bytes, str, bytes]]:
        for layout in document.layouts:
            for span in layout.spans:
                known = self._known.blocks(span.name, span.dtype, span.size) if span.dtype else ()
                for number, block in enumerate(bases.split_blocks(span.blocks)):
                    yield block, span.dtype, known[number] if number < len(known) else b""

    def _keep(self, encoded: Future[tuple[Entry, bytes]], stored: int) -> int:
        entry, data = encoded.result()
        if len(data) >= stored:
            self._on_bytes(stored)
            return 0
        self._write(_Job(entry.hash, entry.size, encoded))
        return stored - len(data)


def _layout(content: Content, found: Segmentation | None, hashes: list[bytes], sizes: list[int]) -> Layout:
    if found is None:
        text = b"".join(hashes).hex()
        spans = (Span("", "", content.size, text),) if content.size else ()
        return Layout(content.blake3, "", spans, block=0, sizes=tuple(sizes))
    made, at = [], 0
    for stretch in found.stretches:
        size = stretch.stop - stretch.start
        count = -(-size // BLOCK)
        made.append(Span(stretch.name, stretch.dtype, size, b"".join(hashes[at : at + count]).hex()))
        at += count
    return Layout(content.blake3, found.format, tuple(made), found.views, block=BLOCK)


def _exactly(read: Callable[[int], bytes], length: int) -> Bytes:
    parts = []
    while length > 0:
        part = read(length)
        if not part:
            raise Unavailable("a file ended before its size", hint="commit it again once nothing writes to it")
        parts.append(part)
        length -= len(part)
    return np.frombuffer(parts[0] if len(parts) == 1 else b"".join(parts), np.uint8)


def _chunks(read: Callable[[int], bytes], size: int) -> Iterator[Bytes]:
    """Cut a file of no known format where its content says."""
    rest, left = np.empty(0, np.uint8), size
    while left:
        fresh = _exactly(read, min(4 * BLOCK, left))
        left -= len(fresh)
        data = np.concatenate([rest, fresh]) if len(rest) else fresh
        start = 0
        for stop in chunking.cuts(data, last=not left):
            yield data[start:stop]
            start = stop
        rest = data[start:].copy()
