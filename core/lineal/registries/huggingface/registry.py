"""A hub cache as a registry: each model's folder is a scope, each snapshot a version, each ref an alias."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from lineal.config import RegistrySpec
from lineal.errors import NotFound, RegistryError, Unavailable
from lineal.model.records import Alias, AliasKind, Complete, Problem, Record
from lineal.model.values import Series
from lineal.model.version import File, Version
from lineal.registries.base import Cursors, ReadOnly
from lineal.registries.huggingface.layout import COMMIT, Folder, printable
from lineal.registries.huggingface.places import PREFIX
from lineal.registries.huggingface.snapshots import Snapshot, names

_READING = "1"  # raised when records are made otherwise, so that every folder is read again
_MODELS = 100_000


class HubCache(ReadOnly):
    """The cache at `root`. Methods may be called from any thread, but not two at once."""

    refusal = "a cache is a copy of what the Hub holds: what is changed here would be gone with the next download"

    def __init__(self, spec: RegistrySpec, root: Path) -> None:
        self.spec = spec
        self._place = root

    def fingerprint(self) -> str | None:
        """Return a token made of the times of the folders and refs, some ten stats for each model."""
        root = self._root()
        token = hashlib.blake2b(_READING.encode(), digest_size=16)
        for name in self._names(root):
            for line in _times(root / name):
                token.update(line)
        return token.hexdigest()

    def scan(self, since: Cursors) -> Iterator[Record]:
        """Yield model by model; a model whose folder is as it was costs only stats."""
        root = self._root()
        for name in self._names(root):
            yield from self._model(Folder(root, name), since.get(printable(name), ""))
        yield Complete(registry=self.spec.name, scope="")

    def open(self, file: File, start: int = 0, length: int | None = None) -> BinaryIO:
        """Open the bytes of `file`. Raises NotFound if they are not in the cache."""
        root = self._root()
        if not file.location:
            raise NotFound(f"{file.path} was not downloaded", hint="`hf download` fetches the rest of a snapshot")
        try:
            real = Path(file.location).resolve(strict=True)
            if not real.is_relative_to(root) or not real.is_file():
                raise Unavailable(f"{file.path} is not in the cache any more", hint="sync again")
            stream = real.open("rb")
        except FileNotFoundError as error:
            raise NotFound(f"{file.path} is gone from the cache", hint="sync again") from error
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of links
            raise Unavailable(f"{file.path} cannot be read: {error}", hint="check its permissions") from error
        stream.seek(start)
        if length is None:
            return stream
        with stream:
            return io.BytesIO(stream.read(length))

    def series(self, version: Version, metric: str) -> Series:  # noqa: ARG002
        """Return nothing: a card states only the last value of a metric."""
        return Series(metric, [], [], [])

    def close(self) -> None:
        """Do nothing; no file stays open."""

    def _root(self) -> Path:
        try:
            root = self._place.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise Unavailable(
                f"there is no hub cache at {self._place}", hint="set HF_HUB_CACHE, or remove the registry"
            ) from error
        return root

    def _names(self, root: Path) -> list[str]:
        try:
            with os.scandir(root) as entries:
                found = [entry.name for entry in entries if entry.name.startswith(PREFIX)]
        except OSError as error:
            raise Unavailable(f"{root} cannot be listed: {error.strerror}", hint="check its permissions") from error
        if len(found) > _MODELS:
            raise Unavailable(f"{root} holds more than {_MODELS:,} models", hint="is it really a hub cache?")
        return sorted(found)

    def _model(self, folder: Folder, cursor: str) -> Iterator[Record]:
        """Yield one folder's records. What was unreadable keeps the rows it had, and is tried again next time."""
        scope = printable(folder.name)
        try:
            token = _token(folder)
            if token == cursor:
                yield Complete(registry=self.spec.name, scope=scope, cursor=cursor, delta=True)
                return
            records = list(self._records(folder))
        except RegistryError as error:
            yield Problem(registry=self.spec.name, where=scope, message=error.message, hint=error.hint)
            yield Complete(registry=self.spec.name, scope=scope, delta=True)
            return
        yield from records
        yield Complete(registry=self.spec.name, scope=scope, cursor=token)

    def _records(self, folder: Folder) -> Iterator[Record]:
        if folder.path.is_symlink() or not folder.path.is_dir():
            raise Unavailable(f"{folder.name} is no folder", hint="remove it; the hub client made no such thing")
        commits = folder.commits()
        named = names([commit for commit in commits if COMMIT.fullmatch(commit)])
        for commit in commits:
            if commit in named:
                yield from Snapshot(self.spec.name, folder, commit).records(named[commit])
            else:
                yield self._problem(
                    folder, f"snapshots/{printable(commit)}", "is not named by a commit", "remove the folder"
                )
        yield from self._aliases(folder, named)

    def _aliases(self, folder: Folder, named: dict[str, str]) -> Iterator[Alias | Problem]:
        for ref, commit, at in folder.refs():
            if commit in named:
                yield Alias(
                    registry=self.spec.name, model=folder.model, name=ref, key=commit, kind=AliasKind.REF, set_at=at
                )
            elif COMMIT.fullmatch(commit):
                yield self._problem(folder, f"refs/{ref}", f"names {commit[:8]}, of which nothing is here", "")
            else:
                yield self._problem(folder, f"refs/{ref}", "holds no commit", "download the model again")

    def _problem(self, folder: Folder, where: str, message: str, hint: str) -> Problem:
        return Problem(
            registry=self.spec.name,
            where=f"{printable(folder.name)}/{where}",
            message=f"{where} {message}",
            hint=hint or "`hf cache prune` cleans up, a new download fills in",
        )


def _token(folder: Folder) -> str:
    """Return a digest of every name, size, time and link of a model's folder: what a scan's records depend on."""
    token = hashlib.blake2b(_READING.encode(), digest_size=16)
    for line in _everything(folder.path):
        token.update(line)
    return token.hexdigest()


def _everything(place: Path) -> Iterator[bytes]:
    """Yield a line for each path below `place`, in order; a link that is made anew has a new time of its own."""
    stack = [str(place)]
    while stack:
        try:
            with os.scandir(stack.pop()) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            reason = f"{error.filename} cannot be listed: {error.strerror}"
            raise Unavailable(reason, hint="check its permissions") from error
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                stack.append(entry.path)
            yield os.fsencode(entry.path) + _line(entry)


def _line(entry: os.DirEntry[str]) -> bytes:
    try:
        info = entry.stat(follow_symlinks=False)
        there = entry.is_file() if stat.S_ISLNK(info.st_mode) else True
    except OSError as error:
        return repr(error.errno).encode()
    return b"\0%d %d %o %d\n" % (info.st_size, info.st_mtime_ns, info.st_mode, there)


def _times(model: Path) -> Iterator[bytes]:
    """Yield the times of a model's folders, its snapshots and its refs: they move with every download and removal."""
    for below in ("", "blobs", "trees", "refs", "snapshots"):
        try:
            yield b"%s %d\n" % (below.encode(), (model / below).lstat().st_mtime_ns)
        except OSError:
            continue
    for below in ("refs", "snapshots"):
        try:
            with os.scandir(model / below) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError:
            continue
        yield from (os.fsencode(entry.path) + _line(entry) for entry in entries)
