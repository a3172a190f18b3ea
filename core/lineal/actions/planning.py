"""What an action would do: its changes as the registries are now, its checks, and what a reader must know first."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from lineal.actions import contents, running
from lineal.actions.differences import differences
from lineal.actions.gathering import Case
from lineal.actions.recording import Detail, FileHash, fresh
from lineal.errors import ConfigError, Conflict, NotFound, Unsupported
from lineal.model.changes import Change, Register, Restore, Say, SetAlias, SetTags, Stamp
from lineal.model.listing import VersionRow
from lineal.model.plan import CheckResult, Difference, Outcome, Plan, Step, Subject
from lineal.model.records import AliasKind
from lineal.model.reference import canonical
from lineal.model.values import Tag
from lineal.model.version import Version
from lineal.policy.facts import CommandResult
from lineal.policy.rules import Gate, applies

if TYPE_CHECKING:
    from lineal.actions.desk import Desk

RACE = "{registry} cannot compare and set: somebody may come in between the last look and the write"
UNVERIFIED = "unverified: neither its promotion nor its registry left a hash of these files"


class Planner:
    """Makes plans for one desk. Nothing here changes anything."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._work = desk.work

    # --- moving aliases ---

    def promote(self, row: VersionRow, alias: str, *, action: str = "promote", reason: str = "") -> Plan:
        """Plan that a version gets an alias, with what the policy wants to go with it."""
        gates = applies(self._work.config.policy, row.registry, row.model, alias)
        main = self._move(row.registry, row.model, alias, row.key)
        if main.before == main.after:
            raise Conflict(f"{row.model}@{alias} is {row.name} already", hint="there is nothing to do")
        moves = [main, *self._archived(main, gates)]
        notes: list[str] = []
        for counterpart in dict.fromkeys(one for gate in gates for one in gate.counterparts):
            move, said = self._counterpart(row, counterpart.registry, counterpart.model, alias)
            notes += said
            moves += [move] if move else []
        verb = "promote" if action == "promote" else "alias"
        command = f"lineal {verb} {shlex.quote(self._reference(row))} {'--to ' if verb == 'promote' else ''}{alias}"
        plan = self._plan(action, row, alias, moves, reason=reason, command=command, notes=notes)
        return self.judged(plan, row, gates)

    def remove(self, row: VersionRow, alias: str, *, reason: str = "") -> Plan:
        """Plan that an alias is taken away."""
        change = self._move(row.registry, row.model, alias, "")
        if not change.before:
            raise NotFound(f"{row.model} has no alias {alias!r}", hint="`lineal show` lists them")
        command = f"lineal alias {shlex.quote(self._reference(row))} {shlex.quote(alias)} --remove"
        return self._plan("alias", row, alias, [change], reason=reason, command=command)

    def rollback(self, registry: str, model: str, alias: str, to: VersionRow | None, reason: str) -> Plan:
        """Plan that an alias goes back to what it held before, or to a version that is named."""
        now = self._move(registry, model, alias, "")
        if not now.before:
            raise NotFound(f"{model}@{alias} points at nothing", hint="`lineal log` shows what it pointed at")
        key = to.key if to else self._before(registry, model, alias, now.before)
        row = to or self._desk.row(registry, model, key)
        if row.key == now.before:
            raise Conflict(f"{model}@{alias} is {row.name} already", hint="there is nothing to go back to")
        change = self._move(registry, model, alias, row.key)
        command = f"lineal rollback {shlex.quote(canonical(registry, model))} --alias {shlex.quote(alias)}"
        command += f" --to {shlex.quote(self._reference(row))}" if to else ""
        plan = self._plan("rollback", row, alias, [change], reason=reason, command=command)
        held = self._held_before(registry, model, alias, row.key)
        if held is None:
            return self.judged(plan, row, applies(self._work.config.policy, registry, model, alias))
        proofs = self._proved(row)
        notes = () if proofs else (UNVERIFIED,)
        compared = self._compared(plan, row)
        return msgspec.structs.replace(compared, checks=(held, *proofs), notes=(*compared.notes, *notes))

    def _before(self, registry: str, model: str, alias: str, now: str) -> str:
        """Return the version that an alias held before the one that it holds."""
        for holding in self._desk.book(registry).holdings(registry, model, alias):
            if holding.subject.key and holding.subject.key != now:
                return holding.subject.key
        raise NotFound(
            f"what {model}@{alias} was before is not known",
            hint="name a version: `lineal rollback MODEL --alias ALIAS --to VERSION`",
        )

    def _held_before(self, registry: str, model: str, alias: str, key: str) -> CheckResult | None:
        """Say that a version held the alias before: then the gates let it through once, and need not again."""
        for one in self._desk.book(registry).holdings(registry, model, alias):
            if one.subject.key == key and one.since is not None:
                until = one.until if one.until is not None else self._work.around.clock()
                days = max(0.0, until - one.since) / 86400
                by = f", put there by {one.by}" if one.by else ""
                return CheckResult(
                    id="held",
                    title=f"was {alias} before",
                    outcome=Outcome.PASS,
                    reason=f"for {days:.1f} days{by}",
                )
        return None

    def _proved(self, row: VersionRow) -> tuple[CheckResult, ...]:
        """Say whether the bytes are to be compared with what was recorded when the version was promoted."""
        recorded, whose = self._desk.provable(row)
        if not recorded:
            return ()
        files = "1 file is" if len(recorded) == 1 else f"{len(recorded)} files are"
        return (
            CheckResult(
                id="files.verified",
                title=f"bytes are those {whose}",
                outcome=Outcome.PENDING,
                reason=f"{files} read and compared when it is confirmed",
            ),
        )

    def _archived(self, main: SetAlias, gates: Sequence[Gate]) -> list[SetAlias]:
        """Return the moves that give the version that goes the alias it shall have then."""
        names = dict.fromkeys(gate.archive for gate in gates if gate.archive and main.before)
        found = [self._move(main.registry, main.model, name, main.before) for name in names]
        return [change for change in found if change.before != change.after]

    def _counterpart(self, row: VersionRow, registry: str, model: str, alias: str) -> tuple[SetAlias | None, list[str]]:
        """Return the move of the same alias of a counterpart, and what to say about it."""
        twin = self._desk.twin(row, registry, model)
        name = canonical(registry, model)
        if twin is None:
            raise NotFound(
                f"{name} has no version with the bytes or the name of {row.name}",
                hint="register it there first, or take the counterpart out of the policy",
            )
        change = self._move(registry, model, alias, twin.key)
        held = self._desk.subject(registry, model, change.before)
        notes = [f"moves {name}@{alias} too: {held.name or 'nothing'} → {twin.name}"]
        if held and self._desk.diverges(row, alias, held):
            notes.append(f"{name}@{alias} and {row.registry}:{row.model}@{alias} were not the same version until now")
        return (change if change.before != change.after else None), notes

    def _move(self, registry: str, model: str, alias: str, key: str) -> SetAlias:
        """Return the move of an alias to a version, `before` as its registry says now."""
        if not alias or alias != alias.strip() or not alias.isprintable() or len(alias) > 200:
            raise ConfigError(f"{alias!r} is no name of an alias", hint="use letters, digits, `-`, `_` and `.`")
        found = self._desk.registry_that(registry, SetAlias)
        change = SetAlias(
            registry=registry, model=model, alias=alias, after=key, kind=self._kind(registry, model, alias)
        )
        current = found.current(change)
        assert isinstance(current, SetAlias)
        return current

    def _kind(self, registry: str, model: str, alias: str) -> AliasKind:
        """Return what kind of alias a registry has under a name: as the index knows it, else as its aliases are."""
        known = {one.name: one.kind for one in self._work.index.history(registry, model).aliases}
        kind = known.get(alias)
        if kind in (AliasKind.ALIAS, AliasKind.STAGE):
            return kind
        return AliasKind.STAGE if self._desk.kind(registry) == "dvc" else AliasKind.ALIAS

    # --- everything else ---

    def tag(self, row: VersionRow, sets: Mapping[str, str], removes: Sequence[str], reason: str) -> Plan:
        """Plan that a version gets other tags."""
        if not sets and not removes:
            raise ConfigError("there is no tag to set or to remove", hint="write key=value, or --remove key")
        after = tuple(Tag(key, value) for key, value in sets.items())
        asked = SetTags(
            registry=row.registry, model=row.model, key=row.key, before=tuple(Tag(key) for key in removes), after=after
        )
        change = self._desk.registry_that(row.registry, SetTags).current(asked)
        assert isinstance(change, SetTags)
        if set(change.before) == set(change.after):
            raise Conflict(f"{row.model} {row.name} has these tags already", hint="there is nothing to do")
        words = [f"{key}={value}" for key, value in sets.items()] + [f"--remove {key}" for key in removes]
        command = f"lineal tag {shlex.quote(self._reference(row))} {' '.join(map(shlex.quote, words))}"
        plan = self._plan("tag", row, "", [change], reason=reason, command=command)
        return msgspec.structs.replace(plan, checks=self._names(model=row.model, tags=tuple(sets)))

    def register(self, row: VersionRow, model: str, name: str, reason: str) -> Plan:
        """Plan that a version which is none yet becomes one of a model."""
        asked = Register(registry=row.registry, model=model, source=row.key, of=row.model, after=name)
        change = self._desk.registry_that(row.registry, Register).current(asked)
        command = f"lineal register {shlex.quote(self._reference(row))} --as {shlex.quote(model)}"
        command += f" --name {shlex.quote(name)}" if name else ""
        plan = self._plan("register", row, "", [change], reason=reason, command=command)
        return msgspec.structs.replace(plan, checks=self._names(model=model, version=name))

    def restore(self, row: VersionRow, branch: str, reason: str) -> Plan:
        """Plan that a tracked file is committed as it was at a version."""
        registry = self._desk.registry_that(row.registry, Restore)
        path, blob = tracked(self._work.whole(row), registry.spec.url)
        asked = Restore(registry=row.registry, model=row.model, path=path, branch=branch, after=blob, key=row.key)
        change = registry.current(asked)
        assert isinstance(change, Restore)
        if change.before == change.after:
            raise Conflict(f"{branch} has {path} as it was at {row.name} already", hint="there is nothing to do")
        command = f"lineal restore {shlex.quote(self._reference(row))} --branch {shlex.quote(branch)}"
        return self._plan("restore", row, "", [change], reason=reason, command=command)

    def say(self, row: VersionRow, what: str, alias: str, text: str, where: str) -> Plan:
        """Plan that something is written down about a version."""
        verb = {"requested": "request", "approved": "approve", "rejected": "reject"}.get(what, what)
        change = Say(
            registry=row.registry,
            model=row.model,
            key=row.key,
            what=what,
            alias=alias,
            text=text,
            where=where,
            event=fresh(),
        )
        words = ["lineal", verb, self._reference(row)]
        words += ["--for", alias] if alias else []
        words += ["--where", where] if where else []
        words += ["--reason" if alias else "--message", text] if text else []
        plan = self._plan(verb, row, alias, [change], reason=text, command=shlex.join(words))
        if what not in ("requested", "approved", "rejected"):
            return plan
        held = self._desk.held(row.registry, row.model, alias).subject
        plan = msgspec.structs.replace(plan, incumbent=held)
        return self.judged(plan, row, applies(self._work.config.policy, row.registry, row.model, alias))

    def undo(self, began: Detail, plan_id: str, subject: Subject, alias: str, reason: str) -> Plan:
        """Plan the inverse of an action: its changes backwards, each as its registry is now."""
        changes: list[Change] = []
        for change in reversed(began.changes):
            inverse = self._desk.inverse(change)
            if isinstance(inverse, Say):
                changes.append(inverse)
                continue
            now = self._desk.registry_that(inverse.registry, type(inverse)).current(inverse)
            if now != inverse:
                raise Conflict(
                    f"{began.title}: it was changed again since, and undoing it would undo that too",
                    hint="`lineal log` shows by whom; undo that first, or `lineal rollback --to VERSION`",
                )
            changes.append(inverse)
        first = next((change for change in changes if isinstance(change, SetAlias) and change.after), None)
        about = self._desk.subject(first.registry, first.model, first.after) if first else subject
        row = self._desk.find(about.registry, about.model, about.key)
        title, command = f"undo: {began.title}", f"lineal undo {plan_id[:12]}"
        plan = self._plan("undo", row, alias, changes, reason=reason, command=command, title=title, subject=about)
        plan = msgspec.structs.replace(plan, undoes=plan_id)
        return plan if row is None else self._compared(plan, row)

    # --- what they share ---

    def judged(
        self,
        plan: Plan,
        row: VersionRow,
        gates: Sequence[Gate],
        commands: Mapping[str, CommandResult] | None = None,
        verified: bool | None = None,
    ) -> Plan:
        """Return a plan with its checks, what differs, and who said what."""
        from lineal.policy.evaluate import evaluate

        policy = self._work.config.policy
        plan = self._compared(plan, row)
        if not gates and not policy:
            broken = self._work.config.policy_error
            note = "no policy: nothing is asked (`lineal policy init` writes one)"
            note = f"the policy cannot be read, so nothing was checked: {broken}" if broken else note
            return msgspec.structs.replace(plan, notes=(*plan.notes, note))
        found = dict(commands or {})
        asked = [one for gate in gates for one in gate.commands]
        missing = running.pending((one for one in asked if one.name not in found), self._desk.trusts())
        facts = self._desk.gatherer().facts(self._case(plan, row), gates, found | missing, verified)
        checks = evaluate(policy, facts)
        notes = plan.notes if gates else (*plan.notes, f"no gate of the policy stands before {plan.alias}")
        return msgspec.structs.replace(
            plan, checks=checks, approvals=facts.approvals, notes=notes, policy=policy.digest
        )

    def _case(self, plan: Plan, row: VersionRow) -> Case:
        held = self._desk.find(plan.incumbent.registry, plan.incumbent.model, plan.incumbent.key)
        return Case(
            row=row,
            version=self._work.whole(row),
            alias=plan.alias,
            incumbent=self._work.whole(held) if held else None,
            incumbent_name=plan.incumbent.name,
            named=self._desk.named(row.registry),
            kind=self._desk.kind(row.registry),
        )

    def _compared(self, plan: Plan, row: VersionRow) -> Plan:
        """Return a plan with what differs between the version and the one that it replaces."""
        held = self._desk.find(plan.incumbent.registry, plan.incumbent.model, plan.incumbent.key)
        if held is None or held.key == row.key:
            return plan
        found: tuple[Difference, ...] = differences(self._work, held, row)
        return msgspec.structs.replace(plan, differences=found)

    def _names(self, *, model: str, version: str = "", tags: Sequence[str] = ()) -> tuple[CheckResult, ...]:
        from lineal.policy.evaluate import evaluate_names

        return evaluate_names(self._work.config.policy, model=model, version=version, tags=tuple(tags))

    def _plan(
        self,
        action: str,
        row: VersionRow | None,
        alias: str,
        changes: Sequence[Change],
        *,
        reason: str,
        command: str,
        title: str = "",
        subject: Subject | None = None,
        notes: Sequence[str] = (),
    ) -> Plan:
        """Put a plan together: its calls, and what must be known of the registries that it touches."""
        identity, now = fresh(), self._work.around.clock()
        stamp = self._desk.stamp(identity, now, reason)
        steps = tuple(self._step(change, stamp) for change in changes)
        about = subject or (self._desk.subject_of(row) if row else Subject())
        first = next((change for change in changes if isinstance(change, SetAlias)), None)
        held = self._desk.subject(first.registry, first.model, first.before) if first and first.before else Subject()
        races = [RACE.format(registry=step.change.registry) for step in steps if not step.compares]
        said = f"{about.model} {about.name}"
        titles = {
            "promote": f"promote {said} to {alias}",
            "alias": f"{alias} of {about.model} → {about.name}"
            if first and first.after
            else f"take {alias} off {said}",
            "rollback": f"roll {about.model}@{alias} back to {about.name}",
            "request": f"ask for {said} to become {alias}",
            "approve": f"approve {said} for {alias}",
            "reject": f"reject {said} for {alias}",
        }
        return Plan(
            id=identity,
            action=action,
            title=title or titles.get(action, f"{action} {said}"),
            at=now,
            by=self._desk.who,
            subject=about,
            alias=alias,
            incumbent=held,
            steps=steps,
            notes=(*notes, *dict.fromkeys(races)),
            reason=reason,
            command=command,
            policy=self._work.config.policy.digest,
        )

    def _step(self, change: Change, stamp: Stamp) -> Step:
        if isinstance(change, Say):
            what = f"withdrawn: {change.what}" if change.withdrawn else change.what
            line = f"append to the ledger of {self._desk.place}: {what} {change.model} {change.key[:12]} {change.alias}"
            return Step(change=change, calls=(line.rstrip(),))
        registry = self._work.registry(change.registry)
        return Step(change=change, calls=registry.calls(change, stamp), compares=registry.compares)

    def _reference(self, row: VersionRow) -> str:
        return canonical(row.registry, row.model, row.name)


def tracked(version: Version, repository: str) -> tuple[str, str]:
    """Return the file of DVC that tracked a version's files at its commit, and that file's blob. Raises NotFound."""
    from lineal.formats.git import Git

    git = Git(repository)
    for file in version.files:
        path = PurePosixPath(file.path.rstrip("/"))
        above = [*path.parents]
        named = [f"{one}.dvc" for one in (path, *above[:-1])] + [str(folder / "dvc.lock") for folder in above]
        for candidate in named:
            blob = git.tried("rev-parse", "--verify", "--quiet", f"{version.key}:{candidate}")
            text = git.tried("cat-file", "blob", blob) if blob else None
            if blob and text and (file.digest is None or file.digest.hex in text):
                return candidate, blob
    raise NotFound(
        f"no file of DVC tracks {version.model} {version.name}", hint="only what DVC tracks can be restored by a commit"
    )


def hashed(version: Version, plan: Plan, desk: Desk) -> tuple[FileHash, ...]:
    """Return what is recorded of a version's files when it is promoted."""
    return contents.hashes(version, desk.work.registry(plan.subject.registry))


def refuse(registry: str, refusal: str, what: str) -> Unsupported:
    """Return the error of a registry that cannot make a change."""
    return Unsupported(f"{registry} cannot {what}: {refusal}", hint="`lineal registry ls` says what each can do")
