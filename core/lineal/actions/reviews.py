"""What waits for a review, what a version may become, and the record as a person reads it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import msgspec

from lineal.actions.history import spoken
from lineal.actions.recording import decode
from lineal.errors import Error
from lineal.ledger import events
from lineal.ledger.events import Entry as Written
from lineal.ledger.events import Event
from lineal.ledger.folding import State
from lineal.model.listing import VersionRow
from lineal.model.plan import Entry, Holding, Plan, Review, Running, Step, Subject
from lineal.model.records import Confidence, EdgeKind, Node, NodeKind
from lineal.model.reference import Reference, Selector, SelectorKind, canonical
from lineal.policy.rules import applies

if TYPE_CHECKING:
    from lineal.actions.desk import Desk

LIVE = frozenset({"prod", "production", "champion", "live", "latest"})  # aliases for what is in use
USUAL = ("staging", "prod", "production", "champion")  # aliases that are offered where nobody names one
_UNDOABLE = frozenset({events.STARTED, events.WITHDRAWN, *events.SAYINGS})


class Reviews:
    """Reads the ledger and the index for one desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._work = desk.work

    def inbox(self) -> list[Review]:
        """Return open requests: neither granted, nor rejected since, nor withdrawn."""
        state = self._desk.state()
        last = {(one.registry, one.model, one.version, one.alias): one for one in state.sayings(events.REQUESTED)}
        found = []
        for event in last.values():
            registry = self._desk.unnamed(event.registry)
            said = state.said(event.registry, event.model, event.version)
            later = said[[one.id for one in said].index(event.id) + 1 :]
            if any(one.kind == events.REJECTED and one.alias == event.alias for one in later):
                continue
            moves = state.moves(event.registry, event.model, event.alias)
            held = self._desk.held(registry, event.model, event.alias)
            if held.subject.key == event.version or any(
                move.after == event.version and move.at >= event.at for move in moves
            ):
                continue
            found.append(
                Review(
                    subject=self._desk.subject(registry, event.model, event.version),
                    alias=event.alias,
                    incumbent=held.subject,
                    incumbent_since=held.since,
                    asked_by=event.by,
                    asked_at=event.at,
                    text=event.message,
                    approvals=tuple(one for one in spoken(said, event.alias) if one.what != events.REQUESTED),
                    mine=event.by == self._desk.who,
                )
            )
        return sorted(found, key=lambda one: one.asked_at)

    def targets(self, row: VersionRow) -> list[str]:
        """Return the aliases that a version may get: asked for, next by the policy, the model's own, the usual ones."""
        state = self._desk.state()
        said = state.said(self._desk.named(row.registry), row.model, row.key)
        asked = [one.alias for one in said if one.kind == events.REQUESTED]
        policy = self._work.config.policy
        gates = [gate for gate in policy.gates if any(self._stands(gate.alias, row, name) for name in gate.alias)]
        named = [name for gate in gates for name in gate.alias if not set(name) & set("*?[")]
        order = {name: place for place, name in enumerate(USUAL)}
        has = set(row.aliases)
        for gate in gates:  # the one that comes after what it has
            named.sort(key=lambda name, gate=gate: not (gate.after in has and name in gate.alias))  # type: ignore[misc]
        known = self._work.index.history(row.registry, row.model).aliases
        own = sorted(
            (one.name for one in known if one.kind not in ("branch", "tag")), key=lambda name: order.get(name, 9)
        )
        archives = {gate.archive for gate in policy.gates if gate.archive}
        every = dict.fromkeys([*reversed(asked), *named, *own, *USUAL])
        return [name for name in every if name not in has and name not in archives]

    def _stands(self, patterns: tuple[str, ...], row: VersionRow, name: str) -> bool:
        return bool(patterns) and bool(applies(self._work.config.policy, row.registry, row.model, name))

    def twin(self, row: VersionRow, registry: str, model: str) -> VersionRow | None:
        """Return the version of another registry with the same bytes, else with the same name."""
        node = Node(NodeKind.VERSION, row.registry, row.model, row.key)
        index = self._work.index
        near = [*index.parents([node]).get(node, []), *index.children([node]).get(node, [])]
        for one in near:
            same = one.kind is EdgeKind.COPIED and one.confidence is Confidence.PROVED
            if same and one.version and (one.version.registry, one.version.model) == (registry, model):
                return one.version
        try:
            selector = Selector(SelectorKind.VERSION, row.name)
            return index.resolve(Reference(registry=registry, model=model, selector=selector))
        except Error:
            return None

    def check(
        self,
        row: VersionRow,
        alias: str,
        *,
        run: bool,
        on_step: Callable[[str], None],
        stop: threading.Event | None,
    ) -> Plan:
        """Judge a version for an alias, whether or not the registry could be changed and whoever holds it."""
        planner = self._desk.planner
        gates = applies(self._work.config.policy, row.registry, row.model, alias)
        held = self._desk.held(row.registry, row.model, alias).subject
        plan = Plan(
            id="",
            action="check",
            title=f"check {row.model} {row.name} for {alias}",
            at=self._work.around.clock(),
            by=self._desk.who,
            subject=self._desk.subject_of(row),
            alias=alias,
            incumbent=held if held.key != row.key else Subject(),
            command=f"lineal check {canonical(row.registry, row.model, row.name)} --for {alias}",
        )
        if not run:
            return planner.judged(plan, row, gates)
        return self._desk.ran(plan, row, gates, on_step, stop)

    def opened(self, began: Event) -> Plan:
        """Return an action that began and has not ended, as a plan."""
        detail = decode(began)
        return Plan(
            id=began.id,
            action=detail.action,
            title=detail.title,
            at=began.at,
            by=began.by,
            subject=detail.subject,
            alias=began.alias,
            incumbent=detail.incumbent,
            steps=tuple(Step(change=change) for change in detail.changes),
            checks=detail.checks,
            reason=began.message,
            command=began.command,
            undoes=began.undoes,
        )

    def running(self, holding: Holding) -> Holding:
        """Return what an alias held, with where it is said to run now, and counterparts that differ."""
        if holding.until is not None:
            return holding
        state = self._desk.state()
        named = self._desk.named(holding.registry)
        last: dict[str, Event] = {}
        for event in state.sayings(events.DEPLOYED):
            if (event.registry, event.model) != (named, holding.model):
                continue
            if event.where not in last or last[event.where].at <= event.at:
                last[event.where] = event
        told = []
        aliases = {about[2] for about in state.moved(named) if about[1] == holding.model} | {holding.alias}
        aliases |= {one.name for one in self._work.index.history(holding.registry, holding.model).aliases}
        for where, event in sorted(last.items()):
            if not _belongs(where, holding.alias, aliases):
                continue
            subject = self._desk.subject(holding.registry, holding.model, event.version)
            told.append(Running(where=where, name=subject.name, same=event.version == holding.subject.key))
        told += self._apart(holding)
        return msgspec.structs.replace(holding, deployed=tuple(told))

    def _apart(self, holding: Holding) -> list[Running]:
        """Say where a counterpart's alias stands for another version."""
        gates = applies(self._work.config.policy, holding.registry, holding.model, holding.alias)
        row = self._desk.find(holding.registry, holding.model, holding.subject.key)
        told = []
        for other in dict.fromkeys(one for gate in gates for one in gate.counterparts):
            name = canonical(other.registry, other.model)
            book = self._desk.book(other.registry)
            there = book.held(other.registry, other.model, holding.alias, None).subject
            twin = self.twin(row, other.registry, other.model) if row else None
            if there.key != (twin.key if twin else ""):
                where = f"{name}@{holding.alias}"
                told.append(Running(where=where, name=there.name, same=False, counterpart=True))
        return told

    def log(self, limit: int, before: int | None, registry: str, model: str, *, every: bool) -> list[Entry]:
        """Return entries of the ledger, the newest first; an action that ended well is one line unless `every`."""
        shelf, state = self._desk.chronicle(), self._desk.state()
        found: list[Entry] = []
        named = self._desk.named(registry) if registry else ""
        for written in shelf.ledger.back(before) if shelf else ():
            event = written.event
            about = event.kind in (events.OBSERVED, events.WATCHED)
            if registry and event.registry != named:
                continue
            if not every and (event.kind == events.APPLIED or (event.kind == events.ALIAS and event.action)):
                continue
            if model and event.model != model and not any(move.model == model for move in event.moves):
                continue
            if about and event.kind == events.OBSERVED:
                found += [
                    self._moved(written, place) for place, move in enumerate(event.moves) if model in ("", move.model)
                ]
            else:
                found.append(self._entry(written, state))
            if len(found) >= limit:
                break
        return found[:limit]

    def _moved(self, written: Written, place: int) -> Entry:
        event, move = written.event, written.event.moves[place]
        registry = self._desk.unnamed(event.registry)
        book = self._desk.book(registry)
        return Entry(
            number=written.number,
            event=event.id,
            kind=event.kind,
            at=event.at,
            by=event.by,
            host=event.host,
            registry=registry,
            model=move.model,
            alias=move.alias,
            before=book.subject(registry, move.model, move.before).name,
            after=book.subject(registry, move.model, move.after).name,
            text="seen by a sync",
        )

    def _entry(self, written: Written, state: State) -> Entry:
        event = written.event
        registry = self._desk.unnamed(event.registry)
        book = self._desk.book(registry)
        detail = decode(event)
        identity = event.action or event.id
        text = event.message or detail.title or "; ".join(detail.receipts)
        if event.kind == events.DEPLOYED:
            text = f"{event.where} {event.message}".rstrip()
        if event.kind == events.WATCHED:
            text = "from now on it is seen when its aliases move"
        if event.kind == events.STARTED and identity in state.open:
            text = f"NOT ENDED (`lineal resume`): {text}"
        if detail.override:
            text = f"OVERRIDE: {detail.override}; {text}"
        undoable = event.kind in _UNDOABLE and bool(detail.changes) and identity not in state.undone
        return Entry(
            number=written.number,
            event=event.id,
            kind=detail.action or event.kind,
            at=event.at,
            by=event.by,
            host=event.host,
            registry=registry if event.model or event.kind == events.WATCHED else "",
            model=event.model,
            alias=event.alias,
            before=book.subject(registry, event.model, event.before).name if event.before else "",
            after=book.subject(registry, event.model, event.version).name if event.version else "",
            text=text,
            action=identity if event.kind in _UNDOABLE else event.action,
            command=event.command,
            signer=_signer(event),
            checks=detail.checks,
            undoable=undoable and identity not in state.open,
        )


def _belongs(where: str, alias: str, aliases: Collection[str]) -> bool:
    """Say whether a place belongs to an alias: `prod-eu` to `prod`; what bears no alias' name to the live ones."""
    named = [one for one in aliases if re.fullmatch(rf"{re.escape(one)}([-_./ ].*)?", where)]
    return alias == max(named, key=len) if named else alias in LIVE


def _signer(event: Event) -> str:
    if not event.signature:
        return ""
    from lineal.ledger.signing import fingerprint

    try:
        return fingerprint(event.signature)
    except Error:
        return "damaged signature"
