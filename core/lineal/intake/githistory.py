"""Versions that lie in git itself: a file or folder at every commit that changed it, as blobs or through git-lfs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from lineal.errors import ConfigError, NotFound, Unavailable
from lineal.formats import lfs
from lineal.formats.git import Git, anonymous
from lineal.intake.checking import checked
from lineal.model.records import EdgeKind
from lineal.model.version import Algorithm, Code, Digest
from lineal.registries.native.shelf import Made, Said, Shelf
from lineal.registries.native.trees import Tree
from lineal.store.effort import Effort
from lineal.store.manifest import Parent
from lineal.store.sources import Source, of_path

MOST = 10_000  # commits
_FORMAT = "%H%x00%an <%ae>%x00%at%x00%s"


class Commit(msgspec.Struct, frozen=True):
    """One commit that changed the path."""

    id: str
    author: str
    at: float  # Unix seconds
    subject: str


def commits(git: Git, path: str, revision: str = "") -> list[Commit]:
    """Return the commits that changed `path`, oldest first, of all branches and tags or up to `revision`.

    Raises:
        NotFound: there is no such revision, or no commit with the path.
        Unavailable: git fails.
    """
    if revision.startswith("-") or (
        revision and git.tried("rev-parse", "-q", "--verify", f"{revision}^{{commit}}") is None
    ):
        raise NotFound(f"{git.repository} has no revision {revision!r}", hint="name a branch, tag or commit")
    which = (revision,) if revision else ("--branches", "--tags", "--remotes")
    said = git.ask("log", "--reverse", f"--max-count={MOST}", f"--format={_FORMAT}", *which, "--", path).text()
    lines = (line.split("\0") for line in said.splitlines())
    found = [Commit(one[0], one[1], float(one[2]), one[3]) for one in lines if len(one) == 4]
    if not found:
        raise NotFound(f"no commit of {git.repository} has {path!r}", hint="paths count from the repository's root")
    return found


class Entry(msgspec.Struct, frozen=True):
    """One file of a commit."""

    path: str
    blob: str
    mode: int


def entries(git: Git, commit: str, path: str) -> list[Entry]:
    """Return the files at or below `path` in a commit; none where it was deleted. Links and submodules are left out."""
    listed = git.ask("ls-tree", "-r", "-z", "--full-tree", commit, "--", path).text()
    found = []
    for line in listed.split("\0"):
        head, tab, name = line.partition("\t")
        words = head.split()
        if tab and len(words) == 3 and words[1] == "blob" and words[0] in ("100644", "100755"):
            found.append(Entry(name, words[2], int(words[0][3:], 8)))
    return found


def bring(
    shelf: Shelf,
    repository: Path,
    path: str,
    *,
    name: str,
    revision: str = "",
    effort: Effort = Effort.DEFAULT,
    on_made: Callable[[Commit, Made], None],
    on_missing: Callable[[Commit, Unavailable], None],
) -> None:
    """Copy `path` as each commit has it into the store, oldest first; each knows its commit.

    `on_missing` is told of commits whose bytes are not at hand, as git-lfs objects that were never fetched.

    Raises:
        ConfigError: the place is no repository.
        NotFound: as for `commits`.
        Corrupt: bytes are not what git or git-lfs names them by; nothing of that commit is kept.
    """
    git = Git(str(repository))
    if git.tried("rev-parse", "--git-dir") is None:
        raise ConfigError(f"{repository} is no git repository", hint="name a folder that git knows")
    for commit in commits(git, path, revision):
        scratch: list[Path] = []
        try:
            tree = Tree(tuple(_files(git, shelf, commit, path, scratch)), ())
            if tree.files:
                said = _said(git, commit, path)
                on_made(commit, shelf.commit(tree, said, kind="model", name=name, effort=effort))
        except Unavailable as error:
            on_missing(commit, error)
        finally:
            for one in scratch:
                one.unlink(missing_ok=True)


def _files(git: Git, shelf: Shelf, commit: Commit, path: str, scratch: list[Path]) -> Iterator[tuple[str, Source]]:
    """Yield files under their paths below `path`, or under the name of the file that it is."""
    for entry in sorted(entries(git, commit.id, path), key=lambda one: one.path):
        inside = entry.path.removeprefix(f"{path.strip('/')}/") if path.strip("/") not in ("", ".") else entry.path
        yield (inside if inside != path else Path(path).name), _source(git, shelf, entry, scratch)


def _source(git: Git, shelf: Shelf, entry: Entry, scratch: list[Path]) -> Source:
    handle, temporary = shelf.store.fs.create_temporary(shelf.store.backend.scratch())
    scratch.append(temporary)
    try:
        for piece in git.pieces(entry.blob):
            shelf.store.fs.write(handle, piece)
    finally:
        shelf.store.fs.close(handle)
    digest = Digest(Algorithm.GIT_SHA1, entry.blob)
    place = temporary
    if temporary.stat().st_size <= lfs.LARGEST and (pointer := lfs.read(temporary.read_bytes())) is not None:
        folder = git.tried("rev-parse", "--path-format=absolute", "--git-common-dir") or ""
        place = Path(folder, "lfs", "objects", pointer.object())
        if not pointer.oid or not place.is_file():
            raise Unavailable(f"{entry.path} is only with the git-lfs server", hint="`git lfs fetch --all` brings it")
        digest = Digest(Algorithm.SHA256, pointer.oid)
    source = of_path(place)
    source.name, source.mode = entry.path, 0o755 if entry.mode & 0o100 else 0o644
    return (
        checked(source, entry.path, digest)
        if digest.algorithm is not Algorithm.GIT_SHA1 or len(digest.hex) == 40
        else source
    )


def _said(git: Git, commit: Commit, path: str) -> Said:
    url = anonymous(git.tried("config", "remote.origin.url") or "") or git.repository
    return Said(
        parents=(Parent(kind=EdgeKind.COPIED, model=path, key=commit.id, proved=True),),
        code=Code(repository=url, commit=commit.id, entry=path),
        message=commit.subject,
        at=commit.at,
        by=commit.author,
    )
