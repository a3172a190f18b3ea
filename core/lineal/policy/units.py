"""Durations, sizes and tolerances as people write them, and as they are said again."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from fractions import Fraction

from lineal.errors import ConfigError

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 7 * 86_400.0}
_DURATION = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,9})?\s?(?:ms|[smhdw])\s?)+", re.ASCII)
_DURATION_PART = re.compile(r"([0-9.]+)\s?(ms|[smhdw])", re.ASCII)
_SIZES = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZES |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_SIZE = re.compile(r"([0-9]{1,19}(?:\.[0-9]{1,9})?)\s?([A-Za-z]{1,3})", re.ASCII)
_PERCENT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,12})?)\s?%", re.ASCII)
_FOREVER = 10 * 366 * 86_400.0
_LONGEST = 60  # characters of a quantity


def seconds(text: str, where: str) -> float:
    """Read a duration, such as `24h`, `90s` or `1d 12h`, in seconds. Raises ConfigError; `where` names the place."""
    if len(text) > _LONGEST or not _DURATION.fullmatch(text.strip()):
        raise ConfigError(f"{where}: {text[:_LONGEST]!r} is no duration", hint='write "90s", "5m", "24h", "7d" or "2w"')
    found = round(sum(float(count) * _UNITS[unit] for count, unit in _DURATION_PART.findall(text)), 3)
    if found > _FOREVER:
        raise ConfigError(f"{where}: {text!r} is more than ten years", hint="nothing waits for so long")
    return found


def size(text: str, where: str) -> int:
    """Read a size, such as `5 GB` (10⁹) or `5 GiB` (2³⁰), in bytes. Raises ConfigError."""
    found = _SIZE.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if found is None or found[2] not in _SIZES or float(found[1]) * _SIZES[found[2]] >= 10**18:
        raise ConfigError(f"{where}: {text[:_LONGEST]!r} is no size", hint='write "500 MB", "5 GB" or "5 GiB"')
    return round(Fraction(found[1]) * _SIZES[found[2]])


def percent(text: str, where: str) -> float:
    """Read `1%` as 1.0. Raises ConfigError."""
    found = _PERCENT.fullmatch(text.strip()) if len(text) <= _LONGEST else None
    if found is None:
        raise ConfigError(
            f"{where}: {text[:_LONGEST]!r} is no tolerance",
            hint='write a number in the metric\'s own unit, or "1%" of the version that holds the alias',
        )
    return float(found[1])


def lasting(span: float) -> str:
    """Say a duration in seconds in its two largest units: `1 d 6 h`."""
    if not math.isfinite(span) or span < 0:
        return "an unknown time"
    if span < 1:
        return f"{span * 1000:.0f} ms"
    parts, rest = [], round(span)
    for unit in ("w", "d", "h", "m", "s"):
        count, rest = divmod(rest, int(_UNITS[unit]))
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def bytes_said(count: int) -> str:
    """Say a number of bytes in powers of ten, with three digits: `5.12 GB`."""
    for unit in ("TB", "GB", "MB", "kB"):
        if abs(count) >= _SIZES[unit]:
            whole, rest = divmod(count, _SIZES[unit])
            return f"{whole} {unit}" if not rest or whole >= 1000 else f"{count / _SIZES[unit]:.3g} {unit}"
    return f"{count} B"


def moment(at: float) -> str:
    """Say a time in Unix seconds in UTC, to the minute: `2026-03-01 14:05 UTC`."""
    try:
        return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
    except (OverflowError, OSError, ValueError):
        return "an unknown time"


def number(value: float) -> str:
    """Say a number with as many digits as it has, at most 15."""
    if not math.isfinite(value):
        return "NaN" if value != value else "∞" if value > 0 else "−∞"
    text = f"{value:.15g}"
    return f"−{text[1:]}" if text.startswith("-") else text
