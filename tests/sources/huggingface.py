"""Hub caches for tests: laid out by hand, or downloaded by the real client from a hub on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

SCRIPTS = Path(__file__).parent.parent / "oracles" / "scripts"
Files = Mapping[str, bytes]
LFS = (".safetensors", ".bin", ".gguf", ".onnx")


def git_sha1(data: bytes) -> str:
    """Return the id of a git blob."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def etag(path: str, data: bytes) -> str:
    """Return what the hub names a file's bytes by."""
    return hashlib.sha256(data).hexdigest() if path.endswith(LFS) else git_sha1(data)


def commit_of(text: str) -> str:
    """Make up a commit."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def lay_out(cache: Path, model: str, commit: str, files: Files, refs: tuple[str, ...] = ()) -> Path:
    """Write one snapshot as the hub client does, and return its folder."""
    folder = cache / f"models--{model.replace('/', '--')}"
    snapshot = folder / "snapshots" / commit
    snapshot.mkdir(parents=True, exist_ok=True)
    (folder / "blobs").mkdir(exist_ok=True)
    for path, data in files.items():
        blob, link = folder / "blobs" / etag(path, data), snapshot / path
        blob.write_bytes(data)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    for ref in refs:
        place = folder / "refs" / ref
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(commit)
    return snapshot


class Repository:
    """A repository of the hub: files by commit, and names for commits. The last commit added is `main`."""

    def __init__(self, **commits: Files) -> None:
        self.commits: dict[str, Files] = {commit_of(name): files for name, files in commits.items()}
        self.refs = {name: commit_of(name) for name in commits}
        self.refs["main"] = list(self.commits)[-1]

    def resolve(self, revision: str) -> str | None:
        """Return the commit of a revision, or None."""
        commit = self.refs.get(revision, revision)
        return commit if commit in self.commits else None


@contextmanager
def hub(repositories: Mapping[str, Repository]) -> Iterator[str]:
    """Serve `repositories` (by `org/name`) the way the hub does; gives the endpoint."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

        def _answer(self, *, body: bool) -> None:
            status, headers, data = _respond(repositories, unquote(urlsplit(self.path).path))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if body:
                self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


Answer = tuple[int, dict[str, str], bytes]


def _respond(repositories: Mapping[str, Repository], path: str) -> Answer:
    api = path.startswith("/api/models/")
    org, name, verb, revision, *rest = path.removeprefix("/api/models").strip("/").split("/") + [""] * 4
    repository = repositories.get(f"{org}/{name}")
    if repository is None:
        return 404, {"X-Error-Code": "RepoNotFound"}, b""
    commit = repository.resolve(revision or "main")
    if commit is None:
        return 404, {"X-Error-Code": "RevisionNotFound"}, b""
    files = repository.commits[commit]
    if not api:
        return _bytes(files, commit, "/".join(rest).strip("/"))
    document = _tree(files) if verb == "tree" else _info(f"{org}/{name}", files, commit)
    return 200, {"Content-Type": "application/json"}, json.dumps(document).encode()


def _bytes(files: Files, commit: str, path: str) -> Answer:
    if path not in files:
        return 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit}, b""
    data, tag = files[path], f'"{etag(path, files[path])}"'
    headers = {"X-Repo-Commit": commit, "ETag": tag}
    if path.endswith(LFS):
        headers |= {"X-Linked-Etag": tag, "X-Linked-Size": str(len(data)), "ETag": f'"{git_sha1(data)}"'}
    return 200, headers, data


def _info(repo: str, files: Files, commit: str) -> dict[str, Any]:
    siblings = [{"rfilename": path} for path in files]
    return {"_id": "1", "id": repo, "modelId": repo, "sha": commit, "siblings": siblings, "tags": [], "private": False}


def _tree(files: Files) -> list[dict[str, Any]]:
    entries = []
    for path, data in files.items():
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(data), "oid": git_sha1(data)}
        if path.endswith(LFS):
            entry["lfs"] = {"oid": etag(path, data), "size": len(data), "pointerSize": 134}
        entries.append(entry)
    return entries


def client(python: Path, script: str, home: Path, *arguments: str, endpoint: str = "http://127.0.0.1:9") -> Any:
    """Run a script with the real client, in a home of its own, and return the JSON that it prints."""
    environ = {
        "HOME": str(home),
        "HF_HOME": str(home / "hf"),
        "HF_ENDPOINT": endpoint,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "NO_PROXY": "127.0.0.1",
    }
    command = [str(python), str(SCRIPTS / script), *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
