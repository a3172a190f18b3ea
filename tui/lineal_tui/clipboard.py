"""Copying to the clipboard of the terminal that a person sits at, over SSH too: OSC 52."""

from __future__ import annotations

import base64
from collections.abc import Mapping

MOST = 74_994
"""Bytes that terminals commonly take: 100,000 in base64, less the frame."""
_DUMB = frozenset({"linux", "dumb", "vt100", "vt220", ""})


def impossible(text: str, environ: Mapping[str, str]) -> str:
    """Say why a text cannot be copied; "" where it can, as far as one can tell from here."""
    if len(text.encode()) > MOST:
        return "too long for a terminal's clipboard"
    if environ.get("TERM", "") in _DUMB and not environ.get("TMUX"):
        return "this terminal has no clipboard"
    return ""


def sequence(text: str, environ: Mapping[str, str]) -> str:
    """Return what to write to the terminal, wrapped where tmux or screen stands between.

    The form is xterm's `OSC 52 ; c ; base64 BEL`; tmux hands on what is inside `DCS tmux; ... ST` with ESC doubled.
    """
    plain = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07"
    if environ.get("TMUX"):
        return "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if environ.get("STY"):
        return "\x1bP" + plain + "\x1b\\"
    return plain
