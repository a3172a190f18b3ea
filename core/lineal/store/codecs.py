"""How the bytes of one block are written: as they are, as a zstd frame, or as the byte planes of its numbers.

Arithmetic is on bit patterns only, so that NaN payloads and negative zeros come back as they were. FORMAT.md gives the
bytes of each codec.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lineal.errors import Corrupt
from lineal.store import planes
from lineal.store.planes import Bytes

Words = NDArray[Any]  # unsigned integers, little-endian


class Codec(IntEnum):
    """How a block is written; the numbers stand in packs."""

    RAW = 0
    ZSTD = 1
    PLANES = 2
    ROTATED = 3  # rotated left by one bit first: the sign moves behind the mantissa, the exponent fills a plane
    DELTA = 4  # zigzag of the difference from a base
    CONTEXT_F32 = 5  # the same, ordered by the exponent of the base
    CONTEXT_BF16 = 6
    CONTEXT_F16 = 7


BASED = frozenset({Codec.DELTA, Codec.CONTEXT_F32, Codec.CONTEXT_BF16, Codec.CONTEXT_F16})
"""Codecs that need a base to be read."""

CONTEXT = {"float32": Codec.CONTEXT_F32, "bfloat16": Codec.CONTEXT_BF16, "float16": Codec.CONTEXT_F16}
_EXPONENT = {Codec.CONTEXT_F32: (4, 23, 0xFF), Codec.CONTEXT_BF16: (2, 7, 0xFF), Codec.CONTEXT_F16: (2, 10, 0x1F)}
_GROUP = 8192  # part of the format! numbers: the fewest that share a table of Huffman codes in a context codec
_UNSIGNED: dict[int, np.dtype[Any]] = {1: np.dtype("<u1"), 2: np.dtype("<u2"), 4: np.dtype("<u4"), 8: np.dtype("<u8")}
_SIGNED: dict[int, np.dtype[Any]] = {1: np.dtype("<i1"), 2: np.dtype("<i2"), 4: np.dtype("<i4"), 8: np.dtype("<i8")}
_HINT = "`lineal verify --full` finds what is damaged; `lineal repair` fetches it from a remote"


def words(data: Bytes, width: int) -> Words:
    """Return bytes as unsigned integers of `width` bytes; their number must be a multiple of it."""
    return data.view(_UNSIGNED[width])


def encode(codec: Codec, width: int, block: Bytes, base: Bytes | None = None) -> bytes:
    """Return `block` as `codec` writes it, with numbers of `width` bytes; `base` has as many bytes."""
    match codec:
        case Codec.RAW:
            return block.tobytes()
        case Codec.ZSTD:
            return planes.engines.general.compress(block.data)
        case Codec.PLANES:
            return _join([planes.encode(plane) for plane in split(words(block, width), width)])
        case Codec.ROTATED:
            return _join([planes.encode(plane) for plane in split(rotate(words(block, width), width), width)])
        case Codec.DELTA:
            assert base is not None
            found = split(zigzag(words(block, width), words(base, width), width), width)
            return _join([planes.encode(plane) for plane in found])
        case _:
            assert base is not None
            return _encode_context(codec, block, base)


def decode(codec: int, width: int, data: memoryview, size: int, base: Bytes | None) -> Bytes:
    """Return the block of `size` bytes that `data` writes. Raises Corrupt."""
    if codec not in Codec.__members__.values() or width not in _UNSIGNED or size % width:
        raise Corrupt(f"a block of unknown codec {codec} or width {width}", hint="is this Lineal older than the store?")
    if (codec in BASED) != (base is not None) or (base is not None and len(base) != size):
        raise Corrupt("a block whose base does not fit", hint=_HINT)
    try:
        return _decode(Codec(codec), width, data, size, base)
    except (ValueError, IndexError, struct.error) as error:
        raise Corrupt(f"a damaged block: {error}", hint=_HINT) from error


def _decode(codec: Codec, width: int, data: memoryview, size: int, base: Bytes | None) -> Bytes:
    if codec is Codec.RAW:
        if len(data) != size:
            raise Corrupt("a block of another length than it was written with", hint=_HINT)
        return np.frombuffer(data, np.uint8)
    if codec is Codec.ZSTD:
        return np.frombuffer(planes.inflate(data, size), np.uint8)
    if codec in _EXPONENT:
        assert base is not None
        return _decode_context(codec, data, base)
    found = merge([planes.decode(part, size // width) for part in _parts(data, width)], width)
    if codec is Codec.ROTATED:
        found = unrotate(found, width)
    elif codec is Codec.DELTA:
        assert base is not None
        found = unzigzag(found, words(base, width), width)
    return found.view(np.uint8)


def split(numbers: Words, width: int) -> list[Bytes]:
    """Return the byte planes of numbers, lowest bytes first."""
    if width == 1:
        return [numbers]
    if width in (2, 4):
        return [(numbers >> (8 * at)).astype(np.uint8) if at else numbers.astype(np.uint8) for at in range(width)]
    table = numbers.view(np.uint8).reshape(-1, width)
    return [np.ascontiguousarray(table[:, at]) for at in range(width)]


def merge(parts: list[Bytes], width: int) -> Words:
    """Return the numbers whose byte planes are `parts`."""
    if width == 1:
        return parts[0]
    if width == 2:
        return _pair(parts[0], parts[1])
    if width == 4:
        found = _pair(parts[2], parts[3]).astype(np.uint32)
        found <<= 16
        found |= _pair(parts[0], parts[1])
        return found
    table = np.empty((len(parts[0]), width), np.uint8)
    for at, part in enumerate(parts):
        table[:, at] = part
    return table.reshape(-1).view(_UNSIGNED[width])


def _pair(low: Bytes, high: Bytes) -> Words:
    found = high.astype(np.uint16)
    found <<= 8
    found |= low
    return found


def rotate(numbers: Words, width: int) -> Words:
    """Rotate each number left by one bit."""
    found = numbers << 1
    found |= numbers >> (8 * width - 1)
    return found


def unrotate(numbers: Words, width: int) -> Words:
    """Rotate each number right by one bit."""
    found = numbers >> 1
    found |= numbers << (8 * width - 1)
    return found


def zigzag(numbers: Words, base: Words, width: int) -> Words:
    """Return the differences from `base`, small ones either way as small numbers: 0, -1, 1, -2 become 0, 1, 2, 3."""
    difference = (numbers - base).view(_SIGNED[width])
    sign = difference >> (8 * width - 1)
    difference <<= 1
    difference ^= sign
    return difference.view(_UNSIGNED[width])


def unzigzag(coded: Words, base: Words, width: int) -> Words:
    """Return the numbers whose differences from `base` were coded by `zigzag`."""
    sign = -(coded & 1).view(_SIGNED[width])
    found = coded >> 1
    found ^= sign.view(_UNSIGNED[width])
    found += base
    return found


def _join(parts: list[bytes]) -> bytes:
    return b"".join((struct.pack(f"<{len(parts)}I", *map(len, parts)), *parts))


def _parts(data: memoryview, count: int) -> list[memoryview]:
    """Cut what `_join` joined; it must be used up exactly."""
    at = 4 * count
    found = []
    for length in struct.unpack_from(f"<{count}I", data):
        found.append(data[at : at + length])
        at += length
    if at != len(data):
        raise Corrupt("a block of another length than its parts", hint=_HINT)
    return found


def order(codec: Codec, base: Bytes, least: int = _GROUP) -> tuple[NDArray[np.intp], list[tuple[int, int]]]:
    """Return the order by the base's exponents, and the groups of it, of `least` numbers, that are coded together."""
    width, shift, mask = _EXPONENT[codec]
    exponents = (words(base, width) >> shift).astype(np.uint8)
    if mask != 0xFF:
        exponents &= mask
    cuts, seen = [0], 0
    for count in np.bincount(exponents, minlength=256).tolist():
        seen += count
        if seen - cuts[-1] >= least:
            cuts.append(seen)
    if cuts[-1] != seen:
        cuts[max(1, len(cuts) - 1) :] = [seen]
    return np.argsort(exponents, kind="stable"), list(pairwise(cuts))


def _encode_context(codec: Codec, block: Bytes, base: Bytes) -> bytes:
    width = _EXPONENT[codec][0]
    places, groups = order(codec, base)
    found = split(zigzag(words(block, width), words(base, width), width).take(places), width)
    return _join([planes.encode(plane[start:stop]) for start, stop in groups for plane in found])


def _decode_context(codec: Codec, data: memoryview, base: Bytes) -> Bytes:
    width = _EXPONENT[codec][0]
    places, groups = order(codec, base)
    parts = iter(_parts(data, width * len(groups)))
    found = [np.empty(len(places), np.uint8) for _ in range(width)]
    for start, stop in groups:
        for plane in found:
            plane[start:stop] = planes.decode(next(parts), stop - start)
    ordered = merge(found, width)
    coded = np.empty_like(ordered)
    coded[places] = ordered
    return unzigzag(coded, words(base, width), width).view(np.uint8)
