"""Where the bytes of a version are, as far as this machine can tell, and what lies beside them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

import msgspec

from lineal.errors import NotFound
from lineal.model.version import Environment, File, Place
from lineal.registries.mlflow import environments, values
from lineal.registries.mlflow.rows import LoggedRow, RunRow, Trouble, VersionRow

MAX_FILES = 2_000  # of one version
MAX_DEPTH = 8
EVERYTHING = 1 << 30
_PROXIED = "mlflow-artifacts:"
_ELSEWHERE = ("s3:", "gs:", "http:", "https:", "wasbs:", "abfss:", "hdfs:", "dbfs:", "models:")


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of a version's artifacts."""

    files: tuple[File, ...] = ()
    environment: Environment | None = None
    flavors: tuple[str, ...] = ()
    troubles: tuple[Trouble, ...] = ()


class Artifacts(Protocol):
    """Finds and opens artifacts. Only the `newest` versions of a registered model are looked at closely."""

    newest: int

    def of_version(self, row: VersionRow, run: RunRow | None, logged: LoggedRow | None) -> Found:
        """Return what a registered version consists of."""
        ...

    def unseen_version(self, row: VersionRow) -> Found:
        """Return what is known of a version's artifacts without asking anyone."""
        ...

    def of_run(self, run: RunRow, models: Sequence[LoggedRow]) -> Found:
        """Return what the models that a run logged consist of."""
        ...

    def of_logged(self, logged: LoggedRow) -> Found:
        """Return what a LoggedModel consists of."""
        ...

    def open(self, file: File, start: int, length: int | None) -> BinaryIO:
        """Open a file's bytes. Raises NotFound, Unavailable."""
        ...


class LocalArtifacts:
    """Artifacts in folders of this machine; those elsewhere are named, not read.

    `folder` is the one that relative places are relative to: that of the database, or that which holds `mlruns`.
    A store that was moved keeps its old absolute paths; they are looked for below `store` too.
    """

    newest = EVERYTHING

    def __init__(self, folder: Path | None, store: Path | None) -> None:
        self.folder, self.store = folder, store

    def of_version(self, row: VersionRow, run: RunRow | None, logged: LoggedRow | None) -> Found:
        """Return what a registered version consists of."""
        place = row.storage_location or (logged.info.artifact_uri if logged else "") or row.source
        if place.startswith("runs:/") and run is not None:
            place = f"{run.info.artifact_uri}/{place.removeprefix('runs:/').partition('/')[2]}"
        return self._listed([("", place)])

    def unseen_version(self, row: VersionRow) -> Found:
        """Return only the place."""
        return Found(files=(_elsewhere("", row.storage_location or row.source),))

    def of_run(self, run: RunRow, models: Sequence[LoggedRow]) -> Found:
        """Return what the models that a run logged consist of; each in a folder of its name."""
        places = [(path, f"{run.info.artifact_uri}/{path}") for path in values.logged_paths(run)]
        places += [(model.info.name or model.info.model_id, model.info.artifact_uri) for model in models]
        return self._listed(places)

    def of_logged(self, logged: LoggedRow) -> Found:
        """Return what a LoggedModel consists of."""
        return self._listed([("", logged.info.artifact_uri)])

    def open(self, file: File, start: int, length: int | None) -> BinaryIO:
        """Open a local file; places elsewhere need the tools that know their credentials."""
        if not file.local:
            hint = "Lineal reads MLflow's artifacts from local folders or through its tracking server"
            raise NotFound(f"the bytes of {file.path!r} are at {file.location or 'no known place'}", hint=hint)
        from lineal.registries.mlflow.streams import opened

        return opened(Path(file.local), start, length)

    def local(self, uri: str) -> Path | None:
        """Return the folder on this machine that an artifact URI means, if it is there."""
        if uri.startswith(_ELSEWHERE) or (uri.startswith(_PROXIED) and self._served is None):
            return None
        for path in self._candidates(uri):
            try:
                if path.is_dir():
                    return path
            except (OSError, ValueError):
                continue
        return None

    def _candidates(self, uri: str) -> Iterator[Path]:
        try:
            parts = urlsplit(uri) if "://" in uri or uri.startswith(("file:", "mlflow-artifacts:")) else None
        except ValueError:  # such as a `[` that opens no IPv6 address
            return
        if parts is None:
            yield from self._paths(uri)
        elif parts.scheme == "file" and parts.netloc in {"", "localhost"}:
            yield from self._paths(unquote(parts.path))
        elif parts.scheme == "mlflow-artifacts" and self._served is not None:
            inner = PurePosixPath(unquote(parts.path)).relative_to("/") if parts.path.startswith("/") else parts.path
            if ".." not in PurePosixPath(inner).parts:
                yield self._served / inner

    @cached_property
    def _served(self) -> Path | None:
        """The folder that a server started here keeps artifacts in unless told otherwise."""
        folder = self.folder / "mlartifacts" if self.folder is not None else None
        return folder if folder is not None and folder.is_dir() else None

    def _paths(self, text: str) -> Iterator[Path]:
        path = Path(text)
        if not text or "\0" in text or ".." in path.parts:
            return
        if path.is_absolute():
            yield path
        elif self.folder is not None:
            yield self.folder / path
        if self.store is not None:
            yield from self._moved(path)

    def _moved(self, path: Path) -> Iterator[Path]:
        """Yield `store`/<experiment>/... for a path written when the store lay elsewhere."""
        parts = path.parts
        if self.store is None or "artifacts" not in parts:
            return
        end = parts.index("artifacts")
        back = 3 if end >= 3 and parts[end - 2] == "models" else 2
        if end >= back:
            yield self.store.joinpath(*parts[end - back :])

    def _listed(self, places: Sequence[tuple[str, str]]) -> Found:
        files: list[File] = []
        held: dict[str, bytes] = {}
        for prefix, uri in places:
            root = self.local(uri)
            if root is None:
                files.append(_elsewhere(prefix, uri))
                continue
            for path, entry in walk(root):
                files.append(_file(prefix, path, entry))
                if path in environments.FILES and path not in held:
                    held[path] = _small(Path(entry.path))
        around = environments.read(held, places[0][1] if places else "")
        return Found(
            files=tuple(sorted(files, key=lambda file: file.path)),
            environment=around.environment,
            flavors=around.flavors,
            troubles=tuple(around.troubles),
        )


def walk(root: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield the plain files below a folder with their relative paths; links are not followed. Bounded."""
    count = 0
    level: list[tuple[str, str]] = [("", str(root))]
    for _ in range(MAX_DEPTH):
        below: list[tuple[str, str]] = []
        for prefix, folder in level:
            for entry in _entries(folder):
                count += 1
                if count > MAX_FILES:
                    return
                if entry.is_dir(follow_symlinks=False):
                    below.append((f"{prefix}{entry.name}/", entry.path))
                elif entry.is_file(follow_symlinks=False):
                    yield prefix + entry.name, entry
        level = below


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _file(prefix: str, path: str, entry: os.DirEntry[str]) -> File:
    name = f"{prefix}/{path}" if prefix else path
    try:
        size = entry.stat(follow_symlinks=False).st_size
    except OSError:
        size = None
    return File(path=name, size=size, place=Place.LOCAL, location=entry.path, local=entry.path)


def _elsewhere(prefix: str, uri: str) -> File:
    """Return a folder that cannot be listed from here."""
    local = not uri or uri.startswith(("/", "file:", "."))
    place = Place.NOWHERE if local else Place.REMOTE
    return File(path=f"{prefix or 'model'}/", place=place, location=values.shown(uri)[:2000])


def _small(path: Path) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return b""
        return file.read(environments.LIMIT + 1)
