"""What every screen has: the place at the top, the footer, one action for all keys, panes, and room for a word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from lineal.model.listing import VersionRow
from lineal_tui import keys
from lineal_tui.keys import Where
from lineal_tui.messages import (
    Ask,
    Copy,
    Entered,
    Failed,
    Go,
    Refresh,
    Request,
    RivalReady,
    RivalRequest,
    RunWanted,
    SyncWanted,
)
from lineal_tui.places import Place, Scope, identity
from lineal_tui.present import bars, text
from lineal_tui.present.ink import Line, Span, Tone
from lineal_tui.session import Session
from lineal_tui.widgets.bars import Bar
from lineal_tui.widgets.lines import FAR, Lines

if TYPE_CHECKING:
    from lineal.errors import Error

SMALLEST = (60, 16)
_SAID_FOR = 6.0  # seconds that a word stays
_STEPS = {"up": -1, "down": 1, "top": -FAR, "bottom": FAR}
_PAGES = {"page_up": -1.0, "page_down": 1.0, "half_up": -0.5, "half_down": 0.5}


class Room(Screen[None], inherit_bindings=False):
    """A screen. A key of the table calls `do_<id>`, unless `off(id)` gives a reason why not."""

    WHERE: ClassVar[Where]
    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, session: Session) -> None:
        super().__init__(id=self.WHERE.value)
        self.session = session
        self._hush: Timer | None = None

    def __init_subclass__(cls, **options: object) -> None:
        """Bind the keys of the table that belong to this screen."""
        if "WHERE" in cls.__dict__:
            cls.BINDINGS = keys.bindings(cls.WHERE)
        super().__init_subclass__(**options)  # type: ignore[arg-type]

    # --- what a screen says ---

    def panes(self) -> Iterable[Widget]:
        """Yield the widgets between the place and the footer."""
        raise NotImplementedError

    def shown(self) -> str:
        """Return what the line of place says is shown."""
        return ""

    def subject(self) -> VersionRow | None:
        """Return the version under the cursor."""
        return None

    def off(self, key: str) -> str:
        """Say why a key does nothing now; "" where it works."""
        if key in ("lineage", "details", "copy", "mark") and self.subject() is None:
            return "no version under the cursor"
        if key == "charts" and self.subject() is None and not self.session.marks:
            return "no version under the cursor"
        if key == "compare" and not self._compared():
            return "no version under the cursor"
        if key == "compare_screen" and len(self.session.marks) < 2 and self.WHERE is not Where.COMPARE:
            return "mark two versions first, with space"
        if key == self.WHERE.value or (key == "compare_screen" and self.WHERE is Where.COMPARE):
            return "you are here"
        if key == "place_back" and not self.session.places.can(-1):
            return "no place before this one"
        if key == "back" and not (self.session.places.can(-1) or self.has_class("-zoom")):
            return "this is the root; q quits"
        if key == "place_forward" and not self.session.places.can(1):
            return "no place after this one"
        if key in ("sync", "sync_all") and self.session.sync is not None:
            return "a sync runs; esc on Sources cancels it"
        return ""

    # --- frame ---

    def compose(self) -> ComposeResult:
        """Place the bars around the panes."""
        yield Bar(id="place")
        yield from self.panes()
        yield Bar(id="say")
        yield Bar(id="foot")
        small = Bar(id="small")
        small.show(lambda cells: (Span(" Terminal too small: lineal needs 60 x 16.", Tone.WARN),))
        yield small

    def on_resize(self, event: events.Resize) -> None:
        """Choose the shape of the screen by its size."""
        width, height = event.size
        self.set_class(width < SMALLEST[0] or height < SMALLEST[1], "-small")
        self.set_class(width >= 110, "-wide")
        self.set_class(height >= 36, "-tall")
        self.set_class(width >= 190, "-broad")
        self.resized()

    def resized(self) -> None:
        """Fit what is drawn for one size only: a hook, for Textual calls the handlers of every class of an object."""

    def on_screen_resume(self) -> None:
        """Draw the bars anew: much may have happened meanwhile."""
        self.resumed()
        self.frame()

    def resumed(self) -> None:
        """Take what has happened on other screens."""

    def frame(self) -> None:
        """Draw the place and the footer as things are now."""
        if not self.is_mounted or not self.query("#foot"):
            return
        self.query_one("#place", Bar).show(self._place)
        self.query_one("#foot", Bar).show(lambda cells: bars.footer(keys.of(self.WHERE), self._unshown, cells))

    def _unshown(self, key: str) -> str:
        """Say why the footer leaves a key out: it is off, or another that is shown does the same here."""
        same = key == "leave" and self.session.places.can(-1)
        return "esc does the same" if same else self.off(key)

    def _place(self, cells: int) -> Line:
        session = self.session
        step = session.sync
        fresh = bars.freshness(session.registries, session.clock())
        right = bars.progress(step) if step else fresh
        return bars.place(session.workspace, self.WHERE.value, self.shown(), right, cells, writes=session.writes)

    def say(self, line: Line) -> None:
        """Say something above the footer, for some seconds."""
        bar = self.query_one("#say", Bar)
        bar.show(lambda cells: (Span(" "), *line))
        bar.add_class("-said")
        if self._hush:
            self._hush.stop()
        self._hush = self.set_timer(_SAID_FOR, lambda: bar.remove_class("-said"))

    def say_error(self, error: Error) -> None:
        """Say what went wrong, and the hint."""
        hint = (Span(f"  {text.safe(error.hint, 200)}", Tone.DIM),) if error.hint else ()
        self.say((*bars.problem(error)[0], *hint))

    def on_failed(self, message: Failed) -> None:
        """Say what went wrong."""
        self.fail(message.request, message.error)

    def fail(self, request: Request, error: Error) -> None:
        """Say what went wrong, in the way of this screen."""
        self.say_error(error)

    def ask(self, request: Request) -> None:
        """Ask the worker; the answer comes as a message to this screen."""
        self.post_message(Ask(request, self))

    def on_entered(self, message: Entered) -> None:
        """Show a place: subclasses ask for what it holds."""
        self.enter(message.place)
        self.frame()

    def enter(self, place: Place) -> None:
        """Ask for what a place holds."""

    def on_refresh(self, message: Refresh) -> None:
        """Ask again: the index has changed."""
        self.renew()
        self.frame()

    def renew(self) -> None:
        """Ask again for what is on screen."""
        self.enter(self.session.places.here)

    # --- keys ---

    def action_key(self, key: str) -> None:
        """Do what a key of the table says, or say why not."""
        if reason := self.off(key):
            self.say((Span(reason[0].upper() + reason[1:] + ".", Tone.WARN),))
            return
        if key in _STEPS or key in _PAGES or key in ("left", "right"):
            self._move(key)
            return
        getattr(self, f"do_{key}")()
        self.frame()

    def _move(self, key: str) -> None:
        pane = self.pane()
        if pane is None:
            return
        if key in _STEPS:
            pane.step(_STEPS[key])
        elif key in _PAGES:
            pane.page(_PAGES[key])
        else:
            pane.sideways(-1 if key == "left" else 1)

    def lists(self) -> list[Lines]:
        """Return the panes that can be moved in, in the order of tab."""
        return [pane for pane in self.query(Lines) if pane.can_focus and pane.display and pane.region.area]

    def pane(self) -> Lines | None:
        """Return the pane with the cursor."""
        if isinstance(self.focused, Lines):
            return self.focused
        found = self.lists()
        return found[0] if found else None

    def go(self, where: Where, rows: tuple[VersionRow, ...] = (), scope: Scope | None = None, text: str = "") -> None:
        """Go to a screen."""
        self.post_message(Go(Place(where, scope or Scope(), text, rows)))

    def do_models(self) -> None:
        """Go to Models, at the version that this screen is about."""
        row = self.subject()
        self.go(Where.MODELS, (row,) if row else (), scope=Scope(row.registry, row.model) if row else None)

    def do_lineage(self) -> None:
        """Go to the lineage of the version under the cursor."""
        if row := self.subject():
            self.go(Where.LINEAGE, (row,))

    def do_compare_screen(self) -> None:
        """Go to the comparison of the marked versions."""
        self.go(Where.COMPARE, tuple(self.session.marks.values()))

    def do_compare(self) -> None:
        """Compare the marked versions; a single one with the version under the cursor, else with the live one."""
        rows = self._compared()
        if len(rows) == 1:
            self.ask(RivalRequest(rows[0]))
        else:
            self.go(Where.COMPARE, rows)

    def on_rival_ready(self, message: RivalReady) -> None:
        """Compare with the live version, or the one before it."""
        row = message.request.row
        if message.rival is None:
            self.say((Span("There is no other version of this model: mark one elsewhere, with space.", Tone.WARN),))
        else:
            self.go(Where.COMPARE, (message.rival, row))

    def _compared(self) -> tuple[VersionRow, ...]:
        marks, row = self.session.marks, self.subject()
        if not marks:
            return (row,) if row else ()
        if len(marks) == 1 and row is not None and identity(row) not in marks:
            return (*marks.values(), row)
        return tuple(marks.values())

    def do_charts(self) -> None:
        """Go to the charts of the marked versions, or of the one under the cursor."""
        rows = self.session.subjects(self.subject())
        subject = self.subject() or rows[0]
        self.go(Where.CHARTS, rows, Scope(subject.registry, subject.model))

    def do_sources(self) -> None:
        """Go to the registries."""
        self.go(Where.SOURCES)

    def do_place_back(self) -> None:
        """Go to the place before."""
        self.post_message(Go(self.session.places.step(-1), remember=False))

    def do_place_forward(self) -> None:
        """Go to the place after."""
        self.post_message(Go(self.session.places.step(1), remember=False))

    def do_back(self) -> None:
        """Undo what is zoomed, else go back."""
        if self.has_class("-zoom"):
            self.do_zoom()
        elif self.session.places.can(-1):
            self.do_place_back()

    def do_leave(self) -> None:
        """Go back, or ask whether to quit where there is no way back."""
        if self.session.places.can(-1) or self.has_class("-zoom"):
            self.do_back()
        else:
            self.ask_to_quit()

    def ask_to_quit(self) -> None:
        """Ask whether to quit."""
        from lineal_tui.screens.dialog import Quit

        self.app.push_screen(Quit(syncing=self.session.sync is not None))

    def do_next_pane(self) -> None:
        """Give the cursor to the next pane."""
        self._turn(1)

    def do_previous_pane(self) -> None:
        """Give the cursor to the pane before."""
        self._turn(-1)

    def _turn(self, by: int) -> None:
        panes = self.lists()
        pane = self.pane()
        if pane in panes:
            panes[(panes.index(pane) + by) % len(panes)].focus()

    def do_zoom(self) -> None:
        """Give the whole window to the pane with the cursor, or give it back."""
        zoomed = not self.has_class("-zoom")
        pane = self.pane()
        for each in self.query(".pane"):
            each.set_class(zoomed and pane is not None and each in pane.ancestors_with_self, "-zoomed")
        self.set_class(zoomed, "-zoom")

    def do_open(self) -> None:
        """Choose what is under the cursor."""
        if pane := self.pane():
            pane.enter()

    def do_mark(self) -> None:
        """Mark the version under the cursor."""
        if row := self.subject():
            self.session.toggle(row)

    def do_copy(self) -> None:
        """Offer what can be copied about the version under the cursor."""
        from lineal_tui.screens.copying import copies
        from lineal_tui.screens.dialog import Chooser

        if row := self.subject():
            offered = copies(row)

            def take(index: int | None) -> None:
                if index is not None:
                    self.post_message(Copy(offered[index][1]))

            self.app.push_screen(Chooser("copy", [line for line, _ in offered]), take)

    def do_details(self) -> None:
        """Show everything about the version under the cursor."""
        from lineal_tui.screens.details import Details

        if row := self.subject():
            self.app.push_screen(Details(row, self.session))

    def do_sync(self) -> None:
        """Read every registry again."""
        self.post_message(SyncWanted())

    def do_help(self) -> None:
        """Show the keys of this screen."""
        from lineal_tui.screens.dialog import Help

        self.app.push_screen(Help(keys.of(self.WHERE), self.off))

    def do_palette(self) -> None:
        """Offer everything that can be done here, by name."""
        from lineal_tui.screens.dialog import Chooser
        from lineal_tui.screens.storing import offer_line, offers

        table = [key for key in keys.of(self.WHERE) if key.group is not keys.Group.MOVE and key.id != "palette"]
        table.sort(key=lambda key: -key.rank)
        offered = offers(self.subject(), self._kind()) if self.session.writes else []
        lines = [bars.palette_line(key, self.off(key.id)) for key in table]
        lines += [offer_line(offer) for offer in offered]

        def take(index: int | None) -> None:
            if index is not None and index < len(table):
                self.action_key(table[index].id)
            elif index is not None:
                self._command(offered[index - len(table)][0])

        self.app.push_screen(Chooser("do", lines), take)

    def _kind(self) -> str:
        """Return the kind of the registry of the version under the cursor."""
        row = self.subject()
        return next((one.kind for one in self.session.registries if row and one.name == row.registry), "")

    def _command(self, begun: str) -> None:
        """Let a verb of the store be finished by hand, and run it."""
        from lineal_tui.screens.storing import Command

        def run(words: list[str] | None) -> None:
            if words:
                self.post_message(RunWanted(tuple(words)))

        self.app.push_screen(Command(begun), run)

    def do_jump(self) -> None:
        """Ask for a name to jump to."""
        from lineal_tui.screens.finding import Jump

        jump = Jump(self.session)
        self.app.push_screen(jump, lambda index: self._go_to(jump.found[index]) if index is not None else None)

    def _go_to(self, place: Place) -> None:
        self.post_message(Go(place))

    def do_theme(self) -> None:
        """Change to the next theme."""
        from lineal_tui.themes import NAMES

        now = NAMES.index(self.app.theme) if self.app.theme in NAMES else 0
        self.app.theme = NAMES[(now + 1) % len(NAMES)]
