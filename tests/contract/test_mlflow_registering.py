"""A run's model, or a LoggedModel, becomes a version of a registered model, as MLflow's own client would make it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import AuthRequired, ConfigError, Conflict, NotFound, Unsupported
from lineal.model.changes import Register, SetAlias
from lineal.model.records import Model
from lineal.model.version import Kind, Version
from lineal.registries import connect
from lineal.registries.base import Registry
from lineal.testing import stamped
from tests.sources.mlflow import Filled, run
from tests.sources.mlflow_writing import ADMIN, READER, ask, environ

Oracle = Callable[[str], Path]
_NUMBERS = itertools.count(1)


@pytest.fixture(params=["mlflow_server", "old"])
def url(request: pytest.FixtureRequest) -> str:
    """A server of 3.17, filled by its client, and one of 2.22."""
    found = request.getfixturevalue(request.param)
    return found.uri if isinstance(found, Filled) else found


@pytest.fixture
def registry(url: str, around: Surroundings) -> Iterator[Registry]:
    """The server, connected."""
    registry = connect(RegistrySpec(name="flow", kind="mlflow", url=url), around)
    yield registry
    registry.close()


def logged(url: str, *paths: str, user: tuple[str, str] | None = None) -> str:
    """Make a run that logged models at these paths in the manner of 2.x; return its id."""
    body = {"experiment_id": "0", "start_time": 1000, "run_name": "made"}
    run_id = str(ask(url, "POST", "runs/create", body, user)["run"]["info"]["run_id"])
    history = json.dumps([{"artifact_path": path, "flavors": {"sklearn": {}}} for path in paths])
    ask(url, "POST", "runs/set-tag", {"run_id": run_id, "key": "mlflow.log-model.history", "value": history}, user)
    return run_id


def wanted(source: str, model: str = "") -> Register:
    """Return the registration of a run, under a new name unless one is given."""
    return Register(registry="flow", model=model or f"new {next(_NUMBERS)}", source=source, of="runs/Default")


def scanned(registry: Registry, model: str) -> dict[str, Version]:
    """Return a model's versions by key, as a scan has them."""
    found = [one for one in registry.scan({}) if isinstance(one, Version)]
    return {one.key: one for one in found if one.model == model}


def test_a_run_becomes_a_version_and_is_one_again(url: str, registry: Registry) -> None:
    """The model is made with it, the calls say so, and the inverse leaves the model empty."""
    run_id = logged(url, "model")
    change = wanted(run_id)
    assert registry.current(change) == change
    assert scanned(registry, "runs/Default")[run_id].kind is Kind.RUN
    calls = registry.calls(change, stamped(1))
    assert [line.split()[1].rpartition("mlflow/")[2] for line in calls] == [
        "registered-models/create",
        "model-versions/create",
    ]
    receipt = registry.apply(change, stamped(1))
    assert (receipt.after, receipt.calls) == ("1", calls)
    version = scanned(registry, change.model)["1"]
    assert version.run is not None
    assert version.run.id == run_id
    assert run_id not in scanned(registry, "runs/Default")
    back = msgspec.structs.replace(change, after=receipt.after).inverse()
    (line,) = registry.calls(back, stamped(2))
    assert line.startswith("DELETE ")
    assert registry.apply(back, stamped(2)).calls == (line,)
    assert not scanned(registry, change.model)
    assert run_id in scanned(registry, "runs/Default")
    assert change.model in {one.name for one in registry.scan({}) if isinstance(one, Model)}


def test_the_same_again_is_a_conflict_and_the_same_try_is_not(url: str, registry: Registry) -> None:
    """A version is never made twice of one run; another run makes the next."""
    change = wanted(logged(url, "model"))
    first = registry.apply(change, stamped(1))
    assert registry.apply(change, stamped(1)).after == first.after == "1"
    with pytest.raises(Conflict, match="v1 is that already"):
        registry.apply(change, stamped(2))
    second = wanted(logged(url, "model"), change.model)
    assert len(registry.calls(second, stamped(3))) == 1
    assert registry.apply(second, stamped(3)).after == "2"
    gone = msgspec.structs.replace(change, after="1", gone=True)
    registry.apply(gone, stamped(4))
    registry.apply(gone, stamped(4))
    with pytest.raises(NotFound):
        registry.apply(gone, stamped(5))
    assert registry.apply(change, stamped(6)).after == "3"


def test_the_inverse_needs_no_number(url: str, registry: Registry) -> None:
    """There and back and there again, each by the inverse of what was done; the number is always another."""
    change = wanted(logged(url, "model"))
    assert registry.apply(change, stamped(1)).after == "1"
    back = change.inverse()
    assert registry.current(back) == back
    assert '"version":"1"' in registry.calls(back, stamped(2))[0]
    registry.apply(back, stamped(2))
    registry.apply(back, stamped(2))
    with pytest.raises(NotFound):
        registry.current(back)
    assert registry.apply(back.inverse(), stamped(3)).after in {"1", "2"}
    run_id = ask(url, "GET", f"runs/get?run_id={change.source}")["run"]["info"]["run_id"]
    body = {"name": change.model, "source": "s3://bucket/model", "run_id": run_id}
    ask(url, "POST", "model-versions/create", body)
    with pytest.raises(Conflict, match="were made of"):
        registry.apply(back, stamped(4))


def test_what_cannot_be_registered_leaves_no_model(url: str, registry: Registry) -> None:
    """Runs that are not there, deleted, without a model or with several, and versions that are registered."""
    empty, several, deleted = logged(url), logged(url, "a", "b"), logged(url, "model")
    ask(url, "POST", "runs/delete", {"run_id": deleted})
    cases: list[tuple[Register, type[Exception]]] = [
        (wanted("f" * 32), NotFound),
        (wanted("no/run"), NotFound),
        (wanted("m-" + "f" * 32), NotFound),
        (wanted(empty), NotFound),
        (wanted(deleted), NotFound),
        (wanted(several), Conflict),
        (msgspec.structs.replace(wanted("1"), of="churn"), Unsupported),
        (msgspec.structs.replace(wanted(logged(url, "model")), after="7"), ConfigError),
    ]
    for change, kind in cases:
        with pytest.raises(kind) as caught:
            registry.apply(change, stamped(1))
        assert caught.value.hint  # type: ignore[attr-defined]
    names = {one.name for one in registry.scan({}) if isinstance(one, Model)}
    assert not names & {change.model for change, _ in cases}


def test_what_an_alias_stands_for_is_not_deleted(url: str, registry: Registry) -> None:
    """MLflow would delete the alias with it; nor is a version deleted that is of something else."""
    change = wanted(logged(url, "model"))
    registry.apply(change, stamped(1))
    gone = msgspec.structs.replace(change, after="1", gone=True)
    alias = SetAlias(registry="flow", model=change.model, alias="prod", after="1")
    registry.apply(alias, stamped(2))
    with pytest.raises(Conflict, match="prod stands for"):
        registry.apply(gone, stamped(3))
    with pytest.raises(Conflict, match="was not made of"):
        registry.apply(msgspec.structs.replace(gone, source="f" * 32), stamped(3))
    assert list(scanned(registry, change.model)) == ["1"]
    registry.apply(alias.inverse(), stamped(4))
    registry.apply(gone, stamped(5))


def test_a_logged_model_is_registered_as_the_client_does(
    mlflow_server: Filled, around: Surroundings, tmp_path: Path
) -> None:
    """By its run and by its own id: the same source, run and LoggedModel as the client's own registration."""
    registry = connect(RegistrySpec(name="flow", kind="mlflow", url=mlflow_server.uri), around)
    found = {row["name"]: row["id"] for row in mlflow_server.report["runs"]}
    logged_model = ask(
        mlflow_server.uri,
        "POST",
        "logged-models/search",
        {"experiment_ids": list(mlflow_server.report["experiments"]), "max_results": 100},
    )["models"]
    ids = {row["info"].get("source_run_id"): row["info"]["model_id"] for row in logged_model}
    alone = found["alone"]
    for source in (alone, ids[alone]):
        change = msgspec.structs.replace(wanted(source), of="runs/tuning")
        registry.apply(change, stamped(1))
        said = json.loads(run(mlflow_server.python, "mlflow_report.py", mlflow_server.uri, home=tmp_path / "home"))
        (row,) = [row for row in said["versions"] if row["model"] == change.model]
        assert (row["run_id"], row["source"]) == (alone, f"models:/{ids[alone]}")
        assert row["status"] == "READY"
        version = scanned(registry, change.model)["1"]
        assert {param.name for param in version.params} >= {"lr", "layers"}
        assert any(file.path == "MLmodel" for file in version.files)
        registry.apply(msgspec.structs.replace(change, after="1", gone=True), stamped(2))
    registry.close()


def test_a_run_with_several_logged_models_is_told_apart(mlflow_server: Filled, around: Surroundings) -> None:
    """Which of them is meant has to be said, by its id."""
    registry = connect(RegistrySpec(name="flow", kind="mlflow", url=mlflow_server.uri), around)
    run_id = logged(mlflow_server.uri)
    ids = []
    for name in ("small", "large"):
        body = {"experiment_id": "0", "name": name, "source_run_id": run_id}
        ids.append(ask(mlflow_server.uri, "POST", "logged-models", body)["model"]["info"]["model_id"])
    with pytest.raises(Conflict, match="logged 2 models") as caught:
        registry.current(wanted(run_id))
    assert all(identity in caught.value.message for identity in ids)
    change = wanted(ids[1])
    assert registry.apply(change, stamped(1)).after == "1"
    registry.close()


def test_a_reader_registers_nothing_under_what_is_there(guarded: str, around: Surroundings) -> None:
    """A model that somebody else has stays as it is; MLflow lets anyone make a new one, whose manager they are."""
    run_id = logged(guarded, "model", user=ADMIN)
    spec = RegistrySpec(name="flow", kind="mlflow", url=guarded)
    known = connect(spec, msgspec.structs.replace(around, environ=environ(ADMIN)))
    reader = connect(spec, msgspec.structs.replace(around, environ=environ(READER)))
    theirs = wanted(run_id, "guarded")
    assert reader.current(theirs) == theirs
    with pytest.raises(AuthRequired, match="refuses these credentials") as caught:
        reader.apply(theirs, stamped(1))
    assert "right to change" in caught.value.hint
    assert reader.apply(wanted(run_id), stamped(2)).after == "1"
    assert known.apply(theirs, stamped(3)).after == "2"
    gone = msgspec.structs.replace(theirs, after="2", gone=True)
    with pytest.raises(AuthRequired):
        reader.apply(gone, stamped(4))
    assert list(scanned(known, "guarded")) == ["1", "2"]
    known.apply(gone, stamped(5))
    for registry in (known, reader):
        registry.close()
