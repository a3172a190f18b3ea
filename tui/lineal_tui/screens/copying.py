"""What can be copied, as a small choice; and a text to be selected by hand, where no clipboard takes it."""

from __future__ import annotations

import os.path
import shlex
from collections.abc import Iterable, Iterator, Sequence

from rich.segment import Segment
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.strip import Strip

from lineal.model.listing import VersionRow
from lineal.model.reference import canonical
from lineal.model.version import File
from lineal_tui.messages import Ask, DetailReady, DetailRequest, Failed
from lineal_tui.present import text
from lineal_tui.present.ink import Line, Span, Tone, fit, width
from lineal_tui.present.output import pieces
from lineal_tui.screens.dialog import Chooser, Dialog
from lineal_tui.screens.laying import laid_out
from lineal_tui.widgets.bars import Bar
from lineal_tui.widgets.lines import TextPane

Offer = tuple[str, str]
"""What it is, and the text to copy."""
_FILES = 20


def copies(row: VersionRow, here: Iterable[Offer] = ()) -> list[Offer]:
    """Return what can be copied about a version, commands safe to paste in a shell; `here` is what the screen adds."""
    reference = canonical(row.registry, row.model, row.name)
    quoted = shlex.quote(text.safe(reference))
    return [
        ("reference", text.safe(reference)),
        *here,
        ("key", text.safe(row.key)),
        ("name", text.safe(row.name)),
        ("show", f"lineal show {quoted}"),
        ("lineage", f"lineal lineage {quoted}"),
    ]


def places(files: Sequence[File]) -> Iterator[Offer]:
    """Yield where a version lies on this machine: the folder of its files, each of them, and their digests."""
    local = [file for file in files if file.local]
    if not local:
        yield "path", ""
        return
    if len(local) > 1 and (folder := _folder([file.local for file in local])):
        yield "path", text.safe(folder)
    yield from (("path", text.safe(file.local)) for file in local[:_FILES])
    yield from (
        (file.digest.algorithm.value, text.safe(file.digest.hex)) for file in local[:_FILES] if file.digest is not None
    )


def _folder(paths: Sequence[str]) -> str:
    try:
        found = os.path.commonpath(paths)
    except ValueError:
        return ""
    return found if len(found) > 1 else ""


def line_of(offer: Offer) -> Line:
    """Return one line of the choice."""
    label, said = offer
    if not said:
        return (Span(fit(label, 11), Tone.HEAD), Span("no file of it is on this machine", Tone.DIM))
    return (Span(fit(label, 11), Tone.HEAD), Span(text.safe(said, 300)))


class CopyChooser(Chooser):
    """What can be copied; where a version lies is asked for meanwhile. The answer is an index into `offered`."""

    def __init__(self, offered: Sequence[Offer], row: VersionRow | None = None) -> None:
        self.offered = list(offered)
        super().__init__("copy", [line_of(one) for one in self.offered])
        self._row = row

    def on_mount(self) -> None:
        """Ask where it lies."""
        if self._row is not None:
            self.post_message(Ask(DetailRequest(self._row), self))

    def on_detail_ready(self, message: DetailReady) -> None:
        """Offer that too, below what is there."""
        self.offered += places(message.version.files)
        self.relist([line_of(one) for one in self.offered])

    def on_failed(self, message: Failed) -> None:
        """What is no longer in the index has a name all the same."""

    def relist(self, lines: Sequence[Line]) -> None:
        """Offer other lines, with the cursor where it is."""
        from lineal_tui.widgets.lines import PickList

        pane = self.query_one(PickList)
        cursor = pane.cursor
        super().relist(lines)
        pane.cursor = cursor

    def take(self, index: int) -> None:
        """Take it, if there is anything to take."""
        self.dismiss(index if self.offered[index][1] else None)


class _Bare(TextPane):
    """Text from edge to edge: nothing stands beside it that a mouse would select too."""

    @property
    def room(self) -> int:
        """Every cell of the line."""
        return max(1, self.cells)

    def _paint(self, line: Line, gutter: str) -> Strip:
        segments = [Segment(said, self.tone(tone)) for said, tone in line if said]
        return Strip([*segments, Segment(" " * max(0, self.room - width(line)), self.tone(Tone.PLAIN))], self.room)


class ByHand(Dialog[None]):
    """A text in full, to be selected with the mouse. The application leaves the mouse to the terminal meanwhile."""

    def __init__(self, said: str, why: str) -> None:
        super().__init__()
        self._said, self._why = said, why

    def compose(self) -> ComposeResult:
        """Show it between why it is here and what to do."""
        with Vertical(id="box"):
            yield self.frame(self._why[0].upper() + self._why[1:])
            pane = _Bare(id="list")
            pane.add_class("list")
            yield pane
            keys = Bar(id="keys")
            keys.show(lambda cells: (
                Span(" Select it with the mouse, or with shift and the mouse. ", Tone.DIM),
                Span("esc", Tone.ACCENT), Span(" closes", Tone.DIM),
            ))  # fmt: skip
            yield keys

    def on_mount(self) -> None:
        """Start at the top."""
        self.query_one(_Bare).focus()

    def on_resize(self) -> None:
        """Break the lines for the width."""
        laid_out(self, self._fill)

    def _fill(self) -> None:
        pane = self.query_one(_Bare)
        pane.show([(Span(part),) for said in self._said.splitlines() for part in pieces(text.safe(said), pane.room)])
