"""The only writer of stdout: tables, JSON, CSV and Markdown, in which foreign text cannot act.

Rows are written as they come: a list of a million versions needs no memory of its own. Nothing is cut.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain, islice

import msgspec

from lineal.model.plain import finite, number, spelt
from lineal.model.text import UNSAFE, visible

Cell = str | int | float | bool | None
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
WIDEST = 400  # columns to which others are aligned; longer texts stand in full, and push only what is in their line
_AHEAD = 500  # rows that are looked at to choose the widths of a table's columns


class Format(StrEnum):
    """How data is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MD = "md"


def prepare() -> None:
    """Let stdout write what its encoding cannot spell as an escape, rather than fail."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def write(text: str) -> None:
    """Write a line that is already safe."""
    sys.stdout.write(text + "\n")


def table(form: Format, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Write rows under heads as a table, CSV or Markdown; JSON has its own shape (`documents`)."""
    match form:
        case Format.CSV:
            _csv(heads, rows)
        case Format.MD:
            _markdown(heads, rows)
        case _:
            _plain(heads, rows)


def documents(items: Iterable[object]) -> None:
    """Write a JSON list, one item a line."""
    sys.stdout.write("[")
    for at, item in enumerate(items):
        sys.stdout.write((",\n" if at else "\n") + json_text(item))
    sys.stdout.write("\n]\n")


def document(item: object) -> None:
    """Write one JSON value, indented."""
    sys.stdout.write(_inert(msgspec.json.format(_encode(item), indent=2).decode()) + "\n")


def json_text(item: object) -> str:
    """Return `item` as JSON on one line in which no character acts on a terminal."""
    return _inert(_encode(item).decode())


def _encode(item: object) -> bytes:
    value = finite(msgspec.to_builtins(item))
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:  # half a surrogate, as in the name of a file that is no UTF-8: many readers refuse it
        return msgspec.json.encode(spelt(value))


def _inert(text: str) -> str:
    """Escape what could act on a terminal. Such characters stand only inside strings, so the JSON means the same."""
    text = UNSAFE.sub(lambda match: match[0] if match[0] == "\n" else _json_escape(match[0]), text)
    if (getattr(sys.stdout, "encoding", "") or "utf-8").lower().replace("-", "") == "utf8":
        return text
    return _BEYOND_ASCII.sub(lambda match: _json_escape(match[0]), text)


def _json_escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def short(value: float) -> str:
    """Return a float in five significant digits, for people."""
    return number(value) if value != value or abs(value) == float("inf") else f"{value:.5g}"


def moment(at: float | None) -> str:
    """Return a time in Unix seconds as ISO 8601 in UTC; unknown is empty."""
    if at is None:
        return ""
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (OverflowError, OSError, ValueError):
        return f"@{at:.0f}"


def size(count: int | None) -> str:
    """Return a number of bytes in binary units."""
    if count is None:
        return ""
    value, unit = float(count), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if abs(value) < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"


def _text(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return short(value) if isinstance(value, float) else visible(str(value))


def _plain(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    from rich.cells import cell_len

    feed = iter(rows)
    first = list(islice(feed, _AHEAD))
    texts = [[_text(cell) for cell in row] for row in first]
    names = [visible(head.upper()) for head in heads]
    right = [bool(first) and all(_numeric(row[i]) for row in first) for i in range(len(heads))]
    widths = [min(WIDEST, max([cell_len(name), *(cell_len(row[i]) for row in texts)])) for i, name in enumerate(names)]
    later = ([_text(cell) for cell in row] for row in feed)
    for line in chain([names], texts, later):
        cells = (
            _pad(text, width, at_right, cell_len(text))
            for text, width, at_right in zip(line, widths, right, strict=True)
        )
        write("  ".join(cells).rstrip())


def _numeric(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, int | float) and not isinstance(cell, bool))


def _pad(text: str, width: int, at_right: bool, taken: int) -> str:
    space = " " * max(0, width - taken)
    return space + text if at_right else text + space


def _csv(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([_csv_cell(head) for head in heads])
    writer.writerows([_csv_cell(cell) for cell in row] for row in rows)


def _csv_cell(cell: Cell) -> str:
    """A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    if isinstance(cell, float):
        return number(cell)
    text = _text(cell)
    return f"'{text}" if isinstance(cell, str) and text[:1] in ("=", "+", "-", "@") else text


_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#!|~&])")


def markdown(text: str) -> str:
    """Return `text` so that Markdown shows it as it is."""
    return _MARKDOWN.sub(r"\\\1", visible(text))


def _markdown(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    write("| " + " | ".join(markdown(head) for head in heads) + " |")
    write("|" + " --- |" * len(heads))
    for row in rows:
        write("| " + " | ".join(_markdown_cell(cell) for cell in row) + " |")


def _markdown_cell(cell: Cell) -> str:
    return markdown(cell) if isinstance(cell, str) else _text(cell)


def indented(pairs: Iterable[tuple[str, str]], depth: int = 0) -> Iterator[str]:
    """Yield `name  value` lines with the values aligned; both are made safe here."""
    known = [(visible(name), visible(value)) for name, value in pairs]
    width = min(WIDEST, max((len(name) for name, _ in known), default=0))
    for name, value in known:
        yield f"{'  ' * depth}{name.ljust(width)}  {value}".rstrip()
