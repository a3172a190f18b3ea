"""The application: composes the screens and routes messages between them, the worker and the sync."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.timer import Timer

from lineal_tui import messages as m
from lineal_tui import themes
from lineal_tui.acts import StandingReady, StandingRequest
from lineal_tui.elsewhere import OpenWanted
from lineal_tui.errands import Errands
from lineal_tui.keeping import Keeper
from lineal_tui.keeping_on import Keeping
from lineal_tui.keys import Where
from lineal_tui.places import Place
from lineal_tui.present import bars, text
from lineal_tui.present.ink import Span, Tone
from lineal_tui.recall import RecallReady
from lineal_tui.running import Running
from lineal_tui.screens.models import Models
from lineal_tui.screens.room import Room
from lineal_tui.session import Session
from lineal_tui.source import Source
from lineal_tui.syncing import SyncChild
from lineal_tui.worker import Worker

if TYPE_CHECKING:
    from rich.console import RenderableType

    from lineal_tui.desking import Desk

_FIRST = 0.3  # seconds after which the frame is painted without rows
_AFTER = 0.1  # seconds from the first paint to the look at what is new
_LATEST = 2.0  # seconds from the look at what is new until the desk is opened, whether or not there are rows
_REDRAW = 0.25  # seconds between two drawings of the progress
_VISITS = (Where.MODELS, Where.LINEAGE, Where.COMPARE, Where.REVIEW)
"""Screens of which the versions that they are opened on count as visited."""
_REFRESH = 2.0  # seconds between two looks at an index that is being filled


class LinealApp(Errands):
    """Every model in one terminal."""

    CSS_PATH = "app.tcss"
    TITLE = "lineal"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+q", "quit", show=False, priority=True, system=True)]

    def __init__(
        self,
        source: Source,
        *,
        desk: Callable[[], Desk],
        workspace: str,
        cwd: str,
        environ: Mapping[str, str],
        clock: Callable[[], float] = time.time,
        sync: Sequence[str],
        verbs: Sequence[str] = (),
        child: Mapping[str, str] | None = None,
        start: Place | None = None,
        theme: str = "",
        ascii: bool | None = None,  # noqa: A002 - the name of the setting
        wrong: str = "",
        misled: Sequence[str] = (),
        keeper: Keeper | None = None,
    ) -> None:
        """Make the application.

        Args:
            source: the workspace.
            desk: opens what changes it; called in a thread, when it is first needed.
            workspace: its name, for the line of place.
            cwd: the folder in which a sync is started.
            environ: the process's environment: terminal, colours, tmux.
            clock: tells the time in Unix seconds.
            sync: the command of a sync that writes its events as JSON lines.
            verbs: the command line itself, for the verbs of the store.
            child: what the environment of a sync holds beside that of this process.
            start: where to begin; by default at all models.
            theme: which one the configuration wants; "" where the terminal decides.
            ascii: whether to write ASCII only; None where the terminal decides.
            wrong: why defaults stand for a configuration that cannot be read.
            misled: what is wrong with the keys that a person chose.
            keeper: keeps the session, and brings back what it holds of an earlier one.
        """
        super().__init__(
            ansi_color=True if "NO_COLOR" in environ else None
        )  # only so does Textual leave out all colour
        self.animation_level = "none"
        self.environ = environ
        self.session = Session(workspace, clock)
        self.session.colour = "NO_COLOR" not in environ
        self._keeping = Keeping(self, keeper) if keeper else None
        if start:
            self.session.places.visit(start)
        self._worker = Worker(source, self.post_message, desk)
        self.session.verbs = bool(verbs)
        self.session.cwd = cwd
        self.session.page = environ.get("LINEAL_READ_ONLY") == "page"
        if self.session.page:
            self.session.unwritable = "`lineal serve --write` lets pages change things"
        surroundings = {**environ, **(child or {})}
        self._child = SyncChild(sync, cwd, surroundings, self._synced)
        self._job = SyncChild(verbs, cwd, {**surroundings, "LINEAL_EVENTS": "jsonl"}, self._worked)
        self._command, self._writer = Running(verbs, cwd, surroundings), Running(verbs, cwd, surroundings)
        self._next: tuple[str, ...] = ()  # a verb that waits for the end of what runs
        self._touched: tuple[str, ...] = ()  # registries to be read again then
        self._looked = 0.0
        self._ticker: Timer | None = None  # draws the progress of a sync
        self._waiting = ExitStack()  # holds painting back until the first rows are there
        self._rows = False  # there was something to see
        self.session.first_rows = self._show_rows
        for each in themes.themes():
            self.register_theme(each)
        self.theme = self._first_theme = themes.default(environ, theme, self.session.theme)
        self.session.wrong, self.session.misled = wrong, tuple(misled)
        self.only_ascii(ascii)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give the stylesheet its colours before a theme does."""
        return dict(themes.DEFAULTS)

    def refresh_css(self, animate: bool = True) -> None:
        """Leave out what Textual asks for at the start, when the theme is first known: the sheet was read with it."""
        if self._rows or self.theme != self._first_theme:
            super().refresh_css(animate)

    def get_default_screen(self) -> Models:
        """Begin with Models."""
        return Models(self.session)

    def on_mount(self) -> None:
        """Show the first place, and see what is new on this machine; paint once there is something to see."""
        self.session.page = self.is_web or self.session.page
        self._waiting.enter_context(self.batch_update())
        self._waiting.callback(_collect)
        self._waiting.callback(self.set_timer, _AFTER, self._look)
        self.set_timer(_FIRST, self._waiting.close)
        if self._keeping and self._keeping.open(self._waiting):
            return
        if self.session.places.here.where is Where.MODELS:
            self.screen.post_message(m.Entered(self.session.places.here))
        else:
            self._show(self.session.places.here)

    def _look(self) -> None:
        """See what is new, which loads the registries' own code, and load what a comparison needs."""
        self._worker.ask(m.FreshRequest(), self)
        self._worker.warm()

    def on_unmount(self) -> None:
        """Let nothing run on."""
        self._child.cancel()
        self._job.cancel()
        self._command.cancel()
        self._writer.cancel()
        self._worker.close()

    def exit(self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """End; the session is kept while its screens still stand."""
        if self._keeping:
            self._keeping.close()
        super().exit(result, return_code, message)

    def on_recall_ready(self, message: RecallReady) -> None:
        """Go where the session before was left."""
        if self._keeping:
            self._keeping.recalled(message)

    def on_open_wanted(self, message: OpenWanted) -> None:
        """Leave for another workspace, unless a plan is open."""
        if self._keeping and isinstance(self.screen, Room):
            self._keeping.leave_for(message.path)

    # --- requests and places ---

    def on_ask(self, message: m.Ask) -> None:
        """Hand a request to the worker; the answer goes to whoever asked."""
        self._worker.ask(message.request, message.asker)

    def on_crashed(self, message: m.Crashed) -> None:
        """End visibly: this is a bug."""
        raise message.error

    def on_failed(self, message: m.Failed) -> None:
        """Say what the application itself could not learn."""
        if isinstance(self.screen, Room):
            self.screen.say_error(message.error)

    def on_go(self, message: m.Go) -> None:
        """Go to a place."""
        if message.remember:
            if message.place.where in _VISITS:
                self.session.visit(*message.place.rows)
            if room := self._room():
                room.settle()  # coming back finds it as it is looked at now
            self.session.places.visit(message.place)
            self.session.places.amend(message.place)
            self.session.places.arrived = False
        self._show(message.place)

    def show(self, place: Place) -> None:
        """Show a place, without a step to it."""
        self._show(place)

    @property
    def room(self) -> Room | None:
        """The screen below all dialogs."""
        return self._room()

    def _show(self, place: Place) -> None:
        if not self.is_screen_installed(place.where.value) and place.where is not Where.MODELS:
            self.install_screen(_screen(place.where, self.session), place.where.value)
        self._switch(place)

    def _switch(self, place: Place) -> None:
        while len(self.screen_stack) > 1:
            self.pop_screen()
        if place.where is not Where.MODELS:
            self.push_screen(place.where.value)
        self.screen.post_message(m.Entered(place))

    # --- sync ---

    def on_fresh_ready(self, message: m.FreshReady) -> None:
        """Read what is new on this machine, without being asked."""
        self.session.registries = message.registries
        self._frame()
        if self.session.standing or self._rows:
            self._stand()
        else:
            self.set_timer(_LATEST, self._stand)
        if message.stale:
            self._start(tuple(message.stale))

    def _show_rows(self) -> None:
        """Paint what there is, now that there are rows."""
        self._rows = True
        self._waiting.close()

    def _stand(self) -> None:
        """Learn who is here and what may be changed."""
        self._worker.ask(StandingRequest(tuple(row.name for row in self.session.registries)), self)

    def on_standing_ready(self, message: StandingReady) -> None:
        """Show who is here; say once why nothing can be changed."""
        self.session.standing = message.standing
        if message.standing.read_only and not self.session.told and (room := self._room()):
            self.session.told = True
            why = bars.brief((Span(text.safe(message.standing.read_only, 400)),))
            room.say((Span("Read-only: ", Tone.WARN), *why))
        self._frame()

    def on_acted(self, message: m.Acted) -> None:
        """Show what an action changed: the index follows its registries."""
        self._stand()
        self._refresh()
        if message.registries and self.session.sync is None:
            self._start(message.registries)
        else:
            self._touched = tuple(dict.fromkeys((*self._touched, *message.registries)))

    def on_sync_wanted(self, message: m.SyncWanted) -> None:
        """Read registries again."""
        self._start(message.names)

    def _start(self, names: tuple[str, ...]) -> None:
        if not self._child.running and self.session.sync is None:
            self.session.begin_sync(names)
            self._ticker = self.set_interval(_REDRAW, self._frame)
            self.run_worker(self._child.run(names), group="sync", exclusive=True)
            self._frame()

    def on_cancel_sync(self) -> None:
        """Stop what runs in the background."""
        self._child.cancel()
        self._job.cancel()

    # --- verbs of the store ---

    def changed(self) -> None:
        """See what is otherwise now."""
        self._stand()
        self._refresh()
        self._look()

    def on_run_wanted(self, message: m.RunWanted) -> None:
        """Run a verb of the store in the background, one at a time."""
        if self.session.unwritable:  # the palette offers none, but for a moment at the start
            if room := self._room():
                room.say((Span(f"Read-only: {self.session.unwritable}.", Tone.WARN),))
            return
        if self.session.sync is not None:
            self._next = message.words
            if room := self._room():
                room.say((Span("That waits for what runs now: esc on Sources (7) cancels it.", Tone.WARN),))
            return
        self.session.sync = m.SyncStep(registry=message.words[0], bytes=True)
        self._ticker = self.set_interval(_REDRAW, self._frame)
        self.run_worker(self._job.run(message.words), group="job", exclusive=True)
        self._frame()

    def _worked(self, step: m.SyncStep) -> None:
        """Note how far a verb is; once it has ended, see what is new."""
        self.session.sync = step if step.running else None
        if step.running:
            return
        self._ended(step)
        if step.said and (room := self._room()):
            room.say((Span(text.safe(step.said, 400)),))
        self._look()

    def _synced(self, step: m.SyncStep) -> None:
        """Note how far the sync is, which is drawn now and then, and look now and then at what it brought."""
        self.session.hear_sync(step)
        now = time.monotonic()
        if not step.running:
            self._ended(step)
        elif step.changed and now - self._looked > _REFRESH:
            self._looked = now
            self._refresh()

    def _ended(self, step: m.SyncStep) -> None:
        if self._ticker:
            self._ticker.stop()
        self._refresh()
        if step.error and (room := self._room()):
            room.say((Span("✘ ", Tone.ERROR), *bars.brief((Span(text.safe(step.error, 400)),))))
        if self._touched:
            touched, self._touched = self._touched, ()
            self._start(touched)
        if self._next:
            words, self._next = self._next, ()
            self.post_message(m.RunWanted(words))

    def _refresh(self) -> None:
        if room := self._room():
            room.post_message(m.Refresh())

    def _frame(self) -> None:
        if room := self._room():
            room.frame()


def _collect() -> None:
    """Collect garbage from now on (see `main.hurry`), but never look at what start-up made."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def _screen(where: Where, session: Session) -> Room:
    """Make a screen when it is first gone to: only then is its module imported."""
    if where is Where.LINEAGE:
        from lineal_tui.screens.lineage import Lineage

        return Lineage(session)
    if where is Where.COMPARE:
        from lineal_tui.screens.compare import Compare

        return Compare(session)
    if where is Where.CHARTS:
        from lineal_tui.screens.charts import Charts

        return Charts(session)
    if where is Where.REVIEW:
        from lineal_tui.screens.review import Review

        return Review(session)
    if where is Where.HISTORY:
        from lineal_tui.screens.history import History

        return History(session)
    from lineal_tui.screens.sources import Sources

    return Sources(session)
