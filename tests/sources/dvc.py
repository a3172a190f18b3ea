"""Git repositories for tests: histories by `git fast-import` with fixed names and dates, files as DVC writes them."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

SCRIPTS = Path(__file__).parent.parent / "oracles" / "scripts"
START = 1_700_000_000  # the date of a first commit; each later one is a minute younger
Content = str | bytes | None


def clean(home: Path) -> dict[str, str]:
    """Return an environment in which git knows one author and no configuration but the repository's."""
    who = {f"GIT_{role}_{what}": said for role in ("AUTHOR", "COMMITTER") for what, said in _PERSON.items()}
    return {
        **who,
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ALLOW_PROTOCOL": "file",
        "DVC_NO_ANALYTICS": "1",
    }


_PERSON = {"NAME": "Ada", "EMAIL": "ada@example.com"}


class Stream:
    """What `git fast-import` is to read (git-fast-import(1)). Commits are named by marks, `:1` and so on."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.marks = 0

    def commit(
        self,
        files: Mapping[str, Content],
        *,
        ref: str = "refs/heads/main",
        parents: Sequence[str] = (),
        message: str = "change",
        author: str = "Ada",
        at: int | None = None,
    ) -> str:
        """Add a commit and return its mark; a file of None is deleted."""
        self.marks += 1
        who = f"{author} <ada@example.com> {START + 60 * self.marks if at is None else at} +0000"
        lines = [f"commit {ref}", f"mark :{self.marks}", f"author {who}", f"committer {who}", ""]
        self.parts.append("\n".join(lines).encode())
        self._data(message.encode())
        for word, parent in zip(("from", *["merge"] * len(parents)), parents, strict=False):
            self.parts.append(f"{word} {parent}\n".encode())
        for path, content in files.items():
            self._file(path, content)
        return f":{self.marks}"

    def _file(self, path: str, content: Content) -> None:
        quoted = '"' + path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
        if content is None:
            self.parts.append(f"D {quoted}\n".encode())
            return
        self.parts.append(f"M 100644 inline {quoted}\n".encode())
        self._data(content.encode() if isinstance(content, str) else content)

    def _data(self, data: bytes) -> None:
        self.parts += [b"data %d\n" % len(data), data, b"\n"]

    def tag(self, name: str, commit: str, at: int, by: str = "Ada", message: str = "said") -> None:
        """Add an annotated tag."""
        self.parts.append(f"tag {name}\nfrom {commit}\ntagger {by} <ada@example.com> {at} +0000\n".encode())
        self._data(message.encode())

    def ids(self) -> None:
        """Ask for the id of every commit."""
        self.parts += [b"get-mark :%d\n" % mark for mark in range(1, self.marks + 1)]


class Repo:
    """One repository on disk."""

    def __init__(self, path: Path, *, bare: bool = False, object_format: str = "sha1") -> None:
        self.path = path
        self.commits = 0
        path.mkdir(parents=True, exist_ok=True)
        kind = ["--bare"] if bare else []
        self.git("init", "-q", "-b", "main", "--template=", f"--object-format={object_format}", *kind, ".")

    def git(self, *arguments: str, feed: bytes | None = None, check: bool = True) -> str:
        """Run git there and return what it says, without the line's end."""
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env=clean(self.path), input=feed, capture_output=True, check=False
        )
        assert not check or done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().removesuffix("\n")

    def load(self, stream: Stream) -> list[str]:
        """Read a stream and return the ids of its commits."""
        stream.ids()
        return self.git("fast-import", "--quiet", "--force", feed=b"".join(stream.parts)).splitlines()

    def commit(
        self,
        files: Mapping[str, Content],
        *,
        branch: str = "main",
        ref: str = "",
        parents: Sequence[str] | None = None,
        message: str = "change",
        at: int | None = None,
    ) -> str:
        """Commit on top of a branch, or of `parents`, and return the id."""
        ref = ref or f"refs/heads/{branch}"
        if parents is None:
            tip = self.git("rev-parse", "--verify", "-q", ref, check=False)
            parents = [tip] if tip else []
        self.commits += 1
        stream = Stream()
        date = START + 60 * self.commits if at is None else at
        stream.commit(files, ref=ref, parents=parents, message=message, at=date)
        return self.load(stream)[0]

    def tag(self, name: str, commit: str = "main", *, at: int | None = None, annotated: bool = True) -> None:
        """Tag a commit; GTO reads annotated ones only."""
        if not annotated:
            self.git("tag", name, commit)
            return
        stream = Stream()
        stream.tag(name, self.git("rev-parse", f"{commit}^{{commit}}"), START + 100_000 if at is None else at)
        self.git("fast-import", "--quiet", "--force", feed=b"".join(stream.parts))

    def check_out(self) -> None:
        """Make the work tree that of HEAD."""
        self.git("reset", "-q", "--hard")


def md5(data: bytes) -> str:
    """Return the MD5 of `data` as DVC 3 names it."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def out(path: str, data: bytes, **more: Any) -> dict[str, Any]:
    """Return an entry of `outs:` or `deps:`."""
    return {"path": path, "hash": "md5", "md5": md5(data), "size": len(data), **more}


def dvc_file(*outs: dict[str, Any], **more: Any) -> str:
    """Return a `.dvc` file."""
    return str(yaml.safe_dump({**more, "outs": list(outs)}, sort_keys=False))


def dvc_lock(**stages: dict[str, Any]) -> str:
    """Return a `dvc.lock`."""
    return str(yaml.safe_dump({"schema": "2.0", "stages": stages}, sort_keys=False))


def dvc_yaml(**sections: Any) -> str:
    """Return a `dvc.yaml`."""
    return str(yaml.safe_dump(sections, sort_keys=False))


def keep(cache: Path, data: bytes) -> Path:
    """Put bytes into a cache or remote, as DVC 3 does."""
    name = md5(data)
    place = cache / "files" / "md5" / name[:2] / name[2:]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    return place


def run(python: Path, script: str, *arguments: str, home: Path, feed: str = "", cwd: Path | None = None) -> str:
    """Run a script of `tests/oracles/scripts` with a foreign interpreter and return what it prints."""
    home.mkdir(parents=True, exist_ok=True)
    environ = clean(home)
    environ["PATH"] = os.pathsep.join((str(python.parent), environ["PATH"]))
    done = subprocess.run(
        [str(python), str(SCRIPTS / script), *arguments],
        env=environ,
        cwd=cwd,
        input=feed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def tool(python: Path, name: str, *arguments: str, cwd: Path, home: Path, at: int = START) -> str:
    """Run `dvc`, `gto` or another program of a foreign environment in `cwd`, with a fixed date for git."""
    home.mkdir(parents=True, exist_ok=True)
    environ = clean(home) | {f"GIT_{role}_DATE": f"{at} +0000" for role in ("AUTHOR", "COMMITTER")}
    environ["PATH"] = os.pathsep.join((str(python.parent), environ["PATH"]))
    program = str(python.parent / name) if (python.parent / name).exists() else name
    done = subprocess.run([program, *arguments], env=environ, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{name} {' '.join(arguments)}: {done.stderr[-4000:]}{done.stdout[-1000:]}"
    return done.stdout
