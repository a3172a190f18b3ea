"""ASCII only: every strip of every widget, frames and scroll bars too, passes through the one table of glyphs."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from lineal_tui.present.ascii import plain


class AsciiOnly(LineFilter):
    """Writes what the terminal has a character for; the widths stay."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments in ASCII."""
        return [
            segment if segment.control or segment.text.isascii() else Segment(plain(segment.text), segment.style)
            for segment in segments
        ]
