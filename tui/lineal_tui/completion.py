"""What may be meant by a word: in the filter the fields, names and values that follow; in a jump what is called so."""

from __future__ import annotations

import re

from lineal.errors import Error
from lineal.index.fields import NAMED, Field
from lineal.index.index import Index
from lineal.index.query import quoted
from lineal.model.listing import ModelRow, VersionRow
from lineal.model.reference import parse
from lineal_tui.places import identity

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


def named(index: Index, text: str) -> tuple[list[ModelRow], list[VersionRow]]:
    """Return models whose name holds the text; the version it names as a reference, and those that begin so."""
    if not text:
        return [], []
    models = [row for row in index.models() if text.lower() in row.model.lower()][:20]
    rows: list[VersionRow] = []
    try:
        rows.append(index.resolve(parse(text)))
    except Error:
        pass  # most beginnings of a name are no reference
    begun = quoted(text).strip('"').replace("*", "?")
    if not set(begun) & set(' ()|":'):
        found = index.rows(f"version:{begun}* | alias:{begun}*").page(0, deadline_ms=200.0) or []
        rows += [row for row in found if identity(row) not in set(map(identity, rows))]
    return models, rows[:30]
