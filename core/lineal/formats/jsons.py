"""JSON from foreign files, bounded in size, depth and count."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from lineal.errors import BadFormat

LIMIT = 64 << 20  # bytes
MAX_DEPTH = 64
_HINT = "open the file in an editor, or write it again with the tool that made it"


def load(data: bytes | str, limit: int = LIMIT) -> Any:
    """Read one JSON value; NaN, Infinity and -Infinity become floats, as Python's own writer leaves them.

    Raises:
        BadFormat: it is no JSON, is nested more than `MAX_DEPTH` deep, or is longer than `limit` bytes.
    """
    return _load(data, limit, json.JSONDecoder())


def load_unique(data: bytes | str, limit: int = LIMIT) -> Any:
    """Like `load`, but a key that stands twice in one object is an error too, where two readers may disagree."""
    return _load(data, limit, json.JSONDecoder(object_pairs_hook=_unique))


def _load(data: bytes | str, limit: int, decoder: json.JSONDecoder) -> Any:
    if len(data) > limit:
        raise BadFormat(f"a JSON text of more than {limit:,} bytes", hint="a file this long is not read")
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
        value = decoder.decode(text)
    except (ValueError, RecursionError) as error:  # JSONDecodeError, UnicodeDecodeError, numbers of 4,300 digits
        raise BadFormat(f"unreadable JSON: {str(error)[:200]}", hint=_HINT) from error
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth(value)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("the same key twice in one object")
    return found


def _check_depth(value: Any) -> None:
    """Raise if containers are nested too deep; level by level, so that depth costs no stack here."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer) if isinstance(inner, dict | list)]
        if not level:
            return
    raise BadFormat(f"JSON nested more than {MAX_DEPTH} deep", hint=_HINT)


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
