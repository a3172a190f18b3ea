"""One registry read in a thread of its own: records into spools, completed scopes into the queue of the writer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from queue import Full, Queue

import msgspec

from lineal import registries
from lineal.config import RegistrySpec, Surroundings
from lineal.errors import Error
from lineal.index.spool import Spool
from lineal.model.records import Complete, Problem
from lineal.model.version import Version
from lineal.registries.base import Registry
from lineal.sync.events import EVERY, MOST_PROBLEMS, Event, Met, Progress

_PATIENCE = 0.2  # seconds between two looks at `stop` while the queue is full


class ScopeDone(msgspec.Struct, frozen=True):
    """A scope is complete; the receiver closes the spool."""

    registry: str
    spool: Spool
    complete: Complete


class ScanDone(msgspec.Struct, frozen=True):
    """A scan came to its end; `error` where that was not the end of the registry."""

    registry: str
    problems: tuple[Problem, ...] = ()  # met outside any completed scope
    fingerprint: str | None = None
    error: Exception | None = None
    skipped: bool = False
    left_out: bool = False  # it is remote, and only local ones were asked for
    stopped: bool = False
    seconds: float = 0.0


Item = ScopeDone | ScanDone


class Known(msgspec.Struct, frozen=True):
    """What the index knows of a registry before the scan."""

    cursors: Mapping[str, str]
    versions: int | None  # None where it was never read
    fingerprint: str | None  # of the last scan that reached its end; None also where the last one did not


class Scan:
    """Reads one registry. `run` is the body of a thread."""

    def __init__(
        self,
        spec: RegistrySpec,
        around: Surroundings,
        known: Known,
        queue: Queue[Item],
        stop: threading.Event,
        tell: Callable[[Event], None],
        folder: str | None,
        *,
        skip_remote: bool = False,
    ) -> None:
        self.spec = spec
        self._around = around
        self._known = known
        self._queue = queue
        self._stop = stop
        self._tell = tell
        self._folder = folder
        self._skip_remote = skip_remote
        self._started = time.monotonic()
        self._told_at = 0.0
        self._done = 0
        self._problems = 0

    def run(self) -> None:
        """Read the registry; whatever happens ends with one ScanDone.

        This is the boundary at which a fault of one adapter is kept from the other registries: it is carried to the
        end of the sync, which raises it again.
        """
        try:
            done = self._scan()
        except Exception as error:
            done = ScanDone(self.spec.name, error=error)
        self._put(msgspec.structs.replace(done, seconds=time.monotonic() - self._started))

    def _scan(self) -> ScanDone:
        registry = registries.connect(self.spec, self._around)
        try:
            fingerprint = registry.fingerprint()
            if fingerprint is None and self._skip_remote:
                return ScanDone(self.spec.name, left_out=True)
            if fingerprint is not None and fingerprint == self._known.fingerprint:
                return ScanDone(self.spec.name, fingerprint=fingerprint, skipped=True)
            return self._read(registry, fingerprint)
        finally:
            registry.close()

    def _read(self, registry: Registry, fingerprint: str | None) -> ScanDone:
        spool = self._spool()
        outside: list[Problem] = []
        error: Error | None = None
        try:
            for record in registry.scan(self._known.cursors):
                if self._stop.is_set():
                    break
                if isinstance(record, Complete):
                    self._put(ScopeDone(self.spec.name, spool, record))
                    spool, outside = self._spool(), []
                    continue
                spool.add(record)
                self._note(record, outside)
        except Error as raised:
            error = raised
        finally:
            spool.close()
        self._progress(last=True)
        return ScanDone(self.spec.name, tuple(outside), fingerprint, error, stopped=self._stop.is_set())

    def _spool(self) -> Spool:
        return Spool(self.spec.name, self._folder)

    def _note(self, record: object, outside: list[Problem]) -> None:
        if isinstance(record, Version):
            self._done += 1
            self._progress()
        elif isinstance(record, Problem):
            outside.append(record)
            self._problems += 1
            if self._problems <= MOST_PROBLEMS:
                self._tell(Met(problem=record))

    def _progress(self, *, last: bool = False) -> None:
        now = time.monotonic()
        if now - self._told_at < EVERY and not last:
            return
        self._told_at = now
        rate = self._done / max(now - self._started, 1e-9)
        expected = self._known.versions
        left = max(expected - self._done, 0) / rate if expected and rate else None
        self._tell(Progress(registry=self.spec.name, done=self._done, expected=expected, rate=rate, left=left))

    def _put(self, item: Item) -> None:
        """Hand an item to the writer, unless the sync was stopped: then nobody takes it any more."""
        while True:
            try:
                return self._queue.put(item, timeout=_PATIENCE)
            except Full:
                if self._stop.is_set():
                    if isinstance(item, ScopeDone):
                        item.spool.close()
                    return None
