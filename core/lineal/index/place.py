"""Where an index is: a SQLite file, or a schema of a PostgreSQL database."""

from __future__ import annotations

import platform
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from lineal.config import Surroundings, workspace_id
from lineal.errors import ConfigError
from lineal.index.identity import SCHEMA

_POSTGRES = ("postgresql", "postgres", "postgresql+psycopg")


class SqlitePlace(msgspec.Struct, frozen=True):
    """An absolute or relative path of a SQLite file."""

    path: str


class PostgresPlace(msgspec.Struct, frozen=True):
    """A database (`postgresql://...`, as libpq reads it) and the schema within it."""

    url: str
    schema: str


Place = SqlitePlace | PostgresPlace


def default(root: Path, around: Surroundings) -> str:
    """Return the path of the index for the workspace at `root`: one for each workspace, host and schema.

    It lies in the user's cache folder. The host is in the name because a home on a network is shared by machines that
    see different files, and SQLite's locks do not reach across them.
    """
    host = "".join(c if c.isalnum() or c in "-_" else "-" for c in platform.node().split(".")[0]) or "host"
    return str(around.cache_folder() / "index" / f"{workspace_id(root)}-{host}-v{SCHEMA}.db")


def named(configured: str, root: Path, around: Surroundings) -> str:
    """Return the path or URL of the index of a workspace; `configured` is what the user named, "" for nothing.

    A PostgreSQL URL without `schema=` gets the workspace's own, so that several share a database.
    """
    if not configured:
        return default(root, around)
    parts = _split(configured)
    if parts.scheme not in _POSTGRES or "schema" in dict(parse_qsl(parts.query)):
        return configured
    query = urlencode(
        [*parse_qsl(parts.query, keep_blank_values=True), ("schema", f"lineal_{workspace_id(root)}_v{SCHEMA}")]
    )
    return urlunsplit(parts._replace(query=query))


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:  # such as a `[` that opens no IPv6 address
        hint = "give a path, or postgresql://user@host/database"
        raise ConfigError("the URL of the index is none", hint=hint) from error  # and may hold a password


def read(url_or_path: str) -> Place:
    """Read what names an index: a path, `sqlite:///path`, or `postgresql://...?schema=NAME`.

    Raises:
        ConfigError: a URL of another kind, or a name that cannot be a schema.
    """
    scheme, colon, rest = url_or_path.partition("://")
    if not colon:
        return SqlitePlace(url_or_path)
    if scheme == "sqlite":
        return SqlitePlace(rest.removeprefix("/"))
    if scheme not in _POSTGRES:
        raise ConfigError(f"{url_or_path!r} names no index", hint="give a path, or postgresql://user@host/database")
    parts = _split(url_or_path)
    query = parse_qsl(parts.query, keep_blank_values=True)
    schema = dict(query).get("schema", f"lineal_v{SCHEMA}")
    if not schema.isidentifier() or not schema.isascii() or len(schema) > 60:
        raise ConfigError(
            f"{schema!r} cannot be a schema", hint="letters, digits and _, at most 60, as in schema=lineal"
        )
    kept = urlencode([pair for pair in query if pair[0] != "schema"])
    return PostgresPlace(urlunsplit(parts._replace(scheme="postgresql", query=kept)), schema.lower())
