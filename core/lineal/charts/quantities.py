"""What of a version can run along an axis: its place in the order, its time, a parameter, a metric."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from itertools import islice

import msgspec

from lineal.charts.axes import Axis
from lineal.charts.reducing import HUGE
from lineal.errors import NotFound
from lineal.model.listing import VersionRow
from lineal.model.text import visible
from lineal.model.values import Value

VERSION, TIME = "version", "created"
_WORDS = 200  # different words that an axis has room for; more are left out
_LONG = 60  # characters of a value that is a word
_NAMED = 20  # names in a hint


class Quantity(msgspec.Struct, frozen=True):
    """One number a version along an axis; NaN where it has none. Words are numbered in their order."""

    field: str
    axis: Axis
    values: list[float]
    names: tuple[str, ...] = ()

    @property
    def missing(self) -> int:
        """How many versions have no place on this axis."""
        return sum(not -HUGE < value < HUGE for value in self.values)


def quantity(rows: Sequence[VersionRow], field: str) -> Quantity:
    """Read one field of every version: `version`, `created`, `param.NAME`, `metric.NAME`.

    Parameters that are text for numbers are numbers, as MLflow keeps them; those of which most are not are words.

    Raises:
        NotFound: no version has such a field.
    """
    if field == VERSION:
        return Quantity(field, Axis.NAME, [float(at) for at in range(len(rows))], tuple(row.name for row in rows))
    if field == TIME:
        return Quantity(field, Axis.TIME, [math.nan if row.created_at is None else row.created_at for row in rows])
    kind, _, name = field.partition(".")
    if kind == "metric" and any(name in row.metrics for row in rows):
        return Quantity(field, Axis.NUMBER, [float(row.metrics.get(name, math.nan)) for row in rows])
    if kind == "param" and any(name in row.params for row in rows):
        return _param(field, [row.params.get(name) for row in rows])
    raise NotFound(f"no version here has {field!r}", hint=_hint(rows, field))


def fields(rows: Sequence[VersionRow]) -> list[str]:
    """Return every field that some version has."""
    params = sorted({name for row in rows for name in row.params})
    metrics = sorted({name for row in rows for name in row.metrics})
    return [VERSION, TIME, *(f"param.{name}" for name in params), *(f"metric.{name}" for name in metrics)]


def named(rows: Sequence[VersionRow], field: str) -> str:
    """Return the field that a person means: `lr` is `param.lr` where only a parameter is called so."""
    known = set(fields(rows))
    if field in known:
        return field
    found = [full for full in (f"param.{field}", f"metric.{field}") if full in known]
    if field in ("time", "date"):
        found = found or [TIME]
    if len(found) > 1:
        raise NotFound(f"{field!r} is a parameter and a metric", hint=f"say {' or '.join(found)}")
    if not found:
        raise NotFound(f"no version here has {field!r}", hint=_hint(rows, field))
    return found[0]


def _hint(rows: Sequence[VersionRow], field: str) -> str:
    known = fields(rows)
    close = get_close_matches(field[:80], [*known, *(each.partition(".")[2] for each in known if "." in each)], 3)
    listed = ", ".join(visible(each, 40) for each in close or known[:_NAMED])
    return f"did you mean {listed}?" if close else f"there are: {listed}"


def _param(field: str, values: Sequence[Value]) -> Quantity:
    numbers = [number(value) for value in values]
    there = sum(value is not None for value in values)
    if 2 * sum(math.isfinite(each) for each in numbers) > there:
        return Quantity(field, Axis.NUMBER, numbers)
    words = [None if value is None else _word(value) for value in values]
    most = Counter(word for word in words if word is not None).most_common(_WORDS)
    order = {word: float(at) for at, word in enumerate(sorted(word for word, _ in most))}
    return Quantity(field, Axis.NAME, [order.get(word or "", math.nan) for word in words], tuple(order))


def _word(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        parts: Sequence[object] = list(islice(value.items() if isinstance(value, Mapping) else value, 8))
        return visible(", ".join(str(part)[:_LONG] for part in parts), _LONG) or "empty"
    return visible(str(value)[: _LONG + 1], _LONG) or "empty"


def number(value: Value) -> float:
    """Return a value as a number; NaN if it is none. True and false are words."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    if isinstance(value, str) and (len(value) > 40 or value.strip()[:1] not in set("+-.0123456789")):
        return math.nan  # "nan", "inf" and the like are words
    try:
        return float(value)
    except (ValueError, OverflowError):
        return math.nan
