"""A store in an S3 bucket: objects made once by conditional writes, read by ranges, within a deadline each.

No checksum of a server is relied upon: boto3 checks none on ranges and multipart downloads. Every reader above this
verifies hashes of its own. Credentials come from where boto3 looks, and are kept nowhere.

botocore bounds each wait for bytes and each number of tries, never their sum: a server that sends a byte now and then
holds it for ever. So requests run in threads of their own, and whoever asked leaves at the deadline. A write that was
left may still land; it makes an object once, or nothing.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lineal.errors import ConfigError, Error, NotFound, Unavailable, Unsupported
from lineal.store.backend import Object
from lineal.store.filesystem import failure
from lineal.store.folder import STALE, checked
from lineal.store.s3_client import TRIES, connected, endpoint_of, seconds, within
from lineal.store.s3_errors import Cut, NoUpload, Race, Taken, code_of, explained, refused

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_T = TypeVar("_T")
PART = 8 << 20  # bytes of a part of a multipart upload
SINGLE = 16 << 20  # bytes: up to here an object is sent whole
_PARALLEL = 4
_PIECE = 256 << 10  # bytes taken from a body at a time, so that a slow one is noticed
MAX_PAGES = 20_000  # of a listing, 1,000 objects each
MAX_EMPTY = 100  # pages in a row that hold nothing, before a listing is taken for endless
DEADLINE = 120.0  # seconds for one operation, with all that is tried again; for each part of a large upload
_NO_SERVER = "is it an S3 server, or a proxy of one?"
_SPAN = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")


class S3Backend:
    """Objects below a prefix of one bucket. boto3 and its client are loaded by the first request."""

    def __init__(self, url: str, options: Mapping[str, str], cache: Path) -> None:
        """Name the place, without touching it.

        Args:
            url: `s3://bucket/prefix`.
            options: endpoint, profile, region, path_style, checksums, and in seconds deadline,
                connect_timeout, read_timeout.
            cache: a folder for temporary files.

        Raises:
            ConfigError: the URL names no bucket, or an option is none.
        """
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        if not bucket or "@" in bucket:
            raise ConfigError(
                f"{url} names no bucket", hint="s3://bucket/prefix; credentials come from AWS's own settings"
            )
        self.url = url.rstrip("/")
        self.bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._options = options
        self._cache = cache
        endpoint_of(options)
        self._deadline = seconds(options, "deadline", DEADLINE)
        self._lock = threading.Lock()
        self._probing = threading.Lock()  # not the client's, which the probe itself asks for in another thread
        self._client: S3Client | None = None
        self._conditional: bool | None = None

    @property
    def client(self) -> S3Client:
        """The client, which may be used from several threads."""
        with self._lock:
            if self._client is None:
                self._client = connected(self.url, self._options, self._deadline)
            return self._client

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Return a part of an object. Raises NotFound, AuthRequired, Unavailable."""
        checked(key)
        if length == 0:
            return b""
        end = self._end()
        for attempt in range(TRIES):
            try:
                return self._asked(lambda: self._body(key, start, length, end), key, end)
            except Cut:
                if attempt + 1 == TRIES or time.monotonic() > end:
                    raise
            time.sleep(min(0.1 * 2**attempt, max(0.0, end - time.monotonic())))
        raise AssertionError("the last try returns or raises")

    def _body(self, key: str, start: int, length: int | None, end: float) -> bytes:
        from botocore.exceptions import ClientError

        span = f"bytes={start}-{'' if length is None else start + length - 1}"
        try:
            if start == 0 and length is None:
                answer = self.client.get_object(Bucket=self.bucket, Key=self._prefix + key)
            else:
                answer = self.client.get_object(Bucket=self.bucket, Key=self._prefix + key, Range=span)
        except ClientError as error:
            if code_of(error) in {"InvalidRange", "416"}:
                return b""
            raise
        with answer["Body"] as body:
            whole = start == 0 and length is None
            expected = self._given(answer, "ContentLength") if whole else self._promised(answer, key, start, length)
            parts: list[bytes] = []
            got = 0
            while got <= expected and (part := self._piece(body, key)):
                parts.append(part)
                got += len(part)
                if time.monotonic() > end:
                    raise self._late()
        if got != expected:
            raise self._cut(key, f"{got:,} bytes where {expected:,} were promised")
        return b"".join(parts)

    def _promised(self, answer: Any, key: str, start: int, length: int | None) -> int:
        """Return the bytes of a part, if it is the one that was asked for: some servers send the whole, or less."""
        found = _SPAN.fullmatch(str(answer.get("ContentRange", "")))
        if found is None:
            raise Unavailable(
                f"{self.url} does not send parts of objects", hint="is it an S3 server, or a proxy of one?"
            )
        first, last, total = (int(number) for number in found.groups())
        size = total - start if length is None else min(length, total - start)
        if first != start or last - first + 1 != size or self._given(answer, "ContentLength") != size:
            raise self._cut(key, f"bytes {first:,} to {last:,} where {size:,} from {start:,} were promised")
        return size

    def _given(self, answer: Any, name: str) -> Any:
        """Return what every answer of its kind says, of a server that may be none."""
        if answer.get(name) is None:
            raise Unavailable(f"{self.url} answers without {name}", hint=_NO_SERVER)
        return answer[name]

    def _cut(self, key: str, reason: str) -> Cut:
        return Cut(f"{self.url}/{key}: {reason}", hint="the network or the server cut it off; try again")

    def _piece(self, body: Any, key: str) -> bytes:
        import botocore.exceptions as failures
        import urllib3.exceptions as lower

        try:
            return bytes(body.read(_PIECE))
        except (
            failures.IncompleteReadError,
            failures.ResponseStreamingError,
            failures.ReadTimeoutError,
            lower.HTTPError,
            OSError,
        ) as error:
            raise self._cut(key, str(error)[:120]) from error

    def size(self, key: str) -> int | None:
        """Return an object's size, or None. Raises AuthRequired, Unavailable."""
        try:
            name = self._prefix + checked(key)
            answer = self._asked(lambda: self.client.head_object(Bucket=self.bucket, Key=name), key)
        except NotFound:
            return None
        return int(self._given(answer, "ContentLength"))

    def create(self, key: str, source: bytes | Path) -> bool:
        """Make an object unless one is there.

        Raises:
            Unsupported: the server knows no conditional writes, and `key` is one that needs them.
        """
        checked(key)
        if not self._has_conditions():
            return self._create_plainly(key, source)
        return self._put(key, source, conditional=True)

    def _create_plainly(self, key: str, source: bytes | Path) -> bool:
        """Look first, then write: enough where a key is the hash of its bytes, and nothing else."""
        if not key.startswith(("packs/", "manifests/", "damaged/", "locks/writer-", "format")):
            raise Unsupported(
                f"{self.url} cannot make an object only once (If-None-Match), which the ledger needs",
                hint="keep the store on another server, or in a folder; its packs can be read all the same",
            )
        return self.size(key) is None and self._put(key, source, conditional=False)

    def _put(self, key: str, source: bytes | Path, *, conditional: bool) -> bool:
        size = len(source) if isinstance(source, bytes) else _local(source, lambda: source.stat().st_size)
        if size > SINGLE:
            return self._parts(key, source, size, conditional=conditional)
        body = source if isinstance(source, bytes) else _local(source, source.read_bytes)
        return self._once(
            key,
            lambda given: self.client.put_object(Bucket=self.bucket, Key=self._prefix + key, Body=body, **given),
            conditional=conditional,
        )

    def _once(self, key: str, send: Callable[[Any], object], *, conditional: bool) -> bool:
        """Send what must not replace anything; say whether it did. A race between two is run again."""
        given = {"IfNoneMatch": "*"} if conditional else {}
        end = self._end()
        while True:
            try:
                self._asked(lambda: send(given), key, end)
            except Taken:
                return False
            except Race:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
                continue
            return True

    def _parts(self, key: str, source: bytes | Path, size: int, *, conditional: bool) -> bool:
        if self.size(key) is not None:
            return False  # before its bytes are sent for nothing
        name = self._prefix + key
        made = False
        begun = self._asked(lambda: self.client.create_multipart_upload(Bucket=self.bucket, Key=name), key)
        upload = str(self._given(begun, "UploadId"))
        try:
            parts: Any = self._sent(key, upload, source, size)
            made = self._once(
                key,
                lambda given: self.client.complete_multipart_upload(
                    Bucket=self.bucket, Key=name, UploadId=upload, MultipartUpload={"Parts": parts}, **given
                ),
                conditional=conditional,
            )
        except NoUpload:
            if self.size(key) != size:
                raise  # else the reply to the first try was lost, as with PutObject: it is there
        finally:
            if not made:
                self._abort(name, upload)
        return made

    def _sent(self, key: str, upload: str, source: bytes | Path, size: int) -> list[dict[str, object]]:
        """Send all parts, some at a time; where one fails those that wait are not begun."""
        with ThreadPoolExecutor(_PARALLEL, "upload") as pool:
            jobs = [
                pool.submit(self._part, key, upload, number, source, start)
                for number, start in enumerate(range(0, size, PART), 1)
            ]
            try:
                return [job.result() for job in jobs]
            finally:
                for job in jobs:
                    job.cancel()

    def _part(self, key: str, upload: str, number: int, source: bytes | Path, start: int) -> dict[str, object]:
        data = source[start : start + PART] if isinstance(source, bytes) else _local(source, lambda: _at(source, start))
        answer = self._asked(
            lambda: self.client.upload_part(
                Bucket=self.bucket, Key=self._prefix + key, UploadId=upload, PartNumber=number, Body=data
            ),
            key,
        )
        return {"PartNumber": number, "ETag": self._given(answer, "ETag")}

    def _abort(self, name: str, upload: str) -> None:
        """Take away the parts of an upload that came to nothing; one that is complete has none."""
        with suppress(Error):
            self._asked(lambda: self.client.abort_multipart_upload(Bucket=self.bucket, Key=name, UploadId=upload), name)

    def _has_conditions(self) -> bool:
        """Find out, once, whether this server keeps to If-None-Match: some ignore it and answer 200."""
        with self._probing:
            if self._conditional is None:
                self._conditional = self._probe()
            return self._conditional

    def _probe(self) -> bool:
        key = f"tmp/probe-{secrets.token_hex(8)}"
        try:
            if not self._put(key, b"1", conditional=True):  # else whatever is made later would pass for there already
                raise Unavailable(
                    f"{self.url} refuses every write (412)", hint="is it an S3 server, or a proxy of one?"
                )
        except Unsupported:
            return False
        try:
            return not self._put(key, b"2", conditional=True)
        finally:
            with suppress(Error):  # who may write need not be allowed to delete
                self.delete(key)

    def list(self, prefix: str) -> Iterator[Object]:
        """Yield objects sorted by key; a listing may lag behind. Raises AuthRequired, Unavailable."""
        token, last, empty = "", "", 0
        if prefix:
            checked(prefix.rstrip("/"))
        for _ in range(MAX_PAGES):
            answer = self._page(prefix, token)
            found = [self._object(one) for one in answer.get("Contents", [])]
            for one in found:
                if one.key <= last or not one.key.startswith(prefix):
                    raise Unavailable(f"{self.url}: a listing without an end or order", hint="the server is at fault")
                last = one.key
                if _is_shown(one.key, prefix):
                    yield one
            token = answer.get("NextContinuationToken", "")
            if not answer.get("IsTruncated") or not token:
                return
            empty = 0 if found else empty + 1
            if empty > MAX_EMPTY:
                break
        raise Unavailable(f"{self.url}: a listing without an end", hint="the server is at fault")

    def _page(self, prefix: str, token: str) -> Any:
        given: Any = {"ContinuationToken": token} if token else {}
        name = self._prefix + prefix
        return self._asked(
            lambda: self.client.list_objects_v2(Bucket=self.bucket, Prefix=name, **given), prefix.rstrip("/")
        )

    def _object(self, entry: Any) -> Object:
        key, size, modified = (self._given(entry, name) for name in ("Key", "Size", "LastModified"))
        return Object(str(key).removeprefix(self._prefix), int(size), modified.timestamp())

    def delete(self, key: str) -> None:
        """Take an object away."""
        name = self._prefix + checked(key)
        with suppress(NotFound):
            self._asked(lambda: self.client.delete_object(Bucket=self.bucket, Key=name), key)

    def scratch(self) -> Path:
        """Return a folder of this machine for what is to be sent."""
        folder = self._cache / "outgoing"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def reap(self, now: float) -> int:
        """Take temporary files away that killed processes left; those of all stores, for they lie together."""
        old = [path for path in self.scratch().glob("*.tmp") if now - path.lstat().st_mtime > STALE]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _asked(self, ask: Callable[[], _T], key: str, end: float | None = None) -> _T:
        """Ask once, which botocore tries several times, until `end`; tell what went wrong in our words."""
        import botocore.exceptions as failures
        import urllib3.exceptions as lower
        from botocore.parsers import ResponseParserError

        try:
            return within((self._end() if end is None else end) - time.monotonic(), ask)
        except failures.ClientError as error:
            raise explained(self.url, self.bucket, error, key) from error
        except (
            failures.NoCredentialsError,
            failures.PartialCredentialsError,
            failures.CredentialRetrievalError,
            failures.TokenRetrievalError,
            failures.SSOError,
        ) as error:
            raise refused(self.url, str(error)) from error
        except TimeoutError as error:
            raise self._late() from error
        except (failures.BotoCoreError, ResponseParserError, lower.HTTPError, OSError) as error:
            raise Unavailable(
                f"{self.url} cannot be reached: {str(error)[:200]}", hint="check the network and the endpoint"
            ) from error

    def _end(self) -> float:
        """Return when an operation that begins now must be over; boto3 is loaded first, which is no server's fault."""
        self.client  # noqa: B018
        return time.monotonic() + self._deadline

    def _late(self) -> Unavailable:
        return Unavailable(
            f"{self.url} took more than {self._deadline:g} s",
            hint="try again; for a slow network set `deadline`, in seconds",
        )


def _is_shown(key: str, prefix: str) -> bool:
    """Say whether a key is an object of the store: not anybody else's file, nor what a probe left."""
    try:
        checked(key)
    except NotFound:
        return False
    return prefix.startswith("tmp/") or not key.startswith("tmp/")


def _local(path: Path, read: Callable[[], _T]) -> _T:
    try:
        return read()
    except OSError as error:
        raise failure(error, path) from error


def _at(path: Path, start: int) -> bytes:
    with path.open("rb") as stream:
        stream.seek(start)
        return stream.read(PART)
