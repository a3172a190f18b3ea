"""What the events of a ledger amount to: which versions there are, what they are called, and what was said of them.

All of it can be written and taken up again, so that nobody has to read a long ledger from its beginning.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from lineal.errors import NotFound
from lineal.ledger import events
from lineal.ledger.events import Entry, Event
from lineal.ledger.moves import Moves
from lineal.ledger.seen import Seen
from lineal.ledger.standing import Sayings, Standing
from lineal.ledger.unfolding import guarding, unfolded

__all__ = ["FOLDING", "About", "Standing", "State"]

FOLDING = 2  # raised when the same events amount to something else, or are written otherwise

About = tuple[str, str, str]
"""Registry ("" for this store), model, and a version's key or an alias."""


class _Written(msgspec.Struct, array_like=True):
    """A state as it is written. What is raw is not looked into before somebody asks for it."""

    seen: bytes
    odd: dict[str, int]
    models: dict[str, list[tuple[str, int, msgspec.Raw]]]
    moves: list[tuple[str, str, str, str, msgspec.Raw]]
    said: list[tuple[str, str, str, list[str], msgspec.Raw]]
    watched: dict[str, float]
    open: dict[str, int]
    undone: dict[str, str]
    undoing: dict[str, str]


_WRITTEN = msgspec.msgpack.Decoder(_Written)


class State:
    """All versions by model, in the order of their numbers; aliases and their moves; reviews; actions that run."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.models: dict[str, dict[str, Standing]] = {}
        self.seen = Seen()  # ids of events
        self.watched: dict[str, float] = {}  # registry: since when its aliases are observed, Unix seconds
        self.open: dict[str, int] = {}  # actions that have not ended, or not whole: the number of their started entry
        self.undone: dict[str, str] = {}  # action: the one that took it back
        self._undid: dict[str, list[str]] = {}  # the same from the other end
        self._moves: dict[tuple[str, str], dict[str, Moves]] = {}  # by registry and model, then alias
        self._said: dict[About, Sayings] = {}  # by version
        self._undoing: dict[str, str] = {}  # a started undo: what it takes back
        for entry in entries:
            self.take(entry.event, entry.number)

    def take(self, event: Event, number: int = 0) -> None:
        """Let an event count, once; `number` is its entry's."""
        if event.id in self.seen:
            return
        self.seen.add(event.id, number)
        own = event.registry == ""
        versions = self.models.setdefault(event.model, {}) if own and event.kind == events.COMMITTED else None
        if versions is not None and event.version not in versions:
            versions[event.version] = Standing(event)
        standing = self.models.get(event.model, {}).get(event.version) if own else None
        if standing is not None:
            standing.take(event)
        self._take(event, number)

    def _take(self, event: Event, number: int) -> None:
        match event.kind:
            case events.ALIAS:
                moves = self._moves_of(event.registry, event.model, event.alias)
                moves.add(number, event.at, event.before, event.version, event.by, observed=False)
            case events.OBSERVED:
                for move in event.moves:
                    moves = self._moves_of(event.registry, move.model, move.alias)
                    moves.add(number, event.at, move.before, move.after, "", observed=True)
            case events.WATCHED:
                self.watched.setdefault(event.registry, event.at)
            case events.WITHDRAWN:
                sayings = self._said.get((event.registry, event.model, event.version))
                if sayings is not None:
                    sayings.withdraw(event)
            case events.STARTED:
                self.open[event.id] = number
                if event.undoes:
                    self._undoing[event.id] = event.undoes
            case events.APPLIED:
                self._end(event)
            case events.REVERTED:
                self.open.pop(event.action, None)
                self._undoing.pop(event.action, None)
            case kind if kind in events.SAYINGS:
                self._said.setdefault((event.registry, event.model, event.version), Sayings()).add(event)
                if event.undoes:
                    self._undo(event.action or event.id, event.undoes)

    def _end(self, event: Event) -> None:
        self.open.pop(event.action, None)
        undoes = self._undoing.pop(event.action, "") or event.undoes
        if undoes:
            self._undo(event.action, undoes)

    def _undo(self, action: str, undoes: str) -> None:
        """Note that an action was taken back; where it had taken another back itself, that one holds again."""
        for one in self._undid.pop(undoes, ()):
            self.undone.pop(one, None)
        before = self.undone.get(undoes)
        if before is not None:
            self._undid[before].remove(undoes)
        self.undone[undoes] = action
        self._undid.setdefault(action, []).append(undoes)

    def _moves_of(self, registry: str, model: str, alias: str) -> Moves:
        return self._moves.setdefault((registry, model), {}).setdefault(alias, Moves())

    def version(self, model: str, version: str) -> Standing:
        """Return a version by its id. Raises NotFound."""
        standing = self.models.get(model, {}).get(version)
        if standing is None:
            raise NotFound(f"{model!r} has no version {version[:12]}", hint="`lineal ls` lists the versions")
        return standing

    def next_number(self, model: str) -> int:
        """Return the number that the next version of a model gets."""
        return max((one.number for one in self.models.get(model, {}).values()), default=0) + 1

    def alias(self, registry: str, model: str, alias: str) -> str:
        """Return the key of the version that an alias points at, "" for none, as far as this ledger knows."""
        moves = self._moves.get((registry, model), {}).get(alias)
        return moves.current if moves is not None else ""

    def aliases(self, registry: str, model: str) -> dict[str, str]:
        """Return the aliases of a model that point at a version: its key."""
        found = self._moves.get((registry, model), {})
        return {alias: moves.current for alias, moves in found.items() if moves.current}

    def moves(self, registry: str, model: str, alias: str) -> Moves:
        """Return all moves of an alias, in the order of the ledger."""
        return self._moves.get((registry, model), {}).get(alias, Moves())

    def moved(self, registry: str | None = None) -> Iterator[About]:
        """Yield every alias that was ever moved, of one registry or of all, model by model."""
        for (of, model), aliases in self._moves.items():
            if registry is None or of == registry:
                yield from ((of, model, alias) for alias in aliases)

    def said(self, registry: str, model: str, version: str) -> list[Event]:
        """Return what was said of a version and not withdrawn: reviews, notes, deployments; in order."""
        found = self._said.get((registry, model, version))
        return found.standing if found is not None else []

    def reviews(self, registry: str, model: str, version: str) -> list[tuple[Event, Event | None]]:
        """Return the approvals and rejections of a version in order, each with the event that withdrew it, if one did.

        Whoever asks for signatures must ask for one of what withdraws, too.
        """
        found = self._said.get((registry, model, version))
        said = found.events if found is not None else []
        taken = {one.of: one for one in said if one.kind == events.WITHDRAWN}
        return [(one, taken.get(one.id)) for one in said if one.kind in events.REVIEWS]

    def sayings(self, *kinds: str) -> list[Event]:
        """Return all that was said and not withdrawn, of some kinds, in the order in which it was first said."""
        wanted = frozenset(kinds)
        some = (said for said in self._said.values() if not wanted.isdisjoint(said.kinds))
        return [one for said in some for one in said.standing if one.kind in wanted]

    def written(self) -> bytes:
        """Return all of it as bytes, which depend on nothing but the events that were taken."""
        records, odd = self.seen.written()
        whole = _Written(
            seen=records,
            odd=odd,
            models={
                model: [(one.id, one.number, one.written()) for one in versions.values()]
                for model, versions in self.models.items()
            },
            moves=[
                (*about, alias, moves.current, moves.written())
                for about, aliases in self._moves.items()
                for alias, moves in aliases.items()
            ],
            said=[(*about, *said.written()) for about, said in self._said.items()],
            watched=self.watched,
            open=self.open,
            undone=self.undone,
            undoing=self._undoing,
        )
        return msgspec.msgpack.encode(whole)

    @classmethod
    def read(cls, data: bytes) -> State:
        """Return the state that `written` gave. Its parts are not looked into yet. Raises Corrupt."""
        whole, made = unfolded(data, _WRITTEN), cls()
        with guarding():
            made.seen = Seen(whole.seen, whole.odd)
        for model, versions in whole.models.items():
            made.models[model] = {version: Standing.of(version, number, raw) for version, number, raw in versions}
        for registry, model, alias, current, raw in whole.moves:
            made._moves.setdefault((registry, model), {})[alias] = Moves(current, raw)
        for registry, model, version, kinds, raw in whole.said:
            made._said[registry, model, version] = Sayings(kinds, raw)
        made.watched, made.open, made.undone = whole.watched, whole.open, whole.undone
        for action, by in made.undone.items():
            made._undid.setdefault(by, []).append(action)
        made._undoing = whole.undoing
        return made

    def check(self) -> None:
        """Look into all parts of what somebody else has written. Raises Corrupt."""
        with guarding():
            self.seen.check()
            for standing in (one for versions in self.models.values() for one in versions.values()):
                standing.check()
            for moves in (one for aliases in self._moves.values() for one in aliases.values()):
                moves.check()
            for said in self._said.values():
                said.check()
