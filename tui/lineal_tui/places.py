"""Where a person is, and the places she was at."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from lineal.model.listing import VersionRow
from lineal_tui.keys import Where
from lineal_tui.views import AnyView

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
    view: AnyView | None = None  # how it is looked at; None: as the screen was left
    turn: str = ""  # what of the view was changed to come here from the place before; "" where one went

    def same(self, other: Place) -> bool:
        """Say whether this is the same place, whatever has changed about its versions since."""
        mine, theirs = (tuple(map(identity, place.rows)) for place in (self, other))
        return (self.where, self.scope, self.text, mine) == (other.where, other.scope, other.text, theirs)


class Places:
    """The places visited, with a finger on the present one, as in a web browser."""

    def __init__(self, start: Place) -> None:
        self._visited = [start]
        self._at = 0
        self.arrived = False  # the screen of the present place shows it

    @property
    def here(self) -> Place:
        """The present place."""
        return self._visited[self._at]

    def last(self, where: Where) -> Place:
        """Return the place on a screen that was left last, or its root."""
        return next((place for place in self._visited[self._at :: -1] if place.where is where), Place(where))

    def visit(self, place: Place) -> None:
        """Go to a place; what lay ahead is forgotten. Going where one is changes nothing."""
        if self.here.same(place):
            return
        self.arrived = False
        self._visited = [*self._visited[: self._at + 1], place][-_KEPT:]
        self._at = len(self._visited) - 1

    def turn(self, place: Place, what: str, *, apart: bool) -> None:
        """Note a change of the view as a step of its own; unless it stands `apart` it joins one of its kind."""
        turned = replace(place, turn=what)
        if not apart and self.here.turn == what and not self.can(1):
            self.amend(turned)
        else:
            self._visited = [*self._visited[: self._at + 1], turned][-_KEPT:]
            self._at = len(self._visited) - 1

    @property
    def out(self) -> int:
        """Steps to the place before this one, past all changes of its view; 0 where there is none."""
        at = self._at
        while at > 0 and self._visited[at].turn:
            at -= 1
        return at - 1 - self._at if at > 0 else 0

    def amend(self, place: Place) -> None:
        """Note that the present place looks different now, so that coming back finds it so."""
        self._visited[self._at] = place

    def can(self, by: int) -> bool:
        """Say whether there is a place so many steps away."""
        return 0 <= self._at + by < len(self._visited)

    def step(self, by: int) -> Place:
        """Go back (negative) or forward, if there is such a place; return where one is then."""
        if self.can(by):
            self.arrived = False
            self._at += by
        return self.here
