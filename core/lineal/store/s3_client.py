"""A client for an S3 server, by the options of a store, and a bound on how long anybody waits for it."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeVar

from lineal.errors import ConfigError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_T = TypeVar("_T")
TRIES = 4


def connected(url: str, options: Mapping[str, str], deadline: float) -> S3Client:
    """Return a client, which several threads may use. Raises ConfigError where an option makes no sense."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    endpoint = endpoint_of(options)
    style = options.get("path_style", "true" if endpoint else "false")
    checksums: Any = options.get("checksums") or "when_required"
    config = Config(
        s3={"addressing_style": "path" if style == "true" else "auto"},
        retries={"mode": "standard", "total_max_attempts": TRIES},
        connect_timeout=min(seconds(options, "connect_timeout", 5.0), deadline),
        read_timeout=min(seconds(options, "read_timeout", 30.0), deadline),
        max_pool_connections=32,
        request_checksum_calculation=checksums,
        response_checksum_validation=checksums,
    )
    try:
        session = boto3.session.Session(profile_name=options.get("profile") or None)
        region = options.get("region") or session.region_name or "us-east-1"
        return session.client("s3", endpoint_url=endpoint, region_name=region, config=config)
    except (BotoCoreError, ValueError) as error:
        raise ConfigError(f"{url}: {error}", hint="check the profile, region and endpoint") from error


def within(limit: float, ask: Callable[[], _T]) -> _T:
    """Return what `ask` does, in a thread that nobody waits for longer than that. Raises TimeoutError."""
    done: Future[_T] = Future()

    def run() -> None:
        try:
            done.set_result(ask())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, name="s3", daemon=True).start()
    return done.result(max(0.0, limit))


def seconds(options: Mapping[str, str], name: str, default: float) -> float:
    """Return an option that is a time. Raises ConfigError."""
    try:
        found = float(options.get(name, default))
    except ValueError:
        found = math.nan
    if not 0 < found < 1e6:
        raise ConfigError(f"{name} = {options[name]!r} is no time", hint="a number of seconds, as 120")
    return found


def endpoint_of(options: Mapping[str, str]) -> str | None:
    """Return the server that is asked, None for AWS. Raises ConfigError where its URL is none, or holds credentials."""
    found = options.get("endpoint") or None
    if found and (not found.startswith(("http://", "https://")) or "@" in found):
        raise ConfigError(
            "the endpoint is no plain http:// or https:// URL", hint="credentials come from AWS's own settings"
        )
    return found
