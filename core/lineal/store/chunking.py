"""Content-defined chunks: cuts that depend on the bytes around them, so that an insertion moves no later one.

A gear hash over 16 bytes (Xia and others, FastCDC, USENIX ATC 2016), all positions at once with NumPy; then the least
and the greatest length are kept to in one pass over the places that qualify.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lineal.store.planes import Bytes

LEAST, MOST = 16 << 10, 256 << 10  # bytes of a chunk, 64 KiB on average; the last one of a file may be shorter
_REACH = 16  # bytes that one hash looks at
_STEP = 1 << 18  # bytes hashed at a time: they stay in the processor's cache


def _table() -> NDArray[np.uint16]:
    """Return a number for each byte: part of the format, so made by arithmetic that no library can change.

    The high 16 bits of a 64-bit linear congruential generator (Knuth's MMIX constants), started at 1.
    """
    state, found = 1, []
    for _ in range(256):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        found.append(state >> 48)
    return np.array(found, np.uint16)


_GEAR = _table()


def cuts(data: Bytes, *, last: bool) -> list[int]:
    """Return the ends of the chunks of `data`; without `last` its rest, shorter than `MOST`, is left for the next call.

    A caller that passes the rest together with what follows gets the cuts that it would get for all at once.
    """
    places = _candidates(data)
    found: list[int] = []
    start, size = 0, len(data)
    while size - start > (0 if last else MOST):
        at = int(np.searchsorted(places, start + LEAST))
        stop = int(places[at]) if at < len(places) else size
        start = min(stop, start + MOST, size)
        found.append(start)
    return found


def _candidates(data: Bytes) -> NDArray[np.int64]:
    """Return the offsets behind each byte whose hash is zero, in order."""
    found = []
    for start in range(0, len(data), _STEP):
        lowest = max(0, start - _REACH + 1)
        hashes = _hashes(data[lowest : start + _STEP])
        places = np.flatnonzero(hashes == 0)
        found.append(places[places >= start - lowest] + (lowest + 1))
    return np.concatenate(found) if found else np.empty(0, np.int64)


def _hashes(data: Bytes) -> NDArray[np.uint16]:
    """Return at each byte the sum of its own number and the 15 before it, shifted by their distance; by doubling."""
    hashes = _GEAR.take(data)
    shifted = np.empty_like(hashes)
    for step in (1, 2, 4, 8):
        np.left_shift(hashes[:-step], step, out=shifted[step:])
        shifted[:step] = 0
        hashes += shifted
    return hashes
