"""What every registry offers, and how it is found: reading, and for those that can be changed, changing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO, Protocol

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import Unsupported
from lineal.model.changes import Change, Receipt, Stamp
from lineal.model.records import Record
from lineal.model.values import Series
from lineal.model.version import File, Version

Cursors = Mapping[str, str]
"""What the last scan left: the cursor of each scope it completed. Empty for a first scan."""


class Registry(Protocol):
    """One place that holds versions of models. Building one touches neither disk nor network; its methods do.

    Everything it yields is still hostile text: it is made safe where it is shown. Methods may be called from any
    thread, but not two at once.
    """

    spec: RegistrySpec

    @property
    def writes(self) -> frozenset[type[Change]]:
        """The kinds of change it can apply; empty where it is only read. Touches nothing."""
        ...

    @property
    def refusal(self) -> str:
        """Why it cannot apply other changes, in one sentence: shown where a key is dimmed. "" where it can all."""
        ...

    @property
    def compares(self) -> bool:
        """Whether it compares and sets in one step; else somebody may come in between `current` and `apply`."""
        ...

    def fingerprint(self) -> str | None:
        """Return a cheap token (under 50 ms) that changes when a scan may say something new; None if remote.

        Raises:
            Unavailable: the place is gone or unreachable.
        """
        ...

    def scan(self, since: Cursors) -> Iterator[Record]:
        """Yield what is there, lazily and without reading model bytes, scope by scope (see `Complete`).

        Unreadable entries become `Problem` records and the scan goes on. A scope whose reading failed is either not
        completed or completed with `delta`, so that what could not be read is not taken for gone. Two scans of the
        same thing yield the same records, and an incremental scan leaves the same rows as a first one.

        Raises:
            RegistryError: nothing (more) can be read; what was completed before stays valid.
        """
        ...

    def open(self, file: File, start: int = 0, length: int | None = None) -> BinaryIO:
        """Open the bytes of `file` from offset `start`, at most `length` bytes of them.

        Raises:
            NotFound: the bytes are nowhere.
            RegistryError: they cannot be reached or read.
        """
        ...

    def series(self, version: Version, metric: str) -> Series:
        """Return one metric of `version` along training, in step order; empty lists where only the last is kept.

        Raises:
            RegistryError: it cannot be read.
        """
        ...

    def current(self, change: Change) -> Change:
        """Return `change` with `before` as it is in the registry now, which may be newer than any index.

        Raises:
            NotFound: there is no such model, or no such version of it (`after`, `key` or `source`).
            Unsupported: it is none of `writes`.
            RegistryError: the registry cannot be reached, or refuses.
        """
        ...

    def calls(self, change: Change, stamp: Stamp) -> tuple[str, ...]:
        """Return what `apply` would call, as a person could type or send it; without secrets. May read."""
        ...

    def apply(self, change: Change, stamp: Stamp) -> Receipt:
        """Apply a change if what it calls `before` still holds, and look whether `after` holds then.

        A change that was applied already, by an earlier try with the same `stamp.action` whose answer was lost, counts
        as applied. Nothing outside what the change names is touched.

        Raises:
            Conflict: `before` does not hold any more; applying the same change twice is one too.
            NotFound, Unsupported, RegistryError: as for `current`; nothing is half done.
        """
        ...

    def close(self) -> None:
        """Let go of connections and processes; harmless twice."""
        ...


class ReadOnly:
    """What registries share that are only read: `class Mine(ReadOnly)`, with a `refusal` of its own."""

    refusal = "registries of this kind are only read"
    writes: frozenset[type[Change]] = frozenset()
    compares = True

    def current(self, change: Change) -> Change:  # noqa: ARG002
        """Refuse."""
        raise Unsupported(self.refusal, hint="`lineal registry ls` says what each can do")

    def calls(self, change: Change, stamp: Stamp) -> tuple[str, ...]:  # noqa: ARG002
        """Refuse."""
        raise Unsupported(self.refusal, hint="`lineal registry ls` says what each can do")

    def apply(self, change: Change, stamp: Stamp) -> Receipt:  # noqa: ARG002
        """Refuse."""
        raise Unsupported(self.refusal, hint="`lineal registry ls` says what each can do")


class Adapter(Protocol):
    """One kind of registry: what a module behind `BUILTIN` or the entry-point group `lineal.registries` offers.

    A module with these two functions is an adapter.
    """

    def connect(self, spec: RegistrySpec, around: Surroundings) -> Registry:
        """Make the registry that `spec` names, without touching it. Raises ConfigError if `spec` makes no sense."""
        ...

    def discover(self, around: Surroundings, folders: Iterable[str]) -> Iterator[RegistrySpec]:
        """Yield what is found in `folders` (absolute paths, nearest first) and in `around`, quickly."""
        ...

    def recognise(self, url: str, around: Surroundings) -> bool:
        """Say whether `url` (a URL or absolute path) is a registry of this kind; local looks only."""
        ...
