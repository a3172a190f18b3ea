"""The files of DVC in a history, parsed once for each content; those that cannot be read become problems."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from lineal.errors import BadFormat
from lineal.model.records import Problem
from lineal.registries.dvc.beside import defines, is_pipeline
from lineal.registries.dvc.history import Commit
from lineal.registries.dvc.locks import Locks
from lineal.registries.dvc.outs import Artifact, Out, Pipeline, pipeline, tracked

DEFINITION = 16 << 20  # bytes of a file of DVC
T = TypeVar("T")


class Definitions:
    """The files of DVC in a history, parsed once for each content."""

    def __init__(self, registry: str, blobs: Mapping[str, bytes | None]) -> None:
        self._registry = registry
        self._blobs = blobs
        self._locks = Locks()
        self._outs: dict[tuple[str, str], tuple[Out, ...]] = {}
        self._pipelines: dict[tuple[str, str], Pipeline] = {}
        self.problems: dict[str, Problem] = {}
        self.missing: set[str] = set()  # contents that could not be had: what they named need not be gone

    def outs(self, path: str, blob: str) -> tuple[Out, ...]:
        """Return the outs that a `.dvc` file or `dvc.lock` names."""
        if (path, blob) not in self._outs:
            read = self._locks.read if path.endswith("dvc.lock") else tracked
            self._outs[path, blob] = tuple(self._read(path, blob, lambda data: read(path, data), []))
        return self._outs[path, blob]

    def pipeline(self, path: str, blob: str) -> Pipeline:
        """Return what a `dvc.yaml` names."""
        if (path, blob) not in self._pipelines:
            self._pipelines[path, blob] = self._read(path, blob, lambda data: pipeline(path, data), Pipeline())
        return self._pipelines[path, blob]

    def _read(self, path: str, blob: str, read: Callable[[bytes], T], nothing: T) -> T:
        data = self._blobs.get(blob)
        try:
            if data is None:
                self.missing.add(blob)
                raise BadFormat(f"its content {blob[:8]} is missing or too large", hint="try `git fsck`, or fetch it")
            return read(data)
        except BadFormat as e:
            hint = e.hint or "repair it in a new commit"
            problem = Problem(registry=self._registry, where=path, message=e.message, hint=hint)
            self.problems.setdefault(f"{path}\0{e.message}", problem)
            return nothing

    def artifacts(self, commits: list[Commit]) -> dict[str, Artifact]:
        """Return the artifacts by path, the newest word of each counting."""
        found: dict[str, Artifact] = {}
        for commit in commits:
            for change in commit.changes:
                if change.new and is_pipeline(change.path):
                    found |= {one.path: one for one in self.pipeline(change.path, change.new).artifacts}
        return found


def defining(commits: list[Commit]) -> set[str]:
    """Return the blobs, of all commits, of files that DVC wrote."""
    ids = {
        blob
        for commit in commits
        for change in commit.changes
        if defines(change.path) or is_pipeline(change.path)
        for blob in (change.old, change.new)
    }
    return ids - {""}
