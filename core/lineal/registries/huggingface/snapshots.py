"""From a folder of the cache to a version: its files, what is missing, what its card and configuration say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from lineal.errors import RegistryError
from lineal.formats import requirements
from lineal.model.records import Confidence, Edge, EdgeKind, Node, NodeKind, Problem
from lineal.model.version import Environment, File, Kind, Place, State, Version
from lineal.registries.huggingface import cards, configs
from lineal.registries.huggingface.layout import Folder, Held, Wanted, blob_digest

T = TypeVar("T")

SHORT = 8  # characters of a commit that name a version
_CARD = "README.md"
_REQUIREMENTS = "requirements.txt"
_NONE = configs.Config()


class Snapshot:
    """One snapshot being read; what cannot be read is gathered as problems, and the rest goes on."""

    def __init__(self, registry: str, folder: Folder, commit: str) -> None:
        self.registry, self.folder, self.commit = registry, folder, commit
        self.problems: list[Problem] = []
        self.held = {held.path: held for held in folder.held(commit)}

    def records(self, name: str) -> Iterator[Version | Edge | Problem]:
        """Yield the version, called `name`, its edges, and what could not be read of it."""
        for held in self.held.values():
            if held.problem:
                self._problem(held.path, f"{held.path} {held.problem}", "download the model again, or remove the link")
        card = self._card()
        read = {name: self._config(name) for name in (configs.CONFIG, configs.GENERATION, configs.ADAPTER)}
        yield self._version(name, card, read)
        yield from self._edges(card, read)
        yield from self.problems

    def _version(self, name: str, card: cards.Card, read: dict[str, configs.Config]) -> Version:
        missing = self._missing()
        bad = any(held.problem for held in self.held.values())
        return Version(
            registry=self.registry,
            model=self.folder.model,
            key=self.commit,
            name=name,
            kind=Kind.SNAPSHOT,
            created_at=self._came_at(),
            state=State.PARTIAL if missing or bad else State.READY,
            params=tuple(param for config in read.values() for param in config.params),
            metrics=card.metrics,
            tags=card.tags,
            environment=self._environment(read),
            datasets=card.datasets,
            files=tuple(sorted([*map(_file, self.held.values()), *missing], key=lambda file: file.path)),
            card=card.text,
        )

    def _came_at(self) -> float | None:
        """When the first of its files came into the cache; when the commit was made, no cache says."""
        return min((held.came_at for held in self.held.values() if held.came_at), default=None)

    def _missing(self) -> list[File]:
        """Return the files that the repository holds at this commit and the cache does not.

        Told by the listing of the tree; where there is none, by the index of a sharded model.
        """
        wanted = self._read(f"trees/{self.commit}.json", lambda: self.folder.tree(self.commit))
        if wanted is None:
            wanted = [Wanted(path=path, size=None, digest=None) for path in self._shards()]
        return [
            File(path=entry.path, size=entry.size, digest=entry.digest, place=Place.REMOTE)
            for entry in wanted
            if entry.path not in self.held
        ]

    def _shards(self) -> Iterator[str]:
        for index in configs.SHARD_INDEXES:
            data = self._bytes(index, configs.SHARD_LIMIT)
            if data is not None:
                yield from self._read(index, lambda data=data: configs.shards(data)) or ()  # type: ignore[misc]

    def _card(self) -> cards.Card:
        data = self._bytes(_CARD, cards.LIMIT)
        if data is None:
            return cards.Card()
        return self._read(_CARD, lambda: cards.parse(data)) or cards.Card(text=cards.body(data))

    def _config(self, name: str) -> configs.Config:
        data = self._bytes(name, configs.LIMIT)
        return _NONE if data is None else self._read(name, lambda: configs.parse(data, name)) or _NONE

    def _environment(self, read: dict[str, configs.Config]) -> Environment | None:
        """Merge what wrote the configuration with a requirements.txt beside it, which knows more."""
        found = [config.environment for config in read.values() if config.environment]
        data = self._bytes(_REQUIREMENTS, requirements.LIMIT)
        if data is not None and (environment := self._read(_REQUIREMENTS, lambda: _requirements(data))):
            found.append(environment)
        if not found:
            return None
        whole = found[0]
        for environment in found[1:]:
            whole = requirements.merge(whole, environment)
        return whole

    def _edges(self, card: cards.Card, read: dict[str, configs.Config]) -> Iterator[Edge]:
        """Yield an edge to each base; the kind is the card's, else guessed from what lies in the snapshot."""
        adapter = read[configs.ADAPTER].base
        for parent in card.parents:
            kind = parent.kind or self._guess(card, read)
            detail = "base_model" if parent.stated else "tag base_model:"
            yield self._edge(parent.name, kind, Confidence.DECLARED if parent.stated else Confidence.INFERRED, detail)
        named = {parent.name for parent in card.parents}
        if adapter and adapter not in named:
            yield self._edge(adapter, EdgeKind.ADAPTER, Confidence.DECLARED, configs.ADAPTER)

    def _guess(self, card: cards.Card, read: dict[str, configs.Config]) -> EdgeKind:
        """Guess the relation as the hub does: an adapter's files, several parents, quantised weights, else fine-tuned.

        Source: the hub's page "Model cards", section on specifying a base model.
        """
        if configs.ADAPTER in self.held or any(path.endswith("adapter_model.safetensors") for path in self.held):
            return EdgeKind.ADAPTER
        if len(card.parents) > 1:
            return EdgeKind.MERGED
        if read[configs.CONFIG].quantized or any(path.endswith(".gguf") for path in self.held):
            return EdgeKind.QUANTIZED
        return EdgeKind.FINETUNED

    def _edge(self, base: str, kind: EdgeKind, confidence: Confidence, detail: str) -> Edge:
        child = Node(NodeKind.VERSION, self.registry, self.folder.model, self.commit)
        return Edge(
            child=child, parent=Node(NodeKind.MODEL, "", base, ""), kind=kind, confidence=confidence, detail=detail
        )

    def _bytes(self, path: str, limit: int) -> bytes | None:
        """Return a file of the snapshot, or None if it is not there or cannot be read."""
        held = self.held.get(path)
        if held is None or held.problem:
            return None
        return self._read(path, lambda: self.folder.read(Path(held.real), limit))

    def _read(self, path: str, reader: Callable[[], T]) -> T | None:
        try:
            return reader()
        except RegistryError as error:
            self._problem(path, error.message, error.hint)
            return None

    def _problem(self, path: str, message: str, hint: str) -> None:
        where = f"{self.folder.model}@{self.commit[:SHORT]}/{path}"
        self.problems.append(Problem(registry=self.registry, where=where, message=message, hint=hint))


def _requirements(data: bytes) -> Environment:
    packages = requirements.parse_requirements(data.decode("utf-8", "backslashreplace"))
    return requirements.environment(packages, sources=(_REQUIREMENTS,))


def _file(held: Held) -> File:
    digest = blob_digest(held.blob)
    if held.problem:  # its bytes are on the hub, most likely; here they are not
        return File(path=held.path, digest=digest, place=Place.REMOTE)
    return File(path=held.path, size=held.size, digest=digest, place=Place.CACHE, location=held.real, local=held.real)


def names(commits: list[str]) -> dict[str, str]:
    """Name each commit by its first characters, or in full where those are not its own."""
    short = [commit[:SHORT] for commit in commits]
    return {commit: commit[:SHORT] if short.count(commit[:SHORT]) == 1 else commit for commit in commits}
