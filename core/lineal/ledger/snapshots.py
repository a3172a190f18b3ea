"""Snapshots: what the first n events amount to, so that a long ledger opens without reading it from its beginning.

One lies in each client's cache, and those that whoever appends leaves in the store are for clients that come new. A
snapshot is a shortcut and never an authority: it counts only where its last entry is there and has its hash, and
`lineal audit verify` compares it with what the entries themselves amount to.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import zstandard
from blake3 import blake3

from lineal.errors import Corrupt, NotFound, RegistryError, StoreError
from lineal.ledger.folding import FOLDING, State
from lineal.ledger.unfolding import guarding
from lineal.store.backend import Backend

FOLDER = "ledger-snapshots/"
EVERY = 1000  # whoever appends an entry whose number is a multiple leaves a snapshot in the store
_SHARE = 100  # ... if that is at least this part of the ledger further than the newest
KEPT = 2  # in the store
TRIED = 8  # of those in the store, however many somebody left there
_MAGIC = b"LNLSNAP1"
_HASH = 32  # bytes
MAX_STATE = 1 << 30  # bytes
_MAX_FILE = MAX_STATE + (1 << 20)
_LEVEL = 1  # of zstd: it is written often


class Snapshot(msgspec.Struct, frozen=True, array_like=True):
    """What the entries up to `number`, whose bytes have the hash `hash`, amount to."""

    folding: int
    store: str  # the store's id
    number: int
    hash: str
    frame: bytes  # zstd: what `State.written` gave

    def written(self) -> bytes:
        """Return the written state. Raises Corrupt."""
        with guarding():
            try:
                if not 0 < zstandard.frame_content_size(self.frame) <= MAX_STATE:
                    raise ValueError("a state too large")
                return zstandard.ZstdDecompressor().decompress(self.frame, allow_extra_data=False)
            except zstandard.ZstdError as error:
                raise ValueError("no frame") from error

    def counts(self, store: str) -> bool:
        """Say whether it is of this store, and was folded as this Lineal folds."""
        return self.folding == FOLDING and self.store == store and self.number > 0

    def state(self) -> State:
        """Return the state, whose parts are looked into when they are asked for. Raises Corrupt."""
        return State.read(self.written())


_SNAPSHOT = msgspec.msgpack.Decoder(Snapshot)


def key(number: int) -> str:
    """Return the key of a snapshot's object in the store."""
    return f"{FOLDER}{number:012d}"


def encode(store: str, number: int, digest: str, state: State) -> bytes | None:
    """Return a snapshot's bytes; None where it is larger than anybody reads."""
    written = state.written()
    if len(written) > MAX_STATE:
        return None
    frame = zstandard.ZstdCompressor(level=_LEVEL).compress(written)
    body = msgspec.msgpack.encode(Snapshot(FOLDING, store, number, digest, frame))
    return _MAGIC + blake3(body).digest() + body


def decode(data: bytes) -> Snapshot:
    """Return the snapshot that `data` writes, whosever it is. Raises Corrupt."""
    with guarding():
        body = memoryview(data)[len(_MAGIC) + _HASH :]
        if not data.startswith(_MAGIC) or blake3(body).digest() != data[len(_MAGIC) : len(_MAGIC) + _HASH]:
            raise ValueError("other bytes than were written")
        return _SNAPSHOT.decode(body)


def listed(backend: Backend) -> list[int]:
    """Return the numbers of the snapshots in a store, sorted."""
    names = [one.key.removeprefix(FOLDER) for one in backend.list(FOLDER)]
    return sorted(int(name) for name in names if len(name) == 12 and name.isascii() and name.isdecimal())


def read(backend: Backend, number: int) -> Snapshot | None:
    """Return one of the snapshots in a store; None where it is gone. Raises Corrupt."""
    try:
        data = backend.read(key(number), 0, _MAX_FILE)
    except NotFound:
        return None
    found = decode(data)
    if found.number != number:
        raise Corrupt(f"the snapshot {number:,} of {backend.url} is another", hint="it may be deleted")
    return found


def newest(backend: Backend, store: str) -> Iterator[Snapshot]:
    """Yield the snapshots in a store that count, the newest first; of very many not all are looked at."""
    for number in reversed(listed(backend)[-TRIED:]):
        try:
            found = read(backend, number)
        except Corrupt:
            continue
        if found is not None and found.counts(store):
            yield found


def leave(backend: Backend, store: str, number: int, digest: str, state: State) -> None:
    """Leave a snapshot in a store where it is time for one, and take away all before the last two.

    Nothing hangs on it: where the store has no room, or refuses, there is none.
    """
    try:
        there = [one for one in listed(backend) if one <= number]
        if there and number - there[-1] < number // _SHARE:
            return
        data = encode(store, number, digest, state)
        if data is not None and backend.create(key(number), data):
            for old in [*there, number][:-KEPT]:
                backend.delete(key(old))
    except (StoreError, RegistryError):
        return
