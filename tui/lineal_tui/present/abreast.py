"""One row of a comparison in full: each version's value side by side, or below one another where there are many."""

from __future__ import annotations

import json
from itertools import zip_longest

from lineal.model.diff import Cell, Diff, Facet, Row, Verdict
from lineal.model.values import Value
from lineal_tui.present import text
from lineal_tui.present.compare import GLYPHS, moved, shown
from lineal_tui.present.ink import BLANK, Line, Span, Tone, fit, wrap

_MOST = 100_000  # characters of one value
_LINES = 4_000
_NARROWEST = 24  # cells of a column that is worth reading


def lines(diff: Diff, facet: Facet, row: Row, room: int) -> list[Line]:
    """Return everything that a row says."""
    head = [_said("facet", facet.value), *([_said("goal", f"{row.goal} ({row.goal_source})")] if row.goal else [])]
    head += [_said("note", text.safe(row.note, 2_000))] if row.note else []
    order = [diff.baseline, *(i for i in range(len(row.cells)) if i != diff.baseline)]
    cells = (room - 2) // len(order) - 2
    blocks = [_block(diff, facet, row, i, cells if cells >= _NARROWEST else room - 4) for i in order]
    body = _abreast(blocks, cells) if cells >= _NARROWEST else _stacked(blocks)
    cut = len(head) + len(body) - _LINES
    return [*head, BLANK, *body][:_LINES] + ([(Span(f" … {cut} more lines", Tone.DIM),)] if cut > 0 else [])


def _said(label: str, value: str) -> Line:
    return (Span(f" {label:<7}", Tone.DIM), Span(value))


def _block(diff: Diff, facet: Facet, row: Row, at: int, cells: int) -> list[Span]:
    """Return the lines of one version: its name, how it stands to the baseline, its value."""
    cell, base = row.cells[at], at == diff.baseline
    glyph, tone = GLYPHS[cell.verdict]
    stands = " ".join(filter(None, ("baseline" if base else glyph, moved(cell), text.safe(cell.note, 400))))
    out = [Span(text.safe(diff.names[at], 200) + (" ◂" if base else ""), Tone.ACCENT if base else Tone.HEAD)]
    out += [Span(said, Tone.DIM if base else tone) for said in wrap(stands, cells)]
    value = _whole(facet, cell, row)
    out += [Span(said, Tone.PLAIN) for said in wrap(value, cells)]
    return out + [Span(said, Tone.DIM) for said in wrap(text.safe(cell.detail, 2_000), cells) if said]


def _whole(facet: Facet, cell: Cell, row: Row) -> str:
    if cell.value is None and cell.verdict in (Verdict.ABSENT, Verdict.REMOVED):
        return "–"
    if isinstance(cell.value, str | list | dict):
        return _text(cell.value)
    said, exact = shown(facet, cell, row), repr(cell.value) if isinstance(cell.value, float) else ""
    return f"{said}  ({exact})" if exact not in ("", said) else said


def _text(value: Value) -> str:
    """Return a text with its line ends, a list or mapping laid out; cut where it is too long to be read."""
    said = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    more = f"\n… {len(said) - _MOST:,} more characters" if len(said) > _MOST else ""
    return text.safe_lines(said[:_MOST]) + more


def _abreast(blocks: list[list[Span]], cells: int) -> list[Line]:
    blank = Span("")
    return [
        tuple(Span(" " + fit(span.text, cells) + " ", span.tone) for span in across)
        for across in zip_longest(*blocks, fillvalue=blank)
    ]


def _stacked(blocks: list[list[Span]]) -> list[Line]:
    out: list[Line] = []
    for block in blocks:
        out += [(Span(" "), span) if not i else (Span("   "), span) for i, span in enumerate(block)]
        out.append(BLANK)
    return out
