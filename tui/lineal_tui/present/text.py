"""Foreign text, numbers, times and sizes as screen text. Whatever a registry said passes through here."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from lineal.model.text import visible, visible_lines
from lineal.model.values import Value

LIMIT = 400
"""Characters of one value that a list shows at most; the details show more."""

safe = visible
safe_lines = visible_lines

_UNITS = ((60, "s"), (60, "min"), (24, "h"), (7, "d"), (52, "w"))


def number(value: float) -> str:
    """Return a number in at most four or five significant digits, so that a column of them lines up well."""
    if isinstance(value, bool) or not isinstance(value, float):
        return str(value)
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "∞" if value > 0 else "−∞"
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    size = abs(value)
    if size < 1e-3 or size >= 1e7:
        return _exponent(f"{value:.3g}")
    return f"{value:.4f}" if size < 1 else f"{value:.3f}" if size < 1000 else f"{value:.1f}"


def _exponent(text: str) -> str:
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if e else text


def value(item: Value, limit: int = LIMIT) -> str:
    """Return any value that a parameter may hold as one safe line."""
    if item is None:
        return "none"
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, float):
        return _exponent(f"{item:.6g}") if math.isfinite(item) else number(item)
    if isinstance(item, str):
        return safe(item, limit)
    return safe(str(item)[: limit + 1], limit)


def signed(delta: float) -> str:
    """Return a difference with its sign."""
    text = number(float(abs(delta)))
    return f"+{text}" if delta >= 0 else f"−{text}"


def percent(relative: float) -> str:
    """Return a relative difference in percent, with its sign."""
    if not math.isfinite(relative):
        return ""
    size = abs(relative) * 100
    digits = 0 if size >= 100 else 1 if size >= 0.1 else 2
    return f"{'+' if relative >= 0 else '−'}{size:.{digits}f}%"


def size(count: int | None) -> str:
    """Return a number of bytes in binary units."""
    if count is None:
        return "?"
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def count(items: int) -> str:
    """Return a whole number with thin groups of three."""
    return f"{items:,}".replace(",", " ") if items >= 10_000 else str(items)


def person(by: str, most: int = 40) -> str:
    """Return somebody's name without the mail, made safe; the whole where there is no name."""
    return safe(by.partition("<")[0].strip() or by, most)


def plural(items: int, noun: str) -> str:
    """Return `3 versions`, `1 version`."""
    return f"{count(items)} {noun}" if items == 1 else f"{count(items)} {noun}s"


def span(seconds: float) -> str:
    """Return a length of time in its largest unit, such as `2 h`."""
    amount = max(0.0, seconds)
    for limit, unit in _UNITS:
        if amount < limit:
            return f"{int(amount)} {unit}"
        amount /= limit
    return f"{amount:.1f} y"


def age(then: float | None, now: float) -> str:
    """Return how long ago that was; times to come are said as such."""
    if then is None:
        return ""
    return span(now - then) if then <= now + 1 else f"in {span(then - now)}"


def moment(then: float | None) -> str:
    """Return a time in UTC to the minute; what no calendar holds is shown as the number it is."""
    if then is None:
        return ""
    try:
        return datetime.fromtimestamp(then, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, ValueError, OSError):
        return str(then)


_BARS = "▁▂▃▄▅▆▇█"


def spark(values: list[float], cells: int) -> str:
    """Return a curve as a row of bars, the last value of each of `cells` stretches of it."""
    finite = [v for v in values if math.isfinite(v)]
    if len(finite) < 2:
        return ""
    step = max(1.0, len(finite) / cells)
    picked = [finite[min(len(finite) - 1, int((i + 1) * step) - 1)] for i in range(min(cells, len(finite)))]
    low, high = min(picked), max(picked)
    if high == low:
        return _BARS[3] * len(picked)
    return "".join(_BARS[int((v - low) / (high - low) * 7)] for v in picked)
