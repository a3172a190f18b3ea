"""What a refused, broken or missing answer over HTTP means, as typed errors."""

from __future__ import annotations

import msgspec
from urllib3.exceptions import MaxRetryError, NewConnectionError, SSLError

from lineal.errors import AuthRequired, BadFormat, Conflict, Error, NotFound, RegistryError, Unavailable, Unsupported
from lineal.formats.http_guard import ForbiddenAddressError

AGAIN = frozenset({429, 500, 502, 503, 504})
"""Statuses after which a request that only reads is worth another try."""


class BrokenError(Unavailable):
    """A connection that broke; worth another try."""


class Unanswered(Unavailable):
    """A change that was sent and got no whole answer: it may have been made, and may be made yet."""


class Message(msgspec.Struct):
    """What the body of an error says."""

    message: str = ""


def refusal(status: int, base: str, path: str, said: str, *, changing: bool = False) -> Error:
    """Return the error for a status; `changing` where the request was to change something."""
    text = f": {said}" if said else ""
    if status in {401, 407}:
        return AuthRequired(f"{base} wants credentials{text}", hint="set the user and password, or the token, it knows")
    if status == 403:
        right = "change this" if changing else "read"
        return AuthRequired(f"{base} refuses these credentials{text}", hint=f"ask for the right to {right}")
    if status in {404, 405, 501}:
        return NotFound(
            f"{base} has nothing at {path[:200]}{text}", hint="is this the server's own address, with its prefix?"
        )
    if status in AGAIN or status >= 500:
        kind = Unanswered if changing and status != 429 else Unavailable
        return kind(f"{base} failed with status {status}{text}", hint="try again later")
    if changing:
        return _refused_change(status, base, path, text)
    return BadFormat(f"{base} refused {path[:200]} with status {status}{text}")


def _refused_change(status: int, base: str, path: str, text: str) -> Error:
    if status == 408:
        return Unanswered(f"{base} gave up waiting{text}", hint="try again later")
    message = f"{base} refused {path[:200]} with status {status}{text}"
    if status == 409:
        return Conflict(message, hint="look at it again")
    return Unsupported(message, hint="nothing was changed: ask for something that it takes")


def unreachable(base: str, error: Exception) -> RegistryError:
    """Return the error for a connection that failed with `error`."""
    reason = error.reason if isinstance(error, MaxRetryError) and error.reason else error
    if isinstance(reason, ForbiddenAddressError):
        return Unavailable(f"{base} leads to a link-local address", hint="such addresses are never asked")
    if isinstance(reason, SSLError):
        hint = "name its authority in MLFLOW_TRACKING_SERVER_CERT_PATH, or check the address"
        return Unavailable(f"{base}: no trusted TLS connection ({short(reason)})", hint=hint)
    if isinstance(reason, NewConnectionError):
        return Unavailable(f"{base} cannot be reached ({short(reason)})", hint="is the server running?")
    return BrokenError(f"{base} cannot be read ({short(reason)})", hint="is the server running? try again later")


def short(error: BaseException) -> str:
    """Return what an error says, without the objects that urllib3 puts before it."""
    text = str(error)
    return text.rpartition(": ")[2][:120] or type(error).__name__
