"""Signed events: made with the user's SSH key, and checked by whoever reads the ledger.

Signed is the event's canonical JSON without its signature, and with the id of the store that it was made for, under the
namespace `lineal-ledger`: so no signature can be brought over from another store or another use of the key. The clock
of an event is its writer's word; it is held against the entry before it where a key has an end.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from lineal.errors import BadFormat, StoreError, Unavailable
from lineal.ledger import events, sshsig
from lineal.ledger.events import Entry, Event
from lineal.ledger.keys import Key
from lineal.ledger.signers import AllowedSigners, Signer, candidates, matches
from lineal.model.plain import finite, spelt

NAMESPACE = "lineal-ledger"
SLACK = 600.0  # seconds that the clocks of two writers may differ


class Reason(StrEnum):
    """Why a signature does not count."""

    UNSIGNED = "not signed"
    DAMAGED = "damaged signature"
    FORGED = "forged"  # the event is not what was signed
    STORE = "signed for another store"
    NAMESPACE = "wrong namespace"
    UNKNOWN = "unknown key"
    REVOKED = "revoked key"
    PRINCIPAL = "another's key"  # the key speaks for others than `event.by`
    EARLY = "key not yet valid"
    EXPIRED = "expired key"
    BACKDATED = "backdated"  # it says that it is older than the key's end, and stands behind newer entries
    UNCHECKED = "cannot be checked here"


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A signature that counts: for whom (mail, name or all of `event.by`, as the file matched it), with which key."""

    principal: str
    fingerprint: str


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A signature that does not count, and why. `text` may hold foreign words."""

    reason: Reason
    text: str
    fingerprint: str = ""


def message(event: Event, store: str) -> bytes:
    """Return the bytes that are signed. Raises StoreError where the event cannot be written down."""
    plain = msgspec.structs.replace(event, store=store, signature="")
    try:  # as it will be read again: a number that is written as 1 is read as 1.0
        again = events.decode(events.encode(Entry(number=1, before="", event=plain))).event
        return msgspec.json.encode(spelt(finite(msgspec.to_builtins(again))), order="sorted")
    except (msgspec.MsgspecError, TypeError, ValueError, OverflowError, RecursionError) as error:
        hint = "is one of its values no number?"
        raise StoreError(f"an event cannot be written down: {error}", hint=hint) from error


def sign(event: Event, store: str, key: Key) -> Event:
    """Return the event signed for a store, by the id of the store.

    Raises:
        ConfigError: the key cannot be used: it is not there, readable by others, or wants a passphrase.
        Unavailable: ssh-keygen is needed and not there, or did not answer in time.
        StoreError: the event cannot be written down.
    """
    signature = key.sign(message(event, store), NAMESPACE)
    return msgspec.structs.replace(event, store=store, signature=signature)


def fingerprint(signature: str) -> str:
    """Return the fingerprint, `SHA256:...`, of the key that a signature names. Raises BadFormat."""
    return sshsig.fingerprint(sshsig.parse(signature).key)


def verify(event: Event, store: str, signers: AllowedSigners, *, not_before: float = 0.0) -> Signed | Refused:
    """Say whether an event was signed for this store by a key that speaks for `event.by`, or why that is not so.

    Args:
        event: as it was read.
        store: the id of the store that it was read in.
        signers: whose signatures count.
        not_before: the time of the entry before it, in Unix seconds. An event that claims to be more than ten minutes
            older is judged by both times.
    """
    if not event.signature:
        return Refused(reason=Reason.UNSIGNED, text="it is not signed")
    try:
        signature = sshsig.parse(event.signature)
        key = sshsig.fingerprint(signature.key)
        genuine = sshsig.holds(event.signature, message(event, event.store))
    except BadFormat as error:
        return Refused(reason=Reason.DAMAGED, text=error.message)
    except (Unavailable, StoreError) as error:
        return Refused(reason=Reason.UNCHECKED, text=error.message)
    if signature.namespace != NAMESPACE:
        text = f"it is signed for {signature.namespace[:60]!r}, not for {NAMESPACE!r}"
        return Refused(reason=Reason.NAMESPACE, text=text, fingerprint=key)
    if not genuine:
        text = "it is not what was signed: it was changed, or written by a newer Lineal"
        return Refused(reason=Reason.FORGED, text=text, fingerprint=key)
    if event.store != store:
        return Refused(reason=Reason.STORE, text="it is signed for another store", fingerprint=key)
    return _allowed(event, signature.key, signers, not_before)


def _allowed(event: Event, key: bytes, signers: AllowedSigners, not_before: float) -> Signed | Refused:
    """Judge the key of a signature that holds."""
    name = sshsig.fingerprint(key)
    if signers.is_revoked(key):
        return Refused(reason=Reason.REVOKED, text=f"the key {name} is revoked", fingerprint=name)
    lines = signers.of(key)
    if not lines:
        return Refused(reason=Reason.UNKNOWN, text=f"nobody's key is {name}", fingerprint=name)
    worst: list[Refused] = []
    for line in lines:
        answer = _by_line(event, line, signers, not_before)
        if isinstance(answer, Signed):
            return answer
        worst.append(answer)
    return max(worst, key=lambda one: _FAR.index(one.reason))


_FAR = (Reason.NAMESPACE, Reason.PRINCIPAL, Reason.EARLY, Reason.EXPIRED, Reason.BACKDATED)
"""How far a line got before it failed: the reason of the one that got furthest is said."""


def _by_line(event: Event, line: Signer, signers: AllowedSigners, not_before: float) -> Signed | Refused:
    name = sshsig.fingerprint(line.key)
    if line.namespaces and not matches(NAMESPACE, line.namespaces):
        text = f"the key {name} may not sign for {NAMESPACE!r}"
        return Refused(reason=Reason.NAMESPACE, text=text, fingerprint=name)
    principal = line.principal(candidates(event.by))
    if principal is None or _anothers(event.by, line, signers):
        text = f"the key {name} does not speak for {event.by[:80]!r}"
        return Refused(reason=Reason.PRINCIPAL, text=text, fingerprint=name)
    times = (event.at, not_before) if event.at < not_before - SLACK else (event.at,)
    if not all(line.after is None or at >= line.after for at in times):
        return Refused(reason=Reason.EARLY, text=f"the key {name} was not yet valid", fingerprint=name)
    if not (line.before is None or event.at <= line.before):
        return Refused(reason=Reason.EXPIRED, text=f"the key {name} had expired", fingerprint=name)
    if not all(line.before is None or at <= line.before for at in times):
        text = f"it says that it is older than the end of its key {name}, and stands behind newer entries"
        return Refused(reason=Reason.BACKDATED, text=text, fingerprint=name)
    return Signed(principal=principal, fingerprint=name)


def _anothers(by: str, line: Signer, signers: AllowedSigners) -> bool:
    """Say whether mail or name are what the file calls somebody else: `Alice <mallory@x>` is not Mallory."""
    return any(
        one.names(said) and one.key != line.key
        for said in candidates(by)
        if line.principal([said]) is None
        for one in signers.signers
    )
