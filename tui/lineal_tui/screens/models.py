"""Models: the tree of registries and models, the table of versions, and the details of the one under the cursor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widget import Widget

from lineal.errors import Error, QueryError
from lineal.model.listing import RegistryRow, Sort, VersionRow
from lineal.model.values import Goal
from lineal_tui import messages as m
from lineal_tui.keys import Where
from lineal_tui.places import Identity, Place, Scope, identity
from lineal_tui.present import detail, versions
from lineal_tui.present.empty import nothing_here
from lineal_tui.screens.choices import columns_of, sorts_of
from lineal_tui.screens.room import Room
from lineal_tui.session import Session
from lineal_tui.widgets.lines import TextPane
from lineal_tui.widgets.table import FixedRows, VersionTable
from lineal_tui.widgets.tree import ModelTree

if TYPE_CHECKING:
    from lineal_tui.widgets.filter import FilterBox

_REST = 0.09  # seconds that a cursor must rest before other panes follow: a held key repaints one pane only
_CURVES = 4


class Models(Room):
    """What there is."""

    WHERE = Where.MODELS

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._sent: m.RowsRequest | None = None  # the list that is wanted
        self._otherwise = 0
        self._goals: Mapping[str, Goal] = {}
        self._rest: Timer | None = None
        self._detail: m.DetailReady | None = None
        self._curves: dict[Identity, dict[str, list[float]]] = {}
        self._only_marked = False

    def panes(self) -> Iterable[Widget]:
        """Put the tree beside the table, and the details below it, or beside where there is room."""
        tree, table, pane = ModelTree(id="tree"), VersionTable(id="table"), TextPane(id="detail")
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
        parts += ["only marked"] if self._only_marked else []
        parts += [f"by {sort.field} {'↓' if sort.descending else '↑'}"] if sort != Sort() else []
        return "  ".join(parts)

    def subject(self) -> VersionRow | None:
        """Return the version under the table's cursor."""
        return self.table.row() if self.is_mounted and self.table.total() else None

    def off(self, key: str) -> str:
        """Say why a key is off here."""
        if key == "only_marked" and not self.session.marks and not self._only_marked:
            return "nothing is marked"
        if key == "back" and (self._only_marked or self.session.text):
            return ""
        return super().off(key)

    def enter(self, place: Place) -> None:
        """Ask for the list of a place, and for the tree."""
        self._only_marked = False
        self.ask(m.ModelsRequest(place.text))
        self._list(identity(place.rows[0]) if place.rows else None)

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
        columns = self.session.columns or tuple(versions.choose(first, self.session.sort))
        self.table.choose(columns, self._goals, self.session.clock())
        self.table.marks = set(self.session.marks)
        self.table.show(rows, first, at)
        self.frame()
        self.session.first_rows()

    def on_models_ready(self, message: m.ModelsReady) -> None:
        """Show the tree."""
        if message.request.text != self.session.text:
            return
        self.session.registries = message.registries
        self.branches.show(message.registries, message.models)
        if self.branches.scope != self.session.scope:
            self.branches.reveal(self.session.scope)
        self.frame()

    def fail(self, request: m.Request, error: Error) -> None:
        """Point at the wrong word of the filter, or say what went wrong."""
        if isinstance(request, m.ModelsRequest) and isinstance(error, QueryError):
            return  # the list says the same
        if self.box and isinstance(request, m.RowsRequest):
            self.box.show_error(error)
        elif not isinstance(request, m.CurvesRequest):
            self.say_error(error)

    def frame(self) -> None:
        """Draw the bars, and why there is nothing, which a sync changes."""
        super().frame()
        if self.is_mounted and not self.table.total():
            syncing = self.session.sync is not None
            said = nothing_here(self.session.registries, self.session.text, syncing=syncing)
            if said != self.table.empty:
                self.table.empty = said
                self.table.changed()

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
        elif row := self.subject():
            if self._detail is None or self._detail.request.row != row:
                self.ask(m.DetailRequest(row))
        else:
            self._detail = None
            self.query_one("#detail", TextPane).show([])
        self.frame()

    def _narrow(self, scope: Scope) -> None:
        here = self.session.places.here
        self.session.places.amend(Place(Where.MODELS, scope, here.text))
        self._only_marked = False
        self._list()

    def on_chosen(self, message: m.Chosen) -> None:
        """Go from the tree to the table, from the table to everything about the version."""
        message.stop()
        if self.branches.has_focus:
            self._follow()
            self.table.focus()
        elif self.table.has_focus and self.subject():
            self.do_details()

    def on_detail_ready(self, message: m.DetailReady) -> None:
        """Show the details, unless the cursor has moved on; then ask for curves where they are at hand."""
        row = self.subject()
        if row is None or identity(row) != identity(message.request.row):
            return
        self._detail = message
        self._draw_detail(keep=False)
        if identity(row) not in self._curves and self._local(row.registry) and row.metrics:
            self.ask(m.CurvesRequest(row, tuple(metric.name for metric in message.version.metrics[:_CURVES])))

    def _local(self, name: str) -> bool:
        """Say whether the registry lies on this machine: only then are its curves cheap."""
        found: list[RegistryRow] = [row for row in self.session.registries if row.name == name]
        return bool(found) and found[0].fingerprint is not None

    def on_curves_ready(self, message: m.CurvesReady) -> None:
        """Add the curves to the details."""
        if len(self._curves) > 256:
            self._curves.clear()
        self._curves[identity(message.request.row)] = message.curves
        if self._detail and identity(self._detail.request.row) == identity(message.request.row):
            self._draw_detail(keep=True)

    def _draw_detail(self, *, keep: bool) -> None:
        ready = self._detail
        if ready is None:
            return
        pane = self.query_one("#detail", TextPane)
        row = ready.request.row
        pane.show(
            detail.lines(
                ready.version,
                row,
                ready.parents,
                ready.holder,
                ready.goals,
                self._curves.get(identity(row), {}),
                pane.room,
                self.session.clock(),
            ),
            keep=keep,
        )

    # --- keys ---

    def do_filter(self) -> None:
        """Open the filter box."""
        from lineal_tui.widgets.filter import FilterBox

        if self.box is None:
            self.query_one("#filter-row").mount(FilterBox(self.session.text))
            self.query_one("#filter-row").add_class("-open")

    def on_filter_changed(self, message: m.FilterChanged) -> None:
        """Filter the tree and the table."""
        message.stop()
        if message.text != self.session.text:
            here = self.session.places.here
            self.session.places.amend(Place(Where.MODELS, here.scope, message.text))
            self._only_marked = False
            self.ask(m.ModelsRequest(message.text))
            self._list()
            self.frame()

    def on_filter_closed(self, message: m.FilterClosed) -> None:
        """Go back to the table."""
        message.stop()
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
            rows = list(self.session.marks.values())
            self._take(FixedRows(rows), rows)
        else:
            self._list()

    def do_mark(self) -> None:
        """Mark the version under the cursor and go on to the next."""
        super().do_mark()
        self.table.mark(set(self.session.marks))
        self.table.step(1)

    def do_sort(self) -> None:
        """Choose an order; choosing the present one turns it round."""
        from lineal_tui.screens.dialog import Chooser

        sorts = sorts_of(self.table.first_page(), self.session.sort)

        def take(index: int | None) -> None:
            if index is not None:
                self.session.sort = sorts[index][1]
                self._list()
                self.frame()

        self.app.push_screen(Chooser("sort by", [line for line, _ in sorts]), take)

    def do_columns(self) -> None:
        """Choose columns: each choice adds or takes away one, and asks again."""
        self._ask_columns(0)

    def _ask_columns(self, at: int) -> None:
        from lineal_tui.screens.dialog import Chooser

        first = self.table.first_page()
        now = self.session.columns or tuple(versions.choose(first, self.session.sort))
        offered = columns_of(first, now)

        def take(index: int | None) -> None:
            if index is None:
                return
            self.session.columns = offered[index][1]
            self._take(self.table.rows, first, self.table.cursor)
            if index:
                self._ask_columns(index)

        self.app.push_screen(Chooser("columns", [line for line, _ in offered], at), take)
