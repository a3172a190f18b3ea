"""One byte plane of a block, coded: nothing, raw, a zstd frame, or small symbols packed with their escapes.

zstd serves as a Huffman coder here: the parameters keep it from looking for matches that floats do not have, at the
ratio of ZipNN (https://arxiv.org/abs/2411.05239) and in ordinary frames. FORMAT.md gives the bytes.
"""

from __future__ import annotations

import threading

import numpy as np
import zstandard
from numpy.typing import NDArray

from lineal.errors import Corrupt

Bytes = NDArray[np.uint8]

ZERO, RAW, FRAME, PACKED = 0, 1, 2, 3  # the first byte of a coded plane
_SMALLEST = 4096  # bytes: below, a sample says nothing
_KEEP = 0.98  # a frame that saves less is not worth its decoding
_HUFFMAN = {
    "strategy": zstandard.STRATEGY_FAST,
    "min_match": 7,
    "hash_log": 6,
    "chain_log": 6,
    "search_log": 1,
    "window_log": 19,
}
_HINT = "`lineal verify --full` finds what is damaged; `lineal repair` fetches it from a remote"


class Engines(threading.local):
    """zstd contexts, one of each for each thread: they may not be shared."""

    def __init__(self) -> None:
        self.huffman = zstandard.ZstdCompressor(
            compression_params=zstandard.ZstdCompressionParameters(**_HUFFMAN, write_checksum=False)
        )
        self.general = zstandard.ZstdCompressor(level=3, write_checksum=False)
        self.quick = zstandard.ZstdCompressor(level=1, write_checksum=False)
        self.reader = zstandard.ZstdDecompressor()


engines = Engines()


def inflate(data: bytes | memoryview, size: int) -> bytes:
    """Return what a zstd frame holds, which must be exactly `size` bytes. Raises Corrupt."""
    try:
        declared = zstandard.frame_content_size(data)
        if declared != size:
            raise Corrupt(f"a frame of {declared:,} bytes where {size:,} belong", hint=_HINT)
        found = engines.reader.decompress(data, max_output_size=max(size, 1), allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise Corrupt(f"a damaged frame: {error}", hint=_HINT) from error
    if len(found) != size:
        raise Corrupt(f"a frame of {len(found):,} bytes where {size:,} belong", hint=_HINT)
    return found


def histogram(plane: Bytes) -> NDArray[np.int64]:
    """Count the bytes of a plane, by a sample of 8 KiB where it is longer."""
    size = len(plane)
    if size <= 8192:
        return np.bincount(plane, minlength=256)
    step = (size - 1024) // 7
    return np.bincount(np.concatenate([plane[at : at + 1024] for at in range(0, 7 * step + 1, step)]), minlength=256)


def entropy(counts: NDArray[np.int64]) -> float:
    """Return the order-0 entropy of counted symbols, in bits a symbol."""
    there = counts[counts > 0]
    total = float(there.sum())
    return float(np.log2(total) - (there * np.log2(there)).sum() / total) if total else 0.0


def encode(plane: Bytes) -> bytes:
    """Return a plane coded; never more than one byte longer than it is."""
    size = len(plane)
    if size < _SMALLEST:
        return _frame(plane) if plane.any() else bytes([ZERO])
    counts = histogram(plane)
    bits = entropy(counts)
    if bits > 7.92:
        return bytes([RAW]) + plane.tobytes()
    if counts[0] == counts.sum() and not plane.any():
        return bytes([ZERO])
    width = _width(counts) if bits < 2.2 else 0
    return _packed(plane, width) if width else _frame(plane)


def decode(data: memoryview, size: int) -> Bytes:
    """Return the plane of `size` bytes that `encode` was given. Raises Corrupt."""
    kind, body = (data[0] if len(data) else RAW), data[1:]
    if kind == ZERO and not len(body):
        return np.zeros(size, np.uint8)
    if kind == PACKED:
        return _unpacked(body, size)
    return _plain(kind, body, size)


def _frame(plane: Bytes) -> bytes:
    frame = engines.huffman.compress(plane.data)
    small = len(frame) < _KEEP * len(plane)
    return bytes([FRAME]) + frame if small else bytes([RAW]) + plane.tobytes()


def _plain(kind: int, body: memoryview, size: int) -> Bytes:
    if kind == FRAME:
        return np.frombuffer(inflate(body, size), np.uint8)
    if kind != RAW or len(body) != size:
        raise Corrupt("a damaged plane", hint=_HINT)
    return np.frombuffer(body, np.uint8)


def _width(counts: NDArray[np.int64]) -> int:
    """Return into how many bits a symbol fits so that few escape, or 0."""
    total = float(counts.sum())
    escaping = {width: 1 - counts[: (1 << width) - 1].sum() / total for width in (1, 2, 4)}
    return next((width for width, most in ((1, 0.04), (2, 0.12), (4, 0.06)) if escaping[width] < most), 0)


def _packed(plane: Bytes, width: int) -> bytes:
    """Pack 8 / `width` symbols a byte; the highest one stands for `highest + x`, and the x follow."""
    highest = (1 << width) - 1
    symbols = np.minimum(plane, highest)
    escaped = plane[plane >= highest] - np.uint8(highest)
    first = _frame(_pack(symbols, width))
    second = _frame(escaped)
    return bytes([PACKED, width]) + len(first).to_bytes(4, "little") + first + second


def _unpacked(body: memoryview, size: int) -> Bytes:
    width = body[0] if len(body) > 5 else 0
    length = int.from_bytes(body[1:5], "little")
    first, second = body[5 : 5 + length], body[5 + length :]
    if width not in _TABLES or not len(first) or not len(second):
        raise Corrupt("a damaged plane of packed symbols", hint=_HINT)
    plane = _TABLES[width].take(_plain(first[0], first[1:], -(-size * width // 8))).view(np.uint8)[:size]
    escapes = np.flatnonzero(plane == (1 << width) - 1)
    plane[escapes] += _plain(second[0], second[1:], len(escapes))
    return plane


def _pack(symbols: Bytes, width: int) -> Bytes:
    """Pack symbols below 2 ** `width`, the first one into the lowest bits."""
    each = 8 // width
    if len(symbols) % each:
        symbols = np.concatenate([symbols, np.zeros(-len(symbols) % each, np.uint8)])
    if width == 1:
        return np.packbits(symbols, bitorder="little")
    if width == 2:
        four = symbols.view("<u4")
        four = four | (four >> np.uint32(6))
        packed: Bytes = (four | (four >> np.uint32(12))).astype(np.uint8)
        return packed
    two = symbols.view("<u2")
    found: Bytes = (two | (two >> np.uint16(4))).astype(np.uint8)
    return found


def _table(width: int) -> NDArray[np.unsignedinteger]:
    """Return what each byte unpacks to, as one integer of 8 / `width` bytes."""
    each = 8 // width
    every = np.arange(256)
    rows = np.stack([(every >> (width * at)) & ((1 << width) - 1) for at in range(each)], axis=1).astype(np.uint8)
    return np.ascontiguousarray(rows).view(f"<u{each}").ravel()


_TABLES = {width: _table(width) for width in (1, 2, 4)}
