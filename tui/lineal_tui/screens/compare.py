"""Compare: two or more versions side by side."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from lineal.errors import Error
from lineal.model.diff import Diff, Facet
from lineal.model.listing import VersionRow
from lineal_tui.holders import holder
from lineal_tui.keys import Where
from lineal_tui.messages import Chosen, DiffReady, DiffRequest, Request
from lineal_tui.places import Place, identity
from lineal_tui.present import bars, text
from lineal_tui.present.compare import Entry, Grid, Part, Sheet, entries
from lineal_tui.present.ink import BLANK, Line, Span, Tone
from lineal_tui.screens.room import Room
from lineal_tui.session import Session
from lineal_tui.widgets.lines import Lines


class DiffGrid(Lines):
    """The grid of a comparison: lines are facets and rows, or versions when transposed."""

    HEADS = 1

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.folded: set[Facet] = set()
        self.transposed = False
        self.instead: list[Line] = []  # what is said while there is no comparison
        self._diff: Diff | None = None
        self._entries: list[Entry] = []
        self._grid: Grid | None = None
        self._sheet: Sheet | None = None
        self._offset = 0

    def show(self, diff: Diff | None, instead: list[Line] | None = None) -> None:
        """Show a comparison, or what is said instead."""
        self._diff, self.instead = diff, instead or []
        self._lay()

    def _lay(self) -> None:
        diff = self._diff
        if diff is not None:
            self._entries = entries(diff, self.folded)
            self._grid = Grid.of(diff, self.room, self._offset)
            self._sheet = Sheet.of(diff, self.folded, self.room, self._offset) if self.transposed else None
            self._offset = self._sheet.offset if self._sheet else self._grid.offset
        self.changed()

    def resized(self) -> None:
        """Lay the columns out for the new width."""
        self._lay()

    def total(self) -> int:
        """Return the number of lines."""
        if self._diff is None:
            return len(self.instead)
        return len(self._diff.versions) if self._sheet else len(self._entries)

    def head_at(self, y: int) -> Line:
        """Return the versions, or the names of the rows when transposed."""
        if self._diff is None or self._grid is None:
            return BLANK
        return self._sheet.head() if self._sheet else self._grid.head()

    def line_at(self, index: int) -> Line:
        """Return one line."""
        if self._diff is None or self._grid is None:
            return self.instead[index]
        return self._sheet.line(index) if self._sheet else self._grid.line(self._entries[index], self.folded)

    def sideways(self, by: int) -> None:
        """Scroll the columns."""
        self._offset = max(0, self._offset + by)
        self._lay()

    def hop(self, by: int) -> bool:
        """Go to the next change, or the one before; return whether there was one."""
        i = self.cursor + by
        while 0 <= i < len(self._entries) and not self._sheet:
            if self._entries[i].changed:
                self.cursor = i
                return True
            i += by
        return False

    def fold(self) -> None:
        """Fold the facet that the cursor is in, or unfold it."""
        if self._diff is None or self._sheet or not self._entries:
            return
        facet = self._entries[self.cursor].section.facet
        self.folded ^= {facet}
        self._lay()
        heads = [i for i, e in enumerate(self._entries) if e.part is Part.FACET and e.section.facet is facet]
        if heads and facet in self.folded:
            self.cursor = heads[0]

    def transpose(self) -> None:
        """Swap rows and columns."""
        self.transposed = not self.transposed
        self._offset = 0
        self.cursor = 0
        self._lay()

    @property
    def said(self) -> Entry | None:
        """What is under the cursor."""
        return self._entries[self.cursor] if not self._sheet and self.cursor < len(self._entries) else None


class Compare(Room):
    """What differs, and whether it is better."""

    WHERE = Where.COMPARE

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._rows: tuple[VersionRow, ...] = ()
        self._baseline = 0
        self._changed_only = True
        self._sent: DiffRequest | None = None

    def panes(self) -> Iterable[Widget]:
        """There is one pane."""
        grid = DiffGrid(id="grid")
        grid.add_class("pane")
        yield grid

    @property
    def grid(self) -> DiffGrid:
        """The grid."""
        return self.query_one(DiffGrid)

    def shown(self) -> str:
        """Return the baseline, and whether equal rows are shown."""
        if not self._rows:
            return ""
        return f"{text.plural(len(self._rows), 'version')}  {'changed only' if self._changed_only else 'everything'}"

    def subject(self) -> VersionRow | None:
        """Return the version of the line when transposed, else the first beside the baseline."""
        if not self._rows:
            return None
        if self.grid.transposed and self.grid.cursor < len(self._rows):
            return self._rows[self.grid.cursor]
        return next((row for i, row in enumerate(self._rows) if i != self._baseline), self._rows[0])

    def off(self, key: str) -> str:
        """Say why a key is off here."""
        if key in ("next", "previous", "fold") and self.grid.transposed:
            return "transposed; x swaps back"
        return super().off(key)

    def enter(self, place: Place) -> None:
        """Compare the versions of the place, the oldest first. The live one, else the oldest, is the first baseline."""
        rows = tuple(sorted(place.rows, key=lambda row: (row.created_at is None, row.created_at or 0.0)))
        if tuple(map(identity, rows)) != tuple(map(identity, self._rows)):
            held = holder(rows)
            self._baseline = rows.index(held) if held else 0
        self._rows = rows
        if len(self._rows) < 2:
            self.grid.show(None, [BLANK, (Span("Mark two or more versions with space, then press c.", Tone.DIM),)])
            return
        self._compare()
        self.grid.focus()

    def _compare(self) -> None:
        self._sent = DiffRequest(self._rows, self._baseline, self._changed_only)
        self.ask(self._sent)

    def on_diff_ready(self, message: DiffReady) -> None:
        """Show the comparison, unless another was asked for since."""
        if message.request != self._sent:
            return
        same = message.request.changed_only and not any(section.changed for section in message.diff.sections)
        self.grid.show(message.diff)
        if same:
            self.say((Span("Nothing differs; . shows everything.", Tone.DIM),))
        self.frame()

    def fail(self, request: Request, error: Error) -> None:
        """Show why there is no comparison."""
        self.grid.show(None, [BLANK, *bars.problem(error)])

    def on_chosen(self, message: Chosen) -> None:
        """Fold on enter."""
        message.stop()
        self.grid.fold()

    def do_everything(self) -> None:
        """Show equal rows too, or only what changed."""
        self._changed_only = not self._changed_only
        self._compare()

    def do_next(self) -> None:
        """Go to the next change."""
        self._hop(1)

    def do_previous(self) -> None:
        """Go to the change before."""
        self._hop(-1)

    def _hop(self, by: int) -> None:
        if not self.grid.hop(by):
            self.say((Span("No further change." if by > 0 else "No change before this one.", Tone.DIM),))

    def do_fold(self) -> None:
        """Fold or unfold the facet."""
        self.grid.fold()

    def do_transpose(self) -> None:
        """Swap rows and columns."""
        self.grid.transpose()

    def do_baseline(self) -> None:
        """Make the next version the baseline; transposed, the one under the cursor."""
        count = len(self._rows)
        if count:
            self._baseline = self.grid.cursor if self.grid.transposed else (self._baseline + 1) % count
            self._compare()
