"""Tags made, compared and set, and pushed where that is wanted: whole, or not at all.

One writer of ours at a time looks, works out the tags and sets them, all in one transaction of git's that fails where
one of them is there by then: others, such as GTO itself, take no lock of ours. What a failed push leaves behind here is
taken back.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

import msgspec

from lineal.errors import ConfigError, Conflict, Unavailable
from lineal.formats.git import anonymous
from lineal.formats.git_writer import Scratch, Writer
from lineal.model.changes import Receipt, Register, SetAlias, Stamp
from lineal.registries.dvc import gto, tagging
from lineal.registries.dvc.gto import Act, Event
from lineal.registries.dvc.repository import Repository
from lineal.registries.dvc.tagging import Ground

_TRIES = 50
_SEEN = 500  # tags that are read to find what an earlier try left
_TAG = 1 << 20  # bytes of one
_REMOTE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]{0,99}", re.ASCII)
_OTHER = {Act.ASSIGN: Act.UNASSIGN, Act.UNASSIGN: Act.ASSIGN}


class Tagger:
    """Writes GTO's tags into one repository, and pushes them to the remote `push` ("": to none)."""

    def __init__(self, repository: Repository, environ: Mapping[str, str], push: str = "") -> None:
        self._repository, self._environ, self._push = repository, environ, push

    def look(self, artifact: str) -> Ground:
        """Return what the tags say of an artifact now. Raises Unavailable."""
        return tagging.look(self._repository.tags(), artifact)

    def calls(self, change: SetAlias | Register, stamp: Stamp) -> tuple[str, ...]:
        """Return the command lines that `apply` amounts to. Raises as `apply` does, but for what writing meets."""
        ground = self.look(change.model)
        return self._lines(ground, tagging.planned(ground, change, stamp), stamp)

    def apply(self, change: SetAlias | Register, stamp: Stamp) -> Receipt:
        """Write the tags of a change, unless an earlier try of the same action did.

        Raises:
            ConfigError, Conflict, Unsupported: see `tagging.planned`; there is no such remote.
            Unavailable: git cannot write, or the remote cannot be reached or refuses; nothing is left behind.
        """
        writer = self._repository.writer(self._environ)
        with writer.alone(), writer.scratch() as scratch:
            ground = self.look(change.model)
            url = self._remote(writer)
            earlier = self._earlier(ground, change, stamp)
            if earlier is not None:
                self._pushed(writer, scratch, url, {_ref(earlier): self._object(earlier.tag)}, stamp)
                calls = self._lines(ground, (earlier,), stamp)
                return Receipt(after=_after(change, earlier), calls=calls, detail=f"{earlier.tag} was there already")
            self._unknown(scratch, url, ground)
            return self._written(writer, scratch, url, change, stamp)

    def _written(
        self, writer: Writer, scratch: Scratch, url: str, change: SetAlias | Register, stamp: Stamp
    ) -> Receipt:
        for _ in range(_TRIES):
            ground = self.look(change.model)
            events = tagging.planned(ground, change, stamp)
            made = self._made(writer, scratch, ground, events, stamp)
            creating = [(ref, name, "") for ref, name in made.items()]
            why = writer.move(creating, _rivals(events, made), writer.person(stamp.by, stamp.mail), "tagged")
            if not why:
                self._proved(writer, change, made, stamp)
                self._pushed(writer, scratch, url, made, stamp)
                detail = " and ".join(event.tag for event in events)
                revived = f"; it revives {change.model}, which was deprecated" if ground.held().deprecated else ""
                calls = self._lines(ground, events, stamp)
                return Receipt(after=_after(change, events[-1]), calls=calls, detail=f"made {detail}{revived}")
            if self.look(change.model).names == ground.names:
                raise Unavailable(f"git cannot set a tag in {self._repository.path}: {why}", hint=_mending(why))
        raise Conflict(f"others keep tagging {change.model}", hint="try again later")

    def _made(
        self, writer: Writer, scratch: Scratch, ground: Ground, events: Sequence[Event], stamp: Stamp
    ) -> dict[str, str]:
        """Make the objects of tags; no ref points at them yet."""
        person = writer.person(stamp.by, stamp.mail)
        for event in events:
            if event.tag.startswith("-") or self._repository.git.tried("check-ref-format", _ref(event)) is None:
                raise ConfigError(f"git takes no tag {event.tag!r}", hint="rename the artifact or the stage")
        texts = [tagging.message(event, ground, stamp) for event in events]
        pairs = zip(events, texts, strict=True)
        return {_ref(event): scratch.tag(event.tag, event.commit, text, person, event.at) for event, text in pairs}

    def _proved(self, writer: Writer, change: SetAlias | Register, made: Mapping[str, str], stamp: Stamp) -> None:
        """Look whether the tags say the change now, and said `before` without ours: others take no lock of ours."""
        now = self.look(change.model)
        if not _holds(now, change, {ref.removeprefix("refs/tags/") for ref in made}):
            self._withdraw(writer, made, stamp)
            raise Conflict(f"the tags of {change.model} changed meanwhile", hint="look at it again")

    def _earlier(self, ground: Ground, change: SetAlias | Register, stamp: Stamp) -> Event | None:
        """Return the tag that an earlier try of the same action left, unless that action took it back."""
        events = {_ref(event): event for event in tagging.related(ground, change)[:_SEEN]}
        for ref, data in self._repository.git.blobs(events, _TAG):
            text = (data or b"").partition(b"\n\n")[2].decode("utf-8", "replace")
            if tagging.action(text) == stamp.action:
                return events[ref] if tagging.says(events[ref], change) else None
        return None

    def _object(self, tag: str) -> str:
        return self._repository.git.ask("rev-parse", "--verify", f"refs/tags/{tag}").text().strip()

    def _remote(self, writer: Writer) -> str:
        """Return the URL that is pushed to, "" for none. Raises ConfigError."""
        if not self._push:
            return ""
        if not _REMOTE.fullmatch(self._push):
            raise ConfigError(f"{self._push!r} is no remote", hint='write `push = "origin"`, as `git remote` names it')
        if (writer.folder / "packed-refs.lock").exists():
            lock = writer.folder / "packed-refs.lock"
            raise Unavailable(f"another git works on {lock.parent}", hint=f"if none does, delete {lock}")
        return writer.remote(self._push)

    def _unknown(self, scratch: Scratch, url: str, ground: Ground) -> None:
        """Refuse where the remote has tags of the artifact that are not here: they would count, too."""
        if not url:
            return
        names = {ref.removeprefix("refs/tags/") for ref in scratch.listed(url)} - ground.names
        news = sorted(name for name in names if (gto.counted(name) or ("",))[0] == ground.artifact)
        if news:
            hint = f"git fetch {self._push} --tags"
            raise Conflict(f"{self._push} has tags of {ground.artifact} that are not here: {news[0]}", hint=hint)

    def _pushed(self, writer: Writer, scratch: Scratch, url: str, refs: Mapping[str, str], stamp: Stamp) -> None:
        """Push tags, and take them back here if that fails."""
        why = scratch.push(url, refs) if url else ""
        if why:
            self._withdraw(writer, refs, stamp)
            names = ", ".join(ref.removeprefix("refs/tags/") for ref in refs)
            hint = f"the tag was taken back; try `git push {self._push}` by hand to see what it wants"
            raise Unavailable(f"{names} cannot be pushed to {anonymous(url)}: {why}", hint=hint)

    def _withdraw(self, writer: Writer, refs: Mapping[str, str], stamp: Stamp) -> None:
        """Delete tags of ours, if they are what we made."""
        person = writer.person(stamp.by, stamp.mail)
        why = writer.move([(ref, "", name) for ref, name in refs.items()], (), person, "taken back")
        if why:
            names = " ".join(shlex.quote(ref.removeprefix("refs/tags/")) for ref in refs)
            raise Unavailable(f"it failed, and what was tagged is still here: {why}", hint=f"git tag -d {names}")

    def _lines(self, ground: Ground, events: Sequence[Event], stamp: Stamp) -> tuple[str, ...]:
        lines = [_line(event, tagging.message(event, ground, stamp), stamp) for event in events]
        if self._push:
            atomic = "--atomic " if len(events) > 1 else ""
            refs = " ".join(shlex.quote(_ref(event)) for event in events)
            lines.append(f"git push {atomic}{shlex.quote(self._push)} {refs}")
        return tuple(lines)


def _holds(now: Ground, change: SetAlias | Register, ours: set[str]) -> bool:
    others = tuple(event for event in now.events if event.tag not in ours)
    before = msgspec.structs.replace(now, events=others)
    if isinstance(change, SetAlias):
        asked = (change.before, change.after)
        return (tagging.held_by(before, change.alias), tagging.held_by(now, change.alias)) == asked
    at_work = [{event.commit for event in ground.held().versions.values()} for ground in (before, now)]
    return [change.source in commits for commits in at_work] == [change.gone, not change.gone]


def _line(event: Event, text: str, stamp: Stamp) -> str:
    said = " ".join(f"-m {shlex.quote(part)}" for part in text.strip().rsplit("\n\n", 1))
    date = "" if event.at == int(stamp.at) else f"GIT_COMMITTER_DATE='@{int(event.at)} +0000' "
    return f"{date}git tag -a {shlex.quote(event.tag)} {event.commit} {said}"


def _ref(event: Event) -> str:
    return f"refs/tags/{event.tag}"


def _rivals(events: Sequence[Event], made: Mapping[str, str]) -> list[str]:
    """Return the refs that others would make of the same look at the tags, if they wanted the opposite."""
    refs = []
    for event in events:
        if event.act in _OTHER:
            number = (gto.counted(event.tag) or ("", 0))[1]
            refs.append(f"refs/tags/{gto.written(event.artifact, _OTHER[event.act], event.subject, number)}")
    return [ref for ref in refs if ref not in made]


def _after(change: SetAlias | Register, event: Event) -> str:
    return change.after if isinstance(change, SetAlias) else event.subject


def _mending(why: str) -> str:
    if ".lock" in why:
        return "another git works there; if none does, delete the lock"
    return "is there room? may you write there?"
