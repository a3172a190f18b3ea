"""A desk in memory: real plans, reviews and holdings over the fake index, and a record of what was done."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from lineal.errors import Blocked, Conflict, NotFound
from lineal.model.changes import Change, Say, SetAlias, SetTags
from lineal.model.diff import Verdict
from lineal.model.listing import VersionRow
from lineal.model.plan import (
    Approval,
    CheckResult,
    Difference,
    Done,
    Entry,
    Holding,
    Outcome,
    Plan,
    Review,
    Running,
    State,
    Step,
    Subject,
)
from lineal.model.values import Goal, Tag

NOW = 1_790_000_000.0
DAY = 86_400.0
Hear = Callable[[str], None]


def subject(row: VersionRow) -> Subject:
    """Return a version as plans name it."""
    return Subject(
        registry=row.registry, model=row.model, key=row.key, name=row.name, author=row.author,
        reference=f"{row.registry}:{row.model}@{row.name}", created_at=row.created_at,
    )  # fmt: skip


CHECKS = (
    CheckResult(id="name.model", title="named as agreed", outcome=Outcome.PASS, reason="fraud-scorer", gate="prod"),
    CheckResult(
        id="metric.auc", title="auc ≥ 0.90, no worse than prod − 0.002", outcome=Outcome.PASS,
        reason="0.905 against 0.94", gate="prod", value=0.905, against=0.94,
    ),
    CheckResult(
        id="command.smoke", title="tests/smoke.py", outcome=Outcome.PENDING, reason="runs when confirmed", gate="prod",
        evidence="it will run with the files of the version\nin a temporary folder",
    ),
)  # fmt: skip
LATENCY = CheckResult(
    id="metric.latency_ms", title="latency_ms ≤ 20", outcome=Outcome.FAIL, reason="23.1 against 18.4",
    hint="make it faster", gate="prod", evidence="p50 11.2\np99 23.1",
)  # fmt: skip
DIFFERENCES = (
    Difference(facet="metrics", name="auc", before="0.94", after="0.905", verdict=Verdict.BETTER, goal=Goal.MAX),
    Difference(facet="metrics", name="loss", before="0.206", after="0.2095", verdict=Verdict.WORSE, delta=0.0035),
    *(Difference(facet="params", name=f"p{i}", before="1", after="2") for i in range(7)),
)


@dataclass
class FakeDesk:
    """What a desk answers; `did` holds what was executed, `asked` how each plan was asked for."""

    find: Callable[[str, str, str], VersionRow | None]
    rows: Callable[[], list[VersionRow]]
    read_only: str = ""
    who: str = "mira <mira@example.com>"
    aliases: list[str] = field(default_factory=lambda: ["prod", "staging"])
    refusals: dict[tuple[str, str], str] = field(default_factory=dict)
    checks: tuple[CheckResult, ...] = CHECKS
    differences: tuple[Difference, ...] = DIFFERENCES
    approvals: tuple[Approval, ...] = (
        Approval(by="ola <ola@example.com>", at=NOW - 3600, what="approved", counts=False, why="the author"),
        Approval(by="sven", at=NOW - 1800, what="approved", text="looks fine", signer="SHA256:7c1f"),
    )
    notes: tuple[str, ...] = ("unverified: nothing was compared",)
    reviews: list[Review] = field(default_factory=list)
    held_ones: list[Holding] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    begun: list[Plan] = field(default_factory=list)
    asked: list[tuple[object, ...]] = field(default_factory=list)
    did: list[tuple[Plan, str]] = field(default_factory=list)
    resumed: list[str] = field(default_factory=list)
    reported: list[tuple[str, str, str]] = field(default_factory=list)
    conflicts: int = 0
    steps: tuple[str, ...] = ()
    hold: threading.Event | None = None  # execution waits for it, or for `stop`
    ends: State = State.APPLIED
    closed: bool = False

    def close(self) -> None:
        self.closed = True

    def inbox(self) -> list[Review]:
        return self.reviews

    def targets(self, row: VersionRow) -> list[str]:
        return self.aliases

    def can(self, registry: str, kind: str) -> str:
        return self.refusals.get((registry, kind), "")

    def _incumbent(self, row: VersionRow, alias: str) -> Subject:
        found = [one for one in self.rows() if (one.registry, one.model) == (row.registry, row.model)]
        return next((subject(one) for one in found if alias in one.aliases), Subject())

    def _plan(self, action: str, row: VersionRow, alias: str, *changes: Change, **more: object) -> Plan:
        fields: dict[str, object] = {
            "id": f"{len(self.asked):032x}", "action": action, "title": f"{action} {row.model} {row.name}".rstrip(),
            "at": NOW, "by": self.who, "subject": subject(row), "alias": alias,
            "steps": tuple(Step(change=one, calls=(f"POST /aliases/{alias} {row.name}",), compares=False)
                           for one in changes),
            "command": f"lineal {action} {row.registry}:{row.model}@{row.name} --to {alias}",
        }  # fmt: skip
        return Plan(**{**fields, **more})  # type: ignore[arg-type]

    def check(self, row: VersionRow, alias: str, *, run: bool = True) -> Plan:
        assert not run
        return replace(self._moved("check", row, alias, ""), steps=())

    def promote(self, row: VersionRow, alias: str, *, reason: str = "") -> Plan:
        self.asked.append(("promote", row.name, alias))
        if alias in row.aliases:
            raise Conflict(f"{alias} is {row.name} already")
        return self._moved("promote", row, alias, reason)

    def _moved(self, action: str, row: VersionRow, alias: str, reason: str) -> Plan:
        there = self._incumbent(row, alias)
        change = SetAlias(registry=row.registry, model=row.model, alias=alias, before=there.key, after=row.key)
        return self._plan(
            action, row, alias, change, incumbent=there, checks=self.checks if alias == "prod" else (),
            differences=self.differences, approvals=self.approvals, reason=reason, notes=self.notes,
        )  # fmt: skip

    def move(self, row: VersionRow, alias: str, *, remove: bool = False, reason: str = "") -> Plan:
        self.asked.append(("alias", row.name, alias, remove))
        return self._moved("alias", row, alias, reason)

    def rollback(
        self, registry: str, model: str, alias: str, *, to: VersionRow | None = None, reason: str = ""
    ) -> Plan:
        self.asked.append(("rollback", model, alias, to.name if to else "", reason))
        former = next((one for one in self.held_ones if one.alias == alias and one.until is not None), None)
        if former is None:
            raise NotFound(f"nothing held {alias} before", hint="--to names a version")
        target = to or self.find(former.subject.registry, former.subject.model, former.subject.key)
        assert target is not None
        return self._moved("rollback", target, alias, reason)

    def tag(self, row: VersionRow, sets: Mapping[str, str], removes: Sequence[str] = (), *, reason: str = "") -> Plan:
        self.asked.append(("tag", row.name, dict(sets), tuple(removes)))
        after = tuple(Tag(key, value) for key, value in sets.items())
        change = SetTags(registry=row.registry, model=row.model, key=row.key, after=after)
        return self._plan("tag", row, "", change)

    def say(self, row: VersionRow, what: str, *, alias: str = "", text: str = "", where: str = "") -> Plan:
        self.asked.append(("say", row.name, what, alias, text))
        change = Say(registry=row.registry, model=row.model, key=row.key, what=what, alias=alias, text=text)
        return self._plan(what, row, alias, change, reason=text)

    def undo(self, action: str = "", *, reason: str = "") -> Plan:
        self.asked.append(("undo", action))
        if not self.did and not action:
            raise NotFound("there is nothing of yours to undo", hint="`lineal log` lists all")
        return Plan(id="e" * 32, action="undo", title=f"undo {action or self.did[-1][0].title}", at=NOW, by=self.who)

    def execute(
        self, plan: Plan, *, override: str = "", on_step: Hear = print, stop: threading.Event | None = None
    ) -> Done:
        for step in self.steps:
            on_step(step)
        while self.hold is not None and not self.hold.wait(0.01):
            if stop is not None and stop.is_set():
                raise Blocked("tests/smoke.py was stopped", checks=(replace(LATENCY, reason="stopped"),))
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict("prod was changed by somebody else since this was planned", hint="look again")
        if plan.blocked and not override:
            raise Blocked("the policy stands in the way", checks=plan.blocked)
        self.did.append((plan, override))
        return Done(plan=plan, state=self.ends, error="" if self.ends is State.APPLIED else "the server is away")

    def resume(self, action: str = "", on_step: Hear = print) -> list[Done]:
        self.resumed.append(action)
        ended = [Done(plan=plan, state=State.APPLIED) for plan in self.begun if plan.id == action]
        self.begun = [plan for plan in self.begun if plan.id != action]
        return ended

    def open_actions(self) -> list[Plan]:
        return self.begun

    def timeline(self, registry: str, model: str) -> list[Holding]:
        return [one for one in self.held_ones if (one.registry, one.model) == (registry, model)]

    def held(self, registry: str, model: str, alias: str, at: float | None = None) -> Holding:
        found = [one for one in self.timeline(registry, model) if one.alias == alias and one.until is None]
        return found[0] if found else Holding(registry=registry, model=model, alias=alias, source="unknown")

    def log(self, *, limit: int = 200, before: int | None = None, registry: str = "", model: str = "") -> list[Entry]:
        found = [one for one in self.entries if registry in ("", one.registry) and model in ("", one.model)]
        return found[:limit]

    def report(self, row: VersionRow, alias: str, folder: Path, *, picture: str = "") -> list[Path]:
        self.reported.append((row.name, alias, str(folder)))
        assert picture.startswith("<svg")
        return [folder / name for name in ("review.md", "review.json", "junit.xml", "screen.svg")]


def history(rows: Mapping[str, VersionRow]) -> tuple[list[Holding], list[Entry]]:
    """Return the past of `prod` and `staging` of a model, by the names of its versions."""
    approval = Approval(by="sven <sven@example.com>", at=NOW - 13 * DAY, what="approved")

    def held(alias: str, name: str, since: float | None, until: float | None, **more: object) -> Holding:
        row = rows[name]
        fields: dict[str, object] = {
            "registry": row.registry, "model": row.model, "alias": alias, "subject": subject(row),
            "since": NOW - since * DAY if since is not None else None,
            "until": NOW - until * DAY if until is not None else None, "by": "ola", "source": "observed",
        }  # fmt: skip
        return Holding(**{**fields, **more})  # type: ignore[arg-type]

    holdings = [
        held("prod", "v17", 12, None, source="action", action="7", by="mira", reason="better auc",
             approvals=(approval,), deployed=(Running(where="prod-eu", name="v14", same=False),)),
        held("prod", "v14", 30, 12),
        held("prod", "v12", None, 30, source="unknown", by=""),
        held("staging", "v19", 2, None, by="ci"),
    ]  # fmt: skip
    entries = [
        Entry(number=9, event="9" * 32, kind="requested", at=NOW - 3600, by="ola", host="gpu-1", registry="prod",
              model="fraud-scorer", alias="prod", after="v19", text="please look"),
        Entry(number=7, event="7" * 32, kind="promote", at=NOW - 12 * DAY, by="mira", host="gpu-1", registry="prod",
              model="fraud-scorer", alias="prod", before="v14", after="v17", action="a" * 32, undoable=True,
              command="lineal promote fraud-scorer@v17 --to prod", checks=(LATENCY,), signer="SHA256:7c1f"),
        Entry(number=3, event="3" * 32, kind="note", at=NOW - 20 * DAY, by="sven", host="gpu-1", registry="prod",
              model="fraud-scorer", text="drift seen"),
    ]  # fmt: skip
    return holdings, entries
