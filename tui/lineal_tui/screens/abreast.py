"""What opens above Compare: one row in full, a text's difference, and the line that filters the rows."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Input

from lineal.model.diff import Diff, Facet, Row
from lineal_tui.messages import Ask, Failed
from lineal_tui.present import abreast, bars, code, text
from lineal_tui.present.ink import Line, Span, Tone
from lineal_tui.screens.dialog import Dialog
from lineal_tui.screens.prompt import Prompt
from lineal_tui.texting import TextReady, TextRequest
from lineal_tui.widgets.lines import TextPane

_MOST = 20_000  # lines of a difference


class CodePane(TextPane):
    """A difference of which each line is coloured when it is looked at."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._said: list[tuple[str, str]] = []

    def tell(self, said: str, note: str) -> None:
        """Show a difference."""
        whole = said.splitlines()
        told = list(zip(whole[:_MOST], code.languages(whole), strict=False))
        left = len(whole) - len(told)
        told += [(f"… {text.plural(left, 'more line')}", "")] if left else []
        self._said = [*([(f"# {note}", "")] if note else []), *told]
        self.changed()

    def total(self) -> int:
        """Return the number of lines."""
        return len(self._said) or len(self.lines)

    def line_at(self, index: int) -> Line:
        """Return one line, coloured."""
        return code.line(*self._said[index]) if self._said else self.lines[index]


class Above(Dialog[None]):
    """A large box with one pane."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def make(self) -> TextPane:
        """Return the pane."""
        return TextPane(id="list")

    def compose(self) -> ComposeResult:
        """Put the pane below the title."""
        with Vertical(id="box"):
            yield self.frame(self._title)
            pane = self.make()
            pane.add_class("list")
            yield pane

    def on_mount(self) -> None:
        """Let it be scrolled."""
        self.query_one(TextPane).focus()


class Abreast(Above):
    """One row: every version's value in full."""

    def __init__(self, diff: Diff, facet: Facet, row: Row) -> None:
        super().__init__(text.safe(row.name, 200))
        self._shown = diff, facet, row

    def on_resize(self) -> None:
        """Break the lines for the width."""
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        pane = self.query_one(TextPane)
        pane.show(abreast.lines(*self._shown, pane.room))


class Patch(Above):
    """The difference of a text: one that is at hand, or one that is asked for."""

    def __init__(self, title: str, wanted: TextRequest | str) -> None:
        super().__init__(title)
        self._wanted = wanted

    def make(self) -> TextPane:
        """Return a pane that colours code."""
        pane = CodePane(id="list")
        pane.lines = [(Span(" …", Tone.DIM),)]
        return pane

    def on_mount(self) -> None:
        """Show what is at hand, or ask."""
        if isinstance(self._wanted, str):
            self.query_one(CodePane).tell(self._wanted, "")
        else:
            self.post_message(Ask(self._wanted, self))

    def on_text_ready(self, message: TextReady) -> None:
        """Show it."""
        pane = self.query_one(CodePane)
        if message.text:
            pane.tell(message.text, message.note)
        else:
            pane.show([(Span(" The texts are the same.", Tone.DIM),)])

    def on_failed(self, message: Failed) -> None:
        """Show why there is none."""
        self.query_one(CodePane).show(bars.problem(message.error))


class Filter(Prompt):
    """The words that rows must hold; `live` is told at every key."""

    def __init__(self, begun: str, live: Callable[[str], None]) -> None:
        said = "words in names, values and notes, as in lr or f32 [2,768]; enter keeps"
        super().__init__("filter", said, begun=begun)
        self._live = live

    def on_input_changed(self, event: Input.Changed) -> None:
        """Let the rows follow."""
        event.stop()
        self._live(event.value)
