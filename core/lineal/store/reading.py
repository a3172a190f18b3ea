"""Blocks out of packs: fetched in few requests, read through the blocks they are differences from, verified.

At most `WINDOW` bytes of blocks are in flight, twice, so that reading costs the same memory whatever the file's size.
Files are read with ranges and never mapped: a truncated mapping kills the process.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import numpy as np

from lineal.errors import Corrupt, NotFound
from lineal.store import codecs, packs
from lineal.store.backend import Backend
from lineal.store.catalog import Catalog, Located
from lineal.store.planes import Bytes

WINDOW = 12 << 20  # bytes of blocks that are fetched together
MOST = 512  # blocks that are fetched together
GAP = 128 << 10  # bytes between two blocks that are fetched rather than asked for apart
RANGE = 8 << 20  # bytes of one request
_HINT = "`lineal verify` lists what is damaged; `lineal repair --from REMOTE` fetches it"

Chain = list[Located]
Spot = tuple[str, int]  # pack and offset
Part = Callable[[], bytes]  # waits for what was asked for


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Reader:
    """Reads blocks of one store; for one thread, which it helps with threads of its own."""

    def __init__(self, backend: Backend, catalog: Catalog) -> None:
        self._backend = backend
        self._catalog = catalog
        self._decoding = ThreadPoolExecutor(processors(), "decode")
        self._fetching = ThreadPoolExecutor(16 if backend.url.startswith("s3://") else 2, "fetch")
        self.fetched = 0  # bytes asked of the backend

    def close(self) -> None:
        """End the threads."""
        self._decoding.shutdown(cancel_futures=True)
        self._fetching.shutdown(cancel_futures=True)

    def block(self, block: bytes) -> Bytes:
        """Return one block, verified. Raises Corrupt where no copy of it is whole."""
        return next(iter(self.blocks([block])))

    def alone(self, block: bytes) -> Bytes:
        """Return one block, verified, in the calling thread; may be called from several. Raises Corrupt."""
        chain = self.chain(block)
        try:
            return _unchained(chain, self._read, verify=True)
        except (Corrupt, NotFound) as error:
            return self._elsewhere(chain, error)

    def blocks(self, wanted: Iterable[bytes], *, verify: bool = True) -> Iterator[Bytes]:
        """Yield blocks in the order wanted; without `verify` the caller checks a hash of all of them itself.

        Raises:
            Corrupt: a block is nowhere, or no copy of it is what its hash says.
        """
        waiting: deque[tuple[list[Chain], dict[Spot, Part]]] = deque()
        for chains in self._windows(wanted):
            waiting.append((chains, self._fetch(chains)))
            if len(waiting) > 1:
                yield from self._decoded(*waiting.popleft(), verify=verify)
        while waiting:
            yield from self._decoded(*waiting.popleft(), verify=verify)

    def chain(self, block: bytes, apart_from: frozenset[str] = frozenset()) -> Chain:
        """Return a block and those it needs, each a difference from the next. Raises Corrupt."""
        found: Chain = []
        while block:
            found.append(self._find(block, found[-1].depth if found else None, apart_from))
            block = found[-1].base
        return found

    def _find(self, block: bytes, below: int | None, apart_from: frozenset[str]) -> Located:
        found = self._catalog.find(block, below=below, apart_from=apart_from)
        if found is None:
            self._catalog.refresh()
            found = self._catalog.find(block, below=below, apart_from=apart_from)
        if found is None:
            raise Corrupt(f"the block {block.hex()[:12]} is in no pack that is whole", hint=_HINT)
        return found

    def _windows(self, wanted: Iterable[bytes]) -> Iterator[list[Chain]]:
        """Group chains so that what they decode to stays within a window."""
        chains: list[Chain] = []
        size = 0
        for block in wanted:
            chains.append(self.chain(block))
            size += chains[-1][0].size
            if size >= WINDOW or len(chains) == MOST:
                yield chains
                chains, size = [], 0
        if chains:
            yield chains

    def _fetch(self, chains: list[Chain]) -> dict[Spot, Part]:
        """Ask for everything that chains need, neighbours in one request; return where each part will be."""
        spots = sorted({(link.pack, link.offset, link.stored) for chain in chains for link in chain})
        found: dict[Spot, Part] = {}
        at = 0
        while at < len(spots):
            pack, start, stored = spots[at]
            together, stop, at = [spots[at]], start + stored, at + 1
            while at < len(spots) and _near(spots[at], pack, start, stop):
                together.append(spots[at])
                stop = max(stop, spots[at][1] + spots[at][2])
                at += 1
            future = self._fetching.submit(self._backend.read, packs.key(pack), start, stop - start)
            self.fetched += stop - start
            for _, offset, length in together:
                found[pack, offset] = partial(_slice, future, offset - start, length)
        return found

    def _decoded(self, chains: list[Chain], parts: dict[Spot, Part], *, verify: bool) -> Iterator[Bytes]:
        jobs = deque(self._decoding.submit(self._one, chain, parts, verify=verify) for chain in chains)
        while jobs:
            yield jobs.popleft().result()

    def _one(self, chain: Chain, parts: dict[Spot, Part], *, verify: bool) -> Bytes:
        try:
            return _unchained(chain, lambda link: parts[link.pack, link.offset](), verify=verify)
        except (Corrupt, NotFound) as error:
            return self._elsewhere(chain, error)

    def _elsewhere(self, chain: Chain, error: Exception) -> Bytes:
        """Read a block whose first copy is damaged or gone from others, if there are any."""
        apart: list[frozenset[str]] = [frozenset({link.pack}) for link in chain]
        if isinstance(error, NotFound):  # packs were rewritten since the catalog was
            self._catalog.refresh()
            apart = [frozenset()]
        for without in [*dict.fromkeys(apart), frozenset(link.pack for link in chain)]:
            try:
                return _unchained(self.chain(chain[0].hash, without), self._read, verify=True)
            except (Corrupt, NotFound):
                continue
        raise Corrupt(f"the block {chain[0].hash.hex()[:12]} is damaged: {error}", hint=_HINT) from error

    def _read(self, link: Located) -> bytes:
        return self._backend.read(packs.key(link.pack), link.offset, link.stored)


def _near(spot: tuple[str, int, int], pack: str, start: int, stop: int) -> bool:
    return spot[0] == pack and spot[1] - stop <= GAP and spot[1] + spot[2] - start <= RANGE


def _slice(whole: Future[bytes], start: int, length: int) -> bytes:
    return whole.result()[start : start + length]


def _unchained(chain: Chain, read: Callable[[Located], bytes], *, verify: bool) -> Bytes:
    from blake3 import blake3

    block: Bytes | None = None
    for link in reversed(chain):
        data = read(link)
        if len(data) != link.stored:
            raise Corrupt(f"the pack {link.pack[:12]} is cut off", hint=_HINT)
        block = codecs.decode(link.codec, link.width, memoryview(data), link.size, block)
    assert block is not None
    block = np.ascontiguousarray(block)
    if verify and blake3(block.data).digest() != chain[0].hash:
        raise Corrupt(f"the block {chain[0].hash.hex()[:12]} does not match its hash", hint=_HINT)
    return block
