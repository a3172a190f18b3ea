"""A store whose rows are all in memory, as databases and servers are read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from lineal.registries.mlflow import values
from lineal.registries.mlflow.assembly import model_id
from lineal.registries.mlflow.rows import ExperimentRow, LoggedRow, RegisteredRow, RunRow, Trouble, VersionRow
from lineal.registries.mlflow.shelf import EXPERIMENT_SCOPE, MODEL_SCOPE, digest


class MemoryShelf:
    """A store at one moment, all of it that matters in memory."""

    def __init__(
        self,
        *,
        experiments: dict[str, ExperimentRow],
        models: list[RegisteredRow],
        versions: dict[str, dict[str, VersionRow]],
        runs: dict[str, RunRow],
        logged: dict[str, LoggedRow],
    ) -> None:
        self.experiments, self.models = experiments, models
        self._versions, self._runs, self._logged = versions, runs, logged
        self.registered: dict[str, list[VersionRow]] = _by_run(self._versions)
        self._made: dict[str, list[LoggedRow]] = defaultdict(list)
        self.add(())

    def add(self, more: Iterable[LoggedRow]) -> None:
        """Take in LoggedModels that were read later."""
        self._logged |= {row.info.model_id: row for row in more}
        self._made.clear()
        for row in self._logged.values():
            self._made[row.info.source_run_id].append(row)
        self._makers: dict[str, list[RunRow]] = defaultdict(list)
        for run in self._runs.values():
            if self.makes(run):
                self._makers[run.info.experiment_id].append(run)

    def makes(self, run: RunRow) -> bool:
        """Say whether a run logged a model and is not deleted."""
        made = run.info.run_id in self._made or values.logged_classically(run)
        return run.info.lifecycle_stage == "active" and bool(made)

    def held(self) -> Iterable[RunRow]:
        """Return all runs that were read."""
        return self._runs.values()

    def behind(self, row: VersionRow) -> str:
        """Return the id of the LoggedModel behind a version, or ""."""
        return model_id(self, row)

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
        """Return nothing: such a store is read whole or not at all."""
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
