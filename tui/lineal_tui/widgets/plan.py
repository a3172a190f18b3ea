"""The preview of a plan: one widget for every action, in a dialog before it is taken and on Review."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace
from textual.strip import Strip

from lineal.errors import Error
from lineal.model.plan import Plan
from lineal_tui.acts import Drawn
from lineal_tui.present import plan as lines_of
from lineal_tui.present.checks import Told
from lineal_tui.present.ink import BLANK, Line
from lineal_tui.present.plan import Face
from lineal_tui.widgets.lines import PickList


class PlanPane(PickList):
    """A plan as lines under a cursor; enter unfolds the evidence of a check."""

    def __init__(self, clock: Callable[[], float], *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._clock = clock
        self._told: list[Told] = []
        self._instead: list[Line] = []
        self.drawn: Drawn | None = None
        self.face = Face()

    @property
    def plan(self) -> Plan | None:
        """The plan that is shown."""
        return self.drawn.plan if self.drawn else None

    def draw(self, drawn: Drawn, *, keep: bool = False, noted: str = "") -> None:
        """Show a plan; with `keep` the cursor and what is unfolded stay."""
        self.drawn = drawn
        unfolded = self.face.unfolded if keep else frozenset()
        self.face = Face(unfolded=unfolded, override=self.face.override if keep else "", noted=noted)
        self._lay(keep=keep)

    def draw_instead(self, lines: list[Line]) -> None:
        """Show something else, where there is no plan."""
        self.drawn, self.face, self._told, self._instead = None, Face(), [], lines
        self.show(lines)

    def overridden(self, reason: str) -> None:
        """Show that the plan is let through for a reason."""
        self.face = replace(self.face, override=reason)
        self._lay(keep=True)

    def failed(self, error: Error) -> None:
        """Show that the plan was not carried out, and why."""
        if self.drawn is None:
            return
        self.drawn = replace(self.drawn, plan=lines_of.checks_of(error, self.drawn.plan))
        self.face = replace(self.face, error=error, override="")
        self._lay()

    def _lay(self, *, keep: bool = False) -> None:
        if self.drawn is None:
            self.show(self._instead, keep=True)
            return
        self._told = lines_of.plan_lines(self.drawn, self.face, self._clock(), self.room)
        self.show([told.line for told in self._told] or [BLANK], keep=keep)

    def resized(self) -> None:
        """Break the lines for the new width."""
        self._lay(keep=True)

    def _under_cursor(self, strip: Strip) -> Strip:
        """Show no cursor where it is elsewhere: on Cancel, or in the inbox."""
        return super()._under_cursor(strip) if self.has_focus else strip

    @property
    def folds(self) -> str:
        """What enter unfolds or folds under the cursor; "" for nothing."""
        return self._told[self.cursor].folds if self.cursor < len(self._told) else ""

    def enter(self) -> None:
        """Unfold what is under the cursor, or fold it again."""
        if what := self.folds:
            self.face = replace(self.face, unfolded=lines_of.unfold(self.face.unfolded, what))
            self._lay(keep=True)
            self.cursor = next((i for i, told in enumerate(self._told) if told.folds == what), self.cursor)
            if what in self.face.unfolded:
                self._show_top(self.cursor)
