"""What a sync tells while it runs, as data: for a progress line, a screen, or one JSON object a line."""

from __future__ import annotations

import msgspec

from lineal.model.records import Problem


class Started(msgspec.Struct, frozen=True, kw_only=True, tag="started", tag_field="event"):
    """The sync begins with these registries."""

    registries: tuple[str, ...]


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag="progress", tag_field="event"):
    """A registry has said `done` versions so far.

    `expected` is how many the index held of it, None for a first scan; `rate` is versions per second; `left` is in
    seconds, None while nothing can be foretold.
    """

    registry: str
    done: int
    expected: int | None = None
    rate: float = 0.0
    left: float | None = None


class Met(msgspec.Struct, frozen=True, kw_only=True, tag="problem", tag_field="event"):
    """A registry holds something unreadable. Of one registry at most `MOST_PROBLEMS` are told; the index has all."""

    problem: Problem


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag="finished", tag_field="event"):
    """A registry was read to its end; `skipped` where nothing had changed since the last time."""

    registry: str
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    problems: int = 0
    seconds: float = 0.0
    skipped: bool = False


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed", tag_field="event"):
    """A registry could not be read (to its end); what was completed before stays."""

    registry: str
    message: str
    hint: str = ""


class Fingerprinting(msgspec.Struct, frozen=True, kw_only=True, tag="fingerprinting", tag_field="event"):
    """Local files are being hashed: bytes and files done, of how many; bytes per second; seconds left."""

    files: int
    of_files: int
    bytes: int
    of_bytes: int
    rate: float = 0.0
    left: float | None = None


class Summary(msgspec.Struct, frozen=True, kw_only=True, tag="summary", tag_field="event"):
    """How a sync ended. A sync with `failed` ends with exit code 6; the others' rows are in the index all the same."""

    finished: tuple[Finished, ...] = ()
    failed: tuple[Failed, ...] = ()
    dropped: tuple[str, ...] = ()  # registries that the configuration no longer names
    hashed: int = 0  # files that were read for their fingerprint
    mismatched: int = 0  # local files whose bytes are not those that their registry names
    cancelled: bool = False
    seconds: float = 0.0


Event = Started | Progress | Met | Finished | Failed | Fingerprinting | Summary
MOST_PROBLEMS = 100
EVERY = 0.1  # seconds between two Progress events of a registry, and two Fingerprinting events
