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
        parents = [self.git("rev-parse", f"{parent}^{{commit}}") for parent in parents]
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


def story(path: Path, cache: Path | None = None) -> Repo:
    """Make a small repository: a branch and its merge, GTO's tags, a model in git itself, a curve, an experiment."""
    repo = Repo(path)
    config = f"[cache]\n    dir = {cache}\n" if cache else "[core]\n    analytics = false\n"
    first = repo.commit(
        {".dvc/config": config, "dvc.yaml": _PIPELINE, "data/rows.csv.dvc": dvc_file(out("rows.csv", b"1"))}
    )
    repo.commit(trained(1))
    side = repo.commit(trained(2), parents=[first], branch="side")
    repo.commit({**trained(3), "export/net.onnx": b"ONNX, more or less"})
    repo.commit({}, parents=["refs/heads/main", side], message="Merge side")
    repo.commit(trained(4), ref=f"refs/exps/{first[:2]}/{first[2:]}/warm-owl", parents=[first])
    repo.tag("net@v1.0.0", "main", at=START + 1000)
    repo.tag("net#prod#1", "main", at=START + 2000)
    repo.tag("paper", "side", annotated=False)
    for number in range(1, 5) if cache else ():
        keep(cache or path, b"net %d" % number)
    repo.check_out()
    return repo


_PIPELINE = dvc_yaml(
    stages={
        "train": {
            "cmd": "python train.py",
            "deps": ["data/rows.csv"],
            "params": ["lr"],
            "outs": ["models/net.pt"],
            "metrics": [{"metrics.json": {"cache": False}}],
            "plots": [{"curve.csv": {"cache": False}}],
        }
    },
    artifacts={"net": {"path": "models/net.pt", "type": "model"}},
)


def trained(number: int) -> dict[str, Content]:
    """Return what a training of the story's model leaves in git."""
    stage = {
        "cmd": "python train.py",
        "deps": [out("data/rows.csv", b"1")],
        "outs": [out("models/net.pt", b"net %d" % number)],
    }
    return {
        "dvc.lock": dvc_lock(train=stage),
        "params.yaml": f"lr: {number}e-4\n",
        "metrics.json": f'{{"loss": 0.{number}, "eval": {{"acc": {number}}}}}',
        "curve.csv": f"step,loss\n0,0.9\n1,0.{number}\n",
    }


def pointer(data: bytes) -> str:
    """Return what git-lfs puts in the place of `data` (git-lfs, docs/spec.md)."""
    oid = hashlib.sha256(data).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(data)}\n"


def lfs_story(path: Path) -> Repo:
    """Make a repository of two models under git-lfs; the bytes of the newer one are at hand."""
    repo = Repo(path)
    repo.commit({".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "models/a.bin": pointer(b"old")})
    repo.commit({"models/a.bin": pointer(b"new weights"), "models/b.bin": pointer(b"other")})
    oid = hashlib.sha256(b"new weights").hexdigest()
    place = path / ".git" / "lfs" / "objects" / oid[:2] / oid[2:4] / oid
    place.parent.mkdir(parents=True)
    place.write_bytes(b"new weights")
    return repo
