"""A version of another registry copied into the store: its bytes, checked against the registry's own hashes, and all
that the registry says of it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

from lineal.errors import NotFound, Unavailable
from lineal.intake.checking import checked
from lineal.model.listing import VersionRow
from lineal.model.records import Confidence, EdgeKind, NodeKind
from lineal.model.version import File, Place, Version
from lineal.registries.native.shelf import Made, Said, Shelf
from lineal.registries.native.trees import Tree
from lineal.store.effort import Effort
from lineal.store.manifest import Parent
from lineal.store.s3 import S3Backend
from lineal.store.sources import PIECE, Source, of_path
from lineal.workspace import Workspace


def bring(
    work: Workspace,
    shelf: Shelf,
    row: VersionRow,
    *,
    name: str = "",
    effort: Effort = Effort.DEFAULT,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> Made:
    """Copy a version into the store, under its model's name or `name`.

    Raises:
        NotFound: it has no files.
        Unavailable: bytes of it are not within reach.
        Corrupt: bytes are not what the registry's own hash says; nothing is committed.
    """
    version = work.whole(row)
    if not version.files:
        raise NotFound(f"{row.model}@{row.name} has no files", hint="only versions with files can be imported")
    scratch: list[Path] = []
    try:
        tree = Tree(tuple(sorted(_files(work, shelf, version, scratch), key=lambda pair: pair[0])), ())
        return shelf.commit(
            tree, _said(work, row, version), kind="model", name=name or row.model, effort=effort, on_bytes=on_bytes
        )
    finally:
        for path in scratch:
            path.unlink(missing_ok=True)


def _files(work: Workspace, shelf: Shelf, version: Version, scratch: list[Path]) -> list[tuple[str, Source]]:
    return [(file.path, _source(work, shelf, version, file, scratch)) for file in version.files]


def _source(work: Workspace, shelf: Shelf, version: Version, file: File, scratch: list[Path]) -> Source:
    """Return a file's bytes: where they lie on this machine, else from a copy in a temporary file."""
    if file.path.endswith("/") or file.place is Place.NOWHERE:
        raise Unavailable(
            f"the bytes of {file.path} are not here", hint="fetch them first: `dvc fetch -A`, `git lfs fetch`"
        )
    if file.local and Path(file.local).is_file():
        source = of_path(Path(file.local))
    else:
        handle, path = shelf.store.fs.create_temporary(shelf.store.backend.scratch())
        scratch.append(path)
        try:
            with _opened(work, shelf, version, file) as stream:
                while piece := stream.read(PIECE):
                    shelf.store.fs.write(handle, piece)
        finally:
            shelf.store.fs.close(handle)
        source = of_path(path)
    source.name = file.path
    if file.digest is None:
        return source
    return checked(source, file.path, file.digest)


def _opened(work: Workspace, shelf: Shelf, version: Version, file: File) -> BinaryIO:
    """Open a file through its registry; of a DVC remote on S3 directly, with the credentials that AWS's tools use."""
    if file.location.startswith("s3://"):
        bucket, _, key = file.location.removeprefix("s3://").partition("/")
        backend = S3Backend(f"s3://{bucket}", {}, shelf.store.backend.scratch())
        return cast(BinaryIO, _Ranged(backend, key))
    return work.registry(version.registry).open(file)


class _Ranged:
    """An object of a bucket, read forward in ranges."""

    def __init__(self, backend: S3Backend, key: str) -> None:
        self._backend, self._key, self._at = backend, key, 0

    def read(self, length: int) -> bytes:
        data = self._backend.read(self._key, self._at, max(length, 8 * PIECE))
        self._at += len(data)
        return data

    def __enter__(self) -> _Ranged:
        return self

    def __exit__(self, *_: object) -> None:
        self._backend.close()


def _said(work: Workspace, row: VersionRow, version: Version) -> Said:
    """Return what the registry says of a version. The copy is proved: its bytes were read from there, and hashed."""
    origin = Parent(kind=EdgeKind.COPIED, registry=version.registry, model=version.model, key=version.key, proved=True)
    return Said(
        parents=(origin, *_parents(work, row)),
        params=version.params,
        environment=version.environment,
        datasets=version.datasets,
        code=version.code,
        metrics=version.metrics,
        tags=version.tags,
        message=version.message,
        at=version.created_at,
        by=version.author,
    )


def _parents(work: Workspace, row: VersionRow) -> list[Parent]:
    """Return what the registry says a version came from."""
    tree = work.lineage(row, up=1, down=0)
    found = []
    for link in tree.links:
        above = tree.members[link.parent].node
        if link.child != tree.start or above.kind not in (NodeKind.VERSION, NodeKind.MODEL):
            continue
        if link.kind is EdgeKind.COPIED and link.confidence is Confidence.PROVED:
            continue  # the index found equal bytes: it will again
        found.append(Parent(kind=link.kind, registry=above.registry, model=above.name, key=above.key))
    return found
