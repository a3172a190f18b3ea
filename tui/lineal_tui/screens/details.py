"""Everything about one version, in full, above the screen."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from lineal.model.listing import VersionRow
from lineal_tui.messages import Ask, DetailReady, DetailRequest, Failed
from lineal_tui.present import bars, detail
from lineal_tui.present.ink import Span, Tone
from lineal_tui.screens.dialog import Dialog
from lineal_tui.session import Session
from lineal_tui.widgets.lines import TextPane


class Details(Dialog[None]):
    """The whole version."""

    def __init__(self, row: VersionRow, session: Session) -> None:
        super().__init__()
        self._row = row
        self._session = session

    def compose(self) -> ComposeResult:
        """Show that it is being read."""
        with Vertical(id="box"):
            yield self.frame("details")
            pane = TextPane(id="list")
            pane.add_class("list")
            pane.lines = [(Span(" …", Tone.DIM),)]
            yield pane

    def on_mount(self) -> None:
        """Ask for the version."""
        self.query_one(TextPane).focus()
        self.post_message(Ask(DetailRequest(self._row), self))

    def on_detail_ready(self, message: DetailReady) -> None:
        """Show it."""
        pane = self.query_one(TextPane)
        pane.show(
            detail.lines(
                message.version,
                self._row,
                message.parents,
                message.holder,
                message.goals,
                {},
                pane.room,
                self._session.clock(),
                full=True,
            )
        )

    def on_failed(self, message: Failed) -> None:
        """Show why not."""
        self.query_one(TextPane).show(bars.problem(message.error))
