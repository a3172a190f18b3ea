"""The stores that chains are put into (git-lfs, DVC, restic, borg, Xet, Lineal), driven from a shell as a user would.

borg, restic and git-lfs are Debian packages; DVC is the oracle environment `dvc`; Xet is the local mode of hf_xet,
which `install_xet` puts into `~/.cache/lineal-bench/xet`. What a tool syncs to the disk is its own affair, and so is
what it keeps in the home folder to be quick (caches of borg, restic and Lineal): that can be made anew, and is not
weighed.
"""

from __future__ import annotations

import filecmp
import functools
import itertools
import math
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from tests.oracles import environment

LINEAL = f"{shlex.quote(sys.executable)} -m lineal"
XET = Path.home() / ".cache" / "lineal-bench" / "xet"
XET_ADD = """
import hf_xet, sys
(made,) = hf_xet.upload_files([sys.argv[1]], sys.argv[2], None, None, None, None)
open("pointer", "w").write(f"{made.hash} {made.file_size}")
"""
XET_GET = """
import hf_xet, sys
hash, size = open("pointer").read().split()
hf_xet.download_files([hf_xet.PyXetDownloadInfo(sys.argv[1], hash, int(size))], sys.argv[2], None, None, None)
"""


class Cost(msgspec.Struct, frozen=True):
    """What commands took, with all their children; `peak` is of the largest process, in bytes."""

    wall: float = 0.0
    cpu: float = 0.0
    peak: int = 0
    read: int = 0  # bytes that really came from the disk

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.wall + other.wall, self.cpu + other.cpu, max(self.peak, other.peak), self.read + other.read)


class Tool(msgspec.Struct, frozen=True):
    """How a store is used from a shell: commands, run in a folder of its own, with {file}, {n} and {at} filled in."""

    name: str
    program: Path | None  # None where it is not on this machine
    add: str  # puts {file} into the store as version {n}
    get: str  # brings version {n} back
    init: str = ""
    store: str = "store"  # what is weighed
    brought: str = "{file}"  # where the file lies after a get


def tools() -> list[Tool]:
    """Return every store, in the order in which they are shown."""
    dvc, xet = environment("dvc") / "bin" / "dvc", XET / "bin" / "python"
    return [
        Tool(
            "git-lfs",
            _found("git-lfs"),
            init="git init -q; git lfs install --local; git lfs track model.*; git add .; git commit -qm 0",
            add="git add {file}; git commit -qm {n}",
            get="git checkout -q HEAD -- {file}",
            store=".git",
        ),
        Tool(
            "dvc",
            dvc if dvc.exists() else None,
            init=f"{dvc} init -q --no-scm; {dvc} config core.analytics false",
            add=f"{dvc} add -q {{file}}",
            get=f"{dvc} checkout -q {{file}}.dvc",
            store=".dvc",
        ),
        Tool(
            "restic",
            _found("restic"),
            init="restic init -q",
            add="restic backup -q {file}",
            get="restic restore -q latest --target out",
            brought="out/{file}",
        ),
        Tool(
            "borg",
            _found("borg"),
            init="borg init -e none store",
            add="borg create --compression zstd,3 store::v{n} {file}",
            get="borg extract store::v{n}",
        ),
        Tool(
            "xet",
            xet if xet.exists() else None,
            add=f"{xet} -c {shlex.quote(XET_ADD)} {{file}} local://{{at}}/store",
            get=f"{xet} -c {shlex.quote(XET_GET)} {{at}}/{{file}} local://{{at}}/store",
        ),
        *(lineal(effort) for effort in ("default", "max")),
    ]


def _found(program: str) -> Path | None:
    path = shutil.which(program)
    return Path(path) if path else None


def lineal(effort: str) -> Tool:
    """Return Lineal at one effort."""
    return Tool(
        "lineal" if effort == "default" else f"lineal-{effort}",
        Path(sys.executable),
        add=f"{LINEAL} commit {{file}} --model m {{parent}} --store store --effort {effort}",
        get=f"{LINEAL} get m@v{{n}} out --store store",
        brought="out/{file}",
    )


class Place:
    """One store of one tool, in a folder of its own, and what it cost so far."""

    def __init__(self, tool: Tool, folder: Path, file: str) -> None:
        self.tool, self.folder, self.file = tool, folder, file
        self.added, self.count = Cost(), 0
        self.got = Cost(wall=math.inf)  # the least of several
        (folder / "home").mkdir(parents=True)
        self.run(tool.init)

    def run(self, commands: str) -> Cost:
        """Run commands one after another; what is dirty is written before, so that they pay for themselves alone."""
        os.sync()
        parent = "--parent m@latest" if self.count > 1 else ""
        filled = {"{n}": str(self.count), "{file}": self.file, "{at}": str(self.folder)}
        return sum(
            (measured(words, self.folder) for words in _words(commands.replace("{parent}", parent), filled)), Cost()
        )

    def add(self, version: Path) -> Cost:
        """Put the next version into the store."""
        self.count += 1
        self.drop()
        shutil.copyfile(version, self.folder / self.file)
        cost = self.run(self.tool.add)
        self.added += cost
        return cost

    def get(self, version: Path) -> Cost:
        """Bring the last version back; it must be what went in, byte for byte."""
        self.drop()
        cost = self.run(self.tool.get)
        if not filecmp.cmp(self.folder / self.tool.brought.replace("{file}", self.file), version, shallow=False):
            raise AssertionError(f"{self.tool.name} brought back other bytes")
        self.got = min(cost, self.got, key=lambda one: one.wall)
        return cost

    def drop(self) -> None:
        """Take away what lies outside the store."""
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        (self.folder / self.file).unlink(missing_ok=True)

    def stored(self) -> int:
        """Return the bytes that the store takes of the disk."""
        os.sync()
        return sum(path.lstat().st_blocks * 512 for path in (self.folder / self.tool.store).rglob("*"))


def _words(commands: str, filled: Mapping[str, str]) -> Iterator[list[str]]:
    """Yield the words of each command, of those that `;` separates, filled in after they were cut apart."""
    lexer = shlex.shlex(commands, posix=True, punctuation_chars=";")
    lexer.whitespace_split, lexer.commenters = True, ""
    for last, group in itertools.groupby(lexer, key=lambda word: word == ";"):
        if not last:
            yield [functools.reduce(lambda text, key: text.replace(key, filled[key]), filled, word) for word in group]


def measured(words: Sequence[str], folder: Path) -> Cost:
    """Run one command in a folder and return what it took. A child's peak begins with ours, so ours stays small."""
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        child = subprocess.Popen(words, cwd=folder, env=_environment(folder), stdout=said, stderr=said)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            said.seek(0)
            raise RuntimeError(f"{shlex.join(words)}: {said.read().decode(errors='replace')}")
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, used.ru_inblock * 512)


def _environment(folder: Path) -> Mapping[str, str]:
    home = str(folder / "home")
    who = {f"GIT_{role}_{what}": "bench@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    return {
        **who,
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),  # another Lineal than the installed one may be measured
        "HOME": home,
        "LANG": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "RESTIC_REPOSITORY": "store",
        "RESTIC_PASSWORD": "bench",
        "RESTIC_CACHE_DIR": f"{home}/restic",
        "BORG_BASE_DIR": home,
        "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
        "DVC_NO_ANALYTICS": "1",
        "HF_XET_CACHE": f"{home}/xet",
    }


def install_xet() -> None:
    """Install hf_xet for itself, unless it is there or cannot be had."""
    if not XET.exists():
        venv.create(XET, with_pip=True)
        subprocess.run([str(XET / "bin" / "python"), "-m", "pip", "install", "-q", "hf_xet==1.8.0"], check=False)
