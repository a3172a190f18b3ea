"""One version as the events leave it, and what was said of one: taken apart when it is first asked for."""

from __future__ import annotations

import msgspec

from lineal.ledger import events
from lineal.ledger.events import Event
from lineal.ledger.unfolding import unfolded
from lineal.model.values import Metric


class _Body(msgspec.Struct, omit_defaults=True):
    event: Event
    metrics: dict[tuple[str, str], Metric] = {}
    tags: dict[str, str] = {}
    notes: list[Event] = []
    retired: Event | None = None


_BODY = msgspec.msgpack.Decoder(_Body)
_EVENTS = msgspec.msgpack.Decoder(list[Event])


class Standing:
    """One version as the events leave it. Its own event counts, not what another store said before."""

    __slots__ = ("_body", "_raw", "id", "number")

    def __init__(self, event: Event) -> None:
        self.id = event.version  # of the version's manifest
        self.number = event.number or 0
        self._body: _Body | None = _Body(event)
        self._raw: msgspec.Raw | None = None

    @classmethod
    def of(cls, version: str, number: int, raw: msgspec.Raw) -> Standing:
        """Return the version that `written` wrote as `raw`."""
        made = cls.__new__(cls)
        made.id, made.number, made._body, made._raw = version, number, None, raw
        return made

    def _open(self) -> _Body:
        if self._body is None:
            assert self._raw is not None
            self._body = unfolded(self._raw, _BODY)
        return self._body

    @property
    def name(self) -> str:
        """What people call it."""
        return f"v{self.number}"

    @property
    def event(self) -> Event:
        """The event that made it. Raises Corrupt, as all that follow, where a snapshot is forged."""
        return self._open().event

    @property
    def metrics(self) -> dict[tuple[str, str], Metric]:
        """Its metrics by name and dataset, the last of each."""
        return self._open().metrics

    @property
    def tags(self) -> dict[str, str]:
        """Its tags."""
        return self._open().tags

    @property
    def notes(self) -> list[Event]:
        """What was noted about it and not withdrawn."""
        return self._open().notes

    @property
    def retired(self) -> Event | None:
        """The event that retired it, unless it was restored since."""
        return self._open().retired

    def take(self, event: Event) -> None:
        """Let an event about this version count; kinds that are not known say nothing."""
        body = self._open()
        self._raw = None
        body.metrics.update({(metric.name, metric.dataset): metric for metric in event.metrics})
        body.tags.update({tag.key: tag.value for tag in event.tags})
        for key in event.gone:
            body.tags.pop(key, None)
        if event.kind == events.RETIRED:
            body.retired = event
        elif event.kind == events.RESTORED:
            body.retired = None
        elif event.kind == events.NOTE:
            body.notes.append(event)
        elif event.kind == events.WITHDRAWN:
            body.notes = [note for note in body.notes if note.id != event.of]

    def written(self) -> msgspec.Raw:
        """Return all but its id and number as bytes, which depend on nothing but the events."""
        return self._raw if self._raw is not None else msgspec.Raw(msgspec.msgpack.encode(self._open()))

    def check(self) -> None:
        """Look whether it can be read, and is what its place says. Raises Corrupt, ValueError."""
        event = self.event if self._raw is None else unfolded(self._raw, _BODY).event  # nothing of it is kept
        if event.version != self.id or (event.number or 0) != self.number:
            raise ValueError("a version that is called otherwise than its event says")


class Sayings:
    """What was said of one version, in order. A review that was withdrawn stays, beside what withdrew it."""

    __slots__ = ("_events", "_raw", "kinds")

    def __init__(self, kinds: list[str] | None = None, raw: msgspec.Raw | None = None) -> None:
        self.kinds = set(kinds or ())  # of all that was said
        self._events: list[Event] | None = None if raw is not None else []
        self._raw = raw

    @property
    def events(self) -> list[Event]:
        """The events. Raises Corrupt where a snapshot is forged."""
        if self._events is None:
            assert self._raw is not None
            self._events = unfolded(self._raw, _EVENTS)
        return self._events

    def add(self, event: Event) -> None:
        """Let one more count."""
        self.events.append(event)
        self.kinds.add(event.kind)
        self._raw = None

    @property
    def standing(self) -> list[Event]:
        """The events that were not withdrawn."""
        taken = {one.of for one in self.events if one.kind == events.WITHDRAWN}
        return [one for one in self.events if one.kind != events.WITHDRAWN and one.id not in taken]

    def withdraw(self, event: Event) -> None:
        """Let what an event withdraws not count any more; a review only where the same person says so."""
        found = next((one for one in self.events if one.id == event.of), None)
        if found is None:
            return
        if found.kind in events.REVIEWS:
            if found.by == event.by:
                self.add(event)
            return
        self._events = [one for one in self.events if one.id != event.of]
        self.kinds = {one.kind for one in self._events}
        self._raw = None

    def written(self) -> tuple[list[str], msgspec.Raw]:
        """Return the kinds, sorted, and the events as bytes."""
        raw = self._raw if self._raw is not None else msgspec.Raw(msgspec.msgpack.encode(self.events))
        return sorted(self.kinds), raw

    def check(self) -> None:
        """Look whether the events can be read and are of these kinds. Raises Corrupt, ValueError."""
        said = self.events if self._raw is None else unfolded(self._raw, _EVENTS)
        if {one.kind for one in said} != self.kinds:
            raise ValueError("sayings of other kinds than promised")
