"""What can be written of a screen and in which form; and that it is being written, which can be stopped."""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic

from textual.app import ComposeResult
from textual.containers import Vertical

from lineal_tui.exporting import FORMS, SVG, Export, file_name
from lineal_tui.present import text
from lineal_tui.present.ink import Line, Span, Tone, fit
from lineal_tui.screens.dialog import Dialog
from lineal_tui.spoken import Offer
from lineal_tui.widgets.lines import TextPane

_HOLDS = {
    "md": "a table for a pull request or a report",
    "json": "every value in full, for programs",
    "csv": "a table for a spreadsheet",
    SVG: "a picture of the screen as it stands",
}


def exports(offers: Iterable[Offer], screen: str, picture: str) -> list[Export]:
    """Return what can be written: each offer in each form, and the picture."""
    found = [Export(one.what, form, file_name(one.what, *one.about), one.words) for one in offers for form in FORMS]
    return [*found, Export("screen", SVG, file_name("screen", screen), picture=picture)]


def line_of(export: Export) -> Line:
    """Return one line of the choice."""
    return (
        Span(fit(export.form, 6), Tone.HEAD),
        Span(fit(text.safe(export.what, 40), 24)),
        Span(_HOLDS[export.form], Tone.DIM),
    )


class Writing(Dialog[None]):
    """That a file is being written. It is taken away by whoever writes; esc asks to stop."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path, self._began = path, monotonic()
        self._pane = TextPane(id="text")

    def compose(self) -> ComposeResult:
        """Say what is written."""
        with Vertical(id="box"):
            yield self.frame("writing")
            self._pane.add_class("list")
            yield self._pane

    def on_mount(self) -> None:
        """Count the seconds."""
        self._tick()
        self.set_interval(0.5, self._tick)

    def _tick(self) -> None:
        seconds = int(monotonic() - self._began)
        stops = (Span("esc", Tone.ACCENT), Span(" stops it, and nothing is written", Tone.DIM))
        lines: list[Line] = [(Span(f" {text.safe(self._path, 400)}"),), (Span(f" {seconds} s · ", Tone.DIM), *stops)]
        self._pane.show(lines)
