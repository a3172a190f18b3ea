"""One line to type in, above a screen: a reason, a note, an alias, tags, a date, a folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label

from lineal.model.listing import VersionRow
from lineal_tui.acts import TargetsReady, TargetsRequest
from lineal_tui.messages import Ask, Chosen, Failed
from lineal_tui.present import text
from lineal_tui.present.ink import Line, Span, Tone
from lineal_tui.screens.dialog import Dialog
from lineal_tui.widgets.lines import PickList
from lineal_tui.wishes import Wrong, anything
from lineal_tui.wishes import something as something


class Prompt(Dialog[str]):
    """A line to type in; below it what it is for, or words that would do. The answer is the line, or None."""

    # None has priority: a key with priority overtakes the characters that still wait for the input.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,down", "word(1)", show=False),
        Binding("shift+tab,up", "word(-1)", show=False),
        Binding("escape", "key('close')", show=False),
        Binding("enter", "key('choose')", show=False),  # typed before the line has the cursor
    ]

    def __init__(
        self, title: str, said: str, *, begun: str = "", wrong: Wrong = anything, row: VersionRow | None = None
    ) -> None:
        """Make a prompt.

        Args:
            title: what is asked for.
            said: what it is for.
            begun: what the line holds at first.
            wrong: says what is wrong with what was typed.
            row: a version whose possible aliases are offered.
        """
        super().__init__()
        self._title, self._said, self._begun, self._wrong, self._row = title, said, begun, wrong, row
        self._words: Sequence[str] = ()
        self._at = -1

    def compose(self) -> ComposeResult:
        """Put the line above what it is for."""
        with Vertical(id="box"):
            with Horizontal(id="title"):
                yield Label(f" {self._title}: ", classes="prompt", markup=False)
                yield Input(self._begun, compact=True, select_on_focus=False)
            yield PickList(id="list")

    def on_mount(self) -> None:
        """Say what it is for, and ask for words that would do."""
        pane = self.query_one(PickList)
        pane.add_class("list")
        pane.can_focus = False
        self._say((Span(text.safe(self._said, 400), Tone.DIM),))
        line = self.query_one(Input)
        line.focus()
        line.cursor_position = len(self._begun)
        if self._row is not None:
            self.post_message(Ask(TargetsRequest(self._row), self))

    def _say(self, *lines: Line) -> None:
        self.query_one(PickList).show(list(lines))

    def on_targets_ready(self, message: TargetsReady) -> None:
        """Offer the aliases, likeliest first; one that no terminal can show as it is cannot be typed either."""
        self._words = [alias for alias in message.aliases if text.safe(alias) == alias]
        self._offer()

    def on_failed(self, message: Failed) -> None:
        """Without words to offer the line can be typed all the same."""

    def _offer(self) -> None:
        said: Line = (Span(text.safe(self._said, 400), Tone.DIM),)
        lines: list[Line] = [
            (Span(text.safe(word, 80), Tone.ACCENT if i == self._at else Tone.ALIAS),)
            for i, word in enumerate(self._words)
        ]
        self._say(said, *lines)
        self.query_one(PickList).cursor = self._at + 1

    def action_word(self, by: int) -> None:
        """Put the next word into the line."""
        if self._words:
            self._at = (self._at + by) % len(self._words) if self._at >= 0 or by > 0 else len(self._words) - 1
            line = self.query_one(Input)
            line.value = self._words[self._at]
            line.cursor_position = len(line.value)
            self._offer()

    def on_chosen(self, message: Chosen) -> None:
        """Words are taken with tab."""
        message.stop()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take enter as the input does: after all that was typed before it."""
        event.stop()
        self.choose()

    def choose(self) -> None:
        """Answer with the line, if it will do."""
        value = self.query_one(Input).value.strip()
        if wrong := self._wrong(value):
            self._say((Span(text.safe(wrong, 400), Tone.ERROR),))
        else:
            self.dismiss(value)
