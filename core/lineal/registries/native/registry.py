"""A native store as a registry: each model is a scope, closed at the last event that speaks of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from msgspec import structs

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import Conflict, NotFound, StoreError, Unavailable, Unsupported
from lineal.ledger import events
from lineal.ledger.events import Event
from lineal.ledger.folding import Standing
from lineal.ledger.folding import State as Folded
from lineal.model.changes import Change, Receipt, SetAlias, SetTags, Stamp
from lineal.model.records import Alias, AliasMove, Complete, Confidence, Edge, EdgeKind, Node, NodeKind, Problem, Record
from lineal.model.values import Series, Tag
from lineal.model.version import Algorithm, Digest, File, Kind, Place, State, Version
from lineal.registries.base import Cursors
from lineal.registries.native import store_of
from lineal.registries.native.shelf import Shelf
from lineal.store import documents
from lineal.store.bases import split_blocks
from lineal.store.documents import Document
from lineal.store.files import StoredFile
from lineal.store.manifest import DIRECTORY, SYMLINK, Content, Layout, Parent

_READING = "1"  # raised when records are made otherwise


class NativeRegistry:
    """The versions of one store. Its aliases and tags are what the ledger's events amount to."""

    writes: frozenset[type[Change]] = frozenset({SetAlias, SetTags})
    refusal = "a version gets its number when it is committed: `lineal commit`"
    compares = True

    def __init__(self, spec: RegistrySpec, around: Surroundings) -> None:
        self.spec = spec
        self._around = around
        self._opened: Shelf | None = None
        self._sizes: dict[bytes, int] = {}  # stored bytes of blocks: versions share most of them

    @property
    def shelf(self) -> Shelf:
        """The store and its ledger, opened when first asked for. Raises RegistryError."""
        if self._opened is None:
            try:
                self._opened = Shelf.open(store_of(self.spec), self._around)
            except NotFound as error:
                raise Unavailable(error.message, hint="`lineal commit` makes a store; is the disk mounted?") from error
            except StoreError as error:
                raise Unavailable(error.message, hint=error.hint) from error
        return self._opened

    def fingerprint(self) -> str | None:
        """Return a token of the ledger's newest entries; None on S3."""
        if self.spec.url.startswith("s3://"):
            return None
        root = Path(self.spec.url)
        if not (root / "format").is_file():
            raise Unavailable(f"there is no store at {root}", hint="is the disk mounted?")
        token = hashlib.blake2b(_READING.encode(), digest_size=16)
        for folder in sorted((root / "ledger").glob("*"))[-1:]:
            token.update(f"{folder.name} {max((path.name for path in folder.iterdir()), default='')}".encode())
        for folder in sorted((root / "manifests").glob("*")):
            token.update(f"{folder.name} {folder.stat().st_mtime_ns}".encode())
        return token.hexdigest()

    def scan(self, since: Cursors) -> Iterator[Record]:
        """Yield model by model; one of which the ledger says nothing new costs nothing."""
        state = self._state()
        for name, versions in sorted(state.models.items()):
            cursor = self._cursor(versions.values(), _moved(state, name))
            if since.get(name) == cursor:
                yield Complete(registry=self.spec.name, scope=name, cursor=cursor, delta=True)
                continue
            for standing in versions.values():
                yield from self._version(name, standing)
            yield from self._aliases(state, name)
            yield Complete(registry=self.spec.name, scope=name, cursor=cursor)
        yield Complete(registry=self.spec.name, scope="")

    def _aliases(self, state: Folded, model: str) -> Iterator[Record]:
        """Yield the aliases of a model and all their moves."""
        registry = self.spec.name
        for alias in _moved(state, model):
            moves = list(state.moves("", model, alias))
            last = moves[-1]
            if last.after:
                yield Alias(registry=registry, model=model, name=alias, key=last.after, set_at=last.at, set_by=last.by)
            for move in moves:
                yield AliasMove(
                    registry=registry,
                    model=model,
                    name=alias,
                    before=move.before,
                    after=move.after,
                    at=move.at,
                    by=move.by,
                )

    def _cursor(self, versions: Iterable[Standing], aliases: Mapping[str, int]) -> str:
        """Return a token of all that was said of a model's versions, and of which retired ones are still there."""
        token = hashlib.blake2b(f"{_READING} {sorted(aliases.items())}".encode(), digest_size=16)
        for one in versions:
            there = one.retired is None or self.shelf.store.backend.size(documents.key(one.id)) is not None
            said = (one.id, one.number, one.metrics, one.tags, one.retired, [note.id for note in one.notes], there)
            token.update(repr(said).encode())
        return token.hexdigest()

    def _version(self, model: str, standing: Standing) -> Iterator[Record]:
        try:
            document = self.shelf.document(standing)
        except NotFound:
            if standing.retired is None:
                yield self._problem(standing, "its manifest is gone")
            return
        except StoreError as error:
            yield self._problem(standing, error.message)
            return
        stored = {layout.blake3: self._stored(layout) for layout in document.layouts}
        yield _record(self.spec.name, model, standing, document, stored)
        for parent in document.manifest.parents:
            yield self._edge(model, standing.id, parent)

    def _problem(self, standing: Standing, message: str) -> Problem:
        return Problem(
            registry=self.spec.name,
            where=f"{standing.event.model}@{standing.name}",
            message=message,
            hint="`lineal repair --from REMOTE` fetches it again",
        )

    def _stored(self, layout: Layout) -> int | None:
        """Return the bytes that a file's blocks take in the store; None where some are not there."""
        total = 0
        for span in layout.spans:
            for block in split_blocks(span.blocks):
                if block not in self._sizes:
                    found = self.shelf.store.catalog.find(block)
                    if found is None:
                        return None
                    self._sizes[block] = found.stored
                total += self._sizes[block]
        return total

    def _edge(self, model: str, version: str, parent: Parent) -> Edge:
        child = Node(NodeKind.VERSION, self.spec.name, model, version)
        kinds = {kind.value: kind for kind in EdgeKind}
        if parent.id:
            above = Node(NodeKind.VERSION, self.spec.name, parent.model or model, parent.id)
        elif parent.registry:
            above = Node(NodeKind.VERSION, parent.registry, parent.model, parent.key)
        else:
            above = Node(NodeKind.MODEL, "", parent.model, parent.key)
        return Edge(
            child=child,
            parent=above,
            kind=kinds.get(parent.kind, EdgeKind.TRAINED_FROM),
            confidence=Confidence.PROVED if parent.proved else Confidence.DECLARED,
            detail="manifest",
        )

    def open(self, file: File, start: int = 0, length: int | None = None) -> BinaryIO:
        """Open a stored file, whole or in part; every block read is verified. Raises NotFound, RegistryError."""
        return self.stored(file).open(start, length)

    def stored(self, file: File) -> StoredFile:
        """Return a file of a version. Raises NotFound, Corrupt."""
        version, _, path = file.location.partition("/")
        document = self.shelf.store.document(version)
        self.shelf.store.prepare(document)
        for content in document.manifest.files:
            if content.path == path and content.blake3:
                return self.shelf.file(document, content)
        raise NotFound(f"{file.path} is not in version {version[:12]}", hint="sync again")

    def current(self, change: Change) -> Change:
        """Return an alias' or a version's tags as the ledger has them now. Raises NotFound, Unsupported."""
        state = self._state()
        match change:
            case SetAlias():
                versions = state.models.get(change.model)
                if versions is None:
                    raise NotFound(f"the store has no model {change.model!r}", hint="`lineal ls` lists what there is")
                if change.after:
                    state.version(change.model, change.after)
                return structs.replace(change, before=state.alias("", change.model, change.alias))
            case SetTags():
                tags = state.version(change.model, change.key).tags
                keys = dict.fromkeys(tag.key for tag in (*change.before, *change.after))
                return structs.replace(change, before=tuple(Tag(key, tags[key]) for key in keys if key in tags))
            case _:
                raise Unsupported(f"{self.spec.name}: {self.refusal}")

    def calls(self, change: Change, stamp: Stamp) -> tuple[str, ...]:  # noqa: ARG002
        """Return the event that is appended."""
        place = self.spec.url
        match change:
            case SetAlias():
                return (f"append to the ledger of {place}: alias {change.model}@{change.alias} {_short(change)}",)
            case SetTags():
                after = " ".join(f"{tag.key}={tag.value}" for tag in change.after)
                gone = " ".join(f"-{key}" for key in _gone(change))
                said = " ".join(part for part in (after, gone) if part)
                return (f"append to the ledger of {place}: tags of {change.model} {change.key[:12]} {said}",)
            case _:
                return ()

    def apply(self, change: Change, stamp: Stamp) -> Receipt:
        """Append the event if what the change calls `before` holds when it is appended."""
        event = self._event(change, stamp)

        def decide(state: Folded) -> Event | None:
            if event.id in state.seen:
                return event
            now = self._holds(state, change)
            if now:
                raise Conflict(now, hint="somebody was quicker: look at it again")
            return event

        try:
            entry = self.shelf.ledger.append(decide)
        except StoreError as error:
            raise Unavailable(error.message, hint=error.hint) from error
        assert entry is not None
        return Receipt(calls=self.calls(change, stamp), detail=f"entry {entry.number:,} of the ledger")

    def _event(self, change: Change, stamp: Stamp) -> Event:
        """Return the event of a change; its id follows from the action, so that a second try is the same one."""
        token = hashlib.blake2b(repr((stamp.action, change)).encode(), digest_size=16).hexdigest()
        made = self.shelf.event(
            events.ALIAS if isinstance(change, SetAlias) else events.TAGS,
            change.model,
            "",
            identity=token,
            at=stamp.at,
            by=f"{stamp.by} <{stamp.mail}>" if stamp.mail else stamp.by,
            message=stamp.reason,
        )
        made = structs.replace(made, action=stamp.action)
        match change:
            case SetAlias():
                return structs.replace(made, alias=change.alias, before=change.before, version=change.after)
            case SetTags():
                return structs.replace(made, version=change.key, tags=change.after, gone=_gone(change))
            case _:
                raise Unsupported(f"{self.spec.name}: {self.refusal}")

    def _holds(self, state: Folded, change: Change) -> str:
        """Say what is otherwise than the change takes it to be; "" where nothing is."""
        match change:
            case SetAlias():
                if change.after:
                    state.version(change.model, change.after)
                now = state.alias("", change.model, change.alias)
                if now != change.before:
                    return f"{change.model}@{change.alias} is {_name(state, change.model, now)} now"
                return "" if now != change.after else f"{change.model}@{change.alias} is so already"
            case SetTags():
                tags = state.version(change.model, change.key).tags
                before = {tag.key: tag.value for tag in change.before}
                keys = {tag.key for tag in (*change.before, *change.after)}
                if any(tags.get(key) != before.get(key) for key in keys):
                    return f"the tags of {change.model} {change.key[:12]} are others now"
                return "" if set(change.before) != set(change.after) else "these tags are set already"
            case _:
                raise Unsupported(f"{self.spec.name}: {self.refusal}")

    def _state(self) -> Folded:
        try:
            return self.shelf.state()
        except StoreError as error:
            raise Unavailable(error.message, hint=error.hint) from error

    def series(self, version: Version, metric: str) -> Series:  # noqa: ARG002
        """Return nothing: only last values are kept."""
        return Series(metric, [], [], [])

    def close(self) -> None:
        """Let go of the store."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None


def _record(
    registry: str, model: str, standing: Standing, document: Document, stored: Mapping[str, int | None]
) -> Version:
    manifest, event = document.manifest, standing.event
    return Version(
        registry=registry,
        model=model,
        key=standing.id,
        name=standing.name,
        kind=Kind.DATASET if manifest.kind == "dataset" else Kind.REGISTERED,
        number=standing.number,
        created_at=event.at,
        author=event.by,
        message=event.message,
        state=_state(standing, stored),
        params=manifest.params,
        metrics=tuple(standing.metrics[name] for name in sorted(standing.metrics)),
        tags=tuple(Tag(key, standing.tags[key]) for key in sorted(standing.tags)),
        environment=manifest.environment,
        datasets=manifest.datasets,
        code=manifest.code,
        files=tuple(
            _file(standing.id, content, stored[content.blake3]) for content in manifest.files if _has_bytes(content)
        ),
    )


def _moved(state: Folded, model: str) -> dict[str, int]:
    """Return how often each alias of a model was moved."""
    aliases = sorted(about[2] for about in state.moved("") if about[1] == model)
    return {alias: len(state.moves("", model, alias)) for alias in aliases}


def _gone(change: SetTags) -> tuple[str, ...]:
    kept = {tag.key for tag in change.after}
    return tuple(tag.key for tag in change.before if tag.key not in kept)


def _short(change: SetAlias) -> str:
    return f"{change.before[:12] or 'nothing'} → {change.after[:12] or 'nothing'}"


def _name(state: Folded, model: str, key: str) -> str:
    standing = state.models.get(model, {}).get(key)
    return standing.name if standing else key[:12] or "nothing"


def _has_bytes(content: Content) -> bool:
    return content.mode not in (SYMLINK, DIRECTORY)


def _state(standing: Standing, stored: Mapping[str, int | None]) -> State:
    if standing.retired is not None:
        return State.RETIRED
    return State.PARTIAL if None in stored.values() else State.READY


def _file(version: str, content: Content, stored: int | None) -> File:
    return File(
        path=content.path,
        size=content.size,
        stored=stored,
        digest=Digest(Algorithm.SHA256, content.sha256),
        place=Place.REMOTE if stored is None else Place.CACHE,
        location=f"{version}/{content.path}",
    )
