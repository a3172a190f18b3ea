"""What every screen has: the place at the top, the footer, one action for all keys, panes, and room for a word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from msgspec.structs import replace
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from lineal.model.listing import VersionRow
from lineal_tui import keys
from lineal_tui.keys import Where
from lineal_tui.messages import Ask, Entered, Failed, Refresh, Request
from lineal_tui.places import Place
from lineal_tui.present import bars, text
from lineal_tui.present.ink import Line, Span, Tone
from lineal_tui.session import Session
from lineal_tui.spoken import Offer
from lineal_tui.views import AnyView
from lineal_tui.widgets.bars import Bar
from lineal_tui.widgets.lines import FAR, Lines

if TYPE_CHECKING:
    from lineal.errors import Error

SMALLEST = (60, 16)
_WIDE = 100  # cells from which the line of place says who is here
_SAID_FOR = 6.0  # seconds that a word stays
_STEPS = {"up": -1, "down": 1, "top": -FAR, "bottom": FAR}
_PAGES = {"page_up": -1.0, "page_down": 1.0, "half_up": -0.5, "half_down": 0.5}


class Frame(Screen[None], inherit_bindings=False):
    """A screen. A key of the table calls `do_<id>`, unless `off(id)` gives a reason why not."""

    WHERE: ClassVar[Where]
    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = []

    def __init__(self, session: Session) -> None:
        super().__init__(id=self.WHERE.value)
        self.session = session
        self._hush: Timer | None = None
        self._seen: AnyView | None = None  # how it was looked at when that was last noted

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

    def exports(self) -> Iterable[Offer]:
        """Return what can be written into a file."""
        return ()

    def subject(self) -> VersionRow | None:
        """Return the version under the cursor."""
        return None

    def spoken(self) -> Iterable[str]:
        """Return what is on this screen as lines of the command line."""
        return ()

    def off(self, key: str) -> str:
        """Say why a key does nothing now; "" where it works."""
        return ""

    # --- frame ---

    def compose(self) -> ComposeResult:
        """Place the bars around the panes."""
        yield Bar(id="place")
        if self.session.wrong or self.session.misled:
            wrong = Bar(id="wrong-config")
            wrong.show(self._amiss)
            yield wrong
        yield from self.panes()
        yield Bar(id="say")
        yield Bar(id="foot")
        small = Bar(id="small")
        small.show(lambda cells: (Span(" Terminal too small: lineal needs 60 x 16.", Tone.WARN),))
        yield small

    def _amiss(self, cells: int) -> Line:
        """Draw what is wrong with the configuration."""
        wrong, misled = self.session.wrong, self.session.misled
        return bars.wrong(wrong, cells) if wrong else bars.misled(misled, cells)

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
        same = key == "leave" and bool(self.session.places.out)
        return "esc does the same" if same else self.off(key)

    def _place(self, cells: int) -> Line:
        session = self.session
        step = session.sync
        fresh = bars.freshness(session.registries, session.clock())
        begun = bars.begun(session.begun)
        right = bars.progress(step) if step else begun or fresh
        who = bars.you(session.standing) if cells >= _WIDE or self.WHERE in (Where.REVIEW, Where.HISTORY) else ""
        return bars.place(
            session.workspace, self.WHERE.value, self.shown(), right, cells, writes=session.writes, who=who,
            urgent=bool(begun) and step is None,
        )  # fmt: skip

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
        self.say((*bars.brief(bars.problem(error)[0]), *hint))

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
        places = self.session.places
        if not places.arrived and message.place != places.here:
            return  # keys came faster: the place after this one is on its way
        self.enter(message.place)
        places.arrived = True
        self.settle()
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
        self.note(keys.JOINED.get(key, key), apart=key not in keys.JOINED)
        self.frame()

    # --- how it is looked at ---

    def view(self) -> AnyView | None:
        """Return how this screen is looked at, for the place that it is at; None where nothing can be chosen."""
        return None

    def settle(self) -> None:
        """Note how the present place is looked at, without a step of its own."""
        here = self.session.places.here
        if here.where is self.WHERE and self.is_mounted and self.session.places.arrived:
            self._seen = self.view()
            self.session.places.amend(replace(here, view=self._seen))

    def note(self, what: str, *, apart: bool = True) -> None:
        """Make a change of the view a step that `<` takes back; the place before it keeps how it was looked at."""
        here, now = self.session.places.here, self.view()
        if now == self._seen or here.where is not self.WHERE or not self.session.places.arrived:
            return
        self.session.places.amend(replace(here, view=self._seen))
        self._seen = now
        self.session.places.turn(replace(here, view=now), what, apart=apart)

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
