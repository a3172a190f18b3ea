"""The tabs of the details: their names, and the row of them that stands above what they show."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from lineal_tui.present.ink import Line, Span, Tone, width


class Tab(StrEnum):
    """One side of a version."""

    OVERVIEW = "overview"
    PARAMS = "params"
    METRICS = "metrics"
    ENVIRONMENT = "environment"
    DATA = "data"
    FILES = "files"
    TENSORS = "tensors"
    LINEAGE = "lineage"
    HISTORY = "history"
    CARD = "card"


ORDER = tuple(Tab)


def tab_of(said: str) -> Tab:
    """Return the tab of that name; the first for any other, as an older session may say."""
    return Tab(said) if said in ORDER else ORDER[0]


def turned(tab: Tab, by: int) -> Tab:
    """Return the tab so many steps on, round and round."""
    return ORDER[(ORDER.index(tab) + by) % len(ORDER)]


def tab_row(tab: Tab, cells: int) -> Line:
    """Return the row of tabs in so many cells, between the keys that turn them; as many as fit around the open one."""
    shown = _window(ORDER.index(tab), max(1, cells - 8))
    out = [Span("[ ", Tone.ACCENT), Span("… " if shown[0] else "", Tone.DIM)]
    for at in shown:
        name = ORDER[at].value
        out.append(Span(f"▸{name}", Tone.STRONG) if ORDER[at] is tab else Span(f" {name}", Tone.DIM))
        out.append(Span(" "))
    out += [Span("… " if shown[-1] < len(ORDER) - 1 else "", Tone.DIM), Span("] ", Tone.ACCENT)]
    return (*out, Span("─" * max(0, cells - width(out)), Tone.DIM))


def _window(at: int, room: int) -> Sequence[int]:
    """Return the numbers of the tabs around one that fit."""
    first = last = at
    used = _cells(at)
    while True:
        before = [n for n in (first - 1, last + 1) if 0 <= n < len(ORDER) and used + _cells(n) <= room]
        if not before:
            return range(first, last + 1)
        n = max(before)
        used += _cells(n)
        first, last = min(first, n), max(last, n)


def _cells(at: int) -> int:
    return len(ORDER[at].value) + 2


def tab_at(tab: Tab, cells: int, x: int) -> Tab | None:
    """Return the tab that stands at a cell of the row, for the mouse."""
    begin = 0
    for span in tab_row(tab, cells):
        name = span.text.strip("▸ ")
        if begin <= x < begin + width((span,)):
            return Tab(name) if name in ORDER else None
        begin += width((span,))
    return None
