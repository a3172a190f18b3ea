"""Versions between two stores: blocks, then manifests, then what was said about them.

Events keep who, when and their id, so that they count once however often they travel; only a number may differ, where
the other store gave it to another version already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from lineal.ledger import events
from lineal.ledger.events import Event
from lineal.ledger.folding import Standing, State
from lineal.registries.native.shelf import Shelf
from lineal.store import documents, leases, transfer
from lineal.store.documents import Document
from lineal.store.transfer import Moved, Parcel

_TRAVELS = frozenset(
    {events.COMMITTED, events.METRICS, events.TAGS, events.NOTE, events.WITHDRAWN, events.RETIRED, events.RESTORED}
)
"""What is said of a version everywhere. Aliases, reviews and actions belong to the store that they were made in."""


class Planned(msgspec.Struct, frozen=True):
    """What a transfer will send: blocks in parcels, for versions in the order of their numbers."""

    versions: tuple[Standing, ...]
    documents: tuple[Document, ...]
    parcels: tuple[Parcel, ...]

    @property
    def size(self) -> int:
        """Bytes to be sent."""
        return sum(parcel.size for parcel in self.parcels)

    @property
    def whole(self) -> int:
        """Bytes of the versions' files."""
        return sum(content.size for document in self.documents for content in document.manifest.files)


def plan(source: Shelf, target: Shelf, wanted: Sequence[Standing]) -> Planned:
    """Say what `target` lacks of versions of `source`. Raises Corrupt where the source itself lacks it."""
    source.store.catalog.refresh()
    target.store.catalog.refresh()
    found = tuple(source.document(standing) for standing in wanted)
    parcels = tuple(transfer.missing(source.store, target.store, found))
    return Planned(tuple(wanted), found, parcels)


def everything(source: Shelf, target: Shelf) -> list[Standing]:
    """Return the versions that are not retired and of which `target` lacks the event or the manifest."""
    there = target.state()
    found = []
    for name, versions in sorted(source.state().models.items()):
        for standing in versions.values():
            known = standing.id in there.models.get(name, {})
            if standing.retired is None or known:
                found.append(standing)
    return [one for one in found if one.retired is None or source.store.backend.size(documents.key(one.id)) is not None]


def carry(
    source: Shelf,
    target: Shelf,
    planned: Planned,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> Moved:
    """Send what is planned; each step is durable before the next, and none is done twice.

    Raises:
        Conflict: the target is being cleaned up.
        Corrupt: a block of the source is not what it should be.
        Unavailable, AuthRequired, OutOfSpace: either side; what was sent stays and is not sent again.
    """
    with leases.writing(target.store.backend, target.around.clock()):
        sent = transfer.send(source.store, target.store, planned.parcels, on_bytes)
        for document in planned.documents:
            transfer.publish(target.store, document)
        _tell(source, target, planned.versions)
    return Moved(versions=len(planned.versions), packs=len(planned.parcels), sent=sent, whole=planned.whole)


def fetch(source: Shelf, target: Shelf, wanted: Sequence[Standing]) -> int:
    """Bring manifests and events without bytes; return how many manifests are new."""
    with leases.writing(target.store.backend, target.around.clock()):
        fresh = sum(transfer.fetch(target.store, source.document(standing)) for standing in wanted)
        _tell(source, target, wanted)
    return fresh


def _tell(source: Shelf, target: Shelf, wanted: Iterable[Standing]) -> None:
    """Append what `source` says of versions and `target` has not heard, in its order."""
    names = {(standing.event.model, standing.id) for standing in wanted}
    lacking = frozenset(source.state().seen.lacking(target.state().seen))
    for entry in source.ledger.walk(min(lacking)) if lacking else ():
        event = entry.event
        told = event.kind in _TRAVELS and event.registry == ""
        if told and (event.model, event.version) in names and entry.number in lacking:
            target.ledger.append(lambda state, event=event: _renumbered(state, event), as_told=True)  # type: ignore[misc]


def _renumbered(state: State, event: Event) -> Event | None:
    """Keep a version's number where it is free; a version that is there already is not committed again."""
    if event.kind != events.COMMITTED:
        return event
    versions = state.models.get(event.model, {})
    if event.version in versions:
        return msgspec.structs.replace(event, kind=events.TAGS, number=None)  # its metrics and tags still count
    taken = {standing.number for standing in versions.values()}
    free = event.number if event.number is not None and event.number not in taken else state.next_number(event.model)
    return msgspec.structs.replace(event, number=free)
