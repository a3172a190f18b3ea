"""Any sequence of actions and undos leaves what a plain model says; what fails in the middle changes nothing."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import structs

from lineal.actions.desk import Desk
from lineal.errors import Conflict, Error, NotFound, Unavailable
from lineal.model.changes import Change, Receipt, SetAlias, Stamp
from lineal.model.plan import State
from lineal.registries.base import Registry
from tests.desks import Bench

ALIASES = ("prod", "staging")
VERSIONS = (1, 2, 3)
EXAMPLES = int(os.environ.get("LINEAL_EXAMPLES", "12"))


class Failing:
    """A registry that fails at the change it is told to, before or after it was applied."""

    def __init__(self, real: Registry) -> None:
        self.real = real
        self.left = -1
        self.late = False

    def __getattr__(self, name: str) -> object:
        return getattr(self.real, name)

    def apply(self, change: Change, stamp: Stamp) -> Receipt:
        self.left -= 1
        if self.left == -1:
            if self.late:
                self.real.apply(change, stamp)
            raise Unavailable("the wire was cut", hint="")
        return self.real.apply(change, stamp)


class Acting(RuleBasedStateMachine):
    """Promotions, removals, tags, rollbacks and undos of one model, against a dictionary."""

    @initialize()
    def begin(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.bench = Bench(Path(self._folder.name), '[[gate]]\nalias = "prod"\narchive = "archived"\n')
        for number in VERSIONS:
            self.bench.commit(number / 10)
        self.work = self.bench.work()
        self.bench.sync(self.work)
        self.desk = Desk(self.work)
        registry = self.work.registry("store")
        self.failing = Failing(registry)
        self.work._connected["store"] = self.failing  # type: ignore[assignment]
        self.rows = {number: self.work.version(f"churn@v{number}") for number in VERSIONS}
        self.names = {row.key: number for number, row in self.rows.items()}
        self.model: dict[str, int] = {}
        self.done: list[tuple[str, dict[str, int], dict[str, int]]] = []  # action, before, after
        self.order: dict[str, list[int]] = {}

    def teardown(self) -> None:
        if hasattr(self, "desk"):
            self.desk.close()
            self.work.close()
            self._folder.cleanup()

    def _now(self) -> dict[str, int]:
        state = self.desk.state()
        return {alias: self.names[key] for alias, key in state.aliases("", "churn").items()}

    def _took(self, action: str, before: dict[str, int]) -> None:
        self.bench.now += 1
        self.model = self._now()
        self.done.append((action, before, self.model))

    @rule(number=st.sampled_from(VERSIONS), alias=st.sampled_from(ALIASES))
    def promote(self, number: int, alias: str) -> None:
        before = dict(self.model)
        if before.get(alias) == number:
            return
        done = self.desk.execute(self.desk.promote(self.rows[number], alias))
        expected = before | {alias: number}
        if alias == "prod" and "prod" in before:
            expected["archived"] = before["prod"]
        self._took(done.plan.id, before)
        assert self.model == expected

    @rule(alias=st.sampled_from((*ALIASES, "archived")))
    def remove(self, alias: str) -> None:
        before = dict(self.model)
        if alias not in before:
            return
        done = self.desk.execute(self.desk.move(self.rows[before[alias]], alias, remove=True))
        self._took(done.plan.id, before)
        assert self.model == {name: one for name, one in before.items() if name != alias}

    @rule(alias=st.sampled_from(ALIASES))
    def roll_back(self, alias: str) -> None:
        before = dict(self.model)
        try:
            plan = self.desk.rollback("store", "churn", alias)
        except NotFound:
            return
        done = self.desk.execute(plan)
        self._took(done.plan.id, before)
        assert self.model[alias] == self.names[plan.subject.key] != before[alias]

    @precondition(lambda self: bool(getattr(self, "done", None)))
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        action, before, after = data.draw(st.sampled_from(self.done))
        now = dict(self.model)
        touched = {alias for alias in before.keys() | after.keys() if before.get(alias) != after.get(alias)}
        try:
            plan = self.desk.undo(action)
        except (Conflict, NotFound):
            assert self._now() == now
            return
        done = self.desk.execute(plan)
        self._took(done.plan.id, now)
        assert {alias: self.model.get(alias) for alias in touched} == {alias: before.get(alias) for alias in touched}
        again = self.desk.execute(self.desk.undo(done.plan.id))  # and the undo of the undo is the action
        self._took(again.plan.id, dict(self.done[-1][2]))
        assert self.model == now
        if action in {one for one, *_ in self.done}:
            assert action not in self.desk.state().undone

    @rule(number=st.sampled_from(VERSIONS), at=st.integers(0, 1), late=st.booleans())
    def fail_in_the_middle(self, number: int, at: int, late: bool) -> None:
        if self.model.get("prod") in (None, number) or self.model.get("archived") == self.model.get("prod"):
            return
        before = dict(self.model)
        plan = self.desk.promote(self.rows[number], "prod")
        assert len(plan.steps) == 2
        self.failing.left, self.failing.late = at, late
        try:
            done = self.desk.execute(plan)
        except Error:
            done = None
        self.failing.left = -1
        if late:  # the answer was lost, but the registry says that it was applied
            assert done is not None
            assert done.state is State.APPLIED
            self._took(done.plan.id, before)
        else:
            assert done is None
            assert self._now() == before
        assert self.desk.open_actions() == []
        self.model = self._now()

    @invariant()
    def the_registry_is_as_the_ledger_says(self) -> None:
        if not hasattr(self, "desk"):
            return
        for alias in (*ALIASES, "archived"):
            change = SetAlias(registry="store", model="churn", alias=alias)
            now = self.failing.real.current(change)
            assert isinstance(now, SetAlias)
            assert self.names.get(now.before) == self.model.get(alias)
            held = self.desk.held("store", "churn", alias)
            assert held.subject.key == now.before
        assert self.desk.open_actions() == []


Acting.TestCase.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
TestActing = Acting.TestCase


def test_a_second_state_of_the_same_ledger_says_the_same(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "")
    bench.commit(0.1)
    bench.commit(0.2)
    with bench.desk() as desk:
        for reference in ("churn@v1", "churn@v2"):
            desk.execute(desk.promote(desk.work.version(reference), "prod"))
        first = desk.timeline("store", "churn")
        desk.execute(desk.undo())
        assert [structs.replace(one, until=None) for one in desk.timeline("store", "churn")[1:]] == [
            structs.replace(one, until=None) for one in first
        ]
