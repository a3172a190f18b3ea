"""The filter box: live, with completion, the filters used before, and an error that points at the word."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widgets import Input, Label

from lineal.errors import Error, QueryError
from lineal_tui.messages import Ask, CompleteReady, CompleteRequest, FilterChanged, FilterClosed
from lineal_tui.present import bars, text
from lineal_tui.present.ink import BLANK, Line, Span, Tone
from lineal_tui.widgets.bars import Bar

_PAUSE = 0.12  # seconds without a key before the list follows
_INDENT = 3


class FilterBox(Vertical):
    """A line to type in; below it what is wrong, or the words that may follow."""

    # None has priority: a key with priority overtakes the characters that still wait for the input.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete(1)", show=False),
        Binding("shift+tab", "complete(-1)", show=False),
        Binding("escape", "clear", show=False),
        Binding("up,ctrl+p", "before(1)", show=False),
        Binding("down,ctrl+n", "before(-1)", show=False),
    ]

    def __init__(self, value: str, used: Sequence[str]) -> None:
        super().__init__(id="filter-box")
        self._value = value
        self._used = list(used)  # the newest last
        self._back = 0  # how far back in them the one is that stands there; 0 is what was typed
        self._typed = value
        self._timer: Timer | None = None
        self._head = ""
        self._words: list[str] = []
        self._at = -1
        self._own = value  # what the box itself put there: completing must not ask for completions

    def compose(self) -> ComposeResult:
        """Put the prompt, the input, and the two lines below it."""
        with Horizontal():
            yield Label(" / ", classes="prompt", markup=False)
            yield Input(self._value, compact=True, select_on_focus=False)
        yield Bar(id="wrong")
        yield Bar(id="words")

    def on_mount(self) -> None:
        """Type at the end."""
        field = self.query_one(Input)
        field.focus()
        field.cursor_position = len(self._value)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Follow what is typed, a moment later."""
        event.stop()
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(_PAUSE, lambda: self.post_message(FilterChanged(event.value)))
        if event.value != self._own:
            self._own, self._at, self._back = event.value, -1, 0
            self.post_message(Ask(CompleteRequest(event.value, self.query_one(Input).cursor_position), self))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take enter as the input does: after all that was typed before it."""
        event.stop()
        self.action_keep()

    def show_error(self, error: Error | None) -> None:
        """Point at the wrong word, or at nothing."""
        self.set_class(error is not None, "-wrong")
        if isinstance(error, QueryError):
            self.query_one("#wrong", Bar).show(lambda cells: bars.wrong_word(error, _INDENT, cells))
        elif error is not None:
            self.query_one("#wrong", Bar).show(lambda cells: bars.problem(error)[0])

    def on_complete_ready(self, message: CompleteReady) -> None:
        """Offer the words, unless something else was typed since."""
        field = self.query_one(Input)
        if (message.request.text, message.request.at) != (field.value, field.cursor_position):
            return
        self._head, self._words, self._at = message.head, message.words, -1
        self._show_words()

    def _show_words(self) -> None:
        self.set_class(bool(self._words), "-words")
        self.query_one("#words", Bar).show(self._words_line)

    def _words_line(self, cells: int) -> Line:
        if not self._words:
            return BLANK
        first = max(0, self._at)
        out: list[Span] = [Span(" tab ", Tone.DIM)]
        for i, word in enumerate(self._words[first : first + 20], first):
            out += [Span("  "), Span(text.safe(word, 40), Tone.ACCENT if i == self._at else Tone.DIM)]
        return tuple(out)

    def action_complete(self, by: int) -> None:
        """Put the next word in place."""
        if not self._words:
            return
        self._at = (self._at + by) % len(self._words) if self._at >= 0 or by > 0 else len(self._words) - 1
        field = self.query_one(Input)
        rest = field.value[field.cursor_position :]
        self._own = self._head + self._words[self._at] + rest
        field.value = self._own
        field.cursor_position = len(self._own) - len(rest)
        self._show_words()

    def action_before(self, by: int) -> None:
        """Put a filter there that was used before, or a later one; down from what was typed goes to the list."""
        field = self.query_one(Input)
        if self._back == 0:
            self._typed = field.value
            if by < 0:
                self.action_keep()
                return
        used = [one for one in self._used if one != self._typed]
        self._back = max(0, min(len(used), self._back + by))
        self._own = used[-self._back] if self._back else self._typed
        self._words, self._at = [], -1
        self._show_words()
        field.value = self._own
        field.cursor_position = len(self._own)

    def action_clear(self) -> None:
        """Take the filter away."""
        self._stop()
        self.post_message(FilterChanged("", final=True))
        self.post_message(FilterClosed(cleared=True))

    def action_keep(self) -> None:
        """Keep the filter and go to the list."""
        self._stop()
        self.post_message(FilterChanged(self.query_one(Input).value, final=True))
        self.post_message(FilterClosed(cleared=False))

    def _stop(self) -> None:
        if self._timer:
            self._timer.stop()
