"""Versions that were visited, newest first: plain data, and the question whether one of them is still there."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from lineal.model.listing import VersionRow
from lineal_tui.places import Identity
from lineal_tui.present import text
from lineal_tui.present.ink import Line, Span, Tone, fit
from lineal_tui.saying import Said

KEPT = 20
_AT_ONCE = 5
"""Versions that one comparison counts as visited."""


class Visited(NamedTuple):
    """What names a version for ever, and what it was called."""

    registry: str
    model: str
    key: str
    name: str

    @property
    def identity(self) -> Identity:
        """What names it for ever."""
        return self.registry, self.model, self.key


class VisitedRequest(Struct, frozen=True):
    """The version as the index has it now."""

    visited: Visited


class VisitedReady(Said, bubble=False):
    """The version; None where the index does not hold it any more."""

    request: VisitedRequest
    row: VersionRow | None


def visited(recent: list[Visited], *rows: VersionRow) -> list[Visited]:
    """Return the versions visited with some more, each once; the last of these is the newest."""
    new = [Visited(row.registry, row.model, row.key, row.name) for row in rows[-_AT_ONCE:]][::-1]
    seen = {one.identity for one in new}
    return [*new, *(one for one in recent if one.identity not in seen)][:KEPT]


def line(one: Visited) -> Line:
    """Return one of them as the palette offers it."""
    return (
        Span(fit("go to", 16)),
        Span(" " * 8),
        Span(f"{text.safe(one.model, 60)} {text.safe(one.name, 60)}", Tone.STRONG),
        Span(f"  {text.safe(one.registry, 40)}  visited", Tone.DIM),
    )
