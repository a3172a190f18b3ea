"""A tracking server that fails while something is registered: a version that is known of, or nothing."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import AuthRequired, Conflict, Error, NotFound, Unavailable
from lineal.formats.http import Http, Limits
from lineal.model.changes import Receipt, Register
from lineal.registries import connect
from lineal.registries.mlflow import server
from lineal.testing import stamped
from tests.sources.mlflow import serving
from tests.sources.mlflow_writing import Decide, Fault, ask, relay
from tests.sources.web import Asked

Oracle = Callable[[str], Path]
_NUMBERS = itertools.count(1)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing for long."""
    limits = Limits(connect=1, silence=1.0, deadline=1.5, size=1 << 20, tries=2)
    monkeypatch.setattr(server, "Http", lambda url, **more: Http(url, limits=limits, sleep=lambda _: None, **more))


@pytest.fixture(scope="module")
def real(oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A tracking server that does what it should."""
    with serving(oracle("mlflow"), tmp_path_factory.mktemp("mlflow")) as url:
        yield url


@pytest.fixture
def change(real: str) -> Register:
    """The registration of a new run under a name that no model has."""
    body = {"experiment_id": "0", "start_time": 1000, "run_name": "made"}
    run_id = ask(real, "POST", "runs/create", body)["run"]["info"]["run_id"]
    history = json.dumps([{"artifact_path": "model", "flavors": {}}])
    ask(real, "POST", "runs/set-tag", {"run_id": run_id, "key": "mlflow.log-model.history", "value": history})
    return Register(registry="flow", model=f"new{next(_NUMBERS)}", source=run_id, of="runs/Default")


def at(endpoint: str, fault: Fault, after: Fault | None = None) -> Decide:
    """Let the first request to an endpoint fail; and all that is asked later, if `after` says how."""
    state = {"over": False}

    def decide(asked: Asked) -> Fault | None:
        if state["over"]:
            return after
        if asked.target.partition("?")[0].endswith(endpoint):
            state["over"] = True
            return fault
        return None

    return decide


def tried(real: str, around: Surroundings, decide: Decide, change: Register) -> Receipt | Error:
    """Apply a change through a relay."""
    with relay(real, decide) as before:
        registry = connect(RegistrySpec(name="flow", kind="mlflow", url=before.url), around)
        try:
            return registry.apply(change, stamped(1))
        except Error as error:
            return error
        finally:
            registry.close()


def there(real: str, model: str) -> list[str] | None:
    """Return the numbers of a model's versions, or None where there is no such model."""
    models = ask(real, "GET", "registered-models/search?max_results=1000").get("registered_models", [])
    if model not in {row["name"] for row in models}:
        return None
    rows = ask(real, "GET", "model-versions/search?max_results=1000").get("model_versions", [])
    return sorted(row["version"] for row in rows if row["name"] == model)


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.FAIL_AFTER, Fault.HANG_AFTER, Fault.GARBLE])
@pytest.mark.parametrize("endpoint", ["registered-models/create", "model-versions/create"])
def test_a_lost_answer_is_settled_by_reading(
    real: str, around: Surroundings, change: Register, endpoint: str, fault: Fault
) -> None:
    """One model and one version of it, whose number the receipt has."""
    outcome = tried(real, around, at(endpoint, fault), change)
    assert isinstance(outcome, Receipt)
    assert outcome.after == "1"
    assert len(outcome.calls) == 2
    assert there(real, change.model) == ["1"]


@pytest.mark.parametrize("fault", [Fault.FAIL, Fault.CUT_BEFORE, Fault.HANG, Fault.REFUSE])
@pytest.mark.parametrize("endpoint", ["registered-models/create", "model-versions/create"])
def test_what_was_not_made_leaves_nothing(
    real: str, around: Surroundings, change: Register, endpoint: str, fault: Fault
) -> None:
    """The model that was made for it goes again."""
    outcome = tried(real, around, at(endpoint, fault), change)
    assert isinstance(outcome, AuthRequired if fault is Fault.REFUSE else Unavailable)
    assert ("taken back" in outcome.message) == (endpoint == "model-versions/create")
    assert outcome.hint
    assert there(real, change.model) is None


def test_a_model_that_cannot_be_taken_back_is_named(real: str, around: Surroundings, change: Register) -> None:
    """A server that goes down in the middle: the error says what is left."""
    outcome = tried(real, around, at("model-versions/create", Fault.REFUSE, Fault.CUT_BEFORE), change)
    assert isinstance(outcome, AuthRequired)
    assert f"an empty model {change.model} was made and stays" in outcome.message
    assert there(real, change.model) == []


def test_a_version_of_which_nobody_can_say_is_found_by_the_next_try(
    real: str, around: Surroundings, change: Register
) -> None:
    """The same action asks again: it has its version, and makes no second one."""
    state: dict[str, Fault | None] = {"later": None}

    def decide(asked: Asked) -> Fault | None:
        if asked.target.endswith("model-versions/create"):
            state["later"] = Fault.CUT_BEFORE
            return Fault.CUT
        return state["later"]

    with relay(real, decide) as before:
        registry = connect(RegistrySpec(name="flow", kind="mlflow", url=before.url), around)
        with pytest.raises(Unavailable, match="nobody can say"):
            registry.apply(change, stamped(1))
        state["later"] = None
        assert registry.apply(change, stamped(1)).after == "1"
        with pytest.raises(Conflict):
            registry.apply(change, stamped(2))
        registry.close()
    assert there(real, change.model) == ["1"]


def test_a_model_that_somebody_makes_meanwhile_is_used(real: str, around: Surroundings, change: Register) -> None:
    """And is not taken back with what fails later: it is theirs."""

    def decide(asked: Asked) -> Fault | None:
        if asked.target.endswith("registered-models/create"):
            ask(real, "POST", "registered-models/create", {"name": change.model})
        return Fault.FAIL if asked.target.endswith("model-versions/create") else None

    outcome = tried(real, around, decide, change)
    assert isinstance(outcome, Unavailable)
    assert "taken back" not in outcome.message
    assert there(real, change.model) == []


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.FAIL_AFTER, Fault.HANG_AFTER, Fault.GARBLE])
def test_a_deletion_whose_answer_was_lost_is_settled(
    real: str, around: Surroundings, change: Register, fault: Fault
) -> None:
    """What is gone counts as deleted; what is still there does not."""
    assert isinstance(tried(real, around, lambda _: None, change), Receipt)
    gone = msgspec.structs.replace(change, after="1", gone=True)
    kept = tried(real, around, at("model-versions/delete", Fault.FAIL), gone)
    assert isinstance(kept, Unavailable)
    assert there(real, change.model) == ["1"]
    assert isinstance(tried(real, around, at("model-versions/delete", fault), gone), Receipt)
    assert there(real, change.model) == []
    assert isinstance(tried(real, around, lambda _: None, gone), NotFound)
