"""Versions and models by what a person types of their names."""

from __future__ import annotations

from collections.abc import Iterator

from lineal.errors import Error
from lineal.index.index import Index
from lineal.index.query import quoted
from lineal.model.listing import ModelRow, VersionRow
from lineal.model.reference import parse
from lineal_tui import messages as m
from lineal_tui.places import Scope, identity
from lineal_tui.seeking import scoped

_MODELS = 20
_VERSIONS = 30
_PATIENCE_MS = 200.0  # for each look at the index: the next letter asks anew
_SPECIAL = set(' ()|":')


def find(index: Index, request: m.FindRequest) -> m.FindReady:
    """Find models whose name holds the text, the version that it names, and versions and aliases that begin so.

    Those in the present scope come first, and of them those that are called exactly so. Of several words the last is
    the beginning of a version's name, the others are parts of its model's.
    """
    text = request.text.strip()
    if not text:
        return m.FindReady(request, [], [])
    wanted = text.split()[-1].lower()
    found = {identity(row): row for row in _versions(index, text, request.scope)}
    here = request.scope
    rows = sorted(
        found.values(),
        key=lambda row: (not _within(row, here), wanted not in (row.name.lower(), *map(str.lower, row.aliases))),
    )
    return m.FindReady(request, _models(index, text), rows[:_VERSIONS])


def _within(row: VersionRow, scope: Scope) -> bool:
    return scope.registry in ("", row.registry) and scope.model in ("", row.model)


def _models(index: Index, text: str) -> list[ModelRow]:
    words = text.lower().split()
    found = [row for row in index.models() if all(word in row.model.lower() for word in words)]
    found.sort(key=lambda row: (row.model.lower() != text.lower(), not row.model.lower().startswith(words[0])))
    return found[:_MODELS]


def _versions(index: Index, text: str, scope: Scope) -> Iterator[VersionRow]:
    try:
        yield index.resolve(parse(text))
    except Error:
        pass  # most beginnings of a name are no reference
    patterns = [_pattern(word) for word in text.split()]
    if not all(patterns):
        return
    *of, begun = patterns
    names = [f"version:{begun}*", *([f"version:v{begun}*"] if begun.isdigit() else []), f"alias:{begun}*"]
    query = " | ".join(" ".join([name, *(f"model:*{part}*" for part in of)]) for name in names)
    for within in dict.fromkeys((scope, Scope())):
        yield from index.rows(scoped(query, within)).page(0, deadline_ms=_PATIENCE_MS) or []


def _pattern(word: str) -> str:
    """Return a word as it stands in a query before a wildcard; "" where it cannot stand there."""
    said = quoted(word).strip('"').replace("*", "?")
    return "" if set(said) & _SPECIAL else said
