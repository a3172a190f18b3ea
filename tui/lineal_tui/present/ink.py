"""Ink: what a line on the screen is made of, without any terminal or widget in it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size


class Tone(StrEnum):
    """How a piece of text is meant; the theme decides how it looks."""

    PLAIN = "plain"
    DIM = "dim"  # equal, secondary, absent
    STRONG = "strong"
    HEAD = "head"  # column heads, names of facets
    ACCENT = "accent"  # keys, the place, the baseline
    MARK = "mark"
    ALIAS = "alias"
    BETTER = "better"
    WORSE = "worse"
    CHANGED = "changed"
    WARN = "warn"
    ERROR = "error"


class Span(NamedTuple):
    """A run of text in one tone. The text must already be safe for a terminal."""

    text: str
    tone: Tone = Tone.PLAIN


Line = tuple[Span, ...]
BLANK: Line = ()


def width(line: Iterable[Span]) -> int:
    """Return the number of terminal cells that a line takes."""
    return sum(len(text) if text.isascii() else cell_len(text) for text, _ in line)


def fit(text: str, cells: int) -> str:
    """Return `text` in exactly so many cells, cut with `…` or filled at the right."""
    if text.isascii():
        return text[: max(0, cells - 1)] + "…"[:cells] if len(text) > cells else text.ljust(cells)
    if cell_len(text) > cells:
        return set_cell_size(set_cell_size(text, max(0, cells - 1)).rstrip() + "…", cells) if cells else ""
    return set_cell_size(text, cells)


def fit_path(text: str, cells: int) -> str:
    """Like `fit`, for names with folders: what is after the last `/` tells most, so the folders give way first."""
    if "/" in text and cell_len(text) > cells:
        return fit("…/" + text.rstrip("/").rpartition("/")[2], cells)
    return fit(text, cells)


def fit_right(text: str, cells: int) -> str:
    """Like `fit`, filled at the left: for numbers."""
    length = len(text) if text.isascii() else cell_len(text)
    return fit(text, cells) if length >= cells else " " * (cells - length) + text


def spread(left: Line, right: Line, cells: int) -> Line:
    """Return `left` and `right` at the two ends of a line; `left` gives way."""
    room = cells - width(right)
    left = cut(left, max(0, room - 1))
    return (*left, Span(" " * max(0, room - width(left))), *right)


def cut(line: Line, cells: int) -> Line:
    """Return the line in at most so many cells, with `…` where something was cut."""
    if width(line) <= cells:
        return line
    out: list[Span] = []
    for span in line:
        room = cells - width(out)
        if width((span,)) >= room:
            out.append(Span(fit(span.text + " ", room), span.tone))
            break
        out.append(span)
    return tuple(out)


def wrap(text: str, cells: int) -> list[str]:
    """Break safe text into lines of at most so many cells, at spaces where there are any."""
    out: list[str] = []
    for paragraph in text.split("\n"):
        rest = paragraph
        while cell_len(rest) > cells > 0:
            head = set_cell_size(rest, cells)
            length = len(head.rstrip()) if cell_len(head) != len(head) else len(head)
            space = rest.rfind(" ", 0, length + 1)
            at = space if space > cells // 3 else max(1, length)
            out.append(rest[:at].rstrip())
            rest = rest[at:].lstrip() if space > cells // 3 else rest[at:]
        out.append(rest)
    return out
