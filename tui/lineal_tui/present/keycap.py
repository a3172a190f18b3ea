"""How a sentence names a key: as it is bound here, which a person may have changed."""

from __future__ import annotations

from lineal_tui import keys
from lineal_tui.present.ink import Span, Tone


def cap(id: str, before: str = "", after: str = "") -> Span:  # noqa: A002 - it is one
    """Return the key of that id, between these."""
    return Span(f"{before}{keys.shown(id)}{after}", Tone.ACCENT)
