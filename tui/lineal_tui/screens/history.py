"""History: what every alias was on any day, who changed what, and the way back."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from lineal.errors import Error
from lineal.model.listing import VersionRow
from lineal_tui import messages as m
from lineal_tui import spoken
from lineal_tui.acts import Deed, PlanRequest, RecordReady, RecordRequest
from lineal_tui.keys import Where
from lineal_tui.places import Identity, Place, Scope
from lineal_tui.present import bars, days, history, tenures, text
from lineal_tui.present.history import Item
from lineal_tui.present.ink import Span, Tone
from lineal_tui.screens.laying import laid_out
from lineal_tui.screens.room import Room
from lineal_tui.session import Session
from lineal_tui.spoken import Offer
from lineal_tui.widgets.lines import PickList, TextPane

_RECORD = 100_000  # entries that are written into a file at most


class History(Room):
    """What was, and since when."""

    WHERE = Where.HISTORY

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._guest: VersionRow | None = None  # the version that the screen was opened on
        self._scope = Scope()
        self._sent: RecordRequest | None = None
        self._record: RecordReady | None = None
        self._items: list[Item] = []
        self._day: float | None = None
        self._spread = False  # a lane for each holder, rather than a bar for each alias

    def panes(self) -> Iterable[Widget]:
        """Put the bars above the record."""
        bars_of, record = TextPane(id="timeline"), PickList(id="record")
        record.add_class("pane")
        bars_of.add_class("pane")
        bars_of.can_focus = False
        yield bars_of
        yield record

    @property
    def timeline(self) -> TextPane:
        """The bars, and the day that is looked at."""
        return self.query_one("#timeline", TextPane)

    @property
    def record(self) -> PickList:
        """What happened."""
        return self.query_one("#record", PickList)

    def shown(self) -> str:
        """Return the model, or that it is all of them."""
        return f"{self._scope.registry}:{self._scope.model}" if self._scope.model else "every model"

    def here(self) -> Item | None:
        """Return what is under the cursor."""
        at = self.record.cursor if self.is_mounted else 0
        return self._items[at] if at < len(self._items) else None

    def subject(self) -> VersionRow | None:
        """Return the version that the line under the cursor is about; without any line the one that one came from."""
        item = self.here()
        if item is None or self._record is None:
            return self._guest
        if item.holding is not None:
            about = item.holding.subject
            return self._record.rows.get((about.registry, about.model, about.key))
        entry = item.entry
        rows: dict[Identity, VersionRow] = self._record.rows
        names = (entry.after, entry.before) if entry else ()
        found = (row for row in rows.values() if entry and (row.registry, row.model) == (entry.registry, entry.model))
        return next((row for row in found if row.name in names), None)

    def off(self, key: str) -> str:
        """Say why a key is off here."""
        if key == "day" and not self._items:
            return "nothing is on record"
        if key in ("lanes", "move_next", "move_before") and not (self._record and self._record.holdings):
            return "no alias was seen here yet"
        item = self.here()
        if key == "rollback" and item is not None and item.holding is not None and self.subject() is None:
            return "the index does not hold that version any more"
        return super().off(key)

    # --- what is shown ---

    def enter(self, place: Place) -> None:
        """Ask for the record of the place's model, or of all."""
        if place.scope != self._scope:
            self._record, self._items, self._day = None, [], None
        self._guest = place.rows[0] if place.rows else None
        self._scope = place.scope
        self._sent = RecordRequest(place.scope.registry, place.scope.model)
        self.ask(self._sent)
        self.record.focus()

    def on_record_ready(self, message: RecordReady) -> None:
        """Show it, unless another was asked for since."""
        if message.request != self._sent:
            return
        first = self._record is None
        self._record = message
        self._items = history.items(message.holdings, message.entries)
        self._draw(keep=not first)
        if first:
            self._follow()
        self.frame()

    @property
    def _several(self) -> bool:
        return not self._scope.model

    def _draw(self, *, keep: bool) -> None:
        lines = history.item_lines(self._items, several=self._several)
        self.record.show(lines or history.empty_lines(), keep=keep)
        self._draw_day()

    def _draw_day(self) -> None:
        held = self._record.holdings if self._record else ()
        now, pane = self.session.clock(), self.timeline
        draw = tenures.lane_lines if self._spread else history.timeline_lines
        if held and not pane.display:
            laid_out(self, self._draw_day)  # it has no width while it is hidden
        pane.display = bool(held)
        pane.show(draw(held, self._day, now, pane.room), keep=True)
        pane.can_focus = self._spread  # lanes may be more than there is room for

    def resized(self) -> None:
        """Draw the bars for the new width."""
        laid_out(self, self._draw_day)

    def on_moved(self, message: m.Moved) -> None:
        """Look at the day of the line under the cursor."""
        message.stop()
        self._follow()

    def _follow(self) -> None:
        item = self.here()
        if item is not None and item.at is not None:
            self._day = days.start(item.at)
        elif self._day is None:
            self._day = days.start(self.session.clock())
        self._draw_day()
        self.frame()

    def fail(self, request: m.Request, error: Error) -> None:
        """Show why there is no record."""
        if isinstance(request, RecordRequest):
            self._items = []
            self.timeline.display = False
            self.record.show(bars.problem(error))
        else:
            self.say_error(error)

    def spoken(self) -> Iterable[str]:
        """Return what the alias under the cursor held then, and the record, as commands."""
        item = self.here()
        if item is not None and (held := item.holding) is not None:
            day = days.spelt(self._day) if self._day not in (None, days.start(self.session.clock())) else ""
            yield spoken.said(spoken.holder(held.registry, held.model, held.alias, day))
        yield spoken.said(spoken.log(self._scope))

    def exports(self) -> Iterable[Offer]:
        """Return the record, and all that the alias under the cursor held."""
        yield Offer("record", (*spoken.log(self._scope), "--limit", str(_RECORD)), (self._scope.model,))
        item = self.here()
        if item is not None and (held := item.holding) is not None:
            every = (*spoken.holder(held.registry, held.model, held.alias), "--all")
            yield Offer("history", every, (held.model, held.alias))

    # --- keys ---

    def wish(self, deed: Deed) -> PlanRequest:
        """Return what a deed is about: going back, the holding under the cursor; undoing, its event."""
        item, row = self.here(), self.subject()
        if deed is Deed.ROLLBACK and item is not None and item.holding is not None:
            about, former = item.holding.subject, item.holding.until is not None
            to = (about.registry, about.model, about.key) if former else None
            return PlanRequest(deed=deed, row=row, alias=item.holding.alias, to=to)
        if deed is Deed.UNDO and item is not None and item.entry is not None and item.entry.undoable:
            return PlanRequest(deed=deed, event=item.entry.action or item.entry.event)
        return PlanRequest(deed=deed, row=row)

    def action_key(self, key: str) -> None:
        """Let left and right go from day to day; the rest as everywhere."""
        if key in ("left", "right") and self._day is not None:
            self._look(self._day + (days.DAY if key == "right" else -days.DAY))
        else:
            super().action_key(key)

    def do_lanes(self) -> None:
        """Spread each alias into a lane for every version that held it, or draw one bar for each again."""
        self._spread = not self._spread
        self.timeline.set_class(self._spread, "-spread")
        if not self._spread:
            self.record.focus()
        self._draw_day()

    def do_move_next(self) -> None:
        """Look at the day of the next move of an alias."""
        self._hop(1)

    def do_move_before(self) -> None:
        """Look at the day of the move before."""
        self._hop(-1)

    def _hop(self, by: int) -> None:
        day = self._day if self._day is not None else days.start(self.session.clock())
        further = [one for one in days.moves(self._record.holdings if self._record else ()) if (one - day) * by > 0]
        if further:
            self._look(further[0] if by > 0 else further[-1])
        else:
            self.say((Span(f"No alias moved {'after' if by > 0 else 'before'} that day.", Tone.DIM),))

    def do_day(self) -> None:
        """Ask for a date, and show what every alias was on that day."""
        from lineal_tui.screens.prompt import Prompt

        now = self.session.clock()

        def wrong(said: str) -> str:
            try:
                days.typed(said, now)
            except ValueError as error:
                return str(error)
            return ""

        def take(said: str | None) -> None:
            if said is not None:
                self._look(days.typed(said, now))

        said = "such as 2026-03-01, yesterday, 7d; days are UTC"
        self.app.push_screen(Prompt("the day", said, wrong=wrong), take)

    def _look(self, day: float) -> None:
        """Look at a day; the cursor goes to what was the last to happen by its end."""
        day = min(day, days.start(self.session.clock()))
        by_then = (i for i, item in enumerate(self._items) if item.at is None or item.at < day + days.DAY)
        at = next(by_then, max(0, len(self._items) - 1))
        with self.prevent(m.Moved):
            self.record.cursor = at
        self._day = day
        self._draw_day()
        self.frame()

    def on_chosen(self, message: m.Chosen) -> None:
        """Show all about the line under the cursor."""
        message.stop()
        if item := self.here():
            from lineal_tui.screens.recorded import Recorded

            self.app.push_screen(Recorded(item, self.session))

    def do_models(self) -> None:
        """Go to Models, at the version under the cursor, else in the model that this is about."""
        if self.subject() is None and self._scope.model:
            self.go(Where.MODELS, scope=self._scope)
        else:
            super().do_models()

    def do_sync(self) -> None:
        """Read the registry of the model again, which looks at its aliases."""
        self.post_message(m.SyncWanted((self._scope.registry,) if self._scope.registry else ()))
        self.say((Span(f"reading {text.safe(self._scope.registry, 60) or 'every registry'} again", Tone.DIM),))
