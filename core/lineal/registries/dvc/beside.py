"""What lies beside a model in the same commit: the files of its params, metrics, environments and data."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

import msgspec

from lineal.registries.dvc.history import Change
from lineal.registries.dvc.outs import Out, Pipeline, named
from lineal.registries.dvc.roles import Roles
from lineal.registries.dvc.stages import Stages

_ENVIRONMENTS = ("requirements.txt", "conda.yaml", "environment.yaml", "environment.yml")
_CONFIG = ".dvc/config"
_PARAMS = "params.yaml"
_METRICS = 500  # files of one commit
_LINKED = 5_000  # outs of one commit among which each model's own metrics are told from those of others


class Files(msgspec.Struct, frozen=True):
    """Files of DVC, parsed, by path and blob."""

    outs: Callable[[str, str], tuple[Out, ...]]
    pipeline: Callable[[str, str], Pipeline]


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """Files of one commit, as (path: blob)."""

    params: Mapping[str, str] = {}
    keys: Mapping[str, tuple[str, ...]] = {}  # the params of a file that count; all of those of a file not named here
    metrics: Mapping[str, str] = {}
    kept: Mapping[str, Out] = {}  # metrics whose bytes DVC keeps, not git
    environments: Mapping[str, str] = {}


def defines(path: str) -> bool:
    """Say whether a path is of a file that names outs."""
    name = posixpath.basename(path)
    return name == "dvc.lock" or (name.endswith(".dvc") and name != ".dvc")


def project(path: str, roots: Collection[str]) -> str:
    """Return the innermost of DVC's projects (folders that hold `.dvc`) that a path is in; "" is the repository."""
    folder = posixpath.dirname(path)
    while folder and folder not in roots:
        folder = posixpath.dirname(folder)
    return folder


def is_pipeline(path: str) -> bool:
    """Say whether a path is of a `dvc.yaml`."""
    return posixpath.basename(path) == "dvc.yaml"


class Tree:
    """The files of one commit, by path and blob; those that say something of others are also held by themselves."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}
        self.defining: dict[str, str] = {}
        self.pipelines: dict[str, str] = {}
        self.environments: dict[str, str] = {}
        self.roots: dict[str, str] = {}  # folders that hold `.dvc/config`

    def copy(self) -> Tree:
        """Return one that can change by itself."""
        other = Tree()
        other.files, other.defining = dict(self.files), dict(self.defining)
        other.pipelines, other.environments = dict(self.pipelines), dict(self.environments)
        other.roots = dict(self.roots)
        return other

    def apply(self, changes: Iterable[Change]) -> None:
        """Take in what a commit changed."""
        for change in changes:
            if change.path.endswith(_CONFIG):
                _put(self.roots, change.path.removesuffix(_CONFIG).rstrip("/"), change.new)
            for held in self._holding(change.path):
                _put(held, change.path, change.new)

    def _holding(self, path: str) -> list[dict[str, str]]:
        if defines(path):
            return [self.files, self.defining]
        if is_pipeline(path):
            return [self.files, self.pipelines]
        return [self.files, self.environments] if posixpath.basename(path) in _ENVIRONMENTS else [self.files]


def _put(held: dict[str, str], path: str, blob: str) -> None:
    if blob:
        held[path] = blob
    else:
        held.pop(path, None)


class _Wanted(NamedTuple):
    """What all `dvc.yaml` of a commit name."""

    params: dict[str, list[str] | None]  # None: all keys
    metrics: list[str]
    plots: list[str]


def _inside(path: str, root: str, tree: Tree) -> bool:
    return project(path, tree.roots) == root


class Surveyor:
    """Finds what lies beside models. What `dvc.yaml` files say is put together once for each set of them."""

    def __init__(self, files: Files, roles: Roles) -> None:
        self._files, self._roles = files, roles
        self._wanted: dict[tuple[str, tuple[tuple[str, str], ...]], _Wanted] = {}
        self._stages: tuple[list[tuple[str, str]], Stages] = ([], Stages((), ()))  # those of the commit before

    def survey(self, tree: Tree, root: str) -> Beside:
        """Return what lies in one commit, in the project at `root`."""
        wanted = self._of_project(tree, root)
        params = named(wanted.params, tree.files)
        metrics = named(wanted.metrics, tree.files)
        kept = self._kept([name for name in wanted.metrics if name not in metrics.values()], tree)
        return Beside(
            params={path: tree.files[path] for path in params},
            keys={path: tuple(keys) for path, name in params.items() if (keys := wanted.params[name])},
            metrics={path: tree.files[path] for path in metrics},
            kept=kept,
            environments={path: blob for path, blob in tree.environments.items() if _inside(path, root, tree)},
        )

    def own(self, beside: Beside, model: str, tree: Tree) -> Beside:
        """Return what lies beside one model, without the metrics of other models' stages in the same commit."""
        if not beside.metrics and not beside.kept:
            return beside
        stages = self._linked(tree)
        metrics = {path: blob for path, blob in beside.metrics.items() if not stages.strange(model, path)}
        kept = {path: out for path, out in beside.kept.items() if not stages.strange(model, path)}
        if len(metrics) == len(beside.metrics) and len(kept) == len(beside.kept):
            return beside
        return msgspec.structs.replace(beside, metrics=metrics, kept=kept)

    def _linked(self, tree: Tree) -> Stages:
        defining = list(tree.defining.items())
        if self._stages[0] != defining:
            outs = [(path, out) for path, blob in defining for out in self._files.outs(path, blob)]
            models = [out.path for _, out in outs if self._roles.is_model(out.path)]
            self._stages = (defining, Stages(outs, models) if len(outs) <= _LINKED else Stages((), ()))
        return self._stages[1]

    def _of_project(self, tree: Tree, root: str) -> _Wanted:
        return self._named(root, {path: blob for path, blob in tree.pipelines.items() if _inside(path, root, tree)})

    def _named(self, root: str, pipelines: Mapping[str, str]) -> _Wanted:
        key = (root, tuple(pipelines.items()))
        if key not in self._wanted:
            found = [self._files.pipeline(path, blob) for path, blob in pipelines.items()]
            params: dict[str, list[str] | None] = {posixpath.join(root, _PARAMS): None}
            for name, keys in (pair for one in found for pair in one.params):
                held = params.get(name, [])
                params[name] = None if held is None or not keys else [*held, *keys]
            metrics = list(dict.fromkeys(name for one in found for name in one.metrics))[:_METRICS]
            self._wanted[key] = _Wanted(params, metrics, [name for one in found for name in one.plots])
        return self._wanted[key]

    def _kept(self, names: list[str], tree: Tree) -> dict[str, Out]:
        if not names:
            return {}
        outs = {out.path: out for out in self._outs(tree) if out.hex and not out.directory}
        return {path: outs[path] for path in named(names, outs)}

    def data(self, tree: Tree, root: str) -> tuple[Out, ...]:
        """Return the data that DVC has in one commit, in the project at `root`: neither models nor results."""
        outs = (out for out in self._outs(tree) if out.hex and out.cached and self._roles.is_data(out.path))
        found = {out.path: out for out in outs if _inside(out.path, root, tree)}
        wanted = self._of_project(tree, root)
        results = named([*wanted.metrics, *wanted.plots], found)
        return tuple(out for path, out in found.items() if path not in results)

    def _outs(self, tree: Tree) -> list[Out]:
        return [out for path, blob in tree.defining.items() for out in self._files.outs(path, blob)]

    def out(self, path: str, tree: Tree) -> Out | None:
        """Return the out at a path in one commit, if DVC has it."""
        return next((out for out in self._outs(tree) if out.path == path and out.hex), None)
