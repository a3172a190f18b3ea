"""Review: what waits for one, and the plan of the candidate under the cursor: differences, gates, who approved."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from pathlib import PurePath

from textual.timer import Timer
from textual.widget import Widget

from lineal.errors import Error
from lineal.model.listing import VersionRow
from lineal.model.plan import Review as Request
from lineal.model.plan import Subject
from lineal.model.reference import canonical
from lineal_tui import keys, spoken
from lineal_tui import messages as m
from lineal_tui.acts import (
    Deed,
    Drawn,
    InboxReady,
    InboxRequest,
    PlanReady,
    PlanRequest,
    ReportReady,
    ReportRequest,
    Waiting,
)
from lineal_tui.keys import Where
from lineal_tui.places import Identity, Place, identity
from lineal_tui.present import bars, review, text
from lineal_tui.present.ink import Span, Tone
from lineal_tui.screens.laying import laid_out
from lineal_tui.screens.room import Room
from lineal_tui.session import Session
from lineal_tui.widgets.lines import PickList
from lineal_tui.widgets.plan import PlanPane

_SLOW = 2.0  # seconds after which what is waited for is said
_REST = 0.12  # seconds that a cursor must rest before a plan is asked for
_ABOUT_ALIAS = (Deed.PROMOTE, Deed.REQUEST, Deed.APPROVE, Deed.REJECT, Deed.ROLLBACK)


class Review(Room):
    """What may go where, and why not."""

    WHERE = Where.REVIEW

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._waiting: list[Waiting] = []
        self._guest: VersionRow | None = None  # the version that the screen was opened on
        self._plans: dict[tuple[Identity, str], Drawn] = {}
        self._sent: PlanRequest | None = None
        self._waits = False  # the last plan that was asked for is not there yet
        self._rest: Timer | None = None
        self._arrived = False  # the cursor was put on the guest

    def panes(self) -> Iterable[Widget]:
        """Put the inbox above the plan."""
        inbox, plan = PickList(id="inbox"), PlanPane(self.session.clock, id="verdict")
        inbox.add_class("pane")
        plan.add_class("pane")
        yield inbox
        yield plan

    @property
    def inbox(self) -> PickList:
        """The candidates."""
        return self.query_one("#inbox", PickList)

    @property
    def verdict(self) -> PlanPane:
        """The plan of the one under the cursor."""
        return self.query_one(PlanPane)

    def shown(self) -> str:
        """Return how many wait."""
        asked = sum(bool(one.review.asked_at) for one in self._waiting)
        return f"{asked} waiting" if asked else "nothing waits"

    def here(self) -> Waiting | None:
        """Return the candidate under the cursor."""
        at = self.inbox.cursor if self.is_mounted else 0
        return self._waiting[at] if at < len(self._waiting) else None

    def subject(self) -> VersionRow | None:
        """Return the candidate's version."""
        here = self.here()
        return here.row if here else None

    def off(self, key: str) -> str:
        """Say why a key is off here."""
        if key in ("compare", "compare_screen") and self.subject() is not None:
            drawn = self.verdict.drawn
            return "" if drawn and drawn.rival else "there is nothing that it would replace"
        if key in ("fold_part", "worse", "worse_before") and self.verdict.plan is None:
            return "there is no plan"
        if key == "evidence" and (self.subject() is None or self.verdict.plan is None):
            return "no candidate under the cursor"
        return super().off(key)

    # --- what is shown ---

    def enter(self, place: Place) -> None:
        """Ask for the inbox, with the place's version in it."""
        self._guest = place.rows[0] if place.rows else None
        self._arrived = False
        self._plans.clear()
        self.ask(InboxRequest())
        self.inbox.focus()

    def renew(self) -> None:
        """Ask again: plans may have changed."""
        self._plans.clear()
        self.ask(InboxRequest())

    def on_inbox_ready(self, message: InboxReady) -> None:
        """Show what waits; a version that nobody asked for stands first."""
        before = self.here()
        self._waiting = list(message.waiting)
        guest = self._guest
        asked = [i for i, one in enumerate(self._waiting) if one.row and guest and identity(one.row) == identity(guest)]
        if guest is not None and not asked:
            self._waiting.insert(0, Waiting(Request(subject=subject_of(guest), alias=""), guest))
        self._show_inbox()
        if not self._arrived:
            self._arrived = True
            self.inbox.cursor = asked[0] if asked else 0
        elif before is not None:
            self.inbox.cursor = next((i for i, one in enumerate(self._waiting) if _same(one, before)), 0)
        self._judge()
        self.frame()

    def _show_inbox(self) -> None:
        lines = review.inbox_lines([one.review for one in self._waiting], self.session.clock(), self.inbox.room)
        self.inbox.show(lines, keep=True)
        standing = self.session.standing
        if not lines:
            self.verdict.draw_instead(review.empty_lines(standing.read_only if standing else ""))

    def resized(self) -> None:
        """Fit the inbox to the new width."""
        laid_out(self, self._show_inbox)

    def on_moved(self, message: m.Moved) -> None:
        """Show the plan of the one under the cursor, once it rests."""
        message.stop()
        if self.inbox.has_focus:
            if self._rest:
                self._rest.stop()
            self._rest = self.set_timer(_REST, self._judge)

    def _judge(self) -> None:
        here = self.here()
        if here is None:
            return
        if here.row is None:
            said = f"{here.review.subject.model} {here.review.subject.name} is no longer in the index"
            self.verdict.draw_instead(bars.problem(Error(said, hint=f"{keys.shown('sync')} reads its registry again")))
            return
        self._sent = PlanRequest(deed=Deed.PROMOTE, row=here.row, alias=here.review.alias, judged=True)
        if found := self._plans.get((identity(here.row), here.review.alias)):
            self._draw(found)
        else:
            self.verdict.draw_instead([(Span("…", Tone.DIM),)])
            self._waits = True
            self.ask(self._sent)
            self.set_timer(_SLOW, partial(self._still, self._sent))

    def _still(self, sent: PlanRequest) -> None:
        """Say what is waited for, where a plan takes long."""
        here = self.here()
        if sent is self._sent and here is not None and self._waits:
            self.verdict.draw_instead(review.slow_lines(here.review.subject.registry))

    def on_plan_ready(self, message: PlanReady) -> None:
        """Show the plan, unless the cursor has moved on."""
        row = message.request.row
        if row is None:
            return
        self._plans[identity(row), message.request.alias] = message.drawn
        if message.request == self._sent:
            self._draw(message.drawn)

    def _draw(self, drawn: Drawn) -> None:
        here = self.here()
        self._waits = False
        standing = self.session.standing
        why = f"read-only: {text.safe(standing.read_only, 600)}" if standing and standing.read_only else ""
        self.verdict.draw(drawn, noted=why)
        if here and here.row and not here.review.alias:  # its likeliest alias is known now
            from msgspec.structs import replace

            request = replace(here.review, alias=drawn.plan.alias, incumbent=drawn.plan.incumbent)
            self._waiting[self.inbox.cursor] = Waiting(request, here.row)
            self._plans[identity(here.row), request.alias] = drawn
            self._show_inbox()
        self.frame()

    def fail(self, request: m.Request, error: Error) -> None:
        """Show why there is no plan where it would stand."""
        if isinstance(request, PlanRequest) and request != self._sent:
            return  # the cursor has moved on
        if isinstance(request, PlanRequest | InboxRequest):
            self._waits = False
            self.verdict.draw_instead(bars.problem(error))
        else:
            self.say_error(error)
        self.frame()

    def spoken(self) -> Iterable[str]:
        """Return the promotion, and its check, as commands."""
        row, plan = self.subject(), self.verdict.plan
        if row is not None and plan is not None:
            yield from (one for one in (plan.command, spoken.said(spoken.check(row, plan.alias))) if one)

    # --- keys ---

    def wish(self, deed: Deed) -> PlanRequest:
        """Return what a deed is about: the candidate, and the alias that it is for."""
        here = self.here()
        alias = here.review.alias if here and deed in _ABOUT_ALIAS else ""
        return PlanRequest(deed=deed, row=self.subject(), alias=alias)

    def on_chosen(self, message: m.Chosen) -> None:
        """Go from the inbox into the plan."""
        message.stop()
        if self.inbox.has_focus and self.verdict.plan is not None:
            self.verdict.focus()

    def do_compare(self) -> None:
        """Compare the candidate with what it would replace."""
        row, drawn = self.subject(), self.verdict.drawn
        if row and drawn and drawn.rival:
            self.go(Where.COMPARE, (drawn.rival, row))

    def do_compare_screen(self) -> None:
        """Compare the candidate with what it would replace."""
        self.do_compare()

    def do_fold_part(self) -> None:
        """Fold or unfold the part of the plan with the cursor; from the inbox every part."""
        self.verdict.fold()

    def do_worse(self) -> None:
        """Go to the next thing that stands in the way or is worse."""
        self._hop(1)

    def do_worse_before(self) -> None:
        """Go to the one before."""
        self._hop(-1)

    def _hop(self, by: int) -> None:
        if not self.verdict.hop(by):
            where = "below" if by > 0 else "above"
            self.say((Span(f"Nothing {where} stands in the way or is worse.", Tone.DIM),))

    def do_evidence(self) -> None:
        """Ask where the evidence should be written, and write it."""
        from lineal_tui.screens.prompt import Prompt, something

        row, plan = self.subject(), self.verdict.plan
        if row is None or plan is None:
            return
        picture = self.app.export_screenshot(title="lineal review")
        begun = str(PurePath(self.session.cwd) / "evidence" / file_name(f"{row.model}-{row.name}-{plan.alias}"))

        def take(folder: str | None) -> None:
            if folder:
                self.ask(ReportRequest(row, plan.alias, folder, picture))

        said = "Markdown, JSON, JUnit and this screen are written into this folder"
        self.app.push_screen(Prompt("evidence into", said, begun=begun, wrong=something), take)

    def on_report_ready(self, message: ReportReady) -> None:
        """Say what was written."""
        folder = text.safe(message.request.folder, 200)
        self.say((Span("✔ ", Tone.BETTER), Span(f"{text.plural(len(message.paths), 'file')} in {folder}")))


def _same(one: Waiting, other: Waiting) -> bool:
    return (one.review.subject.key, one.review.alias) == (other.review.subject.key, other.review.alias)


def subject_of(row: VersionRow) -> Subject:
    """Return a version as what a plan is about."""
    return Subject(
        registry=row.registry, model=row.model, key=row.key, name=row.name, author=row.author,
        reference=canonical(row.registry, row.model, row.name), created_at=row.created_at,
    )  # fmt: skip


def file_name(said: str) -> str:
    """Return a name for a folder out of foreign names."""
    return re.sub(r"[^\w.-]+", "-", said, flags=re.ASCII).strip("-.")[:100] or "evidence"
