"""Fingerprints: all digests in one pass, of files that hold still."""

from __future__ import annotations

import hashlib
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from blake3 import blake3

from lineal.store import fingerprint
from lineal.store.fingerprint import Digests, Memory, Pace, digest, mark

OLD = (1_600_000_000, 1_600_000_000)


@pytest.mark.parametrize("size", [0, 1, fingerprint.CHUNK, fingerprint.CHUNK + 1])
def test_one_pass_gives_the_digests_of_dvc_hub_git_and_our_own(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    path = tmp_path / "weights.bin"
    path.write_bytes(data)
    found = digest(str(path))
    assert found is not None
    assert found[0] == mark(str(path))
    assert found[1] == Digests(
        size=size,
        md5=hashlib.md5(data).hexdigest(),
        sha256=hashlib.sha256(data).hexdigest(),
        git_sha1=hashlib.sha1(b"blob %d\0" % size + data).hexdigest(),
        blake3=blake3(data).hexdigest(),
    )
    git = subprocess.run(["git", "hash-object", "--no-filters", path], capture_output=True, text=True, check=True)
    assert found[1].git_sha1 == git.stdout.strip()


def test_what_is_no_regular_file_has_no_fingerprint_and_blocks_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    started = time.monotonic()
    for path in (tmp_path / "fifo", tmp_path, tmp_path / "loop", tmp_path / "none", "/dev/zero", "a\0b", "x" * 5_000):
        assert digest(str(path)) is None
        assert mark(str(path)) is None
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("change", [b"longer", b""])
def test_a_file_that_changes_while_it_is_read_has_no_fingerprint(tmp_path: Path, change: bytes) -> None:
    path = tmp_path / "growing.bin"
    path.write_bytes(b"x" * (fingerprint.CHUNK * 2))

    def rewrite(_: int) -> None:
        path.write_bytes(change)

    assert digest(str(path), on_bytes=rewrite) is None


def test_cancelling_ends_within_a_chunk(tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(b"x" * (fingerprint.CHUNK * 4))
    cancel, seen = threading.Event(), list[int]()

    def count(size: int) -> None:
        seen.append(size)
        cancel.set()

    assert digest(str(path), cancel=cancel, on_bytes=count) is None
    assert len(seen) == 1


def test_pace_keeps_to_so_many_bytes_per_second() -> None:
    now = [100.0]
    pace = Pace(1_000, lambda: now[0])
    assert pace.rest(500) == pytest.approx(0.5)
    now[0] += 0.5
    assert pace.rest(1_000) == pytest.approx(1.0)
    now[0] += 60
    assert pace.rest(100) == pytest.approx(0.1)  # time not used is not saved up
    assert Pace(0).rest(10**12) == 0.0


def old_file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    os.utime(path, OLD)
    return path


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return a clock so late that nothing changed lately."""
    return lambda: time.time_ns() + 10**10


def test_what_was_read_is_remembered_until_the_file_changes(tmp_path: Path, later: Callable[[], int]) -> None:
    path = str(old_file(tmp_path / "a.bin", b"one"))
    found = digest(path)
    assert found is not None
    with Memory(tmp_path / "memory" / "fingerprints.db") as memory:
        memory.put(*found, later())
    with Memory(tmp_path / "memory" / "fingerprints.db") as memory:
        assert memory.get(found[0]) == found[1]
        old_file(Path(path), b"two")
        changed = mark(path)
        assert changed is not None
        assert memory.get(changed) is None


def test_a_file_that_changed_just_now_is_not_remembered(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"one")
    found = digest(str(path))
    assert found is not None
    with Memory(tmp_path / "fingerprints.db") as memory:
        memory.put(*found, time.time_ns())
        assert memory.get(found[0]) is None


def test_a_damaged_or_impossible_memory_only_means_reading_again(tmp_path: Path, later: Callable[[], int]) -> None:
    bad = tmp_path / "fingerprints.db"
    bad.write_bytes(b"not a database" * 100)
    found = digest(str(bad))
    assert found is not None
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "below", bad):
        with Memory(path) as memory:
            memory.put(*found, later())
            assert memory.get(found[0]) is None
    with Memory(bad) as memory:
        memory.put(*found, later())
        assert memory.get(found[0]) == found[1]
