"""After each change to an MLflow store, an incremental scan leaves the rows that a first scan of it leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.model.records import Alias, Complete
from lineal.model.version import Kind, Version
from lineal.registries import connect
from lineal.testing import Fold
from tests.sources.mlflow import Filled, changing, copied, fill, serving

Oracle = Callable[[str], Path]

CHANGES = (
    "move_alias",
    "tag_version",
    "drop_alias",
    "register_run",
    "new_run",
    "go_on",
    "delete_version",
    "delete_run",
    "delete_model",
    "rename_experiment",
)


@pytest.fixture(scope="module")
def own_server(oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """A server that this module may change."""
    folder = tmp_path_factory.mktemp("mlflow-changing")
    with serving(oracle("mlflow"), folder) as url:
        yield fill(oracle("mlflow"), url, folder)


@pytest.fixture(scope="module", params=["mlflow3_files", "mlflow_sqlite", "server"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """Each kind of store, to be changed."""
    if request.param == "server":
        filled: Filled = request.getfixturevalue("own_server")
        return filled
    return copied(request.getfixturevalue(request.param), tmp_path_factory.mktemp("copy") / "store")


class Follower:
    """Scans a store again and again, as sync does: the fold of all scans, and what the last one said."""

    def __init__(self, store: Filled, around: Surroundings) -> None:
        self.spec = RegistrySpec(name="flow", kind="mlflow", url=store.uri)
        self.around = around
        self.fold = Fold()

    def scan(self) -> list[object]:
        """Scan with the cursors of the last scan."""
        registry = connect(self.spec, self.around)
        records = list(registry.scan(self.fold.cursors))
        self.fold.apply(records)
        registry.close()
        return [record for record in records if not isinstance(record, Complete)]

    def afresh(self) -> Fold:
        """Return what a first scan leaves."""
        registry = connect(self.spec, self.around)
        fold = Fold().apply(registry.scan({}))
        registry.close()
        return fold


def test_incremental_scans_follow_every_change(store: Filled, around: Surroundings) -> None:
    """One change after another, each seen at once, though several of them change no timestamp."""
    follower = Follower(store, around)
    follower.scan()
    with changing(store) as change:
        for what in CHANGES:
            before = follower.fold.rows()
            change(what)
            follower.scan()
            assert follower.fold.rows() == follower.afresh().rows(), what
            assert follower.fold.rows() != before or what == "go_on", what
            assert follower.scan() == [], what


def test_what_changed_is_what_is_said(store: Filled, around: Surroundings) -> None:
    """The end state, named: nothing deleted is left, and what was added is there."""
    fold = Follower(store, around).afresh()
    versions = {(version.model, version.name): version for version in fold.of(Version)}
    assert ("churn", "v3") not in versions
    assert ("late", "v1") in versions
    assert ("runs/tuned", "alone") not in versions
    assert versions["runs/tuned", "newcomer"].kind is Kind.RUN
    assert versions["runs/churn training", "run 2"].kind is Kind.RUN
    assert not any(model == "family" for model, _ in versions)
    rows = [row for scope in fold.scopes.values() for row in scope.values() if isinstance(row, Alias)]
    assert "challenger" not in {alias.name for alias in rows}
