"""What a file's blocks may be differences from: the same tensors in an earlier version, by name, type and size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from lineal.errors import Corrupt
from lineal.store.catalog import Catalog, Located
from lineal.store.documents import Document
from lineal.store.manifest import Layout, Span

HASH = 64  # hexadecimal digits of a block's hash


class Known(msgspec.Struct, frozen=True):
    """A tensor's stretch that is stored: its blocks, in order."""

    dtype: str
    size: int
    blocks: tuple[bytes, ...]


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


def shared(document: Document, wanted: Sequence[tuple[str, str, int]]) -> int:
    """Return how many bytes of the tensors `wanted` (name, dtype, size) an earlier version has too."""
    there = {(span.name, span.dtype, span.size) for layout in document.layouts for span in layout.spans}
    return sum(size for name, dtype, size in wanted if (name, dtype, size) in there)


def anchor(catalog: Catalog, block: bytes, depth: int) -> Located | None:
    """Return `block`, or the one that it is a difference from, that has fewer than `depth` below it."""
    found = catalog.find(block)
    while found is not None and found.depth >= depth:
        found = catalog.find(found.base) if found.base else None
    return found


def spans_of(layout: Layout) -> tuple[Span, ...]:
    """Return the spans of a layout that are tensors."""
    return tuple(span for span in layout.spans if span.dtype)
