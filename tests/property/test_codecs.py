"""Whatever the bytes, a block comes back as it was; whatever the coded bytes, a reader says so or gives a block."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from lineal.errors import Corrupt
from lineal.store import chunking, codecs, planes
from lineal.store.choosing import encode
from lineal.store.codecs import BASED, Codec
from lineal.store.effort import Effort

SPECIAL = np.array([0x7FC00001, 0xFFC0BEEF, 0x80000000, 0x7F800000, 0xFF800000, 1, 0x00800000, 0], "<u4")
WIDTHS = {Codec.CONTEXT_F32: 4, Codec.CONTEXT_BF16: 2, Codec.CONTEXT_F16: 2, Codec.RAW: 1, Codec.ZSTD: 1}


@some.composite
def blocks(draw: some.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """A block and a base of the same size: weights, special numbers, runs or noise."""
    count = draw(some.integers(0, 30_000))
    random = np.random.default_rng(draw(some.integers(0, 2**32 - 1)))
    kind = draw(some.sampled_from(["weights", "special", "zeros", "noise", "few"]))
    base = (random.standard_normal(count) * 0.05).astype("<f4").view("<u4")
    if kind == "weights":
        block = (base.view("<f4") + random.standard_normal(count).astype("<f4") * 1e-5).astype("<f4").view("<u4")
    elif kind == "special":
        block = random.choice(SPECIAL, count).astype("<u4")
    elif kind == "zeros":
        block = np.zeros(count, "<u4")
    elif kind == "few":
        block = base + random.choice([0, 0, 0, 0, 0, 1, 3, 200], count).astype("<u4")
    else:
        block = random.integers(0, 2**32, count, dtype=np.uint32)
    return block.view(np.uint8), np.ascontiguousarray(base).view(np.uint8)


@settings(max_examples=60, deadline=None)
@given(blocks(), some.sampled_from(list(Codec)), some.sampled_from([1, 2, 4]))
def test_every_codec_gives_back_the_bytes(pair: tuple[np.ndarray, np.ndarray], codec: Codec, width: int) -> None:
    block, base = pair
    width = WIDTHS.get(codec, width)
    under = base if codec in BASED else None
    written = codecs.encode(codec, width, block, under)
    assert codecs.decode(codec, width, memoryview(written), len(block), under).tobytes() == block.tobytes()


@settings(max_examples=60, deadline=None)
@given(
    some.binary(max_size=5000),
    some.sampled_from(["", "float32", "bfloat16", "int64", "q4_0", "bool"]),
    some.sampled_from(list(Effort)),
    some.booleans(),
)
def test_a_choice_gives_back_the_bytes_and_never_grows(data: bytes, dtype: str, effort: Effort, based: bool) -> None:
    block = np.frombuffer(data, np.uint8)
    base = np.roll(block, 1) if based else None
    choice, written = encode(block, dtype, base, effort)
    under = base if choice.codec in BASED else None
    assert codecs.decode(choice.codec, choice.width, memoryview(written), len(data), under).tobytes() == data
    assert len(written) <= len(data)


@settings(max_examples=150, deadline=None)
@given(some.binary(max_size=300), some.integers(0, 9), some.sampled_from([1, 2, 4, 8, 3]), some.integers(0, 4000))
def test_hostile_bytes_are_a_block_or_an_error_and_nothing_else(data: bytes, codec: int, width: int, size: int) -> None:
    base = np.zeros(size, np.uint8) if codec in BASED else None
    try:
        found = codecs.decode(codec, width, memoryview(data), size, base)
    except Corrupt:
        return
    assert len(found) == size


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.3, 1.0])
def test_small_symbols_are_packed_and_their_escapes_come_back(share: float) -> None:
    random = np.random.default_rng(3)
    plane = np.where(random.random(20_001) < share, random.integers(0, 256, 20_001), 0).astype(np.uint8)
    written = planes.encode(plane)
    assert (planes.decode(memoryview(written), len(plane)) == plane).all()
    assert len(written) <= len(plane) + 1


@settings(max_examples=25, deadline=None)
@given(some.integers(0, 2**32 - 1), some.integers(0, 600_000), some.integers(5_000, 300_000))
def test_chunks_do_not_depend_on_how_the_bytes_arrive(seed: int, size: int, step: int) -> None:
    data = np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)
    whole = chunking.cuts(data, last=True)
    found: list[int] = []
    rest, start = np.empty(0, np.uint8), 0
    for at in range(0, size, step):
        rest = np.concatenate([rest, data[at : at + step]])
        ends = chunking.cuts(rest, last=at + step >= size)
        found += [start + end for end in ends]
        if ends:
            start, rest = start + ends[-1], rest[ends[-1] :]
    assert found == whole
    assert whole[-1:] == ([size] if size else [])
    sizes = np.diff([0, *whole])
    assert (sizes <= chunking.MOST).all()
    assert (sizes[:-1] >= chunking.LEAST).all()


def test_an_insertion_moves_only_the_chunks_around_it() -> None:
    data = np.random.default_rng(5).integers(0, 256, 3_000_000, dtype=np.uint8)
    longer = np.concatenate([data[:1_000_000], np.arange(33, dtype=np.uint8), data[1_000_000:]])
    before = {data[start:stop].tobytes() for start, stop in _pairs(chunking.cuts(data, last=True))}
    after = [longer[start:stop].tobytes() for start, stop in _pairs(chunking.cuts(longer, last=True))]
    assert sum(chunk not in before for chunk in after) <= 3


def _pairs(cuts: list[int]) -> list[tuple[int, int]]:
    return list(zip([0, *cuts[:-1]], cuts, strict=True))
