"""A review on a real tracking server: promoted through the policy, seen to move behind our back, and rolled back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lineal.actions.observing import watch
from lineal.errors import Blocked, Conflict, Unavailable
from lineal.model.plan import State
from tests.desks import DAY, Bench, version
from tests.sources.mlflow import serving
from tests.sources.mlflow_writing import ask, register

POLICY = """
[discovery]
enabled = false

[registries.flow]
kind = "mlflow"
url = "{url}"

[[gate]]
alias = "prod"
models = ["churn"]
approvals = 1
"""


@pytest.fixture(scope="module")
def url(oracle: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(oracle("mlflow"), tmp_path_factory.mktemp("mlflow")) as url:
        register(url, "churn", 3)
        yield url


def theirs(url: str) -> dict[str, str]:
    """Return the aliases as the server tells anybody."""
    said = ask(url, "GET", "registered-models/get", {"name": "churn"})
    model = said["registered_model"] if isinstance(said, dict) else json.loads(said)["registered_model"]
    return {alias["alias"]: alias["version"] for alias in model.get("aliases", [])}


def test_from_request_to_rollback(url: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path, POLICY.format(url=url))
    start = bench.now
    with bench.desk("mira <mira@example.com>") as desk:
        assert desk.can("flow", "alias") == ""
        desk.execute(desk.say(version(desk, "churn@v1"), "requested", alias="prod"))
        plan = desk.promote(version(desk, "churn@v1"), "prod")
        assert plan.steps[0].compares is False
        assert any("compare and set" in note for note in plan.notes)
        assert any("registered-models/alias" in call for call in plan.steps[0].calls)
        with pytest.raises(Blocked):
            desk.execute(plan)
        assert theirs(url) == {}
    for who in ("sven <sven@example.com>", "ola <ola@example.com>"):  # nobody knows the author: one more must approve
        with bench.desk(who) as desk:
            desk.execute(desk.say(version(desk, "churn@v1"), "approved", alias="prod"))
    with bench.desk() as desk:
        assert desk.execute(desk.promote(version(desk, "churn@v1"), "prod")).state is State.APPLIED
        assert theirs(url) == {"prod": "1"}
        bench.sync(desk.work)
        assert watch(desk.work, ["flow"]) == 0  # what we moved ourselves is no surprise

    bench.now += DAY  # somebody moves it with another tool
    ask(url, "POST", "registered-models/alias", {"name": "churn", "alias": "prod", "version": "2"})
    with bench.desk() as desk:
        assert watch(desk.work, ["flow"]) == 1
        held = desk.held("flow", "churn", "prod")
        assert (held.subject.key, held.source) == ("2", "observed")
        assert desk.held("flow", "churn", "prod", start + 60).subject.key == "1"
        assert desk.work.version("churn@prod~1").key == "1"
        assert [one.subject.key for one in desk.timeline("flow", "churn")] == ["2", "1"]

        plan = desk.rollback("flow", "churn", "prod", reason="nobody asked us")
        assert plan.subject.key == "1"
        ask(url, "POST", "registered-models/alias", {"name": "churn", "alias": "prod", "version": "3"})
        with pytest.raises(Conflict):
            desk.execute(plan)
        assert theirs(url) == {"prod": "3"}
        desk.execute(desk.rollback("flow", "churn", "prod", to=version(desk, "churn@v1")))
        assert theirs(url) == {"prod": "1"}
        desk.execute(desk.undo())
        assert theirs(url) == {"prod": "3"}


def test_a_server_that_is_away_is_a_typed_error_and_nothing_is_written(url: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path, POLICY.format(url=url).replace("approvals = 1", "approvals = 0"))
    with bench.desk() as desk:
        row = version(desk, "churn@v2")
        plan = desk.promote(row, "canary")
        spec = next(spec for spec in desk.work.specs if spec.name == "flow")
        from msgspec import structs

        from lineal import registries

        gone = structs.replace(spec, url="http://127.0.0.1:9/")
        desk.work._connected["flow"] = registries.connect(gone, desk.work.around)
        with pytest.raises(Unavailable):
            desk.execute(plan)
        assert desk.open_actions() == []
