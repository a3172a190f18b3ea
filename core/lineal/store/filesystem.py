"""Every write to a disk, one method each: the seam at which tests make a disk full, fail, or lose its power.

A failed fsync is never tried again: the kernel marks the page clean, and a second one would lie.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lineal.errors import Conflict, Error, NotFound, OutOfSpace, Unavailable, Unsupported

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})


class FileSystem:
    """The disk of this machine."""

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it, durably; group and others may do what the umask lets them."""
        if folder.is_dir():
            return
        if not folder.parent.is_dir():
            self.make_folder(folder.parent)
        with wrapped(folder):
            self._mkdir(folder)
        self.sync_folder(folder.parent)

    def _mkdir(self, folder: Path) -> None:
        folder.mkdir(mode=0o777, exist_ok=True)

    def create_temporary(self, folder: Path) -> tuple[int, Path]:
        """Make a file of a name that nobody can guess; return its handle and path."""
        self.make_folder(folder)
        path = folder / f"{secrets.token_hex(12)}.tmp"
        with wrapped(path):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600), path

    def open_partial(self, path: Path) -> int:
        """Open a file of ours to go on with it, or make it."""
        with wrapped(path):
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)

    def write(self, handle: int, data: bytes | memoryview) -> None:
        """Write all of `data` where the handle stands."""
        left = memoryview(data).cast("B")
        with wrapped():
            while len(left):
                left = left[os.write(handle, left) :]

    def truncate(self, handle: int, size: int) -> None:
        """Cut a file to `size` bytes and stand at its end."""
        with wrapped():
            os.ftruncate(handle, size)
            os.lseek(handle, size, os.SEEK_SET)

    def sync(self, handle: int) -> None:
        """Wait until a file's bytes are on the disk."""
        with wrapped():
            os.fsync(handle)

    def close(self, handle: int) -> None:
        """Close a handle."""
        with wrapped():
            os.close(handle)

    def chmod(self, path: Path, mode: int) -> None:
        """Set the permissions of a file, whatever the umask."""
        with wrapped(path):
            path.chmod(mode)

    def link(self, source: Path, target: Path) -> bool:
        """Give a file a second name unless that name is taken; say whether it was given."""
        try:
            with wrapped(target):
                os.link(source, target, follow_symlinks=False)
        except FileExistsError:
            return False
        return True

    def symlink(self, target: str, path: Path) -> None:
        """Make a symbolic link."""
        with wrapped(path):
            path.symlink_to(target)

    def rename(self, source: Path, target: Path) -> None:
        """Give a file or folder another name; what had it is replaced (a folder only if it is empty)."""
        with wrapped(target):
            source.replace(target)

    def discard(self, path: Path) -> None:
        """Take a file away; harmless where there is none."""
        with wrapped(path):
            path.unlink(missing_ok=True)

    def remove_folder(self, folder: Path) -> None:
        """Take an empty folder away."""
        with wrapped(folder):
            folder.rmdir()

    def sync_folder(self, folder: Path) -> None:
        """Wait until the names in a folder are on the disk."""
        with wrapped(folder):
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


@contextmanager
def wrapped(path: Path | None = None) -> Iterator[None]:
    """Turn what the operating system says into an Error; FileExistsError is the caller's to understand."""
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        raise _explained(error, path) from error


def _explained(error: OSError, path: Path | None) -> Error:
    where = str(path or "the file")
    if error.errno in _FULL:
        return OutOfSpace(f"no room to write {where}", hint="make room and try again; nothing that was stored is lost")
    if error.errno == errno.EIO:
        return OutOfSpace(f"the disk failed at {where}", hint="look at the system's log; nothing was acknowledged")
    if error.errno in _NO_LINKS:
        return Unsupported(f"{where}: this file system cannot do that ({error.strerror})",
                           hint="a store needs hard links: put it on another disk, or on S3")
    if isinstance(error, FileNotFoundError):
        return NotFound(f"{where} is not there", hint="was it moved meanwhile?")
    if error.errno == errno.ENOTEMPTY:
        return Conflict(f"{where} is not empty", hint="name a folder that is not there yet")
    return Unavailable(f"{where} cannot be written: {error.strerror}", hint="check that it is there and yours to write")
