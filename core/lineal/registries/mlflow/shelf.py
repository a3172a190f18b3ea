"""What one scan finds in an MLflow store, whichever way it was read; and the scan over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Protocol

import msgspec

from lineal.model.records import Complete, Problem, Record
from lineal.registries.base import Cursors
from lineal.registries.mlflow.rows import ExperimentRow, LoggedRow, RegisteredRow, RunRow, Trouble, VersionRow

MODEL_SCOPE = "model:"
EXPERIMENT_SCOPE = "experiment:"
CLOSING = ""


class Shelf(Protocol):
    """The store at one moment. Rows come lazily where reading them all would be dear."""

    @property
    def experiments(self) -> Mapping[str, ExperimentRow]:
        """The active experiments, by id."""
        ...

    @property
    def models(self) -> Sequence[RegisteredRow]:
        """The registered models."""
        ...

    @property
    def registered(self) -> Mapping[str, Sequence[VersionRow]]:
        """The versions made from each run, by its id."""
        ...

    def versions(self, model: str) -> Sequence[VersionRow]:
        """Return the versions of a registered model, oldest first, without deleted ones."""
        ...

    def version(self, model: str, version: str) -> VersionRow | None:
        """Return one version of a registered model, if it is there."""
        ...

    def run(self, run_id: str) -> RunRow | None:
        """Return a run, also a deleted one, if it is there."""
        ...

    def logged(self, model_id: str) -> LoggedRow | None:
        """Return a LoggedModel, if it is there."""
        ...

    def logged_by(self, run_id: str) -> Sequence[LoggedRow]:
        """Return the LoggedModels that a run made."""
        ...

    def makers(self, experiment: str) -> Sequence[RunRow]:
        """Return the runs of an experiment that logged a model, registered or not, without deleted ones."""
        ...

    def orphans(self, experiment: str) -> Sequence[LoggedRow]:
        """Return the LoggedModels of an experiment that no run made and nobody registered."""
        ...

    def cursor(self, scope: str) -> str:
        """Return what changes when the scope says something else."""
        ...

    def troubles(self, scope: str) -> Sequence[Trouble]:
        """Return what of the scope could not be read."""
        ...


class Store(Protocol):
    """A place that holds MLflow's entities. Not to be used from two threads at once."""

    def fingerprint(self) -> str | None:
        """See `Registry.fingerprint`."""
        ...

    def state(self) -> str:
        """Return a token that surely differs if anything changed; "" where nothing cheap tells."""
        ...

    def read(self) -> Shelf:
        """Return what is there. Raises RegistryError."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class Speaker(Protocol):
    """Turns rows into records."""

    def model(self, shelf: Shelf, model: RegisteredRow) -> Iterator[Record]:
        """Yield a registered model, its versions, aliases and edges."""
        ...

    def experiment(self, shelf: Shelf, experiment: ExperimentRow) -> Iterator[Record]:
        """Yield the versions of an experiment's runs that nobody registered, and their edges."""
        ...


def scan(name: str, store: Store, speaker: Speaker, since: Cursors) -> Iterator[Record]:
    """Yield the records of a store that is read in full; scopes that are as they were, only as complete."""
    state = store.state()
    if state and since.get(CLOSING) == state:
        yield from unchanged(name, since)
        return
    shelf = store.read()
    troubled = bool(shelf.troubles(CLOSING))
    for scope, records in _scopes(shelf, speaker):
        yield from _scope(name, shelf, scope, since, records)
        troubled = troubled or bool(shelf.troubles(scope))
    yield from problems(name, shelf.troubles(CLOSING))
    yield Complete(registry=name, scope=CLOSING, cursor="" if troubled else state)


def _scopes(shelf: Shelf, speaker: Speaker) -> Iterator[tuple[str, Iterator[Record]]]:
    for model in shelf.models:
        yield MODEL_SCOPE + model.name, speaker.model(shelf, model)
    for experiment in shelf.experiments.values():
        yield EXPERIMENT_SCOPE + experiment.experiment_id, speaker.experiment(shelf, experiment)


def unchanged(name: str, since: Cursors) -> Iterator[Record]:
    """Yield every scope as it was."""
    for scope, cursor in since.items():
        if scope != CLOSING:
            yield Complete(registry=name, scope=scope, cursor=cursor, delta=True)
    yield Complete(registry=name, scope=CLOSING, cursor=since.get(CLOSING, ""))


def _scope(name: str, shelf: Shelf, scope: str, since: Cursors, records: Iterator[Record]) -> Iterator[Record]:
    cursor = shelf.cursor(scope)
    if since.get(scope) == cursor:
        yield Complete(registry=name, scope=scope, cursor=cursor, delta=True)
        return
    yield from records
    troubles = shelf.troubles(scope)
    yield from problems(name, troubles)
    yield Complete(registry=name, scope=scope, cursor="" if troubles else cursor, delta=bool(troubles))


def problems(name: str, troubles: Sequence[Trouble]) -> Iterator[Problem]:
    """Yield what could not be read."""
    for trouble in troubles:
        yield Problem(registry=name, where=trouble.where, message=trouble.message, hint=trouble.hint)


def digest(*parts: Any) -> str:
    """Return a short hash of values that msgspec can encode, names that are no UTF-8 among them."""
    try:
        said = msgspec.msgpack.encode(parts)
    except UnicodeEncodeError:
        said = ascii(parts).encode()
    return blake2b(said, digest_size=12).hexdigest()
