"""Measuring CPU time, and tables of what was measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence


def cpu_ms(job: Callable[[], object], times: int = 5) -> float:
    """Return the least CPU time of `job` in milliseconds, over so many runs: others' load can only add to it."""
    found = []
    for _ in range(times):
        start = time.process_time()
        job()
        found.append((time.process_time() - start) * 1e3)
    return min(found)


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table whose first column is text and whose others are numbers."""
    grid = [list(heads), *map(list, rows)]
    widths = [max(len(row[at]) for row in grid) for at in range(len(heads))]
    return "\n".join(
        "  ".join(cell.ljust(width) if not at else cell.rjust(width) for at, (cell, width) in enumerate(pairs)).rstrip()
        for pairs in (list(zip(row, widths, strict=True)) for row in grid)
    )
