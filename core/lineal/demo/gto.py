"""The tags by which GTO registers versions and moves stages, as `gto` 1.10 writes them.

Source: gto.org's and DVC's documentation of GTO: `<artifact>@v<semver>`, `<artifact>#<stage>#<n>`, `…!` takes back. The
state follows the taggers' times, so no two tags of an artifact share a second here.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from lineal.demo import story
from lineal.demo.story import MIRA, OLA, SVEN, Calendar, Person


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """One annotated tag on the commit that gave `commit` (`fraud@2.0.0`)."""

    name: str
    commit: str
    who: Person
    at: int
    message: str


class _Move(msgspec.Struct, frozen=True, kw_only=True):
    """A stage given to a version, or taken from it."""

    artifact: str = "fraud"
    version: str
    stage: str
    days: float
    who: Person
    away: bool = False
    why: str = ""


_MOVES = (
    _Move(version="1.0.0", stage="staging", days=167, who=MIRA),
    _Move(version="1.0.0", stage="prod", days=165, who=MIRA),
    _Move(version="1.0.1", stage="prod", days=159, who=MIRA),
    _Move(version="1.1.0", stage="staging", days=139, who=OLA),
    _Move(version="1.1.0", stage="staging", days=118, who=OLA, away=True, why="Nobody is testing it any more"),
    _Move(version="1.2.0", stage="prod", days=110, who=OLA),
    _Move(version="2.0.0", stage="staging", days=83, who=MIRA),
    _Move(version="2.0.0", stage="prod", days=80, who=MIRA),
    _Move(version="2.1.0", stage="prod", days=55.5, who=SVEN),
    _Move(version="2.0.0", stage="prod", days=54, who=OLA, why="Roll back: 2.1.0 lets fraud through"),
    _Move(version="2.1.1", stage="prod", days=47, who=OLA),
    _Move(version="2.2.0", stage="staging", days=20, who=MIRA),
    _Move(version="2.2.0", stage="prod", days=17, who=MIRA),
    _Move(version="2.3.0", stage="staging", days=2.5, who=MIRA),
    _Move(artifact="fraud-q8", version="2.2.0", stage="edge", days=16, who=SVEN),
    _Move(artifact="churn", version="0.1.0", stage="dev", days=149, who=SVEN),
    _Move(artifact="churn", version="0.1.0", stage="dev", days=101, who=SVEN, away=True),
    _Move(artifact="churn", version="0.3.0", stage="prod", days=28, who=SVEN),
)
_QUANTISED = ("2.0.0", "2.2.0")
_CHURNS = (("0.1.0", 150.0), ("0.2.0", 100.0), ("0.3.0", 30.0))
_REGISTERED = 140  # minutes after the change


def tags(dates: Calendar) -> list[Tag]:
    """Return every tag, the oldest first."""
    count: Counter[str] = Counter()
    moves = [_move(move, dates, count) for move in sorted(_MOVES, key=lambda move: -move.days)]
    return sorted([*_registrations(dates), *moves], key=lambda tag: tag.at)


def _registrations(dates: Calendar) -> list[Tag]:
    found = []
    for release in story.RELEASES:
        at = dates.ago(release.days, _REGISTERED)
        found.append(_register("fraud", release.semver, f"fraud@{release.semver}", release.author, at))
        if release.semver in _QUANTISED:
            found.append(_register("fraud-q8", release.semver, f"fraud@{release.semver}", SVEN, at + 60))
    for semver, days in _CHURNS:
        found.append(_register("churn", semver, f"churn@{semver}", SVEN, dates.ago(days, _REGISTERED)))
    away = "Deregistered: it was fitted with the wrong ridge"
    found.append(Tag(name="churn@v0.2.0!", commit="churn@0.2.0", who=SVEN, at=dates.ago(95), message=away))
    return found


def _register(artifact: str, semver: str, commit: str, who: Person, at: int) -> Tag:
    message = f"Registering artifact {artifact} version v{semver}"
    return Tag(name=f"{artifact}@v{semver}", commit=commit, who=who, at=at, message=message)


def _move(move: _Move, dates: Calendar, count: Counter[str]) -> Tag:
    count[move.artifact] += 1
    trained = "fraud" if move.artifact == "fraud-q8" else move.artifact
    what = f"{'Unassigning' if move.away else 'Assigning'} stage {move.stage} {'from' if move.away else 'to'}"
    return Tag(
        name=f"{move.artifact}#{move.stage}{'!' if move.away else ''}#{count[move.artifact]}",
        commit=f"{trained}@{move.version}",
        who=move.who,
        at=dates.ago(move.days),
        message=move.why or f"{what} artifact {move.artifact} version v{move.version}",
    )
