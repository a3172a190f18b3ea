"""Everything that the store writes on a disk, one operation a method, with the disk's errors as our own.

Each operation goes through `FileSystem.step`. Tests override that one method to let the disk fill up, fail or lose
power at any operation; nothing else in the store opens a file for writing.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from lineal.errors import Error, OutOfSpace, Unavailable, Unsupported

_T = TypeVar("_T")
_NEW = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_NO_FOLDER_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})


class Operation(msgspec.Struct, frozen=True):
    """One step on the disk, before it is taken: its method's name and what that was called with."""

    name: str
    path: Path
    target: str = ""  # the second path, where there are two
    handle: int = -1
    data: bytes | memoryview = b""
    number: int = 0  # a mode, or a length in bytes


class OtherDisk(Unavailable):
    """A file cannot be linked from one disk to another."""


def failure(error: OSError, path: Path | str) -> Error:
    """Return what an error of the operating system means to a person."""
    said = f"{path}: {error.strerror or error}"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return OutOfSpace(said, hint="make room on that disk and try again; what was stored before is as it was")
    if error.errno == errno.EIO:
        return OutOfSpace(said, hint="the disk fails: look at the kernel's log, and save what is on it")
    if error.errno == errno.EROFS:
        return Unavailable(said, hint="that disk is mounted read-only")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return Unavailable(said, hint="look at who owns that folder and who may write there: `ls -ld`")
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        return Unavailable(said, hint="too many files are open: raise `ulimit -n`")
    return Unavailable(said, hint="is the disk mounted, and the folder still there?")


class FileSystem:
    """The disk, for writing. Methods may be called from several threads, and raise OutOfSpace or Unavailable."""

    def __init__(self) -> None:
        self._paths: dict[int, Path] = {}  # of open handles, for messages

    def step(self, operation: Operation, action: Callable[[], _T]) -> _T:  # noqa: ARG002 - for those who override it
        """Take one step; an OSError that comes out of here is told as one of ours."""
        return action()

    def _do(self, operation: Operation, action: Callable[[], _T]) -> _T:
        try:
            return self.step(operation, action)
        except OSError as error:
            raise failure(error, operation.path) from error

    def _path(self, handle: int) -> Path:
        return self._paths.get(handle, Path(f"file {handle}"))

    # Files

    def create_temporary(self, folder: Path) -> tuple[int, Path]:
        """Make a file that nobody can foresee, for its owner only; return its handle and path."""
        path = folder / f"{secrets.token_hex(16)}.tmp"
        return self._open("create_temporary", path, _NEW | os.O_EXCL), path

    def open_partial(self, path: Path) -> int:
        """Open a file for reading and writing, made where there is none; never through a link."""
        return self._open("open_partial", path, _NEW)

    def _open(self, name: str, path: Path, flags: int) -> int:
        handle = self._do(Operation(name, path), lambda: os.open(path, flags, 0o600))
        self._paths[handle] = path
        return handle

    def open_written(self, path: Path) -> int:
        """Open a file that is written already, to `sync` it."""
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise failure(error, path) from error
        self._paths[handle] = path
        return handle

    def write(self, handle: int, data: bytes | memoryview) -> None:
        """Write all of `data` where the handle stands."""
        view = memoryview(data).cast("B") if len(data) else memoryview(b"")

        def action() -> None:
            at = 0
            while at < len(view):
                at += os.write(handle, view[at:])

        self._do(Operation("write", self._path(handle), handle=handle, data=view), action)

    def truncate(self, handle: int, length: int) -> None:
        """Cut a file, and stand at its end."""

        def action() -> None:
            os.ftruncate(handle, length)
            os.lseek(handle, length, os.SEEK_SET)

        self._do(Operation("truncate", self._path(handle), handle=handle, number=length), action)

    def sync(self, handle: int) -> None:
        """Make a file's bytes and mode durable.

        Where this fails the kernel may have dropped what it could not write, and a second fsync would say that all is
        well: whoever calls this gives the file up.
        """
        self._do(Operation("sync", self._path(handle), handle=handle), lambda: os.fsync(handle))

    def close(self, handle: int) -> None:
        """Close a handle."""
        path = self._paths.pop(handle, Path(f"file {handle}"))
        self._do(Operation("close", path, handle=handle), lambda: os.close(handle))

    def chmod(self, path: Path, mode: int) -> None:
        """Give a file a mode, whatever the umask."""
        self._do(Operation("chmod", path, number=mode), lambda: path.chmod(mode))

    # Names

    def link(self, path: Path, target: Path) -> bool:
        """Give a file a second name unless that is taken; say whether it was given.

        Raises:
            OtherDisk: the names are on two disks.
            Unsupported: the disk has no hard links.
        """
        try:
            self.step(Operation("link", path, str(target)), lambda: os.link(path, target, follow_symlinks=False))
        except FileExistsError:
            return _same(path, target)  # over NFS a lost reply ends here though the link was made
        except OSError as error:
            raise _link_failure(error, target) from error
        return True

    def rename(self, path: Path, target: Path) -> None:
        """Move a file or folder, over what has that name."""
        self._do(Operation("rename", path, str(target)), lambda: path.replace(target))

    def symlink(self, target: str, path: Path) -> None:
        """Make a symbolic link at `path`."""
        self._do(Operation("symlink", path, target), lambda: path.symlink_to(target))

    def discard(self, path: Path) -> bool:
        """Take a file away; say whether there was one."""
        try:
            self.step(Operation("discard", path), path.unlink)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise failure(error, path) from error
        return True

    # Folders

    def make_folder(self, path: Path) -> None:
        """Make a folder and those above it, where there are none; the umask says who may do what in it."""
        if path.is_dir():
            return
        if not path.parent.exists():
            self.make_folder(path.parent)
        self._do(Operation("make_folder", path), lambda: path.mkdir(exist_ok=True))

    def remove_folder(self, path: Path) -> None:
        """Take an empty folder away."""
        self._do(Operation("remove_folder", path), path.rmdir)

    def sync_folder(self, path: Path) -> None:
        """Make a folder's entries durable, as far as its disk knows how."""

        def action() -> None:
            handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            except OSError as error:
                if error.errno not in _NO_FOLDER_SYNC:
                    raise
            finally:
                os.close(handle)

        self._do(Operation("sync_folder", path), action)


def _same(path: Path, target: Path) -> bool:
    try:
        return path.samefile(target)
    except OSError:
        return False


def _link_failure(error: OSError, target: Path) -> Error:
    if error.errno == errno.EXDEV:
        return OtherDisk(f"{target} is on another disk")
    if error.errno in _NO_LINKS:
        return Unsupported(
            f"{target.parent} is on a disk without hard links",
            hint="keep the store on a local disk or NFS: FAT, exFAT and some shares cannot make a file only once",
        )
    return failure(error, target)
