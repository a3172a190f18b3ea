"""Lists of versions: the query of a scope, and where in a list a version stands."""

from __future__ import annotations

from collections.abc import Sequence

from lineal.index.query import quoted
from lineal.model.listing import VersionRow
from lineal_tui.messages import Rows
from lineal_tui.places import Identity, Scope, identity

_SEEK_PAGES = 80


def sought(rows: Rows, page: Sequence[VersionRow], wanted: Identity | None) -> int | None:
    """Return the row number of a version, if it is among the first pages."""
    for number in range(_SEEK_PAGES if wanted else 0):
        page = rows.page(number) or [] if number else page
        for i, row in enumerate(page):
            if identity(row) == wanted:
                return number * rows.PAGE + i
        if len(page) < rows.PAGE:
            break
    return None


def scoped(text: str, scope: Scope) -> str:
    """Return a query for what matches `text` within a registry or model."""
    parts = [f"({text})"] if text.strip() else []
    parts += [f"registry:{quoted(scope.registry)}"] if scope.registry else []
    parts += [f"model:{quoted(scope.model)}"] if scope.model else []
    return text if not scope.registry and not scope.model else " ".join(parts)
