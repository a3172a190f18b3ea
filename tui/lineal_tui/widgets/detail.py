"""The details of the version under the cursor: a row of tabs, and what the open one shows, asked for when it is."""

from __future__ import annotations

from collections.abc import Callable

from textual import events

from lineal.model.listing import VersionRow
from lineal_tui import messages as m
from lineal_tui import tabs as t
from lineal_tui.acts import RecordReady, RecordRequest
from lineal_tui.places import Identity, identity
from lineal_tui.present import bars, detail
from lineal_tui.present.ink import Line, Span, Tone
from lineal_tui.present.tabs import Tab, tab_at, tab_of, tab_row, turned
from lineal_tui.session import Session
from lineal_tui.widgets.lines import TextPane

_CURVES = 4  # of the overview
_ALL_CURVES = 24  # of the tab, where the registry lies on this machine
_FAR_CURVES = 8  # where each is a question to a server
_KEPT = 256  # versions whose curves are kept
_OF_VERSION = (Tab.OVERVIEW, Tab.PARAMS, Tab.METRICS, Tab.ENVIRONMENT, Tab.DATA, Tab.FILES)
"""Tabs that show what the version itself holds."""
_WAITING: list[Line] = [(Span("…", Tone.DIM),)]


class DetailPane(TextPane):
    """One version, from the side that its tab shows; the tab stays when the version changes."""

    HEADS = 1

    def __init__(self, session: Session, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.session = session
        self.tab = tab_of(session.tab)
        self.ready: m.DetailReady | None = None
        self._row: VersionRow | None = None
        self._curves: dict[Identity, dict[str, list[float]]] = {}
        self._more: m.Request | None = None  # what the open tab waits for, beside the version
        self._found: list[Line] | None = None

    # --- what is shown ---

    def look(self, row: VersionRow | None) -> None:
        """Show a version; None shows nothing."""
        if row is None:
            self._row, self.ready = None, None
            self.show([])
        elif self._row != row:
            self._row, self._found = row, None
            self.post_message(m.Ask(m.DetailRequest(row), self))
            self._want()

    def turn(self, by: int) -> None:
        """Open another tab."""
        self.open(turned(self.tab, by))

    def open(self, tab: Tab) -> None:
        """Open a tab."""
        if tab is self.tab:
            return
        self.tab = tab
        self.session.tab = tab.value
        self._found = None
        self._want()
        self._draw(keep=False)
        self.refresh()

    def _want(self) -> None:
        """Ask for what the open tab shows, unless it is part of the version."""
        self._more = self._request(self._row) if self._row else None
        if self._more:
            self.post_message(m.Ask(self._more, self))
        self._want_curves()

    def _request(self, row: VersionRow) -> m.Request | None:
        match self.tab:
            case Tab.TENSORS:
                return t.TensorsRequest(row)
            case Tab.LINEAGE:
                return t.KinRequest(row)
            case Tab.HISTORY:
                return RecordRequest(row.registry, row.model)
            case Tab.CARD:
                return t.CardRequest(row, self.room)
            case _:
                return None

    def _draw(self, *, keep: bool) -> None:
        ready = self.ready
        if self.tab not in _OF_VERSION:
            self.show(_WAITING if self._found is None else self._found, keep=keep)
        elif ready is not None:
            self.show(self._side(ready), keep=keep)

    def _side(self, ready: m.DetailReady) -> list[Line]:
        version, row, holder = ready.version, ready.request.row, ready.holder
        curves = self._curves.get(identity(row), {})
        if self.tab is Tab.OVERVIEW:
            now = self.session.clock()
            return detail.lines(version, row, ready.parents, holder, ready.goals, curves, self.room, now)
        from lineal_tui.present import leaves  # not for the first paint

        draw: dict[Tab, Callable[[], list[Line]]] = {
            Tab.PARAMS: lambda: leaves.params(version, row, holder, self.room),
            Tab.METRICS: lambda: leaves.metrics(version, row, holder, ready.goals, curves, self.room),
            Tab.ENVIRONMENT: lambda: leaves.environment(version),
            Tab.DATA: lambda: leaves.data(version),
            Tab.FILES: lambda: leaves.files(version),
        }
        return draw[self.tab]()

    def head_at(self, y: int) -> Line:
        """Return the row of tabs."""
        return tab_row(self.tab, self.room)

    def resized(self) -> None:
        """Break everything for the new width."""
        super().resized()
        if isinstance(self._more, t.CardRequest) and self._more.cells != self.room:
            self._want()
        self._draw(keep=True)

    def on_click(self, event: events.Click) -> None:
        """Open the tab that was clicked."""
        if event.y < self.HEADS and (tab := tab_at(self.tab, self.room, event.x - 1)):
            self.open(tab)

    # --- answers ---

    def on_detail_ready(self, message: m.DetailReady) -> None:
        """Show the version, unless the cursor has moved on."""
        if message.request.row == self._row:
            self.ready = message
            self._draw(keep=False)
            self._want_curves()

    def _want_curves(self) -> None:
        """Ask for curves: of a few metrics where they are at hand, of all in their own tab."""
        ready = self.ready
        if ready is None or self._row is None or ready.request.row != self._row:
            return
        local = self._local(self._row.registry)
        most = (_ALL_CURVES if local else _FAR_CURVES) if self.tab is Tab.METRICS else _CURVES if local else 0
        known = self._curves.get(identity(self._row), {})
        names = tuple(metric.name for metric in ready.version.metrics[:most] if metric.name not in known)
        if names and self.tab in (Tab.OVERVIEW, Tab.METRICS):
            self.post_message(m.Ask(m.CurvesRequest(self._row, names), self))

    def _local(self, name: str) -> bool:
        """Say whether the registry lies on this machine: only then are its curves cheap."""
        return any(row.name == name and row.fingerprint is not None for row in self.session.registries)

    def on_curves_ready(self, message: m.CurvesReady) -> None:
        """Add the curves."""
        if len(self._curves) > _KEPT:
            self._curves.clear()
        self._curves.setdefault(identity(message.request.row), {}).update(message.curves)
        if self._row and identity(self._row) == identity(message.request.row) and self.tab in _OF_VERSION:
            self._draw(keep=True)

    def on_tensors_ready(self, message: t.TensorsReady) -> None:
        """Show the tensors."""
        from lineal_tui.present import leaves

        self._take(message.request, lambda: leaves.tensors(message.tensors, self.room))

    def on_kin_ready(self, message: t.KinReady) -> None:
        """Show where it came from and what came from it."""
        from lineal_tui.present import leaves

        self._take(message.request, lambda: leaves.kin(message.parents, message.children, message.request.row))

    def on_record_ready(self, message: RecordReady) -> None:
        """Show what is on record."""
        from lineal_tui.present import leaves

        if row := self._row:
            self._take(message.request, lambda: leaves.past(message, row))

    def on_card_ready(self, message: t.CardReady) -> None:
        """Show the card."""
        self._take(message.request, lambda: message.lines)

    def on_failed(self, message: m.Failed) -> None:
        """Say why there is nothing; a curve that cannot be had is only left out."""
        if isinstance(message.request, m.DetailRequest):
            if message.request.row == self._row and self.tab in _OF_VERSION:
                self.show(bars.problem(message.error))
        else:
            self._take(message.request, lambda: bars.problem(message.error))

    def _take(self, request: m.Request, draw: Callable[[], list[Line]]) -> None:
        """Show what was waited for, unless the cursor or the tab has moved on."""
        if request == self._more:
            self._found = draw()
            self._draw(keep=False)
