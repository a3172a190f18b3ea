"""A store in a folder, on this machine's disk or on NFS: every object a file of mode 0444, made by a hard link.

`link` gives a complete file its name only if nobody has it: create-only, atomic and safe between machines, where rename
would replace and O_EXCL would show half a file.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from lineal.errors import NotFound, OutOfSpace, Unavailable
from lineal.store.backend import Object
from lineal.store.filesystem import FileSystem, OtherDisk, failure

STALE = 24 * 3600.0  # seconds after which a temporary file is nobody's
_PIECE = 8 << 20
_PART = re.compile(r"[a-z0-9._-]{1,255}")


def checked(key: str) -> str:
    """Return a key that leads out of no store: manifests name packs, and may be anybody's. Raises NotFound."""
    parts = key.split("/")
    if len(key) > 900 or any(part in {".", ".."} or not _PART.fullmatch(part) for part in parts):
        raise NotFound(f"{key[:80]!r} is no name of an object", hint="what named it is damaged or forged")
    return key


class FolderBackend:
    """Objects as files below one folder."""

    def __init__(self, path: Path, fs: FileSystem | None = None) -> None:
        self.path = path
        self.url = str(path)
        self._fs = fs or FileSystem()
        self._settled: set[Path] = set()  # folders whose own names this process has made durable

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Return a part of a file. Raises NotFound, Unavailable."""
        handle = self._opened(checked(key))
        try:
            left = max(0, os.fstat(handle).st_size - start)
            return _read(handle, start, left if length is None else min(left, length))
        except OSError as error:
            raise self._unavailable(key, error) from error
        finally:
            os.close(handle)

    def _opened(self, key: str) -> int:
        try:
            handle = os.open(self.path / key, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe would wait for ever
        except (FileNotFoundError, NotADirectoryError) as error:
            raise NotFound(f"{self.path / key} is not there", hint="is it the right store?") from error
        except OSError as error:
            raise self._unavailable(key, error) from error
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise NotFound(f"{self.path / key} is no file", hint="is it the right store?")
        return handle

    def _unavailable(self, key: str, error: OSError) -> Unavailable:
        return Unavailable(f"{self.path / key} cannot be read: {error.strerror}", hint="check the disk and permissions")

    def size(self, key: str) -> int | None:
        """Return a file's size, or None. Raises Unavailable."""
        try:
            info = (self.path / checked(key)).stat()
        except (FileNotFoundError, NotADirectoryError, NotFound):
            return None
        except OSError as error:
            raise self._unavailable(key, error) from error
        return info.st_size if stat.S_ISREG(info.st_mode) else None

    def create(self, key: str, source: bytes | Path) -> bool:
        """Make a file, whole and durable before it has its name. Raises OutOfSpace, Unavailable, Unsupported."""
        target = self.path / checked(key)
        if isinstance(source, Path) and self._is_here(source):
            try:
                return self._place(source, target)
            except OtherDisk:  # one disk, mounted twice: it must be copied all the same
                pass
        return self._copy(source, target)

    def _copy(self, source: bytes | Path, target: Path) -> bool:
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
        try:
            return source.stat().st_dev == scratch.stat().st_dev
        except OSError as error:
            raise failure(error, source) from error

    def _place(self, path: Path, target: Path) -> bool:
        """Make a complete file durable, and then give it its name."""
        handle = self._fs.open_written(path)
        try:
            self._fs.chmod(path, 0o444)  # before the sync: a mode that is lost locks everybody else out
            self._fs.sync(handle)
        finally:
            self._fs.close(handle)
        self._make_folder(target.parent)
        made = self._fs.link(path, target)
        self._fs.sync_folder(target.parent)  # also where another made it: its name counts from here on
        self._fs.discard(path)
        return made

    def _make_folder(self, folder: Path) -> None:
        """Make a folder and those above it, durably: a name in a folder that is lost is lost with it.

        A folder of the store that is there already is settled too, once: who made it may have died before that.
        """
        wanted = []
        while not folder.is_dir() or (self.path in folder.parents and folder not in self._settled):
            wanted.append(folder)
            folder = folder.parent
        for one in reversed(wanted):
            self._fs.make_folder(one)
            self._fs.sync_folder(one.parent)
            self._settled.add(one)

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
        top = prefix.rstrip("/")
        try:
            yield from self._walk(self.path / checked(top) if top else self.path)
        except OSError as error:
            raise self._unavailable(prefix, error) from error

    def _walk(self, folder: Path) -> Iterator[Object]:
        try:
            with os.scandir(folder) as found:
                entries = sorted((one for one in found if _PART.fullmatch(one.name)), key=_place_of)
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if folder != self.path or entry.name != "tmp":
                    yield from self._walk(Path(entry.path))
            elif entry.is_file(follow_symlinks=False) and not entry.name.endswith(".tmp"):
                try:
                    info = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # another took it away meanwhile
                yield Object(os.path.relpath(entry.path, self.path), info.st_size, info.st_mtime)

    def delete(self, key: str) -> None:
        """Take a file away."""
        target = self.path / checked(key)
        if self._fs.discard(target):
            self._fs.sync_folder(target.parent)

    def scratch(self) -> Path:
        """Return the folder of temporary files, made where there is none."""
        folder = self.path / "tmp"
        self._fs.make_folder(folder)
        return folder

    def reap(self, now: float) -> int:
        """Take temporary files away that were left behind by killed processes; return how many."""
        return sum(self._fs.discard(path) for path in (self.path / "tmp").glob("*.tmp") if _is_stale(path, now))

    def close(self) -> None:
        """Nothing is held open."""


def _place_of(entry: os.DirEntry[str]) -> str:
    """Return what sorts an entry as its keys are sorted: `a-b` comes before `a/b`."""
    return f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name


def _is_stale(path: Path, now: float) -> bool:
    try:
        return now - path.lstat().st_mtime > STALE
    except OSError:
        return False  # its owner took it away meanwhile


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
    try:
        with path.open("rb") as stream:
            while piece := stream.read(_PIECE):
                yield piece
    except OSError as error:
        raise failure(error, path) from error
