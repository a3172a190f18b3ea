"""A git repository as a registry: DVC's files, GTO's tags, git-lfs and models in git itself, over its whole history."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from lineal.config import RegistrySpec, Surroundings, workspace_id
from lineal.errors import NotFound, Unavailable
from lineal.formats.git import WALK
from lineal.formats.window import open_slice
from lineal.model.records import Alias, AliasKind, Complete, Record
from lineal.model.values import Series
from lineal.model.version import File, Version
from lineal.registries.base import Cursors, ReadOnly
from lineal.registries.dvc import assembly, gto, series
from lineal.registries.dvc.beside import Files
from lineal.registries.dvc.definitions import DEFINITION, Definitions, defining
from lineal.registries.dvc.history import walk
from lineal.registries.dvc.repository import Refs, Repository
from lineal.registries.dvc.roles import Roles
from lineal.registries.dvc.timeline import Timeline

_SCOPE = "repository"
_LARGEST = 4 << 30  # bytes of a blob that is opened; it is held in memory


class GitRegistry(ReadOnly):
    """One repository, on this machine or behind a URL."""

    def __init__(self, spec: RegistrySpec, around: Surroundings, *, remote: bool) -> None:
        self.spec = spec
        self._remote = remote
        path = around.cache_folder() / "clones" / workspace_id(Path(spec.url)) if remote else Path(spec.url)
        self._repository = Repository(path, spec.url if remote else "", around.environ)

    def fingerprint(self) -> str | None:
        """Return a token of the refs and caches; None behind a URL."""
        return None if self._remote else self._repository.fingerprint()

    def scan(self, since: Cursors) -> Iterator[Record]:
        """Yield every version in the history, unless no ref and no cache has changed since.

        The whole history is one scope: what a tag or a branch means for old commits can change with any ref, and a walk
        through 20,000 commits takes seconds.
        """
        self._repository.fetch()
        token = self._repository.fingerprint()
        same = since.get(_SCOPE) == token
        whole = True if same else (yield from self._history())
        yield Complete(registry=self.spec.name, scope=_SCOPE, cursor=token if whole else "", delta=same or not whole)
        yield Complete(registry=self.spec.name, scope="")

    def _history(self) -> Generator[Record, None, bool]:
        """Yield what the history holds, and return whether all files that name models could be read."""
        repository, refs = self._repository, self._repository.refs()
        if not (refs.head or refs.branches or refs.tags or refs.experiments or refs.events):
            return True
        commits = list(walk(repository.git, ["HEAD"] if refs.head else []))
        definitions = Definitions(self.spec.name, repository.blobs(defining(commits), DEFINITION))
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
        sizes = repository.sizes(draft.blob for draft in timeline.drafts.values() if draft.blob)
        blobs = repository.blobs(assembly.needed(timeline.drafts, sizes), DEFINITION)
        scene = self._scene(refs, timeline, roles, artifacts, sizes)
        yield from assembly.Assembly(scene, blobs).records(timeline.drafts)
        yield from _aliases(self.spec.name, refs, roles, timeline)
        yield from definitions.problems.values()
        sizes = repository.git.sizes(sorted(definitions.missing)) if definitions.missing else {}
        return all(size > DEFINITION for size in sizes.values())  # what is too large stays so

    def _scene(
        self,
        refs: Refs,
        timeline: Timeline,
        roles: Roles,
        artifacts: Mapping[str, gto.Artifact],
        sizes: Mapping[str, int],
    ) -> assembly.Scene:
        repository = self._repository
        url = repository.url()
        return assembly.Scene(
            registry=self.spec.name,
            repository=url,
            local=str(repository.path),
            lfs=str(repository.git_folder() / "lfs" / "objects"),
            has_remote=url != str(repository.path),
            places={root: repository.places(root) for root in {"", *timeline.roots}},
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
            return self._blob(file, start, length)
        if file.location.startswith("lfs:"):
            raise Unavailable(f"{file.path} is only with the git-lfs server", hint="`git lfs fetch --all` brings it")
        if file.location:
            raise Unavailable(f"{file.path} is only in the remote {file.location}", hint="`dvc fetch -A` brings it")
        raise NotFound(f"the bytes of {file.path} are nowhere", hint="they were never pushed, or their cache is gone")

    def _blob(self, file: File, start: int, length: int | None) -> BinaryIO:
        blob = file.location.removeprefix("git:")
        size = self._repository.held(blob)
        end = size if length is None else min(size, start + length)
        if not 0 <= end <= _LARGEST:
            raise Unavailable(f"git cannot give the bytes of {file.path}", hint="try `git fsck`, or fetch it")
        return io.BytesIO(self._repository.git.ask("cat-file", "blob", blob, most=end, seconds=WALK).out[start:end])

    def series(self, version: Version, metric: str) -> Series:
        """Return a metric as the plots of the version's commit have it."""
        return series.read(self._repository, version.key, metric)

    def close(self) -> None:
        """Hold nothing: every process ends with its answer."""


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
