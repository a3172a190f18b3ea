"""A store in a folder, on this machine's disk or on NFS: every object a file of mode 0444, made by a hard link.

`link` gives a complete file its name only if nobody has it: create-only, atomic and safe between machines, where rename
would replace and O_EXCL would show half a file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from lineal.errors import NotFound, OutOfSpace, Unavailable
from lineal.store.backend import Object
from lineal.store.filesystem import FileSystem

_STALE = 24 * 3600.0  # seconds after which a temporary file is nobody's
_PIECE = 8 << 20


class FolderBackend:
    """Objects as files below one folder."""

    def __init__(self, path: Path, fs: FileSystem | None = None) -> None:
        self.path = path
        self.url = str(path)
        self._fs = fs or FileSystem()

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Return a part of a file. Raises NotFound, Unavailable."""
        handle = self._opened(key)
        try:
            left = max(0, os.fstat(handle).st_size - start)
            return _read(handle, start, left if length is None else min(left, length))
        except OSError as error:
            raise self._unavailable(key, error) from error
        finally:
            os.close(handle)

    def _opened(self, key: str) -> int:
        try:
            return os.open(self.path / key, os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound(f"{self.path / key} is not there", hint="is it the right store?") from error
        except OSError as error:
            raise self._unavailable(key, error) from error

    def _unavailable(self, key: str, error: OSError) -> Unavailable:
        return Unavailable(f"{self.path / key} cannot be read: {error.strerror}", hint="check the disk and permissions")

    def size(self, key: str) -> int | None:
        """Return a file's size, or None. Raises Unavailable."""
        try:
            return (self.path / key).stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise self._unavailable(key, error) from error

    def create(self, key: str, source: bytes | Path) -> bool:
        """Make a file, whole and durable before it has its name. Raises OutOfSpace, Unavailable, Unsupported."""
        target = self.path / key
        if isinstance(source, Path) and self._is_here(source):
            return self._place(source, target)
        handle, path = self._fs.create_temporary(self.scratch())
        try:
            for data in [source] if isinstance(source, bytes) else _pieces(source):
                self._fs.write(handle, data)
            self._fs.close(handle)
            handle = -1
            return self._place(path, target)
        finally:
            self._tidy(handle, path)

    def _is_here(self, source: Path) -> bool:
        scratch = self.scratch()
        return scratch.is_dir() and source.stat().st_dev == scratch.stat().st_dev

    def _place(self, path: Path, target: Path) -> bool:
        """Make a complete file durable, and then give it its name."""
        handle = self._fs.open_partial(path)
        try:
            self._fs.sync(handle)
        finally:
            self._fs.close(handle)
        self._fs.chmod(path, 0o444)
        self._make_folder(target.parent)
        made = self._fs.link(path, target)
        self._fs.sync_folder(target.parent)  # also where another made it: its name counts from here on
        self._fs.discard(path)
        return made

    def _make_folder(self, folder: Path) -> None:
        """Make a folder and those above it, durably: a name in a folder that is lost is lost with it."""
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for one in reversed(missing):
            self._fs.make_folder(one)
            self._fs.sync_folder(one.parent)

    def _tidy(self, handle: int, path: Path) -> None:
        """Take a temporary file away; what hinders that is no news where something has gone wrong already."""
        try:
            if handle >= 0:
                self._fs.close(handle)
            self._fs.discard(path)
        except (OutOfSpace, Unavailable):
            return

    def list(self, prefix: str) -> Iterator[Object]:
        """Yield files below a folder, sorted. Raises Unavailable."""
        try:
            yield from self._walk(self.path / prefix.rstrip("/"))
        except OSError as error:
            raise self._unavailable(prefix, error) from error

    def _walk(self, folder: Path) -> Iterator[Object]:
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(Path(entry.path))
            elif entry.is_file(follow_symlinks=False) and not entry.name.endswith(".tmp"):
                info = entry.stat(follow_symlinks=False)
                yield Object(os.path.relpath(entry.path, self.path), info.st_size, info.st_mtime)

    def delete(self, key: str) -> None:
        """Take a file away."""
        target = self.path / key
        if target.parent.is_dir():
            self._fs.discard(target)
            self._fs.sync_folder(target.parent)

    def scratch(self) -> Path:
        """Return the folder of temporary files, made where there is none."""
        folder = self.path / "tmp"
        self._fs.make_folder(folder)
        return folder

    def reap(self, now: float) -> int:
        """Take temporary files away that were left behind by killed processes; return how many."""
        old = [path for path in self.scratch().glob("*.tmp") if now - path.stat().st_mtime > _STALE]
        for path in old:
            self._fs.discard(path)
        return len(old)

    def close(self) -> None:
        """Nothing is held open."""


def _read(handle: int, start: int, length: int) -> bytes:
    """Return `length` bytes; fewer where the file became shorter. Reading never maps the file."""
    data = os.pread(handle, length, start)
    if len(data) == length or not data:
        return data
    parts, at = [data], len(data)
    while at < length and (data := os.pread(handle, length - at, start + at)):
        parts.append(data)
        at += len(data)
    return b"".join(parts)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            yield piece
