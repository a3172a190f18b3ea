"""Actions found again in the ledger: what they recorded, and which can be undone."""

from __future__ import annotations

from lineal.actions.recording import Detail, FileHash, decode
from lineal.errors import Conflict, NotFound
from lineal.ledger import events
from lineal.ledger.events import Event
from lineal.ledger.ledger import Ledger
from lineal.model.reference import ID_PREFIX

_NEAR = 200  # entries between the start of an action and what it moved


def missing(action: str) -> NotFound:
    """Return the error for an action that the ledger does not know."""
    return NotFound(f"the ledger has no action {action!r}", hint="`lineal log` lists them with their ids")


def recorded(ledger: Ledger, registry: str, model: str, key: str) -> tuple[FileHash, ...]:
    """Return the hashes that were recorded when a version was last promoted; nothing where it never was.

    `registry` is as the ledger calls it.
    """
    state = ledger.refresh()
    numbers = [
        move.number
        for about in state.moved(registry)
        if about[1] == model
        for move in state.moves(*about)
        if move.after == key and not move.observed and move.number
    ]
    for number in sorted(numbers, reverse=True):
        start = began(ledger, ledger.entry(number).event.action, number)
        files = decode(start).files if start and start.version == key else ()
        if files:
            return files
    return ()


def began(ledger: Ledger, action: str, before: int) -> Event | None:
    """Return the started event of an action that moved something at the entry `before`."""
    if not action:
        return None
    near = zip(ledger.back(before), range(_NEAR), strict=False)
    return next((one.event for one, _ in near if one.event.id == action), None)


def undoable(ledger: Ledger, action: str, who: str) -> tuple[Event, Detail]:
    """Find an action by its id, the beginning of it or its entry's number; the last of `who` where none is given.

    Raises:
        NotFound: there is none, or what it changed was not recorded.
        Conflict: it was undone, has not ended, or is somebody else's to withdraw.
    """
    state = ledger.refresh()
    if action and len(action) < ID_PREFIX and not action.isdecimal():
        raise NotFound(f"{action!r} is too short for an id", hint=f"give {ID_PREFIX} characters or more")
    for entry in ledger.back():
        event = entry.event
        identity = event.action or event.id
        if event.kind not in _UNDOABLE:
            continue
        if action:
            if not (identity.startswith(action) or event.id.startswith(action) or str(entry.number) == action):
                continue
        elif event.by != who or identity in state.undone or event.undoes:
            continue
        if identity in state.undone:
            again = state.undone[identity][:12]
            raise Conflict("that was undone already", hint=f"`lineal undo {again}` does it again")
        if event.kind in events.REVIEWS and event.by != who:
            hint = "say the opposite yourself: `lineal approve`, `lineal reject`"
            raise Conflict(f"only {event.by} can withdraw that", hint=hint)
        if identity in state.open:
            raise Conflict("that action has not ended", hint="`lineal resume` ends it")
        detail = decode(event)
        if not detail.changes:
            raise NotFound("what that action changed was not recorded", hint="it was written by another version")
        return event, detail
    raise missing(action) if action else NotFound("there is nothing of yours to undo", hint="`lineal log` lists all")


_UNDOABLE = frozenset({events.STARTED, events.WITHDRAWN, *events.SAYINGS})
