"""MLflow's registry keeps the contract, over stores that MLflow itself wrote, and says what MLflow's client says."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.model.records import Alias, AliasKind, Confidence, Edge, EdgeKind, Model, Problem, Record
from lineal.model.values import Series
from lineal.model.version import Kind, Place, State, Version
from lineal.registries import connect
from lineal.registries.base import Registry
from lineal.registries.mlflow import values
from lineal.testing import RegistryContract, Source
from tests.sources.mlflow import Filled

STORES = ("mlflow1_files", "mlflow2_files", "mlflow3_files", "mlflow_sqlite", "mlflow_postgres", "mlflow_server")
WITH_REGISTRY = STORES[1:]


def _spec(store: Filled) -> RegistrySpec:
    return RegistrySpec(name="flow", kind="mlflow", url=store.uri)


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> Filled:
    """Each kind of store in turn."""
    filled: Filled = request.getfixturevalue(request.param)
    return filled


class TestContract(RegistryContract):
    """The contract of `lineal.testing`, over every kind of store."""

    @pytest.fixture
    def source(self, store: Filled, around: Surroundings) -> Source:
        """The store as a registry under test."""
        local = not store.uri.startswith(("http", "postgresql"))
        gone = None
        if store.uri.startswith("postgresql"):
            nowhere = f"postgresql://nobody@/nothing?host={store.folder}"
            gone = RegistrySpec(name="flow", kind="mlflow", url=nowhere)
        return Source(spec=_spec(store), around=around, trees=(store.folder,) if local else (), gone=gone)


@pytest.fixture
def registry(store: Filled, around: Surroundings) -> Iterator[Registry]:
    """The store, connected."""
    registry = connect(_spec(store), around)
    yield registry
    registry.close()


@pytest.fixture
def records(registry: Registry) -> list[Record]:
    """Everything that a first scan says."""
    return list(registry.scan({}))


def versions(records: list[Record]) -> dict[tuple[str, str], Version]:
    """Return the versions by model and key."""
    return {(record.model, record.key): record for record in records if isinstance(record, Version)}


def test_nothing_is_unreadable(records: list[Record]) -> None:
    """What MLflow writes, of any release, is read without a problem."""
    assert not [record for record in records if isinstance(record, Problem)]


def test_registered_models_and_aliases_are_those_of_the_client(store: Filled, records: list[Record]) -> None:
    """Names, descriptions, tags and aliases."""
    aliases: dict[str, dict[str, str]] = defaultdict(dict)
    for record in records:
        if isinstance(record, Alias) and record.kind is AliasKind.ALIAS:
            aliases[record.model][record.name] = record.key
    ours = [
        {
            "name": record.name,
            "description": record.description,
            "tags": {tag.key: tag.value for tag in record.tags},
            "aliases": aliases[record.name],
        }
        for record in records
        if isinstance(record, Model)
    ]
    assert sorted(ours, key=lambda model: str(model["name"])) == sorted(store.report["models"], key=lambda m: m["name"])


def test_versions_are_those_of_the_client(store: Filled, records: list[Record]) -> None:
    """Numbers, times, descriptions, stages, runs and tags; none that was deleted."""
    ours = {key: version for key, version in versions(records).items() if version.kind is Kind.REGISTERED}
    theirs = {(row["model"], row["version"]): row for row in store.report["versions"]}
    assert ours.keys() == theirs.keys()
    for key, row in theirs.items():
        version = ours[key]
        tags = {tag.key: tag.value for tag in version.tags}
        assert version.created_at == row["created"] / 1000
        assert (version.card or version.message) == row["description"]
        assert tags.get("stage", "None") == row["stage"]
        assert row["tags"].items() <= tags.items()
        assert version.state is State.READY
        assert version.run is not None
        assert version.run.id == row["run_id"]


def test_stages_are_aliases_of_the_newest_version_in_them(store: Filled, records: list[Record]) -> None:
    """As `get_latest_versions` resolves a stage."""
    newest: dict[tuple[str, str], int] = {}
    for row in store.report["versions"]:
        if row["stage"] != "None":
            place = (row["model"], row["stage"])
            newest[place] = max(newest.get(place, 0), int(row["version"]))
    ours = {(record.model, record.name): int(record.key) for record in records if _is_stage(record)}  # type: ignore[union-attr]
    assert ours == newest


def _is_stage(record: Record) -> bool:
    return isinstance(record, Alias) and record.kind is AliasKind.STAGE


def test_runs_are_those_of_the_client(store: Filled, records: list[Record]) -> None:
    """Parameters, last metrics, data sets, names, times, users and tags of every run behind a version."""
    theirs = {row["id"]: row for row in store.report["runs"]}
    seen = 0
    for version in versions(records).values():
        assert version.run is not None
        row = theirs[version.run.id]
        seen += 1
        assert version.run.name == row["name"]
        assert version.run.status == row["status"]
        assert version.run.experiment == store.report["experiments"][row["experiment"]]
        assert version.run.started_at == row["start"] / 1000
        assert version.author == row["user"]
        assert {param.name: param.value for param in version.params} == {
            key: values.value(text) for key, text in row["params"].items()
        }
        assert {metric.name: _number(metric.value) for metric in version.metrics} == row["metrics"]
        assert [[data.name, data.digest, data.role] for data in version.datasets] == row["inputs"]
        own = {key: text for key, text in row["tags"].items() if not key.startswith("mlflow.")}
        assert own.items() <= {tag.key: tag.value for tag in version.tags}.items()
    assert seen >= 4


def test_a_metric_names_its_data_set_where_mlflow_knows_it(store: Filled, records: list[Record]) -> None:
    """Since MLflow 3 a metric may be logged about a model and a data set."""
    judged = [metric for version in versions(records).values() for metric in version.metrics if metric.name == "judged"]
    assert {metric.dataset for metric in judged} <= {"holdout"}
    assert bool(judged) == any("judged" in row["metrics"] for row in store.report["runs"])


def _number(value: float) -> float | str:
    if math.isnan(value):
        return "NaN"
    return value if math.isfinite(value) else "inf" if value > 0 else "-inf"


def test_histories_are_those_of_the_client(store: Filled, registry: Registry, records: list[Record]) -> None:
    """Every point of every metric, in step order."""
    theirs = {row["id"]: row["histories"] for row in store.report["runs"]}
    for version in list(versions(records).values())[:4]:
        assert version.run is not None
        for name, history in theirs[version.run.id].items():
            ours = _points(registry.series(version, name))
            assert sorted(ours, key=repr) == sorted(
                [[step, value, time / 1000] for step, value, time in history], key=repr
            )


def _points(series: Series) -> list[list[Any]]:
    numbers = [_number(value) for value in series.values]
    return [list(point) for point in zip(series.steps, numbers, series.times, strict=True)]


def test_runs_that_nobody_registered_are_told_apart(store: Filled, records: list[Record]) -> None:
    """They are versions of a model named after their experiment; runs without a model and deleted ones are none."""
    loose = {version.name: version for version in versions(records).values() if version.kind is Kind.RUN}
    names = {"alone", "parent", "child", "failed"} | ({"run 3"} if store.report["models"] else set())
    assert loose.keys() == names
    assert {version.model for version in loose.values()} <= {"runs/tuning", "runs/churn training"}
    assert loose["failed"].state is State.FAILED
    assert loose["alone"].state is State.READY
    assert not any(version.model == "runs/thrown away" for version in loose.values())


def test_lineage_is_declared(store: Filled, records: list[Record]) -> None:
    """Copies name what they copy; nested runs name their parent's version, registered or not."""
    edges = [record for record in records if isinstance(record, Edge)]
    assert all(edge.confidence is Confidence.DECLARED for edge in edges)
    found = {(edge.child.name, edge.kind, edge.parent.name, edge.parent.key) for edge in edges}
    loose = {version.name: version for version in versions(records).values() if version.kind is Kind.RUN}
    wanted = {("runs/tuning", EdgeKind.TRAINED_FROM, "runs/tuning", loose["parent"].key)}
    if store.report["models"]:
        wanted |= {
            ("churn-prod", EdgeKind.COPIED, "churn", "2"),
            ("churn-edge", EdgeKind.COPIED, "churn-prod", "1"),
            ("family", EdgeKind.TRAINED_FROM, "family", "1"),
        }
    assert found == wanted


def test_environments_come_from_the_files_beside_the_model(store: Filled, records: list[Record]) -> None:
    """Python, packages and CUDA, wherever the artifacts can be read."""
    found = versions(records)
    version = found["churn", "1"] if store.report["models"] else next(iter(found.values()))
    environment = version.environment
    assert environment is not None
    packages = {package.name: package.version for package in environment.packages}
    assert packages["numpy"] == "1.26.4"
    assert packages["torch"] == "2.5.1+cu124"
    assert environment.cuda == "12.4"
    assert environment.python.startswith("3.")
    assert environment.sources == ("conda.yaml", "python_env.yaml", "requirements.txt", "MLmodel")
    assert {tag.key: tag.value for tag in version.tags}["flavors"] == "python_function"


def test_code_names_no_credentials(records: list[Record]) -> None:
    """The repository's user and password stay where they are."""
    code = [version.code for version in versions(records).values() if version.code and version.code.repository]
    assert code
    # MLflow itself adds the origin of the repository that the seeding script lies in, where that has one.
    assert "https://example.test/org/repo.git" in {entry.repository for entry in code}
    assert "hunter2" not in repr(records)


def test_files_are_listed_and_open(registry: Registry, records: list[Record]) -> None:
    """A version's artifacts have sizes, and can be read whole and in part."""
    found = versions(records)
    version = found.get(("churn", "1")) or next(iter(found.values()))
    files = {Path(file.path).name: file for file in version.files}
    assert {"MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt", "python_model.pkl"} <= files.keys()
    file = files["requirements.txt"]
    assert file.place in {Place.LOCAL, Place.REMOTE}
    with registry.open(file) as stream:
        data = stream.read()
    assert len(data) == file.size
    assert b"numpy==1.26.4" in data
    with registry.open(file, 3, 4) as stream:
        assert stream.read() == data[3:7]
