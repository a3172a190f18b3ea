"""A plan is carried out: judged again, written down, applied step by step, and ended whole or taken back.

Over several registries there is no transaction. A plan is applied whole, or what was done of it is taken back, or it is
visibly incomplete; a process that dies leaves a started event with all that is needed to end it (`resume`).
"""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING

import msgspec

from lineal.actions import contents, running
from lineal.actions.planning import hashed
from lineal.actions.recording import Detail, FileHash, decode, derived
from lineal.errors import Blocked, Conflict, Error, NotFound
from lineal.ledger import events
from lineal.ledger.events import Event
from lineal.model.changes import Change, Register, Say, SetAlias, Stamp
from lineal.model.listing import VersionRow
from lineal.model.plan import CheckResult, Done, Outcome, Plan, State
from lineal.policy.rules import Gate, applies

if TYPE_CHECKING:
    from lineal.actions.desk import Desk

_ALIVE = 600.0  # seconds for which a started action of another machine is taken to be running still
JUDGED = frozenset({"promote", "alias", "rollback"})
Tell = Callable[[str], None]


class _Far(Enum):
    """How far a change of an action got."""

    LEFT = auto()
    DONE = auto()
    FOREIGN = auto()  # neither: somebody else changed it since


class Executor:
    """Carries out the plans of one desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._work = desk.work

    def execute(
        self,
        plan: Plan,
        *,
        override: str = "",
        on_step: Tell = lambda _: None,
        stop: threading.Event | None = None,
    ) -> Done:
        """Carry a plan out.

        Raises:
            Blocked: the policy or read-only mode does not let it through, and no reason to override was given.
            Conflict: something is otherwise than the plan says; nothing was changed.
            NotFound, RegistryError: a registry; what was done is taken back, or where that cannot be seen the action
                stays open (`resume`). StoreError: the ledger.
        """
        self._desk.guard()
        if all(isinstance(change, Say) for change in plan.changes):
            return self._said(plan, on_step)
        plan = self.judged(plan, on_step, stop)
        if plan.blocked and not override:
            why = "; ".join(_why(one) for one in plan.blocked[:3])
            more = f" and {len(plan.blocked) - 3} more" if len(plan.blocked) > 3 else ""
            raise Blocked(
                f"{plan.title}: refused by the policy: {why}{more}",
                hint='`lineal check` shows all; --override "reason" goes past them, and is recorded',
                checks=plan.blocked,
            )
        self._unchanged(plan)
        on_step("writing down what is about to be done")
        files = self._hashes(plan)
        plan = msgspec.structs.replace(plan, content=contents.content(files))
        detail = Detail(
            action=plan.action,
            title=plan.title,
            subject=plan.subject,
            incumbent=plan.incumbent,
            changes=plan.changes,
            checks=plan.checks,
            files=files,
            override=override if plan.blocked else "",
            policy=plan.policy,
        )
        recorder = self._desk.recorder()
        entry = recorder.begin(plan, detail, self._desk.named(plan.subject.registry))
        assert entry is not None
        return self._apply(plan, entry.event, on_step)

    def judged(self, plan: Plan, on_step: Tell = lambda _: None, stop: threading.Event | None = None) -> Plan:
        """Judge a plan again as things are now, with what takes long: commands are run, bytes are read."""
        if plan.action not in JUDGED or not plan.subject or not _after(plan):
            return plan
        row = self._desk.row(plan.subject.registry, plan.subject.model, plan.subject.key)
        if any(check.id == "held" for check in plan.checks):
            return self._proved(plan, on_step)
        return self.ran(
            plan, row, applies(self._work.config.policy, row.registry, row.model, plan.alias), on_step, stop
        )

    def ran(
        self, plan: Plan, row: VersionRow, gates: Sequence[Gate], on_step: Tell, stop: threading.Event | None
    ) -> Plan:
        """Judge a version with what takes long: the gates' commands are run, its bytes are read."""
        version, registry = self._work.whole(row), self._work.registry(row.registry)
        asked = tuple(dict.fromkeys(one for gate in gates for one in gate.commands))
        found = {}
        if asked and self._desk.trusts():
            environ = self._work.around.environ
            try:
                found = running.run(asked, version, registry, self._work.root, environ, on_step, stop)
            except Error as error:
                failed = running.explained(error)
                found = {one.name: msgspec.structs.replace(failed, name=one.name) for one in asked}
        verified = None
        if any(gate.files.verified for gate in gates):
            on_step("reading the bytes and comparing them with their hashes")
            recorded = self._desk.provable(row)[0] or hashed(version, plan, self._desk)
            verified = contents.prove(recorded, version, registry).equal
        return self._desk.planner.judged(plan, row, gates, found, verified)

    def _proved(self, plan: Plan, on_step: Tell) -> Plan:
        """Compare the bytes of a version that an alias goes back to with those that were promoted."""
        row = self._desk.row(plan.subject.registry, plan.subject.model, plan.subject.key)
        recorded, whose = self._desk.provable(row)
        if not recorded:
            return plan
        on_step(f"reading the bytes and comparing them with those {whose}")
        proof = contents.prove(recorded, self._work.whole(row), self._work.registry(row.registry))
        others = [check for check in plan.checks if check.id != "files.verified"]
        if proof.changed:
            outcome, reason = Outcome.FAIL, f"{len(proof.changed)} changed: {', '.join(proof.changed[:5])}"
        elif proof.unread:
            outcome, reason = Outcome.PASS, f"unverified, {len(proof.unread)} could not be read: {proof.unread[0]}"
        else:
            outcome, reason = Outcome.PASS, f"{len(recorded)} files read, all equal"
        check = CheckResult(
            id="files.verified",
            title=f"bytes are those {whose}",
            outcome=outcome,
            reason=reason,
            evidence="\n".join((*proof.changed, *proof.unread)),
        )
        notes = (*plan.notes, f"unverified: {proof.unread[0]}") if proof.unread and not proof.changed else plan.notes
        return msgspec.structs.replace(plan, checks=(*others, check), verified=proof.equal, notes=notes)

    def _unchanged(self, plan: Plan) -> None:
        """Look whether everything still is as the plan says. Raises Conflict."""
        for change in plan.changes:
            if isinstance(change, Say):
                continue
            now = self._desk.registry_that(change.registry, type(change)).current(change)
            if now != change:
                raise Conflict(
                    f"{_about(change)} was changed by somebody else since this was planned: {self._now(now)}",
                    hint="look at the plan anew; nothing was changed",
                )

    def _now(self, change: Change) -> str:
        if isinstance(change, SetAlias):
            held = self._desk.subject(change.registry, change.model, change.before)
            return f"it is {held.name or 'nothing'} now"
        return "it is something else now"

    def _hashes(self, plan: Plan) -> tuple[FileHash, ...]:
        """Return the hashes that a promotion records, and nothing for other actions."""
        if plan.action not in JUDGED or not _after(plan):
            return ()
        row = self._desk.row(plan.subject.registry, plan.subject.model, plan.subject.key)
        return hashed(self._work.whole(row), plan, self._desk)

    # --- applying ---

    def _apply(self, plan: Plan, began: Event, on_step: Tell) -> Done:
        done: list[Change] = []
        receipts: list[str] = []
        for change in plan.changes:
            on_step(_about(change))
            try:
                receipts.append(self._one(change, began))
            except Error as error:
                if not self._settled(change, began, error):
                    state = self._take_back(done, began, error.message, on_step)
                    if state is State.REVERTED:
                        raise
                    return Done(plan=plan, state=state, receipts=tuple(receipts), error=error.message)
                receipts.append(f"applied, though its answer was lost: {_about(change)}")
            done.append(change)
        self._desk.recorder().end(events.APPLIED, began, plan.reason, tuple(receipts))
        hooks = self._desk.tell(plan, began)
        return Done(plan=plan, state=State.APPLIED, receipts=tuple(receipts), hooks=hooks)

    def _one(self, change: Change, began: Event) -> str:
        """Apply one change; the ledger learns of an alias that another registry holds."""
        stamp = self._stamp(began.id, began)
        if isinstance(change, Say):
            raise Conflict("what is said is not applied to a registry")
        receipt = self._desk.registry_that(change.registry, type(change)).apply(change, stamp)
        self._note_move(change, began)
        return "; ".join((*receipt.calls, receipt.detail)).rstrip("; ")

    def _settled(self, change: Change, began: Event, error: Error) -> bool:
        """Look whether a change whose answer was lost was applied all the same.

        Raises:
            Error: that cannot be seen either. The action stays open: `resume` ends it.
        """
        if isinstance(error, Conflict | NotFound):
            return False
        try:
            far = self._far(change)
        except Error:
            raise error from None
        if far is not _Far.DONE:
            return False
        self._note_move(change, began)
        return True

    def _note_move(self, change: Change, began: Event) -> None:
        if isinstance(change, SetAlias) and not self._desk.is_own(change.registry):
            self._desk.recorder().moved(change, began, self._desk.named(change.registry))

    def _stamp(self, action: str, began: Event) -> Stamp:
        return self._desk.stamp(action, began.at, began.message)

    def _take_back(self, done: Sequence[Change], began: Event, why: str, on_step: Tell) -> State:
        """Undo what was done, the last first, and write down how that went."""
        left: list[str] = []
        for change in reversed(done):
            inverse = change.inverse()
            on_step(f"taking back: {_about(change)}")
            stamp = self._stamp(derived(began.id, "taken back"), began)
            try:
                self._desk.registry_that(inverse.registry, type(inverse)).apply(inverse, stamp)
                self._note_move(inverse, msgspec.structs.replace(began, id=derived(began.id, "taken back")))
            except Error as error:
                left.append(f"{_about(change)}: {error.message}")
        state = State.INCOMPLETE if left else State.REVERTED
        kind = events.INCOMPLETE if left else events.REVERTED
        self._desk.recorder().end(kind, began, "; ".join([why, *left]))
        return state

    def _said(self, plan: Plan, on_step: Tell) -> Done:
        """Write down what is said: each is one event, whole by itself."""
        recorder = self._desk.recorder()
        receipts = []
        began: Event | None = None
        for change in plan.changes:
            assert isinstance(change, Say)
            on_step(_about(change))
            detail = Detail(
                action=plan.action, title=plan.title, subject=plan.subject, changes=plan.changes, checks=plan.checks
            )
            entry = recorder.say(change, plan, self._desk.named(change.registry), detail)
            assert entry is not None
            began = began or entry.event
            receipts.append(f"entry {entry.number:,} of the ledger")
        hooks = self._desk.tell(plan, began) if began else ()
        return Done(plan=plan, state=State.APPLIED, receipts=tuple(receipts), hooks=hooks)

    # --- resuming ---

    def resume(self, began: Event, on_step: Tell = lambda _: None) -> Done:
        """End an action that has not ended: go on where that is possible, else take it back.

        Raises:
            Conflict: its process seems to run still.
            NotFound, RegistryError: a registry; it stays as it is, and can be resumed again.
        """
        self._desk.guard()
        detail = decode(began)
        self._not_running(began, detail)
        done: list[Change] = []
        left: list[Change] = []
        foreign: list[str] = []
        for change in detail.changes:
            match self._far(change):
                case _Far.LEFT:
                    left.append(change)
                case _Far.DONE:
                    done.append(change)
                case _Far.FOREIGN:
                    foreign.append(_about(change))
        plan = Plan(
            id=began.id,
            action=detail.action,
            title=detail.title,
            at=began.at,
            by=began.by,
            subject=detail.subject,
            alias=began.alias,
            incumbent=detail.incumbent,
            checks=detail.checks,
            reason=began.message,
            command=began.command,
            undoes=began.undoes,
        )
        if foreign:
            why = f"changed by somebody else meanwhile: {', '.join(foreign)}"
            state = self._take_back(done, began, why, on_step)
            return Done(plan=plan, state=state, error=why)
        for change in done:
            self._note_move(change, began)
        receipts = [f"was done already: {_about(change)}" for change in done]
        for change in left:
            on_step(_about(change))
            try:
                receipts.append(self._one(change, began))
            except Conflict:
                if not isinstance(change, Register):  # which may have been made without anybody writing it down
                    raise
                receipts.append(f"was done already: {_about(change)}")
        self._desk.recorder().end(events.APPLIED, began, began.message, tuple(receipts))
        return Done(plan=plan, state=State.APPLIED, receipts=tuple(receipts), hooks=self._desk.tell(plan, began))

    def _far(self, change: Change) -> _Far:
        """Say how far a change got, as its registry is now."""
        now = self._desk.registry_that(change.registry, type(change)).current(change)
        if now == change:
            return _Far.LEFT
        return _Far.DONE if _is_done(now, change) else _Far.FOREIGN

    def _not_running(self, began: Event, detail: Detail) -> None:
        age = self._work.around.clock() - began.at
        if began.host == platform.node():
            alive = detail.pid > 0 and detail.pid != os.getpid() and _is_alive(detail.pid)
        else:
            alive = 0 <= age < _ALIVE
        if alive and 0 <= age < _ALIVE:
            raise Conflict(
                f"{detail.title}: it seems to be running still, on {began.host}",
                hint=f"wait for it; after {_ALIVE / 60:.0f} minutes it is taken for dead",
            )


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _after(plan: Plan) -> bool:
    """Say whether a plan points an alias at something, rather than taking it away."""
    return any(isinstance(change, SetAlias) and change.after for change in plan.changes)


def _is_done(now: Change, change: Change) -> bool:
    """Say whether what a registry holds now is what a change was to bring about."""
    if isinstance(change, SetAlias) and isinstance(now, SetAlias):
        return now.before == change.after
    before, after = getattr(now, "before", None), getattr(change, "after", None)
    if isinstance(before, tuple) and isinstance(after, tuple):
        return set(before) == set(after)
    return before == after


def _about(change: Change) -> str:
    match change:
        case SetAlias():
            return f"{change.registry}:{change.model}@{change.alias}"
        case Say():
            return f"{change.what} {change.model} {change.alias}".rstrip()
        case _:
            return f"{type(change).__name__.lower()} of {change.registry}:{change.model}"


def _why(check: CheckResult) -> str:
    return f"{check.title} ({check.reason})" if check.reason else check.title
