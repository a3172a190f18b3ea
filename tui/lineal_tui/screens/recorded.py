"""One line of the record in full: checks with their evidence, approvals, the command, who signed."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from lineal_tui.present.history import Item
from lineal_tui.present.ink import Span, Tone
from lineal_tui.present.recorded import recorded_lines
from lineal_tui.screens.dialog import Dialog
from lineal_tui.screens.laying import laid_out
from lineal_tui.session import Session
from lineal_tui.widgets.lines import TextPane


class Recorded(Dialog[None]):
    """What happened, in full."""

    def __init__(self, item: Item, session: Session) -> None:
        super().__init__()
        self._item = item
        self._session = session

    def compose(self) -> ComposeResult:
        """Put it under its title."""
        with Vertical(id="box"):
            yield self.frame("on record")
            pane = TextPane(id="list")
            pane.add_class("list")
            pane.lines = [(Span(" …", Tone.DIM),)]
            yield pane

    def on_mount(self) -> None:
        """Start at the top."""
        self.query_one(TextPane).focus()

    def on_resize(self) -> None:
        """Break the lines for the width."""
        laid_out(self, self._fill)

    def _fill(self) -> None:
        pane = self.query_one(TextPane)
        pane.show(recorded_lines(self._item, self._session.clock(), pane.room))
