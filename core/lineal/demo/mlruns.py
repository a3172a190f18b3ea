"""MLflow's file store as MLflow writes it: experiments, runs, logged models, registered models.

Source: mlflow 2.22 and 3.17, `store/tracking/file_store.py` and `store/model_registry/file_store.py`, and stores that
those releases wrote. Times are Unix seconds here and milliseconds there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from lineal.demo.place import Place, to_yaml

FOLDER = "mlruns"
FINISHED, FAILED, RUNNING = 3, 4, 1  # RunStatus in mlflow's service.proto
_READY = 2  # LoggedModelStatus

History = Iterable[tuple[float, float, int]]
"""Time, value and step of each logging of a metric."""


class DatasetInput(msgspec.Struct, frozen=True, kw_only=True):
    """A data set that a run was given."""

    name: str
    digest: str
    context: str
    source: str
    rows: int
    columns: int


class RunFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One run; `seed` makes its id, the same each time."""

    experiment: str
    seed: str
    name: str
    user: str
    started: float
    ended: float | None
    params: Mapping[str, object]
    tags: Mapping[str, str]
    metrics: Mapping[str, History]
    datasets: tuple[DatasetInput, ...] = ()
    models_in: tuple[str, ...] = ()
    status: int = FINISHED

    @property
    def id(self) -> str:
        """Return the run's id."""
        return identity("run", self.seed)


def identity(*parts: str) -> str:
    """Return 32 hexadecimal digits that look like MLflow's random ones and follow from `parts`."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


class Store:
    """Writes the store at `mlruns` below a place."""

    def __init__(self, place: Place) -> None:
        self._place = place
        place.folder(f"{FOLDER}/.trash")  # or MLflow makes it when it first looks
        self.uri = "file://" + quote(str(place.root / FOLDER))

    def experiment(self, number: str, name: str, at: float, note: str = "") -> None:
        """Write an experiment; `number` is its id."""
        meta = {
            "artifact_location": f"{self.uri}/{number}",
            "creation_time": _ms(at),
            "experiment_id": number,
            "last_update_time": _ms(at),
            "lifecycle_stage": "active",
            "name": name,
        }
        self._yaml(f"{number}/meta.yaml", meta, at)
        if note:
            self._text(f"{number}/tags/mlflow.note.content", note, at)

    def run(self, facts: RunFacts) -> str:
        """Write a run and return its folder below the store."""
        folder = f"{facts.experiment}/{facts.id}"
        end = facts.ended or facts.started
        for part in ("artifacts", "metrics", "params", "tags"):  # a run without these is none to MLflow
            self._place.folder(f"{FOLDER}/{folder}/{part}")
        self._yaml(f"{folder}/meta.yaml", self._run_meta(facts, folder), end)
        for name, value in facts.params.items():
            self._text(f"{folder}/params/{name}", str(value), facts.started)
        for name, value in {**facts.tags, "mlflow.runName": facts.name, "mlflow.user": facts.user}.items():
            self._text(f"{folder}/tags/{name}", value, facts.started)
        for name, history in facts.metrics.items():
            lines = (f"{_ms(at)} {value!r} {step}\n" for at, value, step in history)
            self._text(f"{folder}/metrics/{name}", "".join(lines), end)
        for dataset in facts.datasets:
            self._dataset(facts, folder, dataset)
        for model in facts.models_in:
            self._input(folder, facts, "MODEL", model, {})
        return folder

    def _run_meta(self, facts: RunFacts, folder: str) -> dict[str, Any]:
        return {
            "artifact_uri": f"{self.uri}/{folder}/artifacts",
            "end_time": None if facts.ended is None else _ms(facts.ended),
            "entry_point_name": "",
            "experiment_id": facts.experiment,
            "lifecycle_stage": "active",
            "run_id": facts.id,
            "run_name": facts.name,
            "source_name": "",
            "source_type": 4,
            "source_version": "",
            "start_time": _ms(facts.started),
            "status": facts.status,
            "tags": [],
            "user_id": facts.user,
        }

    def _dataset(self, facts: RunFacts, folder: str, dataset: DatasetInput) -> None:
        key = hashlib.md5((dataset.name + dataset.digest).encode(), usedforsecurity=False).hexdigest()
        spec = {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, dataset.columns]}}
        meta = {
            "digest": dataset.digest,
            "name": dataset.name,
            "profile": _json({"features_shape": [dataset.rows, dataset.columns], "num_rows": dataset.rows}),
            "schema": _json({"mlflow_tensorspec": {"features": _json([spec]), "targets": None}}),
            "source": _json({"uri": dataset.source}),
            "source_type": "local",
        }
        self._yaml(f"{facts.experiment}/datasets/{key}/meta.yaml", meta, facts.started)
        self._input(folder, facts, "DATASET", key, {"mlflow.data.context": dataset.context})

    def _input(self, folder: str, facts: RunFacts, kind: str, source: str, tags: dict[str, str]) -> None:
        key = hashlib.md5((source + facts.id).encode(), usedforsecurity=False).hexdigest()
        meta = {
            "destination_id": source,  # not the run: so MLflow writes it
            "destination_type": "RUN",
            "source_id": source,
            "source_type": kind,
            "tags": tags,
        }
        self._yaml(f"{folder}/inputs/{key}/meta.yaml", meta, facts.started)

    def artifacts(self, folder: str, files: Mapping[str, bytes], at: float) -> None:
        """Write a run's or logged model's artifacts."""
        for path, data in files.items():
            self._place.write(f"{FOLDER}/{folder}/artifacts/{path}", data, at)

    def logged_model(self, facts: RunFacts, name: str, metrics: Mapping[str, float], files: Mapping[str, bytes]) -> str:
        """Write the model that a run logged, as MLflow 3 keeps it, and return its id."""
        model, at = f"m-{identity('model', facts.seed)}", facts.ended or facts.started
        folder = f"{facts.experiment}/models/{model}"
        meta = {
            "artifact_location": f"{self.uri}/{folder}/artifacts",
            "creation_timestamp": _ms(at),
            "experiment_id": facts.experiment,
            "last_updated_timestamp": _ms(at),
            "model_id": model,
            "model_type": None,
            "name": name,
            "source_run_id": facts.id,
            "status": _READY,
            "status_message": None,
        }
        self._yaml(f"{folder}/meta.yaml", meta, at)
        for key, value in facts.params.items():
            self._text(f"{folder}/params/{key}", str(value), at)
        for key, number in metrics.items():
            self._text(f"{folder}/metrics/{key}", f"{_ms(at)} {number!r} 0 {facts.id}\n", at)
        self._text(f"{folder}/tags/mlflow.user", facts.user, at)
        self.artifacts(folder, files, at)
        output = {
            "destination_id": model,
            "destination_type": "MODEL_OUTPUT",
            "source_id": model,
            "source_type": "RUN_OUTPUT",
            "step": 0,
            "tags": {},
        }
        self._yaml(f"{facts.experiment}/{facts.id}/outputs/{model}/meta.yaml", output, at)
        return model

    def registered_model(
        self, name: str, description: str, at: float, aliases: Mapping[str, int], tags: Mapping[str, str]
    ) -> None:
        """Write a registered model; its versions are written one by one."""
        meta = {
            "aliases": {alias: str(version) for alias, version in aliases.items()},
            "creation_timestamp": _ms(at),
            "description": description,
            "last_updated_timestamp": _ms(at),
            "name": name,
        }
        self._yaml(f"models/{name}/meta.yaml", meta, at)
        for alias, version in aliases.items():
            self._text(f"models/{name}/aliases/{alias}", str(version), at)
        for key, value in tags.items():
            self._text(f"models/{name}/tags/{key}", value, at)

    def model_version(
        self,
        name: str,
        version: int,
        run: RunFacts,
        at: float,
        *,
        model: str = "",
        source: str = "",
        stage: str = "None",
        description: str = "",
        tags: Mapping[str, str] = {},
    ) -> None:
        """Register what a run logged: a logged model (by its id) or, as MLflow 2 did, the run's artifact `model`."""
        folder = f"{run.experiment}/models/{model}/artifacts" if model else f"{run.experiment}/{run.id}/artifacts/model"
        stored = f"{self.uri}/{folder}"
        meta: dict[str, Any] = {
            "creation_timestamp": _ms(at),
            "current_stage": stage,
            "description": description,
            "last_updated_timestamp": _ms(at),
            "name": name,
            "run_id": run.id,
            "run_link": "",
            "source": source or (f"models:/{model}" if model else stored),
            "status": "READY",
            "status_message": "",
            "storage_location": stored,
            "user_id": run.user,
            "version": version,
        }
        if model:
            meta["model_id"] = model
        folder = f"models/{name}/version-{version}"
        self._yaml(f"{folder}/meta.yaml", meta, at)
        for key, value in tags.items():
            self._text(f"{folder}/tags/{key}", value, at)

    def _yaml(self, path: str, meta: Mapping[str, Any], at: float) -> None:
        self._place.write(f"{FOLDER}/{path}", to_yaml(dict(meta), sort=True), at)

    def _text(self, path: str, text: str, at: float) -> None:
        self._place.write(f"{FOLDER}/{path}", text, at)


def _ms(at: float) -> int:
    return round(at * 1000)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
