"""Rows to records: what a registered model, its versions and an experiment's unregistered runs say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from lineal.model.records import Alias, AliasKind, Confidence, Edge, EdgeKind, Model, Node, NodeKind, Record
from lineal.model.version import Kind, Run, State, Version
from lineal.registries.mlflow import environments, values
from lineal.registries.mlflow.artifacts import Artifacts, Found
from lineal.registries.mlflow.rows import (
    ExperimentRow,
    KeyValue,
    LoggedRow,
    MetricRow,
    RegisteredRow,
    RunRow,
    VersionRow,
)
from lineal.registries.mlflow.shelf import Shelf, problems

RUNS = "runs/"  # a registered model's name holds no slash, so these never meet
_STATES = {"RUNNING": State.RUNNING, "SCHEDULED": State.RUNNING, "FAILED": State.FAILED, "KILLED": State.FAILED}
_PENDING = {"PENDING_REGISTRATION": State.RUNNING, "FAILED_REGISTRATION": State.FAILED}
_LOGGED = {
    "LOGGED_MODEL_PENDING": State.RUNNING,
    "PENDING": State.RUNNING,
    "LOGGED_MODEL_UPLOAD_FAILED": State.FAILED,
    "FAILED": State.FAILED,
}
_MAX_CHAIN = 32  # copies of copies


def runs_model(experiment: str) -> str:
    """Return the name of the model that holds an experiment's unregistered runs."""
    return RUNS + experiment


class Assembly:
    """Makes the records of one registry."""

    def __init__(self, registry: str, artifacts: Artifacts) -> None:
        self.registry = registry
        self.artifacts = artifacts

    def model(self, shelf: Shelf, model: RegisteredRow) -> Iterator[Record]:
        """Yield a registered model, its versions, aliases and edges."""
        rows = shelf.versions(model.name)
        tags = values.tags(model.tags)
        yield Model(registry=self.registry, name=model.name, description=model.description, tags=tags)
        recent = {row.version for row in rows[-self.artifacts.newest :]}
        for row in rows:
            yield from self.version(shelf, row, look=row.version in recent)
        yield from self.aliases(model, rows)

    def version(self, shelf: Shelf, row: VersionRow, *, look: bool) -> Iterator[Record]:
        """Yield one registered version and its edges; `look` says whether its artifacts are worth asking for."""
        run = shelf.run(row.run_id) if row.run_id else None
        logged = shelf.logged(model_id(shelf, row))
        first = origin(shelf, row)
        found = self.artifacts.of_version(first, run, logged) if look else self.artifacts.unseen_version(first)
        yield from problems(self.registry, found.troubles)
        stage = [KeyValue("stage", row.current_stage)] if row.current_stage not in {"", "None"} else []
        version = Version(
            registry=self.registry,
            model=row.name,
            key=row.version,
            name=f"v{row.version}",
            kind=Kind.REGISTERED,
            number=int(row.version) if row.version.isdecimal() else None,
            created_at=_seconds(row.creation_timestamp),
            author=row.user_id or _author(run, logged),
            message=row.description.partition("\n")[0],
            card=row.description if "\n" in row.description else "",
            state=_PENDING.get(row.status, State.READY),
        )
        yield _filled(version, shelf, run, logged, found, [*row.tags, *stage])
        yield from self.edges(shelf, row, run)

    def aliases(self, model: RegisteredRow, rows: Sequence[VersionRow]) -> Iterator[Alias]:
        """Yield aliases, and stages as MLflow's client resolves them: the highest version in each."""
        keys = {row.version for row in rows}
        taken = set()
        for alias in sorted(model.aliases, key=lambda alias: alias.alias):
            if alias.version in keys:
                taken.add(alias.alias)
                yield Alias(registry=self.registry, model=model.name, name=alias.alias, key=alias.version)
        stages = {row.current_stage: row for row in rows}  # oldest first: the last of a stage stays
        for stage in sorted(stages.keys() - taken - {"", "None"}):
            row = stages[stage]
            yield Alias(registry=self.registry, model=model.name, name=stage, key=row.version, kind=AliasKind.STAGE)

    def experiment(self, shelf: Shelf, experiment: ExperimentRow) -> Iterator[Record]:
        """Yield the versions of an experiment's runs that nobody registered, and their edges."""
        yield from self.loose(shelf, experiment)
        for logged in shelf.orphans(experiment.experiment_id):
            yield from self.orphan(shelf, logged, experiment.name)

    def loose(self, shelf: Shelf, experiment: ExperimentRow) -> Iterator[Record]:
        """Yield the versions of an experiment's runs that nobody registered."""
        for run in shelf.makers(experiment.experiment_id):
            if run.info.run_id not in shelf.registered:
                yield from self.run(shelf, run, experiment.name)

    def run(self, shelf: Shelf, run: RunRow, experiment: str) -> Iterator[Record]:
        """Yield one run as a version."""
        models = shelf.logged_by(run.info.run_id)
        found = self.artifacts.of_run(run, models)
        yield from problems(self.registry, found.troubles)
        note = run.tag("mlflow.note.content")
        failed = next((state for model in models if (state := _LOGGED.get(model.info.status))), State.READY)
        version = Version(
            registry=self.registry,
            model=runs_model(experiment),
            key=run.info.run_id,
            name=_name(run) or run.info.run_id[:8],
            kind=Kind.RUN,
            created_at=_seconds(run.info.start_time),
            author=_author(run, None),
            message=note.partition("\n")[0],
            card=note if "\n" in note else "",
            state=_STATES.get(run.info.status, failed),
        )
        yield _filled(version, shelf, run, models[0] if models else None, found, [])
        yield from self._parents(shelf, run, self._node(version.model, version.key))

    def orphan(self, shelf: Shelf, logged: LoggedRow, experiment: str) -> Iterator[Record]:
        """Yield a LoggedModel that no run made as a version."""
        found = self.artifacts.of_logged(logged)
        yield from problems(self.registry, found.troubles)
        version = Version(
            registry=self.registry,
            model=runs_model(experiment),
            key=logged.info.model_id,
            name=logged.info.name or logged.info.model_id,
            kind=Kind.RUN,
            created_at=_seconds(logged.info.creation_timestamp_ms),
            author=_author(None, logged),
            state=_LOGGED.get(logged.info.status, State.READY),
        )
        yield _filled(version, shelf, None, logged, found, [])

    def edges(self, shelf: Shelf, row: VersionRow, run: RunRow | None) -> Iterator[Edge]:
        """Yield where a registered version came from: the version it copies, else its run's parent."""
        child = self._node(row.name, row.version)
        if source := copied_from(row):
            yield Edge(
                child=child,
                parent=self._node(*source),
                kind=EdgeKind.COPIED,
                confidence=Confidence.DECLARED,
                detail="source",
            )
        elif run is not None:
            yield from self._parents(shelf, run, child)

    def _parents(self, shelf: Shelf, run: RunRow, child: Node) -> Iterator[Edge]:
        parent = run.tag("mlflow.parentRunId")
        if not parent or parent == run.info.run_id:
            return
        for node in self._versions_of(shelf, parent):
            yield Edge(
                child=child,
                parent=node,
                kind=EdgeKind.TRAINED_FROM,
                confidence=Confidence.DECLARED,
                detail="mlflow.parentRunId",
            )

    def _versions_of(self, shelf: Shelf, run_id: str) -> list[Node]:
        """Return the versions made of a run: registered ones that are no copies, else the run itself."""
        if rows := shelf.registered.get(run_id):
            return [self._node(row.name, row.version) for row in rows if not copied_from(row)]
        run = shelf.run(run_id)
        experiment = shelf.experiments.get(run.info.experiment_id) if run else None
        if run is None or experiment is None or run.info.lifecycle_stage != "active":
            return []
        made = shelf.logged_by(run_id) or run.outputs.model_outputs or values.logged_classically(run)
        return [self._node(runs_model(experiment.name), run_id)] if made else []

    def _node(self, model: str, key: str) -> Node:
        return Node(NodeKind.VERSION, self.registry, model, key)


def copied_from(row: VersionRow) -> tuple[str, str] | None:
    """Return model and version that a `models:/name/2` source names."""
    path = row.source.removeprefix("models:/")
    name, slash, version = path.rpartition("/")
    return (name.strip("/"), version) if path != row.source and slash and version.isdecimal() else None


def origin(shelf: Shelf, row: VersionRow) -> VersionRow:
    """Return the version that a chain of copies began with, as far as it is there."""
    for _ in range(_MAX_CHAIN):
        source = copied_from(row)
        found = shelf.version(*source) if source else None
        if found is None:
            return row
        row = found
    return row


def model_id(shelf: Shelf, row: VersionRow) -> str:
    """Return the id of the LoggedModel behind a version, through any chain of copies, or ""."""
    if row.model_id:
        return row.model_id
    first = origin(shelf, row)
    return first.model_id or (first.source.removeprefix("models:/") if first.source.startswith("models:/m-") else "")


def _filled(
    version: Version, shelf: Shelf, run: RunRow | None, logged: LoggedRow | None, found: Found, tags: list[KeyValue]
) -> Version:
    """Put what run, LoggedModel and artifacts say into a version."""
    about = environments.of_history(values.history(run)) if run else environments.Surrounds()
    flavors = found.flavors or about.flavors
    own = [*tags, KeyValue("flavors", ", ".join(flavors))] if flavors else tags
    params = [*(run.data.params if run else []), *(logged.data.params if logged else [])]
    return msgspec.structs.replace(
        version,
        params=values.params(params),
        metrics=values.metrics(_metrics(run, logged)),
        tags=values.tags(own, logged.info.tags if logged else (), run.data.tags if run else ()),
        environment=found.environment or about.environment,
        datasets=values.datasets(run.inputs.dataset_inputs) if run else (),
        code=values.code(run) if run else None,
        run=_run(shelf, run) if run else None,
        files=found.files,
    )


def _metrics(run: RunRow | None, logged: LoggedRow | None) -> list[MetricRow]:
    """Return the run's last values; a LoggedModel's own only where no run stands behind it: they turn NaN into 0."""
    if run is None:
        return logged.data.metrics if logged else []
    about = {row.key: row.dataset_name for row in logged.data.metrics if row.dataset_name} if logged else {}
    if not about:
        return run.data.metrics
    return [
        msgspec.structs.replace(row, dataset_name=row.dataset_name or about.get(row.key, ""))
        for row in run.data.metrics
    ]


def _run(shelf: Shelf, run: RunRow) -> Run:
    experiment = shelf.experiments.get(run.info.experiment_id)
    return Run(
        id=run.info.run_id,
        name=_name(run),
        experiment=experiment.name if experiment else run.info.experiment_id,
        status=run.info.status,
        started_at=_seconds(run.info.start_time),
        ended_at=_seconds(run.info.end_time),
    )


def _name(run: RunRow) -> str:
    return run.tag("mlflow.runName") or run.info.run_name


def _author(run: RunRow | None, logged: LoggedRow | None) -> str:
    if run is not None:
        return run.info.user_id or run.tag("mlflow.user")
    tags = logged.info.tags if logged else []
    return next((tag.value for tag in tags if tag.key == "mlflow.user"), "")


def _seconds(milliseconds: int) -> float | None:
    return milliseconds / 1000 if milliseconds else None
