"""A real S3 server on loopback: Ceph's RGW on one object store in memory. Debian: radosgw ceph-mon ceph-osd."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

PROGRAMS = ("ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "monmaptool", "ceph")
KEYS = {"AWS_ACCESS_KEY_ID": "AKIATEST", "AWS_SECRET_ACCESS_KEY": "secretsecret"}
_STARTS = 5
_CONFIG = """[global]
fsid = {fsid}
mon host = [v1:127.0.0.1:{mon}/0]
mon initial members = a
auth cluster required = none
auth service required = none
auth client required = none
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
run dir = {folder}
admin socket = {folder}/$cluster-$name.$pid.asok
pid file = {folder}/$name.pid
log file = {folder}/$name.log
public addr = 127.0.0.1
cluster addr = 127.0.0.1
public network = 127.0.0.0/8
[mon]
mon data = {folder}/mon
[osd]
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 2147483648
osd class load list = *
[client]
keyring = /dev/null
[client.rgw.a]
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw dns name = 127.0.0.1
"""


def missing() -> list[str]:
    """Return the programs that are not installed."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


@contextmanager
def rgw(folder: Path) -> Iterator[str]:
    """Run the server in `folder`; yield its endpoint. A start that meets a taken port is tried again on others."""
    for attempt in range(_STARTS):
        place = folder / str(attempt)
        place.mkdir()
        with ExitStack() as running:
            try:
                endpoint = running.enter_context(_running(place, *_free_ports()))
            except (Died, subprocess.CalledProcessError, subprocess.TimeoutExpired):
                if attempt == _STARTS - 1:
                    raise
                continue
            yield endpoint
            return


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


class Died(Exception):
    """A program of the server ended, or did not answer in time; what they said last."""


@contextmanager
def _running(folder: Path, port: int, mon: int) -> Iterator[str]:
    fsid = str(uuid.uuid4())
    (folder / "ceph.conf").write_text(_CONFIG.format(fsid=fsid, folder=folder, port=port, mon=mon))
    for name in ("mon", "osd"):
        (folder / name).mkdir()
    common = ["-c", str(folder / "ceph.conf")]
    running: list[subprocess.Popen[bytes]] = []

    def run(*words: str) -> None:
        subprocess.run(words, check=True, cwd=folder, capture_output=True, timeout=120)

    def start(*words: str) -> None:
        log = (folder / f"{words[0]}.out").open("wb")
        with log:
            running.append(subprocess.Popen(words, cwd=folder, stdout=log, stderr=log, start_new_session=True))

    try:
        run("monmaptool", "--create", "--addv", "a", f"[v1:127.0.0.1:{mon}]", "--fsid", fsid, "monmap")
        run("ceph-mon", *common, "--mkfs", "-i", "a", "--monmap", "monmap")
        start("ceph-mon", *common, "-i", "a", "-f")
        osd = str(uuid.uuid4())
        run("ceph", *common, "--connect-timeout", "30", "osd", "new", osd)
        run("ceph-osd", *common, "-i", "0", "--mkfs", "--osd-uuid", osd)
        start("ceph-osd", *common, "-i", "0", "--osd-uuid", osd, "-f")
        start("radosgw", *common, "-n", "client.rgw.a", "-f")
        _wait(lambda: _answers(f"http://127.0.0.1:{port}/"), running, folder)
        run(
            "radosgw-admin",
            *common,
            "-n",
            "client.rgw.a",
            "user",
            "create",
            "--uid=t",
            "--display-name=t",
            "--access-key=AKIATEST",
            "--secret-key=secretsecret",
        )
        yield f"http://127.0.0.1:{port}"
    finally:
        for process in reversed(running):
            with suppress(ProcessLookupError):  # it ended by itself, and was waited for
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return True
    except OSError:
        return False


def _wait(ready: Callable[[], bool], running: list[subprocess.Popen[bytes]], folder: Path) -> None:
    end = time.monotonic() + 90
    while not ready():
        if time.monotonic() > end or any(process.poll() is not None for process in running):
            said = (f"{path.name}: {path.read_text(errors='replace')[-600:]}" for path in sorted(folder.glob("*.out")))
            raise Died("\n".join(said))
        time.sleep(0.3)
