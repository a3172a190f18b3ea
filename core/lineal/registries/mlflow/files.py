"""An `mlruns/` folder, as MLflow 1.x, 2.x and 3.x write it.

A scope's cursor is made of the sizes and times of its files, so that an unchanged scope costs only their `stat`. What
lies in artifact folders is not looked at for that: MLflow writes artifacts once.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import TypeVar

from lineal.errors import NotFound, RegistryError, Unavailable
from lineal.model.values import Series
from lineal.registries.mlflow import entities, reading
from lineal.registries.mlflow.rows import (
    DELETED_STAGE,
    ExperimentRow,
    LoggedRow,
    RegisteredRow,
    RunRow,
    Trouble,
    VersionRow,
)
from lineal.registries.mlflow.shelf import CLOSING, EXPERIMENT_SCOPE, MODEL_SCOPE, digest

MODELS, TRASH = "models", ".trash"
_RUN = re.compile(r"[0-9a-f]{32}")
_NOT_EXPERIMENTS = frozenset({MODELS, TRASH, "datasets", "traces", "tags"})
_QUICK = 4_000  # folders that a fingerprint looks at
Row = TypeVar("Row")


class FileStore:
    """One `mlruns/` folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._stamps: dict[str, str] = {}

    def fingerprint(self) -> str:
        """Return a token of the times of experiments, runs and registered versions, and of their meta.yaml."""
        self._check()
        found = blake2b(digest_size=12)
        tops = [self.root, *reading.folders(self.root)]
        places = (inner for top in tops for inner in [top, *reading.folders(top)])
        for _, place in zip(range(_QUICK), places, strict=False):
            for path in (place, place / "tags", place / "metrics", place / reading.META):
                found.update(_stamp(path))
        return found.hexdigest()

    def state(self) -> str:
        """Return a token of every file outside artifact folders; also remembered for `read`."""
        self._check()
        tops = reading.folders(self.root)
        self._stamps = {EXPERIMENT_SCOPE + top.name: _tree(top) for top in tops if top.name not in _NOT_EXPERIMENTS}
        models = reading.folders(self.root / MODELS)
        self._stamps |= {MODEL_SCOPE + model.name: _tree(model) for model in models}
        trash = _stamp(self.root / TRASH).decode()
        return digest(sorted(self._stamps.items()), trash)

    def read(self) -> FileShelf:
        """Return what the folder holds."""
        return FileShelf(self.root, self._stamps)

    def series(self, run_id: str, metric: str) -> Series:
        """Return a metric's points. Raises NotFound, Unavailable or BadFormat."""
        folder = run_folders(self.root).get(run_id)
        if folder is None or ".." in Path(metric).parts or metric.startswith("/"):
            raise NotFound(f"no run {run_id} is here", hint="sync to see what is there now")
        try:
            points = reading.history(folder / "metrics" / metric, metric)
        except FileNotFoundError:
            points = []
        except OSError as error:
            raise Unavailable(f"{folder / 'metrics' / metric} cannot be read: {error.strerror}") from error
        return Series(
            metric,
            [point.step for point in points],
            [point.number for point in points],
            [point.timestamp / 1000 for point in points],
        )

    def close(self) -> None:
        """Do nothing: no file stays open."""

    def _check(self) -> None:
        if not self.root.is_dir():
            raise Unavailable(f"there is no folder {self.root}", hint="was it moved? `lineal registry ls` lists places")
        if not os.access(self.root, os.R_OK | os.X_OK):
            raise Unavailable(f"{self.root} cannot be read", hint="check its permissions")


class FileShelf:
    """What an `mlruns/` folder holds; runs are read when they are asked for."""

    def __init__(self, root: Path, stamps: dict[str, str]) -> None:
        self._root, self._stamps = root, stamps
        self._troubles: dict[str, dict[str, Trouble]] = defaultdict(dict)
        self._folders = run_folders(root)
        self._runs: dict[str, RunRow | None] = {}
        self._logged: dict[str, LoggedRow | None] = {}
        self.experiments = self._read_experiments()
        self.models, self._versions = self._read_models()
        self.registered: dict[str, list[VersionRow]] = defaultdict(list)
        for rows in self._versions.values():
            for row in rows.values():
                if row.run_id:
                    self.registered[row.run_id].append(row)
        self.registered.default_factory = None

    def versions(self, model: str) -> Sequence[VersionRow]:
        """Return the versions of a registered model, oldest first."""
        return list(self._versions.get(model, {}).values())

    def version(self, model: str, version: str) -> VersionRow | None:
        """Return one version of a registered model."""
        return self._versions.get(model, {}).get(version)

    def run(self, run_id: str) -> RunRow | None:
        """Return a run, also a deleted one."""
        if run_id not in self._runs:
            folder = self._folders.get(run_id)
            scope = EXPERIMENT_SCOPE + folder.parent.name if folder else CLOSING
            self._runs[run_id] = self._try(entities.run, folder, scope) if folder else None
        return self._runs[run_id]

    def logged(self, model_id: str) -> LoggedRow | None:
        """Return a LoggedModel."""
        if model_id not in self._logged:
            folder = self._logged_folders.get(model_id)
            scope = EXPERIMENT_SCOPE + folder.parent.parent.name if folder else CLOSING
            self._logged[model_id] = self._try(entities.logged, folder, scope) if folder else None
        return self._logged[model_id]

    def logged_by(self, run_id: str) -> Sequence[LoggedRow]:
        """Return the LoggedModels that a run made, oldest first."""
        folder = self._folders.get(run_id)
        names = [place.name for place in reading.folders(folder / "outputs")] if folder else []
        found = [row for name in names if (row := self.logged(name)) and row.info.source_run_id in {"", run_id}]
        return sorted(found, key=lambda row: (row.info.creation_timestamp_ms, row.info.model_id))

    def makers(self, experiment: str) -> Sequence[RunRow]:
        """Return the runs of an experiment that logged a model."""
        found = []
        for folder in self._run_folders(experiment):
            half = not (folder / reading.META).exists()
            if half:
                self._try(entities.run, folder, EXPERIMENT_SCOPE + experiment)
            elif entities.made_model(folder) and (run := self.run(folder.name)) and self._kept(run):
                found.append(run)
        return found

    def orphans(self, experiment: str) -> Sequence[LoggedRow]:
        """Return the LoggedModels of an experiment that no run made and nobody registered."""
        taken = {row.model_id or row.source.removeprefix("models:/") for row in self._all_versions()}
        places = reading.folders(self._root / experiment / MODELS)
        rows = [row for place in places if place.name not in taken and (row := self.logged(place.name))]
        return [row for row in rows if not row.info.source_run_id]

    def cursor(self, scope: str) -> str:
        """Return a hash of the stamps that bear on a scope, and of what is registered from its runs."""
        if scope.startswith(EXPERIMENT_SCOPE):
            return self._experiment_cursor(scope.removeprefix(EXPERIMENT_SCOPE))
        rows = self.versions(scope.removeprefix(MODEL_SCOPE))
        folders = {self._folders[row.run_id].parent.name for row in rows if row.run_id in self._folders}
        return digest(self._stamps.get(scope, ""), [self._experiment_cursor(name) for name in sorted(folders)])

    def troubles(self, scope: str) -> Sequence[Trouble]:
        """Return what of the scope could not be read."""
        if scope.startswith(MODEL_SCOPE):
            return [*self._troubles[scope].values()]
        return sorted(self._troubles[scope].values(), key=lambda trouble: trouble.where)

    def _experiment_cursor(self, name: str) -> str:
        runs = [folder.name for folder in self._run_folders(name)]
        made = [(row.name, row.version) for run in runs for row in self.registered.get(run, ())]
        return digest(self._stamps.get(EXPERIMENT_SCOPE + name, ""), made)

    def _run_folders(self, experiment: str) -> list[Path]:
        return self._by_experiment.get(experiment, [])

    @cached_property
    def _by_experiment(self) -> dict[str, list[Path]]:
        found: dict[str, list[Path]] = defaultdict(list)
        for folder in self._folders.values():
            found[folder.parent.name].append(folder)
        return found

    @cached_property
    def _logged_folders(self) -> dict[str, Path]:
        tops = [*reading.folders(self._root), *reading.folders(self._root / TRASH)]
        return {
            place.name: place for top in tops if top != self._root / MODELS for place in reading.folders(top / MODELS)
        }

    def _kept(self, run: RunRow) -> bool:
        return run.info.lifecycle_stage == "active"

    def _all_versions(self) -> Iterator[VersionRow]:
        for rows in self._versions.values():
            yield from rows.values()

    def _read_experiments(self) -> dict[str, ExperimentRow]:
        found = {}
        for folder in reading.folders(self._root):
            if folder.name in _NOT_EXPERIMENTS or not self._is_experiment(folder):
                continue
            row = self._try(entities.experiment, folder, EXPERIMENT_SCOPE + folder.name)
            row = row or ExperimentRow(experiment_id=folder.name, name=folder.name)
            if row.lifecycle_stage == "active":
                found[row.experiment_id] = row
        return found

    def _is_experiment(self, folder: Path) -> bool:
        return (folder / reading.META).exists() or any(_RUN.fullmatch(inner.name) for inner in reading.folders(folder))

    def _read_models(self) -> tuple[list[RegisteredRow], dict[str, dict[str, VersionRow]]]:
        models, versions = [], {}
        for folder in reading.folders(self._root / MODELS):
            scope = MODEL_SCOPE + folder.name
            models.append(self._try(entities.registered, folder, scope) or RegisteredRow(name=folder.name))
            places = [place for place in reading.folders(folder) if place.name.startswith("version-")]
            rows = [row for place in places if (row := self._try(entities.version, place, scope))]
            kept = sorted((row for row in rows if row.current_stage != DELETED_STAGE), key=lambda row: int(row.version))
            versions[folder.name] = {row.version: row for row in kept}
        return models, versions

    def _try(self, read: Callable[[Path], Row], folder: Path, scope: str) -> Row | None:
        try:
            return read(folder)
        except RegistryError as error:
            where = str(folder.relative_to(self._root))
            trouble = Trouble(scope=scope, where=where, message=error.message, hint=error.hint)
        except OSError as error:
            where = str(folder.relative_to(self._root))
            trouble = Trouble(scope=scope, where=where, message=f"cannot be read: {error.strerror}", hint="")
        self._troubles[scope][where] = trouble
        return None


def run_folders(root: Path) -> dict[str, Path]:
    """Return the folder of each run by its id, those of deleted experiments included."""
    tops = [*reading.folders(root / TRASH), *(top for top in reading.folders(root) if top.name not in _NOT_EXPERIMENTS)]
    return {place.name: place for top in tops for place in reading.folders(top) if _RUN.fullmatch(place.name)}


def _stamp(path: Path) -> bytes:
    try:
        info = path.lstat()
    except OSError:
        return b"-"
    return f"{path.name} {info.st_mtime_ns} {info.st_size} {info.st_ino};".encode("utf-8", "surrogateescape")


def _tree(top: Path) -> str:
    """Return a hash of names, times and sizes below a folder; artifact folders count only by their own time."""
    found = blake2b(digest_size=12)
    stack = [str(top)]
    while stack:
        place = stack.pop()
        for entry in sorted(reading.entries(place), key=lambda entry: entry.name):
            try:
                info = entry.stat(follow_symlinks=False)
            except OSError:
                continue
            text = f"{entry.name} {info.st_mtime_ns} {info.st_size} {info.st_ino};"
            found.update(text.encode("utf-8", "surrogateescape"))
            if entry.name not in {"artifacts", "traces"} and entry.is_dir(follow_symlinks=False):
                stack.append(entry.path)
    return found.hexdigest()
