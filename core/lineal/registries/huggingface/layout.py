"""The folders of one cached model: refs, snapshots, listings of trees, and where each file's bytes really are.

Source: `huggingface_hub` 2.4 (`file_download.py`, `_tree_cache.py`, `utils/_shared_blobs.py`):

    models--org--name/
      refs/main                     the commit, no newline
      snapshots/<commit>/path       relative symlink to ../../blobs/<etag>; a plain file where symlinks do not work
      blobs/<git-sha1 | sha256>     the bytes, or a symlink into the cache-wide store <cache>/blobs/<2>/<xet hash>
      trees/<commit>.json           what the whole repository holds at that commit
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from lineal.errors import BadFormat, RegistryError, Unavailable
from lineal.formats import jsons
from lineal.model.version import Algorithm, Digest

COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SHA1, _SHA256 = re.compile(r"[0-9a-f]{40}"), re.compile(r"[0-9a-f]{64}")
_TREE_FORMAT = 1
_TREE_BYTES = 64 << 20
_REF_BYTES = 4096
_DEPTH = 32
_ENTRIES = 50_000  # paths below one snapshot or refs folder


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One path of a snapshot. `real` is where the bytes are; `problem` says why they cannot be had, else ""."""

    path: str
    blob: str = ""  # the name of the blob it points at
    real: str = ""
    size: int | None = None
    problem: str = ""
    came_at: float = 0.0  # when it came into the cache, Unix seconds


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """One file that the repository holds at a commit, by the tree listing."""

    path: str
    size: int | None
    digest: Digest | None


def walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield every path below `folder` that is no folder, in order of names; links to folders are not entered.

    Raises:
        Unavailable: a folder cannot be listed, or there is more than any model has.
    """
    left = _ENTRIES
    stack = [(str(folder), 0)]
    while stack:
        place, depth = stack.pop()
        try:
            with os.scandir(place) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            raise Unavailable(f"{place} cannot be listed: {error.strerror}", hint="check its permissions") from error
        left -= len(entries)
        if left < 0 or depth > _DEPTH:
            raise Unavailable(f"{folder} holds too much for a model", hint="is it really a hub cache?")
        stack += [(entry.path, depth + 1) for entry in reversed(entries) if entry.is_dir(follow_symlinks=False)]
        yield from (entry for entry in entries if not entry.is_dir(follow_symlinks=False))


def printable(name: str) -> str:
    """Return a name from the file system as text that can be encoded: bytes that are no UTF-8 become escapes."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def blob_digest(name: str) -> Digest | None:
    """Return what a blob's name says of its bytes: 40 digits are a git blob's SHA-1, 64 a SHA-256 (LFS, Xet)."""
    if _SHA1.fullmatch(name):
        return Digest(Algorithm.GIT_SHA1, name)
    return Digest(Algorithm.SHA256, name) if _SHA256.fullmatch(name) else None


class Folder:
    """One `models--…` folder of the cache at `root`; `root` must be resolved, so that escapes can be told."""

    def __init__(self, root: Path, name: str) -> None:
        self.root = root
        self.name = name
        self.path = root / name

    @property
    def model(self) -> str:
        """Return the repository's name, `org/name`; the client writes `/` as `--`."""
        return printable(self.name.partition("--")[2].replace("--", "/"))

    def commits(self) -> list[str]:
        """Return the names of the snapshots. Raises Unavailable if they cannot be listed."""
        snapshots = self.path / "snapshots"
        try:
            return sorted(entry.name for entry in os.scandir(snapshots) if entry.is_dir(follow_symlinks=False))
        except OSError as error:
            raise Unavailable(
                f"{snapshots} cannot be listed: {error.strerror}", hint="remove the folder and download the model again"
            ) from error

    def refs(self) -> Iterator[tuple[str, str, float | None]]:
        """Yield each ref: its name (`main`, `refs/pr/1`), the commit it names, and when it was set.

        What the file holds is not checked: it may be no commit at all.

        Raises:
            Unavailable: the refs cannot be listed.
        """
        folder = self.path / "refs"
        if not os.path.lexists(folder):
            return
        for entry in walk(folder):
            name = printable(Path(entry.path).relative_to(folder).as_posix())
            try:
                commit = self.read(Path(entry.path), _REF_BYTES).decode("utf-8", "backslashreplace")
            except RegistryError as error:
                yield name, str(error), None
            else:
                yield name, commit, entry.stat(follow_symlinks=False).st_mtime

    def held(self, commit: str) -> Iterator[Held]:
        """Yield the paths of a snapshot. Raises Unavailable if it cannot be listed."""
        folder = self.path / "snapshots" / commit
        for entry in walk(folder):
            yield self._held(entry, Path(entry.path).relative_to(folder).as_posix())

    def _held(self, entry: os.DirEntry[str], path: str) -> Held:
        if path != printable(path):
            return Held(path=printable(path), problem="has a name that is no UTF-8")
        blob = ""
        try:
            came = entry.stat(follow_symlinks=False).st_mtime
            blob = Path(entry.path).readlink().name if entry.is_symlink() else ""
            real = self.inside(Path(entry.path))
            info = real.stat()
        except FileNotFoundError:
            return Held(path=path, blob=blob, problem="points at bytes that are not there", came_at=came)
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
            return Held(path=path, problem=f"cannot be followed: {error}")
        except Unavailable as error:
            return Held(path=path, problem=error.message)
        if not stat.S_ISREG(info.st_mode):
            return Held(path=path, problem="is no plain file")
        return Held(path=path, blob=blob, real=str(real), size=info.st_size, came_at=came)

    def inside(self, path: Path) -> Path:
        """Resolve every link of `path`. Raises OSError if it leads nowhere, Unavailable if out of the cache."""
        real = path.resolve(strict=True)
        if not real.is_relative_to(self.root):
            raise Unavailable(f"leads out of the cache, to {real}", hint="links out of the cache are not followed")
        return real

    def read(self, path: Path, limit: int) -> bytes:
        """Read a small file inside the cache.

        Raises:
            Unavailable: it is not there, unreadable, or outside.
            BadFormat: it is no plain file, or longer than `limit` bytes.
        """
        try:
            real = self.inside(path)
            if not stat.S_ISREG(real.stat().st_mode):
                raise BadFormat(f"{path} is no plain file", hint="remove it and download the model again")
            with real.open("rb") as stream:
                data = stream.read(limit + 1)
        except (OSError, RuntimeError) as error:
            raise Unavailable(f"{path} cannot be read: {error}", hint="check its permissions") from error
        if len(data) > limit:
            raise BadFormat(f"{path} is longer than {limit:,} bytes", hint="it is left out")
        return data

    def tree(self, commit: str) -> list[Wanted] | None:
        """Return what the repository holds at `commit`, or None where no listing was kept.

        Raises:
            RegistryError: there is a listing that cannot be read.
        """
        path = self.path / "trees" / f"{commit}.json"
        if not os.path.lexists(path):
            return None
        document = jsons.load(self.read(path, _TREE_BYTES), limit=_TREE_BYTES)
        try:
            listing = msgspec.convert(document, _Listing)
        except msgspec.ValidationError as error:
            raise BadFormat(f"{path} is no listing of a tree: {error}", hint="remove it; it is only a cache") from error
        return [_wanted(path, entry) for path, entry in sorted(listing.files.items())]


class _Entry(msgspec.Struct, frozen=True):
    size: int
    blob_id: str
    lfs_sha256: str | None = None
    lfs_size: int | None = None


class _Listing(msgspec.Struct, frozen=True):
    format_version: int
    files: dict[str, _Entry]

    def __post_init__(self) -> None:
        if self.format_version != _TREE_FORMAT:
            raise ValueError(f"format version {self.format_version} is not known")


def _wanted(path: str, entry: _Entry) -> Wanted:
    if entry.lfs_sha256:
        return Wanted(path=path, size=entry.lfs_size or entry.size, digest=blob_digest(entry.lfs_sha256))
    return Wanted(path=path, size=entry.size, digest=blob_digest(entry.blob_id))
