r"""Records made fit to be stored: whatever a registry says can be encoded, indexed and read back by both engines.

Surrogates become `\udc80` and NUL `\x00`, visibly; integers beyond 64 bits become texts in a parameter and unknown
elsewhere; names too long for an index are cut with a hash; values nested deeper than `DEEPEST` become texts.
"""

from __future__ import annotations

from typing import Any, TypeVar, cast

import msgspec

from lineal.index.identity import LONGEST_NAME, bounded
from lineal.model.records import Alias, AliasMove, Complete, Edge, Gone, Model, Problem
from lineal.model.values import Param
from lineal.model.version import Version

DEEPEST = 64
Said = Version | Model | Alias | AliasMove | Edge | Gone | Problem
_S = TypeVar("_S", bound=msgspec.Struct)
_SHORT = LONGEST_NAME // 4  # characters that certainly fit
_LEAST, _MOST = -(2**63), 2**64 - 1
_encode = msgspec.json.Encoder().encode
_NAMES: dict[type, tuple[str, ...]] = {
    Version: ("model", "key", "name"),
    Model: ("name",),
    Alias: ("model", "name", "key"),
    AliasMove: ("model", "name", "before", "after"),
    Gone: ("model", "key"),
    Complete: ("scope",),
}


def text(value: str) -> str:
    """Return `value` without surrogates and NUL."""
    return value.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


def _storable(record: Any) -> bool:
    try:
        return b"\\u0000" not in _encode(record)
    except (UnicodeEncodeError, OverflowError, RecursionError):
        return False


def _value(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return type(value)(value) if type(value) is not str else text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value if _LEAST <= value <= _MOST else str(value)[:5_000] if value.bit_length() < 14_000 else "(huge)"
    if depth > DEEPEST:
        return "…" if isinstance(value, list | dict | tuple) else value
    if isinstance(value, list | tuple):
        return type(value)(_value(item, depth + 1) for item in value)
    if isinstance(value, dict):
        return {text(str(name)): _value(item, depth + 1) for name, item in value.items()}
    return _struct(value, depth) if isinstance(value, msgspec.Struct) else value


def _struct(struct: Any, depth: int) -> Any:
    changed = {}
    for name in struct.__struct_fields__:
        old = getattr(struct, name)
        new = _value(old, depth + 1)
        if isinstance(old, int) and isinstance(new, str) and not isinstance(struct, Param):
            new = None  # every count and size may be unknown
        if new is not old:
            changed[name] = new
    return msgspec.structs.replace(struct, **changed)


def _bounded(record: Any) -> Any:
    if isinstance(record, Edge):
        return msgspec.structs.replace(record, child=_node(record.child), parent=_node(record.parent))
    names = {name: bounded(getattr(record, name)) for name in _NAMES[type(record)]}
    return msgspec.structs.replace(record, **names)


def _node(node: Any) -> Any:
    return msgspec.structs.replace(node, name=bounded(node.name), key=bounded(node.key))


def _long(record: Any) -> bool:
    if isinstance(record, Edge):
        return any(len(part) > _SHORT for node in (record.child, record.parent) for part in (node.name, node.key))
    return any(len(getattr(record, name)) > _SHORT for name in _NAMES.get(type(record), ()))


def cleaned(record: _S) -> _S:
    """Return `record` itself where it can be stored as it is, which is nearly always, else a copy that can."""
    if not _storable(record):
        record = _struct(record, 0)
    return cast(_S, _bounded(record)) if _long(record) else record
