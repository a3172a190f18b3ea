"""What the events of a ledger amount to: which versions there are, what they are called, and what was said of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lineal.errors import NotFound
from lineal.ledger import events
from lineal.ledger.events import Entry, Event
from lineal.ledger.moves import Moves
from lineal.model.values import Metric

About = tuple[str, str, str]
"""Registry ("" for this store), model, and a version's key or an alias."""


class Standing:
    """One version as the events leave it. Its own event counts, not what another store said before."""

    def __init__(self, event: Event) -> None:
        self.event = event
        self.number = event.number or 0
        self.metrics: dict[tuple[str, str], Metric] = {}
        self.tags: dict[str, str] = {}
        self.notes: list[Event] = []
        self.retired: Event | None = None

    @property
    def id(self) -> str:
        """The id of the version's manifest."""
        return self.event.version

    @property
    def name(self) -> str:
        """What people call it."""
        return f"v{self.number}"

    def take(self, event: Event) -> None:
        """Let an event about this version count; kinds that are not known say nothing."""
        self.metrics.update({(metric.name, metric.dataset): metric for metric in event.metrics})
        self.tags.update({tag.key: tag.value for tag in event.tags})
        for key in event.gone:
            self.tags.pop(key, None)
        if event.kind == events.RETIRED:
            self.retired = event
        elif event.kind == events.RESTORED:
            self.retired = None
        elif event.kind == events.NOTE:
            self.notes.append(event)


class State:
    """All versions by model, in the order of their numbers; aliases and their moves; reviews; actions that run."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.models: dict[str, dict[str, Standing]] = {}
        self.seen: set[str] = set()  # ids of events
        self.watched: dict[str, float] = {}  # registry: since when its aliases are observed, Unix seconds
        self.open: dict[str, int] = {}  # actions that have not ended, or not whole: the number of their started entry
        self.undone: dict[str, str] = {}  # action: the one that took it back
        self._moves: dict[About, Moves] = {}
        self._said: dict[About, list[Event]] = {}  # by version
        self._undoing: dict[str, str] = {}  # a started undo: what it takes back
        for entry in entries:
            self.take(entry.event, entry.number)

    def take(self, event: Event, number: int = 0) -> None:
        """Let an event count, once; `number` is its entry's."""
        if event.id in self.seen:
            return
        self.seen.add(event.id)
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
                moves = self._moves.setdefault((event.registry, event.model, event.alias), Moves())
                moves.add(number, event.at, event.before, event.version, event.by, observed=False)
            case events.OBSERVED:
                for move in event.moves:
                    moves = self._moves.setdefault((event.registry, move.model, move.alias), Moves())
                    moves.add(number, event.at, move.before, move.after, "", observed=True)
            case events.WATCHED:
                self.watched.setdefault(event.registry, event.at)
            case events.WITHDRAWN:
                about = (event.registry, event.model, event.version)
                self._said[about] = [one for one in self._said.get(about, []) if one.id != event.of]
                standing = self.models.get(event.model, {}).get(event.version) if not event.registry else None
                if standing is not None:
                    standing.notes = [note for note in standing.notes if note.id != event.of]
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
                self._said.setdefault((event.registry, event.model, event.version), []).append(event)
                if event.undoes:
                    self._undo(event.action or event.id, event.undoes)

    def _end(self, event: Event) -> None:
        self.open.pop(event.action, None)
        undoes = self._undoing.pop(event.action, "") or event.undoes
        if undoes:
            self._undo(event.action, undoes)

    def _undo(self, action: str, undoes: str) -> None:
        """Note that an action was taken back; where it had taken another back itself, that one holds again."""
        self.undone = {one: by for one, by in self.undone.items() if by != undoes}
        self.undone[undoes] = action

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
        moves = self._moves.get((registry, model, alias))
        return moves.current if moves else ""

    def aliases(self, registry: str, model: str) -> dict[str, str]:
        """Return the aliases of a model that point at a version: its key."""
        found = ((about, moves.current) for about, moves in self._moves.items() if about[:2] == (registry, model))
        return {about[2]: key for about, key in found if key}

    def moves(self, registry: str, model: str, alias: str) -> Moves:
        """Return all moves of an alias, in the order of the ledger."""
        return self._moves.get((registry, model, alias), Moves())

    def moved(self, registry: str | None = None) -> Iterator[About]:
        """Yield every alias that was ever moved, of one registry or of all."""
        for about in self._moves:
            if registry is None or about[0] == registry:
                yield about

    def said(self, registry: str, model: str, version: str) -> list[Event]:
        """Return what was said of a version and not withdrawn: reviews, notes, deployments; in order."""
        return list(self._said.get((registry, model, version), ()))

    def sayings(self, *kinds: str) -> list[Event]:
        """Return all that was said and not withdrawn, of some kinds, in the order in which it was first said."""
        return [one for said in self._said.values() for one in said if one.kind in kinds]
