"""What a repository brings to be run is run only once a person has allowed it here, for just this content.

The content is every command that the policy names, and the files of the workspace that those commands name. What was
allowed is kept in the user's state folder, by workspace: a change of one byte asks again.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from lineal.config import Surroundings, workspace_id
from lineal.errors import BadFormat, Unavailable
from lineal.formats.window import read_small

_LARGEST = 16 << 20  # bytes of a file that a command names
_KEPT = 200  # contents that stay allowed for one workspace


def digest(commands: Iterable[tuple[str, ...]], root: Path) -> str:
    """Return a digest of commands and of the files that they name."""
    token = hashlib.sha256()
    for command in sorted(set(commands)):
        for word in command:
            token.update(f"{len(word)}:{word}\0".encode("utf-8", "surrogatepass"))
            token.update(_content(root, word))
        token.update(b"\n")
    return token.hexdigest()


def named(commands: Iterable[tuple[str, ...]], root: Path) -> list[str]:
    """Return the files of the workspace that commands name, as they name them."""
    words = dict.fromkeys(word for command in commands for word in command)
    return [word for word in words if _content(root, word)]


def _content(root: Path, word: str) -> bytes:
    """Return a hash of the file in the workspace that a word of a command names; nothing where it names none."""
    if not word or "\0" in word or len(word) > 4096 or word.startswith("-"):
        return b""
    try:
        path = (root / word).resolve()
        if not path.is_file() or not path.is_relative_to(root.resolve()):
            return b""
        return hashlib.sha256(read_small(path, _LARGEST)).digest()
    except (OSError, ValueError, BadFormat, Unavailable):
        return b"unreadable"


class Trust:
    """What was allowed in one workspace."""

    def __init__(self, around: Surroundings, root: Path, elsewhere: Callable[[str], bool] = lambda _: False) -> None:
        """Open it; `elsewhere` may vouch for a digest, as CI does for what the base branch brings."""
        self._file = around.state_folder() / "trust" / workspace_id(root)
        self._elsewhere = elsewhere

    def holds(self, token: str) -> bool:
        """Say whether a content was allowed."""
        return self._elsewhere(token) or token in self._allowed()

    def allow(self, token: str) -> None:
        """Allow a content from now on. Raises OSError."""
        kept = [*[one for one in self._allowed() if one != token][-_KEPT:], token]
        self._write(kept)

    def withdraw(self) -> bool:
        """Allow nothing any more; say whether anything was allowed. Raises OSError."""
        before = self._allowed()
        self._write([])
        return bool(before)

    def _allowed(self) -> list[str]:
        try:
            return read_small(self._file, 1 << 20).decode("ascii", "replace").split()
        except (BadFormat, Unavailable):
            return []

    def _write(self, kept: list[str]) -> None:
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = self._file.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text("".join(f"{one}\n" for one in kept))
        temporary.replace(self._file)
