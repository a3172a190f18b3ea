"""What is known of a version when it is judged, as values: nothing here looks anything up.

What is not known is None or empty, and is never taken for good.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

import msgspec

from lineal.model.plan import Approval
from lineal.model.values import Goal
from lineal.model.version import Version


class Ran(StrEnum):
    """How far a command came."""

    RAN = "ran"
    PENDING = "pending"  # not yet
    UNTRUSTED = "untrusted"  # nobody allowed it here
    TIMEOUT = "timeout"
    MISSING = "missing"  # there is no such program, or it could not be started


class CommandResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a command. `exit` is negative where a signal ended it."""

    name: str
    outcome: Ran
    exit: int | None = None
    seconds: float = 0.0
    output: str = ""  # the last of stdout and stderr


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """The candidate had an alias from `since` until `until`, in Unix seconds."""

    alias: str
    since: float | None = None  # None: before anybody looked
    until: float | None = None  # None: it still has it


def no_goal(_: str) -> Goal | None:
    """Know no metric's goal."""
    return None


def no_noise(_: str) -> float:
    """Take every difference for one."""
    return 0.0


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate for an alias, the version that holds the alias now, and what was found out about them.

    `incumbent_name` without an `incumbent` says that a version holds the alias which could not be read. `approvals` are
    in the order in which they were given, withdrawn ones left out, their signatures already looked at: one that does
    not count says why, and a valid signature gives it a `signer`.
    """

    version: Version
    registry: str
    model: str
    alias: str
    now: float  # Unix seconds
    registry_kind: str = ""
    incumbent: Version | None = None
    incumbent_name: str = ""
    actor: str = ""  # who would move the alias, `Name <mail>` or a name
    author: str = ""  # who made the version, likewise
    parents: int | None = None  # versions that it came from
    code_reachable: bool | None = None  # whether its commit is in a branch of a remote
    code_branches: tuple[str, ...] = ()  # which those are: `origin/main`
    unsafe: tuple[str, ...] = ()  # files that hold pickles
    unscanned: bool = True  # whether there may be pickles in files that could not be looked at
    scanned: tuple[str, ...] | None = None  # what a scan of all unsafe files found; None: there was none
    verified: bool | None = None  # whether its bytes are what was recorded; None: nobody looked
    size: int | None = None  # bytes of all its files
    held: tuple[Held, ...] = ()
    approvals: tuple[Approval, ...] = ()
    commands: Mapping[str, CommandResult] = {}
    goals: Callable[[str], Goal | None] = no_goal  # which way a metric gets better
    noise: Callable[[str], float] = no_noise  # by how much it may change without meaning anything, in its own unit
