"""YAML as DVC reads it: version 1.2's rules for plain scalars, parsed by libyaml, and bounded.

PyYAML follows YAML 1.1, where `1e-4` is text, `yes` is true and `010` is eight. The patterns below are those of
ruamel.yaml for version 1.2, which DVC uses, less timestamps, which stay text. The document is built from parser events
by a loop, not by recursion, so that depth, count and the size that aliases would expand to are all capped on the way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

import yaml

from lineal.errors import BadFormat

LIMIT = 16 << 20  # bytes
MAX_DEPTH = 64
MAX_NODES = 1_000_000  # after the expansion of aliases
MAX_DIGITS = 1_000

_CORE = "tag:yaml.org,2002:"
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_INT = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|[0-9][0-9_]*|0x[0-9a-fA-F_]+)")
_FLOAT = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_NUMERIC = frozenset("-+.0123456789")
_BASES = {"0b": 2, "0o": 8, "0x": 16}
_MERGE = object()  # stands for the plain key `<<`


class Tags(Enum):
    """What to do with a tag outside YAML's core, such as `!!python/tuple`; it never makes anything but plain data."""

    REJECT = "reject"
    DROP = "drop"


def load(data: bytes | str, *, limit: int = LIMIT, tags: Tags = Tags.REJECT) -> Any:
    """Read one document into dicts, lists, strings, numbers, booleans and None; None if it is empty.

    Aliases and merge keys work within the cap on nodes. Keys are scalars. `.nan` and `.inf` become floats.

    Raises:
        BadFormat: it is no YAML, holds a foreign tag, a duplicate key or a second document, or passes a cap.
    """
    return _Builder(plain, tags).read(data, limit)


def load_texts(data: bytes | str, *, limit: int = LIMIT) -> Any:
    """Like `load`, but every scalar stays the text it was: for versions, where 3.10 must not become 3.1."""
    return _Builder(_text, Tags.DROP).read(data, limit)


def plain(text: str) -> Any:
    """Return the value of a plain (unquoted) scalar under YAML 1.2: null, bool, int, float or the text itself."""
    if text in _NULL:
        return None
    if text[0] in _NUMERIC:
        return _number(text)
    return _BOOL.get(text, text)


def _text(text: str) -> Any:
    return text


def _number(text: str) -> Any:
    if len(text) > MAX_DIGITS:  # int() is quadratic, and refuses 4,300 digits
        return text
    if _INT.fullmatch(text):
        return _integer(text.replace("_", ""))
    if _FLOAT.fullmatch(text):
        return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _integer(text: str) -> Any:
    sign = -1 if text[0] == "-" else 1
    digits = text.lstrip("+-")
    base = _BASES.get(digits[:2], 10)
    digits = digits[2:] if base != 10 else digits
    return sign * int(digits, base) if digits else text


def _bad(reason: str, mark: Any = None) -> BadFormat:
    where = f" at line {mark.line + 1}" if mark is not None else ""
    return BadFormat(f"unreadable YAML: {reason}{where}", hint="open the file in an editor and mend it there")


class _Frame:
    """A sequence or mapping that is still open. A mapping's values alternate: key, value, key, value."""

    __slots__ = ("anchor", "mapping", "start", "values")

    def __init__(self, *, mapping: bool, anchor: str | None, start: int) -> None:
        self.mapping, self.anchor, self.start = mapping, anchor, start
        self.values: list[Any] = []


class _Builder:
    """Turns parser events into data; `nodes` counts them as if every alias were written out."""

    def __init__(self, resolve: Callable[[str], Any], tags: Tags) -> None:
        self.resolve, self.tags = resolve, tags
        self.nodes = 0
        self.open: list[_Frame] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.documents: list[Any] = []

    def read(self, data: bytes | str, limit: int) -> Any:
        if len(data) > limit:
            raise BadFormat(f"a YAML file of more than {limit:,} bytes", hint="a file this long is not read")
        try:
            for event in _events(data):
                self.take(event)
        except (yaml.YAMLError, UnicodeError) as error:
            raise _bad(
                getattr(error, "problem", None) or str(error).partition("\n")[0], getattr(error, "problem_mark", None)
            ) from error
        if len(self.documents) > 1:
            raise _bad("more than one document")
        return self.documents[0] if self.documents else None

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self.count(1, event)
            self.place(self.scalar(event), event.anchor, 1, event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self.enter(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self.leave(event)
        elif isinstance(event, yaml.AliasEvent):
            self.alias(event)

    def count(self, more: int, event: yaml.Event) -> None:
        self.nodes += more
        if self.nodes > MAX_NODES:
            raise _bad(f"more than {MAX_NODES:,} values, aliases written out", event.start_mark)

    def enter(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        self.count(1, event)
        if len(self.open) >= MAX_DEPTH:
            raise _bad(f"nested more than {MAX_DEPTH} deep", event.start_mark)
        self.check_tag(event.tag, event)
        mapping = isinstance(event, yaml.MappingStartEvent)
        self.open.append(_Frame(mapping=mapping, anchor=event.anchor, start=self.nodes - 1))

    def leave(self, event: yaml.Event) -> None:
        frame = self.open.pop()
        value = _mapping(frame.values, event) if frame.mapping else frame.values
        self.place(value, frame.anchor, self.nodes - frame.start, event)

    def alias(self, event: yaml.AliasEvent) -> None:
        if event.anchor not in self.anchors:
            raise _bad(f"*{event.anchor} names nothing that is complete", event.start_mark)
        value, size = self.anchors[event.anchor]
        self.count(size, event)
        self.place(value, None, size, event)

    def place(self, value: Any, anchor: str | None, size: int, event: yaml.Event) -> None:
        if anchor is not None:
            self.anchors[anchor] = (value, size)
        if not self.open:
            self.documents.append(value)
            return
        frame = self.open[-1]
        if frame.mapping and len(frame.values) % 2 == 0 and isinstance(value, dict | list):
            raise _bad("a key that is a mapping or a list", event.start_mark)
        frame.values.append(value)

    def scalar(self, event: yaml.ScalarEvent) -> Any:
        if event.tag is None and event.implicit[0]:
            return self.key_or_value(event.value)
        self.check_tag(event.tag, event)
        short = (event.tag or "").removeprefix(_CORE)
        return self.resolve(event.value) if short in {"int", "float", "bool", "null"} else event.value

    def key_or_value(self, text: str) -> Any:
        """Resolve a plain scalar; `<<` is a merge only where it is a key."""
        if text == "<<" and self.open and self.open[-1].mapping and len(self.open[-1].values) % 2 == 0:
            return _MERGE
        return self.resolve(text)

    def check_tag(self, tag: str | None, event: yaml.Event) -> None:
        core = {"str", "int", "float", "bool", "null", "map", "seq"}
        if tag is None or tag == "!" or self.tags is Tags.DROP:
            return
        if not tag.startswith(_CORE) or tag.removeprefix(_CORE) not in core:
            raise _bad(f"the tag {tag[:80]!r}, which is not plain data", event.start_mark)


def _events(data: bytes | str) -> Iterator[yaml.Event]:
    """Yield libyaml's events; PyYAML's own parser in Python would be the tenth of its speed."""
    parsed: Iterator[yaml.Event] = yaml.parse(data, Loader=yaml.CSafeLoader)
    return parsed


def _mapping(values: list[Any], event: yaml.Event) -> dict[Any, Any]:
    own: dict[Any, Any] = {}
    merged: list[Any] = []
    for key, value in zip(values[::2], values[1::2], strict=True):
        if key is _MERGE:
            merged += value if isinstance(value, list) else [value]
        elif key in own:
            raise _bad(f"the key {str(key)[:80]!r} twice in one mapping", event.start_mark)
        else:
            own[key] = value
    return _merge(own, merged, event) if merged else own


def _merge(own: dict[Any, Any], merged: list[Any], event: yaml.Event) -> dict[Any, Any]:
    """Put `<<` mappings under `own`: the mapping's own keys win, then the earlier of the merged ones."""
    whole: dict[Any, Any] = {}
    for other in reversed(merged):
        if not isinstance(other, dict):
            raise _bad("a merge key (<<) that names no mapping", event.start_mark)
        whole |= other
    return whole | own
