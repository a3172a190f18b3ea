"""Artifacts behind a tracking server: listed a level at a time, and opened through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import BinaryIO
from urllib.parse import quote, unquote, urlencode, urlsplit

import msgspec

from lineal.errors import NotFound, RegistryError
from lineal.model.version import File, Place
from lineal.registries.mlflow import environments, values
from lineal.registries.mlflow.artifacts import MAX_DEPTH, MAX_FILES, Found, LocalArtifacts
from lineal.registries.mlflow.rest import API, Artifact, Rest
from lineal.registries.mlflow.rows import LoggedRow, RunRow, Trouble, VersionRow

PROXY = "api/2.0/mlflow-artifacts/artifacts"
_FOLDERS = 30  # listings for one version
_NEWEST = 10
_ENOUGH = 3  # failures in a row

Query = dict[str, str | int | list[str]]


class _Root(msgspec.Struct, frozen=True):
    """How one folder of artifacts is listed and read."""

    listed: Callable[[str], tuple[str, Query]]  # inner path -> request of a listing
    place: Callable[[str], str]  # inner path -> path and query of the bytes
    base: str  # what listed paths begin with


class RemoteArtifacts:
    """Artifacts as a server gives them; on this machine's own server, local folders are read directly.

    Only the newest versions of a model are asked for, since each costs several requests; the others name their place.
    Runs that nobody registered name their place too.
    """

    newest = _NEWEST

    def __init__(self, rest: Rest, local: LocalArtifacts | None) -> None:
        self._rest, self._local = rest, local
        self._failed = 0  # listings, one after another

    def of_version(self, row: VersionRow, run: RunRow | None, logged: LoggedRow | None) -> Found:
        """Return what a registered version consists of."""
        uri = row.storage_location or (logged.info.artifact_uri if logged else row.source)
        if self._local is not None and self._local.local(uri):
            return self._local.of_version(msgspec.structs.replace(row, storage_location=uri), run, logged)
        root = self._root(uri, run, logged)
        if root is None:
            return self.unseen_version(msgspec.structs.replace(row, source=uri))
        if self._failed >= _ENOUGH:
            return Found(files=(_folder("model", uri),))
        try:
            files = self._walk(root)
            held = {file.path: self._small(file) for file in files if file.path in environments.FILES}
        except (NotFound, RegistryError) as error:
            return self._without(uri, error)
        self._failed = 0
        around = environments.read(held, values.shown(uri))
        return Found(
            files=tuple(files),
            environment=around.environment,
            flavors=around.flavors,
            troubles=tuple(around.troubles),
        )

    def _without(self, uri: str, error: NotFound | RegistryError) -> Found:
        """Return only the place, and say why; a server that cannot reach its artifacts is not asked on and on."""
        self._failed += 1
        more = "; the artifacts of other versions are not asked for now" if self._failed == _ENOUGH else ""
        trouble = Trouble(scope="", where=values.shown(uri), message=error.message + more, hint=error.hint)
        return Found(files=(_folder("model", uri),), troubles=(trouble,))

    def forget_failures(self) -> None:
        """Ask again, in another scan."""
        self._failed = 0

    def unseen_version(self, row: VersionRow) -> Found:
        """Return only the place."""
        return Found(files=(_folder("model", row.storage_location or row.source),))

    def of_run(self, run: RunRow, models: Sequence[LoggedRow]) -> Found:
        """Return the places of the models that a run logged."""
        places = {path: f"{run.info.artifact_uri}/{path}" for path in values.logged_paths(run)}
        places |= {model.info.name or model.info.model_id: model.info.artifact_uri for model in models}
        return Found(files=tuple(_folder(name, places[name]) for name in sorted(places)))

    def of_logged(self, logged: LoggedRow) -> Found:
        """Return the place of a LoggedModel."""
        return Found(files=(_folder("model", logged.info.artifact_uri),))

    def open(self, file: File, start: int, length: int | None) -> BinaryIO:
        """Open a file through the server, or directly where it is at hand."""
        if file.local and self._local is not None:
            return self._local.open(file, start, length)
        if file.path.endswith("/") or "://" in file.location or not file.location:
            raise NotFound(
                f"the bytes of {file.path!r} are not known here", hint="MLflow's own client may download them"
            )
        return self._rest.open(file.location, start, length)

    def _small(self, file: File) -> bytes:
        with self._rest.open(file.location, 0, environments.LIMIT + 1) as stream:
            return stream.read(environments.LIMIT + 1)

    def _root(self, uri: str, run: RunRow | None, logged: LoggedRow | None) -> _Root | None:
        """Return how to reach a folder: through the proxy, its run or its LoggedModel; None where no way is known."""
        if uri.startswith("mlflow-artifacts:"):
            try:
                return _proxied(unquote(urlsplit(uri).path).strip("/"))
            except ValueError:  # such as a `[` that opens no IPv6 address
                return None
        if run is not None and (inner := _inside(uri, run)) is not None:
            return _of_run(run.info.run_id, inner)
        return _of_logged(logged.info.model_id) if logged is not None else None

    def _walk(self, root: _Root) -> list[File]:
        files: list[File] = []
        level = [""]
        asked = 0
        for _ in range(MAX_DEPTH):
            below: list[str] = []
            for folder in level:
                asked += 1
                if asked > _FOLDERS:
                    return files
                for path, entry in self._listed(root, folder):
                    if entry.is_dir:
                        below.append(path)
                    elif len(files) < MAX_FILES:
                        files.append(_file(root, path, entry))
            level = below
        return sorted(files, key=lambda file: file.path)

    def _listed(self, root: _Root, folder: str) -> Iterator[tuple[str, Artifact]]:
        """Yield a folder's entries by their path within the root; names that leave it are left out."""
        where, query = root.listed(folder)
        for entry in self._rest.listing(where, query):
            name = entry.path.rstrip("/").rpartition("/")[2]
            if name not in {"", ".", ".."} and "\\" not in name:
                yield (f"{folder}/{name}" if folder else name), entry


def _proxied(base: str) -> _Root:
    return _Root(
        listed=lambda inner: (PROXY, {"path": _join(base, inner)}),
        place=lambda inner: f"{PROXY}/{quote(_join(base, inner))}",
        base=base,
    )


def _of_run(run_id: str, base: str) -> _Root:
    return _Root(
        listed=lambda inner: (f"{API}artifacts/list", {"run_id": run_id, "path": _join(base, inner)}),
        place=lambda inner: f"get-artifact?{urlencode({'run_uuid': run_id, 'path': _join(base, inner)})}",
        base=base,
    )


def _of_logged(model_id: str) -> _Root:
    folder = f"{API}logged-models/{quote(model_id, safe='')}/artifacts/directories"
    files = f"ajax-api/2.0/mlflow/logged-models/{quote(model_id, safe='')}/artifacts/files"
    return _Root(
        listed=lambda inner: (folder, {"artifact_directory_path": inner} if inner else {}),
        place=lambda inner: f"{files}?{urlencode({'artifact_file_path': inner})}",
        base="",
    )


def _inside(uri: str, run: RunRow) -> str | None:
    """Return the path of a model within its run's artifacts, or None where it lies elsewhere."""
    if uri.startswith("runs:/"):
        return uri.removeprefix("runs:/").partition("/")[2]
    base = run.info.artifact_uri.rstrip("/") + "/"
    return uri.removeprefix(base).strip("/") if uri.startswith(base) else None


def _join(base: str, inner: str) -> str:
    return "/".join(part for part in (base, inner) if part)


def _file(root: _Root, path: str, entry: Artifact) -> File:
    return File(path=path, size=entry.file_size, place=Place.REMOTE, location=root.place(path))


def _folder(name: str, uri: str) -> File:
    return File(path=f"{name}/", place=Place.REMOTE, location=values.shown(uri)[:2000])
