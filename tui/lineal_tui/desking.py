"""Actions for the worker: from a wish of a screen to the plan of the desk, and from its record to what is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import Protocol

from msgspec.structs import replace

from lineal.errors import Conflict, Error, NotFound
from lineal.model.listing import VersionRow
from lineal.model.plan import Done, Entry, Holding, Plan, Review, State, Subject
from lineal_tui import acts, keys
from lineal_tui.acts import Deed
from lineal_tui.holders import HOLDERS
from lineal_tui.places import Identity, identity

Hear = Callable[[str], None]
_LINES = 500
"""Lines of the log that History shows."""
_MODELS = 12
"""Models whose aliases are drawn where none was chosen."""
_SAID = {Deed.REQUEST: "requested", Deed.APPROVE: "approved", Deed.REJECT: "rejected", Deed.NOTE: "note"}
CHANGES = ("alias", "tag", "register", "say")
"""Kinds of change, as `Desk.can` calls them."""


class Desk(Protocol):
    """What the worker asks about changes; `lineal.actions.desk.Desk` is one."""

    def find(self, registry: str, model: str, key: str) -> VersionRow | None:
        """Return a version by its key, if the index holds it."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...

    @property
    def read_only(self) -> str:
        """Why nothing can be changed; "" where it can."""
        ...

    @property
    def who(self) -> str:
        """Whoever is here, as `name <mail>`."""
        ...

    def inbox(self) -> list[Review]:
        """Return the open requests for a review, oldest first."""
        ...

    def targets(self, row: VersionRow) -> list[str]:
        """Return the aliases that a version may be promoted to, likeliest first."""
        ...

    def can(self, registry: str, kind: str) -> str:
        """Say why a change of a kind cannot be made in a registry; "" where it can."""
        ...

    def promote(self, row: VersionRow, alias: str, *, reason: str = "") -> Plan:
        """Plan a promotion."""
        ...

    def move(self, row: VersionRow, alias: str, *, remove: bool = False, reason: str = "") -> Plan:
        """Plan that an alias is set, or taken away."""
        ...

    def rollback(
        self, registry: str, model: str, alias: str, *, to: VersionRow | None = None, reason: str = ""
    ) -> Plan:
        """Plan the way back, by default to the holder before."""
        ...

    def tag(self, row: VersionRow, sets: Mapping[str, str], removes: Sequence[str] = (), *, reason: str = "") -> Plan:
        """Plan other tags."""
        ...

    def say(self, row: VersionRow, what: str, *, alias: str = "", text: str = "", where: str = "") -> Plan:
        """Plan a request, an approval, a rejection or a note."""
        ...

    def check(self, row: VersionRow, alias: str, *, run: bool = True) -> Plan:
        """Judge a version for an alias, whether or not it could get it."""
        ...

    def undo(self, action: str = "", *, reason: str = "") -> Plan:
        """Plan the way back from an action."""
        ...

    def execute(self, plan: Plan, *, override: str = "", on_step: Hear = ..., stop: Event | None = None) -> Done:
        """Do what a plan says. Raises Blocked, Conflict, RegistryError."""
        ...

    def resume(self, action: str = "", on_step: Hear = ...) -> list[Done]:
        """End what was begun."""
        ...

    def open_actions(self) -> list[Plan]:
        """Return what was begun and not ended."""
        ...

    def timeline(self, registry: str, model: str) -> list[Holding]:
        """Return what every alias of a model held, newest first."""
        ...

    def held(self, registry: str, model: str, alias: str, at: float | None = None) -> Holding:
        """Return what an alias held at a time."""
        ...

    def log(self, *, limit: int = 200, before: int | None = None, registry: str = "", model: str = "") -> list[Entry]:
        """Return what was written down, newest first."""
        ...

    def report(self, row: VersionRow, alias: str, folder: Path, *, picture: str = "") -> list[Path]:
        """Write the evidence."""
        ...


def standing(desk: Desk, registries: Iterable[str]) -> acts.Standing:
    """Say who is here, and what may be changed; a ledger that cannot be read takes no change either."""
    read_only = desk.read_only
    begun: tuple[Plan, ...] = ()
    try:
        begun = tuple(desk.open_actions())
    except Error as error:
        read_only = read_only or error.message
    cannot = {
        (name, kind): why for name in registries for kind in CHANGES if (why := read_only or _why(desk, name, kind))
    }
    return acts.Standing(desk.who, read_only, cannot, begun)


def _why(desk: Desk, registry: str, kind: str) -> str:
    try:
        return desk.can(registry, kind)
    except Error as error:  # a registry that cannot be opened cannot be changed
        return error.message


def now(desk: Desk, row: VersionRow) -> VersionRow:
    """Return a version as the index has it now. Raises NotFound."""
    return _found(desk, identity(row))


def drawn(desk: Desk, request: acts.PlanRequest) -> acts.Drawn:
    """Plan a deed, and find what stands beside it on a screen."""
    if request.deed in (Deed.UNDO, Deed.RESUME):
        plan = (
            desk.undo(request.event, reason=request.text) if request.deed is Deed.UNDO else _begun(desk, request.event)
        )
        return _beside(desk, plan, ())
    if request.row is None:
        raise NotFound("there is no version to act on", hint="move the cursor to one")
    row = now(desk, request.row)
    aliases = aliases_for(desk, request, row)
    if request.deed is Deed.ROLLBACK and not request.alias:
        return _beside(desk, _first(desk, request, row, aliases), aliases)
    return _beside(desk, _plan(desk, request, row, request.alias or next(iter(aliases), "")), aliases)


def _first(desk: Desk, request: acts.PlanRequest, row: VersionRow, aliases: Sequence[str]) -> Plan:
    """Plan the way back of the first alias that has one; where none has, say why the likeliest has not."""
    why: Error | None = None
    for alias in aliases or [""]:
        try:
            return _plan(desk, request, row, alias)
        except (NotFound, Conflict) as error:
            why = why or error
    assert why is not None
    raise why


def aliases_for(desk: Desk, request: acts.PlanRequest, row: VersionRow) -> tuple[str, ...]:
    """Return the aliases that a deed could be about, likeliest first; none where it is about none."""
    if request.deed in (Deed.TAG, Deed.NOTE):
        return ()
    if request.deed is Deed.ALIAS:
        return (request.alias,)
    found = desk.targets(row)
    if request.deed is Deed.ROLLBACK:
        known = [*row.aliases, *found]
        found = [*_live_first(row.aliases), *_live_first(one for one in known if one.lower() in HOLDERS), *found]
    first = [request.alias] if request.alias else []
    return tuple(dict.fromkeys([*first, *found]))


def _live_first(aliases: Iterable[str]) -> list[str]:
    order = {name: i for i, name in enumerate(HOLDERS)}
    return sorted(aliases, key=lambda one: order.get(one.lower(), len(order)))


def _plan(desk: Desk, request: acts.PlanRequest, row: VersionRow, alias: str) -> Plan:
    if request.deed not in (Deed.TAG, Deed.NOTE) and not alias:
        raise NotFound(
            f"no alias is known for {row.model}",
            hint=f"{keys.shown('alias')} gives it one; gates of a policy in lineal.toml name more",
        )
    match request.deed:
        case Deed.PROMOTE if request.judged:
            return _judged(desk, row, alias)
        case Deed.PROMOTE:
            return desk.promote(row, alias, reason=request.text)
        case Deed.ALIAS:
            return desk.move(row, alias, remove=bool(request.removes), reason=request.text)
        case Deed.TAG:
            return desk.tag(row, dict(request.sets), request.removes, reason=request.text)
        case Deed.ROLLBACK:
            to = _found(desk, request.to) if request.to else None
            return desk.rollback(row.registry, row.model, alias, to=to, reason=request.text)
        case _:
            said = _SAID[request.deed]
            return desk.say(row, said, alias="" if said == "note" else alias, text=request.text)


def _judged(desk: Desk, row: VersionRow, alias: str) -> Plan:
    """Plan a promotion; where it cannot be made, judge it, and say why it cannot."""
    try:
        return desk.promote(row, alias)
    except Error as error:
        try:
            judged = desk.check(row, alias, run=False)
        except Error:
            raise error from None
        return replace(judged, notes=(error.message, *judged.notes))


def _found(desk: Desk, wanted: Identity) -> VersionRow:
    found = desk.find(*wanted)
    if found is None:
        raise NotFound(
            f"that version of {wanted[1]} is no longer in the index",
            hint=f"{keys.shown('sync')} reads its registry again",
        )
    return found


def _begun(desk: Desk, action: str) -> Plan:
    for plan in desk.open_actions():
        if plan.id == action or not action:
            return plan
    raise Conflict("no action is open any more", hint="somebody else has ended it")


def _beside(desk: Desk, plan: Plan, aliases: tuple[str, ...]) -> acts.Drawn:
    there = plan.incumbent
    if not there or not plan.alias:
        return acts.Drawn(plan=plan, aliases=aliases)
    held = desk.held(there.registry, there.model, plan.alias)
    rival = desk.find(there.registry, there.model, there.key)
    return acts.Drawn(plan=plan, aliases=aliases, since=held.since, rival=rival)


def execute(desk: Desk, request: acts.ExecuteRequest, hear: Hear) -> Done:
    """Do what a plan says, or end what was begun."""
    if not request.resumes:
        return desk.execute(request.plan, override=request.override, on_step=hear, stop=request.stop)
    done = desk.resume(request.plan.id, hear)
    return done[0] if done else Done(plan=request.plan, state=State.APPLIED)


def inbox(desk: Desk) -> tuple[acts.Waiting, ...]:
    """Return what waits for a review, with the versions as the index has them."""
    return tuple(acts.Waiting(review, _row(desk, review.subject)) for review in desk.inbox())


def _row(desk: Desk, subject: Subject) -> VersionRow | None:
    return desk.find(subject.registry, subject.model, subject.key) if subject else None


def record(desk: Desk, request: acts.RecordRequest) -> acts.RecordReady:
    """Return what happened to a model's aliases, or to those that the log speaks of."""
    entries = desk.log(limit=_LINES, registry=request.registry, model=request.model)
    named = dict.fromkeys((entry.registry, entry.model) for entry in entries if entry.model and entry.registry)
    models = [(request.registry, request.model)] if request.model else list(named)[:_MODELS]
    holdings = [holding for model in models for holding in desk.timeline(*model)]
    holdings.sort(key=lambda one: -(one.since if one.since is not None else float("-inf")))
    rows = [row for one in holdings if (row := _row(desk, one.subject))]
    return acts.RecordReady(request, tuple(holdings), tuple(entries), {identity(row): row for row in rows})


def report(desk: Desk, request: acts.ReportRequest) -> tuple[str, ...]:
    """Write the evidence; return the paths of what was written."""
    folder = Path(request.folder).expanduser()
    return tuple(
        str(path) for path in desk.report(now(desk, request.row), request.alias, folder, picture=request.picture)
    )
