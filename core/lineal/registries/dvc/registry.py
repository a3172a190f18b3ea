"""A git repository as a registry: DVC's files, GTO's tags, git-lfs and models in git itself, over its whole history."""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from msgspec import structs

from lineal.config import RegistrySpec, Surroundings, workspace_id
from lineal.errors import ConfigError, NotFound, Unavailable, Unsupported
from lineal.formats.git import WALK
from lineal.formats.window import open_slice
from lineal.model.changes import Change, Receipt, Register, Restore, SetAlias, Stamp
from lineal.model.records import Alias, AliasKind, Complete, Record
from lineal.model.values import Series
from lineal.model.version import File, Version
from lineal.registries.base import Cursors
from lineal.registries.dvc import assembly, gto, series
from lineal.registries.dvc.beside import Files
from lineal.registries.dvc.definitions import DEFINITION, Definitions, defining
from lineal.registries.dvc.history import walk
from lineal.registries.dvc.repository import Refs, Repository
from lineal.registries.dvc.restoring import Restorer
from lineal.registries.dvc.roles import Roles
from lineal.registries.dvc.tagging import Ground, held_by
from lineal.registries.dvc.timeline import Timeline
from lineal.registries.dvc.writing import Tagger

_SCOPE = "repository"
_LARGEST = 4 << 30  # bytes of a blob that is opened; it is held in memory


class GitRegistry:
    """One repository, on this machine or behind a URL. Its option `push` names the remote that tags are pushed to."""

    compares = True

    def __init__(self, spec: RegistrySpec, around: Surroundings, *, remote: bool) -> None:
        self.spec = spec
        self._remote = remote
        self._environ = {"HOME": str(around.home), **around.environ}
        path = around.cache_folder() / "clones" / workspace_id(Path(spec.url)) if remote else Path(spec.url)
        self._repository = Repository(path, spec.url if remote else "", around.environ)

    @property
    def writes(self) -> frozenset[type[Change]]:
        """Stages, registrations and restored files; nothing behind a URL."""
        return frozenset() if self._remote else frozenset({SetAlias, Register, Restore})

    @property
    def refusal(self) -> str:
        """Why it cannot apply other changes."""
        if self._remote:
            return "a repository behind a URL is only read: clone it, and name the clone"
        return "git holds no tags of versions: `labels` and `meta` under `artifacts:` in dvc.yaml do"

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
        if _empty(refs):
            return True
        artifacts = gto.fold(refs.events)
        definitions, roles, timeline = self._walked(refs, artifacts)
        sizes = repository.sizes(draft.blob for draft in timeline.drafts.values() if draft.blob)
        blobs = repository.blobs(assembly.needed(timeline.drafts, sizes), DEFINITION)
        scene = self._scene(refs, timeline, roles, artifacts, sizes)
        yield from assembly.Assembly(scene, blobs).records(timeline.drafts)
        yield from _aliases(self.spec.name, refs, roles, timeline)
        yield from definitions.problems.values()
        sizes = repository.git.sizes(sorted(definitions.missing)) if definitions.missing else {}
        return all(size > DEFINITION for size in sizes.values())  # what is too large stays so

    def _walked(self, refs: Refs, artifacts: Mapping[str, gto.Artifact]) -> tuple[Definitions, Roles, Timeline]:
        """Walk through the history, for the versions that it holds."""
        repository = self._repository
        commits = list(walk(repository.git, ["HEAD"] if refs.head else []))
        definitions = Definitions(self.spec.name, repository.blobs(defining(commits), DEFINITION))
        roles = Roles(definitions.artifacts(commits))
        timeline = Timeline(
            Files(definitions.outs, definitions.pipeline),
            roles,
            wanted=_wanted(artifacts),
            experiments=refs.experiments,
            marked=[*refs.branches.values(), *refs.tags.values()],
        )
        timeline.walk(commits)
        return definitions, roles, timeline

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

    def current(self, change: Change) -> Change:
        """Return a change with what the tags or the branch say now. Raises NotFound, Unsupported, RegistryError."""
        change = self._able(change)
        if isinstance(change, Restore):
            return Restorer(self._repository, self._environ).current(change)
        ground = self._tagger().look(change.model)
        self._there(ground, change)
        if isinstance(change, SetAlias):
            return structs.replace(change, before=held_by(ground, change.alias))
        if change.gone and change.after not in ground.given().values():
            raise NotFound(f"{change.model} has no version {change.after!r}", hint="`lineal ls` lists what there is")
        return change

    def calls(self, change: Change, stamp: Stamp) -> tuple[str, ...]:
        """Return git's command lines. Raises Conflict where the change cannot be made as things are now."""
        change = self._able(change)
        if isinstance(change, Restore):
            return Restorer(self._repository, self._environ).calls(change, stamp)
        return self._tagger().calls(change, stamp)

    def apply(self, change: Change, stamp: Stamp) -> Receipt:
        """Tag, or commit a restored file; see `Tagger` and `Restorer`."""
        change = self._able(change)
        if isinstance(change, Restore):
            return Restorer(self._repository, self._environ).apply(change, stamp)
        tagger = self._tagger()
        self._there(tagger.look(change.model), change)
        return tagger.apply(change, stamp)

    def _tagger(self) -> Tagger:
        return Tagger(self._repository, self._environ, dict(self.spec.options).get("push", ""))

    def _able(self, change: Change) -> SetAlias | Register | Restore:
        """Return a change that can be made here. Raises Unsupported."""
        if self._remote or not isinstance(change, SetAlias | Register | Restore):
            raise Unsupported(f"{self.spec.name}: {self.refusal}", hint="`lineal registry ls` says what each can do")
        if isinstance(change, SetAlias) and change.kind in (AliasKind.BRANCH, AliasKind.TAG):
            raise Unsupported(f"{self.spec.name}: branches and plain tags are git's own", hint="move a stage instead")
        return change

    def _there(self, ground: Ground, change: SetAlias | Register) -> None:
        """Look whether there is what a change names: by its tags, else by its history. Raises NotFound."""
        key = change.after if isinstance(change, SetAlias) else change.source
        given = (gto.Act.ASSIGN, gto.Act.REGISTER)
        known = any(one.commit == key and one.act in given for one in ground.events)
        if known or (not key and ground.events and isinstance(change, SetAlias)):
            return
        model = (change.of if isinstance(change, Register) else "") or change.model
        refs = self._repository.refs()
        artifacts = gto.fold(refs.events)
        if _empty(refs):
            raise NotFound(f"{self._repository.path} has no commits yet", hint="`git commit` makes the first")
        _, roles, timeline = self._walked(refs, artifacts)
        if not any(name == model for name, _ in timeline.drafts):
            raise NotFound(f"the repository has no model {model!r}", hint="`lineal ls` lists what there is")
        if (key or isinstance(change, Register)) and (model, key) not in timeline.drafts:
            raise NotFound(f"{model} has no version {key[:12]!r}", hint="`lineal ls` lists what there is")
        if model != change.model and change.model not in artifacts and roles.paths(change.model) == [change.model]:
            hint = f"add it to dvc.yaml: artifacts: {{{change.model}: {{path: {model}, type: model}}}}"
            raise ConfigError(f"there is no artifact {change.model!r}", hint=hint)

    def close(self) -> None:
        """Hold nothing: every process ends with its answer."""


def _empty(refs: Refs) -> bool:
    return not (refs.head or refs.branches or refs.tags or refs.experiments or refs.events)


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
