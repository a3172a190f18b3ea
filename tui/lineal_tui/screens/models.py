"""Models: the tree of registries and models, the table of versions, and the details of the one under the cursor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widget import Widget

from lineal.errors import Error, QueryError
from lineal.model.listing import Sort, VersionRow
from lineal.model.values import Goal
from lineal_tui import keys, spoken
from lineal_tui import messages as m
from lineal_tui.keys import Where
from lineal_tui.looks import remembered
from lineal_tui.places import Identity, Place, Scope, identity
from lineal_tui.present import text, versions
from lineal_tui.present.empty import nothing_here
from lineal_tui.present.tabs import tab_of
from lineal_tui.present.versions import Column
from lineal_tui.screens.room import Room
from lineal_tui.session import Session
from lineal_tui.spoken import Offer
from lineal_tui.tabs import RangeReady, RangeRequest
from lineal_tui.views import ModelsView
from lineal_tui.widgets.detail import DetailPane
from lineal_tui.widgets.table import FixedRows, VersionTable
from lineal_tui.widgets.tree import ModelTree

if TYPE_CHECKING:
    from lineal_tui.widgets.filter import FilterBox

_REST = 0.09  # seconds that a cursor must rest before other panes follow: a held key repaints one pane only
_RANGE = 1000
"""Versions that one range marks at most: each is kept whole."""


class Models(Room):
    """What there is."""

    WHERE = Where.MODELS

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._sent: m.RowsRequest | None = None  # the list that is wanted
        self._otherwise = 0
        self._goals: Mapping[str, Goal] = {}
        self._rest: Timer | None = None
        self._only_marked = False
        self._typing = False  # a filter that is typed is one change of the view, not one for each letter
        self._anchor: tuple[m.Rows, int] | None = None  # the list, and the row that was marked last

    def panes(self) -> Iterable[Widget]:
        """Put the tree beside the table, and the details below it, or beside where there is room."""
        tree, table, pane = ModelTree(id="tree"), VersionTable(id="table"), DetailPane(self.session, id="detail")
        for each in (tree, table, pane):
            each.add_class("pane")
        yield Vertical(id="filter-row")
        yield Horizontal(tree, Vertical(table, pane, id="right", classes="pane"), id="panes")

    @property
    def branches(self) -> ModelTree:
        """The tree."""
        return self.query_one(ModelTree)

    @property
    def table(self) -> VersionTable:
        """The table."""
        return self.query_one(VersionTable)

    @property
    def details(self) -> DetailPane:
        """The details."""
        return self.query_one(DetailPane)

    @property
    def box(self) -> FilterBox | None:
        """The filter box, while it is open."""
        return next((cast("FilterBox", child) for child in self.query_one("#filter-row").children), None)

    def on_mount(self) -> None:
        """Start in the table."""
        self.table.focus()

    # --- what is shown ---

    def shown(self) -> str:
        """Return the filter, scope and order."""
        scope, sort = self.session.scope, self.session.sort
        parts = [f"/{self.session.text}"] if self.session.text else []
        parts += [f"{scope.registry}:{scope.model}".rstrip(":")] if scope.registry else []
        marks = len(self.session.marks)
        if self._only_marked:
            return f"only the {marks} marked"
        parts += [f"✱ {marks} marked"] if marks else []
        parts += [f"by {sort.field} {'↓' if sort.descending else '↑'}"] if sort != Sort() else []
        return "  ".join(parts)

    def subject(self) -> VersionRow | None:
        """Return the version under the table's cursor."""
        return self.table.row() if self.is_mounted and self.table.total() else None

    def off(self, key: str) -> str:
        """Say why a key is off here."""
        if key == "only_marked" and not self.session.marks and not self._only_marked:
            return "nothing is marked"
        if key == "unmark" and not self.session.marks:
            return "nothing is marked"
        if key == "mark_range":
            return self._no_range()
        if key == "back" and (self._only_marked or self.session.text):
            return ""
        return super().off(key)

    def enter(self, place: Place) -> None:
        """Ask for the list of a place, and for the tree."""
        if isinstance(view := place.view, ModelsView):
            self.session.look = view.look
            self.details.open(tab_of(view.tab))
        self.ask(m.ModelsRequest(place.text))
        self._only_marked = isinstance(view, ModelsView) and view.only_marked and bool(self.session.marks)
        if self._only_marked:
            self._show_marked()
        else:
            self._list(identity(place.rows[0]) if place.rows else None)

    def view(self) -> ModelsView:
        """Return columns, order, the open tab, and whether only marked versions are shown."""
        return ModelsView(self.session.look, self.session.tab, self._only_marked)

    def resumed(self) -> None:
        """Take the marks that were set elsewhere."""
        self.table.mark(set(self.session.marks))

    def renew(self) -> None:
        """Ask again, with the cursor where it is."""
        self.ask(m.ModelsRequest(self.session.text))
        row = self.subject()
        if not self._only_marked:
            self._list(identity(row) if row and self.table.cursor else None, self.table.cursor)

    def _list(self, seek: Identity | None = None, otherwise: int = 0) -> None:
        """Ask for the list of the present place, to stand on a version, or on a row if it is not found."""
        here = self.session.places.here
        self._otherwise = otherwise
        self._sent = m.RowsRequest(here.text, here.scope, self.session.sort, seek)
        self.ask(self._sent)

    def on_rows_ready(self, message: m.RowsReady) -> None:
        """Show the list, unless another was asked for since."""
        if message.request != self._sent or self._only_marked:
            return
        self._goals = message.goals
        self._take(message.rows, message.first, self._otherwise if message.at is None else message.at)
        if self.box:
            self.box.show_error(None)

    def _take(self, rows: m.Rows, first: list[VersionRow], at: int = 0) -> None:
        columns = tuple(self._columns(first))
        self.table.choose(columns, self._goals, self.session.clock())
        self.table.marks = set(self.session.marks)
        self.table.show(rows, first, at)
        self.frame()
        self.session.first_rows()

    def _columns(self, first: list[VersionRow]) -> list[Column]:
        """Return the columns that were chosen, else those that tell these rows apart; what is sorted by leads."""
        chosen, sort = self.session.columns, self.session.sort
        return versions.led(chosen, sort) if chosen else versions.choose(first, sort)

    def on_models_ready(self, message: m.ModelsReady) -> None:
        """Show the tree."""
        if message.request.text != self.session.text:
            return
        self.session.registries = message.registries
        self.branches.show(message.registries, message.models, self.session.clock())
        if self.branches.scope != self.session.scope:
            self.branches.reveal(self.session.scope)
        self.frame()

    def fail(self, request: m.Request, error: Error) -> None:
        """Point at the wrong word of the filter, or say what went wrong."""
        if isinstance(request, m.ModelsRequest) and isinstance(error, QueryError):
            return  # the list says the same
        if self.box and isinstance(request, m.RowsRequest):
            self.box.show_error(error)
        else:
            self.say_error(error)

    def frame(self) -> None:
        """Draw the bars, and why there is nothing, which a sync changes."""
        super().frame()
        for branches in self.query(ModelTree):
            branches.read(self.session.reading)
        if self.is_mounted and not self.table.total():
            syncing = self.session.sync is not None
            said = nothing_here(self.session.registries, self.session.text, syncing=syncing)
            if said != self.table.empty:
                self.table.empty = said
                self.table.changed()

    def spoken(self) -> Iterable[str]:
        """Return the list as a command; the marked versions compared."""
        if len(self.session.marks) > 1:
            yield spoken.said(spoken.comparison(tuple(self.session.marks.values()), 0, everything=False))
        yield spoken.said(spoken.listing(self.session.text, self.session.scope, self.session.sort))

    def exports(self) -> Iterable[Offer]:
        """Return the list with its columns, what is marked, and the version under the cursor."""
        scope, look = self.session.scope, self.session.look
        listed = spoken.table(self.session.text, scope, look.sort, self.session.columns)
        yield Offer("versions", listed, (scope.model or scope.registry,) if scope.registry else ())
        if len(self.session.marks) > 1:
            yield Offer("marked", spoken.comparison(tuple(self.session.marks.values()), 0, everything=False))
        if row := self.subject():
            yield Offer("version", spoken.version(row), (row.model, row.name))

    # --- following the cursors ---

    def on_moved(self, message: m.Moved) -> None:
        """Let the other panes follow, once the cursor rests."""
        message.stop()
        if self._rest:
            self._rest.stop()
        self._rest = self.set_timer(_REST, self._follow)

    def _follow(self) -> None:
        if self.branches.has_focus and self.branches.scope != self.session.scope:
            self._narrow(self.branches.scope)
        else:
            self.details.look(self.subject())
        self.frame()

    def _narrow(self, scope: Scope) -> None:
        here = self.session.places.here
        self.session.places.amend(replace(here, scope=scope, rows=(), view=None))
        self._only_marked = False
        self.settle()
        self._list()

    def on_chosen(self, message: m.Chosen) -> None:
        """Go from the tree to the table, from the table to everything about the version."""
        message.stop()
        if self.branches.has_focus:
            self._follow()
            self.table.focus()
        elif self.table.has_focus and self.subject():
            self.do_details()

    # --- keys ---

    def do_filter(self) -> None:
        """Open the filter box."""
        from lineal_tui.widgets.filter import FilterBox

        if self.box is None:
            self.query_one("#filter-row").mount(FilterBox(self.session.text, self.session.filters))
            self.query_one("#filter-row").add_class("-open")

    def on_filter_changed(self, message: m.FilterChanged) -> None:
        """Filter the tree and the table."""
        message.stop()
        if message.final:
            self.session.filters = remembered(self.session.filters, message.text)
        if message.text != self.session.text:
            self.settle()
            self._only_marked = False
            place = Place(Where.MODELS, self.session.scope, message.text, view=self.view())
            self.session.places.turn(place, "filter", apart=not self._typing)
            self._typing = self.box is not None
            self.settle()
            self.ask(m.ModelsRequest(message.text))
            self._list()
            self.frame()

    def on_filter_closed(self, message: m.FilterClosed) -> None:
        """Go back to the table."""
        message.stop()
        self._typing = False
        if self.box:
            self.box.remove()
        self.query_one("#filter-row").remove_class("-open")
        self.table.focus()

    def do_back(self) -> None:
        """Show all again, take the filter away, else go back."""
        if self._only_marked:
            self.do_only_marked()
        elif self.session.text and not self.has_class("-zoom"):
            self.on_filter_changed(m.FilterChanged(""))
        else:
            super().do_back()

    def do_only_marked(self) -> None:
        """Show only the marked versions, or all again."""
        self._only_marked = not self._only_marked
        if self._only_marked:
            self._show_marked()
        else:
            self._list()

    def _show_marked(self) -> None:
        rows = list(self.session.marks.values())
        self._take(FixedRows(rows), rows)

    # --- marks ---

    def do_mark(self) -> None:
        """Mark the version under the cursor and go on to the next."""
        super().do_mark()
        self._anchor = (self.table.rows, self.table.cursor)
        self._show_marks()
        self.table.step(1)

    def do_mark_down(self) -> None:
        """Mark the version under the cursor and the next, and go there."""
        self._mark_on(1)

    def do_mark_up(self) -> None:
        """Mark the version under the cursor and the one before, and go there."""
        self._mark_on(-1)

    def _mark_on(self, by: int) -> None:
        for step in (0, by):
            self.table.step(step)
            if row := self.subject():
                self.session.mark([row])
        self._anchor = (self.table.rows, self.table.cursor)
        self._show_marks()

    def do_mark_range(self) -> None:
        """Mark all versions from the one that was marked last to that under the cursor."""
        if self._anchor:
            first, last = sorted((self._anchor[1], self.table.cursor))
            self.ask(RangeRequest(self.table.rows, first, last))

    def _no_range(self) -> str:
        if self._anchor is None or self._anchor[0] is not self.table.rows:
            return f"mark where the range begins with {keys.shown('mark')} first"
        apart = abs(self._anchor[1] - self.table.cursor) + 1
        return f"that would be {text.plural(apart, 'version')}, and a range holds {_RANGE}" if apart > _RANGE else ""

    def on_range_ready(self, message: RangeReady) -> None:
        """Mark what stands in the range."""
        self.session.mark(message.found)
        self._show_marks()
        self.frame()

    def do_unmark(self) -> None:
        """Take every mark away."""
        self.session.marks.clear()
        self._anchor = None
        if self._only_marked:
            self.do_only_marked()
        self._show_marks()

    def _show_marks(self) -> None:
        self.table.mark(set(self.session.marks))

    # --- columns and order ---

    def do_sort(self) -> None:
        """Choose an order; choosing the present one turns it round."""
        from lineal_tui.screens.choices import SortChooser

        self.app.push_screen(SortChooser(self.session, self.table.first_page()), self._sorted)

    def _sorted(self, _: int | None) -> None:
        if self._sent is None or self._sent.sort != self.session.sort:
            self._only_marked = False
            self._list()
        self.note("sort")
        self.frame()

    def do_columns(self) -> None:
        """Choose columns: each choice adds or takes away one."""
        from lineal_tui.screens.choices import ColumnChooser

        first = self.table.first_page()
        shown = self._columns(first)

        def taken() -> None:
            self._take(self.table.rows, first, self.table.cursor)
            self.note("columns", apart=False)

        self.app.push_screen(ColumnChooser(self.session, first, shown, taken))

    def do_tab_next(self) -> None:
        """Open the next tab of the details."""
        self.details.turn(1)

    def do_tab_before(self) -> None:
        """Open the tab of the details before."""
        self.details.turn(-1)
