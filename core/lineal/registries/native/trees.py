"""The files of a version as they lie on a disk: with their structure, modes, links and empty folders."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from lineal.errors import ConfigError, NotFound, Unavailable
from lineal.store import sources
from lineal.store.manifest import DIRECTORY, SYMLINK, Content
from lineal.store.sources import Source

SKIPPED = frozenset({".git", ".hg", ".svn", ".lineal"})
MOST = 1_000_000  # files of one version


class Tree(msgspec.Struct, frozen=True):
    """What is to be committed: files with their paths in the version, and what has no bytes."""

    files: tuple[tuple[str, Source], ...]
    others: tuple[Content, ...]  # links and empty folders

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(source.size for _, source in self.files)


def read(paths: Sequence[Path]) -> Tree:
    """Look at `paths`: the inside of a folder if it is the only one, else each under its own name.

    Raises:
        NotFound: there is nothing at a path.
        Unavailable: a folder cannot be read, a file is no regular one, or a link leads out of the version.
        ConfigError: two paths have one name.
    """
    alone = len(paths) == 1 and paths[0].is_dir()
    files: dict[str, Source] = {}
    others: list[Content] = []
    for path in paths:
        if not path.exists():
            raise NotFound(f"{path} is not there", hint="was it moved, or is the name misspelt?")
        name = "" if alone else path.resolve().name
        if name in files or any(path.startswith(f"{name}/") for path in files if name):
            raise ConfigError(f"two paths are called {name!r}", hint="commit their folder instead")
        for found in _walk(path, name) if path.is_dir() else [(name, sources.of_path(path))]:
            if isinstance(found, Content):
                others.append(found)
            else:
                files[found[0]] = found[1]
            if len(files) > MOST:
                raise Unavailable(f"more than {MOST:,} files", hint="commit less, or pack them")
    return Tree(tuple(sorted(files.items(), key=lambda pair: pair[0])), tuple(others))


def _walk(root: Path, name: str) -> Iterator[tuple[str, Source] | Content]:
    waiting = [(root, name)]
    while waiting:
        folder, inside = waiting.pop()
        entries = _entries(folder)
        if not entries and inside:
            yield Content(path=inside, mode=DIRECTORY)
        for entry in entries:
            path = f"{inside}/{entry.name}" if inside else entry.name
            if not path.isprintable() and _is_broken(path):
                raise Unavailable(f"{path!r} is no valid name", hint="rename it: names are kept as UTF-8")
            if entry.is_symlink():
                yield _link(root, Path(entry.path), path, name)
            elif entry.is_dir(follow_symlinks=False):
                waiting.append((Path(entry.path), path))
            else:
                yield path, sources.of_path(Path(entry.path))


def _is_broken(path: str) -> bool:
    return path.encode(errors="replace").decode() != path


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return sorted((entry for entry in found if entry.name not in SKIPPED), key=lambda entry: entry.name)
    except OSError as error:
        raise Unavailable(f"{folder} cannot be read: {error.strerror}", hint="check its permissions") from error


def _link(root: Path, link: Path, path: str, name: str) -> Content:
    """Keep a link that stays inside of what is committed; any other would mean something else elsewhere."""
    target = os.readlink(link)
    there = os.path.normpath(os.path.join(os.path.dirname(path.removeprefix(name).lstrip("/")), target))
    if os.path.isabs(target) or there.startswith("..") or _is_broken(target):
        raise Unavailable(f"{link} leads out of {root}", hint="commit what it points at, or take the link away")
    return Content(path=path, mode=SYMLINK, target=target)


def same(one: Iterable[Content], other: Iterable[Content]) -> bool:
    """Say whether two versions hold the same files."""
    return [msgspec.structs.astuple(each) for each in one] == [msgspec.structs.astuple(each) for each in other]
