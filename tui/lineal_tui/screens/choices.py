"""What can be sorted by, and which columns can be shown."""

from __future__ import annotations

from collections.abc import Sequence

from lineal.model.listing import Sort, VersionRow
from lineal_tui.present import text, versions
from lineal_tui.present.ink import Line, Span, Tone
from lineal_tui.present.versions import Column, Source


def sorts_of(rows: Sequence[VersionRow], now: Sort) -> list[tuple[Line, Sort]]:
    """Return the orders that make sense for these rows; the present one is turned round."""
    metrics = sorted({name for row in rows for name in row.metrics})
    params = sorted({name for row in rows for name in row.params})
    fields = ["created", "version", "number", "model", "author"]
    fields += [f"metric.{name}" for name in metrics] + [f"param.{name}" for name in params]
    return [_sort(field, now) for field in fields]


def _sort(field: str, now: Sort) -> tuple[Line, Sort]:
    present = field == now.field
    down = not now.descending if present else field.startswith("metric.") or field in ("created", "number")
    first = ("newest", "oldest") if field == "created" else ("highest", "lowest")
    arrow = f"↓ {first[0]} first" if down else f"↑ {first[1]} first"
    line = (
        Span("● " if present else "  ", Tone.ACCENT),
        Span(text.safe(field, 60)),
        Span(f"  {arrow}", Tone.DIM),
    )
    return line, Sort(field, down)


def columns_of(rows: Sequence[VersionRow], now: Sequence[Column]) -> list[tuple[Line, tuple[Column, ...]]]:
    """Return the columns that these rows could fill, each with the columns there are once it is chosen."""
    automatic = (Span("  the columns that tell these versions apart", Tone.ACCENT),)
    out: list[tuple[Line, tuple[Column, ...]]] = [(automatic, ())]
    offered = versions.every(rows)
    for column in [*(column for column in now if column not in offered), *offered]:
        present = column in now
        after = tuple(each for each in now if each != column) if present else (*now, column)
        out.append(((Span("✱ " if present else "  ", Tone.MARK), Span(text.safe(_said(column), 80))), after))
    return out


def _said(column: Column) -> str:
    if column.source in (Source.METRIC, Source.PARAM):
        return f"{column.source}  {column.key}"
    return versions.head(column) or column.source.value
