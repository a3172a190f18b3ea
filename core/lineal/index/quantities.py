"""What the words of a query mean as numbers, dates and releases. Pure: the clock is handed in."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from lineal.environment import releases
from lineal.index.folding import number

_SCALE = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_INFINITE = {"inf": float("inf"), "+inf": float("inf"), "-inf": float("-inf")}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400, "mo": 30 * 86_400, "y": 365 * 86_400}
_AGE = re.compile(r"(?:\d{1,9}(?:\.\d{1,9})?(?:mo|[smhdwy]))+", re.ASCII)
_AGE_PART = re.compile(r"([\d.]+)(mo|[smhdwy])", re.ASCII)
_DATE = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)(?:[T_](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d))?Z?)?)?)?",
    re.ASCII,
)

Interval = tuple[float, float]
"""Unix seconds: from the first, up to but without the second."""


def exact(text: str) -> float | None:
    """Read a number as it stands, or an infinity."""
    return _INFINITE.get(text.lower(), number(text))


def scaled(text: str) -> float | None:
    """Read a number where nothing but a number can stand: `10k`, `2M`, `1.5G` are meant in powers of 1,000."""
    if text and (scale := _SCALE.get(text[-1])) and (value := number(text[:-1])) is not None:
        return value * scale
    return exact(text)


def age(text: str) -> float | None:
    """Read an age (`7d`, `1h30m`, `2mo`) in seconds; a month is 30 days, a year 365."""
    if not _AGE.fullmatch(text):
        return None
    return sum(float(count) * _UNITS[unit] for count, unit in _AGE_PART.findall(text))


def interval(text: str, now: float) -> Interval | None:
    """Read a date as the time that it spans: a year, a month, a day, a minute or a second, in UTC."""
    if text in ("today", "yesterday"):
        midnight = now // 86_400 * 86_400 - (86_400 if text == "yesterday" else 0)
        return midnight, midnight + 86_400
    found = _DATE.fullmatch(text)
    if not found:
        return None
    try:
        start, end = _span({name: int(value) for name, value in found.groupdict().items() if value})
    except (ValueError, OverflowError):  # the 31st of February, the year 0
        return None
    return start.timestamp(), end.timestamp()


def _span(part: dict[str, int]) -> tuple[datetime, datetime]:
    start = datetime(part["year"], part.get("month", 1), part.get("day", 1), tzinfo=UTC)
    if "month" not in part:
        return start, start.replace(year=start.year + 1)
    if "day" not in part:
        return start, (start + timedelta(days=31)).replace(day=1)
    if "hour" not in part:
        return start, start + timedelta(days=1)
    start = start.replace(hour=part["hour"], minute=part["minute"], second=part.get("second", 0))
    return start, start + (timedelta(seconds=1) if "second" in part else timedelta(minutes=1))


Release = tuple[int, tuple[int, ...], tuple[tuple[int, int], ...]]


def release(text: str) -> Release | None:
    """Return a key by which releases sort as PEP 440 sorts them; None where `text` is no release (`>=2`, `unknown`).

    Trailing zeros and the local part (`+cu118`) do not count, as in PEP 440's `==`.
    """
    found = releases.parse(text)
    return None if found is None else (found.epoch, found.numbers, (*found.stage, (0, 0)))
