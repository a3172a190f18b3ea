"""What the events of a ledger amount to: which versions there are, what they are called, and what was said of them."""

from __future__ import annotations

from collections.abc import Iterable

from lineal.errors import NotFound
from lineal.ledger import events
from lineal.ledger.events import Entry, Event
from lineal.model.values import Metric


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
        if event.kind == events.RETIRED:
            self.retired = event
        elif event.kind == events.RESTORED:
            self.retired = None
        elif event.kind == events.NOTE:
            self.notes.append(event)


class State:
    """All versions by model, in the order of their numbers."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.models: dict[str, dict[str, Standing]] = {}
        self.seen: set[str] = set()  # ids of events
        for entry in entries:
            self.take(entry.event)

    def take(self, event: Event) -> None:
        """Let an event count, once."""
        if event.id in self.seen:
            return
        self.seen.add(event.id)
        versions = self.models.setdefault(event.model, {}) if event.kind == events.COMMITTED else None
        if versions is not None and event.version not in versions:
            versions[event.version] = Standing(event)
        standing = self.models.get(event.model, {}).get(event.version)
        if standing is not None:
            standing.take(event)

    def version(self, model: str, version: str) -> Standing:
        """Return a version by its id. Raises NotFound."""
        standing = self.models.get(model, {}).get(version)
        if standing is None:
            raise NotFound(f"{model!r} has no version {version[:12]}", hint="`lineal ls` lists the versions")
        return standing

    def next_number(self, model: str) -> int:
        """Return the number that the next version of a model gets."""
        return max((one.number for one in self.models.get(model, {}).values()), default=0) + 1
