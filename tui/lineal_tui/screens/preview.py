"""The plan of an action above the screen that it was asked from: opens on Cancel, the same key again confirms."""

from __future__ import annotations

import time
from threading import Event
from typing import ClassVar

from msgspec.structs import replace
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.timer import Timer

from lineal.errors import Conflict, Error
from lineal.model.plan import Done, State
from lineal_tui import keys
from lineal_tui.acts import Deed, Executed, ExecuteRequest, PlanReady, PlanRequest, StepSaid
from lineal_tui.keys import Where
from lineal_tui.messages import Acted, Ask, Chosen, Copy, Failed, Moved
from lineal_tui.present import bars
from lineal_tui.present import plan as lines_of
from lineal_tui.present.checks import blockers
from lineal_tui.present.ink import Line, Span, Tone
from lineal_tui.present.keycap import cap
from lineal_tui.screens.laying import Overlay, laid_out
from lineal_tui.session import Session
from lineal_tui.widgets.bars import Bar
from lineal_tui.widgets.lines import FAR
from lineal_tui.widgets.plan import PlanPane

_STEPS = {"up": -1, "down": 1, "top": -FAR, "bottom": FAR}
_PAGES = {"page_up": -1.0, "page_down": 1.0, "half_up": -0.5, "half_down": 0.5}
_CONFIRMS = {Deed.RESUME: "rollback"}


class Preview(Overlay[Done], inherit_bindings=False):
    """What an action would do. The answer is what became of it, or None where it was left."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(Where.PREVIEW)
    AUTO_FOCUS = ""  # nothing: it opens on Cancel

    def __init__(self, request: PlanRequest, session: Session, override: str = "") -> None:
        super().__init__()
        self._reason = override  # typed for a plan that is blocked, before it was seen
        self._request = request
        self._session = session
        self._aliases: tuple[str, ...] = ()
        self._sent: ExecuteRequest | None = None  # while it runs
        self._began = 0.0
        self._said = ""
        self._ticker: Timer | None = None
        self._noted = ""
        self._bad: Error | None = None  # why there is no plan
        self._word = "nothing has changed yet"

    def compose(self) -> ComposeResult:
        """Put the plan between its title and Cancel."""
        with Vertical(id="box"):
            yield Bar(id="title")
            yield PlanPane(self._session.clock, id="plan")
            yield Bar(id="cancel")
            yield Bar(id="keys")

    @property
    def pane(self) -> PlanPane:
        """The plan."""
        return self.query_one(PlanPane)

    @property
    def on_cancel(self) -> bool:
        """Whether the cursor is on Cancel rather than in the plan."""
        return not self.pane.has_focus

    def on_mount(self) -> None:
        """Ask for the plan."""
        self.pane.draw_instead([(Span(" …", Tone.DIM),)])
        self._plan(self._request)

    def _plan(self, request: PlanRequest) -> None:
        self._request, self._bad = request, None
        self.post_message(Ask(request, self))
        self._frame()

    def on_plan_ready(self, message: PlanReady) -> None:
        """Show the plan, unless another was asked for since."""
        if message.request != self._request or self._sent is not None:
            return
        self._aliases = message.drawn.aliases or self._aliases
        self.pane.draw(message.drawn, noted=self._noted)
        if self._reason and message.drawn.plan.blocked:
            self.pane.overridden(self._reason)
        self._noted = ""
        self._frame()

    def on_failed(self, message: Failed) -> None:
        """Show why there is no plan, or why it was not carried out."""
        if isinstance(message.request, PlanRequest) and message.request == self._request and self._sent is None:
            self._bad = message.error
            self.pane.draw_instead(bars.problem(message.error))
        elif message.request is self._sent:
            self._end()
            self._unmade(message.error)
        self._frame()

    def _unmade(self, error: Error) -> None:
        """Show why nothing was done; where things have moved on, how they are now."""
        if isinstance(error, Conflict) and self._request.deed is not Deed.RESUME:
            self._noted = lines_of.said_of(error)
            self.pane.draw_instead(bars.problem(error))
            self._plan(self._request)
        else:
            self.pane.failed(error)
            self.post_message(Acted(()))
        self._word = "nothing is being done"
        self.set_focus(None)

    # --- painting ---

    def on_resize(self, event: events.Resize) -> None:
        """Draw the bars for the new width."""
        laid_out(self, self._frame)

    def on_moved(self, message: Moved) -> None:
        """The cursor moves within the plan only."""
        message.stop()

    def on_chosen(self, message: Chosen) -> None:
        """Nothing is chosen in a plan."""
        message.stop()

    def _frame(self) -> None:
        if not self.is_mounted:
            return
        does = lines_of.DOES[self._request.deed]
        self.query_one("#title", Bar).show(lambda cells: (Span(f" {does}", Tone.STRONG), Span("  plan", Tone.DIM)))
        self.query_one("#cancel", Bar).show(lambda cells: self._cancel_line())
        self.query_one("#keys", Bar).show(lambda cells: self._keys_line())

    def _cancel_line(self) -> Line:
        if self._sent is not None:
            seconds = time.monotonic() - self._began
            return lines_of.running(self._request.deed, self._said, seconds, stopping=self._sent.stop.is_set())
        here = self.on_cancel
        tone = Tone.STRONG if here else Tone.DIM
        return (
            Span("▌" if here else " ", Tone.ACCENT),
            Span("Cancel", tone),
            Span(f"   {self._word}", Tone.DIM),
        )

    def _keys_line(self) -> Line:
        if self._sent is not None:
            return (Span(" esc", Tone.ACCENT), Span(" stops it before the next step", Tone.DIM))
        if self._bad is not None:
            other = (cap("next_alias", " "), Span(" another alias ·", Tone.DIM)) if len(self._aliases) > 1 else ()
            return (*other, Span(" esc", Tone.ACCENT), Span(" closes: there is nothing to confirm", Tone.DIM))
        waits = self._waits()
        plan, deed = None if waits else self.pane.plan, self._request.deed
        return lines_of.footer(plan, deed, keys.shown(_CONFIRMS.get(deed, deed)), self.pane.face, len(self._aliases))

    def _waits(self) -> bool:
        """Say whether another plan than the one that is shown is being made."""
        plan = self.pane.plan
        return plan is None or bool(self._request.alias and plan.alias and plan.alias != self._request.alias)

    # --- keys ---

    def action_key(self, key: str) -> None:
        """Move, or do what the key says."""
        if self._sent is not None:
            if key == "cancel":
                self._sent.stop.set()
        elif key in _STEPS or key in _PAGES:
            self._move(key)
        elif key in ("left", "right", "next_alias", "previous_alias"):
            self._turn(-1 if key in ("left", "previous_alias") else 1)
        elif key == "cancel" or (key == "take" and self.on_cancel):
            self.dismiss(None)
        elif key == "take":
            self.pane.enter()
        elif key == "fold_part":
            self.pane.fold()
        elif key in ("worse", "worse_before"):
            self.pane.hop(1 if key == "worse" else -1)
        elif key == "copy":
            self._copy()
        elif key == "override":
            self._override()
        elif key == _CONFIRMS.get(self._request.deed, self._request.deed.value):
            self._confirm()
        self._frame()

    def _move(self, key: str) -> None:
        """Move in the plan; Cancel stands below its last line."""
        pane = self.pane
        if self.on_cancel:
            if key != "bottom":
                pane.cursor = pane.total() - 1 if key in ("up", "page_up", "half_up") else 0
                pane.focus()
        elif key == "down" and pane.cursor == pane.total() - 1:
            self.set_focus(None)
        elif key in _STEPS:
            pane.step(_STEPS[key])
        else:
            pane.page(_PAGES[key])
        laid_out(self, self._frame)

    def _turn(self, by: int) -> None:
        """Plan for the next alias, also where there is no plan for this one."""
        plan, count = self.pane.plan, len(self._aliases)
        now = self._request.alias or (plan.alias if plan else "")
        if count < 2 or self._request.deed is Deed.ALIAS or not (plan or self._bad):
            return
        at = self._aliases.index(now) if now in self._aliases else 0
        self._plan(replace(self._request, alias=self._aliases[(at + by) % count]))

    def _copy(self) -> None:
        if plan := self.pane.plan:
            self.post_message(Copy(plan.command))
            self._word = "the command was copied"

    def _override(self) -> None:
        from lineal_tui.screens.prompt import Prompt, something

        plan = self.pane.plan
        if plan is None or not plan.blocked or self._waits():
            return
        said = f"let it through in spite of {blockers(plan.blocked)}; the reason is recorded"

        def take(reason: str | None) -> None:
            if reason:
                self.pane.overridden(reason)
                self._frame()

        self.app.push_screen(Prompt("override because", said, wrong=something), take)

    def _confirm(self) -> None:
        """Do it, once the plan is on the screen and nothing stands in its way."""
        plan, face = self.pane.plan, self.pane.face
        if plan is not None and plan.blocked and not face.override:
            self._word = "it is blocked: o overrides with a reason"
        if self._session.hurried:  # a paste, or a key held down
            self._word = "keys came too fast to be meant: press it once more"
            return
        if plan is None or self._waits() or face.error is not None or (plan.blocked and not face.override):
            return
        self._sent = ExecuteRequest(plan, face.override, Event(), self._request.deed is Deed.RESUME)
        self._began, self._said = time.monotonic(), ""
        self._ticker = self.set_interval(1.0, self._frame)
        self.post_message(Ask(self._sent, self))

    def on_step_said(self, message: StepSaid) -> None:
        """Show the last word of what runs."""
        if message.request is self._sent:
            self._said = message.said
            self._frame()

    def on_executed(self, message: Executed) -> None:
        """Close with what became of it."""
        if message.request is not self._sent:
            return
        self._end()
        done = message.done
        touched = tuple(dict.fromkeys(one.registry for one in done.plan.changes if one.registry))
        if done.state is State.APPLIED:
            self.post_message(Acted(touched))
            self.dismiss(done)
        else:
            said = "".join(span.text for span in lines_of.result(done)[1:2])
            self._unmade(Error(said, hint=done.error))
            self.post_message(Acted(touched))
        self._frame()

    def _end(self) -> None:
        self._sent = None
        if self._ticker:
            self._ticker.stop()
