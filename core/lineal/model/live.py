"""Which version others are measured by: the one that is live, by the aliases that people use for it."""

from __future__ import annotations

from collections.abc import Iterable

from lineal.model.listing import VersionRow

HOLDERS = ("prod", "production", "champion")
"""Aliases, in this order, whose holder is what users get."""


def live(row: VersionRow) -> str:
    """Return the alias by which a version is the live one; "" if it is not."""
    held = {alias.lower(): alias for alias in row.aliases}
    return next((held[name] for name in HOLDERS if name in held), "")


def holder(rows: Iterable[VersionRow]) -> VersionRow | None:
    """Return the live version among some."""
    found = [row for row in rows if live(row)]
    return min(found, key=lambda row: HOLDERS.index(live(row).lower()), default=None)
