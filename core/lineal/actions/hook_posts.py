"""Hooks that are told at a URL: one POST of JSON, signed, tried again, within a deadline.

The guards are those of reading (`lineal.formats.http_guard`): no link-local address is asked, no redirect is followed,
and a server that drips is cut. A receiver checks `X-Lineal-Signature`, which is
`sha256=HMAC-SHA256(key, timestamp + "." + body)` in hexadecimal digits, and refuses an `X-Lineal-Timestamp` (Unix
seconds) that is old; `X-Lineal-Delivery` stays the same when a delivery is tried again.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError, SSLError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Timeout

from lineal.actions.deliveries import MAX_OUTPUT, Outcome, Told, text
from lineal.config import Surroundings
from lineal.errors import ConfigError
from lineal.formats.http import origin
from lineal.formats.http_guard import ForbiddenAddressError, GuardedHTTPPool, GuardedHTTPSPool, Watchdog
from lineal.policy.rules import Hook

_CONNECT = 5.0  # seconds
_PATIENCE = 10.0  # seconds: the longest pause between tries, whatever Retry-After says
_FIRST = 0.25  # seconds of the first pause; each is twice the one before


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one try, whether another is of use, and after how many seconds the server wants it."""

    told: Told
    again: bool = False
    wait: float = 0.0


def post(
    hook: Hook,
    event: str,
    said: bytes,
    delivery: str,
    around: Surroundings,
    sleep: Callable[[float], None] = time.sleep,
) -> Told:
    """Post `said` to a hook's URL, at most `hook.tries` times within `hook.timeout` seconds in all."""
    end = time.monotonic() + hook.timeout
    try:
        origin(hook.url)
    except ConfigError as error:
        return Told(outcome=Outcome.FAILED, reason=error.message, tries=0)
    secret = around.environ.get(hook.secret_env, "") if hook.secret_env else ""
    if hook.secret_env and not secret:
        return Told(outcome=Outcome.FAILED, reason=f"{hook.secret_env} is not set: nothing was sent", tries=0)
    attempt = 0
    while True:
        attempt += 1
        headers = _headers(event, said, delivery, secret, around.clock())
        answer = _once(hook.url, said, headers, end)
        told = msgspec.structs.replace(answer.told, tries=attempt)
        wait = min(answer.wait or _FIRST * 2 ** (attempt - 1), _PATIENCE)
        if not answer.again or attempt >= hook.tries or time.monotonic() + wait >= end:
            return told
        sleep(wait)


def signature(secret: str, timestamp: str, said: bytes) -> str:
    """Return the value of X-Lineal-Signature."""
    digest = hmac.new(secret.encode("utf-8", "surrogateescape"), timestamp.encode() + b"." + said, hashlib.sha256)
    return f"sha256={digest.hexdigest()}"


def _headers(event: str, said: bytes, delivery: str, secret: str, now: float) -> dict[str, str]:
    timestamp = str(int(now))
    headers = {
        "Content-Type": "application/json",
        "Accept-Encoding": "identity",
        "User-Agent": "lineal",
        "X-Lineal-Event": event,
        "X-Lineal-Delivery": delivery,
        "X-Lineal-Timestamp": timestamp,
    }
    return headers | ({"X-Lineal-Signature": signature(secret, timestamp, said)} if secret else {})


def _once(url: str, said: bytes, headers: dict[str, str], end: float) -> _Answer:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    left = max(end - time.monotonic(), 0.001)
    pool = _pool(url)
    try:
        response = pool.urlopen(
            "POST",
            target,
            body=said,
            headers=headers,
            timeout=Timeout(total=left, connect=min(_CONNECT, left), read=left),
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
        )
        try:
            return _judged(response, _output(response, end))
        finally:
            response.close()
    except (HTTPError, OSError, ValueError) as error:
        return _broken(error)
    finally:
        pool.close()


def _pool(url: str) -> HTTPConnectionPool:
    scheme, host, port = origin(url)
    if scheme == "http":
        return GuardedHTTPPool(host, port, maxsize=1)
    return GuardedHTTPSPool(host, port, maxsize=1, cert_reqs="CERT_REQUIRED")


def _output(response: BaseHTTPResponse, end: float) -> str:
    """Return the beginning of an answer; one that breaks off or drips is an answer all the same."""
    kept = b""
    with Watchdog(getattr(response.connection, "last_socket", None), end - time.monotonic()):
        try:
            while len(kept) < MAX_OUTPUT and (data := response.read1(MAX_OUTPUT - len(kept))):
                kept += data
        except (HTTPError, OSError, ValueError):
            pass
    return text(kept)


def _judged(response: BaseHTTPResponse, output: str) -> _Answer:
    status = response.status
    if 200 <= status < 300:
        return _Answer(told=Told(outcome=Outcome.DELIVERED, status=status, output=output))
    reason = f"answered with status {status}"
    if 300 <= status < 400:
        reason += "; redirects are not followed"
    asked = response.headers.get("Retry-After", "")
    return _Answer(
        told=Told(outcome=Outcome.FAILED, status=status, output=output, reason=reason),
        again=status == 429 or status >= 500,
        wait=float(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 6 else 0.0,
    )


def _broken(error: Exception) -> _Answer:
    """Say what went wrong in words of our own: an error's text may hold the path, and that a secret."""
    match error:
        case ForbiddenAddressError():
            return _Answer(told=Told(outcome=Outcome.FAILED, reason="leads to a link-local address, never asked"))
        case SSLError():
            return _Answer(told=Told(outcome=Outcome.FAILED, reason="no trusted TLS connection"))
        case NameResolutionError():
            reason = "its host is not known"
        case NewConnectionError() | ConnectTimeoutError():
            reason = "cannot be reached"
        case ValueError():
            return _Answer(told=Told(outcome=Outcome.FAILED, reason="is no address that can be asked"))
        case _:
            late = isinstance(error, TimeoutError) or "timed out" in str(error).lower() or "in time" in str(error)
            if late:
                return _Answer(told=Told(outcome=Outcome.LATE, reason="gave no answer in time"), again=True)
            reason = "broke the connection"
    return _Answer(told=Told(outcome=Outcome.FAILED, reason=reason), again=True)
