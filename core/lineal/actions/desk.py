"""What the screen, the command line and CI ask of the actions: plans, their execution, and the record of both.

    with open_workspace() as work:
        desk = Desk(work)
        plan = desk.promote(work.version("churn@v41"), "prod")
        print(plan.blocked or desk.execute(plan).receipts)

One thread at a time. The ledger is that of the workspace's own store, which the first action makes.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from email.utils import parseaddr
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from lineal.actions import contents, lookup
from lineal.actions.basis import Basis
from lineal.actions.executing import Executor
from lineal.actions.gathering import Gatherer, Signatures, in_workspace
from lineal.actions.history import Book
from lineal.actions.lookup import missing
from lineal.actions.planning import Planner, refuse
from lineal.actions.recording import FileHash, Recorder, fresh
from lineal.actions.reviews import Reviews
from lineal.actions.trust import Trust, digest
from lineal.errors import NotFound
from lineal.formats.people import author
from lineal.ledger.events import Event
from lineal.ledger.folding import State
from lineal.model.changes import Change, Register, Restore, Say, SetAlias, SetTags, Stamp
from lineal.model.listing import VersionRow
from lineal.model.plan import Done, Entry, Holding, Plan, Review, Subject
from lineal.model.reference import canonical
from lineal.policy.rules import Gate
from lineal.registries.base import Registry

if TYPE_CHECKING:
    from lineal.ledger.opening import Chronicle
    from lineal.workspace import Workspace

_KINDS: dict[str, type[Change]] = {"alias": SetAlias, "tag": SetTags, "register": Register, "restore": Restore}


class Desk:
    """The actions of one workspace."""

    def __init__(self, work: Workspace, basis: Basis | None = None) -> None:
        """Open the desk; `basis` is what CI judges by, where that is not the work tree."""
        self.work = work
        self._basis = basis or Basis(read=in_workspace(work.root))
        self._chronicle: Chronicle | None = None
        self.planner = Planner(self)
        self._executor = Executor(self)
        self._reviews = Reviews(self)

    # --- who, where, and whether ---

    @cached_property
    def who(self) -> str:
        """Whoever runs this: `Name <mail>`, or a name."""
        return author(self.work.around)

    @property
    def read_only(self) -> str:
        """Why nothing may be changed; "" where it may."""
        return self.work.config.read_only

    def guard(self) -> None:
        """Raise Blocked in read-only mode."""
        self.work.guard()

    @property
    def place(self) -> str:
        """Where the ledger is."""
        return self.work.config.store.url

    def can(self, registry: str, kind: str) -> str:
        """Say why a registry cannot take an action of a kind: alias, tag, register, restore or say; "" where it can."""
        if self.read_only:
            return f"read-only: {self.read_only}"
        if kind == "say":
            return ""
        found = self.work.registry(registry)
        return "" if _KINDS[kind] in found.writes else found.refusal or "this registry is only read"

    def registry_that(self, name: str, kind: type[Change]) -> Registry:
        """Return a registry that can make a kind of change. Raises NotFound, Unsupported."""
        found = self.work.registry(name)
        if kind not in found.writes:
            words = {
                SetAlias: "move aliases",
                SetTags: "set tags",
                Register: "register versions",
                Restore: "restore files",
            }
            raise refuse(name, found.refusal, words.get(kind, "do that"))
        return found

    def kind(self, registry: str) -> str:
        """Return the kind of a registry, "" for one that is not known."""
        return next((spec.kind for spec in self.work.specs if spec.name == registry), "")

    def is_own(self, registry: str) -> bool:
        """Say whether a registry is the workspace's own store, whose aliases are in the very same ledger."""
        return self.named(registry) == ""

    def named(self, registry: str) -> str:
        """Return what the ledger calls a registry: "" for the store that it lies in."""
        return self.work.ledger_name(registry)

    def unnamed(self, named: str) -> str:
        """Return the name of the registry that the ledger calls so."""
        own = self.work.config.store.url
        if named:
            return named
        return next((spec.name for spec in self.work.specs if spec.kind == "native" and spec.url == own), "store")

    def stamp(self, action: str, at: float, reason: str) -> Stamp:
        """Return the stamp of an action of this person."""
        name, mail = parseaddr(self.who) if "<" in self.who else (self.who, "")
        return Stamp(action=action, at=at, by=name if mail else self.who, mail=mail, reason=reason)

    # --- the ledger ---

    def chronicle(self, *, create: bool = False) -> Chronicle | None:
        """Return the ledger of the workspace's own store, or None where there is none yet; with `create` it is made."""
        if self._chronicle is None:
            try:
                self._chronicle = self.work.chronicle(create=create)
            except NotFound:
                return None
        return self._chronicle

    def state(self) -> State:
        """Return what the ledger says now; nothing where there is none yet. Raises StoreError, RegistryError."""
        shelf = self.chronicle()
        return shelf.ledger.refresh() if shelf else State()

    def recorder(self) -> Recorder:
        """Return what writes into the ledger, which is made where there is none. Raises StoreError, ConfigError."""
        shelf = self.chronicle(create=True)
        assert shelf is not None
        return Recorder(shelf.ledger, self.work.around, self.who, self._signer(shelf))

    def _signer(self, shelf: Chronicle) -> Callable[[Event], Event] | None:
        setting = self.work.config.signing
        if not setting:
            return None
        from lineal.ledger.keys import Key
        from lineal.ledger.signing import sign

        key = Key.of("" if setting == "git" else setting, self.work.around)
        return lambda event: sign(event, shelf.store.id, key)

    def book(self, registry: str) -> Book:
        """Return the history of a registry's aliases."""
        return Book(self.work, self.state(), self.named(registry), self.kind(registry))

    def gatherer(self) -> Gatherer:
        """Return what looks facts up for the policy."""
        shelf, state = self.chronicle(), self.state()
        return Gatherer(self, state, Signatures(self._basis.read, shelf))

    def trusts(self) -> bool:
        """Say whether what the policy brings to be run may be run here."""
        commands = self.commands()
        return not commands or self.trust().holds(digest(commands, self.work.root))

    def commands(self) -> list[tuple[str, ...]]:
        """Return what the policy brings to be run: the commands of its gates and hooks."""
        policy = self.work.config.policy
        return [*(one.run for one in policy.commands), *(hook.run for hook in policy.hooks if hook.run)]

    def trust(self) -> Trust:
        """Return what was allowed in this workspace."""
        return Trust(self.work.around, self.work.root, self._basis.vouched)

    # --- versions ---

    def find(self, registry: str, model: str, key: str) -> VersionRow | None:
        """Return a version by its key, if the index holds it."""
        return self.work.index.find(registry, model, key) if key else None

    def row(self, registry: str, model: str, key: str) -> VersionRow:
        """Return a version by its key. Raises NotFound."""
        found = self.find(registry, model, key)
        if found is None:
            raise NotFound(f"{registry}:{model} has no version {key[:12]} any more", hint="`lineal sync` looks again")
        return found

    def subject(self, registry: str, model: str, key: str) -> Subject:
        """Return a version as plans name it; by its key where the index does not hold it."""
        return self.book(registry).subject(registry, model, key)

    def subject_of(self, row: VersionRow) -> Subject:
        """Return a version as plans name it."""
        return Subject(
            registry=row.registry,
            model=row.model,
            key=row.key,
            name=row.name,
            reference=canonical(row.registry, row.model, row.name),
            author=row.author,
            created_at=row.created_at,
        )

    def twin(self, row: VersionRow, registry: str, model: str) -> VersionRow | None:
        """Return the version of another registry with the same bytes, else with the same name."""
        return self._reviews.twin(row, registry, model)

    def diverges(self, row: VersionRow, alias: str, held: Subject) -> bool:
        """Say whether an alias of two registries stood for different versions until now."""
        now = self.held(row.registry, row.model, alias).subject
        current = self.find(now.registry, now.model, now.key)
        twin = self.twin(current, held.registry, held.model) if current else None
        return twin is None or twin.key != held.key

    def recorded(self, row: VersionRow) -> tuple[FileHash, ...]:
        """Return the hashes that were recorded when a version was last promoted; nothing where it never was."""
        shelf = self.chronicle()
        return lookup.recorded(shelf.ledger, self.named(row.registry), row.model, row.key) if shelf else ()

    def provable(self, row: VersionRow) -> tuple[tuple[FileHash, ...], str]:
        """Return the hashes that a version's bytes can be held against, and whose they are.

        Those that were recorded when it was promoted, else those that its registry names them by; nothing where neither
        has any.
        """
        recorded = self.recorded(row)
        if any(one.hex for one in recorded):
            return recorded, "that were promoted"
        named = contents.named(self.work.whole(row))
        return (named, "that its registry names") if any(one.hex for one in named) else ((), "")

    # --- plans ---

    def targets(self, row: VersionRow) -> list[str]:
        """Return the aliases that a version may get, the likeliest first."""
        return self._reviews.targets(row)

    def promote(self, row: VersionRow, alias: str, *, reason: str = "") -> Plan:
        """Plan that a version gets an alias, by the policy. Raises Conflict, NotFound, Unsupported, RegistryError."""
        return self.planner.promote(row, alias, reason=reason)

    def move(self, row: VersionRow, alias: str, *, remove: bool = False, reason: str = "") -> Plan:
        """Plan that an alias is set or taken away; gates that stand before it count as for a promotion."""
        if remove:
            return self.planner.remove(row, alias, reason=reason)
        return self.planner.promote(row, alias, action="alias", reason=reason)

    def rollback(
        self, registry: str, model: str, alias: str, *, to: VersionRow | None = None, reason: str = ""
    ) -> Plan:
        """Plan that an alias goes back: to what it held before, or to a version. Raises as `promote`."""
        return self.planner.rollback(registry, model, alias, to, reason)

    def tag(self, row: VersionRow, sets: Mapping[str, str], removes: Sequence[str] = (), *, reason: str = "") -> Plan:
        """Plan that a version gets other tags."""
        return self.planner.tag(row, sets, removes, reason)

    def register(self, row: VersionRow, model: str, name: str = "", *, reason: str = "") -> Plan:
        """Plan that a commit or run becomes a version of a model."""
        return self.planner.register(row, model, name, reason)

    def restore(self, row: VersionRow, branch: str, *, reason: str = "") -> Plan:
        """Plan that a tracked file is committed on a branch as it was at a version."""
        return self.planner.restore(row, branch, reason)

    def say(self, row: VersionRow, what: str, *, alias: str = "", text: str = "", where: str = "") -> Plan:
        """Plan that something is written down: requested, approved, rejected, note, deployed, evidence."""
        return self.planner.say(row, what, alias, text, where)

    def check(
        self,
        row: VersionRow,
        alias: str,
        *,
        run: bool = True,
        on_step: Callable[[str], None] = lambda _: None,
        stop: threading.Event | None = None,
    ) -> Plan:
        """Judge a version for an alias, also one that it has already; with `run` commands are run and bytes read."""
        return self._reviews.check(row, alias, run=run, on_step=on_step, stop=stop)

    def undo(self, action: str = "", *, reason: str = "") -> Plan:
        """Plan the inverse of an action by its id or the beginning of it; of one's own last where none is given.

        Raises:
            NotFound: there is no such action. Conflict: it was undone, or changed again since.
        """
        shelf = self.chronicle()
        if shelf is None:
            raise missing(action) if action else NotFound("there is nothing of yours to undo")
        began, detail = lookup.undoable(shelf.ledger, action, self.who)
        subject = detail.subject
        return self.planner.undo(detail, began.action or began.id, subject, began.alias, reason)

    def inverse(self, change: Change) -> Change:
        """Return what undoes a change; what was withdrawn is said again by a new event."""
        inverse = change.inverse()
        if isinstance(inverse, Say) and not inverse.withdrawn:
            return msgspec.structs.replace(inverse, event=fresh())
        return inverse

    # --- carrying out ---

    def execute(
        self,
        plan: Plan,
        *,
        override: str = "",
        on_step: Callable[[str], None] = lambda _: None,
        stop: threading.Event | None = None,
    ) -> Done:
        """Carry a plan out; see `Executor.execute`. Raises Blocked, Conflict, NotFound, RegistryError, StoreError."""
        return self._executor.execute(plan, override=override, on_step=on_step, stop=stop)

    def ran(
        self,
        plan: Plan,
        row: VersionRow,
        gates: Sequence[Gate],
        on_step: Callable[[str], None],
        stop: threading.Event | None,
    ) -> Plan:
        """Judge a version with what takes long; see `Executor.ran`."""
        return self._executor.ran(plan, row, gates, on_step, stop)

    def resume(self, action: str = "", on_step: Callable[[str], None] = lambda _: None) -> list[Done]:
        """End the actions that have not ended, or the one that is named. Raises NotFound, Conflict, RegistryError."""
        self.guard()
        wanted = [one for one in self._open() if one.id.startswith(action)]
        if action and not wanted:
            raise missing(action)
        return [self._executor.resume(began, on_step) for began in wanted]

    def _open(self) -> Iterator[Event]:
        shelf, state = self.chronicle(), self.state()
        for number in sorted(state.open.values()) if shelf else ():
            assert shelf is not None
            yield shelf.ledger.entry(number).event

    def open_actions(self) -> list[Plan]:
        """Return the actions that began and have not ended, the oldest first."""
        return [self._reviews.opened(event) for event in self._open()]

    def tell(self, plan: Plan, began: Event) -> tuple[str, ...]:
        """Tell the policy's hooks of an action that was carried out; never raises for one that fails."""
        from lineal.actions.telling import tell

        return tell(self, plan, began)

    # --- looking back ---

    def inbox(self) -> list[Review]:
        """Return what waits for a review, the oldest first."""
        return self._reviews.inbox()

    def held(self, registry: str, model: str, alias: str, at: float | None = None) -> Holding:
        """Return what an alias held at a time (Unix seconds), now where none is given."""
        return self._reviews.running(self.book(registry).held(registry, model, alias, at))

    def timeline(self, registry: str, model: str) -> list[Holding]:
        """Return what every alias of a model held, the newest first."""
        book = self.book(registry)
        found = [one for alias in book.aliases(registry, model) for one in book.holdings(registry, model, alias)]
        found.sort(key=lambda one: one.since if one.since is not None else float("-inf"), reverse=True)
        return [self._reviews.running(one) for one in found]

    def log(
        self,
        *,
        limit: int = 200,
        before: int | None = None,
        registry: str = "",
        model: str = "",
        every: bool = False,
    ) -> list[Entry]:
        """Return what the ledger holds, the newest first, at most `limit` entries below the number `before`.

        An action that ended well is one line, unless `every` entry is wanted.
        """
        return self._reviews.log(limit, before, registry, model, every=every)

    def close(self) -> None:
        """Let go of the store."""
        if self._chronicle is not None:
            self._chronicle.close()
            self._chronicle = None
