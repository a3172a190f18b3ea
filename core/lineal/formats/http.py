"""HTTP: bounded in bytes, time, tries and redirects, with typed errors.

Only http and https. Credentials (headers and the client's certificate) go to the base's own host and no other. A reply
is asked for uncompressed. GET requests and POST searches are tried again after 429, 5xx and broken connections. What
changes something goes out by `change` alone: once, never again by itself and along no redirect.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit

import msgspec
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Timeout, make_headers

from lineal.errors import BadFormat, ConfigError, RegistryError, Unavailable
from lineal.formats.http_errors import AGAIN, BrokenError, Message, Unanswered, refusal, short, unreachable
from lineal.formats.http_guard import GuardedHTTPPool, GuardedHTTPSPool, Watchdog

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}
_CHUNK = 1 << 18
_PATIENCE = 10.0  # seconds: the longest pause between tries, whatever Retry-After says


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How far one request may go. Times in seconds, sizes in bytes."""

    connect: float = 10.0
    silence: float = 60.0  # without a byte
    deadline: float = 120.0  # for one reply, tries and redirects included
    size: int = 256 << 20  # of one reply
    tries: int = 4
    redirects: int = 5


class Budget:
    """What one whole scan may use up: replies, bytes and seconds."""

    def __init__(self, *, replies: int = 200_000, size: int = 16 << 30, seconds: float = 3600.0) -> None:
        self.replies, self.size = replies, size
        self.until = time.monotonic() + seconds

    def spend(self, size: int) -> None:
        """Count one reply of `size` bytes. Raises Unavailable once too much was used."""
        self.replies -= 1
        self.size -= size
        if self.replies < 0 or self.size < 0 or time.monotonic() > self.until:
            raise Unavailable(
                "the server sent more than one scan may read",
                hint="what was read so far is kept; if the server really holds that much, sync again to go on",
            )


class Tls(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to trust over https, and how to be known."""

    verify: bool = True
    authorities: str = ""  # a file of certificates; "" for the system's
    certificate: str = ""  # the client's certificate and key, in one file


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """A whole reply that was no error."""

    body: bytes
    content_type: str = ""


Sleep = Callable[[float], None]


class Http:
    """Requests to one server. Building it touches nothing; use from one thread at a time."""

    def __init__(
        self,
        base: str,
        *,
        headers: Mapping[str, str] | None = None,
        tls: Tls = Tls(),  # noqa: B008  frozen
        limits: Limits = Limits(),  # noqa: B008  frozen
        sleep: Sleep = time.sleep,
    ) -> None:
        """Raise ConfigError unless `base` is an http(s) URL; a user and password in it are never kept."""
        origin(base)
        self.base = without_userinfo(base).rstrip("/")
        self.tls, self.limits = tls, limits
        self.budget = Budget()
        self._sleep = sleep
        self._secret = dict(headers or {})
        self._origin = origin(self.base)
        self._pools: dict[tuple[str, str, int], HTTPConnectionPool] = {}

    def get(
        self, path: str, query: Mapping[str, str | int | list[str]] | None = None, *, tries: int | None = None
    ) -> Reply:
        """Return the reply to GET base/path, after at most `tries` attempts. Raises as `_send` does."""
        return self._whole("GET", self._url(path, query), None, tries or self.limits.tries)

    def search(self, path: str, body: bytes) -> Reply:
        """Return the reply to POST base/path with JSON; only for searches, which may be repeated."""
        return self._whole("POST", self._url(path, None), body, self.limits.tries)

    def change(self, method: str, path: str, body: bytes) -> Reply:
        """Send JSON to base/path to change something there, by POST, PUT, PATCH or DELETE: once, whatever comes back.

        Raises:
            Unanswered: the server failed or gave no whole answer; it may have done, or may yet do, what it was asked.
            Unavailable: it cannot be reached; AuthRequired: 401 or 403; NotFound: 404; Conflict: 409; Unsupported:
            any other refusal; BadFormat: a redirect. It did nothing then.
        """
        url, deadline = self._url(path, None), time.monotonic() + self.limits.deadline
        try:
            response = self._once(method, url, body, {}, deadline)
        except BrokenError as error:
            raise Unanswered(error.message, hint=error.hint) from error
        if response.status in _REDIRECTS:
            response.close()
            hint = "give the address that a browser ends up at"
            raise BadFormat(f"{self.base} redirects what would change something; it is not sent on", hint=hint)
        self._check(response, url, changing=True)
        try:
            return self._read(response, response.connection, deadline)
        except RegistryError as error:
            raise Unanswered(error.message, hint=error.hint) from error

    def open(self, url: str, start: int = 0, length: int | None = None) -> BinaryIO:
        """Stream the bytes at `url` (absolute, or under the base) from `start`, at most `length` of them.

        Raises:
            NotFound, AuthRequired, Unavailable, BadFormat: as for any request; also while reading.
        """
        if length == 0:
            return io.BytesIO()
        stop = "" if length is None else str(start + length - 1)
        ranged = {"Range": f"bytes={start}-{stop}"} if start or length is not None else {}
        deadline = time.monotonic() + self.limits.deadline
        response, _ = self._send("GET", self._url(url, None), None, ranged, deadline, self.limits.tries)
        skip = start if ranged and response.status != 206 else 0
        return io.BufferedReader(_Body(response, skip, length, self.limits.silence), _CHUNK)

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()

    def _url(self, path: str, query: Mapping[str, str | int | list[str]] | None) -> str:
        url = path if path.startswith(("http://", "https://")) else f"{self.base}/{path.lstrip('/')}"
        return f"{url}?{urlencode(query, doseq=True)}" if query else url

    def _whole(self, method: str, url: str, body: bytes | None, tries: int) -> Reply:
        deadline = time.monotonic() + self.limits.deadline
        last: RegistryError | None = None
        for attempt in range(tries):
            if attempt:
                self._pause(attempt, deadline, last)
            try:
                response, conn = self._send(method, url, body, {}, deadline, tries)
                return self._read(response, conn, deadline)
            except BrokenError as error:
                last = error
        raise last or Unavailable(f"{self.base} gave no answer")

    def _pause(self, attempt: int, deadline: float, last: RegistryError | None) -> None:
        wait = min(0.2 * 2**attempt, _PATIENCE)
        if time.monotonic() + wait > deadline:
            raise last or Unavailable(f"{self.base} gave no answer in {self.limits.deadline:.0f} s")
        self._sleep(wait)

    def _send(
        self, method: str, url: str, body: bytes | None, more: dict[str, str], deadline: float, tries: int
    ) -> tuple[BaseHTTPResponse, object]:
        """Follow redirects and try again until there is a good reply, its body still unread.

        Raises:
            Unavailable: it cannot be reached, or not in time; NotFound: 404; AuthRequired: 401 or 403;
            BadFormat: any other refusal, or a redirect to nowhere.
        """
        hops = attempt = 0
        while True:
            response = self._once(method, url, body, more, deadline)
            if response.status in _REDIRECTS:
                hops += 1
                url = self._followed(response, url, hops)
            elif response.status in AGAIN and attempt + 1 < tries and self._waited(response, attempt, deadline):
                attempt += 1
            else:
                self._check(response, url)
                return response, response.connection
            response.close()

    def _once(
        self, method: str, url: str, body: bytes | None, more: dict[str, str], deadline: float
    ) -> BaseHTTPResponse:
        parts = urlsplit(url)
        left = deadline - time.monotonic()
        if left <= 0:
            raise Unavailable(f"{self.base} gave no answer in {self.limits.deadline:.0f} s")
        headers = {"Accept-Encoding": "identity", "User-Agent": "lineal", **more, **self._headers(url, body)}
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            return self._pool(parts).urlopen(
                method,
                target,
                body=body,
                headers=headers,
                timeout=Timeout(connect=min(self.limits.connect, left), read=min(self.limits.silence, left)),
                retries=False,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
                decode_content=False,
            )
        except (HTTPError, OSError, ValueError) as error:
            raise unreachable(self.base, error) from error

    def _headers(self, url: str, body: bytes | None) -> dict[str, str]:
        own = dict(self._secret) if origin(url) == self._origin else {}
        return own | ({"Content-Type": "application/json"} if body is not None else {})

    def _pool(self, parts: SplitResult) -> HTTPConnectionPool:
        key = origin(parts.geturl())
        if key not in self._pools:
            self._pools[key] = self._new_pool(*key)
        return self._pools[key]

    def _new_pool(self, scheme: str, host: str, port: int) -> HTTPConnectionPool:
        if scheme == "http":
            return GuardedHTTPPool(host, port, maxsize=2)
        own = (scheme, host, port) == self._origin
        return GuardedHTTPSPool(
            host,
            port,
            maxsize=2,
            cert_reqs="CERT_REQUIRED" if self.tls.verify else "CERT_NONE",
            ca_certs=self.tls.authorities or None,
            cert_file=(self.tls.certificate or None) if own else None,
        )

    def _followed(self, response: BaseHTTPResponse, url: str, hops: int) -> str:
        hint = "give the address that a browser ends up at"
        if hops > self.limits.redirects or not response.headers.get("Location"):
            raise BadFormat(f"{self.base} redirects without end", hint=hint)
        try:
            place = urljoin(url, response.headers["Location"])
            origin(place)
        except (ValueError, ConfigError) as error:
            raise BadFormat(f"{self.base} redirects to what is no http(s) address", hint=hint) from error
        return without_userinfo(place)

    def _waited(self, response: BaseHTTPResponse, attempt: int, deadline: float) -> bool:
        """Pause as a busy or failing server asks, within bounds; False where asking again is no use."""
        if response.status not in AGAIN:
            return False
        asked = response.headers.get("Retry-After", "")
        wait = min(float(asked) if asked.isdecimal() else 0.2 * 2**attempt, _PATIENCE)
        if time.monotonic() + wait > deadline:
            return False
        self._sleep(wait)
        return True

    def _check(self, response: BaseHTTPResponse, url: str, *, changing: bool = False) -> None:
        status = response.status
        if 200 <= status < 300:
            return
        said = self._said(response)
        response.close()
        raise refusal(status, self.base, urlsplit(url).path, said, changing=changing)

    def _said(self, response: BaseHTTPResponse) -> str:
        """Return the start of an error's text, read within two seconds."""
        try:
            with Watchdog(getattr(response.connection, "last_socket", None), 2.0):
                text = response.read1(2000) or b""
        except (HTTPError, OSError):
            return ""
        try:
            return msgspec.json.decode(text, type=Message).message[:300]
        except msgspec.MsgspecError:
            return ""

    def _read(self, response: BaseHTTPResponse, conn: object, deadline: float) -> Reply:
        if response.headers.get("Content-Encoding", "identity").lower() not in {"", "identity"}:
            raise BadFormat(f"{self.base} answers compressed though asked not to", hint="a proxy in between may do it")
        with Watchdog(getattr(conn, "last_socket", None), deadline - time.monotonic()) as dog:
            try:
                body = b"".join(self._chunks(response))
            except (HTTPError, OSError) as error:
                response.close()
                if not dog.fired:
                    raise BrokenError(f"{self.base} broke off its answer", hint="try again later") from error
        if dog.fired:  # a cut connection may look like the end of the body
            response.close()
            raise Unavailable(f"{self.base} answers too slowly", hint="try again later")
        response.release_conn()
        self.budget.spend(len(body))
        return Reply(body=body, content_type=response.headers.get("Content-Type", ""))

    def _chunks(self, response: BaseHTTPResponse) -> Iterator[bytes]:
        size = 0
        while chunk := response.read(_CHUNK):
            size += len(chunk)
            if size > self.limits.size:
                response.close()
                raise BadFormat(f"{self.base} sent more than {self.limits.size >> 20} MiB in one answer")
            yield chunk


class _Body(io.RawIOBase):
    """A reply's bytes as a stream; every read ends within `silence` seconds."""

    def __init__(self, response: BaseHTTPResponse, skip: int, length: int | None, silence: float) -> None:
        self._response, self._skip, self._left, self._silence = response, skip, length, silence
        self._socket = getattr(response.connection, "last_socket", None)

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed's Buffer has no length
        """Fill `buffer` as far as one read goes. Raises Unavailable when the connection breaks."""
        while self._skip:  # the server ignored Range
            self._skip -= len(self._read(min(self._skip, _CHUNK)) or self._short())
        wanted = len(buffer) if self._left is None else min(len(buffer), self._left)
        data = self._read(wanted) if wanted else b""
        buffer[: len(data)] = data
        if self._left is not None:
            self._left -= len(data)
        return len(data)

    def _short(self) -> bytes:
        self._skip = 0
        raise BadFormat("the file is shorter than its size says", hint="sync again")

    def _read(self, size: int) -> bytes:
        try:
            with Watchdog(self._socket, self._silence):
                return self._response.read(size) or b""
        except (HTTPError, OSError) as error:
            raise Unavailable(f"the transfer broke off ({short(error)})", hint="try again") from error

    def close(self) -> None:
        """Drop the connection, which may hold unread bytes."""
        if not self.closed:
            self._response.close()
        super().close()


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port. Raises ConfigError unless it is a whole http(s) URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"{url[:200]!r} is no URL", hint="write http://host:port or https://host") from error
    if parts.scheme not in _PORTS or not host:
        raise ConfigError(f"{url[:200]!r} is no http(s) URL", hint="write http://host:port or https://host")
    return parts.scheme, host, port or _PORTS[parts.scheme]


def without_userinfo(url: str) -> str:
    """Return `url` with no user and password in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def basic(user: str, password: str) -> str:
    """Return the value of an Authorization header."""
    return make_headers(basic_auth=f"{user}:{password}")["authorization"]
