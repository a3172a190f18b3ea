"""The versions of one store: its bytes and its ledger together, and what is done with versions.

with Shelf.open(spec, around, create=True) as shelf:
    made = shelf.commit(tree, kind="model", name="churn")
"""

from __future__ import annotations

import platform
import posixpath
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Self

import msgspec

from lineal.config import StoreSpec, Surroundings
from lineal.errors import ConfigError, Conflict, NotFound
from lineal.formats.people import author
from lineal.ledger import events
from lineal.ledger.events import Event
from lineal.ledger.folding import Standing, State
from lineal.ledger.opening import Chronicle, opened
from lineal.model.reference import ID_PREFIX, SelectorKind, parse
from lineal.model.values import Metric, Param, Tag
from lineal.model.version import Code, Dataset, Environment
from lineal.registries.native import trees
from lineal.registries.native.trees import Tree
from lineal.store import bases, leases
from lineal.store.bases import Bases
from lineal.store.documents import Document
from lineal.store.effort import Effort
from lineal.store.files import StoredFile
from lineal.store.manifest import Content, Layout, Manifest, Parent
from lineal.store.segments import external, outside, segmentation
from lineal.store.store import Store
from lineal.store.writing import Writer, Written

_CANDIDATES = 16  # other models whose tensors are looked at for a base


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What goes into a version besides its files, and what is said about it."""

    parents: tuple[Parent, ...] = ()
    params: tuple[Param, ...] = ()
    environment: Environment | None = None
    datasets: tuple[Dataset, ...] = ()
    code: Code | None = None
    metrics: tuple[Metric, ...] = ()
    tags: tuple[Tag, ...] = ()
    message: str = ""
    at: float | None = None  # Unix seconds; None for now
    by: str = ""  # empty for whoever runs this


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A version that was committed: its id and number, whether it is new, and what was written for it."""

    model: str
    id: str
    number: int
    fresh: bool
    written: Written


class Shelf(Chronicle):
    """One store's versions, for one thread at a time."""

    def __init__(self, store: Store, around: Surroundings) -> None:
        super().__init__(store)
        self.around = around

    @classmethod
    def open(cls, spec: StoreSpec, around: Surroundings, *, create: bool = False) -> Self:
        """Open the store that `spec` names; with `create` make it where there is none. Raises as `Store.open`."""
        return cls(opened(spec, around.cache_folder(), create=create), around)

    def state(self) -> State:
        """Return what the ledger says now."""
        return self.ledger.refresh()

    def find(self, model: str, selector: str = "") -> Standing:
        """Return a version by `v3`, `latest`, or six or more characters of its id; the newest where none is said.

        Raises:
            NotFound: there is none.
            Conflict: several begin with these characters.
        """
        versions = list(self.state().models.get(model, {}).values())
        if not versions:
            raise NotFound(f"the store has no model {model!r}", hint="`lineal ls` lists what there is")
        if selector in ("", "latest"):
            return next((one for one in reversed(versions) if one.retired is None), versions[-1])
        found = [one for one in versions if one.name == selector]
        if not found and len(selector) >= ID_PREFIX:
            found = [one for one in versions if one.id.startswith(selector)]
        if not found:
            raise NotFound(f"{model!r} has no version {selector!r}", hint=f"the newest is {versions[-1].name}")
        if len(found) > 1:
            raise Conflict(f"{selector!r} begins several ids", hint="give more characters")
        return found[0]

    def resolve(self, reference: str) -> Standing:
        """Return the version that `model[@selector]` names. Raises NotFound, Conflict, ConfigError."""
        models = self.state().models
        if reference in models:
            return self.find(reference)
        said = parse(reference)
        selector = said.selector
        if said.model not in models or selector.back or selector.kind is SelectorKind.ALIAS:
            raise NotFound(
                f"the store has no version {reference!r}",
                hint="`lineal import` brings versions of other registries; `lineal ls registry:store` lists its own",
            )
        return self.find(said.model, "" if selector.kind is SelectorKind.LATEST else selector.value)

    def document(self, standing: Standing) -> Document:
        """Return a version's manifest, with its packs made known. Raises NotFound, Corrupt."""
        document = self.store.document(standing.id)
        self.store.prepare(document)
        return document

    def file(self, document: Document, content: Content) -> StoredFile:
        """Return a file of a version, to be read whole, by ranges or by tensors."""
        return StoredFile(self.store.reader, content, document.layout(content.blake3))

    def commit(
        self,
        tree: Tree,
        said: Said,
        *,
        kind: str,
        name: str,
        effort: Effort = Effort.DEFAULT,
        on_bytes: Callable[[int], None] = lambda _: None,
    ) -> Made:
        """Make a version of what is in `tree`; the same content is the same version, and is not stored again.

        Raises:
            Conflict: a file changed while it was read, or the store is being cleaned up.
            NotFound, Unavailable, OutOfSpace: a file or the store.
        """
        _check_name(name)
        if not tree.files:
            raise NotFound("there is no file to commit", hint="name a file, or a folder with files in it")
        with leases.writing(self.store.backend, self.around.clock()):
            self.store.catalog.refresh()
            with Writer(self.store, effort, known=self._known(name, said, tree), on_bytes=on_bytes) as writer:
                contents, layouts = _stored(writer, tree)
                manifest = self._manifest(kind, name, contents, said)
                version = writer.finish(manifest, layouts)
            return self._announce(version, manifest, said, writer.written)

    def _manifest(self, kind: str, name: str, contents: Iterable[Content], said: Said) -> Manifest:
        """Return what is in a version. A parent that is the same content is no parent: nothing changed since."""
        files = tuple(sorted(contents, key=lambda content: content.path))
        made = Manifest(
            kind=kind,
            name=name,
            files=files,
            parents=tuple(sorted(said.parents)),
            params=tuple(sorted(said.params, key=lambda param: param.name)),
            environment=said.environment,
            datasets=said.datasets,
            code=said.code,
        )
        for parent in said.parents:
            document = self._readable(parent.id) if parent.id in self.state().models.get(name, {}) else None
            if document is not None:
                before = document.manifest
                if trees.same(before.files, files) and msgspec.structs.replace(before, parents=made.parents) == made:
                    return before
        return made

    def _announce(self, version: str, manifest: Manifest, said: Said, written: Written) -> Made:
        """Give a version its number, unless it has one; say what is new about it."""
        identity, at = secrets.token_hex(16), said.at if said.at is not None else self.around.clock()
        name = manifest.name

        def decide(state: State) -> Event | None:
            known = state.models.get(name, {}).get(version)
            number = None if known else state.next_number(name)
            metrics = tuple(
                one for one in said.metrics if not known or known.metrics.get((one.name, one.dataset)) != one
            )
            tags = tuple(one for one in said.tags if not known or known.tags.get(one.key) != one.value)
            revived = known is not None and known.retired is not None
            if known and not metrics and not tags and not revived:
                return None
            kind = events.COMMITTED if not known else events.RESTORED if revived else events.METRICS
            return self.event(
                kind,
                name,
                version,
                identity=identity,
                at=at,
                by=said.by,
                number=number,
                message=said.message,
                metrics=metrics,
                tags=tags,
            )

        entry = self.ledger.append(decide)
        standing = self.ledger.state.version(name, version)
        fresh = entry is not None and entry.event.kind == events.COMMITTED
        return Made(model=name, id=version, number=standing.number, fresh=fresh, written=written)

    def event(
        self,
        kind: str,
        model: str,
        version: str,
        *,
        identity: str = "",
        at: float | None = None,
        by: str = "",
        number: int | None = None,
        message: str = "",
        metrics: Sequence[Metric] = (),
        tags: Sequence[Tag] = (),
    ) -> Event:
        """Return an event of this machine and user."""
        return Event(
            id=identity or secrets.token_hex(16),
            kind=kind,
            at=self.around.clock() if at is None else at,
            by=by or author(self.around),
            host=platform.node(),
            model=model,
            version=version,
            number=number,
            message=message,
            metrics=tuple(metrics),
            tags=tuple(tags),
        )

    def retire(self, standing: Standing, reason: str) -> bool:
        """Mark a version as not to be used; say whether it was not yet."""
        event = self.event(events.RETIRED, standing.event.model, standing.id, message=reason)

        def decide(state: State) -> Event | None:
            return event if state.version(event.model, event.version).retired is None else None

        return self.ledger.append(decide) is not None

    def restore(self, standing: Standing, reason: str) -> bool:
        """Let a retired version count again; say whether it was retired. Raises NotFound if its bytes have gone."""
        self.store.document(standing.id)
        event = self.event(events.RESTORED, standing.event.model, standing.id, message=reason)

        def decide(state: State) -> Event | None:
            return event if state.version(event.model, event.version).retired is not None else None

        return self.ledger.append(decide) is not None

    def _known(self, name: str, said: Said, tree: Tree) -> Bases:
        """Return what blocks may be differences from: parents, the newest version, else a model of like tensors."""
        ids = [parent.id for parent in said.parents if parent.id]
        versions = list(self.state().models.get(name, {}).values())
        ids += [one.id for one in reversed(versions[-1:])]
        documents = [found for version in dict.fromkeys(ids) if (found := self._readable(version))]
        if not documents:
            others = [list(one.values())[-1].id for one in self.state().models.values() if one]
            candidates = [found for version in others[-_CANDIDATES:] if (found := self._readable(version))]
            documents = bases.nearest(self.store, candidates, [source for _, source in tree.files])
        return Bases(documents)

    def _readable(self, version: str) -> Document | None:
        """Return a version that may serve as a base; one whose bytes have gone serves nobody."""
        try:
            document = self.store.document(version)
        except NotFound:
            return None
        self.store.prepare(document)
        return document


def _stored(writer: Writer, tree: Tree) -> tuple[list[Content], list[Layout]]:
    """Store files, each cut where its tensors lie; those beside an ONNX model where the model says."""
    contents, layouts = list(tree.others), []
    beside = {}
    for path, source in tree.files:
        if path.lower().endswith(".onnx"):
            folder = posixpath.dirname(path)
            for name, stretches in external(source.window()).items():
                beside[posixpath.normpath(posixpath.join(folder, name))] = stretches
    for path, source in tree.files:
        cut = outside(source.window(), beside[path]) if path in beside else segmentation(source.window(), source.name)
        content, layout = writer.add(source, path, cut)
        contents.append(content)
        layouts.append(layout)
    return contents, layouts


def _check_name(name: str) -> None:
    if not name or len(name) > 500 or name != name.strip() or not name.isprintable():
        raise ConfigError(f"{name!r} is no name of a model", hint="use letters, digits, `-`, `_`, `.` and `/`")
