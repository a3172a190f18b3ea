"""A tracking server over REST: read, and changed by way of `writing`.

It is read in full the first time and once a day, in between only what may have changed. Setting an alias or a tag bumps
no timestamp, and neither models nor versions can be asked for by time. So models and versions are listed in full each
time and compared by hash. Runs are dear: between full readings only those that ended since the last one, or have not
ended, are asked for. What the server gives no way to notice (a tag or metric written to a run that had ended) is seen
by the next full reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import urlsplit

import msgspec

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import NotFound, Unsupported
from lineal.formats.http import Budget, Http, without_userinfo
from lineal.model.changes import Change, Receipt, Stamp
from lineal.model.records import Complete, Gone, Record
from lineal.model.values import Series
from lineal.model.version import File, Version
from lineal.registries.base import Cursors
from lineal.registries.mlflow import settings
from lineal.registries.mlflow.artifacts import LocalArtifacts
from lineal.registries.mlflow.assembly import Assembly, runs_model
from lineal.registries.mlflow.catalogue import Catalogue, Memory
from lineal.registries.mlflow.memory import MemoryShelf
from lineal.registries.mlflow.remote import RemoteArtifacts
from lineal.registries.mlflow.rest import Rest
from lineal.registries.mlflow.rows import RunRow
from lineal.registries.mlflow.shelf import CLOSING, EXPERIMENT_SCOPE, MODEL_SCOPE
from lineal.registries.mlflow.writing import REFUSAL, WRITES, Writer

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def connect_server(spec: RegistrySpec, around: Surroundings) -> Server:
    """Make the registry of a server without touching it. Raises ConfigError."""
    http = Http(spec.url, headers=settings.headers(spec.url, around), tls=settings.tls(around))
    local = LocalArtifacts(None, None) if urlsplit(spec.url).hostname in _LOOPBACK else None
    bare = msgspec.structs.replace(spec, url=without_userinfo(spec.url))
    return Server(bare, Rest(http), local, around)


class Server:
    """MLflow behind a tracking server."""

    writes = WRITES
    refusal = REFUSAL
    compares = False

    def __init__(self, spec: RegistrySpec, rest: Rest, local: LocalArtifacts | None, around: Surroundings) -> None:
        self.spec = spec
        self._rest, self._around = rest, around
        self._artifacts = RemoteArtifacts(rest, local)
        self._speaker = Assembly(spec.name, self._artifacts)
        self._writer = Writer(spec.name, rest)

    def fingerprint(self) -> None:
        """Return None: a server is remote."""
        return

    def scan(self, since: Cursors) -> Iterator[Record]:
        """Yield a scope for each registered model and each experiment."""
        self._rest.http.budget = Budget()
        self._artifacts.forget_failures()
        catalogue = Catalogue(self._rest)
        memory = Memory.read(since.get(CLOSING, ""))
        now = self._around.clock()
        try:
            if catalogue.must_be_read_in_full(since, memory, now):
                yield from self._full(catalogue, now)
            else:
                yield from self._changes(catalogue, since, memory, now)
        except NotFound as error:
            hint = "give the address of a tracking server of MLflow 2 or 3, with its prefix if it has one"
            raise Unsupported(f"{self.spec.url} is no MLflow server: {error.message}", hint=hint) from error

    def open(self, file: File, start: int = 0, length: int | None = None) -> BinaryIO:
        """Open an artifact through the server."""
        return self._artifacts.open(file, start, length)

    def series(self, version: Version, metric: str) -> Series:
        """Return a metric's points; none where no run is known."""
        if version.run is None:
            return Series(metric, [], [], [])
        try:
            return self._rest.series(version.run.id, metric)
        except NotFound as error:
            raise NotFound(f"run {version.run.id} is gone", hint="sync to see what is there now") from error

    def current(self, change: Change) -> Change:
        """Return `change` from what the server has now. Raises ConfigError for what MLflow takes never."""
        return self._writer.current(change)

    def calls(self, change: Change, stamp: Stamp) -> tuple[str, ...]:  # noqa: ARG002
        """Return the requests that a change is made of, `POST URL JSON`; registering asks the server for that."""
        return self._writer.calls(change)

    def apply(self, change: Change, stamp: Stamp) -> Receipt:
        """Read, compare, write once, read again. Raises ConfigError for what MLflow takes never."""
        return self._writer.apply(change, stamp)

    def close(self) -> None:
        """Close all connections."""
        self._rest.http.close()

    def _full(self, catalogue: Catalogue, now: float) -> Iterator[Record]:
        shelf, memory = catalogue.everything(now)
        for model in shelf.models:
            yield from self._speaker.model(shelf, model)
            yield self._complete(MODEL_SCOPE + model.name, catalogue.model_cursor(model))
        for experiment in shelf.experiments.values():
            yield from self._speaker.experiment(shelf, experiment)
            yield self._complete(EXPERIMENT_SCOPE + experiment.experiment_id, catalogue.experiment_cursor(experiment))
        yield self._complete(CLOSING, memory.text())

    def _changes(self, catalogue: Catalogue, since: Cursors, memory: Memory, now: float) -> Iterator[Record]:
        shelf, changed, after = catalogue.changes(since, memory, now)
        for model in shelf.models:
            scope, cursor = MODEL_SCOPE + model.name, catalogue.model_cursor(model)
            runs = {row.run_id for row in shelf.versions(model.name)}
            if since.get(scope) == cursor and not runs & changed.keys():
                yield self._complete(scope, cursor, delta=True)
                continue
            yield from self._speaker.model(shelf, model)
            yield self._complete(scope, cursor)
        yield from self._experiments(catalogue, shelf, changed)
        yield self._complete(CLOSING, after.text())

    def _experiments(self, catalogue: Catalogue, shelf: MemoryShelf, changed: dict[str, RunRow]) -> Iterator[Record]:
        """Yield changed runs that nobody registered; those registered in the meantime are gone from here."""
        for experiment in shelf.experiments.values():
            own = experiment.experiment_id
            for run in shelf.held():
                if run.info.experiment_id != own:
                    continue
                if run.info.run_id in shelf.registered:
                    yield Gone(registry=self.spec.name, model=runs_model(experiment.name), key=run.info.run_id)
                elif run.info.run_id in changed and shelf.makes(run):
                    yield from self._speaker.run(shelf, run, experiment.name)
            yield self._complete(EXPERIMENT_SCOPE + own, catalogue.experiment_cursor(experiment), delta=True)

    def _complete(self, scope: str, cursor: str, *, delta: bool = False) -> Complete:
        return Complete(registry=self.spec.name, scope=scope, cursor=cursor, delta=delta)
