"""Reading a ledger's objects: many at a time, and believing an absence only where a read says so."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import msgspec

from lineal.errors import Corrupt, NotFound
from lineal.ledger import events
from lineal.ledger.events import Entry
from lineal.store.backend import Backend

MAX_ENTRY = 4 << 20  # bytes
_AHEAD = 32  # entries fetched at once
_WINDOW = 512  # entries that are asked for before the first of them is taken, at most
FAR = 0.002  # seconds that one read takes from where many at once are worth their threads
_FEW = 4  # entries read one by one before it is worth listing how many there are
HINT = "somebody changed or took away what was written: compare with another clone before you trust it"


class Objects:
    """The entries of one ledger as they lie there; nothing vouches for them yet."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def read(self, number: int) -> bytes | None:
        """Return an entry's bytes, None where there is none."""
        try:
            return self.backend.read(events.key(number), 0, MAX_ENTRY)
        except NotFound:
            return None

    def decoded(self, number: int, data: bytes) -> Entry:
        """Return the entry that `data` writes. Raises Corrupt."""
        try:
            return events.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self.corrupt(f"has a damaged entry {number:,}") from error

    def fresh(self, number: int) -> Iterator[bytes]:
        """Yield the entries from `number` on. A listing says how far to look ahead; only a read says where it ends."""
        first = number
        while (data := self.read(number)) is not None:
            yield data
            number += 1
            if number - first == _FEW or (number - first > _FEW and number % 1000 == 0):
                last = self.listed(number // 1000)
                if last > number:
                    for found in self.many(range(number, last + 1)):
                        if found is None:
                            raise self.corrupt(f"has a gap before entry {last:,}")
                        yield found
                        number += 1

    def many(self, numbers: range) -> Iterator[bytes | None]:
        """Yield entries in the order of `numbers`; None for each that is not there.

        As soon as one takes a while, which none on a local disk does, many are fetched at a time.
        """
        start, took = 0, 0.0
        while took < FAR:
            if start == len(numbers):
                return
            begun = time.perf_counter()
            data = self.read(numbers[start])
            took = time.perf_counter() - begun
            yield data
            start += 1
        window = _AHEAD
        with ThreadPoolExecutor(_AHEAD, "ledger") as pool:
            while start < len(numbers):
                yield from pool.map(self.read, numbers[start : start + window])
                start, window = start + window, min(2 * window, _WINDOW)

    def listed(self, thousand: int) -> int:
        """Return the last number that a listing shows in one folder, whose other contents mean nothing; 0 if none."""
        return max(self._numbers(f"ledger/{thousand:08d}/"), default=0)

    def all_listed(self) -> Iterator[int]:
        """Yield the numbers that a listing of the whole ledger shows, sorted."""
        return self._numbers("ledger/")

    def _numbers(self, prefix: str) -> Iterator[int]:
        for one in self.backend.list(prefix):
            name = one.key.rpartition("/")[2]
            if len(name) == 12 and name.isascii() and name.isdecimal() and events.key(int(name)) == one.key:
                yield int(name)

    def corrupt(self, what: str, hint: str = HINT) -> Corrupt:
        """Return the error that says what is wrong with this ledger."""
        return Corrupt(f"the ledger of {self.backend.url} {what}", hint=hint)
