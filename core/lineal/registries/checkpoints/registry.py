"""Folders of checkpoints as a registry: each training output is a model, each checkpoint or model file in it a version.

A version's key is its path from the root and a fingerprint of its weights: overwriting a checkpoint in place makes a
new version and ends the old one, while `touch`, moving the whole root or adding a README makes none. Each run is a
scope of its own; its cursor is made of names, sizes and times, so that an unchanged run costs no more than the walk.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote_to_bytes

from lineal.config import RegistrySpec
from lineal.errors import NotFound
from lineal.formats.window import open_slice
from lineal.model.records import Complete, Problem, Record
from lineal.model.values import Series
from lineal.model.version import File, Version
from lineal.registries.base import Cursors, ReadOnly
from lineal.registries.checkpoints import history, layout, settings, walk
from lineal.registries.checkpoints.layout import Run
from lineal.registries.checkpoints.pieces import text
from lineal.registries.checkpoints.probe import Probe
from lineal.registries.checkpoints.versions import Describer, model_name
from lineal.registries.checkpoints.walk import Tree

READER = "1"  # a reader that says more about the same files is a new number
TICK = 2.0  # seconds: the coarsest clock of a file system
GLANCE = 4_000  # entries that `fingerprint` looks at
RUN_ENTRIES, RUN_DEPTH = 50_000, 4  # of the walk for one run's curves


class Checkpoints(ReadOnly):
    """A folder of training outputs, or one model file."""

    refusal = "files in folders have no aliases and tags that anybody could set: `lineal commit` keeps them in a store"

    def __init__(self, spec: RegistrySpec, clock: Callable[[], float]) -> None:
        self.spec = spec
        self.clock = clock  # Unix seconds
        self.root = Path(spec.url)

    def fingerprint(self) -> str | None:
        """Return a token of the names, sizes and times of the nearest 4,000 entries; changes beyond wait for a sync."""
        tree = walk.of_file(self.root) if walk.is_file(self.root) else walk.walk(self.root, GLANCE)
        return _digest(repr(sorted((path, folder.files, folder.folders) for path, folder in tree.folders.items())))

    def scan(self, since: Cursors) -> Iterator[Record]:
        """Yield run by run what the folder holds; see `Registry.scan`."""
        tree, base = self._tree()
        named: set[str] = set()
        for run in layout.runs(tree):
            scope, cursor = text(run.folder) or ".", _cursor(tree, run)
            named.add(scope)
            if since.get(scope) == cursor:
                yield Complete(registry=self.spec.name, scope=scope, cursor=cursor, delta=True)
            else:
                yield from self._run(tree, base, run, scope, cursor)
        yield from self._kept(since, named, tree)
        yield from self._unread(tree)
        yield Complete(registry=self.spec.name, scope="")

    def open(self, file: File, start: int = 0, length: int | None = None) -> BinaryIO:
        """Open a file of a version."""
        path = Path(os.fsdecode(unquote_to_bytes(file.location)))
        whole = self._base() / path
        if path.is_absolute() or ".." in path.parts or not file.location or not walk.is_file(whole):
            raise NotFound(f"{file.path} is no longer there", hint="lineal sync")
        return open_slice(whole, start, length)

    def series(self, version: Version, metric: str) -> Series:
        """Return a curve up to where the version stands; empty where its training kept none."""
        last = next((found.step for found in version.metrics if found.name == metric), None)
        tree, base, run, path = self._run_of(version)
        found = next((found for found in run.found if text(found.path) == path), None) if run else None
        if run is None or found is None:
            raise NotFound(f"{version.name} is no longer there", hint="lineal sync")
        read = history.read(Probe(self.spec.name, base), tree, run)
        whole = history.of_version(read, found, None if last is None else last + read.lag)
        return history.until(whole, last).get(metric, Series(metric, [], [], []))

    def close(self) -> None:
        """Nothing is held open."""

    def _base(self) -> Path:
        return self.root.parent if walk.is_file(self.root) else self.root

    def _tree(self) -> tuple[Tree, Path]:
        if walk.is_file(self.root):
            return walk.of_file(self.root), self.root.parent
        return walk.walk(self.root), self.root

    def _run(self, tree: Tree, base: Path, run: Run, scope: str, cursor: str) -> Iterator[Record]:
        probe = Probe(self.spec.name, base)
        yield from Describer(probe, tree, run, model_name(self.root, run.folder)).records()
        yield from probe.problems
        failed = probe.unavailable  # what could not be read now is not gone, and is tried again next time
        again = failed or self._fresh(tree, run)
        yield Complete(registry=self.spec.name, scope=scope, cursor="" if again else cursor, delta=failed)

    def _fresh(self, tree: Tree, run: Run) -> bool:
        """Say whether a file was written just now: one more write in the same tick would show in no time or size."""
        now = self.clock()
        times = (entry.mtime_ns for path in _used(tree, run) if (entry := walk.entry(tree, path)))
        return any(abs(now - time / 1e9) < TICK for time in times)

    def _kept(self, since: Cursors, named: set[str], tree: Tree) -> Iterator[Record]:
        """Keep the scopes that this walk could not reach: unread is not gone."""
        hidden = [text(path) for path in tree.unread]
        for scope in sorted(since.keys() - named - {""}):
            under = any(scope == path or scope.startswith(f"{path}/") for path in hidden)
            if under or (tree.capped and (self.root / scope).is_dir()):
                yield Complete(registry=self.spec.name, scope=scope, cursor=since[scope], delta=True)

    def _unread(self, tree: Tree) -> Iterator[Problem]:
        for path, reason in sorted(tree.unread.items()):
            hint = "check who may read the folder"
            yield Problem(registry=self.spec.name, where=text(path), message=f"cannot be listed: {reason}", hint=hint)
        if tree.capped:
            message = f"only the first {walk.MAX_ENTRIES:,} entries, {walk.MAX_DEPTH} folders deep, were looked at"
            hint = "add the folders inside it that matter, each with `lineal registry add`"
            yield Problem(registry=self.spec.name, where=".", message=message, hint=hint)

    def _run_of(self, version: Version) -> tuple[Tree, Path, Run | None, str]:
        """Walk only the folder of a version's run; return the version's path in it too."""
        path = version.key.rpartition("@")[0]
        if walk.is_file(self.root):
            tree = walk.of_file(self.root)
            return tree, self.root.parent, next(iter(layout.runs(tree)), None), path
        folder = "" if version.model == model_name(self.root, "") else version.model.removeprefix("./")
        tree = walk.walk(self.root / folder, RUN_ENTRIES, RUN_DEPTH)
        run = next((run for run in layout.runs(tree) if not run.folder), None)
        return tree, self.root / folder, run, "." if path == folder else path.removeprefix(f"{folder}/")


def _cursor(tree: Tree, run: Run) -> str:
    """Return a token of the names, sizes and times of all files that a run's records are made of."""
    entries = [(path, walk.entry(tree, path)) for path in sorted(_used(tree, run))]
    return _digest(repr((READER, entries, sorted(run.links.items()))))


def _used(tree: Tree, run: Run) -> set[str]:
    paths = {path for found in run.found for path in (*found.files, *found.weights)}
    paths |= {*history.used(tree, run), *settings.used(tree, run)}
    for found in run.found:
        if any(path.endswith(".onnx") for path in found.weights):  # their bytes may lie in any file beside them
            paths |= {walk.join(found.folder, name) for name in tree.folders[found.folder].files}
    paths |= {walk.join(run.folder, name) for name in tree.folders[run.folder].files if name.endswith("_results.json")}
    paths.add(walk.join(run.folder, "metrics.json"))
    return paths


def _digest(told: str) -> str:
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]
