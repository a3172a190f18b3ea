"""Sources: the registries, how fresh the index is about each, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from lineal.errors import Error
from lineal.model.listing import ProblemRow, RegistryRow, VersionRow
from lineal_tui.acts import Standing
from lineal_tui.keys import Where
from lineal_tui.messages import (
    CancelSync,
    Chosen,
    Failed,
    FreshReady,
    FreshRequest,
    Moved,
    SourcesReady,
    SourcesRequest,
    StatisticsReady,
    StatisticsRequest,
    SyncStep,
    SyncWanted,
)
from lineal_tui.places import Place, Scope
from lineal_tui.present import sources
from lineal_tui.present.ink import Span, Tone
from lineal_tui.screens.room import Room
from lineal_tui.screens.storing import NATIVE
from lineal_tui.session import Session
from lineal_tui.spoken import Offer
from lineal_tui.widgets.lines import HeadedList, PickList


class Sources(Room):
    """Where it all comes from."""

    WHERE = Where.SOURCES

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._registries: list[RegistryRow] = []
        self._problems: list[ProblemRow] = []
        self._shown: list[ProblemRow] = []
        self._stale: set[str] = set()
        self._drawn: SyncStep | None = None
        self._stood: Standing | None = None  # what may be changed, as it was drawn
        self._statistics: dict[str, StatisticsReady] = {}  # of native stores
        self._asked: set[str] = set()
        self._wrong: Error | None = None  # why the index cannot be read
        self._cancelled = False  # a sync was cancelled here, and still runs
        self._folded = False  # of each problem only where it is

    def panes(self) -> Iterable[Widget]:
        """Put the registries above the problems."""
        above, below = HeadedList(id="sources"), PickList(id="problems")
        above.add_class("pane")
        below.add_class("pane")
        yield above
        yield below

    @property
    def above(self) -> HeadedList:
        """The registries."""
        return self.query_one("#sources", HeadedList)

    @property
    def below(self) -> PickList:
        """The problems of the one under the cursor."""
        return self.query_one("#problems", PickList)

    def shown(self) -> str:
        """Return how far a sync is and how to stop it, else what is wrong."""
        return sources.shown(self._registries, self._reading, syncing=self.session.sync is not None)

    @property
    def _reading(self) -> sources.Reading:
        return sources.Reading(self.session.reading, self.session.sync_began)

    def subject(self) -> VersionRow | None:
        """There is no version here."""
        return None

    def here(self) -> RegistryRow | None:
        """Return the registry under the cursor."""
        return self._registries[self.above.cursor] if self.above.cursor < len(self._registries) else None

    def exports(self) -> Iterable[Offer]:
        """Return the registries."""
        yield Offer("sources", ("registry ls",))

    def off(self, key: str) -> str:
        """Say why a key is off here."""
        if key in ("next", "previous", "fold_problems") and not self._problems:
            return "no problem was met"
        if key == "copy":
            return "" if self._registries else "there is no registry"
        if key in ("sync", "sync_all") and not self._registries:
            return "there is no registry"
        if key == "back" and self.session.sync is not None:
            return ""
        return super().off(key)

    def enter(self, place: Place) -> None:
        """Ask for the registries."""
        self._asked.clear()
        self.ask(SourcesRequest())
        self.ask(FreshRequest())
        if self.pane() is None or not self.below.has_focus:
            self.above.focus()

    def on_sources_ready(self, message: SourcesReady) -> None:
        """Show them."""
        self._registries, self._problems = message.registries, message.problems
        self._wrong = None
        self.session.registries = message.registries
        self._draw()

    def on_fresh_ready(self, message: FreshReady) -> None:
        """Show which have something new."""
        self._stale = set(message.stale)
        self._draw()

    def _draw(self) -> None:
        self._draw_registries()
        self._draw_problems()
        self.frame()

    def _draw_registries(self) -> None:
        self._drawn = self.session.sync
        self.above.head = sources.head_line(self._registries)
        lines = sources.registry_lines(self._registries, self._stale, self._reading, self.session.clock())
        self.above.show(lines or sources.none_lines(), keep=True)

    def frame(self) -> None:
        """Draw the bars, and how far a sync is in its registry's line."""
        super().frame()
        if self.is_mounted and self._registries and (self.session.sync or self._drawn):
            self._draw_registries()
        if self._cancelled and self.session.sync is None:
            self._cancelled = False
            self.say((Span("Cancelled. What was read to its end stays; s and a read again.", Tone.WARN),))
        if self.is_mounted and self._registries and self.session.standing is not self._stood:
            self._draw_problems()

    def on_moved(self, message: Moved) -> None:
        """Show the problems of the registry under the cursor."""
        message.stop()
        if self.above.has_focus:
            self._draw_problems()

    def on_statistics_ready(self, message: StatisticsReady) -> None:
        """Show what a store holds and saves."""
        self._statistics[message.request.registry] = message
        self._draw_problems()

    def on_failed(self, message: Failed) -> None:
        """A store that cannot be counted says why where it is read."""
        if isinstance(message.request, SourcesRequest):  # the index itself: what is shown is from before
            self._wrong = message.error
            self._draw_problems()
        elif not isinstance(message.request, StatisticsRequest):
            self.say_error(message.error)

    def _draw_problems(self) -> None:
        row = self.here()
        self._stood = self.session.standing
        if row is not None and row.kind == NATIVE and row.name not in self._asked:
            self._asked.add(row.name)
            self.ask(StatisticsRequest(row.name))
        self._shown = [problem for problem in self._problems if row is None or problem.registry == row.name]
        draw = sources.folded_lines if self._folded else sources.problem_lines
        wrong = sources.wrong_lines(self._wrong, self.below.room) if self._wrong else []
        lines = wrong + draw(row, self._shown, self.below.room)
        if row is not None and self.session.standing is not None:
            lines += sources.change_lines(row, self.session.standing, self.below.room)
        if row is not None and (found := self._statistics.get(row.name)):
            lines += sources.store_lines(found)
        self.below.show(lines, keep=True)

    def on_chosen(self, message: Chosen) -> None:
        """Go from a registry to its models, or stay with its problem."""
        message.stop()
        row = self.here()
        if self.above.has_focus and row is not None:
            self.go(Where.MODELS, scope=Scope(row.name))

    def do_back(self) -> None:
        """Cancel a sync that runs, else go back."""
        if self.session.sync is not None:
            self._cancelled = True
            self.post_message(CancelSync())
            self.say((Span("The sync is being cancelled; whole registries stay.", Tone.WARN),))
        else:
            super().do_back()

    def do_sync(self) -> None:
        """Read the registry under the cursor again."""
        if row := self.here():
            self.post_message(SyncWanted((row.name,)))

    def do_sync_all(self) -> None:
        """Read every registry again."""
        self.post_message(SyncWanted())

    def do_copy(self) -> None:
        """Offer what can be copied about the registry under the cursor."""
        row = self.here()
        if row is None:
            return
        at = self.below.cursor if self.below.has_focus else -1
        number = sum(start <= at for start in self._starts()) - 1
        offered = sources.copies(row, self._shown[number] if 0 <= number < len(self._shown) else None)
        self.offer_copies(offered)

    def do_fold_problems(self) -> None:
        """Show of each problem only where it is, or all about it."""
        self._folded = not self._folded
        self._draw_problems()

    def do_next(self) -> None:
        """Go to the next problem, of whichever registry."""
        self._hop(1)

    def do_previous(self) -> None:
        """Go to the problem before."""
        self._hop(-1)

    def _hop(self, by: int) -> None:
        starts = self._starts()
        further = [at for at in starts if (at - self.below.cursor) * by > 0]
        if self.below.has_focus and further:
            self.below.cursor = further[0] if by > 0 else further[-1]
            return
        names = [row.name for row in self._registries]
        with_problems = [i for i, name in enumerate(names) if any(p.registry == name for p in self._problems)]
        others = [i for i in with_problems if (i - self.above.cursor) * by > 0] or with_problems
        if not self.below.has_focus and self.above.cursor in with_problems:
            others = [self.above.cursor]
        self.above.cursor = others[0] if by > 0 else others[-1]
        self._draw_problems()
        self.below.focus()
        starts = self._starts()
        self.below.cursor = starts[0] if by > 0 else starts[-1]

    def _starts(self) -> list[int]:
        """Return the lines at which problems begin."""
        starts = sources.folded_starts if self._folded else sources.problem_starts
        above = len(sources.wrong_lines(self._wrong, self.below.room)) if self._wrong else 0
        return [above + at for at in starts(self.here(), self._shown, self.below.room)]
