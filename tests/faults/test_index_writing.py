"""An index on a full disk, held, damaged, or whose writer is killed: told in one sentence, nothing half-written."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from lineal.config import Surroundings
from lineal.errors import IndexUnavailable
from lineal.index import sqlite
from lineal.index.comparison import counts, rows_for_comparison
from lineal.index.opening import open_writer
from lineal.model.records import Complete, Record
from lineal.model.values import Metric, Param
from lineal.model.version import Kind, Version
from lineal.registries.base import Cursors
from lineal.sync import rebuild, sync
from tests.postgres import Server
from tests.sources import scripted
from tests.sources.scripted import SCRIPTS

PER_SCOPE = 40


def whole_scopes(since: Cursors, scopes: int = 60, per_scope: int = PER_SCOPE) -> Iterator[Record]:
    """Say scope after scope, each of `per_scope` versions of a model named after it."""
    for scope in range(scopes):
        for at in range(per_scope):
            yield Version(
                registry="toy",
                model=f"model{scope}",
                key=f"{scope}-{at}",
                name=f"v{at}",
                kind=Kind.RUN,
                message="one of many " * 20,
                params=tuple(Param(f"p{i}", at + i) for i in range(10)),
                metrics=(Metric("acc", at / 100),),
            )
        yield Complete(registry="toy", scope=str(scope), cursor=f"c{scope}")
    yield Complete(registry="toy", scope="")


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted.install(monkeypatch)
    SCRIPTS["/toy"] = whole_scopes


def check_whole(url: str) -> int:
    """Fail unless the index holds whole scopes and no orphans; return how many scopes."""
    with open_writer(url) as writer:
        found = rows_for_comparison(writer.database)
        assert {table: len(some) for table, some in found.items()} == counts(writer.database)
        sizes = writer.database.run("SELECT model_id, count(*) FROM version GROUP BY model_id")
        assert {size for _, size in sizes} <= {PER_SCOPE}
        cursors = writer.cursors("toy")
        assert {row[1] for row in found["version"]} == {f"model{scope}" for scope in cursors if scope}
        assert {row[1] for row in found["model"] if row[5] != PER_SCOPE} == set()
        return len(cursors)


class Full:
    """Lets the index grow to so many pages, as a disk would that is nearly full."""

    def __init__(self, pages: int) -> None:
        self.pages = pages

    def __call__(self, path: str, **more: object) -> sqlite3.Connection:
        connection = sqlite3.dbapi2.connect(path, **more)  # type: ignore[call-overload]
        connection.execute(f"PRAGMA max_page_count={self.pages}")
        return connection  # type: ignore[no-any-return]


@pytest.mark.parametrize("pages", [1, 60, 100, 200, 300])
def test_a_full_disk_is_told_and_whole_scopes_stay(
    tmp_path: Path, around: Surroundings, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    url = str(tmp_path / "index.db")
    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", Full(pages))
        with pytest.raises(IndexUnavailable, match="no room") as caught:
            sync([scripted.spec()], around, url, fingerprint=False)
    assert caught.value.exit_code == 8
    assert "make room" in caught.value.hint
    check_whole(url)
    sync([scripted.spec()], around, url, fingerprint=False)
    assert check_whole(url) == 61


@pytest.mark.skipif(os.getuid() != 0 or not Path("/proc/mounts").exists(), reason="mounting a small disk needs root")
def test_a_disk_that_is_really_full_is_told_too(tmp_path: Path, around: Surroundings) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this machine does not let a test mount a small disk")
    try:
        with pytest.raises(IndexUnavailable, match=r"no room|disk") as caught:
            sync([scripted.spec()], around, str(disk / "index.db"), fingerprint=False)
        assert caught.value.hint
        check_whole(str(disk / "index.db"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_an_index_that_another_process_writes_is_told(
    tmp_path: Path, around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = str(tmp_path / "index.db")
    sync([scripted.spec()], around, url, fingerprint=False)
    monkeypatch.setattr(sqlite, "WAIT", 0.1)
    with closing(sqlite3.connect(url, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(IndexUnavailable, match="another process holds") as caught:
            sync([scripted.spec()], around, url, fingerprint=False)
    assert caught.value.hint
    check_whole(url)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, around: Surroundings) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(IndexUnavailable) as caught:
        sync([scripted.spec()], around, str(tmp_path / "file" / "index.db"))
    assert caught.value.hint


@pytest.mark.parametrize("damage", ["garbage", "truncated", "flipped"])
def test_a_damaged_index_is_told_and_rebuilt(tmp_path: Path, around: Surroundings, damage: str) -> None:
    path = tmp_path / "index.db"
    sync([scripted.spec()], around, str(path), fingerprint=False)
    with open_writer(str(path)) as writer:
        before = rows_for_comparison(writer.database)
    data = bytearray(path.read_bytes())
    if damage == "garbage":
        data = bytearray(b"\x7fELF" * 5_000)
    elif damage == "truncated":
        del data[len(data) // 3 :]
    else:
        data[100:4096] = os.urandom(3996)
    path.write_bytes(data)
    with pytest.raises(IndexUnavailable) as caught:
        sync([scripted.spec()], around, str(path), fingerprint=False)
    assert "--rebuild" in caught.value.hint
    rebuild([scripted.spec()], around, str(path), fingerprint=False)
    with open_writer(str(path)) as writer:
        assert rows_for_comparison(writer.database) == before
    assert sorted(file.name for file in tmp_path.iterdir() if file.is_file()) == [
        "index.db",
        "index.db.lock",
    ]


def test_who_reads_during_a_rebuild_reads_on_and_then_sees_the_new_rows(tmp_path: Path, around: Surroundings) -> None:
    url = str(tmp_path / "index.db")
    sync([scripted.spec()], around, url, fingerprint=False)
    with closing(sqlite3.connect(url)) as reader:
        assert reader.execute("SELECT count(*) FROM version").fetchone() == (60 * PER_SCOPE,)
        SCRIPTS["/toy"] = lambda since: whole_scopes(since, 3)
        rebuild([scripted.spec()], around, url, fingerprint=False)
        assert reader.execute("SELECT count(*) FROM version").fetchone() == (3 * PER_SCOPE,)
    assert check_whole(url) == 4


DRIVER = """
import sys
from pathlib import Path
from lineal import registries
from lineal.config import Surroundings
from lineal.sync import sync, rebuild
from tests.faults.test_index_writing import whole_scopes
from tests.sources import scripted

registries.BUILTIN["scripted"] = "tests.sources.scripted"
scripted.SCRIPTS["/toy"] = lambda since: whole_scopes(since, 400)
around = Surroundings(Path(sys.argv[1]), Path(sys.argv[1]), {})
print("ready", flush=True)
globals()[sys.argv[3]]([scripted.spec()], around, sys.argv[2], fingerprint=False)
"""


def killed_after(seconds: float, folder: Path, url: str, verb: str) -> None:
    """Start a process that syncs and kill it so long after it began."""
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, folder, url, verb], stdout=subprocess.PIPE, cwd=Path.cwd()
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == b"ready\n"
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        process.wait(10)


@pytest.mark.parametrize("verb", ["sync", "rebuild"])
def test_a_sync_that_is_killed_leaves_whole_scopes_and_no_lock(
    index_url: str, tmp_path: Path, around: Surroundings, verb: str
) -> None:
    draw = random.Random(7)
    reached: set[int] = set()
    for patience in (1, 1, 1, 1, 1, 3, 9, 27):  # a busy machine may need longer to write anything at all
        if patience == 1 or (verb == "sync" and max(reached) == 0):  # a rebuild shows nothing before its end
            killed_after(draw.uniform(0.02, 0.9) * patience, tmp_path, index_url, verb)
            reached.add(check_whole(index_url))
    assert verb == "rebuild" or max(reached) > 0
    time.sleep(0.3)  # until PostgreSQL has noticed that the last one is gone
    sync([scripted.spec()], around, index_url, fingerprint=False, wait=10)
    assert check_whole(index_url) == 61


@pytest.mark.postgres
def test_a_server_that_ends_our_connection_costs_the_scopes_under_way_alone(
    postgres: str, postgres_server: Server, around: Surroundings
) -> None:
    def cut(since: Cursors) -> Iterator[Record]:
        for at, record in enumerate(whole_scopes(since)):
            if at == 30 * (PER_SCOPE + 1):
                name = postgres.partition("@/")[2].partition("?")[0]
                postgres_server.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            yield record

    SCRIPTS["/toy"] = cut
    with pytest.raises(IndexUnavailable, match="cannot be reached") as caught:
        sync([scripted.spec()], around, postgres, fingerprint=False)
    assert caught.value.exit_code == 8
    check_whole(postgres)
    SCRIPTS["/toy"] = whole_scopes
    sync([scripted.spec()], around, postgres, fingerprint=False, wait=10)
    assert check_whole(postgres) == 61
