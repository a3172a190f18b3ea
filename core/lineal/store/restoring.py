"""A version out of the store: whole or not at all, verified, and resumed where an earlier try was cut off.

Everything is written into `NAME.<id>.partial` beside the destination, and moved once it is complete. A later try keeps
what is right of it: files whose hash fits, and of a cut-off file the blocks that are what they should be.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lineal.errors import Conflict, Corrupt, StoreError
from lineal.store.documents import Document
from lineal.store.files import Place, StoredFile
from lineal.store.filesystem import FileSystem
from lineal.store.manifest import DIRECTORY, SYMLINK, Content
from lineal.store.reading import Reader
from lineal.store.store import Store

_HINT = "`lineal verify --full` lists what is damaged; `lineal repair --from REMOTE` fetches it"


def restore(
    store: Store,
    document: Document,
    destination: Path,
    *,
    contents: Sequence[Content] | None = None,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> None:
    """Write the files of a version (or only `contents`) to the folder `destination`, which must not hold anything.

    Raises:
        Conflict: there is something at the destination.
        Corrupt: a stored file is not what was committed; nothing appears at the destination.
        OutOfSpace, Unavailable: the disk or the store.
    """
    _expect_free(destination)
    fs = store.fs
    partial = destination.with_name(f"{destination.name}.{document.id[:12]}.partial")
    fs.make_folder(partial)
    for content in document.manifest.files if contents is None else contents:
        target = partial / _safe(content.path)
        _make_folders(fs, partial, target.parent)
        if content.mode == DIRECTORY:
            _make_folders(fs, partial, target)
        elif content.mode == SYMLINK:
            _link(fs, content, target)
        else:
            _file(store, StoredFile(store.reader, content, document.layout(content.blake3)), target, on_bytes)
    _settle(fs, partial)
    if destination.exists():
        fs.remove_folder(destination)
    fs.rename(partial, destination)
    fs.sync_folder(destination.parent)


def restore_file(
    store: Store,
    document: Document,
    content: Content,
    destination: Path,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> None:
    """Write one file of a version to `destination`. Raises as `restore` does."""
    if destination.exists() or destination.is_symlink():
        raise Conflict(f"{destination} is there already", hint="name another place, or move it away")
    partial = destination.with_name(f"{destination.name}.{document.id[:12]}.partial")
    _file(store, StoredFile(store.reader, content, document.layout(content.blake3)), partial, on_bytes)
    store.fs.rename(partial, destination)
    store.fs.sync_folder(destination.parent)


def _expect_free(destination: Path) -> None:
    if destination.is_symlink() or (destination.exists() and not destination.is_dir()):
        raise Conflict(f"{destination} is there already", hint="name a folder that is not there yet")
    if destination.exists() and any(destination.iterdir()):
        raise Conflict(f"{destination} is not empty", hint="name a folder that is not there yet, or is empty")


def _safe(path: str) -> Path:
    """Return a manifest's path, which may not lead out of the version. Raises StoreError."""
    parts = path.split("/")
    if not path or "\0" in path or any(part in {"", ".", ".."} for part in parts):
        raise StoreError(
            f"the manifest names the path {path!r}", hint="it leads out of the version: nothing was written"
        )
    return Path(*parts)


def _make_folders(fs: FileSystem, root: Path, folder: Path) -> None:
    """Make folders below `root`; none of them may be a link, which could lead elsewhere."""
    at = root
    for part in folder.relative_to(root).parts:
        at = at / part
        if at.is_symlink():
            raise StoreError(f"{at.relative_to(root)} is a link and a folder", hint="the manifest makes no sense")
        fs.make_folder(at)


def _link(fs: FileSystem, content: Content, target: Path) -> None:
    if target.is_symlink():
        fs.discard(target)
    fs.symlink(content.target, target)


def _file(store: Store, file: StoredFile, target: Path, on_bytes: Callable[[int], None]) -> None:
    """Write a file and check its hash; if that fails, look for the block that is wrong, and for another copy of it."""
    kept = _kept(file, target)
    if kept is not None:
        for verify in (False, True):
            if _write(store, file, target, kept, on_bytes, verify=verify):
                break
            kept = 0
        else:
            raise Corrupt(f"{file.content.path} is not what was committed", hint=_HINT)
    store.fs.chmod(target, file.content.mode & 0o777)


def _kept(file: StoredFile, target: Path) -> int | None:
    """Return how many blocks an earlier try left whole; None where the whole file is right."""
    from blake3 import blake3

    if not target.exists() or not stat.S_ISREG(target.lstat().st_mode):
        return 0
    hasher, count = blake3(), 0
    with target.open("rb") as stream:
        for place in file.places:
            data = stream.read(place.size)
            if blake3(data).digest() != place.hash:
                return count
            hasher.update(data)
            count += 1
        whole = not stream.read(1) and hasher.hexdigest() == file.content.blake3
    return None if whole else 0


def _write(
    store: Store, file: StoredFile, target: Path, kept: int, on_bytes: Callable[[int], None], *, verify: bool
) -> bool:
    from blake3 import blake3

    hasher = blake3(max_threads=1)
    handle = store.fs.open_partial(target)
    try:
        for place in file.places[:kept]:
            hasher.update(os.pread(handle, place.size, place.start))
            on_bytes(place.size)
        at = sum(place.size for place in file.places[:kept])
        store.fs.truncate(handle, at)
        for data in _bytes(store.reader, file.places[kept:], verify=verify):
            store.fs.write(handle, data)
            hasher.update(data)
            on_bytes(len(data))
        right = hasher.hexdigest() == file.content.blake3
        if right:
            store.fs.sync(handle)
        return right
    finally:
        store.fs.close(handle)


def _bytes(reader: Reader, places: Sequence[Place], *, verify: bool) -> Iterator[memoryview]:
    for place, block in zip(places, reader.blocks((place.hash for place in places), verify=verify), strict=True):
        if len(block) != place.size:
            raise Corrupt("a block of another size than the layout says", hint=_HINT)
        yield block.data


def _settle(fs: FileSystem, root: Path) -> None:
    """Make every folder's entries durable, the innermost first."""
    for folder, _, _ in os.walk(root, topdown=False):
        fs.sync_folder(Path(folder))
