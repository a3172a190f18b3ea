"""From commits to versions: where a model's out, or the lock entry of its stage, differs from the first parent.

The files of each commit are followed as a map from path to blob, handed from a commit to its only child and copied
where a history branches, so a walk costs what changes, not what is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum

import msgspec

from lineal.registries.dvc.beside import Beside, Files, Surveyor, Tree, defines, project
from lineal.registries.dvc.history import MODELS, Commit
from lineal.registries.dvc.outs import Out
from lineal.registries.dvc.roles import Roles


class Holder(Enum):
    """What holds the bytes of a version."""

    DVC = "dvc"
    GIT = "git"  # the blob itself, or a pointer of git-lfs in its place


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A version before the files beside it are read."""

    model: str
    path: str
    commit: Commit
    holder: Holder
    beside: Beside
    root: str = ""  # the folder of DVC's project that it is in
    out: Out | None = None
    blob: str = ""
    parent: str = ""  # the commit of the version before, along first parents
    data: tuple[Out, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()  # path and commit of models that it was made from


class Place:
    """What holds at one commit: its files, and the newest version of each model's path."""

    def __init__(self, tree: Tree, newest: dict[str, str]) -> None:
        self.tree, self.newest = tree, newest

    def copy(self) -> Place:
        """Return one that can change by itself."""
        return Place(self.tree.copy(), dict(self.newest))


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
        self._surveyor = Surveyor(files, roles)
        self._wanted = wanted
        self._experiments = frozenset(experiments)
        self._marked = frozenset(marked)
        self._places: dict[str, Place] = {}
        self._left: dict[str, int] = {}
        self._surveyed: dict[str, Beside] = {}  # by root, in the commit that is looked at
        self._changing: set[str] = set()  # paths of models that get a version in the commit that is looked at
        self.drafts: dict[tuple[str, str], Draft] = {}  # (model, commit)
        self.newest: dict[str, dict[str, str]] = {}  # marked commit: path: commit of its version
        self.roots: frozenset[str] = frozenset()  # projects of DVC in any commit

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
            return Place(Tree(), {})
        self._left[parent] -= 1
        if self._left[parent]:
            return place.copy()
        del self._places[parent]
        return place

    def _commit(self, commit: Commit, place: Place) -> None:
        self._surveyed, self._changing = {}, set()
        if commit.changes:
            place.tree.apply(commit.changes)
            self.roots |= place.tree.roots.keys()
            gone = self._outs(commit, place) | {change.path for change in commit.changes if not change.new}
            for change in commit.changes:
                if change.new and self._holds_model(change.path):
                    self._draft(change.path, commit, place, blob=change.new)
            for path in gone:
                if place.newest.get(path) != commit.id:  # not where it only passed from one file to another
                    place.newest.pop(path, None)
        for model in self._wanted.get(commit.id, ()):
            self._want(model, commit, place)
        if commit.id in self._experiments and commit.id not in place.newest.values():
            for path in list(place.newest):
                self._want(self._roles.model(path), commit, place)

    def _holds_model(self, path: str) -> bool:
        """Say whether the bytes of a path in git itself are a model."""
        return (path.endswith(MODELS) or path in self._roles.artifacts) and self._roles.is_model(path)

    def _outs(self, commit: Commit, place: Place) -> set[str]:
        """Draft what differs in DVC's files, and return the paths that left them."""
        before: dict[str, Out] = {}
        now: dict[str, Out] = {}
        for change in commit.changes:
            if defines(change.path):
                before |= {out.path: out for out in self._read(change.path, change.old)}
                now |= {out.path: out for out in self._read(change.path, change.new)}
        models = (path for path, out in now.items() if out.hex and out != before.get(path))
        self._changing = {path for path in models if self._roles.is_model(path)}
        for path, out in now.items():
            if path in self._changing:
                self._draft(path, commit, place, out=out)
        return before.keys() - now.keys()

    def _read(self, path: str, blob: str) -> tuple[Out, ...]:
        return self._files.outs(path, blob) if blob else ()

    def _draft(
        self, path: str, commit: Commit, place: Place, *, out: Out | None = None, blob: str = "", model: str = ""
    ) -> None:
        model = model or self._roles.model(path)
        if (model, commit.id) in self.drafts:
            return
        root = project(path, place.tree.roots)
        deps = [dep.path for dep in out.deps if dep.path != path] if out else []
        self.drafts[model, commit.id] = Draft(
            model=model,
            path=path,
            commit=commit,
            holder=Holder.DVC if out else Holder.GIT,
            beside=self._surveyor.own(self._beside(root, place), path, place.tree),
            root=root,
            out=out,
            blob=blob,
            parent=next((place.newest[at] for at in (path, *self._roles.paths(model)) if at in place.newest), ""),
            data=() if out and out.deps else self._surveyor.data(place.tree, root),
            sources=tuple((dep, key) for dep in deps if (key := self._current(dep, commit, place))),
        )
        place.newest[path] = commit.id

    def _current(self, path: str, commit: Commit, place: Place) -> str:
        """Return the newest version of a model's path; a lock file may have stages in any order."""
        return commit.id if path in self._changing else place.newest.get(path, "")

    def _beside(self, root: str, place: Place) -> Beside:
        if root not in self._surveyed:
            self._surveyed[root] = self._surveyor.survey(place.tree, root)
        return self._surveyed[root]

    def _want(self, model: str, commit: Commit, place: Place) -> None:
        """Make a version at a commit that somebody registered, though the model's bytes did not change there."""
        if (model, commit.id) in self.drafts:
            return
        for path in self._roles.paths(model):
            out = self._surveyor.out(path, place.tree)
            if out or path in place.tree.files:
                self._draft(path, commit, place, out=out, blob="" if out else place.tree.files[path], model=model)
                return
        self._draft(self._roles.paths(model)[-1], commit, place, model=model)
