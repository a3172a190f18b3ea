"""Copying to the clipboard of the terminal that a person sits at, over SSH too: OSC 52."""

from __future__ import annotations

import base64
from collections.abc import Mapping

MOST = 74_994
"""Bytes that terminals commonly take: 100,000 in base64, less the frame."""
PIECE = 768
"""Bytes that GNU screen takes in one of its strings, their frame included; the rest of a longer one is lost."""
_DUMB = frozenset({"linux", "dumb", "vt100", "vt220", ""})


def impossible(text: str, environ: Mapping[str, str]) -> str:
    """Say why a text cannot be copied; "" where it can, as far as one can tell from here."""
    if (size := len(text.encode())) > MOST:
        return f"too long for a terminal's clipboard: {size / 1024:.0f} KiB, and it takes {MOST // 1024}"
    if environ.get("TERM", "") in _DUMB and not environ.get("TMUX"):
        return "this terminal has no clipboard"
    return ""


def through(environ: Mapping[str, str]) -> str:
    """Say on whom it depends that the text arrives; "" where that is the terminal alone."""
    if environ.get("TMUX"):
        return "  through tmux, if its set-clipboard is on"
    return "  through screen" if environ.get("STY") else ""


def sequence(text: str, environ: Mapping[str, str]) -> str:
    """Return what to write to the terminal, wrapped where tmux or screen stands between.

    The form is xterm's `OSC 52 ; c ; base64 BEL`. tmux takes it itself where its `set-clipboard` is `on`, and where
    its `allow-passthrough` is on hands on what is inside `DCS tmux; ... ST` with ESC doubled: it gets both. GNU screen
    hands on what is inside `DCS ... ST`, in pieces.
    """
    plain = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\x07"
    if environ.get("TMUX"):
        return plain + "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if environ.get("STY"):
        room = PIECE - len("\x1bP\x1b\\")
        return "".join(f"\x1bP{plain[at : at + room]}\x1b\\" for at in range(0, len(plain), room))
    return plain
