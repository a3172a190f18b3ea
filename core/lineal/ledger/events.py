"""What is written down: events, each in an entry that is chained to the one before by its hash.

An entry is an object `ledger/<thousands>/<number>` of sorted JSON. A kind of event that a newer Lineal wrote is kept as
it is: events are read by what is known of them, and chained by their bytes.
"""

from __future__ import annotations

import msgspec

from lineal.model.plain import finite, spelt
from lineal.model.values import Goal, Metric, Tag

COMMITTED = "committed"  # a version was made here, or brought from another store; it has its number from this event
RETIRED = "retired"  # a version is not to be used; its bytes go with `gc`
RESTORED = "restored"  # a retired version counts again
METRICS = "metrics"
TAGS = "tags"
NOTE = "note"
ALIAS = "alias"  # an alias was moved: of a model of this store by this very event, of another registry just before it
WATCHED = "watched"  # from now on moves of a registry's aliases are observed; before that they are not known
OBSERVED = "observed"  # a sync saw that somebody moved aliases of a registry
REQUESTED = "requested"  # a version is proposed for an alias
APPROVED = "approved"
REJECTED = "rejected"
DEPLOYED = "deployed"  # a version runs somewhere: an alias is but an intention
EVIDENCE = "evidence"  # a report about a version and an alias
WITHDRAWN = "withdrawn"  # what an earlier event said does not count any more
STARTED = "started"  # an action begins: `detail` holds all that it will change, so that it can be ended by others
APPLIED = "applied"
REVERTED = "reverted"
INCOMPLETE = "incomplete"
DELIVERED = "delivered"  # a hook was told of an event, or could not be

SAYINGS = frozenset({NOTE, REQUESTED, APPROVED, REJECTED, DEPLOYED, EVIDENCE})
REVIEWS = frozenset({APPROVED, REJECTED})  # only who said one can withdraw it
ENDS = frozenset({APPLIED, REVERTED, INCOMPLETE})


class Move(msgspec.Struct, frozen=True, omit_defaults=True):
    """An alias of a model passed from one version to another; "" is none."""

    model: str
    alias: str
    before: str = ""
    after: str = ""


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that somebody did or said. `id` is drawn by its writer and never used again.

    A model is one of this store, or of the registry that is named. `version` is its key there: in this store a
    manifest's id. Of a moved alias it is what the alias points at since, "" for nothing.
    """

    id: str  # 32 hexadecimal digits
    kind: str
    at: float  # Unix seconds
    by: str = ""
    host: str = ""
    registry: str = ""  # "" for this store's own models
    model: str = ""
    version: str = ""
    number: int | None = None  # of a committed version: 1 for v1
    message: str = ""
    metrics: tuple[Metric, ...] = ()
    tags: tuple[Tag, ...] = ()
    gone: tuple[str, ...] = ()  # keys of tags that were taken away
    alias: str = ""
    before: str = ""  # what the alias pointed at
    moves: tuple[Move, ...] = ()  # that were observed
    where: str = ""  # of a deployment
    of: str = ""  # the event that is withdrawn or delivered
    action: str = ""  # the action that it is part of; that of the started event is its own id
    undoes: str = ""  # the action that this one takes back
    content: str = ""  # digest over the version's files when it was promoted
    command: str = ""  # the same on the command line
    detail: str = ""  # JSON: of an action, `lineal.actions.recording.Detail`; read only where it is asked for
    store: str = ""  # of a signed event: the id of the store that it was signed for
    signature: str = ""  # over all of the event but this; see `lineal.ledger.signing`


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
    return _DECODER.decode(data).entry()


class _LooseMetric(msgspec.Struct, frozen=True):
    """A metric whose value may be "NaN" or "Infinity", which JSON cannot write as numbers."""

    name: str
    value: float | str
    step: int | None = None
    goal: Goal | None = None
    dataset: str = ""


class _LooseEvent(Event, frozen=True, kw_only=True):
    metrics: tuple[_LooseMetric, ...] = ()  # type: ignore[assignment]


class _Loose(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    before: str
    event: _LooseEvent

    def entry(self) -> Entry:
        """Return it with numbers where numbers belong."""
        fields = msgspec.structs.asdict(self.event)
        fields["metrics"] = tuple(
            Metric(one.name, _value(one.value), one.step, one.goal, one.dataset) for one in self.event.metrics
        )
        return Entry(number=self.number, before=self.before, event=Event(**fields))


_DECODER = msgspec.json.Decoder(_Loose)
"""Made here and not when it is first needed: two threads that make one at the same time crash in msgspec."""


def _value(value: float | str) -> float:
    try:
        return float(value)
    except ValueError as error:
        raise msgspec.ValidationError(f"a metric with the value {value[:40]!r}") from error  # type: ignore[index]


def digest(data: bytes) -> str:
    """Return the hash that chains an entry's bytes."""
    from blake3 import blake3

    return blake3(data).hexdigest()
