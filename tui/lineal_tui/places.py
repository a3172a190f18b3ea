"""Where a person is, and the places she was at."""

from __future__ import annotations

from msgspec import Struct

from lineal.model.listing import VersionRow
from lineal_tui.keys import Where

Identity = tuple[str, str, str]
"""Registry, model, key: what a version is called across syncs."""

_KEPT = 200


def identity(row: VersionRow) -> Identity:
    """Return what names this version for ever."""
    return row.registry, row.model, row.key


class Scope(Struct, frozen=True):
    """Which part of the index a list shows; empty means all."""

    registry: str = ""
    model: str = ""


EVERYTHING = Scope()


class Place(Struct, frozen=True):
    """A screen, what it shows, and which versions it is about."""

    where: Where
    scope: Scope = EVERYTHING
    text: str = ""  # the filter
    rows: tuple[VersionRow, ...] = ()

    def same(self, other: Place) -> bool:
        """Say whether this is the same place, whatever has changed about its versions since."""
        mine, theirs = (tuple(map(identity, place.rows)) for place in (self, other))
        return (self.where, self.scope, self.text, mine) == (other.where, other.scope, other.text, theirs)


class Places:
    """The places visited, with a finger on the present one, as in a web browser."""

    def __init__(self, start: Place) -> None:
        self._visited = [start]
        self._at = 0

    @property
    def here(self) -> Place:
        """The present place."""
        return self._visited[self._at]

    def visit(self, place: Place) -> None:
        """Go to a place; what lay ahead is forgotten. Going where one is changes nothing."""
        if self.here.same(place):
            return
        self._visited = [*self._visited[: self._at + 1], place][-_KEPT:]
        self._at = len(self._visited) - 1

    def amend(self, place: Place) -> None:
        """Note that the present place looks different now, so that coming back finds it so."""
        self._visited[self._at] = place

    def can(self, by: int) -> bool:
        """Say whether there is a place so many steps away."""
        return 0 <= self._at + by < len(self._visited)

    def step(self, by: int) -> Place:
        """Go back (negative) or forward, if there is such a place; return where one is then."""
        if self.can(by):
            self._at += by
        return self.here
