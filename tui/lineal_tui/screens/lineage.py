"""Lineage: what a version came from and what came from it, across registries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.widget import Widget

from lineal.errors import Error
from lineal.model.lineage import Tree
from lineal.model.listing import VersionRow
from lineal.model.values import Goal
from lineal_tui.keys import Where
from lineal_tui.messages import Chosen, LineageReady, LineageRequest, Moved, Request
from lineal_tui.places import Place, identity
from lineal_tui.present import bars, lineage
from lineal_tui.present.ink import BLANK, Line, Span, Tone
from lineal_tui.screens.room import Room
from lineal_tui.session import Session
from lineal_tui.widgets.lines import Lines


class LineageTree(Lines):
    """The lines of a lineage."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.graph: Tree | None = None
        self.goals: Mapping[str, Goal] = {}
        self.twigs: list[lineage.Twig] = []
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
        self.twigs = lineage.twigs(self.graph, self._unfolded) if self.graph else []
        self.changed()

    def _to(self, member: int) -> None:
        at = [i for i, twig in enumerate(self.twigs) if twig.member == member and not twig.again]
        if at:
            self.cursor = at[0]

    def total(self) -> int:
        """Return the number of lines."""
        return len(self.twigs) if self.graph else len(self.instead)

    def line_at(self, index: int) -> Line:
        """Return one line."""
        if self.graph is None:
            return self.instead[index]
        twig = self.twigs[index]
        version = self.graph.members[twig.member].version
        mark = "✱ " if version and identity(version) in self.marks and not twig.folded else "  "
        return (Span(mark, Tone.MARK), *lineage.line(self.graph, twig, self.goals, self.room - 2))

    def twig(self) -> lineage.Twig | None:
        """Return the line under the cursor."""
        return self.twigs[self.cursor] if self.cursor < len(self.twigs) else None

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
        steps = range(self.cursor + by, len(self.twigs) if by > 0 else -1, by)
        for i in steps:
            if self.graph and lineage.regression(self.graph, self.twigs[i], self.goals):
                self.cursor = i
                return True
        return False


class Lineage(Room):
    """Where a version came from."""

    WHERE = Where.LINEAGE

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._row: VersionRow | None = None
        self._sent: LineageRequest | None = None
        self._cut = False

    def panes(self) -> Iterable[Widget]:
        """There is one pane."""
        pane = LineageTree(id="lineage-tree")
        pane.add_class("pane")
        yield pane

    @property
    def branches(self) -> LineageTree:
        """The tree."""
        return self.query_one(LineageTree)

    def shown(self) -> str:
        """Return the version that the lineage is of."""
        cut = "  cut: there is more" if self._cut else ""
        return f"{self._row.model} {self._row.name}{cut}" if self._row else ""

    def subject(self) -> VersionRow | None:
        """Return the version under the cursor."""
        return self.branches.version() or (self._row if not self.branches.twigs else None)

    def enter(self, place: Place) -> None:
        """Ask for the lineage of the place's version."""
        self._row = place.rows[0] if place.rows else None
        self.branches.marks = set(self.session.marks)
        if self._row is None:
            self.branches.show(None, {}, [BLANK, (Span("Open a version's lineage with 2.", Tone.DIM),)])
            return
        self._sent = LineageRequest(self._row)
        self.ask(self._sent)
        self.branches.focus()

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
        self.branches.show(None, {}, [BLANK, *bars.problem(error)])

    def on_moved(self, message: Moved) -> None:
        """Keep the footer true: not every line is a version."""
        message.stop()
        self.frame()

    def on_chosen(self, message: Chosen) -> None:
        """Go to the version under the cursor, or unfold."""
        message.stop()
        twig = self.branches.twig()
        row = self.branches.version()
        if twig is not None and twig.folded:
            self.branches.sideways(1)
        elif row is None:
            self.say((Span("This is not in the index: there is nothing to go to.", Tone.WARN),))
        elif self._row is not None and identity(row) == identity(self._row):
            self.do_models()
        else:
            self.go(Where.LINEAGE, (row,))

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
