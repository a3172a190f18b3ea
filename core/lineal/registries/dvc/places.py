"""Where the bytes of an out are: in DVC's cache, in a remote, or nowhere. Secrets of the configuration are not kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from configparser import ConfigParser, Error
from pathlib import Path

import msgspec

from lineal.errors import BadFormat, Unavailable
from lineal.formats import jsons
from lineal.formats.git import anonymous
from lineal.formats.window import read_small
from lineal.model.version import Algorithm, Digest, File, Place
from lineal.registries.dvc.outs import Out

_CONFIG = 1 << 20  # bytes of a configuration file
_LISTING = 64 << 20  # bytes of the listing of a directory
_FILES = 100_000  # files of one directory


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """The cache and the default remote, as they are configured now."""

    cache: str = ""
    remote: str = ""  # a folder or a URL; "" where none is configured

    def find(self, hexed: str, legacy: bool) -> tuple[Place, str]:
        """Return where the object of that hash is, and its local path, or its URL in a remote."""
        key = f"{hexed[:2]}/{hexed[2:]}" if legacy else f"files/md5/{hexed[:2]}/{hexed[2:]}"
        if self.cache and os.path.exists(path := f"{self.cache}/{key}"):  # noqa: PTH110 - 5,000 times a scan
            return Place.CACHE, path
        if self.remote.startswith("/"):
            path = f"{self.remote}/{key}"
            return (Place.REMOTE, path) if os.path.exists(path) else (Place.NOWHERE, "")  # noqa: PTH110
        return (Place.REMOTE, f"{self.remote}/{key}") if self.remote else (Place.NOWHERE, "")

    def files(self, out: Out) -> Iterator[File]:
        """Yield the files of an out: itself, or those of a directory whose listing is at hand."""
        if not out.hex:
            return
        legacy = out.algorithm is Algorithm.MD5_DOS2UNIX
        place, where = self.find(out.hex, legacy)
        if not out.directory:
            yield _file(out.path, out.size, out.digest, place, where)
            return
        listed = listing(where) if where.startswith("/") else []
        for name, hexed in listed:
            found = self.find(hexed, legacy)
            digest = Digest(out.algorithm, hexed)
            yield _file(f"{out.path}/{name}", _size(found[1]), digest, *found)
        if not listed:
            yield File(path=f"{out.path}/", size=out.size, digest=out.digest, place=place, location=where)


def _file(path: str, size: int | None, digest: Digest | None, place: Place, where: str) -> File:
    local = where if where.startswith("/") else ""
    return File(path=path, size=size, digest=digest, place=place, location=where, local=local)


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size if path.startswith("/") else None  # noqa: PTH116
    except OSError:
        return None


def listing(path: str) -> list[tuple[str, str]]:
    """Read a `.dir` object: (relative path, MD5) of each file; empty where it is damaged or too large."""
    try:
        entries = jsons.load(read_small(Path(path), _LISTING), _LISTING)
    except (Unavailable, BadFormat):
        return []
    found = [
        (entry["relpath"], entry["md5"])
        for entry in (entries if isinstance(entries, list) else [])[:_FILES]
        if isinstance(entry, dict) and isinstance(entry.get("relpath"), str) and isinstance(entry.get("md5"), str)
    ]
    return [(name, hexed) for name, hexed in found if ".." not in name.split("/") and hexed.isalnum()]


def configured(root: Path, texts: list[str], cache: Path) -> Places:
    """Return the places that configuration files name, later ones over earlier ones.

    Args:
        root: the folder that `.dvc` is in; relative paths are from `.dvc`.
        texts: what is in `.dvc/config` and `.dvc/config.local`.
        cache: where the cache is if none is named.
    """
    parser = ConfigParser(interpolation=None, strict=False)
    for text in texts:
        try:
            parser.read_string(text)
        except Error:
            continue  # a broken file configures nothing; the rest of the repository is readable all the same
    name = parser.get("core", "remote", fallback="")
    url = parser.get(f"'remote \"{name}\"'", "url", fallback="") if name else ""
    given = parser.get("cache", "dir", fallback="")
    return Places(cache=_absolute(given, root) if given else str(cache), remote=_remote(url, root))


def _remote(url: str, root: Path) -> str:
    if "://" in url:
        return anonymous(url).rstrip("/")
    return _absolute(url, root) if url else ""


def _absolute(path: str, root: Path) -> str:
    return os.path.normpath(root / ".dvc" / path)
