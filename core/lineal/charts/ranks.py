"""How closely parameters go with a metric: Spearman's rank correlation, which no scale and no outlier sways."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lineal.charts.quantities import quantity
from lineal.model.listing import VersionRow

_MOST = 1_000  # versions that are enough to tell
_PARAMS = 200


def closeness(rows: Sequence[VersionRow], metric: str) -> list[tuple[str, float]]:
    """Return the parameters that differ between versions, with their correlation with a metric, the closest first."""
    rows = [row for row in rows if math.isfinite(float(row.metrics.get(metric, math.nan)))][-_MOST:]
    names = sorted({name for row in rows for name in row.params})[:_PARAMS]
    wanted = [float(row.metrics[metric]) for row in rows]
    found = []
    for name in names:
        values = quantity(rows, f"param.{name}").values
        pairs = [(x, y) for x, y in zip(values, wanted, strict=True) if math.isfinite(x)]
        if len({x for x, _ in pairs}) > 1:
            found.append((f"param.{name}", correlation([x for x, _ in pairs], [y for _, y in pairs])))
    return sorted(found, key=lambda one: (-abs(one[1]), one[0]))


def correlation(xs: Sequence[float], ys: Sequence[float]) -> float:
    """Return Spearman's rank correlation, -1 to 1; 0 where one of the two does not vary."""
    a, b = ranks(xs), ranks(ys)
    mean = (len(a) + 1) / 2
    both = sum((x - mean) * (y - mean) for x, y in zip(a, b, strict=True))
    size = math.sqrt(sum((x - mean) ** 2 for x in a) * sum((y - mean) ** 2 for y in b))
    return both / size if size else 0.0


def ranks(values: Sequence[float]) -> list[float]:
    """Return the place of each value among all, from 1; equal ones share the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    out = [0.0] * len(values)
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and values[order[end]] == values[order[start]]:
            end += 1
        for at in order[start:end]:
            out[at] = (start + end + 1) / 2
        start = end
    return out
