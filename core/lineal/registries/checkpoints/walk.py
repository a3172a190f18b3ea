"""A bounded walk over a folder: what files and folders it holds, without opening any.

Symbolic links to folders are not followed, so there are no loops; links to files are, except that one to a file beside
it is only another name (`last.ckpt`). Environments, caches and other registries' folders are left out.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec

from lineal.errors import Unavailable

MAX_DEPTH = 12
MAX_ENTRIES = 200_000
SKIPPED = frozenset(
    {
        "node_modules",
        "__pycache__",
        "site-packages",
        "venv",
        "mlruns",
        "mlartifacts",
        "wandb",
        "conda-meta",
        "lost+found",
    }
)
_CACHES = ("models--", "datasets--", "spaces--", "tmp-checkpoint-")
_ENVIRONMENTS = frozenset({"pyvenv.cfg", "conda-meta"})


class Entry(msgspec.Struct, frozen=True):
    """One regular file; `beside` is the name of the file in the same folder that it links to, or ""."""

    size: int
    mtime_ns: int
    beside: str = ""


class Folder(msgspec.Struct, frozen=True):
    """One folder: its path from the root ("" for the root itself, with `/`), its files and folders, sorted."""

    path: str
    files: dict[str, Entry]
    folders: tuple[str, ...]


class Tree(msgspec.Struct, frozen=True):
    """What a walk found. `unread` are folders that could not be listed; `capped` says that the walk ended early."""

    folders: dict[str, Folder]
    unread: dict[str, str]
    capped: bool


def join(folder: str, name: str) -> str:
    """Return the path of `name` in `folder`, where "" is the root."""
    return f"{folder}/{name}" if folder else name


def entry(tree: Tree, path: str) -> Entry | None:
    """Return the file at a path from the root, if it is there."""
    folder, _, name = path.rpartition("/")
    return tree.folders[folder].files.get(name) if folder in tree.folders else None


def wanted(name: str) -> bool:
    """Say whether a folder of this name is gone into."""
    if name.startswith("."):
        return name == ".hydra"
    return name not in SKIPPED and not name.startswith(_CACHES)


def is_file(path: Path) -> bool:
    """Say whether a path is a regular file; no where it cannot be looked at."""
    try:
        return path.is_file()
    except OSError:
        return False


def walk(root: Path, max_entries: int = MAX_ENTRIES, max_depth: int = MAX_DEPTH) -> Tree:
    """List everything below `root`, nearer folders first.

    Raises:
        Unavailable: `root` itself cannot be listed.
    """
    folders: dict[str, Folder] = {}
    unread: dict[str, str] = {}
    level, left, capped = [""], max_entries, False
    for _ in range(max_depth + 1):
        below: list[str] = []
        for path in level:
            if left <= 0:
                return Tree(folders, unread, True)
            try:
                folder, seen = _list(root, path, left)
            except OSError as error:
                if not path:
                    raise _gone(root, error) from error
                unread[path] = error.strerror or "unreadable"
                continue
            left -= seen
            capped = capped or left <= 0
            if not (_ENVIRONMENTS & set(folder.files | dict.fromkeys(folder.folders))):
                folders[path] = folder
                below += [join(path, name) for name in folder.folders if wanted(name)]
        level = below
    return Tree(folders, unread, capped or bool(level))


def of_file(path: Path) -> Tree:
    """Return the tree of one file alone, in its folder. Raises Unavailable."""
    try:
        info = path.stat()
    except OSError as error:
        raise _gone(path, error) from error
    return Tree({"": Folder("", {path.name: Entry(info.st_size, info.st_mtime_ns)}, ())}, {}, False)


def _gone(root: Path, error: OSError) -> Unavailable:
    hint = "check the path; `lineal registry remove` forgets a place that is gone"
    return Unavailable(f"{root} cannot be read: {error.strerror}", hint=hint)


def _list(root: Path, path: str, left: int) -> tuple[Folder, int]:
    """List one folder: at most `left` entries, in the order of their names."""
    files: dict[str, Entry] = {}
    folders: list[str] = []
    seen = 0
    with os.scandir(root / path) as entries:
        for item in entries:
            seen += 1
            if seen > left:
                break
            if item.is_dir(follow_symlinks=False):
                folders.append(item.name)
            elif found := _file(item):
                files[item.name] = found
    return Folder(path, dict(sorted(files.items())), tuple(sorted(folders))), seen


def _file(item: os.DirEntry[str]) -> Entry | None:
    """Return a regular file, or None for links to nowhere, devices, pipes and what cannot be looked at."""
    try:
        info = item.stat()
        if not stat.S_ISREG(info.st_mode):
            return None
        beside = _beside(item) if item.is_symlink() else ""
    except OSError:
        return None
    return Entry(info.st_size, info.st_mtime_ns, beside)


def _beside(item: os.DirEntry[str]) -> str:
    folder, _, name = os.readlink(item.path).rpartition("/")  # noqa: PTH115
    return name if folder in {"", "."} or folder == os.path.dirname(item.path) else ""  # noqa: PTH120
