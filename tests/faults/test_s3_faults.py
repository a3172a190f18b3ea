"""An S3 server that fails in every way it can: what comes out is right, or a typed error within the deadline."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from botocore.response import StreamingBody

from lineal.errors import AuthRequired, Error, Unavailable, Unsupported
from lineal.registries.native import exchange
from lineal.store import care
from lineal.store.s3 import S3Backend
from tests import ceph, s3, shelves

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
