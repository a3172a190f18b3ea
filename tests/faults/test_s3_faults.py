"""An S3 server that fails in every way it can: what comes out is right, or a typed error within the deadline."""

from __future__ import annotations

import io
import itertools
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.response import StreamingBody

from lineal.errors import AuthRequired, ConfigError, Error, Unavailable, Unsupported
from lineal.registries.native import exchange
from lineal.store import care
from lineal.store.s3 import S3Backend
from tests import ceph, s3, shelves
from tests.sources.web import Answer, Asked, always, reply, web

DEADLINE = 4.0


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3.moto() as found:
        yield found


@pytest.fixture
def backend(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Backend]:
    for name, value in {**ceph.KEYS, "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, value)
    options = {"endpoint": endpoint, "deadline": str(DEADLINE)}
    found = S3Backend(f"s3://models/{tmp_path.name}", options, tmp_path / "cache")
    found.create("packs/aa/one", b"x" * 100_000)
    yield found
    found.close()


class Faults:
    """Answers the next requests of one operation in a server's place, or spoils what the server says."""

    def __init__(self, backend: S3Backend) -> None:
        self.events = backend.client.meta.events
        self.count = 0

    def instead(self, operation: str, answer: Callable[[Any], Any], times: int) -> None:
        """Answer so many requests without asking the server."""

        def hook(request: Any, **_: object) -> Any:
            self.count += 1
            return answer(request) if self.count <= times else None

        self.events.register(f"before-send.s3.{operation}", hook)

    def after(self, operation: str, spoil: Callable[[dict[str, Any]], None], times: int = 1) -> None:
        """Change so many parsed answers."""

        def hook(parsed: dict[str, Any], **_: object) -> None:
            self.count += 1
            if self.count <= times:
                spoil(parsed)

        self.events.register(f"after-call.s3.{operation}", hook)


class _Raw(io.BytesIO):
    def stream(self, amt: int = 1024, decode_content: bool = False) -> Iterator[bytes]:
        yield self.read()


def _body(stream: Any) -> StreamingBody:
    """A body that does not count its own bytes."""
    unknown: Any = None
    return StreamingBody(stream, unknown)


def _head(body: bytes) -> Any:
    return {"content-length": str(len(body))}


def said(code: int, name: str) -> Callable[[Any], AWSResponse]:
    body = f"<Error><Code>{name}</Code><Message>no</Message></Error>".encode()
    return lambda request: AWSResponse(request.url, code, _head(body), _Raw(body))


def test_a_server_that_is_busy_for_a_while_is_asked_again(backend: S3Backend) -> None:
    Faults(backend).instead("GetObject", said(503, "SlowDown"), 2)
    assert backend.read("packs/aa/one", 0, 3) == b"xxx"


@pytest.mark.parametrize(
    ("code", "name", "kind"),
    [
        (503, "SlowDown", Unavailable),
        (500, "InternalError", Unavailable),
        (400, "ExpiredToken", AuthRequired),
        (403, "AccessDenied", AuthRequired),
        (403, "InvalidAccessKeyId", AuthRequired),
        (404, "NoSuchBucket", Unavailable),
    ],
)
def test_a_server_that_says_no_is_a_typed_error_in_time(
    backend: S3Backend, code: int, name: str, kind: type[Error]
) -> None:
    Faults(backend).instead("GetObject", said(code, name), 10**6)
    began = time.monotonic()
    with pytest.raises(kind) as caught:
        backend.read("packs/aa/one")
    assert caught.value.hint
    assert time.monotonic() - began < 3 * DEADLINE


def test_a_reset_is_tried_again(backend: S3Backend) -> None:
    def reset(request: Any) -> None:
        raise ConnectionClosedError(endpoint_url=request.url)

    Faults(backend).instead("GetObject", reset, 2)
    assert len(backend.read("packs/aa/one")) == 100_000


def test_a_lost_reply_to_a_write_is_no_second_write_and_no_failure(backend: S3Backend) -> None:
    lost = {"left": 1}
    other = S3Backend(backend.url, dict(backend._options), backend._cache)

    def lose(request: Any, **_: object) -> None:
        if lost["left"]:
            lost["left"] -= 1
            key = request.url.partition("/models/")[2]
            other.client.put_object(Bucket="models", Key=key, Body=b"mine")  # it arrives, and its answer does not
            raise ConnectionClosedError(endpoint_url=request.url)

    backend._has_conditions()
    backend.client.meta.events.register("before-send.s3.PutObject", lose)
    assert not backend.create("ledger/00000000/1", b"mine")  # the second try met what the first had made
    assert backend.read("ledger/00000000/1") == b"mine"
    other.close()


def test_a_truncated_body_is_read_again(backend: S3Backend) -> None:
    def cut(parsed: dict[str, Any]) -> None:
        parsed["Body"] = StreamingBody(io.BytesIO(parsed["Body"].read()[:-5]), parsed["ContentLength"])

    Faults(backend).after("GetObject", cut)
    assert len(backend.read("packs/aa/one")) == 100_000


def test_a_body_that_is_always_cut_is_an_error(backend: S3Backend) -> None:
    def cut(parsed: dict[str, Any]) -> None:
        parsed["Body"] = _body(io.BytesIO(parsed["Body"].read()[:-5]))

    Faults(backend).after("GetObject", cut, 10**6)
    with pytest.raises(Unavailable, match="promised"):
        backend.read("packs/aa/one")


def test_a_slow_drip_ends_at_the_deadline(backend: S3Backend) -> None:
    class Drip(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            time.sleep(0.3)
            return b"x"

    def slow(parsed: dict[str, Any]) -> None:
        parsed["Body"] = _body(Drip())

    Faults(backend).after("GetObject", slow, 10**6)
    began = time.monotonic()
    with pytest.raises(Unavailable):
        backend.read("packs/aa/one")
    assert time.monotonic() - began < 3 * DEADLINE


def test_flipped_bits_that_the_server_vouches_for_are_found(backend: S3Backend, tmp_path: Path) -> None:
    data = {"w.safetensors": shelves.safetensors(shelves.chain(1)[0])}
    with shelves.at(backend.url, tmp_path, dict(backend._options)) as shelf:
        made = shelves.commit(shelf, data, tmp_path)
        shelf.document(shelf.find("m"))

        def flip(parsed: dict[str, Any]) -> None:
            body = bytearray(parsed["Body"].read())
            body[len(body) // 2] ^= 1
            parsed["Body"] = StreamingBody(io.BytesIO(bytes(body)), parsed["ContentLength"])

        assert isinstance(shelf.store.backend, S3Backend)
        Faults(shelf.store.backend).after("GetObject", flip, 10**6)
        with pytest.raises(Error):
            shelves.files_of(shelf, made.id, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_stale_listing_hides_nothing_that_is_there(backend: S3Backend, tmp_path: Path) -> None:
    data = {"w.safetensors": shelves.safetensors(shelves.chain(1)[0])}
    options = dict(backend._options)
    with shelves.at(backend.url, tmp_path, options) as shelf:
        made = shelves.commit(shelf, data, tmp_path)
    with shelves.at(backend.url, tmp_path / "other", options) as shelf:
        assert isinstance(shelf.store.backend, S3Backend)
        Faults(shelf.store.backend).after("ListObjectsV2", lambda parsed: parsed.update(Contents=[]), 10**6)
        assert shelf.find("m").id == made.id
        assert shelves.files_of(shelf, made.id, tmp_path / "out") == data


def test_a_listing_without_an_end_is_an_error(backend: S3Backend) -> None:
    body = (
        b"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>more</NextContinuationToken>"
        b"</ListBucketResult>"
    )
    Faults(backend).instead(
        "ListObjectsV2", lambda request: AWSResponse(request.url, 200, _head(body), _Raw(body)), 10**6
    )
    with pytest.raises(Unavailable, match="without an end"):
        list(backend.list("packs/"))


def test_a_server_without_conditional_writes_keeps_packs_and_refuses_the_ledger(backend: S3Backend) -> None:
    backend._conditional = False
    assert backend.create("packs/bb/two", b"2")
    assert not backend.create("packs/bb/two", b"3")
    with pytest.raises(Unsupported, match="only once"):
        backend.create("ledger/00000000/7", b"x")


def test_credentials_that_expire_halfway_leave_a_push_that_goes_on(backend: S3Backend, tmp_path: Path) -> None:
    options = dict(backend._options)
    with shelves.shelf(tmp_path) as here, shelves.at(backend.url, tmp_path, options) as there:
        for weights in shelves.chain(3):
            shelves.commit(here, {"w.safetensors": shelves.safetensors(weights)}, tmp_path)
        assert isinstance(there.store.backend, S3Backend)
        count = {"puts": 0}

        def expire(request: Any, **_: object) -> Any:
            count["puts"] += 1
            return said(400, "ExpiredToken")(request) if 4 <= count["puts"] < 10**6 and not count.get("over") else None

        there.store.backend.client.meta.events.register("before-send.s3.PutObject", expire)
        with pytest.raises(AuthRequired):
            exchange.carry(here, there, exchange.plan(here, there, exchange.everything(here, there)))
        assert there.state().models == {}
        count["over"] = 1
        exchange.carry(here, there, exchange.plan(here, there, exchange.everything(here, there)))
        live = list(there.state().models["m"])
        assert len(live) == 3
        assert care.verify(there.store, live, full=True).faults == ()


ASKS: dict[str, Callable[[S3Backend], object]] = {
    "read": lambda backend: backend.read("packs/aa/one"),
    "range": lambda backend: backend.read("packs/aa/one", 10, 5),
    "size": lambda backend: backend.size("packs/aa/one"),
    "list": lambda backend: list(backend.list("packs/")),
    "create": lambda backend: backend.create("packs/aa/one", b"x"),
    "parts": lambda backend: backend._put("packs/aa/one", bytes(17 << 20), conditional=True),
    "delete": lambda backend: backend.delete("packs/aa/one"),
}


def _dripping(head: bytes) -> Answer:
    def drip(asked: Asked, connection: socket.socket) -> None:
        for byte in itertools.chain(head, itertools.repeat(ord("x"), 200)):
            connection.sendall(bytes([byte]))
            time.sleep(0.1)

    return drip


def _body_only(asked: Asked, connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n")
    _dripping(b"")(asked, connection)


def _silent(asked: Asked, connection: socket.socket) -> None:
    time.sleep(20)


SLOW: dict[str, Answer] = {
    "silent": _silent,
    "headers": _dripping(b"HTTP/1.1 200 OK\r\nX: "),
    "body": _body_only,
}


@pytest.fixture
def against(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], S3Backend]:
    """Give a backend of a server that is none, which waits for nothing for long."""
    for name, value in {**ceph.KEYS, "AWS_EC2_METADATA_DISABLED": "true"}.items():
        monkeypatch.setenv(name, value)
    return lambda url: S3Backend("s3://models/team", {"endpoint": url, "deadline": "1"}, tmp_path / "cache")


@pytest.mark.parametrize(
    ("how", "ask"),
    [
        *((how, ask) for how in ("silent", "headers") for ask in ASKS if ask != "parts"),
        *(("body", ask) for ask in ("read", "range", "list")),  # the other answers have none that anybody waits for
    ],
)
def test_a_slow_server_is_left_at_the_deadline(against: Callable[[str], S3Backend], how: str, ask: str) -> None:
    """Whatever it is slow with, and however many bytes it sends in the meantime."""
    with web(SLOW[how]) as server:
        backend = against(server.url)
        backend.client  # noqa: B018 - loading boto3 is no part of it
        began = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            ASKS[ask](backend)
        assert time.monotonic() - began < 5  # the server goes on for twenty
        assert caught.value.hint


ODD = {
    "taken": reply(b"", 412),
    "racing": reply(b"", 409),
    "page": reply(b"<html>sign in", Content_Type="text/html"),
    "empty": reply(b""),
    "teapot": reply(b"", 418),
    "unsized": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "entry": reply(b"<ListBucketResult><Contents><Key>team/packs/a</Key></Contents></ListBucketResult>"),
    "binary": reply(bytes(range(256))),
}


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize("how", ODD)
def test_an_odd_answer_is_taken_or_a_typed_error(against: Callable[[str], S3Backend], how: str, ask: str) -> None:
    """Nothing else comes out: no KeyError of a field that is missing, and nothing of botocore's."""
    with web(always(ODD[how])) as server:
        try:
            ASKS[ask](against(server.url))
        except Error as error:
            assert error.hint


def test_a_server_that_refuses_every_write_does_not_pass_for_one_that_has_everything(
    against: Callable[[str], S3Backend], tmp_path: Path
) -> None:
    """For what is there already counts as stored."""
    with web(always(ODD["taken"])) as server:
        patient = S3Backend("s3://models/team", {"endpoint": server.url, "deadline": "20"}, tmp_path)
        with pytest.raises(Unavailable, match="every write"):
            patient.create("packs/aa/one", b"x")


@pytest.mark.parametrize(("start", "length"), [(10, 5), (10, None), (10, 500)])
@pytest.mark.parametrize(
    "answer",
    [
        reply(bytes(range(200))),
        reply(b"abc", 206, Content_Range="bytes 10-12/200"),
        reply(bytes(5), 206, Content_Range="bytes 0-4/200"),
        reply(bytes(190), 206, Content_Range="bytes 10-14/200"),
        reply(b"abc", 206, Content_Range="bytes no"),
    ],
    ids=["whole", "short", "elsewhere", "long", "unsaid"],
)
def test_other_bytes_than_those_asked_for_are_not_handed_out(
    against: Callable[[str], S3Backend], answer: bytes, start: int, length: int | None
) -> None:
    with web(always(answer)) as server, pytest.raises(Unavailable):
        against(server.url).read("packs/aa/one", start, length)


def test_pages_without_end_are_cut_off_soon(against: Callable[[str], S3Backend]) -> None:
    """However new each of their tokens is."""
    numbers = itertools.count()

    def more(asked: Asked, connection: socket.socket) -> None:
        token = b"<NextContinuationToken>%d</NextContinuationToken>" % next(numbers)
        connection.sendall(reply(b"<ListBucketResult><IsTruncated>true</IsTruncated>%s</ListBucketResult>" % token))

    with web(more) as server:
        with pytest.raises(Unavailable, match="without an end"):
            list(against(server.url).list("packs/"))
        assert len(server.asked) < 200


def test_a_lost_reply_to_the_end_of_a_large_upload_is_no_failure(backend: S3Backend) -> None:
    """The second try is told that there is no such upload, for the first one completed it."""
    other = S3Backend(backend.url, dict(backend._options), backend._cache)
    lost = {"left": 1}

    def lose(request: Any, **_: object) -> Any:
        if lost["left"]:
            lost["left"] -= 1
            other.create("packs/aa/large", data)  # it arrives
            return said(404, "NoSuchUpload")(request)
        return None

    data = bytes(range(256)) * (17 << 12)
    backend._has_conditions()
    backend.client.meta.events.register("before-send.s3.CompleteMultipartUpload", lose)
    assert not backend.create("packs/aa/large", data)
    assert backend.read("packs/aa/large") == data
    other.close()


def test_a_part_that_cannot_be_sent_leaves_no_upload_behind(backend: S3Backend) -> None:
    backend._has_conditions()
    Faults(backend).instead("UploadPart", said(403, "AccessDenied"), 10**6)
    with pytest.raises(AuthRequired):
        backend.create("packs/aa/large", bytes(20 << 20))
    assert backend.size("packs/aa/large") is None
    assert not backend.client.list_multipart_uploads(Bucket="models").get("Uploads")


@pytest.mark.parametrize(
    ("name", "value"),
    [("deadline", "soon"), ("deadline", "0"), ("read_timeout", "nan"), ("endpoint", "ftp://x"),
     ("endpoint", "http://me:secret@x")],
)  # fmt: skip
def test_an_option_that_makes_no_sense_is_said_to_and_never_repeated_with_a_password(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        S3Backend("s3://models/team", {name: value}, tmp_path).client  # noqa: B018
    assert caught.value.hint
    assert "secret" not in str(caught.value)
