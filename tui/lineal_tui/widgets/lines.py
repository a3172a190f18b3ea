"""Lists of lines with a cursor, painted line by line: every list, tree, table and text of the application is one."""

from __future__ import annotations

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.color import Color as TextualColor
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from lineal_tui.messages import Chosen, Moved
from lineal_tui.present.ink import BLANK, Line, Span, Tone, fit, width

_CACHED = 2048
_COLOURS = {
    Tone.PLAIN: "ink",
    Tone.STRONG: "ink",
    Tone.DIM: "faint",
    Tone.ACCENT: "accent-ink",
    Tone.ERROR: "worse",
}  # the names of the others are those of the tones
_BOLD = frozenset({Tone.STRONG, Tone.HEAD, Tone.MARK, Tone.ERROR})
FAR = 10**12
"""A step that no list is long enough for: to the first or last line."""


class Lines(ScrollView, can_focus=True, inherit_bindings=False):
    """Lines under a frozen head. Subclasses say how many there are and what each holds.

    The cursor is a mark in the first cell, so that a step repaints almost nothing (in the ansi theme one cell in each
    of two lines); scrolling goes by half a window, because a terminal repaints all of it whatever the distance.
    """

    HEADS = 0
    PICKS = True
    """Whether there is a cursor; without one, moving scrolls."""

    cursor: reactive[int] = reactive(0, repaint=False, init=False)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, classes=classes)
        self._strips: dict[int, Strip] = {}
        self._tones: dict[Tone, Style] = {}
        self._ground = Style()

    # --- what a subclass says ---

    def total(self) -> int:
        """Return the number of lines below the head."""
        raise NotImplementedError

    def line_at(self, index: int) -> Line | None:
        """Return one line, without the cell of the cursor; None while it is being fetched."""
        raise NotImplementedError

    def head_at(self, y: int) -> Line:
        """Return one line of the head."""
        return BLANK

    # --- painting ---

    @property
    def cells(self) -> int:
        """Cells across, without the scrollbar's."""
        return self.scrollable_content_region.width

    @property
    def room(self) -> int:
        """Cells for a line, beside the cursor's."""
        return max(1, self.cells - 1)

    @property
    def body(self) -> int:
        """Lines that fit below the head."""
        return max(1, self.size.height - self.HEADS)

    def changed(self) -> None:
        """Paint everything anew: the lines are others now."""
        self._strips.clear()
        self.virtual_size = Size(self.cells, self.total() + self.HEADS)
        if self.PICKS and self.cursor >= self.total():
            self.cursor = max(0, self.total() - 1)
        self.refresh()

    def on_mount(self) -> None:
        """Take the first size."""
        self.changed()

    def on_resize(self, event: events.Resize) -> None:
        """Lay the lines out for the new width."""
        self.resized()

    def resized(self) -> None:
        """Lay the lines out for the new width."""
        self.changed()

    def notify_style_update(self) -> None:
        """Forget what was painted in the old theme."""
        super().notify_style_update()
        self._strips.clear()
        self._tones.clear()

    def tone(self, tone: Tone) -> Style:
        """Return the theme's style for a tone."""
        if not (style := self._tones.get(tone)):
            if not self._tones:  # Textual walks up the tree for it, line after line
                self._ground = self.rich_style
            style = self._tones[tone] = self._ground + Style(
                color=self._colour(_COLOURS.get(tone, tone.value)), bold=tone in _BOLD
            )
        return style

    def _colour(self, name: str) -> Color:
        """Return a colour of the theme; a style class for each tone would cost each widget milliseconds."""
        return TextualColor.parse(self.app.theme_variables[name]).rich_color

    def render_line(self, y: int) -> Strip:
        """Return one line of the window, the head's first."""
        if y < self.HEADS:
            return self._paint(self.head_at(y), " ")
        index = round(self.scroll_offset.y) + y - self.HEADS
        if index >= self.total():
            return Strip.blank(self.cells, self.tone(Tone.PLAIN))
        strip = self._strip(index)
        return self._under_cursor(strip) if self.PICKS and index == self.cursor else strip

    def _strip(self, index: int) -> Strip:
        if strip := self._strips.get(index):
            return strip
        line = self.line_at(index)
        if line is None:
            return self._paint((Span("…", Tone.DIM),), " ")
        if len(self._strips) > _CACHED:
            self._strips.clear()
        strip = self._strips[index] = self._paint(line, " ")
        return strip

    def _paint(self, line: Line, gutter: str) -> Strip:
        cells, room = width(line), self.room
        if cells > room:
            line, cells = _cut(line, room), room
        segments = [Segment(gutter, self.tone(Tone.PLAIN))]
        segments += [Segment(text, self.tone(tone)) for text, tone in line if text]
        if cells < room:
            segments.append(Segment(" " * (room - cells), segments[-1].style))
        return Strip(Segment.simplify(segments), room + 1)  # each change of style costs some 40 bytes

    def _under_cursor(self, strip: Strip) -> Strip:
        gutter = Segment("▌", self.tone(Tone.ACCENT if self.has_focus else Tone.DIM))
        rest = list(strip.crop(1))
        if self.has_focus and not self.app.native_ansi_color:
            over = Style(bgcolor=self._colour("cursor"))
            gutter = Segment(gutter.text, (gutter.style or Style()) + over)
            rest = [Segment(text, (style or Style()) + over, control) for text, style, control in rest]
        return Strip([gutter, *rest], strip.cell_length)

    # --- moving ---

    def step(self, lines: int) -> None:
        """Move the cursor, or the text where there is none."""
        if self.PICKS:
            self.cursor += lines
        else:
            self._show_top(round(self.scroll_offset.y) + lines)

    def page(self, pages: float) -> None:
        """Move by windows."""
        self.step(round(pages * self.body) or (1 if pages > 0 else -1))

    def sideways(self, by: int) -> None:
        """Scroll, fold or unfold: nothing here."""

    def enter(self) -> None:
        """Say that the line under the cursor was chosen."""
        if self.total():
            self.post_message(Chosen(self.cursor))

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a line."""
        return max(0, min(self.total() - 1, cursor))

    def watch_cursor(self, old: int, new: int) -> None:
        """Repaint the two lines, scroll if need be, and tell the screen."""
        self._repaint(old)
        self._repaint(new)
        self.follow(old)
        self.post_message(Moved(new))

    def _repaint(self, index: int) -> None:
        y = index - round(self.scroll_offset.y)
        if 0 <= y < self.body:
            cells = 1 if self.PICKS and self.app.native_ansi_color else self.cells
            self.refresh(Region(0, y + self.HEADS, cells, 1))

    def follow(self, old: int) -> None:
        """Scroll so that the cursor is in the window: by half of one, or so that a long jump ends in its middle."""
        top = round(self.scroll_offset.y)
        if top <= self.cursor < top + self.body:
            return
        if abs(self.cursor - old) == self.body:
            self._show_top(top + self.cursor - old)
        elif self.cursor == self.total() - 1:
            self._show_top(self.total())
        else:
            self._show_top(self.cursor - self.body // 2)

    def _show_top(self, line: int) -> None:
        last = max(0, self.total() - self.body)
        self.scroll_to(y=max(0, min(last, line)), animate=False, immediate=True)

    # --- focus and mouse ---

    def on_focus(self) -> None:
        """Brighten the cursor."""
        self._repaint(self.cursor)

    def on_blur(self) -> None:
        """Dim the cursor."""
        self._repaint(self.cursor)

    def on_click(self, event: events.Click) -> None:
        """Move the cursor to the line, or choose it with two clicks."""
        index = round(self.scroll_offset.y) + event.y - self.HEADS
        if not self.PICKS or event.y < self.HEADS or index >= self.total():
            return
        self.cursor = index
        if event.chain >= 2:
            self.enter()


def _cut(line: Line, room: int) -> Line:
    out: list[Span] = []
    for span in line:
        left = room - width(out)
        if left <= 0:
            break
        out.append(Span(fit(span.text, left), span.tone) if width((span,)) > left else span)
    return tuple(out)


class TextPane(Lines):
    """A text that can be scrolled: details, notes, help."""

    PICKS = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.lines: list[Line] = []

    def show(self, lines: list[Line], *, keep: bool = False) -> None:
        """Show other lines, from the top unless `keep`; only what differs is painted."""
        before, top = self.lines, round(self.scroll_offset.y)
        self.lines = lines
        if not keep and top:
            self._show_top(0)
        if len(before) != len(lines) or (not keep and top):
            self.changed()
            return
        for index, (old, new) in enumerate(zip(before, lines, strict=True)):
            if old != new:
                self._strips.pop(index, None)
                self._repaint(index)

    def total(self) -> int:
        """Return the number of lines."""
        return len(self.lines)

    def line_at(self, index: int) -> Line:
        """Return one line."""
        return self.lines[index]


class PickList(TextPane):
    """A list of lines of which one is under the cursor."""

    PICKS = True

    def show(self, lines: list[Line], *, keep: bool = False) -> None:
        """Show other lines, with the cursor on the first unless `keep`."""
        self.lines = lines
        self.changed()
        if not keep:
            self.cursor = 0


class HeadedList(PickList):
    """A list under a line that says what its columns are."""

    HEADS = 1

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.head: Line = BLANK

    def head_at(self, y: int) -> Line:
        """Return that line."""
        return self.head
