"""The table of versions: any number of rows, of which it holds a few pages."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from textual.strip import Strip

from lineal.model.listing import VersionRow
from lineal.model.values import Goal
from lineal_tui.messages import Ask, Failed, MeasureRequest, Moved, PageReady, PageRequest, Rows
from lineal_tui.places import Identity, identity
from lineal_tui.present.ink import BLANK, Line, Span, Tone
from lineal_tui.present.versions import Column, Layout
from lineal_tui.tabs import RecordedReady, RecordedRequest
from lineal_tui.widgets.lines import FAR, Lines

_PAGES = 64
_RECORDED = 4096  # versions whose environments are kept
_DEADLINE_MS = 8.0  # half a frame: what takes longer is loaded by the worker


class FixedRows:
    """Rows that are all at hand, such as the marked ones."""

    PAGE = 128
    exact = True

    def __init__(self, rows: list[VersionRow]) -> None:
        self._rows = rows
        self.count = len(rows)

    def page(self, number: int, deadline_ms: float | None = None) -> list[VersionRow]:
        """Return one page of rows."""
        return self._rows[number * self.PAGE : (number + 1) * self.PAGE]

    def measure(self) -> int:
        """Return the number of rows."""
        return self.count


class VersionTable(Lines):
    """Versions under a head of columns. A page is read at once if that is quick, else in the background."""

    HEADS = 1

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.rows: Rows = FixedRows([])
        self.layout_of = Layout.empty()
        self.empty: list[Line] = []  # what stands there without rows
        self._chosen: tuple[Column, ...] = ()
        self._goals: Mapping[str, Goal] = {}
        self._now = 0.0
        self.marks: set[Identity] = set()
        self._pages: OrderedDict[int, list[VersionRow]] = OrderedDict()
        self._asked: set[int] = set()
        self._to_end = False
        self._recorded: dict[Identity, dict[str, str]] = {}  # what environments hold, for columns of theirs
        self._unread: dict[Identity, VersionRow] = {}  # rows on screen of which that is not known
        self._reading: RecordedRequest | None = None

    def show(self, rows: Rows, first: list[VersionRow], at: int = 0) -> None:
        """Show another list, with the cursor on row `at`."""
        self.rows = rows
        self._pages = OrderedDict({0: first})
        self._asked.clear()
        self._to_end = False
        self._lay(self.layout_of.offset)
        self.cursor = at
        self.post_message(Moved(self.cursor))
        if not rows.exact:
            self.post_message(Ask(MeasureRequest(rows), self))

    def choose(self, columns: tuple[Column, ...], goals: Mapping[str, Goal], now: float) -> None:
        """Take other columns; ages are told from `now`."""
        if set(columns) - set(self._chosen):
            self._recorded, self._reading = {}, None  # those that are kept do not hold what is asked for now
        self._chosen, self._goals, self._now = columns, goals, now

    def _lay(self, offset: int = 0) -> None:
        first = self._pages.get(0, [])
        room, goals = self.room - 2, dict(self._goals)
        self.layout_of = Layout.of(first, self._chosen, room, self._now, goals, self._recorded).scrolled(offset)
        self.changed()

    def resized(self) -> None:
        """Lay the columns out for the new width."""
        self._lay(self.layout_of.offset)

    def row(self, index: int | None = None) -> VersionRow | None:
        """Return the row at an index, or under the cursor, if it has been read."""
        index = self.cursor if index is None else index
        page, offset = divmod(index, self.rows.PAGE)
        rows = self._page(page)
        return rows[offset] if rows and offset < len(rows) else None

    def first_page(self) -> list[VersionRow]:
        """Return the rows that columns are chosen from."""
        return self._pages.get(0, [])

    # --- Lines ---

    def total(self) -> int:
        """Return the number of rows known so far."""
        return self.rows.count

    def line_at(self, index: int) -> Line | None:
        """Return a row's line; None while its page is being read."""
        row = self.row(index)
        if row is None:
            return None
        if identity(row) not in self._recorded and self.layout_of.names():
            self._read(row)
        mark = Span("✱ ", Tone.MARK) if identity(row) in self.marks else Span("  ")
        return (mark, *self.layout_of.line(row))

    def head_at(self, y: int) -> Line:
        """Return the names of the columns."""
        if not self.rows.count:
            return BLANK
        return (Span("  "), *self.layout_of.head())

    def render_line(self, y: int) -> Strip:
        """Return one line of the window: without rows, of what is said instead."""
        if not self.rows.count and self.HEADS <= y < len(self.empty) + self.HEADS:
            return self._paint(self.empty[y - self.HEADS], " ")
        return super().render_line(y)

    def validate_cursor(self, cursor: int) -> int:
        """Read on where the list is longer than was known."""
        while cursor >= self.rows.count and not self.rows.exact and cursor < FAR:
            before = self.rows.count
            if self._page(before // self.rows.PAGE) is None or self.rows.count == before:
                break
            self.changed()
        return super().validate_cursor(cursor)

    def step(self, lines: int) -> None:
        """Move the cursor; to the very end only once the length is known."""
        if lines >= FAR and not self.rows.exact:
            self._to_end = True
            self.post_message(Ask(MeasureRequest(self.rows), self))
            return
        super().step(lines)

    def sideways(self, by: int) -> None:
        """Scroll the columns."""
        self.layout_of = self.layout_of.scrolled(by)
        self.changed()

    def mark(self, marks: set[Identity]) -> None:
        """Show other marks."""
        if marks != self.marks:
            self.marks = marks
            self.changed()

    # --- pages ---

    def _page(self, number: int) -> list[VersionRow] | None:
        if (rows := self._pages.get(number)) is not None:
            self._pages.move_to_end(number)
            return rows
        if number in self._asked:
            return None
        rows = self.rows.page(number, _DEADLINE_MS)
        if rows is None:
            self._asked.add(number)
            self.post_message(Ask(PageRequest(self.rows, number), self))
            return None
        self._keep(number, rows)
        return rows

    def _keep(self, number: int, rows: list[VersionRow]) -> None:
        self._pages[number] = rows
        while len(self._pages) > _PAGES:
            self._pages.popitem(last=False)

    def on_page_ready(self, message: PageReady) -> None:
        """Paint a page that took its time."""
        if message.request.rows is self.rows:
            self._asked.discard(message.request.number)
            self._keep(message.request.number, message.page)
            self.changed()

    def on_measure_ready(self) -> None:
        """Take the exact length, and go to the end if that was wanted."""
        self.changed()
        if self._to_end:
            self._to_end = False
            self.cursor = self.rows.count - 1

    # --- environments ---

    def _read(self, row: VersionRow) -> None:
        """Ask for what the environment of a row holds, together with those that are painted with it."""
        if not self._unread:
            self.call_later(self._ask_recorded)
        self._unread[identity(row)] = row

    def _ask_recorded(self) -> None:
        if self._reading is None and self._unread:
            self._reading = RecordedRequest(tuple(self._unread.values()), self.layout_of.names())
            self.post_message(Ask(self._reading, self))
        self._unread.clear()

    def on_recorded_ready(self, message: RecordedReady) -> None:
        """Show what environments hold; rows that were scrolled to meanwhile are asked for as they are painted."""
        if message.request is not self._reading:
            return
        self._reading = None
        if len(self._recorded) > _RECORDED:
            self._recorded = {}
        self._recorded |= message.held
        self._lay(self.layout_of.offset)

    def on_failed(self, message: Failed) -> None:
        """Leave the cells empty whose environments cannot be read; the list itself says what is wrong."""
        if message.request is self._reading and self._reading is not None:
            self._recorded |= {identity(row): {} for row in self._reading.rows}
            self._reading = None
            self.changed()
