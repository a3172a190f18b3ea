"""Which words may follow in the filter: fields, then the names and values that the index holds."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lineal.index.fields import FIELDS, NAMED, Field
from lineal.index.index import Index
from lineal.index.query import quoted
from lineal_tui.present.text import safe

_WORD = re.compile(r'(?:[^\s()|"]|"(?:[^"\\]|\\.)*")*(?:"(?:[^"\\]|\\.)*)?\Z', re.DOTALL)
_VALUES = re.compile(r"(?P<field>[A-Za-z]+(?:\.[^\s:=<>!]+)?)(?P<op>:?(?:>=|<=|!=|>|<)|[:=])(?P<begun>.*)\Z", re.DOTALL)
_MOST = 50
_FEW = 8  # of each kind of name, where any may follow
_LONGEST = 2_000  # characters before the cursor that are looked at
_TIMES = ("<1d", "<7d", "<30d", ">30d", "today", "yesterday")
_AMONG = (Field.MODEL, Field.ALIAS, Field.REGISTRY, Field.AUTHOR)
"""Fields of which a plain word may be the beginning of a value."""


def complete(index: Index, text: str, at: int) -> tuple[str, list[str]]:
    """Return the text before the completed word, and what the word may become.

    A word that a terminal must not see as it is cannot stand in a line to type in, so it is left out.

    Args:
        index: where names and values come from.
        text: the filter.
        at: the place of the cursor in it, in characters.
    """
    head, words = _completed(index, text, at)
    return head, [word for word in words if safe(word) == word]


def _completed(index: Index, text: str, at: int) -> tuple[str, list[str]]:
    begun = _WORD.search(text[max(0, at - _LONGEST) : at])
    word = begun[0] if begun else ""
    head = text[: at - len(word)]
    sign = "-" if word.startswith("-") else ""
    head, word = head + sign, word.removeprefix("-")
    if match := _VALUES.fullmatch(word):
        field, begun_value = match["field"], _unquoted(match["begun"])
        return head + field + match["op"], _values(index, field, match["op"], begun_value)
    if "." in word:
        field, _, key = word.partition(".")
        return f"{head}{field}.", [*_operators(index, field, key), *_keys(index, field, key)]
    return head, [*_fields(word), *_anything(index, word)]


def _unquoted(begun: str) -> str:
    """Return a value as far as it was typed, without the quotes around it."""
    return re.sub(r"\\(.)", r"\1", begun[1:].removesuffix('"')) if begun.startswith('"') else begun


def _fields(begun: str) -> list[str]:
    named = (f"{field}." if field in NAMED and field is not Field.TAG else f"{field}:" for field in Field)
    return sorted(name for name in (*named, "has:") if name.startswith(begun.lower()))


def _keys(index: Index, field: str, begun: str) -> list[str]:
    if field not in {str(named) for named in NAMED}:
        return []
    return [_quoted(key) for key in index.keys(field, _unquoted(begun), _MOST)]


def _operators(index: Index, field: str, key: str) -> list[str]:
    """Return how a metric or parameter whose name stands there in full may be compared."""
    if field not in (Field.METRIC, Field.PARAM, Field.ENV) or not key:
        return []
    signs = {Field.METRIC: (">=", "<="), Field.PARAM: (":", ">=", "<="), Field.ENV: (":", ">=")}[Field(field)]
    return [key + sign for sign in signs] if _unquoted(key) in index.keys(field, _unquoted(key), _FEW) else []


def _values(index: Index, field: str, op: str, begun: str) -> list[str]:
    known = FIELDS.get(field.partition(".")[0])
    if field == "has":
        return _haves(index, begun)
    if known is Field.CREATED:
        sign = op.lstrip(":=")
        return [said.removeprefix(sign) for said in _TIMES if said.startswith(sign + begun)]
    if known is Field.TAG and "." not in field:
        return _tags(index, begun)
    return [_quoted(value) for value in index.values(field, begun, _MOST)]


def _tags(index: Index, begun: str) -> list[str]:
    """Return tags by their keys; behind `key=` their values."""
    key, equals, value = begun.partition("=")
    if equals:
        return [f"{_quoted(key)}={_quoted(said)}" for said in index.values(f"tag.{key}", value, _MOST)]
    return [_quoted(name) for name in index.keys("tag", begun, _MOST)]


def _haves(index: Index, begun: str) -> list[str]:
    """Return what a version may have: a field at all, or one metric, parameter, tag or part of its environment."""
    field, dot, key = begun.partition(".")
    if dot:
        return [f"{field}.{name}" for name in _keys(index, field, key)]
    return sorted(f"{name}." if name in NAMED else str(name) for name in Field if name.startswith(begun))


def _anything(index: Index, word: str) -> Iterator[str]:
    """Yield whatever begins with a plain word: models, aliases, registries, people, metrics, parameters and tags."""
    if not word or '"' in word:
        return
    for field in _AMONG:
        most = _MOST if field is Field.MODEL else _FEW
        found = index.keys(field, word, most) if field is not Field.AUTHOR else index.values(field, word, most)
        yield from (f"{field}:{_quoted(name)}" for name in found)
    for field in (Field.METRIC, Field.PARAM):
        yield from (f"{field}.{_quoted(name)}" for name in index.keys(field, word, _FEW))
    yield from (f"tag:{_quoted(name)}" for name in index.keys("tag", word, _FEW))


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[^\s()|\":=!<>*?]+", text) else quoted(text)
