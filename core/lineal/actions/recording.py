"""What an action writes into the ledger: that it began and with what, how it ended, and the moves that it made.

An action is its started event. All that is needed to end it, also by somebody else after its process died, stands in
that event's `detail`.
"""

from __future__ import annotations

import hashlib
import os
import platform
import secrets
from collections.abc import Callable

import msgspec

from lineal.config import Surroundings
from lineal.ledger import events
from lineal.ledger.events import Entry, Event
from lineal.ledger.folding import State
from lineal.ledger.ledger import Ledger
from lineal.model.changes import Change, Say, SetAlias
from lineal.model.plain import finite, spelt
from lineal.model.plan import CheckResult, Plan, Subject

MAX_EVIDENCE = 64 << 10  # characters of what one check shows


class FileHash(msgspec.Struct, frozen=True, omit_defaults=True):
    """The hash of one file of a version, as its registry keeps it or as it was computed when it was promoted."""

    path: str
    algorithm: str = ""  # "" where its bytes could not be had
    hex: str = ""
    size: int | None = None


class Detail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What stands in the `detail` of an action's events."""

    action: str = ""  # promote, rollback ...
    title: str = ""
    subject: Subject = Subject()
    incumbent: Subject = Subject()
    changes: tuple[Change, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    files: tuple[FileHash, ...] = ()
    override: str = ""
    policy: str = ""
    receipts: tuple[str, ...] = ()
    pid: int = 0


_DETAIL = msgspec.json.Decoder(Detail)  # made once: threads must not be the first to make it, two at a time


def encode(detail: Detail) -> str:
    """Return a detail as JSON; numbers that are none are left out, evidence is cut."""
    checks = tuple(
        msgspec.structs.replace(
            one, value=_number(one.value), against=_number(one.against), evidence=_cut(one.evidence)
        )
        for one in detail.checks
    )
    plain = finite(msgspec.to_builtins(msgspec.structs.replace(detail, checks=checks)))
    return msgspec.json.encode(spelt(plain), order="sorted").decode()


def decode(event: Event) -> Detail:
    """Return the detail of an event; nothing where it holds none that can be read."""
    try:
        return _DETAIL.decode(event.detail or "{}")
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return Detail()


def _number(value: float | None) -> float | None:
    return value if value is not None and abs(value) < float("inf") else None


def _cut(text: str) -> str:
    return (
        text if len(text) <= MAX_EVIDENCE else f"{text[:MAX_EVIDENCE]}\n… {len(text) - MAX_EVIDENCE:,} more characters"
    )


def fresh() -> str:
    """Return an id for an action or event."""
    return secrets.token_hex(16)


def derived(*parts: str) -> str:
    """Return the id of an event that follows from others, so that it is written once however often it is tried."""
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class Recorder:
    """Writes the events of actions into one ledger, signed where a key is given."""

    def __init__(self, ledger: Ledger, around: Surroundings, who: str, sign: Callable[[Event], Event] | None) -> None:
        self._ledger, self._around, self._who, self._sign = ledger, around, who, sign

    def event(self, kind: str, **fields: object) -> Event:
        """Return an event of whoever runs this, now."""
        said = {"id": fresh(), "at": self._around.clock(), "by": self._who, "host": platform.node()} | fields
        return Event(kind=kind, **said)  # type: ignore[arg-type]

    def write(self, event: Event, unless: Callable[[State], bool] = lambda _: False) -> Entry | None:
        """Append an event once; nothing where `unless` holds when it would be written.

        Raises:
            Conflict: others were quicker for too long. Corrupt, Unavailable, OutOfSpace: as the ledger's place.
        """
        signed = self._sign(event) if self._sign else event
        return self._ledger.append(lambda state: signed if signed.id in state.seen or not unless(state) else None)

    def begin(self, plan: Plan, detail: Detail, named: str) -> Entry | None:
        """Write that an action begins; `named` is the registry as the ledger calls it."""
        began = self.event(
            events.STARTED,
            id=plan.id,
            action=plan.id,
            registry=named,
            model=plan.subject.model,
            version=plan.subject.key,
            alias=plan.alias,
            before=plan.incumbent.key,
            message=plan.reason,
            undoes=plan.undoes,
            content=plan.content,
            command=plan.command,
            detail=encode(msgspec.structs.replace(detail, pid=os.getpid())),
        )
        return self.write(began)

    def end(self, kind: str, began: Event, message: str, receipts: tuple[str, ...] = ()) -> Entry | None:
        """Write how an action ended, unless somebody else ended it meanwhile."""
        ended = self.event(
            kind,
            id=derived(began.id, kind, *receipts),
            action=began.id,
            registry=began.registry,
            model=began.model,
            version=began.version,
            alias=began.alias,
            before=began.before,
            message=message,
            undoes=began.undoes,
            detail=encode(Detail(receipts=receipts)) if receipts else "",
        )
        return self.write(ended, lambda state: began.id not in state.open)

    def moved(self, change: SetAlias, began: Event, named: str) -> Entry | None:
        """Write that an alias of another registry was moved by an action; a native one is moved by its own event."""
        return self.write(
            self.event(
                events.ALIAS,
                id=derived(began.id, "moved", repr(change)),
                registry=named,
                model=change.model,
                alias=change.alias,
                before=change.before,
                version=change.after,
                message=began.message,
                action=began.id,
            )
        )

    def say(self, change: Say, plan: Plan, named: str, detail: Detail | None = None) -> Entry | None:
        """Write what is said about a version, or that it is taken back."""
        fields: dict[str, object] = {"id": change.event, "where": change.where, "message": change.text}
        if change.withdrawn:
            fields = {"of": change.event, "message": plan.reason}
        event = self.event(
            events.WITHDRAWN if change.withdrawn else change.what,
            registry=named,
            model=change.model,
            version=change.key,
            alias=change.alias,
            action=plan.id,
            undoes=plan.undoes,
            command=plan.command,
            detail=encode(detail or Detail(action=plan.action, title=plan.title, changes=plan.changes)),
            **fields,
        )
        return self.write(event)
