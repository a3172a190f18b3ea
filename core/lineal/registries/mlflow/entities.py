"""A file store's folders as rows: runs, LoggedModels, registered models and their versions.

Source: mlflow/store/tracking/file_store.py and model_registry/file_store.py of 1.30, 2.22 and 3.17.
"""

from __future__ import annotations

from pathlib import Path

from lineal.errors import BadFormat
from lineal.registries.mlflow import reading
from lineal.registries.mlflow.reading import integer
from lineal.registries.mlflow.rows import (
    AliasRow,
    DatasetInput,
    DatasetRow,
    ExperimentRow,
    Inputs,
    KeyValue,
    LoggedData,
    LoggedInfo,
    LoggedRow,
    RegisteredRow,
    RunData,
    RunInfo,
    RunRow,
    VersionRow,
)

HISTORY = "mlflow.log-model.history"
_STATUS = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}
_LOGGED_STATUS = {"1": "PENDING", "2": "READY", "3": "FAILED"}


def experiment(folder: Path) -> ExperimentRow:
    """Read an experiment. Raises BadFormat."""
    found = reading.meta(folder)
    stage = found.get("lifecycle_stage") or "active"
    return ExperimentRow(experiment_id=folder.name, name=found.get("name") or folder.name, lifecycle_stage=stage)


def made_model(folder: Path) -> bool:
    """Say, from names alone, whether a run logged a model."""
    return (folder / "tags" / HISTORY).is_file() or any(reading.folders(folder / "outputs"))


def run(folder: Path) -> RunRow:
    """Read a run. Raises BadFormat."""
    found = reading.meta(folder)
    info = RunInfo(
        run_id=folder.name,
        run_name=found.get("run_name") or found.get("name", ""),
        experiment_id=folder.parent.name,
        user_id=found.get("user_id", ""),
        status=_STATUS.get(found.get("status", ""), ""),
        start_time=integer(found.get("start_time", "")),
        end_time=integer(found.get("end_time", "")),
        artifact_uri=found.get("artifact_uri", ""),
        lifecycle_stage=found.get("lifecycle_stage") or "active",
    )
    data = RunData(
        metrics=reading.last_values(folder / "metrics"),
        params=reading.texts(folder / "params"),
        tags=reading.texts(folder / "tags"),
    )
    return RunRow(info=info, data=data, inputs=Inputs(dataset_inputs=_inputs(folder)))


def _inputs(folder: Path) -> list[DatasetInput]:
    found = []
    for place in reading.folders(folder / "inputs"):
        about = reading.meta(place)
        if about.get("source_type") == "DATASET" and Path(about.get("source_id", "")).name == about.get("source_id"):
            data = _dataset(folder.parent / "datasets" / about["source_id"])
            tags = [KeyValue(key, value) for key, value in reading.nested(place, "tags").items()]
            found.append(DatasetInput(dataset=data, tags=tags))
    return found


def _dataset(folder: Path) -> DatasetRow:
    found = reading.meta(folder)
    fields = ("name", "digest", "source_type", "source", "profile")
    return DatasetRow(**{field: found.get(field, "") for field in fields})


def logged(folder: Path) -> LoggedRow | None:
    """Read a LoggedModel; None if it is deleted. Raises BadFormat."""
    found = reading.meta(folder)
    if found.get("lifecycle_stage") == "deleted":
        return None
    info = LoggedInfo(
        model_id=folder.name,
        experiment_id=folder.parent.parent.name,
        name=found.get("name", ""),
        creation_timestamp_ms=integer(found.get("creation_timestamp", "")),
        last_updated_timestamp_ms=integer(found.get("last_updated_timestamp", "")),
        artifact_uri=found.get("artifact_location", ""),
        status=_LOGGED_STATUS.get(found.get("status", ""), ""),
        model_type=found.get("model_type", ""),
        source_run_id=found.get("source_run_id", ""),
        tags=reading.texts(folder / "tags"),
    )
    params, metrics = reading.texts(folder / "params"), reading.last_values(folder / "metrics")
    return LoggedRow(info=info, data=LoggedData(params=params, metrics=metrics))


def registered(folder: Path) -> RegisteredRow:
    """Read a registered model without its versions. Raises BadFormat."""
    found = reading.meta(folder)
    return RegisteredRow(
        name=folder.name,
        creation_timestamp=integer(found.get("creation_timestamp", "")),
        last_updated_timestamp=integer(found.get("last_updated_timestamp", "")),
        description=found.get("description", ""),
        tags=reading.texts(folder / "tags"),
        aliases=[AliasRow(row.key, row.value.strip()) for row in reading.texts(folder / "aliases")],
    )


def version(folder: Path) -> VersionRow:
    """Read a version of a registered model. Raises BadFormat."""
    found = reading.meta(folder)
    number = folder.name.removeprefix("version-")
    if not number.isdecimal() or not number.isascii():
        raise BadFormat("its folder's name holds no number")
    return VersionRow(
        name=folder.parent.name,
        version=str(int(number)),
        creation_timestamp=integer(found.get("creation_timestamp", "")),
        last_updated_timestamp=integer(found.get("last_updated_timestamp", "")),
        user_id=found.get("user_id", ""),
        current_stage=found.get("current_stage", ""),
        description=found.get("description", ""),
        source=found.get("source", ""),
        run_id=found.get("run_id", ""),
        status=found.get("status") or "READY",
        status_message=found.get("status_message", ""),
        tags=reading.texts(folder / "tags"),
        model_id=found.get("model_id", ""),
        storage_location=found.get("storage_location", ""),
    )
