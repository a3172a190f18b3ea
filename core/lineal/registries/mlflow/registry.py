"""The registry over a store that is read in full: a database or a file store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, Protocol

from lineal.config import RegistrySpec
from lineal.model.records import Record
from lineal.model.values import Series
from lineal.model.version import File, Version
from lineal.registries.base import Cursors, ReadOnly
from lineal.registries.mlflow.artifacts import Artifacts
from lineal.registries.mlflow.assembly import Assembly
from lineal.registries.mlflow.shelf import Store, scan


class SeriesStore(Store, Protocol):
    """A store that keeps the histories of metrics."""

    def series(self, run_id: str, metric: str) -> Series:
        """Return a metric's points in step order. Raises RegistryError."""
        ...


class Mlflow(ReadOnly):
    """MLflow in a database or an `mlruns/` folder."""

    refusal = "MLflow's databases and folders are only read: changes go through its tracking server"

    def __init__(self, spec: RegistrySpec, store: SeriesStore, artifacts: Artifacts) -> None:
        self.spec = spec
        self._store, self._artifacts = store, artifacts

    def fingerprint(self) -> str | None:
        """Return a cheap token; None for a database server."""
        return self._store.fingerprint()

    def scan(self, since: Cursors) -> Iterator[Record]:
        """Yield a scope for each registered model and each experiment."""
        return scan(self.spec.name, self._store, Assembly(self.spec.name, self._artifacts), since)

    def open(self, file: File, start: int = 0, length: int | None = None) -> BinaryIO:
        """Open an artifact on this machine. Raises NotFound for those elsewhere."""
        return self._artifacts.open(file, start, length)

    def series(self, version: Version, metric: str) -> Series:
        """Return a metric's points; none where no run is known."""
        if version.run is None:
            return Series(metric, [], [], [])
        return self._store.series(version.run.id, metric)

    def close(self) -> None:
        """Let go of connections."""
        self._store.close()
