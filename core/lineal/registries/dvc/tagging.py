"""What GTO's tags would have to be for a change to hold: looked at, worked out and proved, before anything is written.

A move of a stage is one assignment to the commit that is to hold it, also when it goes back to an old one. A stage is
taken away from every commit that would come to show it again, from the one that shows it now last. Tags are dated
behind all others of their artifact, since only dates count; the number at the end is one count over the artifact's
tags. What the tags mean with the new ones among them is worked out first, and refused where it is not the change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from lineal.errors import Conflict, Unsupported
from lineal.model.changes import Register, SetAlias, Stamp
from lineal.registries.dvc import gto
from lineal.registries.dvc.gto import Act, Event

_FUTURE = 86_400.0  # seconds by which a tag may be ahead of the clock
_CHANGED = "somebody was quicker: look at it again"
TRAILER = "Lineal-Action:"


class Ground(msgspec.Struct, frozen=True, kw_only=True):
    """What the tags of one artifact were when they were looked at."""

    artifact: str
    events: tuple[Event, ...]
    names: frozenset[str]  # of all tags of the repository, lightweight ones too
    count: int  # the greatest number at an end

    @property
    def last(self) -> float:
        """When the newest tag was made, in Unix seconds; 0 where there is none."""
        return max((event.at for event in self.events), default=0.0)

    def held(self, more: Iterable[Event] = ()) -> gto.Artifact:
        """Return what holds, with `more` tags as well."""
        empty = gto.Artifact(name=self.artifact, versions={}, stages={}, moves=())
        return gto.fold((*self.events, *more)).get(self.artifact, empty)

    def given(self) -> dict[str, str]:
        """Return the version that each commit was ever registered as."""
        acts = (Act.REGISTER, Act.DEREGISTER)
        return {event.commit: event.subject for event in self.events if event.act in acts}

    def called(self, commit: str) -> str:
        """Return what people call a commit."""
        return self.given().get(commit) or commit[:8] or "nothing"


def look(listing: str, artifact: str) -> Ground:
    """Read the answer to `for-each-ref --format=FIELDS refs/tags` for one artifact."""
    names = {line.partition("\0")[0].removeprefix("refs/tags/") for line in listing.split("\n") if line}
    parsed = (gto.parse(tag.name, tag.commit, tag.at, tag.by) for tag in gto.tags(listing) if tag.annotated)
    counts = (found[1] for name in names if (found := gto.counted(name)) and found[0] == artifact)
    return Ground(
        artifact=artifact,
        events=tuple(event for event in parsed if event and event.artifact == artifact),
        names=frozenset(names),
        count=max(counts, default=0),
    )


def planned(ground: Ground, change: SetAlias | Register, stamp: Stamp) -> tuple[Event, ...]:
    """Return the tags that make a change hold, in the order in which they are dated.

    Raises:
        ConfigError: GTO knows no such name.
        Conflict: `before` does not hold, the change holds already, or the newest tag is dated too far ahead.
        Unsupported: by GTO's rules no tag would do it.
    """
    if isinstance(change, SetAlias):
        return _moving(ground, change, stamp)
    return (_taking_back if change.gone else _registering)(ground, change, stamp)


def held_by(ground: Ground, stage: str) -> str:
    """Return the commit that shows a stage, "" for none."""
    event = ground.held().stages.get(stage)
    return event.commit if event else ""


def related(ground: Ground, change: SetAlias | Register) -> list[Event]:
    """Return the tags that decide about what a change is about, newest first."""
    if isinstance(change, SetAlias):
        about = [one for one in ground.events if one.act in (Act.ASSIGN, Act.UNASSIGN) and one.subject == change.alias]
    else:
        acts = (Act.REGISTER, Act.DEREGISTER)
        about = [one for one in ground.events if one.act in acts and one.commit == change.source]
    return sorted(about, key=lambda event: event.at, reverse=True)


def says(event: Event, change: SetAlias | Register) -> bool:
    """Say whether a tag is what a change would write."""
    if isinstance(change, SetAlias):
        act = Act.ASSIGN if change.after else Act.UNASSIGN
        return (event.act, event.subject, event.commit) == (act, change.alias, change.after or change.before)
    act = Act.DEREGISTER if change.gone else Act.REGISTER
    return (event.act, event.commit) == (act, change.source) and change.after in ("", event.subject)


def message(event: Event, ground: Ground, stamp: Stamp) -> str:
    """Return what a tag says: the reason, and the action that it is part of."""
    verbs = {Act.ASSIGN: "Assign", Act.UNASSIGN: "Unassign", Act.REGISTER: "Register", Act.DEREGISTER: "Deregister"}
    version = "" if event.act in (Act.REGISTER, Act.DEREGISTER) else f": {ground.called(event.commit)}"
    return worded(stamp, f"{verbs[event.act]} {event.artifact} {event.subject}{version}")


def worded(stamp: Stamp, plain: str) -> str:
    """Return the message of a tag or commit: the reason of a stamp or else `plain`, and the action as a trailer."""
    lines = [line.rstrip() for line in "".join(filter(_keepable, stamp.reason)).strip().split("\n")]
    said = "\n".join(f" {line}" if line.startswith(("-----", TRAILER)) else line for line in lines)
    return f"{said or plain}\n\n{TRAILER} {stamp.action}\n"


def action(text: str) -> str:
    """Return the action that a message names in its last trailer, a signature behind it aside; "" for none."""
    lines = text.split("\n-----BEGIN ")[0].rstrip().split("\n")
    return lines[-1].removeprefix(TRAILER).strip() if lines[-1].startswith(TRAILER) else ""


def _keepable(letter: str) -> bool:
    return letter.isprintable() or letter in "\n\t"


def _moving(ground: Ground, change: SetAlias, stamp: Stamp) -> tuple[Event, ...]:
    gto.written(change.model, Act.ASSIGN, change.alias)
    now = held_by(ground, change.alias)
    if now != change.before:
        raise Conflict(f"{change.model}#{change.alias} is {ground.called(now)} now", hint=_CHANGED)
    if change.before == change.after:
        raise Conflict(f"{change.model}#{change.alias} is {ground.called(now)} already")
    commits = [change.after] if change.after else _shown(ground, change, stamp)
    act = Act.ASSIGN if change.after else Act.UNASSIGN
    tags = _tags(ground, act, change.alias, commits, stamp)
    stages = {stage: event.commit for stage, event in ground.held().stages.items() if stage != change.alias}
    stages |= {change.alias: change.after} if change.after else {}
    if not _means(ground, tags, stages):
        still = ground.held(tags).stages.get(change.alias)
        raise _powerless(ground, change, change.after or (still.commit if still else change.before))
    if not change.before:
        undoing = _tags(_with(ground, tags), Act.UNASSIGN, change.alias, [change.after], stamp)
        if change.alias in ground.held((*tags, *undoing)).stages:
            raise _powerless(ground, change, change.after)
    return tags


def _shown(ground: Ground, change: SetAlias, stamp: Stamp) -> list[str]:
    """Return the commits that would show a stage one after the other as it is taken away, last first."""
    commits: list[str] = []
    shows = change.before
    while shows and shows not in commits:
        commits.insert(0, shows)
        event = ground.held(_tags(ground, Act.UNASSIGN, change.alias, commits[::-1], stamp)).stages.get(change.alias)
        shows = event.commit if event else ""
    return commits


def _powerless(ground: Ground, change: SetAlias, commit: str) -> Unsupported:
    """Say why no tag can do what is asked."""
    name, stage = ground.called(commit), f"{change.model}#{change.alias}"
    known = commit in ground.given()
    if known and commit not in {event.commit for event in ground.held().versions.values()}:
        return Unsupported(f"{name} of {change.model} was deregistered", hint="register it again first")
    if not known:
        why = f"GTO takes no stage away from a commit without a version, and {name} has none"
        return Unsupported(f"{stage} cannot be changed: {why}", hint=f"register {name} as a version first")
    return Unsupported(f"by GTO's rules no tag makes {stage} {name}", hint="`gto history` shows the tags that count")


def _registering(ground: Ground, change: Register, stamp: Stamp) -> tuple[Event, ...]:
    given, held = ground.given(), ground.held().versions
    at_work = {event.commit: version for version, event in held.items()}
    if change.source in at_work:
        raise Conflict(f"{change.source[:8]} is {change.model} {at_work[change.source]} already")
    version = change.after or given.get(change.source) or gto.following(given.values())
    gto.written(change.model, Act.REGISTER, version)
    if given.get(change.source, version) != version:
        was = given[change.source]
        hint = f"a commit has one version for good: register it as {was}"
        raise Conflict(f"{change.source[:8]} was {change.model} {was}", hint=hint)
    taken = next((commit for commit, name in given.items() if name == version and commit != change.source), "")
    if taken:
        hint = f"a version is one commit for good; {gto.following(given.values())} is free"
        raise Conflict(f"{version} of {change.model} is or was {taken[:8]}", hint=hint)
    return _still(ground, _tags(ground, Act.REGISTER, version, [change.source], stamp))


def _taking_back(ground: Ground, change: Register, stamp: Stamp) -> tuple[Event, ...]:
    held = ground.held().versions
    version = change.after or next((name for name, event in held.items() if event.commit == change.source), "")
    if version:
        gto.written(change.model, Act.DEREGISTER, version)
    event = held.get(version)
    if event is None or event.commit != change.source:
        now = "not registered" if event is None else event.commit[:8]
        raise Conflict(f"{version or change.source[:8]} of {change.model} is {now} now", hint=_CHANGED)
    return _still(ground, _tags(ground, Act.DEREGISTER, version, [change.source], stamp))


def _still(ground: Ground, tags: tuple[Event, ...]) -> tuple[Event, ...]:
    """Return tags of a version if they leave every stage where it is."""
    stages = {stage: event.commit for stage, event in ground.held().stages.items()}
    if not _means(ground, tags, stages):
        moved = {stage: event.commit for stage, event in ground.held(tags).stages.items()}
        which = ", ".join(
            sorted(stage for stage in stages.keys() | moved.keys() if stages.get(stage) != moved.get(stage))
        )
        raise Conflict(f"it would change who is {which} of {ground.artifact}", hint="move that stage first")
    return tags


def _means(ground: Ground, tags: tuple[Event, ...], stages: Mapping[str, str]) -> bool:
    """Say whether with new tags the stages are at those commits."""
    found = {stage: event.commit for stage, event in ground.held(tags).stages.items()}
    return found == stages


def _with(ground: Ground, tags: Iterable[Event]) -> Ground:
    more = tuple(tags)
    names = ground.names | {event.tag for event in more}
    count = max([ground.count, *(found[1] for event in more if (found := gto.counted(event.tag)))])
    return msgspec.structs.replace(ground, events=(*ground.events, *more), names=names, count=count)


def _tags(ground: Ground, act: Act, subject: str, commits: Iterable[str], stamp: Stamp) -> tuple[Event, ...]:
    """Return one tag for each commit, a second apart, behind all others of the artifact."""
    if ground.last > stamp.at + _FUTURE:
        newest = max(ground.events, key=lambda event: event.at)
        date = datetime.fromtimestamp(min(newest.at, 253_402_300_799), UTC).strftime("%Y-%m-%d %H:%M UTC")
        hint = f"only the newest counts: is the clock right? if it is, make {newest.tag} anew with today's date"
        raise Conflict(f"the tag {newest.tag} is dated {date}, more than a day ahead", hint=hint)
    at, number, made = max(float(int(stamp.at)), ground.last + 1), ground.count + 1, []
    for place, commit in enumerate(commits):
        name = gto.written(ground.artifact, act, subject, number + place)
        plain = gto.written(ground.artifact, act, subject)
        if act in (Act.REGISTER, Act.DEREGISTER) and plain not in ground.names:
            name = plain
        made.append(
            Event(
                tag=name,
                artifact=ground.artifact,
                act=act,
                subject=subject,
                commit=commit,
                at=at + place,
                by=stamp.by,
            )
        )
    return tuple(made)
