"""Reading over HTTP ends in time, within bounds, with typed errors, and lets no credentials out."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest

from lineal.errors import AuthRequired, BadFormat, ConfigError, Error, NotFound, Unavailable
from lineal.formats import http_guard
from lineal.formats.http import Budget, Http, Limits, basic, origin, without_userinfo
from tests.sources.web import Asked, always, in_turn, reply, web

QUICK = Limits(connect=1.0, silence=1.0, deadline=1.5, size=1000, tries=3, redirects=3)
SECRET = {"Authorization": "Bearer s3cret"}


def client(url: str, limits: Limits = QUICK, headers: dict[str, str] | None = None) -> tuple[Http, list[float]]:
    """Return a client and the pauses it will have made."""
    pauses: list[float] = []
    return Http(url, headers=headers, limits=limits, sleep=pauses.append), pauses


def test_a_reply_comes_back_whole() -> None:
    """Path, query, credentials and body arrive; the connection is used again."""
    with web(always(reply(b'{"a": 1}'))) as server:
        http, _ = client(server.url + "/prefix/", headers=SECRET)
        assert http.get("api/x", {"q": "a b", "ids": ["1", "2"]}).body == b'{"a": 1}'
        assert http.search("api/y", b"{}").content_type == "application/json"
        http.close()
    first, second = server.asked
    assert (first.method, first.target) == ("GET", "/prefix/api/x?q=a+b&ids=1&ids=2")
    assert (second.method, second.target, second.body) == ("POST", "/prefix/api/y", b"{}")
    assert first.headers["authorization"] == "Bearer s3cret"
    assert first.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthRequired),
        (403, AuthRequired),
        (404, NotFound),
        (400, BadFormat),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
def test_a_refusal_is_an_error_of_its_kind(status: int, kind: type[Error]) -> None:
    """With what the server said."""
    with web(always(reply(b'{"message": "because of that"}', status))) as server:
        http, _ = client(server.url)
        with pytest.raises(kind, match="because of that"):
            http.get("x")
        http.close()


def test_a_busy_server_is_asked_again_as_it_wishes() -> None:
    """Retry-After is kept to; a POST search is repeated as well."""
    with web(in_turn(reply(b"", 429, Retry_After="1"), reply(b"", 503), reply(b"fine"))) as server:
        http, pauses = client(server.url, Limits(deadline=20, tries=4))
        assert http.search("x", b"{}").body == b"fine"
        http.close()
    assert pauses == [1.0, 0.4]
    assert [asked.body for asked in server.asked] == [b"{}"] * 3


def test_a_failing_server_is_not_asked_for_ever() -> None:
    """Tries are counted."""
    with web(always(reply(b"", 500))) as server:
        http, pauses = client(server.url, Limits(deadline=60, tries=3))
        with pytest.raises(Unavailable, match="status 500"):
            http.get("x")
        http.close()
    assert len(server.asked) == 3
    assert len(pauses) == 2


def test_a_broken_connection_is_tried_again() -> None:
    """Once the server answers, nothing is left of it."""
    with web(in_turn(b"", reply(b"fine"))) as server:
        http, _ = client(server.url)
        assert http.get("x").body == b"fine"
        http.close()


def test_a_reply_that_is_cut_short_is_tried_again_and_then_an_error() -> None:
    """A length that is not kept is no answer."""

    def answer(asked: Asked, connection: socket.socket) -> None:
        connection.sendall(reply(b"0123456789")[:-3])
        connection.shutdown(socket.SHUT_RDWR)

    with web(answer) as server:
        http, _ = client(server.url)
        with pytest.raises(Unavailable, match="broke off"):
            http.get("x")
        http.close()
    assert len(server.asked) == QUICK.tries


def _drip(start: bytes, piece: bytes) -> Callable[[Asked, socket.socket], None]:
    def answer(asked: Asked, connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(200):
            connection.sendall(piece)
            time.sleep(0.05)

    return answer


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"y"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"z"),
        (b"", b"H"),
    ],
    ids=["body", "headers", "chunk", "close", "status"],
)
def test_a_dripping_server_ends_at_the_deadline(start: bytes, piece: bytes) -> None:
    """A byte now and then keeps no reader for longer than the deadline."""
    with web(_drip(start, piece)) as server:
        http, _ = client(server.url)
        began = time.monotonic()
        with pytest.raises(Unavailable):
            http.get("x")
        assert time.monotonic() - began < QUICK.deadline * 2.5
        http.close()


def test_a_silent_server_ends_too() -> None:
    """No answer at all is an error with a hint."""
    with web(lambda asked, connection: time.sleep(3)) as server:
        http, _ = client(server.url)
        with pytest.raises(Unavailable) as caught:
            http.get("x")
        assert caught.value.hint
        http.close()


def test_a_reply_may_not_be_longer_than_the_limit() -> None:
    """Whether it says its length or not."""
    endless = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 5000
    for data in (reply(b"x" * 5000), endless):
        with web(always(data)) as server:
            http, _ = client(server.url)
            with pytest.raises(BadFormat, match="more than"):
                http.get("x")
            http.close()


def test_a_scan_has_a_budget() -> None:
    """Replies, bytes and seconds of one scan are counted together."""
    with web(always(reply(b"0123456789"))) as server:
        http, _ = client(server.url)
        for budget in (Budget(replies=2), Budget(size=25), Budget(seconds=-1.0)):
            http.budget = budget
            with pytest.raises(Unavailable, match="more than one scan"):
                [http.get("x") for _ in range(3)]
        http.close()


def test_compressed_replies_are_refused() -> None:
    """Nothing is unpacked that nobody asked for."""
    with web(always(reply(b"\x1f\x8b", Content_Encoding="gzip"))) as server:
        http, _ = client(server.url)
        with pytest.raises(BadFormat, match="compressed"):
            http.get("x")
        http.close()


def test_credentials_do_not_follow_a_redirect_to_another_server() -> None:
    """The same server gets them again, any other never."""
    with web(always(reply(b"other"))) as other:
        place = other.url + "/there"

        def answer(asked: Asked, connection: socket.socket) -> None:
            target = {"/a": "/b", "/b": place}[asked.target]
            connection.sendall(reply(b"", 307, Location=target))

        with web(answer) as server:
            http, _ = client(server.url, headers=SECRET)
            assert http.get("a").body == b"other"
            http.close()
    assert [asked.headers.get("authorization") for asked in server.asked] == ["Bearer s3cret"] * 2
    assert "authorization" not in other.asked[0].headers


def test_redirects_end() -> None:
    """In a circle, to another scheme, to nowhere, or to a link-local address."""
    cases = {"/x": BadFormat, "ftp://127.0.0.1/": BadFormat, "file:///etc/passwd": BadFormat, "": BadFormat}
    for place, kind in (cases | {"http://169.254.169.254/latest/meta-data": Unavailable}).items():
        with web(always(reply(b"", 302, Location=place))) as server:
            http, _ = client(server.url)
            with pytest.raises(kind):
                http.get("x")
            http.close()


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254", "fd00:ec2::254"],
)
def test_link_local_addresses_are_forbidden(address: str) -> None:
    """In every spelling."""
    assert http_guard.forbidden(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.7", "192.168.1.1", "93.184.216.34", "fd12::1"])
def test_loopback_and_private_addresses_are_allowed(address: str) -> None:
    """That is where training servers live."""
    assert not http_guard.forbidden(address)


def test_a_name_that_resolves_to_a_link_local_address_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The address counts, not the name, and all of its addresses count."""
    entry = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))
    fine = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_: [fine, entry])
    http, _ = client("http://metadata.example")
    with pytest.raises(Unavailable, match="link-local"):
        http.get("latest/meta-data")
    http.close()


def test_an_unreachable_server_says_so() -> None:
    """With a hint, and without a traceback of the library."""
    http, _ = client("http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="cannot be reached") as caught:
        http.get("x")
    assert caught.value.hint
    http.close()


def test_ranges_are_asked_for_and_kept_to() -> None:
    """A server that ignores Range is read past the start and no further than asked."""
    data = bytes(range(256)) * 4

    def answer(asked: Asked, connection: socket.socket) -> None:
        wanted = asked.headers.get("range", "")
        if asked.target == "/deaf" or not wanted:
            connection.sendall(reply(data))
            return
        start, _, stop = wanted.removeprefix("bytes=").partition("-")
        part = data[int(start) : int(stop) + 1 if stop else None]
        connection.sendall(reply(part, 206))

    with web(answer) as server:
        http, _ = client(server.url)
        for path in ("deaf", "good"):
            for start, length in ((0, None), (10, 20), (1000, None), (0, 5), (7, 0)):
                with http.open(path, start, length) as stream:
                    assert stream.read() == data[start:][:length]
        http.close()


def test_a_stream_that_breaks_off_is_an_error() -> None:
    """Half a file is not a file."""

    def answer(asked: Asked, connection: socket.socket) -> None:
        connection.sendall(reply(b"x" * 100)[:-50])
        connection.shutdown(socket.SHUT_RDWR)

    with web(answer) as server:
        http, _ = client(server.url)
        with pytest.raises(Unavailable, match="broke off"), http.open("x") as stream:
            stream.read()
        http.close()


@pytest.mark.parametrize("url", ["ftp://host/", "file:///etc", "http://", "http://[bad", "host:80", "http://h:port"])
def test_only_http_urls_are_taken(url: str) -> None:
    """Anything else is a mistake in the configuration."""
    with pytest.raises(ConfigError):
        Http(url)


def test_users_and_passwords_leave_urls() -> None:
    """Wherever they stand."""
    assert without_userinfo("https://u:p@host:8/x?y") == "https://host:8/x?y"
    assert Http("http://u:p@host/x/").base == "http://host/x"
    assert origin("https://host") == ("https", "host", 443)
    assert basic("ada", "pw") == "Basic YWRhOnB3"
