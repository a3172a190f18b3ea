"""History told: what every alias is, what it was on any day, and what happened, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lineal.model.listing import VersionRow
from lineal_tui.acts import Deed, PlanRequest, RecordReady, RecordRequest
from lineal_tui.keys import Where
from lineal_tui.places import Identity, Place
from lineal_tui.plain import records, words
from lineal_tui.plain.listing import PART, Item
from lineal_tui.plain.room import Room
from lineal_tui.present import days, history, text

if TYPE_CHECKING:
    from lineal_tui.plain.conversation import Conversation


class History(Room):
    """What happened to the aliases of a model, or of all."""

    WHERE = Where.HISTORY

    def __init__(self, talk: Conversation, place: Place) -> None:
        super().__init__(talk, place)
        self._record: RecordReady | None = None
        self._chosen: history.Item | None = None
        self._day = 0.0  # the day that is looked at

    def prompt(self) -> str:
        """Return what stands before what is typed."""
        return f"history {text.safe(self.place.scope.model, 60)}".rstrip()

    def subject(self) -> VersionRow | None:
        """Return the version that the chosen thing is about; without one, that which one came from."""
        item, record = self._chosen, self._record
        if item is None or record is None:
            return super().subject()
        if item.holding is not None:
            about = item.holding.subject
            return record.rows.get((about.registry, about.model, about.key))
        entry, rows = item.entry, record.rows
        named = {row.name: row for row in rows.values() if entry and row.model == entry.model}
        return next((named[name] for name in (entry.after, entry.before) if name in named), None) if entry else None

    def off(self, key: str) -> str:
        """Say why a word is off here."""
        if key in ("day", "move_next", "move_before", "lanes") and not (self._record and self._record.holdings):
            return "no alias was seen here yet"
        chosen = self._chosen
        if key == "rollback" and chosen and chosen.holding and self.subject() is None:
            return "the index does not hold that version any more"
        return super().off(key)

    def enter(self) -> None:
        """Say what every alias is now, then what happened."""
        scope = self.place.scope
        found = self._record = self.talk.ask(RecordRequest(scope.registry, scope.model), RecordReady)
        self._chosen, self._day = None, days.start(self.now)
        items = history.items(found.holdings, found.entries)
        about = f" of {text.safe(scope.model, 80)}" if scope.model else ""
        if not items:
            self.talk.say(f"Nothing is on record{about} yet", "What an alias was before anybody looked is unknown")
            return
        self.talk.say(f"History{about}: {words.counted(len(items), 'thing')} on record; days are UTC")
        told = list(records.on_day(found.holdings, days.start(self.now), self.now))
        self.talk.say(*told[:PART])
        if len(told) > PART:
            self.talk.say(f"{words.counted(len(told) - PART, 'more alias', 'more aliases')}; day today tells all")
        self.offer([Item(records.item(one), self._chooses(one)) for one in items], "thing")

    def _chooses(self, item: history.Item) -> words.Do:
        def choose() -> None:
            self._chosen = item
            self.talk.say(*records.whole(item, self.now))
            if item.holding is not None and item.holding.until is not None:
                self.talk.say("Type rollback to give the alias back to this version")

        return choose

    def wish(self, deed: Deed) -> PlanRequest:
        """Return what a deed is about: going back, the chosen holding; undoing, the chosen event."""
        item, row = self._chosen, self.subject()
        if deed is Deed.ROLLBACK and item is not None and item.holding is not None:
            about = item.holding.subject
            to: Identity = (about.registry, about.model, about.key)
            former = item.holding.until is not None
            return PlanRequest(deed=deed, row=row, alias=item.holding.alias, to=to if former else None)
        if deed is Deed.UNDO and item is not None and item.entry is not None and item.entry.undoable:
            return PlanRequest(deed=deed, event=item.entry.action or item.entry.event)
        return PlanRequest(deed=deed, row=row)

    # --- days ---

    def do_day(self, rest: str) -> None:
        """Say what every alias was on a day."""
        typed = rest or self.talk.line("day", "Which day? Such as 2026-03-01, yesterday, or 7d for seven days ago")
        try:
            self._look(days.typed(typed, self.now))
        except ValueError as error:
            self.talk.say(f"That is no day: {error}")

    def _look(self, day: float) -> None:
        self._day = min(day, days.start(self.now))
        self.talk.say(f"On {days.spelt(self._day)}, UTC")
        if self._record:
            told = list(records.on_day(self._record.holdings, self._day, self.now))
            if len(told) > PART:
                self.read(told)
            else:
                self.talk.say(*told)  # the numbers of the record stay

    def do_left(self, rest: str) -> None:
        """Look at the day before."""
        self._look(self._day - days.DAY)

    def do_right(self, rest: str) -> None:
        """Look at the next day."""
        self._look(self._day + days.DAY)

    def do_move_next(self, rest: str) -> None:
        """Look at the day of the next move of an alias."""
        self._hop(1)

    def do_move_before(self, rest: str) -> None:
        """Look at the day of the move before."""
        self._hop(-1)

    def _hop(self, by: int) -> None:
        moves = days.moves(self._record.holdings if self._record else ())
        further = [one for one in moves if (one - self._day) * by > 0]
        if further:
            self._look(further[0] if by > 0 else further[-1])
        else:
            self.talk.say(f"No alias moved {'after' if by > 0 else 'before'} {days.spelt(self._day)}")
