"""Drafts into records: versions with what the files beside them say, aliases, moves and edges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from lineal.errors import BadFormat, Unavailable
from lineal.formats import lfs, requirements
from lineal.formats.window import read_small
from lineal.model.records import (
    Alias,
    AliasKind,
    AliasMove,
    Confidence,
    Edge,
    EdgeKind,
    Model,
    Node,
    NodeKind,
    Problem,
    Record,
)
from lineal.model.values import Tag
from lineal.model.version import Algorithm, Code, Dataset, Digest, Environment, File, Kind, Place, State, Version
from lineal.registries.dvc import gto, values
from lineal.registries.dvc.outs import Dep, Out
from lineal.registries.dvc.places import Places
from lineal.registries.dvc.roles import Roles
from lineal.registries.dvc.timeline import Draft, Holder

_KEPT = 4 << 20  # bytes of a file of metrics in a cache
Blobs = Mapping[str, bytes | None]


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What all versions of a repository share."""

    registry: str
    repository: str  # its URL, or its path; without user and password
    local: str  # its path on this machine
    lfs: str  # the folder of git-lfs's objects
    has_remote: bool
    places: Mapping[str, Places]  # of each project of DVC, by its folder
    roles: Roles
    artifacts: Mapping[str, gto.Artifact]
    experiments: Mapping[str, str]  # commit: name
    sizes: Mapping[str, int]  # of blobs of models


class Assembly:
    """Makes records of drafts; problems it meets are kept for the end."""

    def __init__(self, scene: Scene, blobs: Blobs) -> None:
        self._scene = scene
        self._blobs = blobs
        self._values: dict[tuple[str, str], Any] = {}
        self._environments: dict[tuple[str, str], Environment | None] = {}
        self._problems: dict[str, Problem] = {}
        self._registered = {
            (name, event.commit): version
            for name, artifact in scene.artifacts.items()
            for version, event in artifact.versions.items()
        }

    def records(self, drafts: Mapping[tuple[str, str], Draft]) -> Iterator[Record]:
        """Yield models, versions, edges, stages and their moves, then problems."""
        for model in sorted({draft.model for draft in drafts.values()}):
            yield self._model(model)
        for draft in drafts.values():
            yield self._version(draft)
            yield from self._edges(draft, drafts)
        for artifact in self._scene.artifacts.values():
            yield from self._stages(artifact, drafts)
        yield from self._problems.values()

    def _model(self, name: str) -> Model:
        artifact = next((one for one in self._scene.roles.artifacts.values() if one.name == name), None)
        tags = [Tag("deprecated")] if name in self._scene.artifacts and self._scene.artifacts[name].deprecated else []
        if artifact is None:
            return Model(registry=self._scene.registry, name=name, tags=tuple(tags))
        tags += [Tag(label) for label in artifact.labels] + [Tag(key, value) for key, value in artifact.meta]
        return Model(registry=self._scene.registry, name=name, description=artifact.desc, tags=tuple(tags))

    def _version(self, draft: Draft) -> Version:
        commit = draft.commit
        semver = self._registered.get((draft.model, commit.id))
        experiment = self._scene.experiments.get(commit.id)
        kind = Kind.REGISTERED if semver else Kind.EXPERIMENT if experiment else Kind.COMMIT
        files = tuple(self._files(draft))
        documents = self._documents(draft.beside.params) | _ran_with(draft)
        return Version(
            registry=self._scene.registry,
            model=draft.model,
            key=commit.id,
            name=semver or experiment or commit.id[:8],
            kind=kind,
            number=self._rank(draft.model, semver) if semver else None,
            created_at=commit.at,
            author=commit.author,
            message=commit.message,
            state=State.PARTIAL if any(file.place is Place.NOWHERE for file in files) else State.READY,
            params=values.params(documents, draft.beside.keys),
            metrics=values.metrics(self._documents(draft.beside.metrics) | self._kept(draft)),
            tags=tuple(_tags(draft)),
            environment=self._environment(draft),
            datasets=tuple(self._datasets(draft)),
            code=self._code(draft),
            files=files,
        )

    def _rank(self, model: str, semver: str) -> int:
        versions = self._scene.artifacts[model].versions
        return sorted(versions, key=gto.precedence).index(semver) + 1

    def _code(self, draft: Draft) -> Code:
        command = draft.out.cmd if draft.out else ""
        scene = self._scene
        return Code(repository=scene.repository, commit=draft.commit.id, entry=command, dirty=False, local=scene.local)

    def _documents(self, files: Mapping[str, str]) -> dict[str, Any]:
        found = {path: self._document(path, blob) for path, blob in files.items()}
        return {path: document for path, document in found.items() if document is not None}

    def _kept(self, draft: Draft) -> dict[str, Any]:
        """Read those metrics that DVC keeps, where their bytes are on this machine."""
        found: dict[str, Any] = {}
        for path, out in draft.beside.kept.items():
            key = (path, out.hex)
            if key not in self._values:
                _, where = self._scene.places[draft.root].find(out.hex, out.algorithm is Algorithm.MD5_DOS2UNIX)
                self._values[key] = self._local(path, Path(where)) if where.startswith("/") else None
            if self._values[key] is not None:
                found[path] = self._values[key]
        return found

    def _local(self, path: str, where: Path) -> Any:
        try:
            return values.load(path, read_small(where, _KEPT))
        except (BadFormat, Unavailable) as e:
            self._problem(path, e.message, e.hint)
            return None

    def _document(self, path: str, blob: str) -> Any:
        if (path, blob) not in self._values:
            self._values[path, blob] = self._guarded(path, blob, lambda data: values.load(path, data))
        return self._values[path, blob]

    def _guarded(self, path: str, blob: str, read: Any) -> Any:
        data = self._blobs.get(blob)
        if data is None:
            self._problem(path, f"its content {blob[:8]} is missing or too large", "try `git fsck`, or fetch it")
            return None
        try:
            return read(data)
        except BadFormat as e:
            self._problem(path, e.message, e.hint or "repair it in a new commit")
            return None

    def _problem(self, path: str, message: str, hint: str) -> None:
        problem = Problem(registry=self._scene.registry, where=path, message=message, hint=hint)
        self._problems.setdefault(f"{path}\0{message}", problem)

    def _environment(self, draft: Draft) -> Environment | None:
        merged: Environment | None = None
        for path, blob in sorted(draft.beside.environments.items(), key=lambda item: item[0].count("/"), reverse=True):
            if (path, blob) not in self._environments:
                self._environments[path, blob] = self._guarded(path, blob, lambda data, at=path: _packages(at, data))
            found = self._environments[path, blob]
            if found is not None:
                merged = requirements.merge(merged, found) if merged else found
        return merged

    def _datasets(self, draft: Draft) -> Iterator[Dataset]:
        deps: tuple[Dep | Out, ...] = draft.out.deps if draft.out and draft.out.deps else draft.data
        for dep in deps:
            if dep.hex and self._scene.roles.is_data(dep.path):
                source = dep.url if isinstance(dep, Dep) else ""
                yield Dataset(name=dep.path, digest=dep.hex, size=dep.size, source=source)

    def _files(self, draft: Draft) -> Iterator[File]:
        if draft.holder is Holder.DVC and draft.out is not None:
            yield from self._scene.places[draft.root].files(draft.out)
        elif draft.blob:
            yield self._blob(draft)

    def _blob(self, draft: Draft) -> File:
        data = self._blobs.get(draft.blob)
        if data is not None and (pointer := lfs.read(data)) is not None:
            return self._pointed(draft.path, pointer)
        digest = Digest(Algorithm.GIT_SHA1, draft.blob) if len(draft.blob) == 40 else None
        size = self._scene.sizes.get(draft.blob, -1)
        place = Place.CACHE if size >= 0 else Place.REMOTE if self._scene.has_remote else Place.NOWHERE
        location = f"git:{draft.blob}"
        return File(path=draft.path, size=max(size, 0), digest=digest, place=place, location=location)

    def _pointed(self, path: str, pointer: lfs.Pointer) -> File:
        """Say where the bytes behind a pointer of git-lfs are."""
        oid, size = pointer.oid, pointer.size
        if not oid:
            self._problem(path, "a pointer of git-lfs without a SHA-256", "repair it in a new commit")
            return File(path=path, place=Place.NOWHERE)
        local = f"{self._scene.lfs}/{pointer.object()}"
        digest = Digest(Algorithm.SHA256, oid)
        if self._scene.lfs and Path(local).exists():
            return File(path=path, size=size, digest=digest, place=Place.CACHE, location=local, local=local)
        place = Place.REMOTE if self._scene.has_remote else Place.NOWHERE
        return File(path=path, size=size, digest=digest, place=place, location=f"lfs:{oid}")

    def _node(self, model: str, key: str) -> Node:
        return Node(NodeKind.VERSION, self._scene.registry, model, key)

    def _edges(self, draft: Draft, drafts: Mapping[tuple[str, str], Draft]) -> Iterator[Edge]:
        child = self._node(draft.model, draft.commit.id)
        made_from = [(self._scene.roles.model(path), key) for path, key in draft.sources]
        for model, key in made_from:
            parent, kind = self._node(model, key), EdgeKind.TRAINED_FROM
            yield Edge(child=child, parent=parent, kind=kind, confidence=Confidence.DECLARED, detail="dvc.lock deps")
        for dep in draft.out.deps if draft.out else ():
            if dep.url and dep.path and self._scene.roles.is_model(draft.path):
                parent = Node(NodeKind.MODEL, "", dep.path, dep.rev)
                yield Edge(
                    child=child, parent=parent, kind=EdgeKind.COPIED, confidence=Confidence.DECLARED, detail=dep.url
                )
        if draft.parent and (draft.model, draft.parent) in drafts and not made_from:
            parent = self._node(draft.model, draft.parent)
            detail = f"the version before, of {draft.path}"
            yield Edge(
                child=child, parent=parent, kind=EdgeKind.TRAINED_FROM, confidence=Confidence.INFERRED, detail=detail
            )

    def _stages(self, artifact: gto.Artifact, drafts: Mapping[tuple[str, str], Draft]) -> Iterator[Alias | AliasMove]:
        scene = self._scene
        for stage, event in artifact.stages.items():
            if (artifact.name, event.commit) in drafts:
                yield Alias(
                    registry=scene.registry,
                    model=artifact.name,
                    name=stage,
                    key=event.commit,
                    kind=AliasKind.STAGE,
                    set_at=event.at,
                    set_by=event.by,
                )
        for move in artifact.moves:
            yield AliasMove(
                registry=scene.registry,
                model=artifact.name,
                name=move.stage,
                before=move.before,
                after=move.after,
                at=move.at,
                by=move.by,
            )


def _ran_with(draft: Draft) -> dict[str, Any]:
    """Return the parameters of a stage as it ran, for files that are not in the commit."""
    stored = draft.out.params if draft.out else ()
    return {file: msgspec.json.decode(said) for file, said in stored if file not in draft.beside.params}


def _packages(path: str, data: bytes) -> Environment:
    if path.endswith(".txt"):
        packages = requirements.parse_requirements(data.decode("utf-8", "replace"))
        return requirements.environment(packages, sources=(path,))
    return msgspec.structs.replace(requirements.parse_conda(data), sources=(path,))


def _tags(draft: Draft) -> Iterator[Tag]:
    if draft.out is not None and draft.out.stage:
        yield Tag("dvc.stage", draft.out.stage)
    if draft.path != draft.model:
        yield Tag("path", draft.path)


def needed(drafts: Mapping[tuple[str, str], Draft], sizes: Mapping[str, int]) -> set[str]:
    """Return the blobs that `Assembly` will ask for."""
    found: set[str] = set()
    for draft in drafts.values():
        beside = draft.beside
        for files in (beside.params, beside.metrics, beside.environments):
            found.update(files.values())
        if draft.blob and 0 <= sizes.get(draft.blob, -1) <= lfs.LARGEST:
            found.add(draft.blob)
    return found
