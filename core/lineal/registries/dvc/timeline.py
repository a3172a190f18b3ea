"""From commits to versions: where a model's out, or the lock entry of its stage, differs from the first parent.

The files of each commit are followed as a map from path to blob, handed from a commit to its only child and copied
where a history branches, so a walk costs what changes, not what is there.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from enum import Enum

import msgspec

from lineal.registries.dvc.history import MODELS, Change, Commit
from lineal.registries.dvc.outs import Out, Pipeline
from lineal.registries.dvc.roles import Roles

ENVIRONMENTS = ("requirements.txt", "conda.yaml", "environment.yaml", "environment.yml")
LFS = 1024  # bytes that a pointer of git-lfs does not exceed


class Holder(Enum):
    """What holds the bytes of a version."""

    DVC = "dvc"
    GIT = "git"  # the blob itself, or a pointer of git-lfs in its place


class Draft(msgspec.Struct, kw_only=True):
    """A version before the files beside it are read. `values` are (path, blob) of params, metrics and environments."""

    model: str
    path: str
    commit: Commit
    holder: Holder
    out: Out | None = None
    blob: str = ""
    parent: str = ""  # the commit of the version before, along first parents
    params: dict[str, str] = {}
    keys: dict[str, tuple[str, ...]] = {}
    metrics: dict[str, str] = {}
    environments: dict[str, str] = {}
    data: tuple[Out, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()  # path and commit of models that it was made from


class Place(msgspec.Struct):
    """What holds at one commit: the blob of each path, and the newest version of each model's path."""

    files: dict[str, str]
    newest: dict[str, str]

    def copy(self) -> Place:
        """Return one that can change by itself."""
        return Place(dict(self.files), dict(self.newest))


class Files(msgspec.Struct, frozen=True):
    """Files of DVC, parsed, by path and blob."""

    outs: Callable[[str, str], tuple[Out, ...]]
    pipeline: Callable[[str, str], Pipeline]


def defines(path: str) -> bool:
    """Say whether a path is of a file that names outs."""
    name = posixpath.basename(path)
    return name == "dvc.lock" or (name.endswith(".dvc") and name != ".dvc")


class Timeline:
    """One walk over a history."""

    def __init__(
        self,
        files: Files,
        roles: Roles,
        *,
        wanted: Mapping[str, Iterable[str]],
        experiments: Iterable[str],
        marked: Iterable[str],
    ) -> None:
        """Prepare a walk.

        Args:
            files: reads files of DVC.
            roles: tells models from data.
            wanted: models, by commit, that must have a version there.
            experiments: commits at which every model must have one, if none changed there.
            marked: commits at which `newest` is kept.
        """
        self._files, self._roles = files, roles
        self._wanted = wanted
        self._experiments = frozenset(experiments)
        self._marked = frozenset(marked)
        self._places: dict[str, Place] = {}
        self._left: dict[str, int] = {}
        self._paths = {artifact.name: path for path, artifact in roles.artifacts.items()}
        self.drafts: dict[tuple[str, str], Draft] = {}  # (model, commit)
        self.newest: dict[str, dict[str, str]] = {}  # marked commit: path: commit of its version

    def walk(self, commits: list[Commit]) -> None:
        """Follow all commits, parents first."""
        for commit in commits:
            for parent in commit.parents[:1]:
                self._left[parent] = self._left.get(parent, 0) + 1
        for commit in commits:
            place = self._inherited(commit)
            self._commit(commit, place)
            if commit.id in self._marked:
                self.newest[commit.id] = dict(place.newest)
            if self._left.get(commit.id):
                self._places[commit.id] = place

    def _inherited(self, commit: Commit) -> Place:
        parent = commit.parents[0] if commit.parents else ""
        place = self._places.get(parent)
        if place is None:  # a root, or the end of a shallow clone
            return Place({}, {})
        self._left[parent] -= 1
        if self._left[parent]:
            return place.copy()
        del self._places[parent]
        return place

    def _commit(self, commit: Commit, place: Place) -> None:
        gone = _apply(commit.changes, place.files)
        for change in commit.changes:
            if defines(change.path):
                self._defined(change, commit, place)
            elif change.path.endswith(MODELS) and change.new:
                self._draft(change.path, commit, place, Holder.GIT, blob=change.new)
        for path in gone:
            place.newest.pop(path, None)
        for model in self._wanted.get(commit.id, ()):
            self._want(model, commit, place)
        if commit.id in self._experiments and commit.id not in place.newest.values():
            for path in list(place.newest):
                self._want(self._roles.model(path), commit, place)

    def _defined(self, change: Change, commit: Commit, place: Place) -> None:
        before = {out.path: out for out in self._files.outs(change.path, change.old)} if change.old else {}
        now = self._files.outs(change.path, change.new) if change.new else ()
        for out in now:
            if self._roles.is_model(out.path) and out != before.get(out.path) and out.hex:
                self._draft(out.path, commit, place, Holder.DVC, out=out)
        for path in before.keys() - {out.path for out in now}:
            place.newest.pop(path, None)

    def _draft(
        self, path: str, commit: Commit, place: Place, holder: Holder, *, out: Out | None = None, blob: str = ""
    ) -> None:
        draft = Draft(
            model=self._roles.model(path),
            path=path,
            commit=commit,
            holder=holder,
            out=out,
            blob=blob,
            parent=place.newest.get(path, ""),
        )
        self._beside(draft, place)
        if self.drafts.setdefault((draft.model, commit.id), draft) is draft:
            place.newest[path] = commit.id

    def _want(self, model: str, commit: Commit, place: Place) -> None:
        """Make a version at a commit that somebody registered, though the model's bytes did not change there."""
        if (model, commit.id) in self.drafts:
            return
        path = self._paths.get(model, model)
        for file, blob in place.files.items():
            if defines(file):
                for out in self._files.outs(file, blob):
                    if out.path == path and out.hex:
                        self._draft(path, commit, place, Holder.DVC, out=out)
                        return
        blob = place.files.get(path, "")
        self._draft(path, commit, place, Holder.GIT, blob=blob)

    def _beside(self, draft: Draft, place: Place) -> None:
        """Note which files of the same commit hold params, metrics, environments and data."""
        files = place.files
        keys: dict[str, list[str] | None] = {"params.yaml": None} if "params.yaml" in files else {}
        metrics: dict[str, str] = {}
        for file, blob in files.items():
            if posixpath.basename(file) == "dvc.yaml":
                found = self._files.pipeline(file, blob)
                metrics |= {name: files[name] for name in found.metrics if name in files}
                for name, some in found.params:
                    _extend(keys, name, some)
            elif posixpath.basename(file) in ENVIRONMENTS:
                draft.environments[file] = blob
        draft.params = {name: files[name] for name in keys if name in files}
        draft.keys = {name: tuple(some) for name, some in keys.items() if some}
        draft.metrics = metrics
        deps = draft.out.deps if draft.out else ()
        draft.sources = tuple((dep.path, place.newest[dep.path]) for dep in deps if dep.path in place.newest)
        if not deps:
            draft.data = self._data(files)

    def _data(self, files: Mapping[str, str]) -> tuple[Out, ...]:
        found = (out for file, blob in files.items() if defines(file) for out in self._files.outs(file, blob))
        return tuple(out for out in found if out.hex and out.cached and self._roles.is_data(out.path))


def _extend(keys: dict[str, list[str] | None], name: str, some: Iterable[str]) -> None:
    """Add the keys of one file; none means all of them."""
    wanted = list(some)
    held = keys.get(name, [])
    keys[name] = None if held is None or not wanted else [*held, *wanted]


def _apply(changes: Iterable[Change], files: dict[str, str]) -> list[str]:
    """Take changes into the map of files and return the paths that are gone."""
    gone = []
    for change in changes:
        if change.new:
            files[change.path] = change.new
        else:
            files.pop(change.path, None)
            gone.append(change.path)
    return gone
