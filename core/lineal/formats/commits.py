"""What lies between two commits of a repository at hand: how many commits, their subjects, the files, the difference.

git is run on repositories that strangers may have configured, so nothing that a configuration can name is started: no
external diff or textconv, no pager, hook, monitor or signature check, no fetch of missing objects. The user's and the
system's own configuration is not read either, so that the answer depends on the repository only.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event, Timer

import msgspec

from lineal.errors import Unavailable

SECONDS = 20.0  # for each question to git
TEXT = 512 << 10  # bytes of a difference
_NUMBERS = 8 << 20  # bytes of a list of files or subjects
_SUBJECTS = 200
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_SAFE = (
    *("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.pager=cat", "-c", "safe.directory=*"),
    *("-c", "log.showSignature=false", "-c", "protocol.allow=never", "-c", "core.quotePath=false"),
    *("-c", "i18n.logOutputEncoding=UTF-8", "-c", "core.attributesFile=/dev/null"),
)
_DIFF = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--submodule=short")


class Touched(msgspec.Struct, frozen=True):
    """One file that differs; the lines added and removed are None for a binary file."""

    path: str
    added: int | None
    removed: int | None


class Between(msgspec.Struct, frozen=True, kw_only=True):
    """What lies between two commits. Text is decoded with backslashes for what is no UTF-8."""

    ahead: int  # commits reachable from the second and not from the first
    behind: int  # commits reachable from the first and not from the second
    subjects: tuple[str, ...]  # of those ahead, the newest first, at most 200
    files: tuple[Touched, ...]
    text: str  # a unified diff, at most 512 KiB
    cut: bool  # something of it was left out


def between(repository: str, first: str, second: str, *, seconds: float = SECONDS) -> Between | None:
    """Compare two commits of the repository at the path `repository`; None where it does not hold both.

    Raises:
        Unavailable: git is not installed, fails, or takes longer than `seconds` for one answer.
    """
    commits = (first, second)
    if not (Path(repository).is_dir() and all(map(_COMMIT.fullmatch, commits))):
        return None
    git = _Git(repository, seconds)
    if not all(git.holds(commit) for commit in commits):
        return None
    behind, ahead = git.ask("rev-list", "--left-right", "--count", f"{first}...{second}").out.split()
    subjects = git.ask("log", f"-{_SUBJECTS}", "--format=%s", f"{first}..{second}", "--")
    numbers = git.ask(*_DIFF, "--numstat", "-z", first, second, "--")
    text = git.ask(*_DIFF, first, second, "--", most=TEXT)
    return Between(
        ahead=int(ahead),
        behind=int(behind),
        subjects=tuple(subjects.text().splitlines()),
        files=tuple(_touched(numbers.text())),
        text=text.text().removesuffix("\n"),
        cut=numbers.cut or text.cut,
    )


def _touched(listing: str) -> Iterator[Touched]:
    """Read `--numstat -z`: added, removed and path, with tabs between and NUL behind; `-` stands for binary."""
    for entry in listing.split("\0"):
        added, tab, rest = entry.partition("\t")
        removed, second_tab, path = rest.partition("\t")
        if tab and second_tab:
            yield Touched(path, _count(added), _count(removed))


def _count(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


class _Answer(msgspec.Struct, frozen=True):
    out: bytes
    cut: bool

    def text(self) -> str:
        """Return what git said up to the last whole line or entry, where it was cut."""
        whole = self.out[: max(self.out.rfind(b"\n"), self.out.rfind(b"\0")) + 1] if self.cut else self.out
        return whole.decode("utf-8", "backslashreplace")


class _Git:
    """git in one repository, with a bound on the bytes and the time of each answer."""

    def __init__(self, repository: str, seconds: float) -> None:
        program = shutil.which("git")
        if program is None:
            raise Unavailable("git is not installed", hint="install git to see differences of code")
        self.command = (program, "--no-pager", "--no-optional-locks", *_SAFE, "-C", repository)
        self.environ = _environ(program)
        self.repository, self.seconds = repository, seconds

    def holds(self, commit: str) -> bool:
        """Say whether the repository has that commit."""
        return self._run(("cat-file", "-e", f"{commit}^{{commit}}"), 0)[0] == 0

    def ask(self, *arguments: str, most: int = _NUMBERS) -> _Answer:
        """Return at most `most` bytes of an answer. Raises Unavailable."""
        status, answer = self._run(arguments, most)
        if status and not answer.cut:
            raise Unavailable(f"git {arguments[0]} failed in {self.repository}", hint="try `git fsck` there")
        return answer

    def _run(self, arguments: Sequence[str], most: int) -> tuple[int, _Answer]:
        late = Event()
        with subprocess.Popen(
            [*self.command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self.environ,
        ) as process:
            timer = Timer(self.seconds, _stop, (process, late))
            timer.start()
            try:
                assert process.stdout is not None
                out = process.stdout.read(most + 1)
                if len(out) > most:
                    process.kill()
                status = process.wait()
            finally:
                timer.cancel()
        if late.is_set():
            raise Unavailable(f"git {arguments[0]} took too long in {self.repository}", hint="try again later")
        return status, _Answer(out[:most], len(out) > most)


def _stop(process: subprocess.Popen[bytes], late: Event) -> None:
    late.set()
    process.kill()


def _environ(program: str) -> dict[str, str]:
    return {
        "PATH": os.pathsep.join((str(Path(program).parent), os.defpath)),
        "HOME": os.devnull,
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_ALLOW_PROTOCOL": "",
    }
