"""One workspace: its configuration, its registries and its index, wired together.

This is also the Python API for reading:

    with lineal.open() as work:                      # the workspace around the current folder
        for row in work.versions("metric.auc>=0.9"):
            print(row.name, row.metrics["auc"])
        old, new = work.version("churn@prod"), work.version("churn@v41")
        print(work.diff([old, new]).sections)
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from msgspec import structs

from lineal import discovery, registries
from lineal.config import Config, RegistrySpec, StoreSpec, Surroundings, load, place
from lineal.errors import Blocked, IndexUnavailable, NotFound, RegistryError, StoreError
from lineal.index import named_index, open_index
from lineal.index.index import Index
from lineal.model.listing import RegistryRow, Sort, VersionRow
from lineal.model.reference import Reference, Selector, canonical, parse
from lineal.model.values import Series
from lineal.model.version import Code, File, Place, Tensor, Version
from lineal.registries.base import Registry

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lineal.diff import CodeChange
    from lineal.diff.goals import Goals
    from lineal.diff.texts import TextDiff
    from lineal.ledger.opening import Chronicle
    from lineal.model.diff import Diff, Facet
    from lineal.model.lineage import Tree
    from lineal.policy.rules import Policy
    from lineal.registries.native.shelf import Shelf
    from lineal.store.care import Saved
    from lineal.store.documents import Document
    from lineal.store.files import StoredFile


class Workspace:
    """The registries and the index of one project folder. Everything is opened when first asked for."""

    def __init__(self, config: Config, around: Surroundings, index: str = "", *, as_is: bool = False) -> None:
        """Wire a workspace together; with `as_is` nothing counts as stale, so nobody syncs unasked."""
        self.config = config
        self.around = around
        self._as_is = as_is
        self.root: Path = config.root
        self.index_url = named_index(index or config.index, config.root, around)
        self._connected: dict[str, Registry] = {}

    @cached_property
    def index(self) -> Index:
        """The index; empty until the first sync."""
        return open_index(self.index_url, clock=self.around.clock)

    @cached_property
    def specs(self) -> list[RegistrySpec]:
        """Every registry of the workspace, configured or found."""
        return discovery.specs(self.config, self.around, self._known())

    def _known(self) -> list[RegistryRow]:
        """Return what the index has seen; an index that cannot be read says so where it is asked for itself."""
        try:
            return self.index.registries()
        except IndexUnavailable:
            return []

    def registry(self, name: str) -> Registry:
        """Return the registry of that name, connected. Raises NotFound."""
        if name not in self._connected:
            spec = next((spec for spec in self.specs if spec.name == name), None)
            if spec is None:
                raise NotFound(f"no registry is called {name!r}", hint="`lineal registry ls` lists them")
            self._connected[name] = registries.connect(spec, self.around)
        return self._connected[name]

    def guard(self) -> None:
        """Raise Blocked in read-only mode, in which no registry, store or ledger is written to."""
        if self.config.read_only:
            raise Blocked(f"read-only: {self.config.read_only}", hint="`lineal doctor` says more")

    def chronicle(self, *, create: bool = False) -> Chronicle:
        """Open the ledger of the workspace's own store, without what reads bytes; the caller closes it.

        Raises:
            NotFound, Unsupported, Corrupt: as for the store. Blocked: it shall be made, in read-only mode.
        """
        from lineal.ledger.opening import Chronicle, opened

        if create:
            self.guard()
        return Chronicle(opened(self.config.store, self.around.cache_folder(), create=create))

    def shelf(self, *, create: bool = False) -> Shelf:
        """Open the workspace's own store; the caller closes it. Raises NotFound, Unsupported, Corrupt.

        With `create` it is made where there is none, and Blocked is raised in read-only mode.
        """
        if create:
            self.guard()
        from lineal.registries.native.shelf import Shelf

        return Shelf.open(self.config.store, self.around, create=create)

    def remote(self, name: str, *, create: bool = False) -> Shelf:
        """Open the store of a remote by its name in `lineal.toml`, or by its place; the caller closes it.

        Raises:
            NotFound: there is no such remote, or no store there.
            Blocked: it shall be made, in read-only mode.
        """
        if create:
            self.guard()
        from lineal.registries.native.shelf import Shelf

        spec = self.config.remotes.get(name)
        if spec is None and ("/" not in name and "://" not in name):
            raise NotFound(
                f"no remote is called {name!r}", hint="`lineal remote list` lists them, `remote add` makes one"
            )
        spec = spec or StoreSpec(url=place(name, self.around.cwd, self.around.home), origin="given")
        return Shelf.open(spec, self.around, create=create)

    def stored(self, reference: str, path: str = "") -> StoredFile:
        """Return a file of a version in a native store, to be read by ranges or as a file (`.open()`).

            work.stored("churn@v3", "model.safetensors").tensor("encoder.weight")   # a NumPy array, without the rest

        The file need not be named where the version has only one.

        Raises:
            NotFound: there is no such version or file, or it is not in a native store.
        """
        document, shelf = self._document(reference)
        files = [one for one in document.manifest.files if one.blake3 and path in ("", one.path)]
        if len(files) != 1:
            names = ", ".join(one.path for one in document.manifest.files[:5])
            raise NotFound(f"{reference!r}: name one of its files", hint=names)
        return shelf.file(document, files[0])

    def _document(self, reference: str) -> tuple[Document, Shelf]:
        """Find a version in the workspace's own store, whatever the index knows of it, else in another native one."""
        from lineal.registries.native.registry import NativeRegistry

        own = next((spec for spec in self.specs if spec.kind == "native" and spec.url == self.config.store.url), None)
        if own is not None:
            registry = self.registry(own.name)
            assert isinstance(registry, NativeRegistry)
            try:
                return registry.shelf.document(registry.shelf.resolve(reference)), registry.shelf
            except NotFound:
                pass
        row = self.version(reference)
        registry = self.registry(row.registry)
        if not isinstance(registry, NativeRegistry):
            raise NotFound(f"{reference!r} is in {row.registry}, no native store", hint="`lineal import` copies it")
        return registry.shelf.document(registry.shelf.find(row.model, row.key)), registry.shelf

    def tensor(self, reference: str, name: str) -> NDArray[np.generic]:
        """Return the values of a tensor of a stored version; bfloat16 as float32. Raises NotFound, Unsupported."""
        document, shelf = self._document(reference)
        for content in document.manifest.files:
            if content.blake3 and any(view.name == name for view in document.layout(content.blake3).views):
                return shelf.file(document, content).tensor(name)
        raise NotFound(f"{reference!r} has no tensor {name!r}", hint="`lineal show VERSION --tensors` lists them")

    def versions(self, query: str = "", sort: Sort | None = None) -> Iterator[VersionRow]:
        """Yield the versions that match `query`, newest first unless `sort` says otherwise. Raises QueryError."""
        rows = self.index.rows(query, sort)
        number = 0
        while page := rows.page(number):
            yield from page
            if len(page) < rows.PAGE:
                return
            number += 1

    def version(self, reference: str) -> VersionRow:
        """Return the version that `[registry:]model[@selector]` names. Raises ConfigError, NotFound, Conflict."""
        said = parse(reference)
        try:
            return self.index.resolve(said)
        except NotFound:
            found = self._before(said) if said.selector.back else None
            if found is None:
                raise
            return found

    def _before(self, said: Reference) -> VersionRow | None:
        """Return what an alias pointed at so many moves ago by the ledger, where its registry keeps no history."""
        model = self.index.resolve(structs.replace(said, selector=Selector(), raw=""))
        try:
            with self.chronicle() as chronicle:
                state = chronicle.ledger.refresh()
        except (NotFound, StoreError):
            return None
        moves = list(state.moves(self.ledger_name(model.registry), model.model, said.selector.value))
        if said.selector.back > len(moves) or not moves[-said.selector.back].before:
            return None
        return self.index.find(model.registry, model.model, moves[-said.selector.back].before)

    def ledger_name(self, registry: str) -> str:
        """Return what the ledger calls a registry: "" for the store that it lies in."""
        found = next((spec for spec in self.specs if spec.name == registry), None)
        own = found is not None and found.kind == "native" and found.url == self.config.store.url
        return "" if own else registry

    def whole(self, row: VersionRow) -> Version:
        """Return everything that is known of a version. Raises NotFound."""
        return self.index.version(row.id)

    @cached_property
    def goals(self) -> Goals:
        """Which way metrics get better, by this workspace's rules and by their names."""
        from lineal.diff.goals import Goals

        return Goals(self.config.metrics)

    @property
    def policy(self) -> Policy:
        """What the project asks of a version before it gets an alias."""
        return self.config.policy

    def diff(
        self,
        rows: Sequence[VersionRow],
        *,
        baseline: int = 0,
        changed_only: bool = True,
        facets: Collection[Facet] | None = None,
        most: int = 0,
    ) -> Diff:
        """Compare versions, each with the one at `baseline`; of parameters at most so many rows, if `most` is not 0.

        Raises:
            ConfigError: there are fewer than two.
        """
        from lineal.diff import compare

        return compare(
            [self.whole(row) for row in rows],
            baseline=baseline,
            changed_only=changed_only,
            facets=facets,
            goals=self.goals,
            tensors=self._tensors,
            code=self._code,
            digests=self.index.digests,
            most=most,
        )

    def text_diff(self, base: VersionRow, other: VersionRow, path: str = "") -> TextDiff:
        """Compare a text file of two versions, or their model cards, as far as the bytes can be had from here.

        Raises:
            Unsupported: it is no text, or neither version has it.
            RegistryError: its bytes cannot be read.
        """
        from lineal.diff.texts import between

        return between(self.whole(base), self.whole(other), path, self._text)

    def _text(self, version: Version, file: File) -> bytes:
        from lineal.diff.texts import MOST

        with self.registry(version.registry).open(file, 0, MOST + 1) as opened:
            return opened.read(MOST + 1)

    def _code(self, base: Code, other: Code) -> CodeChange | None:
        """Look a change of code up, also in the workspace's own repositories: a tracker knows the commit only."""
        from lineal.diff.code import change_between

        at_hand = [spec.url for spec in self.specs if spec.kind == "dvc" and "://" not in spec.url]
        for local in dict.fromkeys([other.local, base.local, *at_hand, str(self.root)]):
            found = change_between(structs.replace(base, local=local), structs.replace(other, local=local))
            if found is not None:
                return found
        return None

    def lineage(self, row: VersionRow, *, up: int = 50, down: int = 50, limit: int = 10_000) -> Tree:
        """Return what a version came from and what came from it, at most `limit` nodes."""
        from lineal.lineage import node_of, tree

        return tree(self.index, node_of(row), up=up, down=down, limit=limit)

    def series(self, row: VersionRow, metric: str) -> Series:
        """Return one metric of a version along training. Raises RegistryError."""
        return self.registry(row.registry).series(self.whole(row), metric)

    def tensors(self, row: VersionRow) -> list[Tensor]:
        """Return the headers of a version's tensors, in file order. Raises RegistryError."""
        return self._tensors(self.whole(row))

    def _tensors(self, version: Version) -> list[Tensor]:
        from lineal.formats.tensors import headers, holds_tensors

        registry = self.registry(version.registry)
        found: list[Tensor] = []
        for file in version.files:
            if holds_tensors(file.path) and file.place is not Place.NOWHERE:
                found.extend(headers(partial(registry.open, file), file.size, file.path))
        return found

    def statistics(self, registry: str) -> tuple[tuple[int, int, int], list[Saved]]:
        """Return packs, blocks and bytes of a native store, and what it saves of each model; nothing of other kinds."""
        from lineal.registries.native import upkeep
        from lineal.registries.native.registry import NativeRegistry

        found = self.registry(registry)
        if not isinstance(found, NativeRegistry):
            return (0, 0, 0), []
        saved = upkeep.statistics(found.shelf)
        return found.shelf.store.catalog.totals(), saved

    def stale(self) -> list[str]:
        """Return the local registries that changed since they were last synced, or were never."""
        if self._as_is:
            return []
        known = {row.name: row.fingerprint for row in self.index.registries() if row.synced_at is not None}
        return [spec.name for spec in self.specs if self._changed(spec.name, known)]

    def _changed(self, name: str, known: dict[str, str | None]) -> bool:
        try:
            now = self.registry(name).fingerprint()
        except RegistryError:
            return name in known  # it was there once: the next sync says what is wrong
        return now is not None and now != known.get(name)

    def unseen(self) -> list[str]:
        """Return the registries that were never synced, remote ones included."""
        known = {row.name for row in self.index.registries()}
        return [] if self._as_is else [spec.name for spec in self.specs if spec.name not in known]

    def close(self) -> None:
        """Close the index and every registry."""
        for registry in self._connected.values():
            registry.close()
        self._connected.clear()
        if "index" in self.__dict__:
            self.index.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def reference_of(row: VersionRow) -> str:
    """Return the canonical reference of a version, as every command line understands it."""
    return canonical(row.registry, row.model, row.name)


def open_workspace(
    path: str | Path | None = None, *, index: str = "", around: Surroundings | None = None, as_is: bool = False
) -> Workspace:
    """Open the workspace around `path`, or around the current folder.

    Args:
        path: a folder in the workspace.
        index: a SQLite file or `postgresql://` URL instead of the configured index.
        around: what to take for the process's surroundings; by default this process's own.
        as_is: take the index for fresh, whatever has changed since the last sync.

    Raises:
        ConfigError: a configuration file cannot be used.
    """
    around = around_folder(path, around)
    return Workspace(load(around), around, index, as_is=as_is)


def around_folder(path: str | Path | None, around: Surroundings | None) -> Surroundings:
    """Return the surroundings of a process that was started in the folder `path`. Raises NotFound."""
    around = around or Surroundings.of_process()
    if path is None:
        return around
    folder = Path(place(str(path), around.cwd, around.home))
    if not folder.is_dir():
        raise NotFound(f"{folder} is not a folder", hint="name a folder that holds models")
    return Surroundings(folder, around.home, around.environ, around.clock)
