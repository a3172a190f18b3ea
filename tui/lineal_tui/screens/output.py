"""A command that runs: what it writes, as it comes, and how it ended."""

from __future__ import annotations

import shlex
import time
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.timer import Timer

from lineal_tui import keys
from lineal_tui.commands import CommandEnded, CommandWanted, Runs, StopCommand
from lineal_tui.keys import Where
from lineal_tui.messages import Copy
from lineal_tui.present import output, text
from lineal_tui.present.ink import BLANK, Line, Span, Tone, spread
from lineal_tui.screens.dialog import Dialog
from lineal_tui.screens.laying import laid_out
from lineal_tui.widgets.bars import Bar
from lineal_tui.widgets.lines import FAR, TextPane

_EVERY = 0.1  # seconds between two looks at what was written
_ASIDE = 8  # cells that one step sideways goes


class OutputPane(TextPane):
    """Lines of output: as long as they are, seen through a window that moves sideways, or broken."""

    def __init__(self) -> None:
        super().__init__(id="list")
        self.broken = False
        self.aside = 0
        self.follows = False  # stay at the end while more comes
        self._read = 0  # lines of the output that `_first` holds
        self._first: list[Line] = []
        self._laid = 0  # for how many cells

    def draw(self, shown: output.Output, end: list[Line]) -> None:
        """Show what there is by now."""
        if self._laid != self.room:
            self._laid, self._read, self._first = self.room, 0, []
        for said in shown.first[self._read :]:
            self._first += output.rows_of(said, self.room, broken=self.broken)
        self._read = len(shown.first)
        left_out, last = shown.last()
        lines = [*self._first]
        lines += [(Span(output.omission(left_out), Tone.WARN),)] if left_out else []
        lines += [line for said in last for line in output.rows_of(said, self.room, broken=self.broken)]
        self.show([*lines, *end], keep=True)
        if self.follows:
            super().step(FAR)

    def turn(self) -> None:
        """Break long lines, or no longer."""
        self.broken = not self.broken
        self.aside, self._laid = 0, 0

    def line_at(self, index: int) -> Line:
        """Return one line, from where the window begins."""
        line = super().line_at(index)
        if not self.aside or len(line) != 1:
            return line
        said, tone = line[0]
        return (Span(output.beyond(said, self.aside), tone),)

    def sideways(self, by: int) -> None:
        """Move the window."""
        widest = max((len(line[0].text) for line in self.lines if line), default=0)
        self.aside = max(0, min(self.aside + by * _ASIDE, widest - self.room + 1))
        self.changed()

    def step(self, lines: int) -> None:
        """Move; at the end what comes is followed."""
        self.follows = lines >= FAR
        super().step(lines)


class Output(Dialog[None], inherit_bindings=False):
    """The output of one command. It closes once the command has ended; until then esc stops that."""

    BINDINGS: ClassVar[list[BindingType]] = keys.bindings(Where.OUTPUT)

    def __init__(self, runs: Runs) -> None:
        super().__init__()
        self._runs = runs
        self._output = output.Output()
        self._drawn = -1
        self._began = time.monotonic()
        self._code: int | None = None
        self._stopping = False
        self._word = ""
        self._ticker: Timer | None = None

    def compose(self) -> ComposeResult:
        """Put what it writes between its words and the keys."""
        with Vertical(id="box"):
            yield Bar(id="title")
            pane = OutputPane()
            pane.add_class("list")
            yield pane
            yield Bar(id="keys")

    @property
    def pane(self) -> OutputPane:
        """What it wrote."""
        return self.query_one(OutputPane)

    def on_mount(self) -> None:
        """Run it, once it is known how wide the window is."""
        self.pane.focus()
        self._ticker = self.set_interval(_EVERY, self._draw)
        laid_out(self, self._begin)

    def _begin(self) -> None:
        self.post_message(CommandWanted(self._runs, self.pane.room, self._output, self))
        self._frame()

    def on_resize(self) -> None:
        """Lay the lines out anew."""
        laid_out(self, lambda: self._draw(anew=True))

    def _draw(self, *, anew: bool = False) -> None:
        if anew or self._output.bytes != self._drawn:
            self._drawn = self._output.bytes
            self.pane.draw(self._output, self._end_lines())
        self._frame()

    def _end_lines(self) -> list[Line]:
        if self._code is None:
            return []
        note = [(Span(text.safe(self._runs.note, 400), Tone.WARN),)] if self._runs.note else []
        return [*([BLANK] if self._output.bytes else []), self._ended(), *note]

    def _ended(self) -> Line:
        assert self._code is not None
        well = self._code == 0
        return (Span("✔ " if well else "✘ ", Tone.BETTER if well else Tone.ERROR), Span(output.meaning(self._code)))

    def on_command_ended(self, message: CommandEnded) -> None:
        """Say how it ended."""
        self._code = message.code
        if self._ticker:
            self._ticker.stop()
        self._draw(anew=True)

    # --- bars ---

    def _frame(self) -> None:
        if self.is_mounted and self.query("#keys"):
            self.query_one("#title", Bar).show(self._title)
            self.query_one("#keys", Bar).show(self._keys)

    def _title(self, cells: int) -> Line:
        said = text.safe(f"lineal {shlex.join(self._runs.words)}", 2_000)
        return spread((Span(f" {said}", Tone.STRONG),), (*self._state(), Span(" ")), cells)

    def _state(self) -> Line:
        if self._code is not None:
            return self._ended()
        seconds = text.span(time.monotonic() - self._began)
        return (Span(f"… {'is being stopped' if self._stopping else 'runs'}, {seconds}", Tone.CHANGED),)

    def _keys(self, cells: int) -> Line:
        if self._word:
            return (Span(f" {self._word}", Tone.DIM),)
        stops = "closes" if self._code is not None else "once more kills it" if self._stopping else "stops it"
        pairs = (("esc", stops), ("y", "copies all"), ("w", "breaks long lines"), ("← →", "sideways"), ("G", "follows"))
        return tuple(
            span for key, does in pairs for span in (Span(f" {key}", Tone.ACCENT), Span(f" {does} ", Tone.DIM))
        )

    # --- keys ---

    def action_key(self, key: str) -> None:
        """Move, or do what the key says."""
        self._word = ""
        if key == "stop":
            self._stop()
        elif key == "copy":
            self.post_message(Copy(self._output.whole()))
        elif key == "wrap_lines":
            self.pane.turn()
            self._draw(anew=True)
        else:
            super().action_key(key)
        self._frame()

    def _stop(self) -> None:
        if self._code is not None:
            self.dismiss(None)
            return
        self._stopping = True
        self.post_message(StopCommand())

    def hear(self, said: str) -> None:
        """Show what became of a copy."""
        self._word = said
        self._frame()
