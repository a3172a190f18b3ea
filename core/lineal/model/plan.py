"""Plans: what an action would do and whether it may. The screen previews this object, the command line prints it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from lineal.model.changes import Change, Say
from lineal.model.diff import Verdict
from lineal.model.values import Goal


class Outcome(StrEnum):
    """How a check came out."""

    PASS = "pass"
    FAIL = "fail"
    WAIT = "wait"  # not yet: an approval is missing, a time has not passed
    UNKNOWN = "unknown"  # what it needs is not recorded or cannot be reached
    UNTRUSTED = "untrusted"  # a command of the repository that nobody allowed to run here
    PENDING = "pending"  # a command that has not run yet: it runs when the action is confirmed, or by `lineal check`


class CheckResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One check of a policy: what was asked, how it came out, why, and what shows it. All text may be foreign."""

    id: str  # name.model, metric.auc, approvals, command.smoke ...
    title: str  # "auc ≥ 0.93, no worse than prod − 0.002"
    outcome: Outcome
    reason: str = ""  # "0.9412 against 0.9371"
    hint: str = ""  # what to do about it
    evidence: str = ""  # output of a command, a list of files, at most 64 KiB
    gate: str = ""  # which gate of the policy asks for it: "prod"
    value: float | None = None  # of a metric
    against: float | None = None

    @property
    def passed(self) -> bool:
        """Whether it stands in nobody's way."""
        return self.outcome is Outcome.PASS


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One change of a plan, and the exact calls that it makes."""

    change: Change
    calls: tuple[str, ...] = ()
    compares: bool = True  # whether the registry itself compares and sets; else somebody may come in between


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that differs between the candidate and the version it would replace, for a reader in a hurry."""

    facet: str  # metrics, params, environment, data, code, files
    name: str
    before: str
    after: str
    verdict: Verdict = Verdict.CHANGED
    goal: Goal | None = None
    delta: float | None = None
    note: str = ""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """A version that a plan is about. `name` is what people call it; all "" where there is none."""

    registry: str = ""
    model: str = ""
    key: str = ""
    name: str = ""
    reference: str = ""
    author: str = ""
    created_at: float | None = None

    def __bool__(self) -> bool:
        return bool(self.key)


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """What a reviewer said about a version and an alias, and whether it counts."""

    by: str
    at: float
    what: str  # requested, approved, rejected
    text: str = ""
    counts: bool = True
    why: str = ""  # it does not count: "the author", "not signed", "not an approver"
    signer: str = ""  # the fingerprint of the key, where the signature holds
    event: str = ""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """An action before it is taken.

    `checks` are those of the policy now; `execute` asks again. `digest` is the policy's and the candidate's content as
    they were judged: (policy, bytes).
    """

    id: str  # 32 hexadecimal digits; the id of the action in the ledger
    action: str  # promote, rollback, tag, alias, approve, reject, request, register, note, deployed, undo
    title: str
    at: float
    by: str
    subject: Subject = Subject()
    alias: str = ""
    incumbent: Subject = Subject()
    steps: tuple[Step, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    differences: tuple[Difference, ...] = ()
    approvals: tuple[Approval, ...] = ()
    notes: tuple[str, ...] = ()  # what a reader must know: "the bytes are not verified"
    reason: str = ""
    command: str = ""  # the same on the command line
    undoes: str = ""  # the id of the action that it takes back
    policy: str = ""  # digest of the policy it was judged by; "" where there is none
    content: str = ""  # digest over the candidate's files, as recorded at promotion
    verified: bool | None = None  # whether the bytes were compared with what was recorded; None where nobody asked

    @property
    def changes(self) -> tuple[Change, ...]:
        """What it changes."""
        return tuple(step.change for step in self.steps)

    @property
    def blocked(self) -> tuple[CheckResult, ...]:
        """The checks in its way. Commands that have not run yet are not; and nothing keeps anybody from saying."""
        if self.changes and all(isinstance(change, Say) for change in self.changes):
            return ()
        return tuple(one for one in self.checks if not one.passed and one.outcome is not Outcome.PENDING)


class State(StrEnum):
    """How far an action got."""

    APPLIED = "applied"
    REVERTED = "reverted"  # it failed, and what was done was taken back
    INCOMPLETE = "incomplete"  # it failed, and not everything could be taken back: `lineal resume`
    STARTED = "started"  # it runs, or its process died: `lineal resume`


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a plan. `receipts` are one line for each change."""

    plan: Plan
    state: State
    receipts: tuple[str, ...] = ()
    error: str = ""
    hooks: tuple[str, ...] = ()


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """One candidate in the inbox: somebody asked for `subject` to become `alias`."""

    subject: Subject
    alias: str
    incumbent: Subject = Subject()
    incumbent_since: float | None = None
    asked_by: str = ""
    asked_at: float = 0.0
    text: str = ""
    approvals: tuple[Approval, ...] = ()
    mine: bool = False  # asked for by whoever looks


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What a place that belongs to an alias is said to run, or what a counterpart of the alias stands for."""

    where: str  # prod-eu; gto:churn@prod
    name: str  # of the version; "" for none
    same: bool  # whether it is what the alias stands for
    counterpart: bool = False

    @property
    def text(self) -> str:
        """What a person reads."""
        other = "" if self.same else ", another version" if self.counterpart else ", not what the alias says"
        return f"{self.where} {'is' if self.counterpart else 'runs'} {self.name or 'nothing'}{other}"


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """An alias held a version from `since` until `until` (None: still does). `subject` is empty where none did."""

    registry: str
    model: str
    alias: str
    subject: Subject = Subject()
    since: float | None = None  # None: before anybody looked
    until: float | None = None
    by: str = ""
    source: str = ""  # action (by Lineal), observed (a sync saw it), registry (it keeps a history), now, unknown
    reason: str = ""
    action: str = ""  # the id of the action, where Lineal did it
    approvals: tuple[Approval, ...] = ()
    deployed: tuple[Running, ...] = ()


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log: an event of the ledger as a person reads it."""

    number: int
    event: str
    kind: str
    at: float
    by: str
    host: str = ""
    registry: str = ""
    model: str = ""
    alias: str = ""
    before: str = ""  # names of versions
    after: str = ""
    text: str = ""
    action: str = ""
    command: str = ""
    signer: str = ""
    checks: tuple[CheckResult, ...] = ()
    undoable: bool = False
