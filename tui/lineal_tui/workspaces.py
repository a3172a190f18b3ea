"""The workspaces that were opened lately: one small file in the state folder, newest first."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from lineal_tui.elsewhere import Elsewhere
from lineal_tui.keeping import replace_file

MOST = 50
_LARGEST = 256 * 1024


class _Opened(Struct, frozen=True):
    root: Annotated[str, Meta(min_length=1, max_length=4096)]
    at: float


class Workspaces:
    """Remembers workspaces. Nothing that happens to the file stops anybody."""

    def __init__(self, file: Path, root: Path, home: Path, now: float) -> None:
        self._file, self._root, self._home, self._now = file, root, home, now

    def note(self) -> tuple[Elsewhere, ...]:
        """Put this workspace first, and return the others. Touches the disk: for a thread."""
        known = [one for one in self._read() if one.root != str(self._root)]
        try:
            said = msgspec.json.encode([_Opened(str(self._root), self._now), *known][:MOST])
            replace_file(self._file, said)
        except (OSError, ValueError):  # a full disk, a name that is no text: then it is not remembered
            pass
        return tuple(
            Elsewhere(one.root, self._short(Path(one.root)), one.at, gone=not _is_folder(Path(one.root)))
            for one in known
        )

    def _read(self) -> list[_Opened]:
        try:
            if not self._file.is_file():
                return []
            with self._file.open("rb") as stream:
                found = msgspec.json.decode(stream.read(_LARGEST), type=list[_Opened])
        except (OSError, ValueError, msgspec.DecodeError):
            return []
        each = {one.root: one for one in reversed(found) if Path(one.root).is_absolute() and "\0" not in one.root}
        return sorted(each.values(), key=lambda one: -one.at)[:MOST]

    def _short(self, path: Path) -> str:
        return f"~/{path.relative_to(self._home)}" if path.is_relative_to(self._home) else str(path)

    def path(self, typed: str) -> Path:
        """Return the folder that a person means: ~ is the home folder; relative to this workspace."""
        typed = typed.strip()
        if typed == "~" or typed.startswith("~/"):
            return self._home / typed[2:]
        return self._root / typed

    def wrong(self, typed: str) -> str:
        """Say why a folder cannot be opened; "" where it can: what is in it is found then, as by `lineal` there."""
        if not typed.strip() or "\0" in typed:
            return "type the path of a folder; esc leaves it"
        path = self.path(typed)
        try:
            if not path.exists():
                return f"there is no {path}"
            if not path.is_dir():
                return f"{path} is no folder"
            next(path.iterdir(), None)
        except OSError as error:
            return f"{path} cannot be opened: {error.strerror or error}"
        return ""


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
