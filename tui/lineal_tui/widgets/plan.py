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
        kept = self.face if keep else Face(folded=self.face.folded)
        self.face = Face(unfolded=kept.unfolded, folded=kept.folded, override=kept.override, noted=noted)
        self._lay(keep=keep)

    def draw_instead(self, lines: list[Line]) -> None:
        """Show something else, where there is no plan."""
        self.drawn, self.face = None, Face(folded=self.face.folded)
        self._told, self._instead = [], lines
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
        self._turn(self.folds)

    def fold(self) -> None:
        """Fold or unfold the part with the cursor; where the cursor is elsewhere, every part."""
        part = lines_of.part_at(self._told, self.cursor) if self.has_focus else ""
        if part:
            self._turn(part)
        else:
            self.face = lines_of.turned_all(self.face)
            self._lay(keep=True)

    def _turn(self, what: str) -> None:
        if not what:
            return
        before = self.face
        self.face = lines_of.turned(before, what)
        self._lay(keep=True)
        self.cursor = next((i for i, told in enumerate(self._told) if told.folds == what), self.cursor)
        if what in self.face.unfolded or what.removeprefix(lines_of.PART) in before.folded:
            self._show_top(self.cursor)

    def hop(self, by: int) -> bool:
        """Go to the next thing that stands in the way or is worse, or the one before; say whether there is one."""
        stops = [i for i, told in enumerate(self._told) if told.stops]
        further = [i for i in stops if (i - self.cursor) * by > 0] if self.has_focus else stops
        if not further:
            return False
        self.cursor = further[0] if by > 0 else further[-1]
        self.focus()
        return True
