"""The store's verbs, as lines that can be changed before they run: what the command line would take."""

from __future__ import annotations

import shlex
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label

from lineal.model.listing import VersionRow
from lineal.model.reference import canonical
from lineal_tui.messages import Chosen
from lineal_tui.present import text
from lineal_tui.present.ink import Line, Span, Tone, fit
from lineal_tui.screens.dialog import Dialog
from lineal_tui.widgets.lines import PickList

NATIVE = "native"
"""The kind of a registry that is a store of Lineal's own."""


def offers(row: VersionRow | None, kind: str) -> list[tuple[str, str]]:
    """Return what can be begun here: a line for the command line, and what it does."""
    found = [
        ("commit ", "put files into the store: commit PATH --model NAME"),
        ("push ", "send versions to a remote"),
        ("pull ", "bring versions from a remote"),
        ("verify", "check that everything in the store is whole"),
    ]
    if row is None:
        return found
    if kind == NATIVE:
        named = shlex.quote(canonical("", row.model, row.name))
        first = [(f"get {named} ", "bring this version back into a folder"), (f"retire {named} -m ", "not to be used")]
    else:
        named = shlex.quote(canonical(row.registry, row.model, row.name))
        first = [(f"import {named}", "copy this version into the store")]
    return [*first, *found]


def offer_line(offer: tuple[str, str]) -> Line:
    """Return one entry of the palette."""
    verb, said = offer
    return (Span(fit(f"{verb.split()[0]} …", 16)), Span(" " * 8), Span(said, Tone.DIM))


class Command(Dialog[list[str]]):
    """A line of the command line, without `lineal`; the answer is its words, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "key('close')", show=False),
        Binding("enter", "key('choose')", show=False),  # typed before the line has the cursor
    ]

    def __init__(self, begun: str) -> None:
        super().__init__()
        self._begun = begun

    def compose(self) -> ComposeResult:
        """Put the line above what it means."""
        with Vertical(id="box"):
            with Horizontal(id="title"):
                yield Label(" lineal ", classes="prompt", markup=False)
                yield Input(self._begun, compact=True, select_on_focus=False)
            yield PickList(id="list")

    def on_mount(self) -> None:
        """Say what enter does."""
        pane = self.query_one(PickList)
        pane.add_class("list")
        pane.can_focus = False
        self._say("enter runs it in the background; esc leaves it", Tone.DIM)
        line = self.query_one(Input)
        line.focus()
        line.cursor_position = len(self._begun)

    def _say(self, said: str, tone: Tone) -> None:
        self.query_one(PickList).show([(Span(text.safe(said, 400), tone),)])

    def on_chosen(self, message: Chosen) -> None:
        """Nothing can be chosen here."""
        message.stop()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take enter as the input does: after all that was typed before it."""
        event.stop()
        self.choose()

    def choose(self) -> None:
        """Answer with the words of the line, if they can be told apart."""
        try:
            words = shlex.split(self.query_one(Input).value)
        except ValueError as error:
            self._say(f"that is no command line: {error}", Tone.ERROR)
            return
        self.dismiss(words or None)
