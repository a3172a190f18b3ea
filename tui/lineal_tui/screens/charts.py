"""Charts: a metric across the versions of a model, or along the training of some."""

from __future__ import annotations

from collections.abc import Iterable

from textual.containers import Horizontal
from textual.timer import Timer
from textual.widget import Widget

from lineal.errors import Error
from lineal.model.listing import VersionRow
from lineal_tui.keys import Where
from lineal_tui.messages import ChartReady, ChartRequest, Chosen, Moved, Request
from lineal_tui.places import Place
from lineal_tui.present import bars, text
from lineal_tui.present.ansi import from_ansi
from lineal_tui.present.ink import BLANK, Line, Span, Tone, fit, fit_right
from lineal_tui.present.telling import telling
from lineal_tui.screens.room import Room
from lineal_tui.session import Session
from lineal_tui.widgets.lines import PickList, TextPane

_REST = 0.12
_SMALLEST_ZOOM = 8


class Charts(Room):
    """How a metric went."""

    WHERE = Where.CHARTS

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._rows: tuple[VersionRow, ...] = ()
        self._metrics: list[str] = []
        self._steps = False
        self._newest = 0
        self._points = 0
        self._sent: ChartRequest | None = None
        self._rest: Timer | None = None

    def panes(self) -> Iterable[Widget]:
        """Put the metrics beside the chart."""
        metrics, chart = PickList(id="metrics"), TextPane(id="chart")
        metrics.add_class("pane")
        chart.add_class("pane")
        yield Horizontal(metrics, chart)

    @property
    def list(self) -> PickList:
        """The metrics."""
        return self.query_one(PickList)

    @property
    def metric(self) -> str:
        """The metric under the cursor."""
        return self._metrics[self.list.cursor] if self.list.cursor < len(self._metrics) else ""

    def shown(self) -> str:
        """Return the metric, the model or versions, and the axis."""
        if not self._rows:
            return ""
        scope = self.session.scope
        names = ", ".join(row.name for row in self._rows[:4]) + (" …" if len(self._rows) > 4 else "")
        newest = f"newest {self._newest}  " if self._newest else ""
        return f"{self.metric}  {newest}" + (f"{names} by step" if self._steps else f"{scope.model}")

    def subject(self) -> VersionRow | None:
        """Return the version that the screen was opened on."""
        return self._rows[0] if self._rows else None

    def off(self, key: str) -> str:
        """Say why a key is off here."""
        if key in ("zoom_in", "zoom_out", "axis") and not self._metrics:
            return "no metric to draw"
        if key == "zoom_out" and not self._newest:
            return "everything is shown"
        if key == "zoom_in" and self._points <= _SMALLEST_ZOOM:
            return "too few points to zoom into"
        return super().off(key)

    def enter(self, place: Place) -> None:
        """Offer the metrics of the versions of a place."""
        rows = place.rows
        before = self.metric
        self._rows = rows
        self._metrics = sorted({name for row in rows for name in row.metrics}, key=lambda name: (telling(name), name))
        if not self._metrics:
            said = "None of these versions has a metric." if rows else "Open a version's charts with 4."
            self.list.show([])
            self.query_one("#chart", TextPane).show([BLANK, (Span(" " + said, Tone.DIM),)])
            return
        self.list.show([self._line(name) for name in self._metrics])
        self.list.cursor = self._metrics.index(before) if before in self._metrics else 0
        self.list.focus()
        self._draw()

    def _line(self, metric: str) -> Line:
        row = next(row for row in self._rows if metric in row.metrics)
        last = text.number(float(row.metrics[metric]))
        room = max(10, self.list.room - 1)
        return (
            Span(fit(text.safe(metric, 80), room - len(last) - 1)),
            Span(" " + fit_right(last, len(last)), Tone.DIM),
        )

    def _draw(self) -> None:
        pane = self.query_one("#chart", TextPane)
        if not self.metric or pane.size.area == 0:
            return
        self._sent = ChartRequest(
            self.metric,
            self.session.scope,
            self._rows,
            pane.room,
            pane.size.height - 1,
            self._steps,
            self._newest,
            self.session.colour,
        )
        self.ask(self._sent)
        self.frame()

    def on_moved(self, message: Moved) -> None:
        """Draw the metric under the cursor, once it rests."""
        message.stop()
        if self._rest:
            self._rest.stop()
        self._rest = self.set_timer(_REST, self._draw)

    def resized(self) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        if self._metrics:
            self.list.show([self._line(name) for name in self._metrics], keep=True)
            self._draw()

    def on_chosen(self, message: Chosen) -> None:
        """Enter draws again."""
        message.stop()
        self._draw()

    def on_chart_ready(self, message: ChartReady) -> None:
        """Show the chart, unless another was asked for since."""
        if message.request != self._sent:
            return
        self._points = message.points
        if message.points < self._newest:
            self._newest = 0  # there is no more to show
        lines = from_ansi(message.text)
        if message.note:
            lines.append((Span(" " + text.safe(message.note, 300), Tone.DIM),))
        self.query_one("#chart", TextPane).show(lines)
        self.frame()

    def fail(self, request: Request, error: Error) -> None:
        """Show why there is no chart."""
        self.query_one("#chart", TextPane).show([BLANK, *bars.problem(error)])

    def do_axis(self) -> None:
        """Swap versions and training steps along the x axis."""
        self._steps = not self._steps
        self._newest = 0
        self._draw()

    def do_zoom_in(self) -> None:
        """Show the newer half."""
        self._newest = max(_SMALLEST_ZOOM, (self._newest or self._points) // 2)
        self._draw()

    def do_zoom_out(self) -> None:
        """Show twice as much, or everything again."""
        self._newest *= 2
        self._draw()
