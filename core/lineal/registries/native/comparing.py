"""How far the values of two versions' tensors are apart; tensors of the same blocks are not even read."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from lineal.errors import Unsupported
from lineal.registries.native.shelf import Shelf
from lineal.store.bases import split_blocks
from lineal.store.documents import Document
from lineal.store.files import StoredFile, array
from lineal.store.manifest import View

_STEP = 8 << 20  # bytes of a tensor that are compared at a time


class Distance(msgspec.Struct, frozen=True, kw_only=True):
    """One tensor that is in both versions with other values, or in one of them only.

    `relative` is the norm of the difference over the norm of the values before; `largest` its greatest element;
    `changed` the share of elements that are not the same bits. NaNs count as changed and into nothing else.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    state: str  # changed, added, removed, reshaped, unreadable
    relative: float | None = None
    cosine: float | None = None
    largest: float | None = None
    changed: float | None = None


def distances(shelf: Shelf, before: Document, after: Document) -> Iterator[Distance]:
    """Yield the tensors that differ, in the order of their names. Raises Corrupt."""
    old, new = _tensors(shelf, before), _tensors(shelf, after)
    for name in sorted(old.keys() | new.keys()):
        if name not in old or name not in new:
            view = (old.get(name) or new[name])[1]
            state = "added" if name in new else "removed"
            yield Distance(name=name, dtype=view.dtype, shape=view.shape, state=state)
            continue
        if not _same(old[name], new[name]):
            yield _distance(old[name], new[name])


Placed = tuple[StoredFile, View]


def _tensors(shelf: Shelf, document: Document) -> dict[str, Placed]:
    found: dict[str, Placed] = {}
    for content in document.manifest.files:
        if content.blake3:
            layout = document.layout(content.blake3)
            file = StoredFile(shelf.store.reader, content, layout)
            for view in layout.views:
                found.setdefault(view.name, (file, view))
    return found


def _blocks(placed: Placed) -> tuple[bytes, ...]:
    """Return the blocks of a tensor that has a span of its own; none for one that shares it with others."""
    file, view = placed
    at = 0
    for span in file.layout.spans:
        if (at, at + span.size) == (view.start, view.stop):
            return split_blocks(span.blocks)
        at += span.size
    return ()


def _same(old: Placed, new: Placed) -> bool:
    if (old[1].dtype, old[1].shape) != (new[1].dtype, new[1].shape):
        return False
    blocks = _blocks(old)
    return bool(blocks) and blocks == _blocks(new)


def _distance(old: Placed, new: Placed) -> Distance:
    view = new[1]
    if (old[1].dtype, old[1].shape) != (view.dtype, view.shape):
        return Distance(name=view.name, dtype=view.dtype, shape=view.shape, state="reshaped")
    sums = _Sums()
    try:
        for left, right, same in _pairs(old, new):
            sums.take(left, right, same)
    except Unsupported:
        return Distance(name=view.name, dtype=view.dtype, shape=view.shape, state="unreadable")
    return Distance(
        name=view.name,
        dtype=view.dtype,
        shape=view.shape,
        state="changed" if sums.differing else "same",
        relative=sums.relative(),
        cosine=sums.cosine(),
        largest=sums.largest,
        changed=sums.differing / max(sums.count, 1),
    )


def _pairs(old: Placed, new: Placed) -> Iterator[tuple[NDArray[np.generic], NDArray[np.generic], NDArray[np.bool_]]]:
    (one, view), (other, there) = old, new
    size = view.stop - view.start
    for start in range(0, size, _STEP):
        length = min(_STEP, size - start)
        left = np.frombuffer(one.read(view.start + start, length), np.uint8)
        right = np.frombuffer(other.read(there.start + start, length), np.uint8)
        values = [_flat(data, view) for data in (left, right)]
        width = length // max(len(values[0]), 1)
        same = (left.reshape(-1, width) == right.reshape(-1, width)).all(axis=1) if width else np.empty(0, bool)
        yield values[0], values[1], same


def _flat(data: NDArray[np.uint8], view: View) -> NDArray[np.generic]:
    width = {"bfloat16": 2}.get(view.dtype) or _width(view)
    return array(data, View(view.name, view.dtype, (len(data) // width,), 0, len(data)))


def _width(view: View) -> int:
    from lineal.formats import dtypes

    bits = dtypes.bits(view.dtype)
    if bits is None or bits % 8:
        raise Unsupported(f"{view.name!r} is of type {view.dtype}")
    return bits // 8


class _Sums:
    """Sums over the pieces of a tensor, in double precision."""

    def __init__(self) -> None:
        self.count = self.differing = 0
        self.difference = self.before = self.after = self.product = self.largest = 0.0

    def take(self, left: NDArray[np.generic], right: NDArray[np.generic], same: NDArray[np.bool_]) -> None:
        kind = np.complex128 if np.iscomplexobj(left) else np.float64
        one, other = left.astype(kind), right.astype(kind)
        usable = np.isfinite(one) & np.isfinite(other)
        one, other = one[usable], other[usable]
        apart = np.abs(other - one)
        self.count += len(same)
        self.differing += int(len(same) - same.sum())
        self.difference += float((apart**2).sum())
        self.before += float((np.abs(one) ** 2).sum())
        self.after += float((np.abs(other) ** 2).sum())
        self.product += float((one * np.conj(other)).real.sum())
        self.largest = max(self.largest, float(apart.max(initial=0.0)))

    def relative(self) -> float | None:
        return (self.difference / self.before) ** 0.5 if self.before else None

    def cosine(self) -> float | None:
        norms = (self.before * self.after) ** 0.5
        return min(1.0, self.product / norms) if norms else None
