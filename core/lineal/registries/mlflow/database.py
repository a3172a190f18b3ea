"""MLflow's database, read directly and read-only: sqlite:/// and postgresql://."""

from __future__ import annotations

from typing import Any

from lineal.config import RegistrySpec
from lineal.errors import ConfigError
from lineal.model.values import Series
from lineal.registries.mlflow import tables
from lineal.registries.mlflow.artifacts import LocalArtifacts
from lineal.registries.mlflow.memory import MemoryShelf
from lineal.registries.mlflow.places import Backend, Location
from lineal.registries.mlflow.registry import Mlflow
from lineal.registries.mlflow.rows import MetricRow
from lineal.registries.mlflow.shelf import digest
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

    def read(self) -> MemoryShelf:
        """Read everything in one transaction. Raises RegistryError."""
        with self._engine.session() as session:
            schema = tables.Schema(session)
            return MemoryShelf(
                experiments=tables.experiments(session, schema),
                models=tables.models(session, schema),
                versions=tables.versions(session, schema),
                runs=tables.runs(session, schema),
                logged=tables.logged(session, schema),
            )

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
