"""A store in an S3 bucket: objects made once by conditional writes, read by ranges, within a deadline each.

No checksum of a server is relied upon: boto3 checks none on ranges and multipart downloads. Every reader above this
verifies hashes of its own. Credentials come from where boto3 looks, and are kept nowhere.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lineal.errors import AuthRequired, ConfigError, Error, NotFound, OutOfSpace, Unavailable, Unsupported
from lineal.store.backend import Object

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_T = TypeVar("_T")
PART = 8 << 20  # bytes of a part of a multipart upload
SINGLE = 16 << 20  # bytes: up to here an object is sent whole
_PARALLEL = 4
_PIECE = 256 << 10  # bytes taken from a body at a time, so that a slow one is noticed
MAX_PAGES = 20_000  # of a listing, 1,000 objects each
DEADLINE = 120.0  # seconds for one operation, with all that is tried again
_TRIES = 4
_GONE = frozenset({"NoSuchKey", "404", "NotFound"})
_REFUSED = frozenset(
    {
        "AccessDenied",
        "403",
        "Forbidden",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "ExpiredToken",
        "InvalidToken",
        "TokenRefreshRequired",
        "AuthorizationHeaderMalformed",
        "ExpiredTokenException",
        "401",
    }
)
_TAKEN = frozenset({"PreconditionFailed", "412"})
_RACING = frozenset({"ConditionalRequestConflict", "409", "OperationAborted"})
_UNKNOWN = frozenset({"NotImplemented", "501", "InvalidRequest", "InvalidArgument"})
_FULL = frozenset({"QuotaExceeded", "EntityTooLarge", "InsufficientStorage", "507", "NoSpaceLeft"})
_OTHER_BUCKET = frozenset({"NoSuchBucket", "PermanentRedirect", "301"})


class S3Backend:
    """Objects below a prefix of one bucket. boto3 and its client are loaded by the first request."""

    def __init__(self, url: str, options: Mapping[str, str], cache: Path) -> None:
        """Name the place, without touching it.

        Args:
            url: `s3://bucket/prefix`.
            options: endpoint, profile, region, path_style, checksums, deadline (seconds).
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
        self._deadline = float(options.get("deadline", DEADLINE))
        self._lock = threading.RLock()
        self._client: S3Client | None = None
        self._conditional: bool | None = None

    @property
    def client(self) -> S3Client:
        """The client, which may be used from several threads."""
        with self._lock:
            if self._client is None:
                self._client = self._connected()
            return self._client

    def _connected(self) -> S3Client:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        endpoint = self._options.get("endpoint") or None
        style = self._options.get("path_style", "true" if endpoint else "false")
        checksums: Any = self._options.get("checksums") or "when_required"
        config = Config(
            s3={"addressing_style": "path" if style == "true" else "auto"},
            retries={"mode": "standard", "total_max_attempts": _TRIES},
            connect_timeout=min(5.0, self._deadline),
            read_timeout=min(30.0, self._deadline),
            max_pool_connections=32,
            request_checksum_calculation=checksums,
            response_checksum_validation=checksums,
        )
        try:
            session = boto3.session.Session(profile_name=self._options.get("profile") or None)
            region = self._options.get("region") or session.region_name or "us-east-1"
            return session.client("s3", endpoint_url=endpoint, region_name=region, config=config)
        except (BotoCoreError, ValueError) as error:
            raise ConfigError(f"{self.url}: {error}", hint="check the profile, region and endpoint") from error

    def read(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Return a part of an object. Raises NotFound, AuthRequired, Unavailable."""
        if length == 0:
            return b""
        end = time.monotonic() + self._deadline
        last: Error | None = None
        for attempt in range(_TRIES):
            try:
                return self._asked(lambda: self._body(key, start, length, end), key)
            except _Cut as cut:
                last = Unavailable(f"{self.url}/{key}: {cut}", hint="the network or the server cut it off; try again")
            if time.monotonic() + attempt > end:
                break
            time.sleep(min(0.1 * 2**attempt, max(0.0, end - time.monotonic())))
        raise last or Unavailable(f"{self.url}/{key} could not be read", hint="try again")

    def _body(self, key: str, start: int, length: int | None, end: float) -> bytes:
        from botocore.exceptions import ClientError

        span = f"bytes={start}-{'' if length is None else start + length - 1}"
        try:
            if start == 0 and length is None:
                answer = self.client.get_object(Bucket=self.bucket, Key=self._prefix + key)
            else:
                answer = self.client.get_object(Bucket=self.bucket, Key=self._prefix + key, Range=span)
        except ClientError as error:
            if _code(error) in {"InvalidRange", "416"}:
                return b""
            raise
        expected = int(answer["ContentLength"])
        parts: list[bytes] = []
        with answer["Body"] as body:
            while part := self._piece(body):
                parts.append(part)
                if time.monotonic() > end:
                    raise Unavailable(
                        f"{self.url}/{key} came too slowly", hint=f"it took more than {self._deadline:.0f} s; try again"
                    )
        data = b"".join(parts)
        if len(data) != expected or (length is not None and len(data) > length):
            raise _Cut(f"{len(data):,} bytes where {expected:,} were promised")
        return data

    def _piece(self, body: Any) -> bytes:
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
            raise _Cut(str(error)[:120]) from error

    def size(self, key: str) -> int | None:
        """Return an object's size, or None. Raises AuthRequired, Unavailable."""
        try:
            answer = self._asked(lambda: self.client.head_object(Bucket=self.bucket, Key=self._prefix + key), key)
        except NotFound:
            return None
        return int(answer["ContentLength"])

    def create(self, key: str, source: bytes | Path) -> bool:
        """Make an object unless one is there.

        Raises:
            Unsupported: the server knows no conditional writes, and `key` is one that needs them.
        """
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
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        if size > SINGLE:
            return self._parts(key, source, size, conditional=conditional)
        body = source if isinstance(source, bytes) else source.read_bytes()
        return self._once(
            key,
            lambda given: self.client.put_object(Bucket=self.bucket, Key=self._prefix + key, Body=body, **given),
            conditional=conditional,
        )

    def _once(self, key: str, send: Callable[[Any], object], *, conditional: bool) -> bool:
        """Send what must not replace anything; say whether it did. A race between two is run again."""
        given = {"IfNoneMatch": "*"} if conditional else {}
        end = time.monotonic() + self._deadline
        while True:
            try:
                self._asked(lambda: send(given), key)
            except _Taken:
                return False
            except _Race:
                if time.monotonic() > end:
                    raise Unavailable(f"{self.url}/{key}: too many writers", hint="try again") from None
                time.sleep(0.05)
                continue
            return True

    def _parts(self, key: str, source: bytes | Path, size: int, *, conditional: bool) -> bool:
        if self.size(key) is not None:
            return False  # before its bytes are sent for nothing
        name = self._prefix + key
        made = False
        upload = self._asked(lambda: self.client.create_multipart_upload(Bucket=self.bucket, Key=name), key)["UploadId"]
        try:
            with ThreadPoolExecutor(_PARALLEL, "upload") as pool:
                jobs = [
                    pool.submit(self._part, key, upload, number, source, start)
                    for number, start in enumerate(range(0, size, PART), 1)
                ]
                parts: Any = [job.result() for job in jobs]
            made = self._once(
                key,
                lambda given: self.client.complete_multipart_upload(
                    Bucket=self.bucket, Key=name, UploadId=upload, MultipartUpload={"Parts": parts}, **given
                ),
                conditional=conditional,
            )
            return made
        finally:
            if not made:
                self._abort(name, upload)

    def _part(self, key: str, upload: str, number: int, source: bytes | Path, start: int) -> dict[str, object]:
        if isinstance(source, bytes):
            data = source[start : start + PART]
        else:
            with source.open("rb") as stream:
                stream.seek(start)
                data = stream.read(PART)
        answer = self._asked(
            lambda: self.client.upload_part(
                Bucket=self.bucket, Key=self._prefix + key, UploadId=upload, PartNumber=number, Body=data
            ),
            key,
        )
        return {"PartNumber": number, "ETag": answer["ETag"]}

    def _abort(self, name: str, upload: str) -> None:
        """Take away the parts of an upload that came to nothing; one that is complete has none."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self.client.abort_multipart_upload(Bucket=self.bucket, Key=name, UploadId=upload)
        except (ClientError, BotoCoreError):
            return

    def _has_conditions(self) -> bool:
        """Find out, once, whether this server keeps to If-None-Match: some ignore it and answer 200."""
        with self._lock:
            if self._conditional is None:
                self._conditional = self._probe()
            return self._conditional

    def _probe(self) -> bool:
        key = f"tmp/probe-{secrets.token_hex(8)}"
        try:
            self._put(key, b"1", conditional=True)
            return not self._put(key, b"2", conditional=True)
        except Unsupported:
            return False
        finally:
            self.delete(key)

    def list(self, prefix: str) -> Iterator[Object]:
        """Yield objects sorted by key; a listing may lag behind. Raises AuthRequired, Unavailable."""
        token, seen = "", set()
        for _ in range(MAX_PAGES):
            given: Any = {"ContinuationToken": token} if token else {}
            answer: Any = self._asked(
                lambda given=given: self.client.list_objects_v2(  # type: ignore[misc]
                    Bucket=self.bucket, Prefix=self._prefix + prefix, **given
                ),
                prefix,
            )
            for one in answer.get("Contents", []):
                yield Object(one["Key"].removeprefix(self._prefix), one["Size"], one["LastModified"].timestamp())
            token = answer.get("NextContinuationToken", "")
            if not answer.get("IsTruncated") or not token:
                return
            if token in seen:
                break
            seen.add(token)
        raise Unavailable(f"{self.url}: a listing without an end", hint="the server is at fault")

    def delete(self, key: str) -> None:
        """Take an object away."""
        self._asked(lambda: self.client.delete_object(Bucket=self.bucket, Key=self._prefix + key), key)

    def scratch(self) -> Path:
        """Return a folder of this machine for what is to be sent."""
        folder = self._cache / "outgoing"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _asked(self, ask: Callable[[], _T], key: str) -> _T:
        """Ask once, which botocore tries several times; tell what went wrong in our words."""
        import botocore.exceptions as failures

        try:
            return ask()
        except failures.ClientError as error:
            raise self._said(error, key) from error
        except (failures.NoCredentialsError, failures.PartialCredentialsError, failures.TokenRetrievalError) as error:
            raise self._refused(str(error)) from error
        except failures.BotoCoreError as error:
            raise Unavailable(
                f"{self.url} cannot be reached: {error}", hint="check the network and the endpoint"
            ) from error

    def _refused(self, reason: str) -> AuthRequired:
        return AuthRequired(
            f"{self.url} refuses the credentials: {reason}",
            hint="log in again (`aws sso login`), or set a profile; what was sent before is kept and not sent again",
        )

    def _said(self, error: Any, key: str) -> Exception:
        code = _code(error)
        if code in _TAKEN:
            return _Taken()
        if code in _RACING:
            return _Race()
        if code in _OTHER_BUCKET:
            return Unavailable(f"there is no bucket {self.bucket!r} here", hint="check its name, region and endpoint")
        if code in _GONE:
            return NotFound(f"{self.url}/{key} is not there", hint="is it the right store?")
        if code in _REFUSED:
            return self._refused(code)
        if code in _FULL:
            return OutOfSpace(f"{self.url} has no room: {code}", hint="make room, or raise the quota")
        if code in _UNKNOWN:
            return Unsupported(f"{self.url} does not know what was asked: {code}", hint="is it an S3 server?")
        return Unavailable(f"{self.url} answers {code}", hint="try again; if it goes on, look at the server")


class _Taken(Exception):
    """There is an object already."""


class _Race(Exception):
    """Another write of the same key is under way."""


class _Cut(Exception):
    """A body ended before its length."""


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", "")) or str(
        error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "")
    )
