"""What lies between two commits of a repository at hand: how many commits, their subjects, the files, the difference.

git is run as `git.py` runs it: a repository's configuration starts nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from lineal.formats.git import SECONDS, Git

TEXT = 512 << 10  # bytes of a difference
_NUMBERS = 8 << 20  # bytes of a list of files or subjects
_SUBJECTS = 200
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
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
    git = Git(repository, seconds)
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
