"""Lineage: what a version came from and what came from it, across registries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace
from textual.widget import Widget

from lineal.errors import Error
from lineal.model.lineage import Tree
from lineal.model.listing import VersionRow
from lineal.model.values import Goal
from lineal_tui import keys, spoken
from lineal_tui.keys import Where
from lineal_tui.kinship import PathReady, PathRequest
from lineal_tui.messages import Chosen, LineageReady, LineageRequest, Moved, Request
from lineal_tui.places import Place, identity
from lineal_tui.present import bars, kinship, lineage
from lineal_tui.present.ink import BLANK, Line, Span, Tone
from lineal_tui.screens.room import Room
from lineal_tui.session import Session
from lineal_tui.spoken import Offer
from lineal_tui.views import LineageView
from lineal_tui.widgets.lines import Lines, PickList


class LineageTree(Lines):
    """The lines of a lineage."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.graph: Tree | None = None
        self.goals: Mapping[str, Goal] = {}
        self.twigs: lineage.Twigs | None = None
        self.lanes = False
        self.instead: list[Line] = []
        self.marks: set[tuple[str, str, str]] = set()
        self._unfolded: set[int] = set()

    def show(self, tree: Tree | None, goals: Mapping[str, Goal], instead: list[Line] | None = None) -> None:
        """Show a lineage with the cursor on its start, or what is said instead."""
        self.graph, self.goals, self.instead = tree, goals, instead or []
        self._unfolded.clear()
        self._lay()
        if tree is not None:
            self._to(tree.start)

    def _lay(self) -> None:
        form = lineage.Lanes if self.lanes else lineage.Branches
        self.twigs = form(self.graph, self._unfolded) if self.graph else None
        self.changed()

    def _to(self, member: int) -> None:
        at = self.twigs.find(member) if self.twigs else None
        if at is not None:
            self.cursor = at

    def turn(self) -> None:
        """Draw a tree as a graph, or a graph as a tree; the cursor stays with its version."""
        twig, self.lanes = self.twig(), not self.lanes
        self._lay()
        if twig is not None:
            self._to(twig.member)

    def total(self) -> int:
        """Return the number of lines."""
        return len(self.instead) if self.twigs is None else len(self.twigs)

    def line_at(self, index: int) -> Line:
        """Return one line."""
        if self.graph is None or self.twigs is None:
            return self.instead[index]
        twig = self.twigs[index]
        version = self.graph.members[twig.member].version
        mark = "✱ " if version and identity(version) in self.marks and not twig.folded else "  "
        return (Span(mark, Tone.MARK), *lineage.line(self.graph, twig, self.goals, self.room - 2))

    def twig(self) -> lineage.Twig | None:
        """Return the line under the cursor."""
        return self.twigs[self.cursor] if self.twigs and self.cursor < len(self.twigs) else None

    def version(self) -> VersionRow | None:
        """Return the version under the cursor, if the index holds it."""
        twig = self.twig()
        return self.graph.members[twig.member].version if self.graph and twig and not twig.folded else None

    def sideways(self, by: int) -> None:
        """Unfold a stretch, or the data and code of a version; fold all of them again."""
        twig = self.twig()
        if by > 0 and twig and not twig.inwards:
            self._unfolded.add(twig.member)
        elif by < 0 and twig:
            self._unfolded.clear()
        else:
            return
        self._lay()
        self._to(twig.member)

    def hop(self, by: int) -> bool:
        """Go to the next version that is worse than what it was made from; return whether there is one."""
        if self.graph is None or self.twigs is None:
            return False
        for i in range(self.cursor + by, len(self.twigs) if by > 0 else -1, by):
            if lineage.regression(self.graph, self.twigs[i], self.goals):
                self.cursor = i
                return True
        return False


class Way(PickList):
    """The lines of a way between two versions."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.stops: list[kinship.Stop] = []

    def lead(self, found: PathReady) -> None:
        """Show a way, with the cursor on its first version."""
        self.stops = kinship.stops(found)
        self.show([stop.line for stop in self.stops])
        self.cursor = next((at for at, stop in enumerate(self.stops) if stop.row), 0)

    def stop(self) -> kinship.Stop | None:
        """Return the line under the cursor."""
        return self.stops[self.cursor] if self.cursor < len(self.stops) else None


class Lineage(Room):
    """Where a version came from."""

    WHERE = Where.LINEAGE

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._row: VersionRow | None = None
        self._sent: LineageRequest | None = None
        self._cut = False
        self._siblings = False
        self._related: PathRequest | None = None

    def panes(self) -> Iterable[Widget]:
        """There is one pane at a time: the lineage, or the way between two versions."""
        for pane in (LineageTree(id="lineage-tree"), Way(id="lineage-way")):
            pane.add_class("pane")
            pane.display = isinstance(pane, LineageTree)
            yield pane

    @property
    def way(self) -> Way:
        """The way between two versions."""
        return self.query_one(Way)

    @property
    def branches(self) -> LineageTree:
        """The tree."""
        return self.query_one(LineageTree)

    def shown(self) -> str:
        """Return the version that the lineage is of."""
        if self.way.display and self._related:
            return f"{self._related.left.name} → {self._related.right.name}"
        cut = "  cut: there is more" if self._cut else ""
        siblings = "  with siblings" if self._siblings else ""
        return f"{self._row.model} {self._row.name}{siblings}{cut}" if self._row else ""

    def off(self, key: str) -> str:
        """Say why a key does nothing now."""
        if key == "way" and len(self._ends()) < 2:
            return f"mark two versions first, with {keys.shown('mark')}"
        if key in ("family", "drawing", "way", "next", "previous") and self.way.display:
            return "esc leaves the path first"
        if key in ("family", "drawing") and self.branches.graph is None:
            return "no lineage is shown"
        return "" if key == "back" and self.way.display else super().off(key)

    def subject(self) -> VersionRow | None:
        """Return the version under the cursor."""
        if self.way.display:
            stop = self.way.stop()
            return stop.row if stop else None
        return self.branches.version() or (self._row if not self.branches.twigs else None)

    def enter(self, place: Place) -> None:
        """Ask for the lineage of the place's version."""
        row = place.rows[0] if place.rows else None
        if row is None or self._row is None or identity(row) != identity(self._row):
            self._siblings = False
        if isinstance(view := place.view, LineageView):
            self._siblings = view.siblings
            if self.branches.lanes != view.lanes:
                self.branches.turn()
        self._row = row
        self._close()
        self.branches.marks = set(self.session.marks)
        if self._row is None:
            self.branches.show(None, {}, [BLANK, (Span("Open a version's lineage with 2.", Tone.DIM),)])
            return
        self._sent = LineageRequest(self._row, self._siblings)
        self.ask(self._sent)
        self.branches.focus()

    def view(self) -> LineageView:
        """Return the form of the drawing, and whether siblings are in it."""
        return LineageView(self.branches.lanes, self._siblings)

    def _close(self) -> None:
        """Leave the way for the lineage."""
        self._related = None
        self.way.display, self.branches.display = False, True

    def on_lineage_ready(self, message: LineageReady) -> None:
        """Show it, unless another was asked for since."""
        if message.request != self._sent:
            return
        self._cut = message.tree.cut
        self.branches.show(message.tree, message.goals)
        if len(message.tree.members) < 2:
            self.say((Span("Nothing is known to come before or after this version.", Tone.DIM),))
        self.frame()

    def fail(self, request: Request, error: Error) -> None:
        """Show why there is none."""
        if isinstance(request, PathRequest):
            self.say_error(error)
            return
        self.branches.show(None, {}, [BLANK, *bars.problem(error)])

    def on_moved(self, message: Moved) -> None:
        """Keep the footer true: not every line is a version."""
        message.stop()
        self.frame()

    def on_chosen(self, message: Chosen) -> None:
        """Go to the version under the cursor, or unfold."""
        message.stop()
        if self.way.display:
            self._follow(self.way.stop())
            return
        twig = self.branches.twig()
        row = self.branches.version()
        if twig is not None and twig.folded:
            self.branches.sideways(1)
        elif row is None and twig is not None and twig.inwards:
            self.say((Span("This went into the version; f shows what else was made from the same.", Tone.WARN),))
        elif row is None:
            self.say((Span("This is not in the index: there is nothing to go to.", Tone.WARN),))
        elif self._row is not None and identity(row) == identity(self._row):
            self.do_models()
        else:
            self.go(Where.LINEAGE, (row,))

    def spoken(self) -> Iterable[str]:
        """Return the lineage, or the path, as a command."""
        if self.way.display and self._related:
            yield spoken.said(spoken.way(self._related.left, self._related.right))
        elif self._row:
            yield spoken.said(spoken.lineage(self._row, graph=self.branches.lanes))

    def exports(self) -> Iterable[Offer]:
        """Return the lineage, or the path."""
        if self.way.display and self._related:
            left, right = self._related.left, self._related.right
            yield Offer("path", spoken.way(left, right), (left.model, left.name, right.name))
        elif self._row:
            yield Offer("lineage", spoken.lineage(self._row, graph=False), (self._row.model, self._row.name))

    def _follow(self, stop: kinship.Stop | None) -> None:
        """Go to the version under the cursor, or compare the two ends of a step."""
        if stop is not None and stop.pair:
            self.go(Where.COMPARE, stop.pair)
        elif stop is not None and stop.row:
            self.go(Where.LINEAGE, (stop.row,))

    def do_drawing(self) -> None:
        """Draw the tree as a graph, or the graph as a tree."""
        self.branches.turn()

    def do_family(self) -> None:
        """Ask for the siblings too, or leave them out again."""
        self._siblings = not self._siblings
        self.enter(replace(self.session.places.here, view=self.view()))

    def _ends(self) -> tuple[VersionRow, ...]:
        """Return the two ends of a way: those marked, or the one marked and that under the cursor."""
        marks, row = self.session.marks, self.subject()
        if len(marks) == 1 and row is not None and identity(row) not in marks:
            return (*marks.values(), row)
        return tuple(marks.values())[:2]

    def do_way(self) -> None:
        """Ask how two versions are related."""
        left, right = self._ends()
        self._related = PathRequest(left, right)
        self.ask(self._related)

    def on_path_ready(self, message: PathReady) -> None:
        """Show the way, unless it is no longer wanted."""
        if message.request != self._related:
            return
        self.way.lead(message)
        self.way.display, self.branches.display = True, False
        self.way.focus()
        self.frame()

    def do_back(self) -> None:
        """Leave the way, else go back."""
        if not self.way.display:
            super().do_back()
            return
        self._close()
        self.branches.focus()

    def do_next(self) -> None:
        """Go to the next regression."""
        self._hop(1)

    def do_previous(self) -> None:
        """Go to the regression before."""
        self._hop(-1)

    def _hop(self, by: int) -> None:
        if not self.branches.hop(by):
            self.say((Span("No regression " + ("below." if by > 0 else "above."), Tone.DIM),))

    def do_mark(self) -> None:
        """Mark the version under the cursor."""
        super().do_mark()
        self.branches.marks = set(self.session.marks)
        self.branches.changed()
