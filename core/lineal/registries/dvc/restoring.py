"""A file of DVC as it was at another commit, committed on a branch; nothing is checked out.

The commit is made of the branch's own tree with one entry changed, in an index of our own, and the branch is moved from
the commit that was looked at. A branch that a work tree has checked out is moved too, if the file is there as the
branch has it: then the index is behind the branch, and until `git checkout HEAD -- FILE` git would show the file as
changed back. So it is refused where somebody is in the middle of a merge or the like, whose commit would undo it.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
from pathlib import Path

import msgspec

from lineal.errors import BadFormat, ConfigError, Conflict, NotFound, Unavailable, Unsupported
from lineal.formats.window import read_small
from lineal.model.changes import Receipt, Restore, Stamp
from lineal.registries.dvc import tagging
from lineal.registries.dvc.beside import defines
from lineal.registries.dvc.definitions import DEFINITION
from lineal.registries.dvc.repository import Repository

_MIDDLE = ("MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply", "sequencer")
_CHANGED = "somebody was quicker: look at it again"


class Tip(msgspec.Struct, frozen=True):
    """The end of a branch, and the file there: its blob and mode, "" where it is not."""

    commit: str
    blob: str
    mode: str


class Restorer:
    """Restores files in one repository."""

    def __init__(self, repository: Repository, environ: Mapping[str, str]) -> None:
        self._repository, self._environ = repository, environ

    def current(self, change: Restore) -> Restore:
        """Return a change with the file's blob on the branch now. Raises as `apply` does."""
        self._checked(change)
        return msgspec.structs.replace(change, before=self._tip(change).blob)

    def calls(self, change: Restore, stamp: Stamp) -> tuple[str, ...]:
        """Return command lines by which a person would get the same commit, where the branch is checked out."""
        path = shlex.quote(change.path)
        if change.after and self._of_key(change):
            take = f"git checkout {change.key} -- {path}"
        elif change.after:
            take = f"git update-index --add --cacheinfo 100644,{change.after},{path}"
        else:
            take = f"git rm --cached {path}"
        parts = tagging.worded(stamp, self._plain(change)).strip().rsplit("\n\n", 1)
        said = " ".join(f"-m {shlex.quote(part)}" for part in parts)
        return (f"git switch {shlex.quote(change.branch)}", take, f"git commit {said}")

    def _of_key(self, change: Restore) -> bool:
        """Say whether it is `key` that is restored; the inverse of a change has another's key."""
        return bool(change.key) and self._at(change.key, change.path)[0] == change.after

    def _plain(self, change: Restore) -> str:
        return f"Restore {change.path}{f' as of {change.key[:12]}' if self._of_key(change) else ''}"

    def apply(self, change: Restore, stamp: Stamp) -> Receipt:
        """Commit the file on the branch, unless an earlier try of the same action did.

        Raises:
            ConfigError: the path is no file of DVC.
            NotFound: there is no such branch, commit or blob.
            Conflict: the branch has another file by now, or the file is changed in a work tree of the branch.
            Unavailable: git cannot write; the branch is as it was.
        """
        self._checked(change)
        writer = self._repository.writer(self._environ)
        with writer.alone(), writer.scratch() as scratch:
            tip, calls = self._tip(change), self.calls(change, stamp)
            if self._earlier(change, tip, stamp):
                return Receipt(after=change.after, calls=calls, detail=f"{change.branch} has it already")
            _compare(change, tip)
            detail = self._trees(change, tip)
            more = {"GIT_INDEX_FILE": str(scratch.folder / "lineal-index")}
            scratch.run("read-tree", tip.commit, more=more)
            entry = f"{tip.mode or '100644'} {change.after or '0' * len(tip.commit)}\t{change.path}\0"
            entry = entry if change.after else f"0 {entry.split(' ', 1)[1]}"
            scratch.run("update-index", "-z", "--index-info", said=entry, more=more)
            tree = scratch.run("write-tree", "--missing-ok", more=more)
            person = writer.person(stamp.by, stamp.mail)
            commit = scratch.commit(tree, tip.commit, tagging.worded(stamp, self._plain(change)), person, stamp.at)
            why = writer.move([(_ref(change), commit, tip.commit)], (), person, f"commit: restore {change.path}")
        if why and self._tip(change).commit != tip.commit:
            raise Conflict(f"{change.branch} was moved meanwhile: {why}", hint=_CHANGED)
        if why:
            hint = "another git works there? is there room, and may you write?"
            raise Unavailable(f"git cannot move {change.branch} in {self._repository.path}: {why}", hint=hint)
        return Receipt(after=change.after, calls=calls, detail=f"commit {commit[:8]} on {change.branch}{detail}")

    def _checked(self, change: Restore) -> None:
        """Raise unless path, branch and blob are such as could be."""
        parts = change.path.split("/")
        odd = {"", ".", "..", ".git"} & {part.lower() for part in parts} or not change.path.isprintable()
        if odd or not defines(change.path):
            raise ConfigError(f"{change.path!r} is no file of DVC", hint="name a .dvc file or a dvc.lock")
        git = self._repository.git
        if not change.branch or git.tried("check-ref-format", _ref(change)) is None:
            raise ConfigError(f"{change.branch!r} is no branch", hint="`git branch` lists them")
        if git.tried("symbolic-ref", "--quiet", _ref(change)) is not None:
            raise Unsupported(f"{change.branch} stands for another branch", hint="name that one")
        for name in (change.after, change.key):
            if name and not set(name) <= set("0123456789abcdef"):
                raise NotFound(f"there is no {name!r} in {self._repository.path}")
        if change.after and git.tried("cat-file", "-t", change.after) != "blob":
            raise NotFound(f"there is no content {change.after[:8]} in git", hint="`git fetch` it, or sync again")
        if change.key and self._at(change.key, change.path)[0] not in (change.after, change.before):
            message = f"{change.path} is not {change.after[:8] or 'gone'} at {change.key[:8]}"
            raise NotFound(message, hint="`lineal sync` looks again")

    def _tip(self, change: Restore) -> Tip:
        commit = self._repository.git.tried("rev-parse", "--verify", "--quiet", f"{_ref(change)}^{{commit}}")
        if not commit:
            raise NotFound(f"there is no branch {change.branch!r} here", hint="`git branch` lists them")
        return Tip(commit, *self._at(commit, change.path))

    def _at(self, commit: str, path: str) -> tuple[str, str]:
        """Return blob and mode of a plain file in a commit, "" where it has none."""
        listed = self._repository.git.tried("--literal-pathspecs", "ls-tree", "-z", "--full-tree", commit, "--", path)
        fields = (listed or "").partition("\t")[0].split()
        return (fields[2], fields[0]) if len(fields) == 3 and fields[0].startswith("100") else ("", "")

    def _earlier(self, change: Restore, tip: Tip, stamp: Stamp) -> bool:
        """Say whether the last commit of this action on the branch left the file as it is to be."""
        git, trailer = self._repository.git, f"{tagging.TRAILER} {stamp.action}"
        found = ("log", "-n1", "--format=%H%x00%B", "--fixed-strings", f"--grep={trailer}", tip.commit)
        commit, _, text = git.ask(*found).text().partition("\0")
        return (
            bool(commit) and tagging.action(text) == stamp.action and self._at(commit, change.path)[0] == change.after
        )

    def _trees(self, change: Restore, tip: Tip) -> str:
        """Say what is left to do in the work trees of the branch. Raises Conflict if the file is changed in one."""
        listed = self._repository.git.ask("worktree", "list", "--porcelain", "-z").text()
        folders = []
        for entry in listed.split("\0\0"):
            said = dict(line.partition(" ")[::2] for line in entry.strip("\0").split("\0"))
            if said.get("branch") == _ref(change) and "bare" not in said:
                folders.append(said["worktree"])
        for folder in folders:
            self._clean(change, tip, folder)
        path, target = (shlex.quote(one) for one in (change.path, _target(change.path)))
        take = f"git checkout HEAD -- {path} && dvc checkout {target}" if change.after else f"git rm -f {path}"
        return "".join(f"; in {folder}: {take}" for folder in folders)

    def _clean(self, change: Restore, tip: Tip, folder: str) -> None:
        git = self._repository.git
        hint = f"commit or stash it first, or name a branch that is not checked out in {folder}"
        there = git.tried("-C", folder, "rev-parse", "--absolute-git-dir")
        busy = [name for name in _MIDDLE if there and (Path(there) / name).exists()]
        if not there or busy:
            raise Conflict(f"{folder} is in the middle of something: {', '.join(busy) or 'it is damaged'}", hint=hint)
        listed = git.tried(
            "-C", folder, "--literal-pathspecs", "ls-files", "-z", "--stage", "--full-name", "--", change.path
        )
        staged = {line.split()[1] for line in (listed or "").split("\0") if line}
        if staged != ({tip.blob} if tip.blob else set()) or not _same(Path(folder) / change.path, tip.blob):
            raise Conflict(f"{change.path} is changed in {folder}", hint=hint)


def _compare(change: Restore, tip: Tip) -> None:
    if tip.blob != change.before:
        raise Conflict(f"{change.path} on {change.branch} is {tip.blob[:8] or 'not there'} now", hint=_CHANGED)
    if change.before == change.after:
        raise Conflict(f"{change.path} on {change.branch} is {tip.blob[:8] or 'not there'} already")


def _same(path: Path, blob: str) -> bool:
    """Say whether a file in a work tree is a blob, without a filter; ends of lines do not count."""
    if not blob:
        return not path.exists() and not path.is_symlink()
    if path.is_symlink() or not path.is_file():
        return False
    try:
        data = read_small(path, DEFINITION)
    except (Unavailable, BadFormat):
        return False
    kind = "sha1" if len(blob) == 40 else "sha256"
    texts = (data, data.replace(b"\r\n", b"\n"))
    named = (hashlib.new(kind, b"blob %d\0" % len(text) + text, usedforsecurity=False) for text in texts)
    return blob in {one.hexdigest() for one in named}


def _target(path: str) -> str:
    """Return what `dvc checkout` knows a file by."""
    return f"{path.removesuffix('dvc.lock')}dvc.yaml" if path.endswith("dvc.lock") else path


def _ref(change: Restore) -> str:
    return f"refs/heads/{change.branch}"
