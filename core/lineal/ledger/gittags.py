"""Anchors as tags of a git repository: `lineal/ledger/<number>`, annotated, signed where that is asked for.

Only a tag's object and its ref are written; nothing is checked out, and nothing is pushed.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from lineal.errors import ConfigError, Unavailable
from lineal.formats.git import Git
from lineal.formats.git_writer import Writer
from lineal.ledger.anchors import Anchor, read, refuse_other

_PREFIX = "refs/tags/lineal/ledger/"
_MOST = 64 << 10  # bytes of a tag
_SAID = re.compile(rb"^lineal-ledger: (\{[^\n]*\})$", re.MULTILINE)
_TITLE = "The last entry of a Lineal ledger"


class Tags:
    """The tags of the repository at `path`."""

    def __init__(
        self, path: Path, environ: Mapping[str, str], *, sign: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        """Look at a repository.

        Args:
            path: a folder in it.
            environ: the user's, in which git finds who tags, and the key to sign with.
            sign: sign tags also where the user's git does not always do so.
            clock: gives the time of tags, in Unix seconds.

        Raises:
            ConfigError: there is no repository.
        """
        self.url = f"git:{path}"
        self._git, self._environ, self._sign, self._clock = Git(str(path)), environ, sign, clock
        folder = self._git.tried("rev-parse", "--git-common-dir")
        if folder is None:
            raise ConfigError(f"{path} is no git repository", hint="git:PATH names a folder in one")
        self._folder = path / folder

    def keep(self, anchor: Anchor) -> None:
        """Make an anchor's tag on the commit that is checked out.

        Raises:
            Corrupt: another hash of this entry was written down there.
            ConfigError: the repository has no commit, or git does not know who tags.
            Unavailable: git cannot write, or sign.
        """
        head = self._git.tried("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
        if head is None:
            raise ConfigError(f"{self.url} has no commit that could be tagged", hint="commit something there first")
        writer = Writer(self._git, self._folder, self._environ)
        person = writer.person("", "")
        with writer.alone():
            there = dict(self._named())
            for called, other in there.values():
                if other is not None and (other.store, other.number) == (anchor.store, anchor.number):
                    refuse_other(self.url, called, other, anchor)
                    return
            ref = f"{_PREFIX}{anchor.number}"
            if ref in there:  # another ledger's, which has as many entries
                ref = f"{ref}-{anchor.store[:8]}"
            with writer.scratch() as scratch:
                if self._sign:
                    scratch.run("config", "tag.gpgSign", "true")
                name = ref.removeprefix("refs/tags/")
                made = scratch.tag(name, head, _message(anchor), person, self._clock())
                refused = writer.move([(ref, made, "")], (), person, "lineal: anchor of a ledger")
        if refused:
            raise Unavailable(f"{self.url} was not tagged: {refused}", hint="may you write there?")

    def kept(self) -> Iterator[tuple[str, Anchor | None]]:
        """Yield the anchors. Raises Unavailable."""
        yield from self._named().values()

    def _named(self) -> dict[str, tuple[str, Anchor | None]]:
        """Return the anchors by ref."""
        said = self._git.ask("for-each-ref", "--format=%(objectname) %(objecttype) %(refname)", _PREFIX).text()
        lines = [line.split(" ", 2) for line in said.splitlines()]
        objects = dict(self._git.blobs([one for one, kind, _ in lines if kind == "tag"], _MOST))
        found = {}
        for one, _, ref in lines:
            text = objects.get(one)
            anchor = _anchor(text) if text is not None else None
            found[ref] = (f"{ref.removeprefix('refs/tags/')} of {self.url}", anchor if _fits(ref, anchor) else None)
        return found


def _message(anchor: Anchor) -> str:
    said = msgspec.json.encode(anchor, order="sorted").decode()
    return f"{_TITLE}\n\nEntry {anchor.number:,} of the store {anchor.store}.\n\nlineal-ledger: {said}\n"


def _anchor(tag: bytes) -> Anchor | None:
    """Return what a tag's object says: of two anchors in one message none counts."""
    found = _SAID.findall(tag.partition(b"\n\n")[2])
    return read(found[0]) if len(found) == 1 else None


def _fits(ref: str, anchor: Anchor | None) -> bool:
    return anchor is not None and ref in (f"{_PREFIX}{anchor.number}", f"{_PREFIX}{anchor.number}-{anchor.store[:8]}")
