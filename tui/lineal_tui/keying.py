"""What a key is: the screens, the groups of the help, and a line of the table."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Where(StrEnum):
    """A screen, or what stands above one."""

    MODELS = "models"
    LINEAGE = "lineage"
    COMPARE = "compare"
    CHARTS = "charts"
    REVIEW = "review"
    HISTORY = "history"
    SOURCES = "sources"
    PREVIEW = "preview"  # the plan of an action, before it is taken
    OUTPUT = "output"  # what a command writes
    DIALOG = "dialog"  # help, choices, details: whatever opens above a screen


class Group(StrEnum):
    """Where the help puts a key."""

    DO = "Do"
    CHANGE = "Change (a plan first; the same key again confirms)"
    SEE = "See"
    GO = "Go"
    MOVE = "Move"


SCREENS = (
    Where.MODELS, Where.LINEAGE, Where.COMPARE, Where.CHARTS, Where.REVIEW, Where.HISTORY, Where.SOURCES,
)  # fmt: skip
EVERY = frozenset(SCREENS)
ACTING = EVERY - {Where.SOURCES} | {Where.PREVIEW}
"""Where there is a version to act on, and where the same key confirms."""
ELSEWHERE = ACTING - {Where.REVIEW}
ALL = frozenset(Where)


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """What one key does on some screens.

    `keys` are Textual's names, `shown` is what a person reads, `label` stands in the footer where `rank` is above 0
    (the highest rank stays when room is short), `help` is one sentence.
    """

    id: str
    keys: tuple[str, ...]
    shown: str
    label: str
    help: str
    group: Group
    where: frozenset[Where] = EVERY
    rank: int = 0


def on(*where: Where) -> frozenset[Where]:
    """Return some screens."""
    return frozenset(where)


def key(
    id: str,  # noqa: A002 - it is one
    keys: str,
    shown: str,
    label: str,
    help: str,  # noqa: A002
    group: Group,
    where: frozenset[Where] = EVERY,
    rank: int = 0,
) -> Key:
    """Make a key from a line of the table; `keys` stand apart by spaces."""
    return Key(
        id=id, keys=tuple(keys.split()), shown=shown, label=label, help=help, group=group, where=where, rank=rank
    )
