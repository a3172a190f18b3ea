"""A store in a folder, where the disk, its owner or its other users are not as one would wish."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from lineal.errors import NotFound, OutOfSpace, Unavailable, Unsupported
from lineal.store.filesystem import FileSystem, Operation, OtherDisk, failure
from lineal.store.folder import FolderBackend

T = TypeVar("T")
DAY = 24 * 3600.0


class Disk(FileSystem):
    """Keeps the names of its steps, and fails those of one name."""

    def __init__(self, name: str = "", code: int = 0) -> None:
        super().__init__()
        self.name, self.code = name, code
        self.steps: list[tuple[str, str]] = []

    def step(self, operation: Operation, action: Callable[[], T]) -> T:
        self.steps.append((operation.name, operation.path.name))
        if operation.name == self.name:
            raise OSError(self.code, os.strerror(self.code))
        return action()


@contextmanager
def nobody() -> Iterator[None]:
    """Be a user that owns nothing, where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def left(folder: Path) -> list[str]:
    """Return every file below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_store_that_is_not_there_holds_nothing_and_is_made_by_the_first_object(tmp_path: Path) -> None:
    backend = FolderBackend(tmp_path / "deep" / "store")
    assert backend.size("format") is None
    assert list(backend.list("packs/")) == []
    assert backend.reap(0.0) == 0
    with pytest.raises(NotFound) as caught:
        backend.read("format")
    assert caught.value.hint
    assert not (tmp_path / "deep").exists()  # to look is not to write
    assert backend.create("packs/aa/one", b"x")
    assert left(backend.path) == ["packs/aa/one"]


@pytest.mark.parametrize(("umask", "mode"), [(0o077, 0o700), (0o022, 0o755), (0o002, 0o775)])
def test_the_umask_says_who_shares_a_folder(tmp_path: Path, umask: int, mode: int) -> None:
    before = os.umask(umask)
    try:
        FolderBackend(tmp_path / "store").create("packs/aa/one", b"x")
    finally:
        os.umask(before)
    for folder in ("", "packs", "packs/aa", "tmp"):
        assert (tmp_path / "store" / folder).stat().st_mode & 0o777 == mode


def test_an_object_has_its_mode_and_bytes_on_the_disk_before_it_has_its_name(tmp_path: Path) -> None:
    disk = Disk()
    FolderBackend(tmp_path / "store", disk).create("packs/aa/one", b"x")
    names = [name for name, _ in disk.steps]
    assert names.index("write") < names.index("chmod") < names.index("sync") < names.index("link")
    assert disk.steps[names.index("link") + 1] == ("sync_folder", "aa")


def test_a_folder_that_another_made_is_settled_before_what_lies_in_it_counts(tmp_path: Path) -> None:
    """Who made it may have died before its name was durable."""
    (tmp_path / "store/packs/aa").mkdir(parents=True)
    disk = Disk()
    backend = FolderBackend(tmp_path / "store", disk)
    backend.create("packs/aa/one", b"x")
    assert [path for name, path in disk.steps if name == "sync_folder"] == ["store", "packs", "aa"]
    disk.steps.clear()
    backend.create("packs/aa/two", b"x")
    assert [path for name, path in disk.steps if name == "sync_folder"] == ["aa"]  # once is enough


@pytest.mark.parametrize(
    ("step", "code", "kind"),
    [
        ("write", errno.ENOSPC, OutOfSpace),
        ("write", errno.EDQUOT, OutOfSpace),
        ("sync", errno.EIO, OutOfSpace),
        ("sync_folder", errno.EIO, OutOfSpace),
        ("create_temporary", errno.EROFS, Unavailable),
        ("make_folder", errno.EACCES, Unavailable),
        ("link", errno.EPERM, Unsupported),
        ("link", errno.EOPNOTSUPP, Unsupported),
        ("link", errno.ENOSPC, OutOfSpace),
    ],
)
def test_a_step_that_fails_is_a_typed_error_with_a_hint(
    tmp_path: Path, step: str, code: int, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as caught:
        FolderBackend(tmp_path / "store", Disk(step, code)).create("packs/aa/one", b"x")
    assert getattr(caught.value, "hint", "")
    if (tmp_path / "store/tmp").exists():
        assert list((tmp_path / "store/tmp").iterdir()) == []


def test_a_failed_sync_is_not_tried_again(tmp_path: Path) -> None:
    """The kernel may have dropped the bytes, and would say that all is well."""
    disk = Disk("sync", errno.EIO)
    backend = FolderBackend(tmp_path / "store", disk)
    with pytest.raises(OutOfSpace):
        backend.create("packs/aa/one", b"x")
    assert [name for name, _ in disk.steps].count("sync") == 1
    assert backend.size("packs/aa/one") is None


def test_a_file_from_another_mount_is_copied(tmp_path: Path) -> None:
    class TwoMounts(FileSystem):
        def link(self, path: Path, target: Path) -> bool:
            if path.parent.name != "tmp":
                raise OtherDisk("another mount")
            return super().link(path, target)

    (tmp_path / "given").write_bytes(b"x" * 100)
    backend = FolderBackend(tmp_path / "store", TwoMounts())
    assert backend.create("packs/aa/one", tmp_path / "given")
    assert backend.read("packs/aa/one") == b"x" * 100
    assert left(backend.path) == ["packs/aa/one"]


def test_a_file_from_another_disk_is_copied(tmp_path: Path) -> None:
    memory = Path("/dev/shm")
    if not memory.is_dir() or memory.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second disk at /dev/shm")
    given = memory / f"lineal-{os.getpid()}"
    given.write_bytes(b"x" * 100)
    try:
        backend = FolderBackend(tmp_path / "store")
        assert backend.create("packs/aa/one", given)
        assert backend.read("packs/aa/one") == b"x" * 100
        assert given.exists()
    finally:
        given.unlink(missing_ok=True)


def test_a_source_that_is_not_there_makes_nothing(tmp_path: Path) -> None:
    backend = FolderBackend(tmp_path / "store")
    with pytest.raises(Unavailable):
        backend.create("packs/aa/one", tmp_path / "none")
    assert left(backend.path) == []


def test_over_a_network_a_link_whose_reply_was_lost_counts_as_made(tmp_path: Path) -> None:
    """The server made it, the client asks again and is told that the name is taken: by this very file."""

    class Lossy(FileSystem):
        def step(self, operation: Operation, action: Callable[[], T]) -> T:
            if operation.name == "link":
                action()
            return action()

    assert FolderBackend(tmp_path / "store", Lossy()).create("packs/aa/one", b"x")


def test_what_is_no_plain_file_is_no_object(tmp_path: Path) -> None:
    """And is not waited for: a pipe without a writer never ends."""
    backend = FolderBackend(tmp_path / "store")
    backend.create("packs/aa/one", b"x")
    os.mkfifo(tmp_path / "store/packs/pipe")
    for key in ("packs/pipe", "packs/aa", "packs/aa/one/more"):
        assert backend.size(key) is None
        with pytest.raises(NotFound):
            backend.read(key)
    assert [one.key for one in backend.list("packs/")] == ["packs/aa/one"]


def test_foreign_files_in_a_store_are_not_listed(tmp_path: Path) -> None:
    backend = FolderBackend(tmp_path / "store")
    backend.create("packs/aa/one", b"x")
    (tmp_path / "store/packs/.DS_Store").write_bytes(b"")
    (tmp_path / "store/packs/a copy of one").write_bytes(b"")
    (tmp_path / "store/packs/round").symlink_to(tmp_path / "store")
    assert [one.key for one in backend.list("")] == ["packs/aa/one"]


@pytest.fixture
def reachable() -> Iterator[Path]:
    """Give a folder that other users can reach, which those of pytest are not."""
    with tempfile.TemporaryDirectory(prefix="lineal-shared-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def test_a_folder_that_may_not_be_read_or_written_is_a_typed_error(reachable: Path) -> None:
    backend = FolderBackend(reachable / "store")
    backend.create("packs/aa/one", b"x")
    (reachable / "store/packs/aa").chmod(0o000)
    asks: list[Callable[[], object]] = [
        lambda: backend.read("packs/aa/one"),
        lambda: backend.size("packs/aa/one"),
        lambda: list(backend.list("packs/")),
        lambda: backend.create("packs/aa/two", b"x"),
        lambda: backend.delete("packs/aa/one"),
    ]
    try:
        with nobody():
            for ask in asks:
                with pytest.raises(Unavailable) as caught:
                    ask()
                assert caught.value.hint
    finally:
        (reachable / "store/packs/aa").chmod(0o755)
    assert backend.read("packs/aa/one") == b"x"


def test_only_old_temporary_files_are_reaped(tmp_path: Path) -> None:
    backend = FolderBackend(tmp_path / "store")
    now = 1_790_000_000.0
    for name, age in (("old.tmp", 1.5 * DAY), ("young.tmp", 0.5 * DAY), ("other", 9 * DAY)):
        path = backend.scratch() / name
        path.write_bytes(b"x")
        os.utime(path, (now - age, now - age))
    assert backend.reap(now) == 1
    assert left(backend.path) == ["tmp/other", "tmp/young.tmp"]


def test_temporary_names_cannot_be_foreseen_and_are_their_owners(tmp_path: Path) -> None:
    before = os.umask(0)
    fs = FileSystem()
    try:
        made = [fs.create_temporary(tmp_path) for _ in range(20)]
    finally:
        os.umask(before)
    for handle, path in made:
        fs.close(handle)
        assert path.stat().st_mode & 0o777 == 0o600
        assert len(path.stem) == 32
    assert len({path for _, path in made}) == 20


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EACCES, errno.EMFILE, errno.ESTALE])
def test_every_failure_of_a_disk_comes_with_a_hint(code: int) -> None:
    found = failure(OSError(code, os.strerror(code)), "/store/x")
    assert found.hint
    assert "/store/x" in found.message
