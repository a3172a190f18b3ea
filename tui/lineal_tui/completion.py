"""Which words may follow in the filter: fields, then the names and values that the index holds."""

from __future__ import annotations

import re

from lineal.index.fields import NAMED, Field
from lineal.index.index import Index
from lineal.index.query import quoted

_WORD = re.compile(r'[^\s()|"]*\Z')
_VALUES = re.compile(r"(?P<field>[a-z]+(?:\.[^\s:=<>!]+)?)(?P<op>:|!=|=)(?P<begun>.*)\Z", re.DOTALL)
_MOST = 50


def complete(index: Index, text: str, at: int) -> tuple[str, list[str]]:
    """Return the text before the completed word, and what the word may become.

    Args:
        index: where names and values come from.
        text: the filter.
        at: the place of the cursor in it, in characters.
    """
    begun = _WORD.search(text[:at])
    word = begun[0] if begun else ""
    head = text[: at - len(word)]
    sign = "-" if word.startswith("-") else ""
    head, word = head + sign, word.removeprefix("-")
    if match := _VALUES.fullmatch(word):
        return head + match["field"] + match["op"], _values(index, match["field"], match["begun"])
    if "." in word:
        field, _, key = word.partition(".")
        return f"{head}{field}.", _keys(index, field, key)
    return head, [name for name in _fields() if name.startswith(word)] + _models(index, word)


def _fields() -> list[str]:
    return sorted(f"{field}." if field in NAMED and field is not Field.TAG else f"{field}:" for field in Field)


def _keys(index: Index, field: str, begun: str) -> list[str]:
    if field not in {str(named) for named in NAMED}:
        return []
    return [_quoted(key) for key in index.keys(field, begun, _MOST)]


def _values(index: Index, field: str, begun: str) -> list[str]:
    if field == Field.TAG:
        return [_quoted(key) for key in index.keys("tag", begun, _MOST)]
    return [_quoted(value) for value in index.values(field, begun, _MOST)]


def _models(index: Index, word: str) -> list[str]:
    return [f"model:{_quoted(name)}" for name in index.keys("model", word, _MOST)] if word else []


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[^\s()|\":=!<>*?]+", text) else quoted(text)
