"""MLflow's database, read directly and read-only: sqlite:/// and postgresql://."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from lineal.config import RegistrySpec
from lineal.errors import ConfigError
from lineal.model.values import Series
from lineal.registries.mlflow import tables, values
from lineal.registries.mlflow.artifacts import LocalArtifacts
from lineal.registries.mlflow.assembly import model_id
from lineal.registries.mlflow.places import Backend, Location
from lineal.registries.mlflow.registry import Mlflow
from lineal.registries.mlflow.rows import LoggedRow, MetricRow, RunRow, Trouble, VersionRow
from lineal.registries.mlflow.shelf import EXPERIMENT_SCOPE, MODEL_SCOPE, digest
from lineal.registries.mlflow.sql import Engine, Postgres, Session, Sqlite

_POINTS = 10_000_000
_LOOKED_AT = (
    *("tags", "params", "latest_metrics", "runs", "experiments", "inputs"),
    *("registered_models", "registered_model_tags", "registered_model_aliases", "model_versions", "model_version_tags"),
    *("logged_models", "logged_model_tags", "logged_model_params"),
)


def connect_database(spec: RegistrySpec, place: Location) -> Mlflow:
    """Make the registry of a database without touching it. Raises ConfigError."""
    if place.backend is Backend.SQLITE:
        folder = place.path.parent
        return Mlflow(spec, Database(Sqlite(place.path)), LocalArtifacts(folder, folder / "mlruns"))
    if "@" in place.url and ":" in place.url.partition("://")[2].rpartition("@")[0]:
        hint = "leave the password to ~/.pgpass or PGPASSWORD: the URL is shown and kept in the index"
        raise ConfigError("the database's URL holds a password", hint=hint)
    return Mlflow(spec, Database(Postgres(place.url)), LocalArtifacts(None, None))


class Database:
    """One of MLflow's databases."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def fingerprint(self) -> str | None:
        """Return the file's stamp; None for a server."""
        return self._engine.fingerprint()

    def state(self) -> str:
        """Return the file's stamp; of a server, counts and sums of the transactions that wrote each row."""
        stamp = self._engine.fingerprint()
        if stamp is not None:
            return stamp
        with self._engine.session() as session:
            return _written(session)

    def read(self) -> DatabaseShelf:
        """Read everything in one transaction. Raises RegistryError."""
        with self._engine.session() as session:
            return DatabaseShelf(session)

    def series(self, run_id: str, metric: str) -> Series:
        """Return a metric's points. Raises RegistryError."""
        statement = (
            "SELECT step, value, timestamp, is_nan FROM metrics WHERE run_uuid = ? AND key = ? "
            f"ORDER BY step, timestamp, value LIMIT {_POINTS}"
        )
        with self._engine.session() as session:
            rows = session.rows(statement, run_id, metric)
        points = [MetricRow("", float("nan") if row[3] else float(row[1]), row[2] or 0, row[0]).number for row in rows]
        return Series(metric, [row[0] for row in rows], points, [(row[2] or 0) / 1000 for row in rows])

    def close(self) -> None:
        """Let go of connections."""
        self._engine.close()


def _written(session: Session) -> str:
    """Return what changes with every committed write: each row carries the transaction that wrote it (xmin)."""
    found: list[Any] = []
    for table in _LOOKED_AT:
        if session.columns(table):
            row = session.rows(f"SELECT count(*), coalesce(sum(xmin::text::bigint), 0) FROM {table}")[0]
            found.append((table, int(row[0]), str(row[1])))
    return digest(found)


class DatabaseShelf:
    """A database at one moment, in memory."""

    def __init__(self, session: Session) -> None:
        schema = tables.Schema(session)
        self.experiments = tables.experiments(session, schema)
        self.models = tables.models(session, schema)
        self._versions = tables.versions(session, schema)
        self._runs = tables.runs(session, schema)
        self._logged = tables.logged(session, schema)
        self.registered: dict[str, list[VersionRow]] = _by_run(self._versions)
        self._made: dict[str, list[LoggedRow]] = defaultdict(list)
        for row in self._logged.values():
            self._made[row.info.source_run_id].append(row)
        self._makers: dict[str, list[RunRow]] = defaultdict(list)
        for run in self._runs.values():
            if run.info.lifecycle_stage == "active" and (run.info.run_id in self._made or values.logged_paths(run)):
                self._makers[run.info.experiment_id].append(run)

    def versions(self, model: str) -> Sequence[VersionRow]:
        """Return the versions of a registered model, oldest first."""
        return list(self._versions.get(model, {}).values())

    def version(self, model: str, version: str) -> VersionRow | None:
        """Return one version of a registered model."""
        return self._versions.get(model, {}).get(version)

    def run(self, run_id: str) -> RunRow | None:
        """Return a run that a version or a model came from."""
        return self._runs.get(run_id)

    def logged(self, model_id: str) -> LoggedRow | None:
        """Return a LoggedModel."""
        return self._logged.get(model_id)

    def logged_by(self, run_id: str) -> Sequence[LoggedRow]:
        """Return the LoggedModels that a run made, oldest first."""
        return self._made.get(run_id, [])

    def makers(self, experiment: str) -> Sequence[RunRow]:
        """Return the runs of an experiment that logged a model."""
        return self._makers.get(experiment, [])

    def orphans(self, experiment: str) -> Sequence[LoggedRow]:
        """Return the LoggedModels of an experiment that no run made and nobody registered."""
        rows = [row for row in self._made.get("", []) if row.info.experiment_id == experiment]
        if not rows:
            return []
        sources = {row.source for held in self._versions.values() for row in held.values()}
        return [row for row in rows if f"models:/{row.info.model_id}" not in sources]

    def cursor(self, scope: str) -> str:
        """Return a hash of all rows that bear on a scope, those of parent runs' versions included."""
        if scope.startswith(MODEL_SCOPE):
            name = scope.removeprefix(MODEL_SCOPE)
            rows = self.versions(name)
            model = [model for model in self.models if model.name == name]
            runs = [self._runs[row.run_id] for row in rows if row.run_id in self._runs]
            return digest(model, rows, self._around(runs), [self._logged.get(model_id(self, row)) for row in rows])
        experiment = scope.removeprefix(EXPERIMENT_SCOPE)
        loose = [run for run in self.makers(experiment) if run.info.run_id not in self.registered]
        return digest(self.experiments[experiment], self._around(loose), self.orphans(experiment))

    def troubles(self, scope: str) -> Sequence[Trouble]:
        """Return nothing: a database is read whole or not at all."""
        del scope
        return ()

    def _around(self, runs: Sequence[RunRow]) -> list[Any]:
        parents = {parent: None for run in runs if (parent := run.tag("mlflow.parentRunId"))}
        names = {run.info.experiment_id: None for run in runs}
        return [
            runs,
            [self._made.get(run.info.run_id, ()) for run in runs],
            [(self.registered.get(parent), self._runs.get(parent)) for parent in parents],
            [self.experiments.get(name) for name in names],
        ]


def _by_run(versions: dict[str, dict[str, VersionRow]]) -> dict[str, list[VersionRow]]:
    found: dict[str, list[VersionRow]] = {}
    for rows in versions.values():
        for row in rows.values():
            if row.run_id:
                found.setdefault(row.run_id, []).append(row)
    return found
