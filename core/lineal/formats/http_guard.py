"""Connections that never reach link-local addresses, and that end in time whatever the other side does.

A server chosen by somebody else must not make this machine ask a cloud's metadata service (169.254.169.254 and its
kin) for credentials: the address is checked after the name was resolved and before anything is sent. Loopback and
private networks stay open, since that is where training servers live.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import threading
from types import TracebackType

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError
from urllib3.response import HTTPResponse
from urllib3.util import connection as connecting

_LATE = "the reply's headers did not come in time"
METADATA = ipaddress.ip_address("fd00:ec2::254")  # a cloud's metadata service that is not link-local


class ForbiddenAddressError(HTTPError):
    """The name resolved to an address that is never asked."""


def forbidden(address: str) -> bool:
    """Say whether a numeric address is link-local or a metadata service, also where it is written as IPv6."""
    found = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None)
    return found.is_link_local or found == METADATA or (mapped is not None and mapped.is_link_local)


class Watchdog:
    """Cuts a socket after `seconds`, unless left before: per-read timeouts do not stop a server that drips."""

    def __init__(self, sock: socket.socket | None, seconds: float) -> None:
        self.sock = sock
        self.fired = False
        self._timer = threading.Timer(max(seconds, 0.001), self._cut)
        self._timer.daemon = True

    def _cut(self) -> None:
        self.fired = True
        try:
            if self.sock is not None:
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)  # not SSLSocket's, which breaks a read under way
        except OSError:
            pass  # it was closed in the meantime

    def __enter__(self) -> Watchdog:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._timer.cancel()


class _Guarded(HTTPConnection):
    """What both kinds of connection share: the checked address, and an end to a reply's headers."""

    last_socket: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        problem: OSError = OSError("the name has no address")
        for address in self._addresses():
            try:
                return connecting.create_connection(
                    (address, self.port), self.timeout, socket_options=self.socket_options
                )
            except OSError as error:
                problem = error
        if isinstance(problem, TimeoutError):
            raise ConnectTimeoutError(self, f"{self.host} did not answer in time") from problem
        raise NewConnectionError(self, str(problem)) from problem

    def _addresses(self) -> list[str]:
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, connecting.allowed_gai_family(), socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except UnicodeError as error:
            raise NewConnectionError(self, "the name is no host's name") from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if any(forbidden(address) for address in addresses):
            raise ForbiddenAddressError(f"{self.host} is a link-local address, which is never asked")
        return addresses

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # urllib3 says the same
        self.last_socket = self.sock
        seconds = self.timeout if isinstance(self.timeout, int | float) else 60.0
        with Watchdog(self.sock, seconds) as dog:
            try:
                response = super().getresponse()
            except (OSError, http.client.HTTPException) as error:
                if dog.fired:
                    raise TimeoutError(_LATE) from error
                raise
        if dog.fired:  # a cut connection looks like the end of the headers
            response.close()
            raise TimeoutError(_LATE)
        return response


class GuardedHTTP(_Guarded):
    """A plain connection."""


class GuardedHTTPS(_Guarded, HTTPSConnection):
    """A connection over TLS."""


class GuardedHTTPPool(HTTPConnectionPool):
    """Plain connections to one host."""

    ConnectionCls = GuardedHTTP


class GuardedHTTPSPool(HTTPSConnectionPool):
    """Connections to one host over TLS."""

    ConnectionCls = GuardedHTTPS
