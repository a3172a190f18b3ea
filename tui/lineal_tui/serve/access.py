"""Who may: a token that only the person who started it was told, and pages of no other site."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from urllib.parse import urlsplit

from msgspec import Struct

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Access(Struct, frozen=True):
    """Two secrets: the token stands in the URL, the cookie that it is changed for does not."""

    token: str
    cookie: str
    host: str = "127.0.0.1"  # where it listens

    @classmethod
    def fresh(cls, host: str) -> Access:
        """Make secrets that nobody can guess."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(32), host)

    def opens(self, token: str) -> bool:
        """Say whether this is the token; it takes as long for any other."""
        return hmac.compare_digest(_bytes(token), self.token.encode())

    def knows(self, cookie: str) -> bool:
        """Say whether this is the cookie; it takes as long for any other."""
        return hmac.compare_digest(_bytes(cookie), self.cookie.encode())

    def refusal(self, host: str, origin: str | None) -> str:
        """Say why a request is not answered, whoever sends it; "" where it may be.

        Args:
            host: what it says of whom it asks. A name that is not ours may have been made to point here.
            origin: the page that sends it, where a page does.
        """
        name = _name(host)
        if not (name in _LOOPBACK or name == self.host or _is_address(name)):
            return "this is asked for by a name that is not its own"
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            return "another site's page asks for this"
        return ""


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches an address."""
    return host in _LOOPBACK or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _name(host: str) -> str:
    """Return a Host header's name, without the port; "" for what is none."""
    try:
        parts = urlsplit(f"//{host}")
        return "" if parts.path or parts.query or parts.username is not None else (parts.hostname or "")
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    """Say whether it is an address: nobody else's name can be made to point at one."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
