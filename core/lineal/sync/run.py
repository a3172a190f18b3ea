"""The sync itself: a thread for each registry, one writer in the thread of the caller."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from queue import Empty, Queue

import msgspec

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import Error, NotFound
from lineal.index.lock import holding
from lineal.index.opening import open_writer
from lineal.index.scopes import Applied
from lineal.index.writer import Interrupted, Writer
from lineal.sync.events import Event, Failed, Finished, Started, Summary
from lineal.sync.fingerprints import Fingerprints, Hashed, memory_beside
from lineal.sync.scanning import Item, Known, Scan, ScanDone, ScopeDone

_SCANS = 8  # registries that are read at once
_QUEUED = 32  # completed scopes that may wait for the writer; large ones wait on disk
_COMMIT_AFTER = 0.5  # seconds that a completed scope may stay invisible
_LOOK = 0.1  # seconds between two looks at `cancel`
_MUCH = 5_000  # changed versions after which the database's statistics are old
_GRACE = 2.0  # seconds for scans to end once they are stopped


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to sync. `only` names registries, None for all; `wait` is in seconds, for another sync to end."""

    only: Collection[str] | None = None
    local_only: bool = False
    fingerprint: bool = True
    bytes_per_second: int = 0  # of fingerprinting; 0 for no bound
    wait: float = 0.0


def sync(
    specs: Sequence[RegistrySpec],
    around: Surroundings,
    index_url: str,
    *,
    on_event: Callable[[Event], None] = lambda _: None,
    cancel: threading.Event | None = None,
    only: Collection[str] | None = None,
    fingerprint: bool = True,
    bytes_per_second: int = 0,
    local_only: bool = False,
    wait: float = 0.0,
) -> Summary:
    """Bring the index up to date with the registries, which are read in parallel.

    Args:
        specs: all registries of the workspace; what the index holds of others is dropped, unless `only` is given.
        around: handed to the registries.
        index_url: a SQLite file or `postgresql://` URL; made where there is none.
        on_event: told of everything, from any thread but never from two at once, about ten times a second at most.
        cancel: set from elsewhere to stop: scopes that are complete stay, nothing is half-written.
        only: names of the registries to read.
        fingerprint: whether to hash local files at the end, at most `bytes_per_second` (0: as fast as it goes).
        local_only: leave out registries that are reached over a network.
        wait: seconds to wait for another sync of this index to end.

    Returns:
        What happened to each registry. One that fails is in it, and in the index, with its error; the others go on.

    Raises:
        IndexUnavailable: the index cannot be written, or another sync is running.
        NotFound: `only` names a registry that is not in `specs`.
        Exception: a fault of an adapter, once everything else is done.
    """
    options = Options(
        only=only, local_only=local_only, fingerprint=fingerprint, bytes_per_second=bytes_per_second, wait=wait
    )
    chosen = _chosen(specs, options.only)
    with holding(index_url, options.wait), open_writer(index_url) as writer:
        return Sync(writer, around, on_event, cancel or threading.Event(), options).run(specs, chosen)


def _chosen(specs: Sequence[RegistrySpec], only: Collection[str] | None) -> list[RegistrySpec]:
    names = {spec.name for spec in specs}
    for name in only or ():
        if name not in names:
            raise NotFound(f"no registry is called {name!r}", hint="`lineal registry ls` lists them")
    return [spec for spec in specs if only is None or spec.name in only]


class Sync:
    """One sync into an index that is open and locked."""

    def __init__(
        self,
        writer: Writer,
        around: Surroundings,
        on_event: Callable[[Event], None],
        cancel: threading.Event,
        options: Options,
    ) -> None:
        self._writer = writer
        self._around = around
        self._on_event = on_event
        self._telling = threading.Lock()
        self._cancel = cancel
        self._options = options
        self._stop = threading.Event()  # tells the scans that nobody takes their records any more
        self._queue: Queue[Item] = Queue(_QUEUED)
        self._applied: dict[str, Applied] = {}
        self._named: dict[str, set[str]] = {}
        self._finished: list[Finished] = []
        self._failed: list[Failed] = []
        self._faults: list[Exception] = []
        self._broken: dict[str, Exception] = {}  # by registry, what kept one of its scopes from being written
        self._committed_at = time.monotonic()

    def _tell(self, event: Event) -> None:
        with self._telling:
            self._on_event(event)

    def run(self, specs: Sequence[RegistrySpec], chosen: Sequence[RegistrySpec]) -> Summary:
        """Read the chosen registries, fingerprint, and say how it went."""
        started = time.monotonic()
        self._tell(Started(registries=tuple(spec.name for spec in chosen)))
        dropped = [] if self._options.only is not None else self._writer.keep_only(spec.name for spec in specs)
        self._writer.commit()
        self._scan(chosen)
        hashed = self._fingerprint()
        if sum(a.added + a.changed + a.removed for a in self._applied.values()) > _MUCH:
            self._writer.database.analyse()
        summary = Summary(
            finished=tuple(self._finished),
            failed=tuple(self._failed),
            dropped=tuple(dropped),
            hashed=hashed.read,
            mismatched=hashed.mismatched,
            cancelled=self._cancel.is_set(),
            seconds=time.monotonic() - started,
        )
        self._tell(summary)
        if self._faults:
            raise self._faults[0]
        return summary

    def _scan(self, chosen: Sequence[RegistrySpec]) -> None:
        waiting = [self._prepared(spec) for spec in reversed(chosen)]
        self._writer.commit()
        running: dict[str, threading.Thread] = {}
        try:
            while (waiting or running) and not self._cancel.is_set():
                while waiting and len(running) < _SCANS:
                    scan = waiting.pop()
                    thread = threading.Thread(target=scan.run, name=f"scan {scan.spec.name}", daemon=True)
                    running[scan.spec.name] = thread
                    thread.start()
                self._take(running)
        finally:
            self._stop.set()
            self._let_go(running.values())
        self._writer.commit()

    def _prepared(self, spec: RegistrySpec) -> Scan:
        self._writer.enter(spec)
        self._named[spec.name] = set()
        known = self._writer.known(spec.name)
        before = Known(self._writer.cursors(spec.name), known.versions, known.fingerprint)
        skip_remote = self._options.local_only
        folder = self._writer.database.folder
        return Scan(spec, self._around, before, self._queue, self._stop, self._tell, folder, skip_remote=skip_remote)

    def _take(self, running: dict[str, threading.Thread]) -> None:
        """Write one item, if there is one; commit when nothing waits or a while has passed."""
        try:
            item = self._queue.get(timeout=_LOOK)
        except Empty:
            self._commit()
            return
        if isinstance(item, ScopeDone):
            self._apply(item)
        else:
            running.pop(item.registry).join()
            self._end(item)
        if time.monotonic() - self._committed_at > _COMMIT_AFTER:
            self._commit()

    def _commit(self) -> None:
        self._writer.commit()
        self._committed_at = time.monotonic()

    def _apply(self, item: ScopeDone) -> None:
        self._named[item.registry].add(item.complete.scope)
        try:
            with item.spool:
                applied = self._writer.apply(item.spool, item.complete, self._cancel)
        except Interrupted:
            return
        except msgspec.ValidationError as fault:  # a value of another type than the record declares
            self._broken.setdefault(item.registry, fault)
            return
        if item.complete.scope == "":
            applied += Applied(removed=self._writer.close_scan(item.registry, self._named[item.registry]))
        self._applied[item.registry] = self._applied.get(item.registry, Applied()) + applied

    def _end(self, done: ScanDone) -> None:
        if done.stopped or done.left_out:
            return
        if error := done.error or self._broken.get(done.registry):
            self._fail(done, error)
            return
        if not done.skipped:
            self._writer.settle(done.registry, done.problems)
        self._writer.succeed(done.registry, done.fingerprint, self._around.clock())
        applied = self._applied.get(done.registry, Applied())
        event = Finished(
            registry=done.registry,
            problems=self._writer.problems(done.registry),
            seconds=done.seconds,
            skipped=done.skipped,
            **msgspec.structs.asdict(applied),
        )
        self._finished.append(event)
        self._tell(event)

    def _fail(self, done: ScanDone, error: Exception) -> None:
        if isinstance(error, Error):
            message, hint = error.message, error.hint
        else:
            self._faults.append(error)
            message, hint = f"{type(error).__name__}: {error}", "this is a fault of the adapter: please report it"
        self._writer.settle(done.registry, done.problems)
        self._writer.fail(done.registry, message, hint)
        event = Failed(registry=done.registry, message=message, hint=hint)
        self._failed.append(event)
        self._tell(event)

    def _let_go(self, threads: Iterable[threading.Thread]) -> None:
        """Wait a little for scans that were stopped. One that hangs in a read dies with the process: it is a daemon."""
        end = time.monotonic() + _GRACE
        for thread in threads:
            while thread.is_alive() and time.monotonic() < end:
                self._drain()
                thread.join(_LOOK)
        self._drain()

    def _drain(self) -> None:
        while not self._queue.empty():
            item = self._queue.get_nowait()
            if isinstance(item, ScopeDone):
                item.spool.close()

    def _fingerprint(self) -> Hashed:
        if not self._options.fingerprint or self._cancel.is_set():
            return Hashed()
        with memory_beside(self._writer.database.folder, self._around.cache_folder()) as memory:
            rate = self._options.bytes_per_second
            work = Fingerprints(self._writer, memory, self._tell, self._cancel, bytes_per_second=rate)
            return work.bring_up()
