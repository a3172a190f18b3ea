"""The line of place at the top, the footer, and the line that says something once."""

from __future__ import annotations

from collections.abc import Callable

from textual.strip import Strip

from lineal_tui.present.ink import BLANK, Line
from lineal_tui.widgets.lines import Lines

Draw = Callable[[int], Line]
"""Given the width in cells, the line."""


class Bar(Lines, can_focus=False):
    """One line that is drawn anew whenever `show` is called or the width changes."""

    PICKS = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._draw: Draw = lambda cells: BLANK
        self._shown: Line = BLANK

    def show(self, draw: Draw) -> None:
        """Draw with this from now on; nothing is repainted if the line is the same."""
        self._draw = draw
        line = draw(self.cells)
        if line != self._shown:
            self._shown = line
            self.changed()

    @property
    def room(self) -> int:
        """All of the line: there is no cursor."""
        return self.cells

    def changed(self) -> None:
        """Paint anew; a bar never changes its size, and a new size would lay the whole screen out again."""
        self._strips.clear()
        self.refresh()

    def total(self) -> int:
        """There is one line."""
        return 1

    def line_at(self, index: int) -> Line:
        """Return it."""
        self._shown = self._draw(self.cells)
        return self._shown

    def render_line(self, y: int) -> Strip:
        """Return the line without the cell of a cursor."""
        return super().render_line(y).crop(1)
