"""Plans over several registries of which one fails: whole, taken back, or visibly incomplete; and clocks that jump."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lineal.errors import Conflict, RegistryError, Unavailable
from lineal.ledger import events
from lineal.model.changes import Change, Receipt, SetAlias, Stamp
from lineal.model.plan import State
from lineal.registries.dvc.registry import GitRegistry
from lineal.registries.native.registry import NativeRegistry
from tests.desks import DAY, Bench, held, version

POLICY = '[[gate]]\nalias = "prod"\nregistries = ["risk"]\ncounterparts = ["store:churn"]\n'


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Both registries have versions of the same names, which makes them counterparts."""
    made = Bench(tmp_path, POLICY)
    made.repository()
    for auc in (0.9, 0.91):
        made.commit(auc)
    made.git("tag", "-a", "churn@v2", "-m", "not a version of GTO's")
    return made


def failing(patch: pytest.MonkeyPatch, kind: type, fails: Callable[[Change], bool]) -> None:
    real = kind.apply  # type: ignore[attr-defined]

    def apply(this: object, change: Change, stamp: Stamp) -> Receipt:
        if fails(change):
            raise Unavailable("the server is away", hint="try later")
        receipt: Receipt = real(this, change, stamp)
        return receipt

    patch.setattr(kind, "apply", apply)


def twins(bench: Bench, patch: pytest.MonkeyPatch) -> None:
    """Say that versions of the same number are the same."""
    from lineal.actions.reviews import Reviews

    def twin(this: Reviews, row, registry, model):  # type: ignore[no-untyped-def]
        return this._work.version(f"{registry}:{model}@v{row.name[1]}")

    patch.setattr(Reviews, "twin", twin)


def kinds(bench: Bench) -> list[str]:
    with bench.desk() as desk:
        chronicle = desk.chronicle()
        assert chronicle is not None
        return [entry.event.kind for entry in chronicle.ledger.walk() if entry.event.kind in ("started", *events.ENDS)]


def test_a_counterpart_that_is_away_leaves_nothing_half_done(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    twins(bench, monkeypatch)
    with bench.desk() as desk:
        plan = desk.promote(version(desk, "risk:churn@v1.0.0"), "prod")
        assert [step.change.registry for step in plan.steps] == ["risk", "store"]
        failing(monkeypatch, NativeRegistry, lambda change: True)
        with pytest.raises(Unavailable):
            desk.execute(plan)
        assert (held(desk, "churn", "prod", "risk"), held(desk, "churn", "prod")) == ("", "")
        assert desk.open_actions() == []
    assert kinds(bench) == ["started", "reverted"]


def test_a_counterpart_that_cannot_be_read_is_an_error_before_anything_is_written(bench: Bench) -> None:
    with bench.desk() as desk:
        desk.execute(desk.say(version(desk, "store:churn@v1"), "note", text="begins the ledger"))
        row = version(desk, "risk:churn@v1.0.0")
        (bench.folder / "risk").rename(bench.folder / "elsewhere")
        with pytest.raises(RegistryError):
            desk.promote(row, "prod")
    assert kinds(bench) == []


def test_what_cannot_be_taken_back_is_incomplete_and_is_ended_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    twins(bench, monkeypatch)
    with bench.desk() as desk:
        plan = desk.promote(version(desk, "risk:churn@v1.0.0"), "prod")
        with pytest.MonkeyPatch.context() as patch:
            failing(patch, NativeRegistry, lambda change: True)
            failing(patch, GitRegistry, lambda change: isinstance(change, SetAlias) and not change.after)
            done = desk.execute(plan)
        assert done.state is State.INCOMPLETE
        assert held(desk, "churn", "prod", "risk") == "v1.0.0"
        (begun,) = desk.open_actions()
        assert begun.title == plan.title
        assert "NOT ENDED" in desk.log(limit=3)[-1].text + desk.log(limit=3)[0].text + desk.log(limit=3)[1].text
        (ended,) = desk.resume()
        assert ended.state is State.APPLIED
        assert (held(desk, "churn", "prod", "risk"), held(desk, "churn", "prod")) == ("v1.0.0", "v1")
        assert desk.open_actions() == []
    assert kinds(bench) == ["started", "incomplete", "applied"]


def test_what_somebody_else_changed_meanwhile_is_not_overwritten_by_a_resume(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    twins(bench, monkeypatch)
    with bench.desk() as desk:
        plan = desk.promote(version(desk, "risk:churn@v1.0.0"), "prod")
        with pytest.MonkeyPatch.context() as patch:
            failing(patch, NativeRegistry, lambda change: True)
            failing(patch, GitRegistry, lambda change: isinstance(change, SetAlias) and not change.after)
            assert desk.execute(plan).state is State.INCOMPLETE
        desk.execute(desk.move(version(desk, "store:churn@v2"), "prod"))
        (ended,) = desk.resume()
        assert ended.state is State.REVERTED
        assert (held(desk, "churn", "prod", "risk"), held(desk, "churn", "prod")) == ("", "v2")


@pytest.mark.parametrize("jump", [-400 * DAY, 4000 * DAY])
def test_a_clock_that_jumps_changes_no_order(bench: Bench, jump: float) -> None:
    bench.policy("")
    for number, reference in enumerate(("churn@v1", "churn@v2", "churn@v1")):
        with bench.desk() as desk:
            bench.now += DAY + (jump if number == 1 else 0)
            desk.execute(desk.promote(version(desk, f"store:{reference}"), "prod"))
        if number == 1:
            bench.now -= jump
    with bench.desk() as desk:
        assert desk.held("store", "churn", "prod").subject.name == "v1"
        holdings = desk.book("store").holdings("store", "churn", "prod")
        assert [one.subject.name for one in holdings] == ["v1", "v2", "v1", ""]
        chronicle = desk.chronicle()
        assert chronicle is not None
        found = chronicle.ledger.verify()
        assert found.problems == ()
        assert found.notes  # times that go backwards are said, and are no damage
        assert desk.rollback("store", "churn", "prod").subject.name == "v2"
        with pytest.raises(Conflict):
            desk.promote(version(desk, "store:churn@v1"), "prod")
