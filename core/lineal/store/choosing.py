"""Which codec a block is written with: tried out where it is short, else judged by a sample of it."""

from __future__ import annotations

import msgspec
import numpy as np

from lineal.formats import dtypes
from lineal.store import codecs, planes
from lineal.store.codecs import CONTEXT, Codec
from lineal.store.effort import Effort
from lineal.store.planes import Bytes

_TRIED = 64 << 10  # bytes: up to here every codec is tried, which costs less than judging wrongly
_PIECES, _PIECE = 8, 4096  # the sample of a longer block
_FLOATS = frozenset({"float16", "bfloat16", "float32", "float64", "float8_e4m3fn", "float8_e5m2"})
_WORTH = 0.05  # bits a byte that a context must save by its sample: it takes twice the time
_CONTEXT_FROM = 32 << 10  # numbers: fewer do not fill its groups


class Choice(msgspec.Struct, frozen=True):
    """A codec and the width of the numbers it takes."""

    codec: Codec
    width: int


def width_of(dtype: str, size: int) -> int:
    """Return the bytes of a number of `dtype`; 1 where it has no whole number of them or `size` is no multiple."""
    bits = dtypes.bits(dtype) if dtype else None
    width = (bits or 8) // 8
    return width if width in (1, 2, 4, 8) and size % width == 0 else 1


def encode(block: Bytes, dtype: str, base: Bytes | None, effort: Effort) -> tuple[Choice, bytes]:
    """Return the codec chosen for a block, and the block as it writes it; never longer than the block itself."""
    choices = candidates(len(block), dtype, base is not None, effort)
    if len(block) > _TRIED and effort is not Effort.MAX:
        choices = [min(choices, key=lambda choice: cost(choice, *sampled(block, base)))]
    elif len(block) > _TRIED:
        choices = _likeliest(choices, block, base)
    written = [(choice, codecs.encode(choice.codec, choice.width, block, base)) for choice in choices]
    best = min(written, key=lambda pair: len(pair[1]))
    return best if len(best[1]) < len(block) else (Choice(Codec.RAW, 1), block.tobytes())


def _likeliest(choices: list[Choice], block: Bytes, base: Bytes | None) -> list[Choice]:
    sample = sampled(block, base)
    return sorted(choices, key=lambda choice: cost(choice, *sample))[:2]


def candidates(size: int, dtype: str, based: bool, effort: Effort) -> list[Choice]:
    """Return the codecs that may suit a block of `dtype` (empty: bytes of any kind)."""
    width = width_of(dtype, size)
    found = [Choice(Codec.ZSTD, 1)]
    if dtype in _FLOATS:
        found.append(Choice(Codec.ROTATED, width))
    elif width > 1:
        found.append(Choice(Codec.PLANES, width))
    elif size >= _PIECE and not dtype:
        found += [Choice(Codec.PLANES, each) for each in (1, 2, 4) if size % each == 0]
    else:
        found.append(Choice(Codec.PLANES, 1))
    if based:
        found.append(Choice(Codec.DELTA, width))
        if effort is Effort.MAX and dtype in CONTEXT and size // width >= _CONTEXT_FROM:
            found.append(Choice(CONTEXT[dtype], width))
    return found


def sampled(block: Bytes, base: Bytes | None) -> tuple[Bytes, Bytes | None]:
    """Return pieces from all over a block, and the same of its base."""
    size = len(block)
    if size <= _PIECES * _PIECE:
        return block, base
    step = (size - _PIECE) // (_PIECES - 1) // 8 * 8
    starts = range(0, step * (_PIECES - 1) + 1, step)
    return (
        np.concatenate([block[start : start + _PIECE] for start in starts]),
        None if base is None else np.concatenate([base[start : start + _PIECE] for start in starts]),
    )


def cost(choice: Choice, block: Bytes, base: Bytes | None) -> float:
    """Return about how many bits a byte of a sample takes with a codec."""
    width = choice.width
    usable = len(block) // width * width
    numbers = codecs.words(block[:usable], width)
    match choice.codec:
        case Codec.RAW:
            return 8.0
        case Codec.ZSTD:
            return 8 * len(planes.engines.quick.compress(block.data)) / max(len(block), 1)
        case Codec.PLANES:
            return _entropy(numbers, width)
        case Codec.ROTATED:
            return _entropy(codecs.rotate(numbers, width), width)
    assert base is not None
    coded = codecs.zigzag(numbers, codecs.words(base[:usable], width), width)
    if choice.codec is Codec.DELTA:
        return _entropy(coded, width)
    return _conditional(choice.codec, coded, base[:usable], width) + _WORTH


def _entropy(numbers: codecs.Words, width: int) -> float:
    counts = (np.bincount(plane, minlength=256) for plane in codecs.split(numbers, width))
    return sum(planes.entropy(each) for each in counts) / width


def _conditional(codec: Codec, coded: codecs.Words, base: Bytes, width: int) -> float:
    """Return the entropy given the exponent of the base, corrected for what small groups seem to save."""
    order, groups = codecs.order(codec, base, least=max(1024, len(coded) // 8))
    ordered = coded.take(order)
    total = sum(_entropy(ordered[start:stop], width) * (stop - start) + _BIAS * 8 for start, stop in groups)
    return total / max(len(coded), 1)


_BIAS = 30.0  # bits a plane: a table of codes, and the order-0 estimate's own optimism (Miller and Madow)
