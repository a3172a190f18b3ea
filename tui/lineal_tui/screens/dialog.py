"""What opens above a screen: a choice, the help, the question whether to quit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label

from lineal_tui import keys
from lineal_tui.keys import Key, Where
from lineal_tui.messages import Chosen
from lineal_tui.present import bars
from lineal_tui.present.ink import BLANK, Line, Span, Tone
from lineal_tui.screens.laying import Overlay, laid_out
from lineal_tui.widgets.bars import Bar
from lineal_tui.widgets.lines import FAR, Lines, PickList, TextPane

T = TypeVar("T")
_STEPS = {"up": -1, "down": 1, "top": -FAR, "bottom": FAR}
_PAGES = {"page_up": -1.0, "page_down": 1.0, "half_up": -0.5, "half_down": 0.5}


class Dialog(Overlay[T], inherit_bindings=False):
    """A box above a screen; its keys are those of the table for dialogs."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(Where.DIALOG)
    TITLE = ""

    def frame(self, title: str) -> Bar:
        """Return the line at the top of the box."""
        bar = Bar(id="title")
        bar.show(lambda cells: (Span(f" {title}", Tone.STRONG),))
        return bar

    def action_key(self, key: str) -> None:
        """Move in the list, or do what the dialog does for the key."""
        pane = self.query(Lines).filter(".list").first(Lines)
        if key in _STEPS:
            pane.step(_STEPS[key])
        elif key in _PAGES:
            pane.page(_PAGES[key])
        elif key in ("left", "right"):
            pane.sideways(-1 if key == "left" else 1)
        elif key == "choose":
            self.choose()
        else:
            self.dismiss(None)

    def choose(self) -> None:
        """Take what is under the cursor: here there is nothing to take."""
        self.dismiss(None)


class Chooser(Dialog[int]):
    """A list of lines, narrowed by typing; the answer is the index of the chosen line, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "key('down')", show=False),
        Binding("up", "key('up')", show=False),
        Binding("ctrl+k", "key('up')", show=False, priority=True),  # the input would delete with it
        Binding("pagedown", "key('page_down')", show=False),
        Binding("pageup", "key('page_up')", show=False),
        Binding("escape", "key('close')", show=False),
    ]

    def __init__(self, title: str, lines: Sequence[Line], picked: int = 0) -> None:
        super().__init__()
        self._title = title
        self._hold(lines)
        self._shown = list(range(len(self._lines)))
        self._picked = picked

    def _hold(self, lines: Sequence[Line]) -> None:
        self._lines = list(lines)
        self._words = ["".join(span.text for span in line).lower() for line in lines]

    def relist(self, lines: Sequence[Line]) -> None:
        """Offer other lines, narrowed by what was typed."""
        self._hold(lines)
        self.typed(self.query_one(Input).value)

    def compose(self) -> ComposeResult:
        """Put the line to type in above the list."""
        with Vertical(id="box"):
            with Horizontal(id="title"):
                yield Label(f" {self._title}: ", classes="prompt", markup=False)
                yield Input(compact=True)
            yield PickList(id="list")

    def on_mount(self) -> None:
        """Show everything."""
        pane = self.query_one(PickList)
        pane.add_class("list")
        pane.can_focus = False
        pane.show(self._lines)
        pane.cursor = self._picked
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Narrow the list."""
        event.stop()
        self.typed(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take enter as the input does: after all that was typed before it."""
        event.stop()
        self.choose()

    def typed(self, value: str) -> None:
        """Keep the lines that hold every typed word; those that begin with the first of them come first."""
        wanted = value.lower().split()
        self._shown = [i for i, said in enumerate(self._words) if all(word in said for word in wanted)]
        if wanted:
            self._shown.sort(key=lambda i: not self._words[i].lstrip().startswith(wanted[0]))
        lines = [self._lines[i] for i in self._shown]
        self.query_one(PickList).show(lines or [(Span("nothing matches", Tone.DIM),)])

    def on_chosen(self, message: Chosen) -> None:
        """Take a line that was clicked twice."""
        message.stop()
        self.choose()

    def choose(self) -> None:
        """Answer with the line under the cursor."""
        cursor = self.query_one(PickList).cursor
        if cursor < len(self._shown):
            self.take(self._shown[cursor])
        else:
            self.dismiss(None)

    def take(self, index: int) -> None:
        """Take the line of that number: by default it is the answer."""
        self.dismiss(index)


class Help(Dialog[None]):
    """The keys of a screen, and why a dimmed one is off."""

    def __init__(self, table: Sequence[Key], why: bars.Why) -> None:
        super().__init__()
        self._table = table
        self._why = {key.id: why(key.id) for key in table}

    def compose(self) -> ComposeResult:
        """Show the keys by group."""
        with Vertical(id="box"):
            yield self.frame("keys")
            pane = TextPane(id="list")
            pane.add_class("list")
            yield pane

    def on_mount(self) -> None:
        """Start at the top."""
        self.query_one(TextPane).focus()

    def on_resize(self) -> None:
        """Break the lines for the width."""
        laid_out(self, self._fill)

    def _fill(self) -> None:
        pane = self.query_one(TextPane)
        pane.show(bars.help_lines(self._table, lambda key: self._why[key], pane.room))


class Quit(Dialog[None]):
    """Ask whether to quit: q again or y does, anything else stays."""

    def __init__(self, *, syncing: bool) -> None:
        super().__init__()
        self._syncing = syncing

    def compose(self) -> ComposeResult:
        """Ask."""
        with Vertical(id="box"):
            yield self.frame("quit?")
            pane = TextPane(id="list")
            pane.add_class("list")
            pane.lines = [
                (Span(" A sync runs: it ends with whole registries."),) if self._syncing else BLANK,
                (Span(" q", Tone.ACCENT), Span(" or "), Span("y", Tone.ACCENT), Span(" quits, any other key stays.")),
            ]
            yield pane

    def on_key(self, event: events.Key) -> None:
        """Quit or stay."""
        event.stop()
        event.prevent_default()
        if event.key in ("q", "y"):
            self.app.exit()
        else:
            self.dismiss(None)
