"""Requests and answers about what changes something: plans, their execution, the inbox, the record.

They are to actions what `messages` is to reading: a frozen struct inside `Ask`, and an answer that carries it.
"""

from __future__ import annotations

from enum import StrEnum
from threading import Event

import msgspec
from msgspec import Struct

from lineal.model.listing import VersionRow
from lineal.model.plan import Done, Entry, Holding, Plan, Review
from lineal_tui.places import Identity
from lineal_tui.saying import Said


class Deed(StrEnum):
    """What a person can do to a version. The value is the id of its key in the table."""

    PROMOTE = "promote"
    TAG = "tag"
    ALIAS = "alias"
    ROLLBACK = "rollback"
    UNDO = "undo"
    REQUEST = "request"
    APPROVE = "approve"
    REJECT = "reject"
    NOTE = "note"
    RESUME = "resume"  # the one without a key: the palette offers it


SAYS = frozenset({Deed.REQUEST, Deed.APPROVE, Deed.REJECT, Deed.NOTE})
"""Deeds that are written into the ledger and change no registry."""
KINDS = {
    Deed.PROMOTE: "alias",
    Deed.ALIAS: "alias",
    Deed.ROLLBACK: "alias",
    Deed.TAG: "tag",
    **dict.fromkeys(SAYS, "say"),
}
"""What a registry must be able to do for a deed, as `Desk.can` calls it."""


class Standing(Struct, frozen=True):
    """Who is here, and what she may change."""

    who: str = ""
    read_only: str = ""  # why nothing can be changed; "" where it can
    cannot: dict[tuple[str, str], str] = {}  # registry and kind: why not
    begun: tuple[Plan, ...] = ()  # actions that were started and not ended


# --- requests -----------------------------------------------------------------------------------------------------


class StandingRequest(Struct, frozen=True):
    """Who is here, and what may be changed in these registries."""

    registries: tuple[str, ...]


class TargetsRequest(Struct, frozen=True):
    """The aliases that a version may be given, likeliest first."""

    row: VersionRow


class PlanRequest(Struct, frozen=True, kw_only=True):
    """What a deed would do. An empty `alias` means the likeliest; `to` is the version to go back to.

    With `judged` a promotion that cannot be made is judged all the same, for a reader.
    """

    deed: Deed
    row: VersionRow | None = None
    alias: str = ""
    text: str = ""  # the reason, or the note
    sets: tuple[tuple[str, str], ...] = ()
    removes: tuple[str, ...] = ()
    to: Identity | None = None
    event: str = ""  # what is undone or resumed; "" for the last
    judged: bool = False


class ExecuteRequest(Struct, frozen=True):
    """Do what a plan says. `stop` is set where the person no longer wants it."""

    plan: Plan
    override: str
    stop: Event
    resumes: bool = False


class InboxRequest(Struct, frozen=True):
    """What waits for a review."""


class RecordRequest(Struct, frozen=True):
    """What happened to a model's aliases; without a model, to those that the log speaks of."""

    registry: str = ""
    model: str = ""


class ReportRequest(Struct, frozen=True):
    """Write the evidence about a version and an alias into a folder."""

    row: VersionRow
    alias: str
    folder: str
    picture: str


Act = StandingRequest | TargetsRequest | PlanRequest | ExecuteRequest | InboxRequest | RecordRequest | ReportRequest


# --- answers ------------------------------------------------------------------------------------------------------


class StandingReady(Said, bubble=False):
    """Who is here, and what may be changed."""

    request: StandingRequest
    standing: Standing


class TargetsReady(Said, bubble=False):
    """Aliases, likeliest first."""

    request: TargetsRequest
    aliases: tuple[str, ...]


class Drawn(Struct, frozen=True, kw_only=True):
    """A plan, and what stands beside it on a screen."""

    plan: Plan
    aliases: tuple[str, ...] = ()  # those that it could be about, likeliest first
    since: float | None = None  # when the incumbent got the alias, Unix seconds
    rival: VersionRow | None = None  # the incumbent, where the index holds it


class PlanReady(Said, bubble=False):
    """What would be done."""

    request: PlanRequest
    drawn: Drawn


class StepSaid(Said, bubble=False):
    """One line about an action that runs."""

    request: ExecuteRequest
    said: str


class Executed(Said, bubble=False):
    """What became of a plan."""

    request: ExecuteRequest
    done: Done


class Waiting(msgspec.Struct, frozen=True):
    """One line of the inbox; `row` is None where the index does not hold the version any more."""

    review: Review
    row: VersionRow | None


class InboxReady(Said, bubble=False):
    """What waits for a review, oldest first."""

    request: InboxRequest
    waiting: tuple[Waiting, ...]


class RecordReady(Said, bubble=False):
    """What aliases held, and the log, both newest first; `rows` are the versions of the holdings that are indexed."""

    request: RecordRequest
    holdings: tuple[Holding, ...]
    entries: tuple[Entry, ...]
    rows: dict[Identity, VersionRow]


class ReportReady(Said, bubble=False):
    """The files that were written."""

    request: ReportRequest
    paths: tuple[str, ...]
