"""Changes to a tracking server: aliases, stages, tags and registrations, over REST.

MLflow cannot compare and set: the last write wins, and nobody is told. So each change reads what is there right before
it writes, refuses with `Conflict` where that is not `before`, writes once, and reads again. Somebody who writes between
our reading and our writing is overwritten; that window is as long as one request for an alias, and as long as all its
calls for a change of several tags or of a stage. Somebody who writes between our writing and our reading again is
found, and the change is a `Conflict`; later, it is a move like any other, which the next sync sees. So of many who move
one alias at a time, each is told, or holds a receipt for a move that was made, which need not stand any more. Where the
server said yes and cannot be read again, there is a receipt too, and its detail says that.

MLflow has no place for the id of an action either, and a tag would litter. So what was sent is remembered here, for as
long as this object lives: a second try of the same action that finds `after` counts as applied. After a crash it is a
`Conflict`, and `current` says what is so.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from msgspec import structs

from lineal.errors import Unsupported
from lineal.formats.http import Budget
from lineal.model.changes import Change, Receipt, Register, SetAlias, SetTags, Stamp
from lineal.model.records import AliasKind
from lineal.registries.mlflow import naming
from lineal.registries.mlflow.aliases import Aliases
from lineal.registries.mlflow.registering import Registrations
from lineal.registries.mlflow.rest import Call, Rest
from lineal.registries.mlflow.sending import Sender
from lineal.registries.mlflow.staging import Stages
from lineal.registries.mlflow.tagging import Tagging

WRITES: frozenset[type[Change]] = frozenset({SetAlias, SetTags, Register})
REFUSAL = "MLflow changes aliases, stages, tags and registrations; what else is said of a version stands in the ledger"
WINDOW = "MLflow compares nothing: what somebody else set in that same moment is overwritten"
_REMEMBERED = 1_000  # changes

C = TypeVar("C", SetAlias, SetTags, Register)


class Kind(Protocol[C]):
    """How one kind of change is made."""

    def current(self, change: C) -> C:
        """See `Registry.current`."""
        ...

    def calls(self, change: C) -> list[Call]:
        """Return the calls that make a change."""
        ...

    def holds(self, change: C) -> str | None:
        """Return `Receipt.after` if what the change leads to is so, else None."""
        ...

    def apply(self, change: C) -> Receipt:
        """See `Registry.apply`; each call is sent once."""
        ...


class Writer:
    """Changes one server."""

    def __init__(self, registry: str, rest: Rest) -> None:
        self._registry, self._rest = registry, rest
        self._sender = Sender(registry, rest)
        self._aliases, self._stages = Aliases(self._sender), Stages(self._sender)
        self._tags, self._registrations = Tagging(self._sender), Registrations(self._sender)
        self._sent: dict[tuple[str, Change], tuple[str, ...]] = {}

    def current(self, change: Change) -> Change:
        """Return a change with `before` as the server has it now. Raises as `Registry.current` does, ConfigError."""
        self._begin(change)
        match change:
            case SetAlias():
                return self._moving(change).current(change)
            case SetTags():
                return self._tags.current(change)
            case Register():
                return self._registrations.current(change)
            case _:
                raise self._unsupported()

    def calls(self, change: Change) -> tuple[str, ...]:
        """Return what a change would send, in order. Registering asks the server. Raises as `current` does."""
        self._begin(change)
        match change:
            case SetAlias():
                found = self._moving(change).calls(change)
            case SetTags():
                found = self._tags.calls(change)
            case Register():
                found = self._registrations.calls(change)
            case _:
                raise self._unsupported()
        return tuple(self._rest.line(call) for call in found)

    def apply(self, change: Change, stamp: Stamp) -> Receipt:
        """Make a change; see the module. Raises as `Registry.apply` does, ConfigError for what MLflow never takes."""
        self._begin(change)
        match change:
            case SetAlias():
                return self._made(self._moving(change), change, stamp)
            case SetTags():
                return self._made(self._tags, change, stamp)
            case Register():
                return self._made(self._registrations, change, stamp)
            case _:
                raise self._unsupported()

    def _made(self, kind: Kind[C], change: C, stamp: Stamp) -> Receipt:
        slot = (stamp.action, change)
        if slot in self._sent and (after := kind.holds(change)) is not None:
            detail = "made by an earlier try of the same action; read back"
            return Receipt(after=after, calls=self._sent[slot], detail=detail)
        self._sender.sent = False
        lines: tuple[str, ...] = ()
        try:
            receipt = kind.apply(change)
            lines = receipt.calls
        finally:
            if self._sender.sent:
                self._remember(slot, lines)
        if isinstance(change, Register):
            return receipt
        return structs.replace(receipt, detail=f"{receipt.detail}; {WINDOW}")

    def _remember(self, slot: tuple[str, Change], lines: tuple[str, ...]) -> None:
        """Keep what was sent, and the calls where the change was seen to be made."""
        self._sent[slot] = lines
        while len(self._sent) > _REMEMBERED:
            del self._sent[next(iter(self._sent))]

    def _moving(self, change: SetAlias) -> Kind[SetAlias]:
        return self._stages if change.kind is AliasKind.STAGE else self._aliases

    def _begin(self, change: Change) -> None:
        """Look at a change, and let it use up as much as one scan may."""
        if type(change) not in WRITES:
            raise self._unsupported()
        naming.check(change)
        self._rest.http.budget = Budget()

    def _unsupported(self) -> Unsupported:
        return Unsupported(f"{self._registry}: {REFUSAL}", hint="`lineal registry ls` says what each can do")
