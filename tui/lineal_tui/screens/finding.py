"""Jump by name: models, versions and aliases whose name begins as typed."""

from __future__ import annotations

from textual.widgets import Input

from lineal_tui.keys import Where
from lineal_tui.messages import Ask, Failed, FindReady, FindRequest
from lineal_tui.places import Place, Scope
from lineal_tui.present import bars, text
from lineal_tui.present.ink import Line, Span, Tone
from lineal_tui.screens.dialog import Chooser
from lineal_tui.session import Session
from lineal_tui.widgets.lines import PickList


class Jump(Chooser):
    """Names from the whole index, found as they are typed. The answer is an index into `found`."""

    def __init__(self, session: Session) -> None:
        super().__init__("jump to", [(Span("a version, alias or model; or both: scorer v4", Tone.DIM),)])
        self.session = session
        self.found: list[Place] = []

    def typed(self, value: str) -> None:
        """Ask the index."""
        self.post_message(Ask(FindRequest(value, self.session.scope), self))

    def on_find_ready(self, message: FindReady) -> None:
        """Show what was found, unless something else was typed since."""
        if message.request.text != self.query_one(Input).value:
            return
        self.found = [Place(Where.MODELS, Scope(row.registry, row.model)) for row in message.models]
        self.found += [Place(Where.MODELS, Scope(row.registry, row.model), rows=(row,)) for row in message.rows]
        lines: list[Line] = [
            (
                Span(text.safe(row.model, 60), Tone.STRONG),
                Span(f"  {row.registry}  {text.plural(row.versions, 'version')}", Tone.DIM),
            )
            for row in message.models
        ]
        lines += [
            (
                Span(text.safe(f"{row.model} {row.name}", 60)),
                Span("  " + text.safe(" ".join(row.aliases), 40), Tone.ALIAS),
                Span(f"  {row.registry}", Tone.DIM),
            )
            for row in message.rows
        ]
        self.query_one(PickList).show(lines or [(Span("nothing begins so", Tone.DIM),)])

    def on_failed(self, message: Failed) -> None:
        """Show why nothing can be found."""
        self.query_one(PickList).show(bars.problem(message.error))

    def choose(self) -> None:
        """Answer with the place under the cursor."""
        cursor = self.query_one(PickList).cursor
        self.dismiss(cursor if cursor < len(self.found) else None)
