"""What an S3 server says when it says no, in our words."""

from __future__ import annotations

from typing import Any

from lineal.errors import AuthRequired, NotFound, OutOfSpace, Unavailable, Unsupported

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
        "RequestTimeTooSkewed",
        "401",
    }
)
_TAKEN = frozenset({"PreconditionFailed", "412"})
_RACING = frozenset({"ConditionalRequestConflict", "409", "OperationAborted"})
_UNKNOWN = frozenset({"NotImplemented", "501", "InvalidRequest", "InvalidArgument"})
_FULL = frozenset({"QuotaExceeded", "EntityTooLarge", "InsufficientStorage", "507", "NoSpaceLeft"})
_OTHER_BUCKET = frozenset({"NoSuchBucket", "PermanentRedirect", "301"})


class Taken(Unavailable):
    """There is an object already."""


class Race(Unavailable):
    """Another write of the same key is under way."""


class NoUpload(Unavailable):
    """There is no such upload: it was completed, or taken away."""


class Cut(Unavailable):
    """A body ended before its length, or is not the part that was asked for."""


def refused(url: str, reason: str) -> AuthRequired:
    """Return the error for credentials that are not taken."""
    return AuthRequired(
        f"{url} refuses the credentials: {reason}",
        hint="log in again (`aws sso login`), or set a profile; what was sent before is kept and not sent again",
    )


def explained(url: str, bucket: str, error: Any, key: str) -> Exception:
    """Return what a ClientError of botocore about an object means."""
    code = code_of(error)
    if code in _TAKEN:
        return Taken(f"{url}/{key} is there already", hint="try again")
    if code in _RACING:
        return Race(f"{url}/{key} has too many writers", hint="try again")
    if code == "NoSuchUpload":
        return NoUpload(f"{url}/{key}: its upload is gone", hint="try again")
    if code in _OTHER_BUCKET:
        return Unavailable(f"there is no bucket {bucket!r} here", hint="check its name, region and endpoint")
    if code in _GONE:
        return NotFound(f"{url}/{key} is not there", hint="is it the right store?")
    if code in _REFUSED:
        return refused(url, code)
    if code in _FULL:
        return OutOfSpace(f"{url} has no room: {code}", hint="make room, or raise the quota")
    if code in _UNKNOWN:
        return Unsupported(f"{url} does not know what was asked: {code}", hint="is it an S3 server?")
    return Unavailable(f"{url} answers {code}", hint="try again; if it goes on, look at the server")


def code_of(error: Any) -> str:
    """Return the code of a ClientError, else its HTTP status."""
    return str(error.response.get("Error", {}).get("Code", "")) or str(
        error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "")
    )
