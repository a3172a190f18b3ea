"""Looking after a store with what its ledger says: which versions count, which may go, and since when."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lineal.errors import NotFound
from lineal.registries.native.shelf import Shelf
from lineal.store import care, documents, leases
from lineal.store.bases import Bases
from lineal.store.care import GRACE, Fault, Plan, Repaired, Saved
from lineal.store.documents import Document
from lineal.store.effort import Effort
from lineal.store.writing import Repacker


def live(shelf: Shelf, *, grace: float | None = None) -> list[str]:
    """Return the ids of versions that must be whole: those not retired, and with `grace` those retired lately."""
    now = shelf.around.clock()
    found: dict[str, None] = {}
    for versions in shelf.state().models.values():
        for standing in versions.values():
            lately = standing.retired is not None and grace is not None and now - standing.retired.at < grace
            if standing.retired is None or (lately and _is_there(shelf, standing.id)):
                found[standing.id] = None
    return list(found)


def _is_there(shelf: Shelf, version: str) -> bool:
    return shelf.store.backend.size(documents.key(version)) is not None


def plan(shelf: Shelf, *, grace: float = GRACE) -> Plan:
    """Say what may go. Manifests that no event names yet, as a commit leaves them for a moment, count as live.

    Raises:
        Corrupt: a version to keep cannot be read.
    """
    keep = dict.fromkeys(live(shelf, grace=grace))
    named = {one.id for versions in shelf.state().models.values() for one in versions.values()}
    dead = []
    for listed in shelf.store.backend.list("manifests/"):
        version = listed.key.rpartition("/")[2]
        if version in keep:
            continue
        if version in named or shelf.around.clock() - listed.modified >= grace:
            dead.append(version)
        else:
            keep[version] = None
    return care.plan(shelf.store, keep, dead, shelf.around.clock(), grace=grace)


def collect(shelf: Shelf, doing: Plan) -> int:
    """Do what a plan says, unless somebody writes; return the bytes freed. Raises Conflict."""
    with leases.clearing(shelf.store.backend, shelf.around.clock()):
        shelf.store.backend.reap(shelf.around.clock())
        gone = set(doing.versions)
        keep = [one.key.rpartition("/")[2] for one in shelf.store.backend.list("manifests/")]
        return care.collect(shelf.store, doing, [version for version in keep if version not in gone])


def repair(shelf: Shelf, remote: Shelf, faults: Iterable[Fault]) -> Repaired:
    """Fetch what is damaged from another store. Raises Conflict while the store is being cleaned up."""
    with leases.writing(shelf.store.backend, shelf.around.clock()):
        return care.repair(shelf.store, remote.store, faults)


def statistics(shelf: Shelf) -> list[Saved]:
    """Return what is saved, per model, of the versions whose manifests are there."""
    shelf.store.catalog.refresh()
    found: list[Document] = []
    for version in live(shelf, grace=float("inf")):
        try:
            found.append(shelf.store.document(version))
        except NotFound:
            continue
    return care.statistics(shelf.store, found)


def repack(shelf: Shelf, effort: Effort, on_bytes: Callable[[int], None] = lambda _: None) -> int:
    """Write every block anew where `effort` makes it smaller; return the bytes that will be saved.

    Blocks keep their hashes, so versions stay what they are. The old ones go with the next `gc`, after its grace.
    """
    with leases.writing(shelf.store.backend, shelf.around.clock()):
        shelf.store.catalog.refresh()
        saved = 0
        for versions in shelf.state().models.values():
            before: list[Document] = []
            for standing in versions.values():
                if not _is_there(shelf, standing.id):
                    continue
                document = shelf.document(standing)
                with Repacker(shelf.store, effort, known=Bases(before), on_bytes=on_bytes) as work:
                    saved += work.rewrite(document)
                before = [document]
        return saved
