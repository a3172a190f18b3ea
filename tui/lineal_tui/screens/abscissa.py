"""The choice of what runs along the x axis of a chart of versions."""

from __future__ import annotations

from collections.abc import Sequence

from lineal.model.listing import VersionRow
from lineal_tui.present import text
from lineal_tui.present.ink import Line, Span, Tone
from lineal_tui.screens.dialog import Chooser

_WORDS = {"version": "version, in the order of their dates", "created": "time"}


def offered(rows: Sequence[VersionRow]) -> list[str]:
    """Return everything that some of the versions have."""
    from lineal.charts.quantities import fields

    return fields(rows)


class Abscissa(Chooser):
    """What runs along x, the present choice marked."""

    def __init__(self, fields: Sequence[str], now: str) -> None:
        super().__init__("along x", [_line(field, now) for field in fields], fields.index(now) if now in fields else 0)


def _line(field: str, now: str) -> Line:
    kind, _, name = field.partition(".")
    said = (Span(_WORDS[field]),) if field in _WORDS else (Span(text.safe(name, 60)), Span(f"  {kind}", Tone.DIM))
    return (Span("● " if field == now else "  ", Tone.ACCENT), *said)
