"""Lineage and Compare told: relatives and the way between two versions; what differs between versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lineal.model.diff import Diff, Facet, Row
from lineal.model.lineage import Tree
from lineal.model.listing import VersionRow
from lineal_tui import messages as m
from lineal_tui.keys import Where
from lineal_tui.kinship import PathReady, PathRequest
from lineal_tui.places import Place
from lineal_tui.plain import differing, kin, words
from lineal_tui.plain.listing import Item, Listing
from lineal_tui.plain.models import mark
from lineal_tui.plain.room import Room

if TYPE_CHECKING:
    from lineal_tui.plain.conversation import Conversation


class Lineage(Room):
    """Where a version came from, and what came from it."""

    WHERE = Where.LINEAGE

    def __init__(self, talk: Conversation, place: Place) -> None:
        super().__init__(talk, place)
        self._siblings = False

    def off(self, key: str) -> str:
        """Say why a word is off here."""
        if key == "way" and len(self.talk.session.marks) != 2:
            return "mark two versions first"
        return super().off(key)

    def enter(self) -> None:
        """Say how many relatives there are, and the nearest of them."""
        row = self.subject()
        if row is None:
            self.talk.say("Choose a version first")
            return
        tree = self.talk.ask(m.LineageRequest(row, self._siblings), m.LineageReady).tree
        self.talk.say(*kin.head(tree))
        self.offer(Listing(_Relatives(tree, self._go), "relative"))

    def _go(self, row: VersionRow) -> None:
        self.go(Where.LINEAGE, (row,))

    def do_mark(self, rest: str) -> None:
        """Mark relatives by number, or this version."""
        mark(self, rest)

    def do_family(self, rest: str) -> None:
        """Tell of siblings too, or of ancestors and descendants only."""
        self._siblings = not self._siblings
        self.talk.say("With siblings" if self._siblings else "Without siblings")
        self.again()

    def do_way(self, rest: str) -> None:
        """Tell the way between the two marked versions."""
        left, right = self.talk.session.marks.values()
        self.read(kin.path(self.talk.ask(PathRequest(left, right), PathReady)))


class _Relatives:
    """The relatives of a version, each made a statement when it is read out."""

    def __init__(self, tree: Tree, go: words.DoTo[VersionRow]) -> None:
        self._tree, self._go = tree, go
        self._order, self._told = kin.relatives(tree), kin.Told(tree)

    def __len__(self) -> int:
        return len(self._order)

    def __getitem__(self, at: int) -> Item:
        row = self._tree.members[self._order[at]].version
        said = self._told.relative(self._order[at])
        return Item(said, (lambda: self._go(row)) if row else None, row)


class Compare(Room):
    """What differs between versions."""

    WHERE = Where.COMPARE

    def __init__(self, talk: Conversation, place: Place) -> None:
        super().__init__(talk, place)
        self._all = False
        self._baseline = 0

    def subject(self) -> VersionRow | None:
        """Return the last of the versions: the one that is compared with the others."""
        return self.place.rows[-1] if self.place.rows else None

    def prompt(self) -> str:
        """Return what stands before what is typed."""
        return "compare"

    def enter(self) -> None:
        """Say what differs, facet by facet."""
        if len(self.place.rows) < 2:
            self.talk.say("Nothing to compare: mark two versions first")
            return
        request = m.DiffRequest(self.place.rows, self._baseline, changed_only=not self._all)
        found = self.talk.ask(request, m.DiffReady).diff
        self.talk.say(*differing.head(found))
        self.offer([Item(differing.row(found, facet, row), self._whole(found, facet, row))
                    for facet, row in differing.rows(found)], "difference")  # fmt: skip

    def _whole(self, found: Diff, facet: Facet, row: Row) -> words.Do:
        return lambda: self.talk.say(*differing.whole(found, facet, row))

    def do_everything(self, rest: str) -> None:
        """Tell what is equal too, or only what differs."""
        self._all = not self._all
        self.talk.say("What is equal is told too" if self._all else "Only what differs is told")
        self.again()

    def do_baseline(self, rest: str) -> None:
        """Make the next version the baseline."""
        self._baseline = (self._baseline + 1) % max(1, len(self.place.rows))
        self.again()

    def do_next(self, rest: str) -> None:
        """Read out the next differences."""
        self.do_page_down(rest)

    def do_previous(self, rest: str) -> None:
        """Read out the differences before."""
        self.do_page_up(rest)
