"""GTO: what annotated git tags say of artifacts, their versions and stages. By GTO's own rules.

    text-clf@v0.1.0      registers a version     text-clf@v0.1.0!   takes it back
    text-clf#prod#1      assigns a stage         text-clf#dev!#5    takes it away
    text-clf@deprecated  retires the artifact    text-clf@created   says that there is one

Events count by their tagger's time alone; the number at the end does not count. Within one second what takes away
wins over what gives, and any other event over a deprecation. A stage belongs to a commit; where several hold it, the
one that got it last is shown, and once that is taken away the one before; of two within one second, the version that
was registered first. What a commit got that never was a version is not taken away from it. Lightweight tags say
nothing, and neither do tags that point at no commit. (Format and rules: GTO 1.10, `gto/constants.py`, `gto/base.py`,
and runs of it.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec

from lineal.errors import ConfigError

_PART = r"[a-zA-Z0-9](?:[a-zA-Z0-9-/_]*[a-zA-Z0-9])?"
_LABEL = r"(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
_SEMVER = (
    r"v(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)"
    rf"(?:-{_LABEL}(?:\.{_LABEL})*)?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?"
)
_TAG = re.compile(
    rf"(?P<artifact>(?:[a-zA-Z0-9-_./]+=)?{_PART})"
    rf"(?:(?:#(?P<stage>{_PART})|@(?P<version>{_SEMVER}))(?P<cancel>!?)|@(?P<word>deprecated|created))(?:#(?P<counter>[0-9]+))?",
    re.ASCII,
)

_ARTIFACT = re.compile(rf"(?:[a-zA-Z0-9-_./]+:)?{_PART}", re.ASCII)
_STAGE = re.compile(_PART, re.ASCII)
_VERSION = re.compile(_SEMVER, re.ASCII)
_LONG = 1_000  # characters of a tag; matching takes their square
_WORD = 200  # characters of a name that is written


class Act(StrEnum):
    """What a tag does."""

    REGISTER = "register"
    DEREGISTER = "deregister"
    ASSIGN = "assign"
    UNASSIGN = "unassign"
    DEPRECATE = "deprecate"
    CREATE = "create"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One tag that GTO understands. `artifact` is as GTO shows it: `dir:name`, where the tag has `dir=name`."""

    tag: str
    artifact: str
    act: Act
    subject: str  # the version or the stage
    commit: str
    at: float  # Unix seconds, whole
    by: str


class Move(msgspec.Struct, frozen=True, kw_only=True):
    """A stage passed from one commit to another; "" is none."""

    stage: str
    before: str
    after: str
    at: float
    by: str


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for one artifact now, and how its stages moved until then."""

    name: str
    versions: dict[str, Event]  # version: its registration
    stages: dict[str, Event]  # stage: the assignment that holds
    moves: tuple[Move, ...]
    deprecated: bool = False


def parse(tag: str, commit: str, at: float, by: str) -> Event | None:
    """Read one annotated tag; None where it is not one of GTO's."""
    found = _TAG.fullmatch(tag) if len(tag) <= _LONG else None
    if not found:
        return None
    if found["word"]:
        act, subject = (Act.DEPRECATE if found["word"] == "deprecated" else Act.CREATE), ""
    elif found["version"]:
        act, subject = (Act.DEREGISTER if found["cancel"] else Act.REGISTER), found["version"]
    else:
        act, subject = (Act.UNASSIGN if found["cancel"] else Act.ASSIGN), found["stage"]
    artifact = found["artifact"].replace("=", ":")
    return Event(tag=tag, artifact=artifact, act=act, subject=subject, commit=commit, at=at, by=by)


def counted(tag: str) -> tuple[str, int] | None:
    """Return the artifact of a tag and the number at its end (0: none), lightweight or not; None if not GTO's."""
    found = _TAG.fullmatch(tag) if len(tag) <= _LONG else None
    return (found["artifact"].replace("=", ":"), int(found["counter"] or 0)) if found else None


def written(artifact: str, act: Act, subject: str, number: int = 0) -> str:
    """Return the tag that says `act` of an artifact's version or stage; `number` is its counter, 0 for none.

    Raises:
        ConfigError: GTO could not read it.
    """
    _named(_ARTIFACT, artifact, "an artifact", "name it under `artifacts:` in dvc.yaml: letters, digits, -, _ and /")
    if act in (Act.ASSIGN, Act.UNASSIGN):
        _named(_STAGE, subject, "a stage", "letters, digits, -, _ and /, with a letter or digit at each end")
    else:
        _named(_VERSION, subject, "a version", "write it as v1.2.3 (semver.org)")
    mark = "!" if act in (Act.UNASSIGN, Act.DEREGISTER) else ""
    joint = "#" if act in (Act.ASSIGN, Act.UNASSIGN) else "@"
    end = f"#{number}" if number else ""
    return f"{artifact.replace(':', '=')}{joint}{subject}{mark}{end}"


def _named(pattern: re.Pattern[str], text: str, what: str, hint: str) -> None:
    if len(text) > _WORD or not pattern.fullmatch(text):
        short = text if len(text) <= _WORD else f"{text[:60]}…"
        raise ConfigError(f"{short!r} is no name for {what} in GTO", hint=hint)


def fold(events: Iterable[Event]) -> dict[str, Artifact]:
    """Return every artifact that the tags speak of."""
    by_name: dict[str, _Artifact] = {}
    for event in sorted(events, key=lambda event: (event.at, _LAST[event.act], event.tag)):
        if event.act is not Act.CREATE:
            by_name.setdefault(event.artifact, _Artifact()).take(event)
    return {name: state.told(name) for name, state in by_name.items()}


# Within one second: what is played later counts.
_LAST = {act: order for order, act in enumerate((Act.CREATE, Act.DEPRECATE, Act.REGISTER, Act.DEREGISTER, Act.ASSIGN))}
_LAST[Act.UNASSIGN] = len(_LAST)


class _Version(msgspec.Struct):
    """What tags said of the version at one commit; `order` is that of the first of them."""

    order: int
    registration: Event | None = None  # while it holds


class _Assignment(msgspec.Struct):
    """The last assignment of a stage to one commit."""

    event: Event
    order: int
    taken: bool = False  # by a later event


class _Artifact:
    """One artifact while its events are played."""

    def __init__(self) -> None:
        self.versions: dict[str, _Version] = {}  # commit: what was ever registered or deregistered there
        self.assigned: dict[str, dict[str, _Assignment]] = {}  # stage: commit: its assignment
        self.holders: dict[str, str] = {}  # stage: the commit that it shows
        self.moves: list[Move] = []
        self.deprecated = False
        self._played = 0

    def take(self, event: Event) -> None:
        """Play one event."""
        self._played += 1
        self.deprecated = event.act is Act.DEPRECATE
        match event.act:
            case Act.REGISTER | Act.DEREGISTER:
                version = self.versions.setdefault(event.commit, _Version(self._played))
                version.registration = event if event.act is Act.REGISTER else None
                for stage in [stage for stage, held in self.assigned.items() if event.commit in held]:
                    self._hold(stage, self._found(stage), event)
            case Act.ASSIGN:
                self._assign(event)
            case Act.UNASSIGN:
                assignment = self.assigned.get(event.subject, {}).get(event.commit)
                if assignment is not None:
                    assignment.taken = True
                    self._hold(event.subject, self._found(event.subject), event)

    def _assign(self, event: Event) -> None:
        stage, held = event.subject, self.assigned.setdefault(event.subject, {})
        before = held.get(event.commit)
        if before is not None and before.event.at == event.at:
            before.taken = False
        else:
            held[event.commit] = _Assignment(event, self._played)
        rivals = [commit for commit in (self.holders.get(stage, ""), event.commit) if self._holds(stage, commit)]
        self._hold(stage, max(rivals, key=lambda commit: self._rank(stage, commit), default=""), event)

    def _hold(self, stage: str, commit: str, event: Event) -> None:
        before = self.holders.get(stage, "")
        if before != commit:
            self.holders[stage] = commit
            self.moves.append(Move(stage=stage, before=before, after=commit, at=event.at, by=event.by))

    def _found(self, stage: str) -> str:
        able = (commit for commit in self.assigned[stage] if self._holds(stage, commit))
        return max(able, key=lambda commit: self._rank(stage, commit), default="")

    def _holds(self, stage: str, commit: str) -> bool:
        """Say whether an assignment counts. GTO takes none away from a commit that never was a version."""
        assignment, version = self.assigned.get(stage, {}).get(commit), self.versions.get(commit)
        if assignment is None or version is None:
            return assignment is not None
        return version.registration is not None and not assignment.taken

    def _rank(self, stage: str, commit: str) -> tuple[float, float, bool, int]:
        """Return how recent an assignment is; within a second the version that was registered first wins."""
        assignment, version = self.assigned[stage][commit], self.versions.get(commit)
        at = assignment.event.at
        if version is None or version.registration is None:
            return at, -at, False, -assignment.order
        return at, -version.registration.at, True, -version.order

    def told(self, name: str) -> Artifact:
        """Return what holds after the last event."""
        held = [version.registration for version in self.versions.values() if version.registration]
        return Artifact(
            name=name,
            versions={event.subject: event for event in held},
            stages={stage: self.assigned[stage][commit].event for stage, commit in self.holders.items() if commit},
            moves=tuple(self.moves),
            deprecated=self.deprecated,
        )


_NUMBERS = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?", re.ASCII)


def precedence(version: str) -> tuple[object, ...]:
    """Return a key by which semantic versions sort (semver.org, section 11); what is none comes first."""
    found = _NUMBERS.match(version)
    if not found:
        return (-1,)
    parts = found[4].split(".") if found[4] else []
    labels = tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts)
    return (int(found[1]), int(found[2]), int(found[3]), not labels, labels)


def following(versions: Iterable[str]) -> str:
    """Return the version that GTO itself would register after `versions`: the next patch of the greatest."""
    greatest = max(versions, key=precedence, default="")
    found = _NUMBERS.match(greatest)
    return f"v{found[1]}.{found[2]}.{int(found[3]) + 1}" if found else "v0.0.1"


FIELDS = (
    "%(refname)%00%(objecttype)%00%(objectname)%00%(*objecttype)%00%(*objectname)%00%(taggerdate:unix)%00%(taggername)"
)
"""The format for `git for-each-ref refs/tags` that `tags` reads."""


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """One git tag that ends at a commit."""

    name: str
    commit: str
    annotated: bool
    at: float = 0.0
    by: str = ""


def tags(listing: str) -> Iterator[Tag]:
    """Read the answer to `for-each-ref --format=FIELDS`."""
    for line in listing.split("\n"):  # not splitlines(): names may hold other ends of lines
        parts = line.split("\0")
        if len(parts) != 7:
            continue
        ref, kind, name, inner_kind, inner, at, by = parts
        tag = ref.removeprefix("refs/tags/")
        if kind == "commit":
            yield Tag(name=tag, commit=name, annotated=False)
        elif kind == "tag" and inner_kind == "commit":
            yield Tag(name=tag, commit=inner, annotated=True, at=float(at or 0), by=by)
