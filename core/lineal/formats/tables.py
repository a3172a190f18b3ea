"""Tables of metrics in CSV, one column a metric, mostly empty cells: Lightning's metrics.csv and its like."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from lineal.errors import BadFormat
from lineal.model.values import Series

LIMIT = 64 << 20  # bytes
MAX_COLUMNS = 2_000
MAX_POINTS = 2_000_000
_STEPS = ("step", "global_step", "iteration", "iter", "epoch")
_HINT = "its first line should name the columns, one of them `step` or `epoch`"


def metrics(data: bytes) -> dict[str, Series]:
    """Read a table as one series a column, in step order; empty cells are no points.

    The steps are those of the first column there is of step, global_step, iteration, iter, epoch, which is no metric
    then; without any, rows are counted. A last line that is cut off (a run still going on) is left out.

    Raises:
        BadFormat: it is longer than `LIMIT`, has too many columns, or is no table.
    """
    if len(data) > LIMIT:
        raise BadFormat(f"a table of more than {LIMIT:,} bytes", hint="a file this long is not read")
    rows = csv.reader(io.StringIO(_whole_lines(data), newline=""))
    try:
        head = [name.strip() for name in next(rows, [])]
        if len(head) > MAX_COLUMNS:
            raise BadFormat(f"a table of more than {MAX_COLUMNS:,} columns", hint=_HINT)
        return _columns(head, rows)
    except csv.Error as error:
        raise BadFormat(f"unreadable table: {error}", hint=_HINT) from error


def _whole_lines(data: bytes) -> str:
    return data[: data.rfind(b"\n") + 1].decode("utf-8-sig", "backslashreplace")


def _columns(head: list[str], rows: Iterator[list[str]]) -> dict[str, Series]:
    at = next((head.index(name) for name in _STEPS if name in head), None)
    points: dict[str, list[tuple[int, float]]] = {name: [] for name in head if name}
    left = MAX_POINTS
    for number, row in enumerate(rows):
        left -= len(row)
        if left < 0:
            raise BadFormat(f"a table of more than {MAX_POINTS:,} cells", hint="a file this long is not read")
        step = _number(row[at]) if at is not None and at < len(row) else float(number)
        if step is None or step != step or abs(step) > 1 << 53:
            continue
        for name, cell in zip(head, row, strict=False):
            if name and cell and (value := _number(cell)) is not None:
                points[name].append((int(step), value))
    named = {name: found for name, found in points.items() if found and (at is None or name != head[at])}
    return {name: _series(name, found) for name, found in named.items()}


def _series(name: str, points: list[tuple[int, float]]) -> Series:
    points.sort(key=lambda point: point[0])  # stable: of equal steps the last row stays last
    return Series(name, [step for step, _ in points], [value for _, value in points], [0.0] * len(points))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
