"""How the table of one model looks: what a person chose, as plain data that can be written down."""

from __future__ import annotations

from msgspec import Struct

from lineal.model.listing import Sort


class Look(Struct, frozen=True):
    """Columns by their ids, in their order (none: by what tells the versions apart), and the order of the rows."""

    columns: tuple[str, ...] = ()
    sort: Sort = Sort()


Looks = dict[str, dict[str, Look]]
"""By registry and model; "" stands for all of them."""
KEPT = 50
"""Filters that are remembered."""


def remembered(filters: list[str], text: str) -> list[str]:
    """Return the filters with one more, the newest last and each once."""
    text = text.strip()
    return [*(one for one in filters if one != text), text][-KEPT:] if text else filters
