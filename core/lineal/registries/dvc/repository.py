"""A repository on this machine: where it is, what its refs are, and what of it says that a scan may find more."""

from __future__ import annotations

import hashlib
import os
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec

from lineal.errors import BadFormat, Unavailable
from lineal.formats import git as runner
from lineal.formats.git import Git, anonymous
from lineal.formats.git_writer import Writer
from lineal.formats.window import read_small
from lineal.registries.dvc import gto
from lineal.registries.dvc.places import Places, configured

_EXPERIMENT = re.compile(r"refs/exps/[0-9a-f]{2}/(?:[0-9a-f]{38}|[0-9a-f]{62})/(.+)", re.DOTALL)
_CONFIG = 1 << 20  # bytes


class Refs(msgspec.Struct, frozen=True, kw_only=True):
    """What the refs point at: branches (of remotes too) and plain tags by name, experiments by commit."""

    branches: Mapping[str, str]
    tags: Mapping[str, str]
    experiments: Mapping[str, str]
    events: tuple[gto.Event, ...]
    head: str  # the commit that is checked out; "" in an empty repository


class Repository:
    """One repository at a path. Building it touches nothing."""

    def __init__(self, path: Path, remote: str = "", environ: Mapping[str, str] | None = None) -> None:
        """Name a repository; with `remote`, a URL, `path` is its clone without blobs, and `environ` reaches it."""
        self.path, self.remote = path, remote
        self._environ = environ or {}
        self._git: Git | None = None
        self._folder = path

    @property
    def git(self) -> Git:
        """git in this repository. Raises Unavailable if it is none, or git is not installed."""
        if self._git is None:
            self._git, self._folder = self._opened()
        return self._git

    def _opened(self) -> tuple[Git, Path]:
        if not self.path.is_dir():
            raise Unavailable(f"{self.path} is not there", hint="is the disk mounted? was it moved?")
        git = Git(str(self.path))
        said = git.tried("rev-parse", "--git-common-dir", "--show-prefix")
        if said is None:
            raise Unavailable(f"{self.path} is no git repository", hint="name the folder that holds `.git`")
        folder, _, prefix = said.partition("\n")
        if prefix:
            top = str(self.path).removesuffix(f"/{prefix.rstrip('/')}")
            raise Unavailable(f"{self.path} is inside a git repository", hint=f"name all of it: {top}")
        return git, Path(os.path.normpath(self.path / folder))

    def git_folder(self) -> Path:
        """Return the folder of git's own files, also for work trees and submodules. Raises Unavailable."""
        return self._folder if self.git else self.path

    def fetch(self) -> None:
        """Make or refresh the clone of a remote. Raises Unavailable."""
        if self.remote:
            runner.fetched(self.remote, self.path, self._environ)

    def blobs(self, ids: Iterable[str], most: int) -> dict[str, bytes | None]:
        """Return contents; a clone fetches what it lacks, all at once. See `Git.blobs`. Raises Unavailable."""
        wanted = sorted(set(ids))
        self._fetch(wanted)
        return dict(self.git.blobs(wanted, most))

    def held(self, blob: str) -> int:
        """Return the size of a blob in bytes, -1 if there is none; a clone fetches it. Raises Unavailable."""
        self._fetch([blob])
        return self.git.sizes([blob])[blob]

    def _fetch(self, blobs: list[str]) -> None:
        if self.remote and blobs:
            runner.prefetched(self.git, self.remote, blobs, self._environ)

    def sizes(self, ids: Iterable[str]) -> dict[str, int]:
        """Return sizes of blobs in bytes. A clone knows none: asking would fetch the models."""
        wanted = list(dict.fromkeys(ids))
        return self.git.sizes(wanted) if wanted and not self.remote else {}

    def fingerprint(self) -> str:
        """Return a token of all refs, the configuration and the caches. Raises Unavailable."""
        refs = self.git.ask("for-each-ref", "--format=%(refname) %(objectname)", most=1 << 28).out
        head = self.git.tried("rev-parse", "--verify", "--quiet", "HEAD") or ""
        said = [refs, head.encode(), *map(_stamp, self._watched())]
        return hashlib.sha256(b"\0".join(said)).hexdigest()

    def _watched(self) -> Iterator[Path]:
        """Yield what changes when bytes come or go, or are looked for elsewhere."""
        folder = self.git_folder()
        yield from (folder / "shallow", self.path / ".dvc" / "config", self.path / ".dvc" / "config.local")
        places = self.places()
        for place in (places.cache, places.remote):
            if place.startswith("/"):
                for top in (Path(place), Path(place, "files", "md5")):
                    yield top
                    yield from _folders(top)
        yield from _folders(folder / "lfs" / "objects")

    def places(self, root: str = "") -> Places:
        """Return the cache and remote of the project of DVC in the folder `root`, as they are configured now."""
        folder = self.path / root
        texts = [_text(folder / ".dvc" / name) for name in ("config", "config.local")]
        if not any(texts):
            texts = [self.git.tried("cat-file", "blob", f"HEAD:{posixpath.join(root, '.dvc/config')}") or ""]
        return configured(folder, texts, folder / ".dvc" / "cache")

    def url(self) -> str:
        """Return the URL of a clone's remote or of `origin`, without user and password; the path where is none."""
        if self.remote:
            return anonymous(self.remote)
        url = self.git.tried("config", "--get", "remote.origin.url") or ""
        if "://" in url:
            return anonymous(url)
        return url or str(self.path)

    def refs(self) -> Refs:
        """Read all refs. Raises Unavailable."""
        listing = self.git.ask("for-each-ref", "--format=%(refname) %(objecttype) %(objectname)", most=1 << 28).text()
        branches, experiments = {}, {}
        for line in listing.split("\n")[:-1]:  # not splitlines(): names may hold other ends of lines
            ref, kind, name = line.rsplit(" ", 2)
            if kind != "commit" or ref.endswith("/HEAD"):
                continue
            if ref.startswith(("refs/heads/", "refs/remotes/")):
                branches[ref.split("/", 2)[2]] = name
            elif found := _EXPERIMENT.fullmatch(ref):
                experiments[name] = found[1]
        tags, events = self._tags()
        head = self.git.tried("rev-parse", "--verify", "--quiet", "HEAD") or ""
        return Refs(branches=branches, tags=tags, experiments=experiments, events=tuple(events), head=head)

    def tags(self) -> str:
        """Return all tags as `gto.tags` reads them. Raises Unavailable."""
        return self.git.ask("for-each-ref", f"--format={gto.FIELDS}", "refs/tags", most=1 << 28).text()

    def writer(self, environ: Mapping[str, str]) -> Writer:
        """Return what writes here, as the user that `environ` is of. Raises Unavailable."""
        return Writer(self.git, self.git_folder(), environ)

    def _tags(self) -> tuple[dict[str, str], list[gto.Event]]:
        listing = self.tags()
        plain: dict[str, str] = {}
        events: list[gto.Event] = []
        for tag in gto.tags(listing):
            event = gto.parse(tag.name, tag.commit, tag.at, tag.by) if tag.annotated else None
            if event is not None:
                events.append(event)
            elif gto.parse(tag.name, "", 0.0, "") is None:
                plain[tag.name] = tag.commit
        return plain, events


def _text(path: Path) -> str:
    try:
        return read_small(path, _CONFIG).decode("utf-8", "replace")
    except (Unavailable, BadFormat):
        return ""


def _folders(path: Path) -> list[Path]:
    """Return the folders right in a cache: there are at most 256 of two digits each."""
    try:
        with os.scandir(path) as entries:
            return [Path(entry.path) for entry, _ in zip(entries, range(1_000), strict=False) if len(entry.name) == 2]
    except OSError:
        return []


def _stamp(path: Path) -> bytes:
    try:
        info = path.stat()
    except OSError:
        return b"-"
    return f"{info.st_mtime_ns} {info.st_size}".encode()
