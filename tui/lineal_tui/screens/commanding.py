"""The command line: a line at the bottom of the window that takes what `lineal …` takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label

from lineal.model.listing import VersionRow
from lineal_tui import commands
from lineal_tui.commands import CommandReady, CommandRequest, Outcome, Refused, Runs, WordsReady, WordsRequest
from lineal_tui.messages import Ask, Chosen, Failed
from lineal_tui.present import bars, text
from lineal_tui.present.ink import Line, Span, Tone, cut, fit, fit_path, width
from lineal_tui.screens.dialog import Dialog
from lineal_tui.session import Session
from lineal_tui.widgets.bars import Bar
from lineal_tui.widgets.lines import PickList

LEAVE = Refused("")
"""The answer that means: leave this place, as `q` does."""
_SHOWN = 60  # words that are offered at once


class CommandLine(Dialog[Outcome], inherit_bindings=False):
    """A line to type in; above it what may follow, or what is wrong. The answer is what becomes of it."""

    # None has priority: a key with priority overtakes the characters that still wait for the input.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "word(1)", show=False),
        Binding("shift+tab", "word(-1)", show=False),
        Binding("up,ctrl+p", "before(1)", show=False),
        Binding("down,ctrl+n", "before(-1)", show=False),
        Binding("escape", "key('close')", show=False),
        Binding("enter", "key('choose')", show=False),  # typed before the line has the cursor
    ]

    def __init__(self, session: Session, here: VersionRow | None, begun: str = "") -> None:
        super().__init__()
        self._session, self._here, self._begun = session, here, begun
        self._head = ""
        self._words: Sequence[tuple[str, str]] = ()
        self._at = -1
        self._own = begun  # what was put there, not typed: that asks for no words
        self._back = 0  # how far back in the lines used before the one is that stands there
        self._typed = begun
        self._told: str | None = None  # the line of which it is said what is wrong
        self._sent: CommandRequest | None = None
        self._hasty = False  # enter came too fast behind other keys

    def compose(self) -> ComposeResult:
        """Put what may follow above the line."""
        with Vertical(id="box"):
            yield PickList(id="list")
            hint = Bar(id="hint")
            hint.show(self._hint)
            yield hint
            with Horizontal(id="title"):
                yield Label(":", classes="prompt", markup=False)
                yield Input(self._begun, compact=True, select_on_focus=False)

    def on_mount(self) -> None:
        """Type at the end."""
        pane = self.query_one(PickList)
        pane.add_class("list")
        pane.can_focus = False
        self._say()
        line = self.query_one(Input)
        line.focus()
        line.cursor_position = len(self._begun)
        self._ask_for_words(self._begun)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Ask for what was typed since the key that opened this."""
        self.post_message(commands.Listening())

    # --- what is said ---

    def _say(self, *lines: Line) -> None:
        """Show lines above the line."""
        pane = self.query_one(PickList)
        pane.display = bool(lines)
        pane.show(list(lines))
        pane.cursor = max(0, self._at)

    def _hint(self, cells: int) -> Line:
        """Return what % stands for and what the keys do: the latter gives way."""
        named = text.safe(commands.reference(self._here), 200) if self._here else ""
        keys = "tab completes · ↑ before · enter runs · esc"
        stands = f" is {fit_path(named, min(width((Span(named),)), max(20, cells - 40)))} · " if named else ""
        return cut((Span(f" {commands.HERE}" if named else " ", Tone.ACCENT), Span(stands + keys, Tone.DIM)), cells)

    def _wrong(self, *lines: Line) -> None:
        self._words, self._at = (), -1
        self._told = self.query_one(Input).value
        self._say(*lines)

    def _offer(self) -> None:
        lines: list[Line] = []
        wide = max([16, *(len(word) for word, _ in self._words[:_SHOWN])])
        for i, (word, what) in enumerate(self._words[:_SHOWN]):
            said = fit(text.safe(word, 80), min(wide, 50)) if what else text.safe(word, 80)
            lines.append((
                Span(said, Tone.ACCENT if i == self._at else Tone.ALIAS),
                Span(f"  {text.safe(what, 200)}" if what else "", Tone.DIM),
            ))  # fmt: skip
        self._say(*lines)

    # --- words ---

    def _ask_for_words(self, value: str) -> None:
        at = self.query_one(Input).cursor_position
        self.post_message(Ask(WordsRequest(value, at, self._session.page, self._here), self))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Ask what may follow."""
        event.stop()
        if event.value != self._own:
            self._own, self._at, self._back = event.value, -1, 0
            self._ask_for_words(event.value)

    def on_words_ready(self, message: WordsReady) -> None:
        """Offer the words, unless something else was typed since."""
        line = self.query_one(Input)
        if line.value == self._told:
            return  # what is wrong with it stands there
        self._told = None
        if (message.request.text, message.request.at) == (line.value, line.cursor_position):
            self._head, self._words, self._at = message.head, message.words[:_SHOWN], -1
            self._offer()

    def action_word(self, by: int) -> None:
        """Put the next word in place; the only one there is ends with a space, and the next are asked for."""
        if not self._words:
            self._ask_for_words(self.query_one(Input).value)
            return
        alone = len(self._words) == 1
        self._at = (self._at + by) % len(self._words) if self._at >= 0 or by > 0 else len(self._words) - 1
        line = self.query_one(Input)
        rest = line.value[line.cursor_position :]
        self._own = self._head + self._words[self._at][0] + (" " if alone and not rest else "") + rest
        line.value = self._own
        line.cursor_position = len(self._own) - len(rest)
        self._offer()
        if alone:
            self._ask_for_words(self._own)

    def action_before(self, by: int) -> None:
        """Put a line there that was used before, or a later one."""
        line = self.query_one(Input)
        if self._back == 0:
            self._typed = line.value
        used = [one for one in self._session.commands if one != self._typed]
        self._back = max(0, min(len(used), self._back + by))
        self._own = used[-self._back] if self._back else self._typed
        self._words, self._at = (), -1
        self._say()
        line.value = self._own
        line.cursor_position = len(self._own)

    # --- enter ---

    def on_chosen(self, message: Chosen) -> None:
        """Words are taken with tab."""
        message.stop()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take enter as the input does: after all that was typed before it."""
        event.stop()
        self.choose()

    def choose(self) -> None:
        """Ask what becomes of the line."""
        typed = self.query_one(Input).value
        self._hasty = self._session.hurried
        try:
            words = commands.split(typed, self._here)
        except ValueError as error:
            said = str(error)
            self._wrong((Span(said[0].upper() + said[1:] + ".", Tone.ERROR),))
            return
        if not words:
            self.dismiss(None)
        elif len(words) == 1 and words[0] in commands.LEAVES:
            self.dismiss(LEAVE)
        else:
            standing = self._session.standing
            read_only = standing.read_only if standing else self._session.unwritable
            self._sent = CommandRequest(tuple(words), self._session.page, read_only)
            self.post_message(Ask(self._sent, self))

    def on_command_ready(self, message: CommandReady) -> None:
        """Answer with what becomes of it; say why nothing does, with the line as it was."""
        if message.request is not self._sent:
            return
        outcome = message.outcome
        if isinstance(outcome, Refused):
            self._wrong((Span("✘ ", Tone.ERROR), Span(text.safe(outcome.why, 400))))
        elif isinstance(outcome, Runs) and outcome.changes and self._hasty:
            self._wrong((Span("Keys came too fast to be meant: press enter once more.", Tone.WARN),))
        else:
            self._session.commands = commands.remembered(self._session.commands, self.query_one(Input).value)
            self.dismiss(outcome)

    def on_failed(self, message: Failed) -> None:
        """Say what is wrong with it; without words to offer it can be typed all the same."""
        if message.request is self._sent:
            self._wrong(*bars.problem(message.error))
