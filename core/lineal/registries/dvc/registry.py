"""A git repository as a registry: DVC's files, GTO's tags, git-lfs and models in git itself, over its whole history."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, TypeVar

from lineal.config import RegistrySpec, Surroundings, workspace_id
from lineal.errors import BadFormat, NotFound, Unavailable
from lineal.formats import git as runner
from lineal.formats.http import without_userinfo
from lineal.formats.window import open_slice
from lineal.model.records import Alias, AliasKind, Complete, Problem, Record
from lineal.model.values import Series
from lineal.model.version import File, Version
from lineal.registries.base import Cursors
from lineal.registries.dvc import assembly, gto, series
from lineal.registries.dvc.history import Commit, walk
from lineal.registries.dvc.outs import Artifact, Out, Pipeline, locked, pipeline, tracked
from lineal.registries.dvc.repository import Refs, Repository
from lineal.registries.dvc.roles import Roles
from lineal.registries.dvc.timeline import Files, Timeline, defines

T = TypeVar("T")
_SCOPE = "repository"
_DEFINITION = 16 << 20  # bytes of a file of DVC
_LARGEST = 1 << 40  # bytes of a blob that is opened


class GitRegistry:
    """One repository, on this machine or behind a URL."""

    def __init__(self, spec: RegistrySpec, around: Surroundings, *, remote: bool) -> None:
        self.spec = spec
        self._environ = around.environ
        self._remote = remote
        path = around.cache_folder() / "clones" / workspace_id(Path(spec.url)) if remote else Path(spec.url)
        self._repository = Repository(path)

    def fingerprint(self) -> str | None:
        """Return a token of the refs and caches; None behind a URL."""
        return None if self._remote else self._repository.fingerprint()

    def scan(self, since: Cursors) -> Iterator[Record]:
        """Yield every version in the history, unless no ref and no cache has changed since.

        The whole history is one scope: what a tag or a branch means for old commits can change with any ref, and a walk
        through 20,000 commits takes seconds.
        """
        if self._remote:
            runner.fetched(self.spec.url, self._repository.path, self._environ)
        token = self._repository.fingerprint()
        same = since.get(_SCOPE) == token
        if not same:
            yield from self._history()
        yield Complete(registry=self.spec.name, scope=_SCOPE, cursor=token, delta=same)
        yield Complete(registry=self.spec.name, scope="")

    def _history(self) -> Iterator[Record]:
        git, refs = self._repository.git, self._repository.refs()
        if not (refs.head or refs.branches or refs.tags or refs.experiments or refs.events):
            return
        commits = list(walk(git, ["HEAD"] if refs.head else []))
        definitions = _Definitions(self.spec.name, self._blobs(_defining(commits), _DEFINITION))
        artifacts = gto.fold(refs.events)
        roles = Roles(definitions.artifacts(commits))
        timeline = Timeline(
            Files(definitions.outs, definitions.pipeline),
            roles,
            wanted=_wanted(artifacts),
            experiments=refs.experiments,
            marked=[*refs.branches.values(), *refs.tags.values()],
        )
        timeline.walk(commits)
        sizes = self._sizes([draft.blob for draft in timeline.drafts.values() if draft.blob])
        blobs = self._blobs(assembly.needed(timeline.drafts, sizes), _DEFINITION)
        yield from assembly.Assembly(self._scene(refs, roles, artifacts, sizes), blobs).records(timeline.drafts)
        yield from _aliases(self.spec.name, refs, roles, timeline)
        yield from definitions.problems.values()

    def _blobs(self, ids: set[str], most: int) -> dict[str, bytes | None]:
        if self._remote:
            runner.prefetched(self._repository.git, self.spec.url, ids, self._environ)
        return dict(self._repository.git.blobs(sorted(ids), most))

    def _sizes(self, ids: list[str]) -> Mapping[str, int]:
        if self._remote or not ids:  # asking a blobless clone for a size would fetch the model
            return {}
        return self._repository.git.sizes(list(dict.fromkeys(ids)))

    def _scene(
        self, refs: Refs, roles: Roles, artifacts: Mapping[str, gto.Artifact], sizes: Mapping[str, int]
    ) -> assembly.Scene:
        repository = self._repository
        url = without_userinfo(self.spec.url) if self._remote else repository.url()
        return assembly.Scene(
            registry=self.spec.name,
            repository=url,
            local=str(repository.path),
            lfs=str(repository.git_folder() / "lfs" / "objects"),
            has_remote=self._remote or url != str(repository.path),
            places=repository.places(),
            roles=roles,
            artifacts=artifacts,
            experiments=refs.experiments,
            sizes=sizes,
        )

    def open(self, file: File, start: int = 0, length: int | None = None) -> BinaryIO:
        """Open a file in a cache, in a remote that is a folder, or in git itself."""
        if file.local:
            if not Path(file.local).exists():
                raise NotFound(f"{file.path} is no longer in {file.local}", hint="`lineal sync` looks again")
            return open_slice(Path(file.local), start, length)
        if file.location.startswith("git:"):
            found = dict(self._repository.git.blobs([file.location.removeprefix("git:")], _LARGEST))
            data = next(iter(found.values()))
            if data is not None:
                return io.BytesIO(data[start : None if length is None else start + length])
        if file.location.startswith("lfs:"):
            raise Unavailable(f"{file.path} is only with the git-lfs server", hint="`git lfs fetch --all` brings it")
        if file.location:
            raise Unavailable(f"{file.path} is only in the remote {file.location}", hint="`dvc fetch -A` brings it")
        raise NotFound(f"the bytes of {file.path} are nowhere", hint="they were never pushed, or their cache is gone")

    def series(self, version: Version, metric: str) -> Series:
        """Return a metric as the plots of the version's commit have it."""
        return series.read(self._repository.git, version.key, metric)

    def close(self) -> None:
        """Hold nothing: every process ends with its answer."""


class _Definitions:
    """The files of DVC in a history, parsed once for each content."""

    def __init__(self, registry: str, blobs: Mapping[str, bytes | None]) -> None:
        self._registry = registry
        self._blobs = blobs
        self._outs: dict[tuple[str, str], tuple[Out, ...]] = {}
        self._pipelines: dict[tuple[str, str], Pipeline] = {}
        self.problems: dict[str, Problem] = {}

    def outs(self, path: str, blob: str) -> tuple[Out, ...]:
        """Return the outs that a `.dvc` file or `dvc.lock` names."""
        if (path, blob) not in self._outs:
            read = locked if path.endswith("dvc.lock") else tracked
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
                if change.new and _is_pipeline(change.path):
                    found |= {one.path: one for one in self.pipeline(change.path, change.new).artifacts}
        return found


def _is_pipeline(path: str) -> bool:
    return path.rsplit("/", 1)[-1] == "dvc.yaml"


def _defining(commits: list[Commit]) -> set[str]:
    ids = {
        blob
        for commit in commits
        for change in commit.changes
        if defines(change.path) or _is_pipeline(change.path)
        for blob in (change.old, change.new)
    }
    return ids - {""}


def _wanted(artifacts: Mapping[str, gto.Artifact]) -> dict[str, list[str]]:
    """Return the models, by commit, that a registration or a stage speaks of."""
    wanted: dict[str, list[str]] = {}
    for name, artifact in artifacts.items():
        commits = {event.commit for event in (*artifact.versions.values(), *artifact.stages.values())}
        for commit in sorted(commits):
            wanted.setdefault(commit, []).append(name)
    return wanted


def _aliases(registry: str, refs: Refs, roles: Roles, timeline: Timeline) -> Iterator[Alias]:
    """Yield branches and plain tags, each pointing at the version that every model has there."""
    said: set[tuple[str, AliasKind, str]] = set()
    for kind, named in ((AliasKind.BRANCH, refs.branches), (AliasKind.TAG, refs.tags)):
        for name, commit in sorted(named.items()):
            for path, key in sorted(timeline.newest.get(commit, {}).items()):
                model = roles.model(path)
                if (model, kind, name) not in said and (model, key) in timeline.drafts:
                    said.add((model, kind, name))
                    yield Alias(registry=registry, model=model, name=name, key=key, kind=kind)
