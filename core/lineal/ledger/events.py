"""What is written down: events, each in an entry that is chained to the one before by its hash.

An entry is an object `ledger/<thousands>/<number>` of sorted JSON. A kind of event that a newer Lineal wrote is kept as
it is: events are read by what is known of them, and chained by their bytes.
"""

from __future__ import annotations

import msgspec

from lineal.model.plain import finite, spelt
from lineal.model.values import Metric, Tag

COMMITTED = "committed"  # a version was made here, or brought from another store; it has its number from this event
RETIRED = "retired"  # a version is not to be used; its bytes go with `gc`
RESTORED = "restored"  # a retired version counts again
METRICS = "metrics"
TAGS = "tags"
NOTE = "note"


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that somebody did or said about a version. `id` is drawn by its writer and never used again."""

    id: str  # 32 hexadecimal digits
    kind: str
    at: float  # Unix seconds
    by: str = ""
    host: str = ""
    model: str = ""
    version: str = ""  # a manifest's id
    number: int | None = None  # of a committed version: 1 for v1
    message: str = ""
    metrics: tuple[Metric, ...] = ()
    tags: tuple[Tag, ...] = ()


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An event in its place: `number` counts from 1, `before` is the hash of the entry before, or the store's id."""

    number: int
    before: str
    event: Event


def key(number: int) -> str:
    """Return the key of an entry's object."""
    return f"ledger/{number // 1000:08d}/{number:012d}"


def encode(entry: Entry) -> bytes:
    """Return an entry's bytes."""
    return msgspec.json.encode(spelt(finite(msgspec.to_builtins(entry))), order="sorted") + b"\n"


def decode(data: bytes) -> Entry:
    """Return the entry that `data` writes. Raises msgspec.DecodeError."""
    return msgspec.json.decode(data, type=_Loose).entry()


class _LooseMetric(msgspec.Struct, frozen=True):
    """A metric whose value may be "NaN" or "Infinity", which JSON cannot write as numbers."""

    name: str
    value: float | str
    step: int | None = None
    goal: str | None = None
    dataset: str = ""


class _LooseEvent(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    kind: str
    at: float
    by: str = ""
    host: str = ""
    model: str = ""
    version: str = ""
    number: int | None = None
    message: str = ""
    metrics: tuple[_LooseMetric, ...] = ()
    tags: tuple[Tag, ...] = ()


class _Loose(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    before: str
    event: _LooseEvent

    def entry(self) -> Entry:
        """Return it with numbers where numbers belong."""
        fields = msgspec.structs.asdict(self.event)
        fields["metrics"] = tuple(
            msgspec.convert({**msgspec.to_builtins(one), "value": _value(one.value)}, Metric)
            for one in self.event.metrics
        )
        return Entry(number=self.number, before=self.before, event=Event(**fields))


def _value(value: float | str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise msgspec.ValidationError(f"a metric with the value {value[:40]!r}") from error  # type: ignore[index]


def digest(data: bytes) -> str:
    """Return the hash that chains an entry's bytes."""
    from blake3 import blake3

    return blake3(data).hexdigest()
