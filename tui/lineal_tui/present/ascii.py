"""The characters of the screen for terminals that know nothing but ASCII: one for one, so that nothing moves."""

from __future__ import annotations

from collections.abc import Mapping
from unicodedata import normalize

from rich.cells import cell_len

_PAIRS = (
    *("→>", "←<", "↑^", "↓v", "⇧^", "⌥~", "⇄=", "▲^", "▼v", "◂<", "▸>", "▾v", "▶>", "◀<", "▴^"),
    *("…>", "⋯-", "·.", "•*", "−-", "–-", "—-", "×x", "±~", "≠!", "≥>", "≤<", "∞I", "‼!", "§S", "ρr"),
    *("✔+", "✘x", "✱*", "●*", "○o", "◉@", "◔o", "◇o", "◆*", "□o", "■#", "🔒R", "⏸|", "❔?"),
    *("│|", "┃|", "┆|", "┊:", "║|", "─-", "━-", "┈-", "═=", "├+", "┤+", "┬+", "┴+", "┼+", "┌+", "┐+", "└+", "┘+"),
    *("╭+", "╮+", "╰+", "╯+", "╱/", "╲\\", "╳x", "╴-", "╵|", "╶-", "╷|", "▏|", "▎|", "▍|", "▌>", "▋#", "▊#", "▉#"),
    *("▐|", "█#", "▀#", "▁_", "▂_", "▃.", "▄-", "▅=", "▆+", "▇*", "▔-", "▕|", "░.", "▒:", "▓#"),
    *("“\"", "”\"", "‘'", "’'", "⁰0", "¹1", "²2", "³3", "⁴4", "⁵5", "⁶6", "⁷7", "⁸8", "⁹9", "⁺+", "⁻-"),
    *("▖.", "▗.", "▘'", "▙#", "▚%", "▛#", "▜#", "▝'", "▞%", "▟#"),
)  # fmt: skip
GLYPHS: Mapping[str, str] = {pair[0]: pair[1] for pair in _PAIRS}
"""What stands for a glyph of Lineal's own: of frames, marks, trees, curves and scroll bars."""
_OTHER = "?"
_DOTS = range(0x2800, 0x2900)  # Braille, with which charts draw; the first has no dot


def plain(text: str) -> str:
    """Return safe text in ASCII, in as many cells: letters lose their accents, the rest becomes `?`."""
    if text.isascii():
        return text
    return "".join(char if char.isascii() else _plain(char) for char in text)


def _plain(char: str) -> str:
    if ord(char) in _DOTS:
        return " " if ord(char) == _DOTS.start else "*"
    cells = cell_len(char)
    if char in GLYPHS:
        return GLYPHS[char].ljust(cells)[:cells]
    letter = normalize("NFKD", char)[0]  # the letter without its accent
    return letter if cells == 1 and letter.isascii() and letter.isalnum() else _OTHER * cells


def wanted(environ: Mapping[str, str], chosen: bool | None = None) -> bool:
    """Say whether to write ASCII only: as the configuration says, else as the terminal and its locale do.

    Python itself sets LC_CTYPE to C.UTF-8 where LANG is C: that is no word of the person's.
    """
    if chosen is not None:
        return chosen
    if environ.get("TERM") in ("linux", "vt100", "vt102", "vt220", "ansi", "dumb"):
        return True
    if not environ.get("LC_ALL") and environ.get("LANG") in ("C", "POSIX"):
        return environ.get("LC_CTYPE", "") in ("", "C", "POSIX", "C.UTF-8", "C.utf8", "UTF-8")
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or ""
    return bool(locale) and "utf" not in locale.lower()
