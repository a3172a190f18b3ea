"""Keys that change something: each asks for a text where one is needed, then shows its plan."""

from __future__ import annotations

from lineal.model.plan import Done
from lineal_tui.acts import Deed, PlanRequest
from lineal_tui.present import plan, text
from lineal_tui.screens.going import Going
from lineal_tui.wishes import ASKED, WRONG, something, told

_DEEDS = {deed.value: deed for deed in Deed}


class Acting(Going):
    """A screen with a version that can be acted on."""

    def off(self, key: str) -> str:
        """Say why a key does nothing now; "" where it works."""
        if deed := _DEEDS.get(key):
            return self._why_not(deed)
        return super().off(key)

    def _why_not(self, deed: Deed) -> str:
        row = self.subject()
        if why := self.session.cannot(deed, row):
            return text.safe(why, 300)
        return "no version under the cursor" if row is None and deed not in (Deed.UNDO, Deed.RESUME) else ""

    def wish(self, deed: Deed) -> PlanRequest:
        """Return what a deed is about here."""
        return PlanRequest(deed=deed, row=self.subject())

    def do_promote(self) -> None:
        """Plan a promotion."""
        self._deed(Deed.PROMOTE)

    def do_tag(self) -> None:
        """Plan other tags."""
        self._deed(Deed.TAG)

    def do_alias(self) -> None:
        """Plan the move of an alias."""
        self._deed(Deed.ALIAS)

    def do_rollback(self) -> None:
        """Plan the way back to the holder before."""
        self._deed(Deed.ROLLBACK)

    def do_undo(self) -> None:
        """Plan the way back from the last action."""
        self._deed(Deed.UNDO)

    def do_request(self) -> None:
        """Plan to ask for a review."""
        self._deed(Deed.REQUEST)

    def do_approve(self) -> None:
        """Plan an approval."""
        self._deed(Deed.APPROVE)

    def do_reject(self) -> None:
        """Plan a rejection."""
        self._deed(Deed.REJECT)

    def do_note(self) -> None:
        """Plan a note."""
        self._deed(Deed.NOTE)

    def resume(self, action: str) -> None:
        """Show what was begun, to be ended."""
        self._preview(PlanRequest(deed=Deed.RESUME, event=action))

    def _deed(self, deed: Deed) -> None:
        wish = self.wish(deed)
        if deed in ASKED:
            self._ask_for(wish)
        else:
            self._preview(wish)

    def _ask_for(self, wish: PlanRequest) -> None:
        from lineal_tui.screens.prompt import Prompt

        title, said = ASKED[wish.deed]
        offered = wish.row if wish.deed is Deed.ALIAS else None
        line = Prompt(title, said, wrong=WRONG.get(wish.deed, something), row=offered)

        def take(typed: str | None) -> None:
            if typed is not None:
                self._preview(told(wish, typed))

        self.app.push_screen(line, take)

    def _preview(self, wish: PlanRequest) -> None:
        from lineal_tui.screens.preview import Preview

        self.app.push_screen(Preview(wish, self.session), self._done)

    def _done(self, done: Done | None) -> None:
        if done is not None:
            self.say(plan.result(done))
