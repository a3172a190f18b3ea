"""Taking apart what a snapshot of a ledger holds, piece by piece: only what is asked for costs anything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import msgspec

from lineal.errors import Corrupt

T = TypeVar("T")


def unfolded(data: msgspec.Raw | bytes, decoder: msgspec.msgpack.Decoder[T]) -> T:
    """Return what `data` writes. The decoder is one that its module made: threads cannot make them. Raises Corrupt."""
    with guarding():
        return decoder.decode(data)


@contextmanager
def guarding() -> Iterator[None]:
    """Turn what unreadable pieces raise into Corrupt."""
    try:
        yield
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, OverflowError) as error:
        raise Corrupt(
            "a snapshot of the ledger is damaged",
            hint="`lineal audit verify` says which; it may be deleted, the entries themselves hold everything",
        ) from error
