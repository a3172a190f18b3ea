"""Repositories behind a URL: what is fetched, and that a password in the URL stays where it is."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from lineal.errors import Unavailable
from lineal.formats.git import Git, fetched, prefetched
from tests.sources.dvc import Repo, clean

SECRET = "s3cret-of-ada"


class _Guarded(SimpleHTTPRequestHandler):
    """Serves the files of a repository to one user."""

    wanted = "Basic " + base64.b64encode(f"ada:{SECRET}".encode()).decode()

    def do_GET(self) -> None:
        if self.headers.get("Authorization") != self.wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="models"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Repo, str]]:
    """A repository with a branch, an experiment and a pull request, and the `host:port/path` that serves it."""
    repo = Repo(tmp_path / "served", bare=True)
    repo.git("config", "uploadpack.allowFilter", "true")
    first = repo.commit({"a.txt": "one"})
    repo.commit({"a.txt": "two"}, ref=f"refs/exps/{first[:2]}/{first[2:]}/try", parents=[first])
    repo.commit({"a.txt": "three"}, ref="refs/pull/1/head", parents=[first])
    repo.git("update-server-info")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Guarded, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield repo, f"127.0.0.1:{server.server_port}/served"
    server.shutdown()
    thread.join()
    server.server_close()


def _environ(tmp_path: Path) -> dict[str, str]:
    return {**clean(tmp_path), "GIT_ALLOW_PROTOCOL": "http:file"}


def test_a_password_in_the_url_is_used_and_written_nowhere(served: tuple[Repo, str], tmp_path: Path) -> None:
    """The server is told user and password; no file of the clone holds them, first or later."""
    repo, place = served
    clone = tmp_path / "clone"
    for _ in range(2):
        fetched(f"http://ada:{SECRET}@{place}", clone, _environ(tmp_path))
    assert Git(str(clone)).tried("rev-parse", "main") == repo.git("rev-parse", "main")
    files = [path for path in clone.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


@pytest.mark.parametrize("user", ["ada:s3cret-of-eve", "ada:a@b:c/d"])
def test_no_message_repeats_a_password(served: tuple[Repo, str], tmp_path: Path, user: str) -> None:
    """A refusal names the URL without user and password."""
    with pytest.raises(Unavailable) as caught:
        fetched(f"http://{user}@{served[1]}", tmp_path / "clone", _environ(tmp_path))
    said = caught.value.message + caught.value.hint
    assert "127.0.0.1" in said or "d@" not in said
    assert "s3cret" not in said
    assert "a@b:c" not in said


def test_branches_tags_and_experiments_are_fetched_and_pull_requests_are_not(
    served: tuple[Repo, str], tmp_path: Path
) -> None:
    """A host's own refs, thousands on a busy one, are left there; what was deleted there goes here too."""
    repo, _ = served
    url, clone, environ = f"file://{repo.path}", tmp_path / "clone", _environ(tmp_path)
    repo.tag("clf@v1.0.0")
    fetched(url, clone, environ)
    refs = Git(str(clone)).ask("for-each-ref", "--format=%(refname)").text().split()
    assert [ref.split("/")[1] for ref in refs] == ["exps", "heads", "tags"]
    repo.git("tag", "-d", "clf@v1.0.0")
    fetched(url, clone, environ)
    assert "refs/tags" not in Git(str(clone)).ask("for-each-ref", "--format=%(refname)").text()


def test_blobs_come_in_one_request_when_they_are_wanted(served: tuple[Repo, str], tmp_path: Path) -> None:
    """A clone starts without file contents; those asked for are then there to read."""
    repo, _ = served
    url, clone, environ = f"file://{repo.path}", tmp_path / "clone", _environ(tmp_path)
    fetched(url, clone, environ)
    git, blob = Git(str(clone)), repo.git("rev-parse", "main:a.txt")
    assert dict(git.blobs([blob])) == {blob: None}
    prefetched(git, url, [blob], environ)
    assert dict(git.blobs([blob])) == {blob: b"one"}


def test_a_remote_that_never_answers_is_left_in_time_with_all_that_was_started(tmp_path: Path) -> None:
    """After the deadline there is one clear error, and neither git nor its transport runs on."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url, began = f"http://127.0.0.1:{silent.getsockname()[1]}/x", time.monotonic()
        with pytest.raises(Unavailable, match="did not answer"):
            fetched(url, tmp_path / "clone", _environ(tmp_path), seconds=1.0)
        assert time.monotonic() - began < 10
        connection, _ = silent.accept()
        with connection:
            connection.settimeout(10)
            while connection.recv(1 << 16):  # ends when the last process that holds the other end has
                pass


@pytest.mark.parametrize("key", ["diff.orderFile", "core.attributesFile", "core.excludesFile"])
def test_a_setting_that_names_a_missing_file_stops_no_walk(tmp_path: Path, key: str) -> None:
    """A repository's own configuration cannot make its history unreadable."""
    repo = Repo(tmp_path / "repo")
    commit = repo.commit({"a.txt": "one"})
    repo.git("config", key, "/nonexistent/file")
    assert Git(str(repo.path)).ask("log", "--raw", "--format=%H").text().split("\n")[0] == commit
