"""Looking after a store: is everything whole, what can go, what was saved; and damaged packs fetched again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from lineal.errors import Corrupt, Error, NotFound
from lineal.store import documents, packs, transfer
from lineal.store.catalog import Located
from lineal.store.documents import Document
from lineal.store.store import Store

GRACE = 14 * 24 * 3600.0  # seconds that what nobody names is kept


class Fault(msgspec.Struct, frozen=True, order=True):
    """Something in the store that is not what it should be. `key` is the object's."""

    key: str
    message: str
    blocks: tuple[str, ...] = ()


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What a check looked at and found."""

    packs: int
    blocks: int
    versions: int
    faults: tuple[Fault, ...]


def verify(
    store: Store,
    versions: Iterable[str],
    *,
    full: bool = False,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> Checked:
    """Check footers, manifests and that every block of `versions` is there; with `full` every byte of every pack."""
    store.catalog.refresh()
    faults = [Fault(packs.key(name), error.message) for name, error in sorted(store.catalog.damaged.items())]
    for name, size in store.catalog.packs().items():
        faults += _pack_faults(store, name, size, full=full)
        on_bytes(size or 0)
    looked_at = 0
    for version in versions:
        looked_at += 1
        faults += _version_faults(store, version)
    count, blocks, _ = store.catalog.totals()
    return Checked(packs=count, blocks=blocks, versions=looked_at, faults=tuple(sorted(faults)))


def _pack_faults(store: Store, name: str, size: int | None, *, full: bool) -> Iterator[Fault]:
    found = store.backend.size(packs.key(name))
    if found is None:
        yield Fault(packs.key(name), "it is gone")
        return
    try:
        if size is not None and found != size:
            raise Corrupt(f"it has {found:,} bytes where {size:,} were written")
        packs.read_footer(store.backend, name, found)
        if full and _hash(store, name, found) != name:
            wrong = tuple(entry.hash.hex() for entry in store.catalog.inside(name) if not _is_whole(store, entry))
            yield Fault(packs.key(name), "its bytes do not match its name", wrong)
    except Corrupt as error:
        yield Fault(packs.key(name), error.message)


def _hash(store: Store, name: str, size: int) -> str:
    from blake3 import blake3

    hasher = blake3()
    for start in range(0, size, 16 << 20):
        hasher.update(store.backend.read(packs.key(name), start, min(16 << 20, size - start)))
    return hasher.hexdigest()


def _is_whole(store: Store, entry: Located) -> bool:
    from blake3 import blake3

    from lineal.store import codecs

    try:
        data = store.backend.read(packs.key(entry.pack), entry.offset, entry.stored)
        base = store.reader.alone(entry.base) if entry.base else None
        block = codecs.decode(entry.codec, entry.width, memoryview(data), entry.size, base)
        return blake3(block.tobytes()).digest() == entry.hash
    except Error:
        return False


def _version_faults(store: Store, version: str) -> Iterator[Fault]:
    try:
        document = store.document(version)
        lost = [block.hex() for block in transfer.blocks_of(document) if not _has(store, block)]
    except (Corrupt, NotFound) as error:
        yield Fault(documents.key(version), error.message)
        return
    if lost:
        yield Fault(documents.key(version), f"{len(lost):,} of its blocks are in no pack", tuple(lost))


def _has(store: Store, block: bytes) -> bool:
    try:
        return bool(store.reader.chain(block))
    except Corrupt:
        return False


class Repaired(msgspec.Struct, frozen=True, kw_only=True):
    """What a repair added, and what it could not."""

    packs: int
    bytes: int
    versions: int
    left: tuple[Fault, ...]


def repair(store: Store, remote: Store, faults: Iterable[Fault]) -> Repaired:
    """Fetch what is damaged or gone from a remote that has it. Only ever adds: what is damaged stays beside it.

    Damaged packs are put aside, so that the store reads the other copies of their blocks.
    """
    remote.catalog.refresh()
    left: list[Fault] = []
    added = size = versions = 0
    for fault in faults:
        if fault.key.startswith("manifests/"):
            versions += _repair_manifest(store, remote, fault, left)
        elif (sent := _repair_pack(store, remote, fault)) is None:
            left.append(fault)
        else:
            added, size = added + 1, size + sent
    return Repaired(packs=added, bytes=size, versions=versions, left=tuple(left))


def _repair_pack(store: Store, remote: Store, fault: Fault) -> int | None:
    """Bring the same pack, else those of its blocks that the remote has; None where it has not all of them."""
    name = fault.key.rpartition("/")[2].removesuffix(".pack")
    wanted = [entry.hash for entry in store.catalog.inside(name)]
    aside(store, name)
    if name in remote.catalog.packs():
        return transfer.send(remote, store, [transfer.Parcel((), name)])
    needed: dict[bytes, Located] = {}
    for block in wanted:
        if store.catalog.find(block) is None:
            if remote.catalog.find(block) is None:
                return None
            for link in remote.reader.chain(block):
                needed[link.hash] = link
    return transfer.send(remote, store, [transfer.Parcel(tuple(needed.values()))]) if needed else 0


def aside(store: Store, name: str) -> None:
    """Take a damaged pack out of use without losing a byte of it: it moves to `damaged/`."""
    data = store.backend.size(packs.key(name))
    if data is not None:
        whole = b"".join(
            store.backend.read(packs.key(name), start, min(16 << 20, data - start))
            for start in range(0, data, 16 << 20)
        )
        store.backend.create(f"damaged/{name}.pack", whole)
        store.backend.delete(packs.key(name))
    store.catalog.drop(name)
    store.catalog.damaged.pop(name, None)


def _repair_manifest(store: Store, remote: Store, fault: Fault, left: list[Fault]) -> int:
    version = fault.key.rpartition("/")[2]
    try:
        document = documents.read(remote.backend, version)
        transfer.send(remote, store, transfer.missing(remote, store, [document]))
    except (Corrupt, NotFound):
        left.append(fault)
        return 0
    try:
        store.document(version)
    except Corrupt:
        store.backend.delete(fault.key)
    except NotFound:
        pass
    return int(transfer.publish(store, document))


class Waste(msgspec.Struct, frozen=True, kw_only=True):
    """One pack that may go, or be written anew without what nobody needs."""

    pack: str
    size: int  # bytes
    freed: int  # bytes
    why: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What `collect` will do: packs that go whole, packs that are written anew, manifests that go."""

    packs: tuple[Waste, ...]
    rewritten: tuple[Waste, ...]
    versions: tuple[str, ...]
    kept: tuple[Waste, ...]  # unneeded, and still in their grace

    @property
    def freed(self) -> int:
        """Bytes that will be free."""
        return sum(one.freed for one in (*self.packs, *self.rewritten))


def plan(
    store: Store, live: Iterable[str], dead: Iterable[str], now: float, *, grace: float = GRACE, rewrite: float = 0.5
) -> Plan:
    """Say what nobody needs.

    Args:
        store: which.
        live: the ids of the versions to keep, all that any event names and that are not retired long enough.
        dead: the ids of those that may go.
        now: Unix seconds.
        grace: seconds that a pack, new or just unneeded, is kept.
        rewrite: the share of a pack that must be unneeded for it to be written anew.

    Raises:
        Corrupt: a manifest to keep cannot be read: then nothing can be known to be unneeded.
    """
    store.catalog.refresh()
    needed = _needed(store, live)
    ages = store.catalog.ages()
    found: dict[str, list[Waste]] = {"go": [], "rewrite": [], "keep": []}
    for name, size in store.catalog.packs().items():
        entries = store.catalog.inside(name)
        used = [entry for entry in entries if (entry.hash, name) in needed]
        freed = (size or 0) if not used else sum(entry.stored for entry in entries) - sum(one.stored for one in used)
        if not freed or (used and freed < rewrite * (size or 0)):
            continue
        young = now - (ages.get(name) or now) < grace
        kind = "keep" if young else "rewrite" if used else "go"
        why = f"{len(entries) - len(used):,} of {len(entries):,} blocks are in no version that is kept"
        found[kind].append(Waste(pack=name, size=size or 0, freed=freed, why=why))
    return Plan(
        packs=tuple(found["go"]), rewritten=tuple(found["rewrite"]), kept=tuple(found["keep"]), versions=tuple(dead)
    )


def _needed(store: Store, live: Iterable[str]) -> set[tuple[bytes, str]]:
    """Return the blocks, and the packs they are read from, of versions and of all that these are differences from."""
    needed: set[tuple[bytes, str]] = set()
    for version in live:
        document = store.document(version)
        store.prepare(document)
        for block in transfer.blocks_of(document):
            for link in store.reader.chain(block):
                if (link.hash, link.pack) in needed:
                    break
                needed.add((link.hash, link.pack))
    return needed


def collect(store: Store, doing: Plan, live: Iterable[str]) -> int:
    """Do what a plan says, while nobody writes; return the bytes freed. What is needed is copied first."""
    needed = _needed(store, live)
    freed = 0
    for version in doing.versions:
        store.backend.delete(documents.key(version))
    for waste in doing.rewritten:
        keep = [entry for entry in store.catalog.inside(waste.pack) if (entry.hash, waste.pack) in needed]
        transfer.send(store, store, [transfer.Parcel(tuple(keep))])
    for waste in (*doing.packs, *doing.rewritten):
        if waste in doing.packs and any(pack == waste.pack for _, pack in needed):
            continue  # somebody came to need it since the plan was made
        store.backend.delete(packs.key(waste.pack))
        store.catalog.drop(waste.pack)
        freed += waste.freed
    return freed


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """What one model's versions would take whole, and what they take, in bytes.

    `unique` is what is left of `whole` once equal blocks are stored once; `stored` once blocks are coded and written as
    differences; blocks that several models share are counted for each.
    """

    model: str
    versions: int
    whole: int
    unique: int
    stored: int


def statistics(store: Store, documents_: Iterable[Document]) -> list[Saved]:
    """Return for each model what deduplication and coding save, sorted by name."""
    by_model: dict[str, list[Document]] = {}
    for document in documents_:
        by_model.setdefault(document.manifest.name, []).append(document)
    return [_saved(store, name, found) for name, found in sorted(by_model.items())]


def _saved(store: Store, name: str, found: list[Document]) -> Saved:
    unique: dict[bytes, int] = {}
    needed: dict[tuple[bytes, str], int] = {}
    for document in found:
        store.prepare(document)
        for block in transfer.blocks_of(document):
            if block in unique or store.catalog.find(block) is None:
                continue
            chain = store.reader.chain(block)
            unique[block] = chain[0].size
            needed.update({(link.hash, link.pack): link.stored for link in chain})
    return Saved(
        model=name,
        versions=len(found),
        whole=sum(content.size for document in found for content in document.manifest.files),
        unique=sum(unique.values()),
        stored=sum(needed.values()),
    )
