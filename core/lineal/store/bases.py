"""What a file's blocks may be differences from: the same tensors in an earlier version, by name, type and size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lineal.errors import Corrupt
from lineal.store import choosing
from lineal.store.catalog import Catalog, Located
from lineal.store.codecs import BASED, Codec
from lineal.store.documents import Document
from lineal.store.effort import Effort
from lineal.store.manifest import Layout
from lineal.store.segments import Stretch, segmentation
from lineal.store.sources import Source

if TYPE_CHECKING:
    from lineal.store.store import Store

_BRANCHES = 2
HASH = 64  # hexadecimal digits of a block's hash


def split_blocks(text: str) -> tuple[bytes, ...]:
    """Return the hashes of a span. Raises Corrupt."""
    try:
        data = bytes.fromhex(text)
    except ValueError as error:
        raise Corrupt("a layout with damaged hashes", hint="`lineal repair` fetches the manifest again") from error
    return tuple(data[at : at + HASH // 2] for at in range(0, len(data), HASH // 2))


class Bases:
    """The tensors of earlier versions, nearest first. Tensors are found over all files: shards may be cut anew."""

    def __init__(self, documents: Iterable[Document] = ()) -> None:
        self._spans: dict[tuple[str, str, int], tuple[bytes, ...]] = {}
        for document in documents:
            for layout in document.layouts:
                self._take(layout)

    def _take(self, layout: Layout) -> None:
        for span in layout.spans:
            if span.dtype:
                self._spans.setdefault((span.name, span.dtype, span.size), split_blocks(span.blocks))

    def __len__(self) -> int:
        return len(self._spans)

    def blocks(self, name: str, dtype: str, size: int) -> tuple[bytes, ...]:
        """Return the blocks of the tensor with that name, type and size in bytes; none where it is not known."""
        return self._spans.get((name, dtype, size), ())


def nearest(store: Store, candidates: Sequence[Document], sources: Sequence[Source]) -> list[Document]:
    """Return the version that a sample of tensors shows to be the best base for files that have no parent.

    Candidates must share half of the bytes by name, type and size; of those the one wins from which three blocks of the
    largest tensors differ least, if that is less than they take on their own.
    """
    tensors = [(source, stretch) for source in sources for stretch in _tensors(source)]
    total = sum(stretch.stop - stretch.start for _, stretch in tensors)
    best: tuple[float, Document] | None = None
    for document in candidates:
        known = Bases([document])
        pairs = [(one, known.blocks(one[1].name, one[1].dtype, one[1].stop - one[1].start)) for one in tensors]
        pairs = [pair for pair in pairs if pair[1]]
        if 2 * sum(stretch.stop - stretch.start for (_, stretch), _ in pairs) < total or not pairs:
            continue
        pairs.sort(key=lambda pair: pair[0][1].start - pair[0][1].stop)
        gain = sum(_gain(store, source, stretch, blocks[0]) for (source, stretch), blocks in pairs[:3])
        if gain > 0 and (best is None or gain > best[0]):
            best = gain, document
    return [best[1]] if best else []


def _tensors(source: Source) -> list[Stretch]:
    found = segmentation(source.window(), source.name) if source.size else None
    return [stretch for stretch in found.stretches if stretch.dtype] if found else []


def _gain(store: Store, source: Source, stretch: Stretch, base: bytes) -> float:
    """Return how many bits a byte the first block of a tensor saves as a difference."""
    try:
        under = store.reader.block(base)
    except Corrupt:
        return 0.0
    block = np.frombuffer(source.window().upto(stretch.start, len(under)), np.uint8)
    if len(block) != len(under):
        return 0.0
    sample = choosing.sampled(block, under)
    costs = {
        choice.codec: choosing.cost(choice, *sample)
        for choice in choosing.candidates(len(block), stretch.dtype, based=True, effort=Effort.FAST)
    }
    return min(bits for codec, bits in costs.items() if codec not in BASED) - costs[Codec.DELTA]


def anchor(catalog: Catalog, block: bytes, depth: int) -> Located | None:
    """Return what a new block is best a difference from: `block`, unless that has as many below it as are allowed.

    Then one of those, and not always the nearest: each serves two blocks, and the third begins a new branch further
    down. So along a chain of versions bases stay near, where always the nearest would stay behind for ever.
    """
    found = catalog.find(block)
    if found is None or found.depth < depth:
        return found
    while found is not None and found.base:
        found = catalog.find(found.base, below=found.depth)
        if found is not None and found.depth < depth and catalog.differences(found.hash) < _BRANCHES:
            break
    return found
