"""Anchors: a ledger's number and hash written down elsewhere, so that who never saw it can tell what became of it.

A place is another store's backend, where an anchor is made once and not changed, or the tags of a git repository.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

import msgspec

from lineal.errors import Corrupt, NotFound
from lineal.store.backend import Backend

_FOLDER = "anchors/"
_NAME = re.compile(r"(\d{12})-([0-9a-f]{64})")
_MOST = 4096  # bytes of an anchor
_HINT = "somebody rewrote the ledger, or made this anchor from another: `lineal audit verify --anchor` says more"


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """The last entry of a ledger at some time: its number and the hash of its bytes."""

    store: str  # the store's id
    number: int
    hash: str


_ANCHOR = msgspec.json.Decoder(Anchor)


class Anchorage(Protocol):
    """A place where anchors are kept."""

    url: str

    def keep(self, anchor: Anchor) -> None:
        """Write an anchor down; harmless where the same is there.

        Raises:
            Corrupt: another hash of the same entry of this ledger was written down there.
            Unavailable, AuthRequired, OutOfSpace: it cannot be written.
        """
        ...

    def kept(self) -> Iterator[tuple[str, Anchor | None]]:
        """Yield the names of all anchors there, of any store, and what they say; None for one that makes no sense."""
        ...


class Objects:
    """Anchors as objects `anchors/<number>-<hash>` of a backend."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.url = backend.url

    def keep(self, anchor: Anchor) -> None:
        """Make an anchor's object. Raises Corrupt, and what the backend raises."""
        for name, other in self.kept():
            if other is not None and (other.store, other.number) == (anchor.store, anchor.number):
                refuse_other(self.url, name, other, anchor)
        key, data = _key(anchor), msgspec.json.encode(anchor, order="sorted") + b"\n"
        if not self._backend.create(key, data) and self._backend.read(key, 0, _MOST) != data:
            raise Corrupt(f"{key} of {self.url} says something else", hint=_HINT)

    def kept(self) -> Iterator[tuple[str, Anchor | None]]:
        """Yield the anchors."""
        for one in self._backend.list(_FOLDER):
            try:
                data = self._backend.read(one.key, 0, _MOST)
            except NotFound:
                continue  # it was taken away meanwhile
            anchor = read(data)
            yield f"{one.key} of {self.url}", anchor if anchor is not None and _key(anchor) == one.key else None


def read(data: bytes) -> Anchor | None:
    """Return the anchor that `data` writes as JSON, None where it makes no sense."""
    try:
        found = _ANCHOR.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if _NAME.fullmatch(name(found)) and found.number else None


def name(anchor: Anchor) -> str:
    """Return how an anchor is called."""
    return f"{anchor.number:012d}-{anchor.hash}"


def _key(anchor: Anchor) -> str:
    return f"{_FOLDER}{name(anchor)}"


def refuse_other(url: str, called: str, there: Anchor, anchor: Anchor) -> None:
    """Raise Corrupt where an anchor of the same entry has another hash."""
    if there.hash != anchor.hash:
        raise Corrupt(f"{called} in {url} says that entry {anchor.number:,} was another", hint=_HINT)
