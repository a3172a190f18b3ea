"""Charts: metrics across the versions of a model, over their parameters, or along the training of some."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs
from textual.containers import Horizontal
from textual.timer import Timer
from textual.widget import Widget

from lineal.errors import Error
from lineal.model.listing import VersionRow
from lineal_tui import spoken
from lineal_tui.chartview import CLOCKS, FORMS, IN_ORDER, SMOOTHINGS, WHOLE, Readable, View, panned, zoomed
from lineal_tui.keys import Where
from lineal_tui.messages import ChartReady, ChartRequest, Chosen, Moved, Request
from lineal_tui.places import Place
from lineal_tui.present import bars, chart, text
from lineal_tui.present.ansi import from_ansi
from lineal_tui.present.ink import BLANK, Line, Span, Tone, fit, fit_right, wrap
from lineal_tui.present.telling import telling
from lineal_tui.screens.laying import laid_out
from lineal_tui.screens.room import Room
from lineal_tui.session import Session
from lineal_tui.spoken import Offer
from lineal_tui.views import ChartsView
from lineal_tui.widgets.lines import PickList, TextPane

_REST = 0.12
_FEWEST = 4  # points that are worth a zoom
_CLOSEST = 1e6  # beyond, neighbouring columns are the same number
_LOGS = ((False, False), (False, True), (True, False), (True, True))
_LINES = {"zoom_in", "zoom_out", "pan_left", "pan_right", "log", "smooth", "run_along"}
"""Keys that are about an x axis."""


class Charts(Room):
    """How metrics went."""

    WHERE = Where.CHARTS

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._rows: tuple[VersionRow, ...] = ()
        self._metrics: list[str] = []
        self._steps = False
        self._view = View()
        self._points = 0
        self._asked = 0
        self._sent: ChartRequest | None = None
        self._rest: Timer | None = None
        self._chart: list[Line] = []
        self._note = ""
        self._readable: Readable | None = None
        self._cell: int | None = None  # the column of the cursor

    def panes(self) -> Iterable[Widget]:
        """Put the metrics beside the chart."""
        metrics, pane = PickList(id="metrics"), TextPane(id="chart")
        metrics.add_class("pane")
        pane.add_class("pane")
        yield Horizontal(metrics, pane)

    @property
    def list(self) -> PickList:
        """The metrics."""
        return self.query_one(PickList)

    @property
    def metric(self) -> str:
        """The metric under the cursor."""
        return self._metrics[self.list.cursor] if self.list.cursor < len(self._metrics) else ""

    def shown(self) -> str:
        """Return the metrics, the model or versions, and how they are shown."""
        if not self._rows:
            return ""
        metric = self.metric
        more = len([name for name in self._view.pinned if name != metric])
        names = ", ".join(row.name for row in self._rows[:4]) + (" …" if len(self._rows) > 4 else "")
        scope = f"{names} by step" if self._steps else self.session.scope.model
        state = chart.state(self._view, self._steps)
        return f"{metric}{f' +{more}' if more else ''}  {scope}" + (f"  {state}" if state else "")

    def subject(self) -> VersionRow | None:
        """Return the version that the screen was opened on."""
        return self._rows[0] if self._rows else None

    def off(self, key: str) -> str:
        """Say why a key is off here."""
        if not self._metrics and key in _LINES | {"axis", "form", "add_metric", "reset", "left", "right"}:
            return "no metric to draw"
        return self._off_in_view(key) or super().off(key)

    def _off_in_view(self, key: str) -> str:
        view, steps = self._view, self._steps
        if view.form == "parallel" and not steps and key in _LINES | {"left", "right", "add_metric"}:
            return "parallel coordinates have an axis for every parameter; v changes the form"
        if key == "form" and steps:
            return "training is drawn as lines; x goes back to versions"
        if key == "smooth" and not steps and (view.form != "lines" or view.x not in IN_ORDER):
            return "only lines can be smoothed, not points"
        if key in ("zoom_out", "pan_left", "pan_right") and view.window == WHOLE:
            return "everything is shown"
        if key == "pan_left" and view.window[0] <= 0:
            return "this is the left end"
        if key == "pan_right" and view.window[1] >= 1:
            return "this is the right end"
        if key == "zoom_in" and (self._points < _FEWEST or view.zoom > _CLOSEST):
            return "too few points to zoom into"
        if key == "reset" and view == View() and self._cell is None:
            return "the chart is as it was at first"
        if key in ("left", "right") and self._readable is None:
            return "there is nothing to read along x"
        return ""

    # --- what is shown ---

    def enter(self, place: Place) -> None:
        """Offer the metrics of the versions of a place."""
        rows = place.rows
        before = self.metric
        if isinstance(view := place.view, ChartsView):
            before, self._steps, self._view, self._cell = view.metric or before, view.steps, view.view, None
        self._rows = rows
        self._asked += 1
        self._metrics = sorted({name for row in rows for name in row.metrics}, key=lambda name: (telling(name), name))
        if not self._metrics:
            said = "None of these versions has a metric." if rows else "Open a version's charts with 4."
            self.list.show([])
            self._chart, self._readable = [], None
            self.query_one("#chart", TextPane).show([BLANK, (Span(" " + said, Tone.DIM),)])
            return
        pinned = tuple(name for name in self._view.pinned if name in self._metrics)
        self._view = structs.replace(self._view, pinned=pinned, x=self._still(self._view.x))
        self.list.show([self._line(name) for name in self._metrics])
        self.list.cursor = self._metrics.index(before) if before in self._metrics else 0
        self.list.focus()
        self._draw()

    def view(self) -> ChartsView:
        """Return what was chosen of the chart, and the metric under the cursor."""
        return ChartsView(self.metric, self._steps, self._view)

    def _still(self, field: str) -> str:
        """Return what runs along x, or the versions where these have no such field."""
        kind, _, name = field.partition(".")
        held = {"param": {name for row in self._rows for name in row.params}, "metric": set(self._metrics)}
        return field if not name or name in held.get(kind, ()) else "version"

    def _line(self, metric: str) -> Line:
        row = next(row for row in self._rows if metric in row.metrics)
        last = text.number(float(row.metrics[metric]))
        room = max(10, self.list.room - 3)
        return (
            Span("✱ " if metric in self._view.pinned else "  ", Tone.MARK),
            Span(fit(text.safe(metric, 80), room - len(last) - 1)),
            Span(" " + fit_right(last, len(last)), Tone.DIM),
        )

    @property
    def _below(self) -> int:
        """Lines under the chart."""
        return 4 if self.query_one("#chart", TextPane).size.height >= 28 else 2

    def _draw(self) -> None:
        pane = self.query_one("#chart", TextPane)
        if not self.metric or pane.size.area == 0:
            return
        self._sent = ChartRequest(
            self.metric, self.session.scope, self._rows, pane.room, pane.size.height - self._below, self._steps,
            self._view, self.session.colour, self._asked,
        )  # fmt: skip
        self.ask(self._sent)
        self.frame()

    def on_moved(self, message: Moved) -> None:
        """Draw the metric under the cursor, once it rests."""
        message.stop()
        if self._rest:
            self._rest.stop()
        self._rest = self.set_timer(_REST, self._follow)

    def _follow(self) -> None:
        self.note("metric", apart=False)
        self._draw()

    def resized(self) -> None:
        """Draw for the new size."""
        laid_out(self, self._fit)

    def _fit(self) -> None:
        if self._metrics:
            self._relist()
            self._draw()

    def _relist(self) -> None:
        self.list.show([self._line(name) for name in self._metrics], keep=True)

    def on_chosen(self, message: Chosen) -> None:
        """Enter draws again."""
        message.stop()
        self._draw()

    def on_chart_ready(self, message: ChartReady) -> None:
        """Show the chart, unless another was asked for since."""
        if message.request != self._sent:
            return
        self._points, self._note, self._readable = message.points, message.note, message.readable
        self._chart = from_ansi(message.text)
        if self._readable is None:
            self._cell = None
        elif self._cell is not None:
            self._cell = min(self._cell, self._readable.cells - 1)
        self._show()
        self.frame()

    def _show(self) -> None:
        """Show the chart with its cursor and what it reads, or with what must be said of it."""
        pane = self.query_one("#chart", TextPane)
        lines, shown = self._chart, self._readable
        if self._cell is not None and shown is not None:
            under = chart.readings(shown, self._cell, pane.room, self._below)
            lines = chart.with_cursor(lines, shown, self._cell)
        else:
            said = wrap(text.safe(self._note, 600), max(10, pane.room - 1)) if self._note else []
            under = [(Span(f" {line}", Tone.DIM),) for line in said[: self._below]]
        under += [BLANK] * (self._below - len(under))
        pane.show([*lines, *under], keep=True)

    def fail(self, request: Request, error: Error) -> None:
        """Show why there is no chart."""
        self._chart, self._readable, self._cell = [], None, None
        self.query_one("#chart", TextPane).show([BLANK, *bars.problem(error)])

    def spoken(self) -> Iterable[str]:
        """Return the chart as a command."""
        if self.metric:
            yield spoken.said(spoken.chart(self.metric, self.session.scope, self._rows, self._view, steps=self._steps))

    def exports(self) -> Iterable[Offer]:
        """Return the numbers behind the chart."""
        if self.metric:
            drawn = spoken.points(self.metric, self.session.scope, self._rows, self._view, steps=self._steps)
            yield Offer("steps" if self._steps else "metrics", drawn, (self.session.scope.model, self.metric))

    # --- keys ---

    def _look(self, **changes: object) -> None:
        self._view = structs.replace(self._view, **changes)
        self._draw()

    def _move(self, key: str) -> None:
        """Left and right move the cursor along x, whichever pane has that of the lines."""
        if key in ("left", "right") and self._readable is not None:
            last = self._readable.cells - 1
            before = self._cell if self._cell is not None else (last + 1 if key == "left" else -1)
            self._cell = max(0, min(last, before + (1 if key == "right" else -1)))
            self._show()
            self.frame()
        else:
            super()._move(key)

    def do_back(self) -> None:
        """Take the cursor away first."""
        if self._cell is None:
            super().do_back()
            return
        self._cell = None
        self._show()

    def do_axis(self) -> None:
        """Swap versions and training steps along the x axis."""
        self._steps = not self._steps
        self._cell = None
        self._look(window=WHOLE, smoothing=0.0, log_x=False)

    def do_zoom_in(self) -> None:
        """Show half, around the cursor or at the right end."""
        shown = self._readable
        around = self._cell / max(1, shown.cells - 1) if shown and self._cell is not None else 1.0
        self._look(window=zoomed(self._view.window, 0.5, around))

    def do_zoom_out(self) -> None:
        """Show twice as much, or everything again."""
        self._look(window=zoomed(self._view.window, 2.0, 0.5 if self._cell is not None else 1.0))

    def do_pan_left(self) -> None:
        """Show what lies left."""
        self._look(window=panned(self._view.window, -0.5))

    def do_pan_right(self) -> None:
        """Show what lies right."""
        self._look(window=panned(self._view.window, 0.5))

    def do_form(self) -> None:
        """Show lines, points or parallel coordinates; points over the parameter that tells most."""
        form = FORMS[(FORMS.index(self._view.form) + 1) % len(FORMS)]
        x = self._view.x
        if form == "points" and x in IN_ORDER:
            x = ""
        elif form == "lines":
            x = "version"
        self._cell = None
        self._look(form=form, x=x, window=WHOLE, smoothing=0.0, log_x=False)

    def do_add_metric(self) -> None:
        """Draw the metric beside others, or take it away."""
        pinned, metric = self._view.pinned, self.metric
        kept = tuple(name for name in pinned if name != metric)
        self._look(pinned=kept if metric in pinned else (*pinned, metric))
        self._relist()

    def do_smooth(self) -> None:
        """Smooth more, and at last not at all."""
        at = SMOOTHINGS.index(self._view.smoothing)
        self._look(smoothing=SMOOTHINGS[(at + 1) % len(SMOOTHINGS)])

    def do_log(self) -> None:
        """Make y, x, both or none logarithmic; names and dates never are."""
        logs = _LOGS if self._steps or self._view.x not in IN_ORDER else _LOGS[:2]
        now = (self._view.log_x, self._view.log_y)
        log_x, log_y = logs[(logs.index(now) + 1) % len(logs)] if now in logs else logs[0]
        self._look(log_x=log_x, log_y=log_y, window=WHOLE if log_x != now[0] else self._view.window)

    def do_run_along(self) -> None:
        """Choose what runs along x."""
        if self._steps:
            at = CLOCKS.index(self._view.clock)
            self._look(clock=CLOCKS[(at + 1) % len(CLOCKS)], window=WHOLE, log_x=False)
            return
        from lineal_tui.screens.abscissa import Abscissa, offered

        fields = offered(self._rows)
        self.app.push_screen(
            Abscissa(fields, self._view.x), lambda at: self._over(fields[at]) if at is not None else None
        )

    def _over(self, field: str) -> None:
        joined = self._view.form == "lines" or field in IN_ORDER
        smoothing = self._view.smoothing if joined and field in IN_ORDER else 0.0
        self._cell = None
        self._look(x=field, window=WHOLE, log_x=False, smoothing=smoothing)
        self.note("run_along")

    def do_reset(self) -> None:
        """Show the chart as it was at first."""
        self._cell = None
        self._look(**structs.asdict(View()))
        self._relist()
