"""A throwaway PostgreSQL server for the tests: started once, reached by a socket, gone with the session.

`postgres` gives each test the URL of a database of its own. Tests that ask for it are skipped, with the reason, where
the server's programs are missing. PostgreSQL refuses to run as root, who therefore starts it as the user `postgres`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

_START = 60.0  # seconds


def programs() -> Path | None:
    """Return the folder of the newest PostgreSQL's programs, or None."""
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    if found:
        return max(found, key=lambda path: int(path.parent.name) if path.parent.name.isdigit() else 0)
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


def _identity() -> dict[str, Any]:
    """Return how to become the user that may run the server."""
    if os.getuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("needs a user called postgres, because PostgreSQL refuses to run as root")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Server:
    """One running server."""

    def __init__(self, folder: Path, bin_folder: Path) -> None:
        self.folder = folder
        self._identity = _identity()
        self._numbers = count(1)
        if self._identity:
            os.chown(folder, self._identity["user"], self._identity["group"])
        data = str(folder / "data")
        initdb = [str(bin_folder / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run([*initdb, "--locale=C"], check=True, stdout=subprocess.DEVNULL, cwd=folder, **self._identity)
        fast = "-c fsync=off -c full_page_writes=off -c listen_addresses= -c max_connections=60 -c shared_buffers=64MB"
        self._log = (folder / "log").open("wb")
        command = [str(bin_folder / "postgres"), "-D", data, "-k", str(folder), *fast.split()]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log, cwd=folder, **self._identity)
        self._wait()

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def _wait(self) -> None:
        import psycopg

        end = time.monotonic() + _START
        while True:
            try:
                psycopg.connect(self.url("postgres")).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > end:
                    raise
                time.sleep(0.05)
            else:
                return

    def database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"test_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.url(name)

    def run(self, statement: str) -> None:
        """Run a statement of the administrator."""
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected."""
        name = url.partition("@/")[2].partition("?")[0]
        self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def stop(self) -> None:
        """Stop at once: nothing here is worth a checkpoint."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.send_signal(3)  # SIGQUIT: an immediate shutdown
            self._process.wait(10)
        self._log.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """Start a server for the session."""
    pytest.importorskip("psycopg", reason="needs psycopg: pip install 'lineal[postgres]'")
    found = programs()
    if found is None:
        pytest.skip("needs a PostgreSQL server program (Debian: apt-get install postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="lineal-pg-"))  # short: a socket's path may have 107 bytes
    server = None
    try:
        server = Server(folder, found)
        yield server
    finally:
        if server is not None:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres(postgres_server: Server) -> Iterator[str]:
    """Give the URL of an empty database on a real server."""
    url = postgres_server.database()
    yield url
    postgres_server.drop(url)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def index_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the place of an index that does not exist yet, on each engine."""
    if request.param == "sqlite":
        return str(tmp_path / "index" / "index.db")
    return str(request.getfixturevalue("postgres"))
