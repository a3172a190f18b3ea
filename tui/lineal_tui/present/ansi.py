"""Text that plotext coloured, as lines: only colours are understood, everything else is made visible."""

from __future__ import annotations

import re

from lineal_tui.present import text
from lineal_tui.present.ink import Line, Span, Tone

_COLOUR = re.compile(r"\x1b\[([0-9;]*)m")
CURVES = (Tone.ACCENT, Tone.CHANGED, Tone.BETTER, Tone.WORSE, Tone.ALIAS, Tone.MARK)
"""The tones of curves, in their order."""
_KNOWN = {f"38;5;{code}": tone for code, tone in zip((6, 5, 3, 4, 2, 1), CURVES, strict=True)}  # as charts colour them


def from_ansi(drawn: str) -> list[Line]:
    """Return the lines of a chart. A curve's colour becomes its tone, another the next one that is free."""
    tones: dict[str, Tone] = {}
    return [_line(line, tones) for line in drawn.rstrip("\n").split("\n")]


def _line(line: str, tones: dict[str, Tone]) -> Line:
    out: list[Span] = []
    tone, at = Tone.PLAIN, 0
    for match in _COLOUR.finditer(line):
        if match.start() > at:
            out.append(Span(text.safe(line[at : match.start()]), tone))
        tone = _tone(match[1], tones)
        at = match.end()
    if at < len(line):
        out.append(Span(text.safe(line[at:]), tone))
    return tuple(out)


def _same(code: str) -> str:
    """Return one name for each of the 16 colours, whichever of its two codes is used: 36 is 38;5;6, 96 is 38;5;14."""
    if len(code) == 2 and code[0] in "39" and code[1] in "01234567":
        return f"38;5;{int(code[1]) + (8 if code[0] == '9' else 0)}"
    return code


def _tone(code: str, tones: dict[str, Tone]) -> Tone:
    if code in ("", "0"):
        return Tone.PLAIN
    code = _same(code)
    if code not in tones:
        tones[code] = _KNOWN.get(code, CURVES[len(tones) % len(CURVES)])
    return tones[code]
