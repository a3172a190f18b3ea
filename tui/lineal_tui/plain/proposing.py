"""Words that change something: the plan is read out, the word itself is typed to confirm it, the outcome is said."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lineal.errors import Conflict, Error
from lineal.model.listing import VersionRow
from lineal.model.plan import Plan
from lineal_tui.acts import Deed, Drawn, Executed, ExecuteRequest, PlanReady, PlanRequest, TargetsReady, TargetsRequest
from lineal_tui.plain import plans, words
from lineal_tui.plain.voice import Over
from lineal_tui.present import text
from lineal_tui.present.plan import checks_of, said_of
from lineal_tui.wishes import WRONG, something, told

if TYPE_CHECKING:
    from lineal_tui.plain.conversation import Conversation

_DEEDS = {deed.value: deed for deed in Deed}
_ASKS = {
    Deed.ROLLBACK: ("reason", "Why does it go back? Enter alone gives no reason"),
    Deed.REJECT: ("reason", "Why must it not go there? It is recorded"),
    Deed.NOTE: ("note", "What should others know about this version?"),
    Deed.ALIAS: ("alias", "Which alias? A name gives it, minus and a name take it away"),
    Deed.TAG: ("tags", "Which tags? A key, an equals sign and a value set one, minus and a key take one away"),
}
"""What is asked for before the plan: the prompt, and the question."""
_TYPED = frozenset({Deed.NOTE, Deed.ALIAS, Deed.TAG})
"""Deeds whose text may stand behind the word itself; behind the others stands an alias."""


class Proposing:
    """A screen with a version that can be acted on."""

    talk: Conversation

    def subject(self) -> VersionRow | None:
        """Return the version that this is about."""
        raise NotImplementedError

    def why_not(self, key: str) -> str:
        """Say why a deed cannot be done here; "" where it can, and for what is no deed."""
        deed, row = _DEEDS.get(key), self.subject()
        if deed is None:
            return ""
        if why := self.talk.session.cannot(deed, row):
            return text.safe(why, 400)
        return "choose a version first" if row is None and deed not in (Deed.UNDO, Deed.RESUME) else ""

    def wish(self, deed: Deed) -> PlanRequest:
        """Return what a deed is about here."""
        return PlanRequest(deed=deed, row=self.subject())

    def do_promote(self, rest: str) -> None:
        """Plan a promotion; the alias may be named."""
        self._propose(Deed.PROMOTE, rest)

    def do_rollback(self, rest: str) -> None:
        """Plan the way back to the holder before."""
        self._propose(Deed.ROLLBACK, rest)

    def do_undo(self, rest: str) -> None:
        """Plan the way back from the last action."""
        self._propose(Deed.UNDO, "")

    def do_resume(self, rest: str) -> None:
        """Plan to end what was begun."""
        self._propose(Deed.RESUME, "")

    def do_request(self, rest: str) -> None:
        """Plan to ask for a review."""
        self._propose(Deed.REQUEST, rest)

    def do_approve(self, rest: str) -> None:
        """Plan an approval."""
        self._propose(Deed.APPROVE, rest)

    def do_reject(self, rest: str) -> None:
        """Plan a rejection."""
        self._propose(Deed.REJECT, rest)

    def do_alias(self, rest: str) -> None:
        """Plan the move of an alias."""
        self._propose(Deed.ALIAS, rest)

    def do_tag(self, rest: str) -> None:
        """Plan other tags."""
        self._propose(Deed.TAG, rest)

    def do_note(self, rest: str) -> None:
        """Plan a note."""
        self._propose(Deed.NOTE, rest)

    def _propose(self, deed: Deed, rest: str) -> None:
        wish = self.wish(deed)
        if rest and deed not in _TYPED:
            wish = replace(wish, alias=rest)
        typed = rest if deed in _TYPED else ""
        asked = self._asked(wish, typed) if deed in _ASKS else wish
        if asked is None:
            self.talk.say("Nothing was changed")
        else:
            Proposal(self.talk, asked).run()

    def _asked(self, wish: PlanRequest, typed: str) -> PlanRequest | None:
        """Ask for the text that a deed needs; None where it was left."""
        prompt, question = _ASKS[wish.deed]
        if not typed and wish.deed is Deed.ALIAS and wish.row is not None:
            known = self.talk.ask(TargetsRequest(wish.row), TargetsReady).aliases
            question += f"; known here: {words.listed(text.safe(alias, 40) for alias in known)}" if known else ""
        typed = typed or self.talk.line(prompt, question)
        wrong = WRONG.get(wish.deed, something)(typed)
        if wrong and typed:
            self.talk.say(f"That will not do: {text.safe(wrong, 200)}")
        return None if wrong else told(wish, typed)


class Proposal:
    """One action: its plan is read out until it is confirmed by its word, or left."""

    def __init__(self, talk: Conversation, wish: PlanRequest) -> None:
        self._talk, self._wish = talk, wish
        self._word = wish.deed.value
        self._override = ""
        self._drawn: Drawn | None = None

    def run(self) -> None:
        """Read the plan out and do what is typed. Raises Over, Cancelled and KeyboardInterrupt: nothing is changed."""
        if not self._plan():
            return
        while (drawn := self._drawn) is not None:
            try:
                self._take(self._talk.line(f"confirm {self._word}", self._offer(drawn.plan)), drawn)
            except Over:
                self._talk.say("Nothing was changed")
                raise

    def _plan(self) -> bool:
        """Make the plan and read it out; say why there is none."""
        try:
            self._drawn = self._talk.ask(self._wish, PlanReady).drawn
        except Error as error:
            self._drawn = None
            self._talk.say(*plans.error(error), "Nothing was changed")
            return False
        self._talk.say(*plans.plan(self._drawn, self._talk.session.clock(), self._override))
        return True

    def _offer(self, plan: Plan) -> str:
        if plan.blocked and not self._override:
            return "Type override to let it through with a reason; enter alone leaves everything as it is"
        return f"Type {self._word} to do it; enter alone, or anything else, leaves everything as it is"

    def _take(self, typed: str, drawn: Drawn) -> None:
        """Do what was typed behind the plan."""
        first, _, rest = typed.strip().partition(" ")
        number = rest.strip()
        if typed.strip().lower().replace(" ", "") == self._word:
            self._confirm(drawn)
        elif first == "evidence" and number.isdecimal():
            found = plans.evidence(drawn.plan.checks, int(number)) or [f"There is no check {int(number)}"]
            self._talk.say(*found)
        elif first in ("all", "everything"):
            self._talk.say(*plans.plan(drawn, self._talk.session.clock(), self._override, plans.ALL))
        elif first == "alias" and number and self._wish.deed not in (Deed.ALIAS, Deed.TAG, Deed.NOTE):
            self._wish = replace(self._wish, alias=number)
            self._override = ""
            self._plan()
        elif first == "override" and drawn.plan.blocked:
            self._overridden(drawn, number)
        elif first in ("?", "help"):
            self._talk.say(*self._help(drawn))
        else:
            self._drawn = None
            self._talk.say("Nothing was changed")

    def _help(self, drawn: Drawn) -> list[str]:
        said = [f"{self._word}: do what the plan says"]
        said += ["override: let it through with a reason that is recorded"] if drawn.plan.blocked else []
        said += ["evidence and a number: what shows how that check came out"] if drawn.plan.checks else []
        said += ["all: every check and every difference"]
        said += ["alias and a name: the plan for that alias"] if len(drawn.aliases) > 1 else []
        return [*said, "Anything else: leave everything as it is"]

    def _overridden(self, drawn: Drawn, reason: str) -> None:
        reason = reason or self._talk.line("reason", "Why shall it go through all the same? It is recorded")
        self._override = reason
        self._talk.say(plans.verdict(drawn.plan, reason) if reason else "Without a reason it stays blocked")

    def _confirm(self, drawn: Drawn) -> None:
        """Carry it out, unless something stands in its way."""
        if drawn.plan.blocked and not self._override:
            self._talk.say(plans.verdict(drawn.plan))
            return
        request = ExecuteRequest(drawn.plan, self._override, Event(), self._wish.deed is Deed.RESUME)
        try:
            done = self._talk.ask(request, Executed).done
        except Conflict as error:
            self._moved(error)
        except Error as error:
            self._drawn = None
            blocked = checks_of(error, drawn.plan).blocked
            self._talk.say(*plans.error(error), *plans.checks(blocked), "Nothing is being done")
        else:
            self._drawn = None
            self._talk.say(*plans.outcome(done))
            self._talk.acted(tuple(dict.fromkeys(one.registry for one in done.plan.changes if one.registry)))

    def _moved(self, error: Conflict) -> None:
        """Read out how things are now, where somebody else came in between."""
        if self._wish.deed is Deed.RESUME:
            self._drawn = None
            self._talk.say(*plans.error(error))
        else:
            self._talk.say(said_of(error))
            self._plan()
