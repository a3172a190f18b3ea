"""Review told: what waits for one, and the candidate beside what it would replace, with its gates and reasons."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING

from lineal.model.listing import VersionRow
from lineal.model.plan import Plan
from lineal.model.plan import Review as Wanted
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
from lineal_tui.places import Place
from lineal_tui.plain import plans, rows, words
from lineal_tui.plain.listing import Item, Listing
from lineal_tui.plain.room import Room
from lineal_tui.present import text

if TYPE_CHECKING:
    from lineal_tui.plain.conversation import Conversation

_ABOUT_ALIAS = (Deed.PROMOTE, Deed.REQUEST, Deed.APPROVE, Deed.REJECT, Deed.ROLLBACK)


class Review(Room):
    """What waits, or one candidate; which is chosen from the inbox or is the version that one came from."""

    WHERE = Where.REVIEW

    def __init__(self, talk: Conversation, place: Place) -> None:
        super().__init__(talk, place)
        self._alias = place.text  # the alias that the candidate is for; "" for the likeliest
        self._drawn: Drawn | None = None
        self._whole = False  # every check and difference is told

    def off(self, key: str) -> str:
        """Say why a word is off here."""
        if key in ("evidence", "worse", "fold_part") and self._drawn is None:
            return "choose a candidate first"
        if key in ("compare", "compare_screen") and self.subject() is not None:
            return "" if self._drawn and self._drawn.rival else "there is nothing that it would replace"
        if key == "review" and self.subject() is not None:
            return ""
        return super().off(key)

    def enter(self) -> None:
        """Tell the candidate, else what waits."""
        row = self.subject()
        if row is None:
            self._inbox()
        else:
            self._candidate(row)

    # --- the inbox ---

    def _inbox(self) -> None:
        waiting = self.talk.ask(InboxRequest(), InboxReady).waiting
        if not waiting:
            self.talk.say("Nothing waits for a review", "On a version, request asks for one, and review tells it")
            self.listing = Listing()
            return
        wait = "candidate waits", "candidates wait"
        self.talk.say(f"{words.counted(len(waiting), *wait)} for a review; choose one by number")
        self.offer([Item(self._waiting(one.review), self._opens(one)) for one in waiting], "candidate")

    def _waiting(self, one: Wanted) -> str:
        parts = [f"{rows.name(one.subject)} for {text.safe(one.alias, 40)}"]
        if one.asked_at:
            parts.append(f"asked for by {text.person(one.asked_by)} {words.ago(one.asked_at, self.now)}")
        parts += ["yours: somebody else must approve"] if one.mine else []
        since = f", there for {words.span(self.now - one.incumbent_since)}" if one.incumbent_since is not None else ""
        there = text.safe(one.incumbent.name, 60)
        parts.append(f"would replace {there}{since}" if one.incumbent else "replaces nothing")
        parts += [f"saying: {text.safe(one.text, 300)}"] if one.text else []
        return ", ".join(parts)

    def _opens(self, one: Waiting) -> words.Do:
        def choose() -> None:
            if one.row is None:
                self.talk.say(f"The index does not hold {rows.name(one.review.subject)} any more; sync reads again")
            else:
                self.go(Where.REVIEW, (one.row,), said=one.review.alias)

        return choose

    # --- the candidate ---

    def acted(self) -> None:
        """Say how the candidate stands now."""
        if row := self.subject():
            plan = self._judge(row).plan
            self.talk.say(f"{rows.name(row)} for {text.safe(plan.alias, 40)} now: {self._stands(plan)}")

    def _stands(self, plan: Plan) -> str:
        """Return the verdict, or why there is nothing to do any more."""
        said = plans.verdict(plan) if plan.steps else words.listed(text.safe(note, 300) for note in plan.notes[:1])
        return said[:1].lower() + said[1:]

    def _judge(self, row: VersionRow) -> Drawn:
        request = PlanRequest(deed=Deed.PROMOTE, row=row, alias=self._alias, judged=True)
        self._drawn = self.talk.ask(request, PlanReady).drawn
        self._alias = self._drawn.plan.alias
        return self._drawn

    def _candidate(self, row: VersionRow) -> None:
        plan = self._judge(row).plan
        self.talk.say(f"Review of {rows.name(row)} for {text.safe(plan.alias, 40)}")
        self.read(self._told())
        self.talk.say("Approve, reject or promote show their plan first; a number tells the evidence of that check")

    def _told(self) -> Iterator[str]:
        """Return the plan; where it cannot be made, why not comes first."""
        assert self._drawn is not None
        if not self._drawn.plan.steps:
            yield from (f"Note: {text.safe(note, 600)}" for note in self._drawn.plan.notes[:1])
        yield from plans.plan(self._drawn, self.now, most=plans.ALL if self._whole else plans.FEW)

    def do_fold_part(self, rest: str) -> None:
        """Tell every check and every difference, or those that matter."""
        self._whole = not self._whole
        self.again()

    def wish(self, deed: Deed) -> PlanRequest:
        """Return what a deed is about: the candidate, and the alias that it is for."""
        return PlanRequest(deed=deed, row=self.subject(), alias=self._alias if deed in _ABOUT_ALIAS else "")

    def do_review(self, rest: str) -> None:
        """Go back to what waits."""
        self.go(Where.REVIEW)

    def do_compare(self, rest: str) -> None:
        """Compare the candidate with what it would replace."""
        row = self.subject()
        if row and self._drawn and self._drawn.rival:
            self.go(Where.COMPARE, (self._drawn.rival, row))
        else:
            super().do_compare(rest)

    def do_worse(self, rest: str) -> None:
        """Say what stands in the way and what is worse, and nothing else."""
        if self._drawn is None:
            return
        plan = self._drawn.plan
        failing = [said for said in plans.checks(plan.checks) if not said.startswith("Check") or ", passed" not in said]
        worse = [said for said in plans.differences(plan, plans.ALL) if said.startswith("Worse")]
        self.read([plans.verdict(plan), *failing, *(worse or ["Nothing is worse"])])

    def do_open(self, rest: str) -> None:
        """Read out the evidence of a check by its number; in the inbox, choose."""
        if self._drawn is None or not rest.isdecimal():
            super().do_open(rest)
            return
        found = plans.evidence(self._drawn.plan.checks, int(rest))
        self.talk.say(*(found or [f"There is no check {int(rest)}"]))

    def choose(self, number: int) -> None:
        """Choose a candidate; at a candidate, the evidence of the check of that number."""
        if self._drawn is None:
            super().choose(number)
        else:
            self.do_open(str(number))

    def do_evidence(self, rest: str) -> None:
        """Write the evidence into a folder."""
        from lineal_tui.screens.review import file_name

        row = self.subject()
        if row is None:
            return
        begun = str(PurePath(self.talk.session.cwd) / "evidence" / file_name(f"{row.model}-{row.name}-{self._alias}"))
        question = f"Into which folder? Enter alone takes {text.safe(begun, 300)}"
        folder = rest or self.talk.line("folder", question) or begun
        paths = self.talk.ask(ReportRequest(row, self._alias, folder, ""), ReportReady).paths
        self.talk.say(f"{words.counted(len(paths), 'file')} written into {text.safe(folder, 300)}")
