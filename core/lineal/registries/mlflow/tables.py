"""MLflow's tables as rows: the statements common to the schemas of 2.x and 3.x, one per table, never one per version.

Source: mlflow/store/tracking/dbmodels/models.py and model_registry/dbmodels/models.py. What a release lacks (data sets
before 2.4, LoggedModels before 3.0, workspaces before 3.10) is left out after a look at the columns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from lineal.errors import Unsupported
from lineal.registries.mlflow.rows import (
    DELETED_STAGE,
    AliasRow,
    DatasetInput,
    DatasetRow,
    ExperimentRow,
    Inputs,
    KeyValue,
    LoggedData,
    LoggedInfo,
    LoggedRow,
    MetricRow,
    RegisteredRow,
    RunData,
    RunInfo,
    RunRow,
    VersionRow,
)
from lineal.registries.mlflow.sql import Session

_NEEDED = {
    "runs": {"run_uuid", "lifecycle_stage", "artifact_uri", "experiment_id"},
    "experiments": {"experiment_id", "name", "lifecycle_stage"},
    "latest_metrics": {"key", "value", "timestamp", "step", "is_nan", "run_uuid"},
    "model_versions": {"name", "version", "current_stage", "source", "run_id", "status"},
    "registered_models": {"name", "description"},
}
_LOGGED_STATUS = {1: "PENDING", 2: "READY", 3: "FAILED"}
_SEPARATOR = "/"  # a model's name holds none, so that a workspace can stand before it


class Schema:
    """What the tables at hand have."""

    def __init__(self, session: Session) -> None:
        """Raise Unsupported where they are not MLflow's, or too old."""
        self.version = self._version(session)
        for table, needed in _NEEDED.items():
            if not needed <= session.columns(table):
                hint = "take a copy and run `mlflow db upgrade URL` on it with MLflow 2 or 3"
                raise Unsupported(f"its tables are older than MLflow 2 (schema {self.version})", hint=hint)
        self.has_aliases = bool(session.columns("registered_model_aliases"))
        self.has_inputs = bool(session.columns("inputs") and session.columns("datasets"))
        self.has_logged = bool(session.columns("logged_models"))
        self.has_workspaces = "workspace" in session.columns("registered_models")
        self.has_storage = "storage_location" in session.columns("model_versions")
        self.has_run_names = "name" in session.columns("runs")

    def _version(self, session: Session) -> str:
        if not session.columns("alembic_version"):
            hint = "give the database that `mlflow server --backend-store-uri` names"
            raise Unsupported("the database is not one of MLflow's", hint=hint)
        rows = session.rows("SELECT version_num FROM alembic_version")
        return str(rows[0][0]) if rows else "unknown"

    def model_name(self, table: str = "") -> str:
        """Return the expression of a model's name, before which stands its workspace unless that is the default."""
        return self._named(table, "name")

    def _named(self, table: str, column: str) -> str:
        dot = f"{table}." if table else ""
        if not self.has_workspaces:
            return f"{dot}{column}"
        return (
            f"CASE WHEN {dot}workspace = 'default' THEN {dot}{column} "
            f"ELSE {dot}workspace || '{_SEPARATOR}' || {dot}{column} END"
        )

    @property
    def wanted(self) -> str:
        """The statement that gives the runs worth reading: those that a version or a model came from."""
        parts = [
            f"SELECT run_id FROM model_versions WHERE current_stage <> '{DELETED_STAGE}' AND run_id IS NOT NULL",
            "SELECT run_uuid FROM tags WHERE key = 'mlflow.log-model.history'",
        ]
        if self.has_logged:
            parts.append("SELECT source_run_id FROM logged_models WHERE source_run_id IS NOT NULL")
        return " UNION ".join(parts)


Grouped = dict[Any, list[KeyValue]]


def experiments(session: Session, schema: Schema) -> dict[str, ExperimentRow]:
    """Read the active experiments, by id."""
    name = schema.model_name()
    rows = session.rows(f"SELECT experiment_id, {name}, lifecycle_stage FROM experiments ORDER BY experiment_id")
    found = (
        ExperimentRow(experiment_id=str(row[0]), name=row[1] or str(row[0]), lifecycle_stage=row[2]) for row in rows
    )
    return {row.experiment_id: row for row in found if row.lifecycle_stage == "active"}


def models(session: Session, schema: Schema) -> list[RegisteredRow]:
    """Read the registered models, by name."""
    name = schema.model_name()
    tags = _grouped(session.rows(f"SELECT {name}, key, value FROM registered_model_tags"))
    aliases: dict[str, list[AliasRow]] = defaultdict(list)
    if schema.has_aliases:
        for model, alias, version in session.rows(f"SELECT {name}, alias, version FROM registered_model_aliases"):
            aliases[model].append(AliasRow(alias, str(version)))
    rows = session.rows(f"SELECT {name}, creation_time, last_updated_time, description FROM registered_models")
    found = [
        RegisteredRow(
            name=row[0],
            creation_timestamp=row[1] or 0,
            last_updated_timestamp=row[2] or 0,
            description=row[3] or "",
            tags=tags.get(row[0], []),
            aliases=sorted(aliases.get(row[0], []), key=lambda alias: alias.alias),
        )
        for row in rows
    ]
    return sorted(found, key=lambda row: row.name)


def versions(session: Session, schema: Schema) -> dict[str, dict[str, VersionRow]]:
    """Read the versions of all registered models, oldest first, deleted ones left out."""
    name = schema.model_name()
    tags = _grouped(
        ((model, version), key, value)
        for model, version, key, value in session.rows(f"SELECT {name}, version, key, value FROM model_version_tags")
    )
    storage = "storage_location" if schema.has_storage else "NULL"
    found: dict[str, dict[str, VersionRow]] = defaultdict(dict)
    statement = (
        f"SELECT {name}, version, creation_time, last_updated_time, user_id, current_stage, description, source, "
        f"run_id, status, status_message, {storage} FROM model_versions "
        "WHERE current_stage <> ? OR current_stage IS NULL "
        "ORDER BY version"
    )
    for row in session.rows(statement, DELETED_STAGE):
        found[row[0]][str(row[1])] = _version(row, tags.get((row[0], row[1]), []))
    return dict(found)


def _version(row: Sequence[Any], tags: list[KeyValue]) -> VersionRow:
    return VersionRow(
        name=row[0],
        version=str(row[1]),
        creation_timestamp=row[2] or 0,
        last_updated_timestamp=row[3] or 0,
        user_id=row[4] or "",
        current_stage=row[5] or "",
        description=row[6] or "",
        source=row[7] or "",
        run_id=row[8] or "",
        status=row[9] or "READY",
        status_message=row[10] or "",
        tags=tags,
        storage_location=row[11] or "",
    )


def runs(session: Session, schema: Schema) -> dict[str, RunRow]:
    """Read the runs that a version or a model came from, by id."""
    where = f"WHERE run_uuid IN ({schema.wanted})"
    tags = _grouped(session.rows(f"SELECT run_uuid, key, value FROM tags {where}"))
    params = _grouped(session.rows(f"SELECT run_uuid, key, value FROM params {where}"))
    metrics = _metrics(session, schema, where)
    inputs = _inputs(session, schema)
    name = "name" if schema.has_run_names else "NULL"
    statement = (
        f"SELECT run_uuid, {name}, experiment_id, user_id, status, start_time, end_time, artifact_uri, lifecycle_stage "
        f"FROM runs {where} ORDER BY start_time, run_uuid"
    )
    return {
        row[0]: RunRow(
            info=_info(row),
            data=RunData(metrics=metrics.get(row[0], []), params=params.get(row[0], []), tags=tags.get(row[0], [])),
            inputs=Inputs(dataset_inputs=inputs.get(row[0], [])),
        )
        for row in session.rows(statement)
    }


def _info(row: Sequence[Any]) -> RunInfo:
    return RunInfo(
        run_id=row[0],
        run_name=row[1] or "",
        experiment_id=str(row[2]),
        user_id=row[3] or "",
        status=row[4] or "",
        start_time=row[5] or 0,
        end_time=row[6] or 0,
        artifact_uri=row[7] or "",
        lifecycle_stage=row[8] or "active",
    )


def _metrics(session: Session, schema: Schema, where: str) -> dict[str, list[MetricRow]]:
    about: dict[tuple[str, str], str] = {}
    if schema.has_logged:
        statement = "SELECT run_id, metric_name, dataset_name FROM logged_model_metrics WHERE dataset_name IS NOT NULL "
        statement += "ORDER BY dataset_name"
        about = {(run, metric): data for run, metric, data in session.rows(statement)}
    found: dict[str, list[MetricRow]] = defaultdict(list)
    statement = f"SELECT run_uuid, key, value, timestamp, step, is_nan FROM latest_metrics {where}"
    for run, key, value, time, step, nan in session.rows(statement):
        data = about.get((run, key), "") if about else ""
        found[run].append(MetricRow(key, float("nan") if nan else float(value), time or 0, step or 0, data))
    return found


def _inputs(session: Session, schema: Schema) -> dict[str, list[DatasetInput]]:
    if not schema.has_inputs:
        return {}
    tags = _grouped(session.rows("SELECT input_uuid, name, value FROM input_tags"))
    statement = (
        "SELECT i.destination_id, i.input_uuid, d.name, d.digest, d.dataset_source_type, d.dataset_source, "
        "d.dataset_profile FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id "
        f"WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id IN ({schema.wanted})"
    )
    found: dict[str, list[DatasetInput]] = defaultdict(list)
    for run, identity, name, digest, kind, source, profile in session.rows(statement):
        data = DatasetRow(name=name, digest=digest, source_type=kind, source=source or "", profile=profile or "")
        found[run].append(DatasetInput(dataset=data, tags=tags.get(identity, [])))
    return found


def logged(session: Session, schema: Schema) -> dict[str, LoggedRow]:
    """Read the LoggedModels, by id, deleted ones left out."""
    if not schema.has_logged:
        return {}
    tags = _grouped(session.rows("SELECT model_id, tag_key, tag_value FROM logged_model_tags"))
    params = _grouped(session.rows("SELECT model_id, param_key, param_value FROM logged_model_params"))
    metrics: dict[str, list[MetricRow]] = defaultdict(list)
    orphaned = (
        "SELECT m.model_id, m.metric_name, m.metric_value, m.metric_timestamp_ms, m.metric_step, m.dataset_name "
        "FROM logged_model_metrics m JOIN logged_models l ON l.model_id = m.model_id WHERE l.source_run_id IS NULL "
        "ORDER BY m.metric_step, m.metric_timestamp_ms"
    )
    last = {(row[0], row[1]): row for row in session.rows(orphaned)}
    for model, key, value, time, step, data in last.values():
        metrics[model].append(MetricRow(key, float(value or 0.0), time or 0, step or 0, data or ""))
    statement = (
        "SELECT model_id, experiment_id, name, creation_timestamp_ms, last_updated_timestamp_ms, artifact_location, "
        "status, model_type, source_run_id FROM logged_models WHERE lifecycle_stage = 'active' "
        "ORDER BY creation_timestamp_ms, model_id"
    )
    return {
        row[0]: LoggedRow(
            info=_logged_info(row, tags.get(row[0], [])),
            data=LoggedData(params=params.get(row[0], []), metrics=metrics.get(row[0], [])),
        )
        for row in session.rows(statement)
    }


def _logged_info(row: Sequence[Any], tags: list[KeyValue]) -> LoggedInfo:
    return LoggedInfo(
        model_id=row[0],
        experiment_id=str(row[1]),
        name=row[2] or "",
        creation_timestamp_ms=row[3] or 0,
        last_updated_timestamp_ms=row[4] or 0,
        artifact_uri=row[5] or "",
        status=_LOGGED_STATUS.get(row[6], ""),
        model_type=row[7] or "",
        source_run_id=row[8] or "",
        tags=tags,
    )


def _grouped(rows: Any) -> Grouped:
    """Group (owner, key, value) rows by their owner."""
    found: Grouped = {}
    for owner, key, value in rows:
        if owner in found:
            found[owner].append(KeyValue(key, value or ""))
        else:
            found[owner] = [KeyValue(key, value or "")]
    return found
