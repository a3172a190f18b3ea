"""Days of a record: what was typed as one, and what every alias was on it. All days are UTC."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from lineal.model.plan import Holding
from lineal_tui.holders import HOLDERS

DAY = 86_400.0
_AGO = re.compile(r"(\d{1,5})\s*([dw])")
_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC).timestamp()


def start(at: float) -> float:
    """Return the beginning of the day that a time is in, both in Unix seconds."""
    return at - at % DAY


def typed(said: str, now: float) -> float:
    """Return the beginning of a day: `2026-03-01`, `today`, `yesterday`, `7d`. Raises ValueError."""
    said = said.strip().lower()
    if said in ("today", "yesterday"):
        return start(now) - (DAY if said == "yesterday" else 0.0)
    if ago := _AGO.fullmatch(said):
        day = start(now) - int(ago[1]) * DAY * (7 if ago[2] == "w" else 1)
    else:
        try:
            day = datetime.strptime(said, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
        except ValueError:
            raise ValueError("a date is written 2026-03-01, or 7d for seven days ago") from None
    if day > now:
        raise ValueError("that day is still to come")
    if day < _EARLIEST:
        raise ValueError("that was before there were registries")
    return day


def spelt(day: float) -> str:
    """Return a day as `2026-03-01`."""
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=day)).strftime("%Y-%m-%d")
    except (OverflowError, ValueError):
        return str(day)


def clock(at: float) -> str:
    """Return the time of day as `14:03`."""
    minutes = int(at % DAY) // 60
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


_YEARS = 2  # from so many years on only years are told
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def months(begin: float, end: float) -> Iterator[tuple[float, str]]:
    """Yield the beginnings of the months between two times, with a short name; January is called by its year."""
    try:
        first, last = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=one) for one in (begin, end))
    except OverflowError:
        return
    every = 1 if last.year - first.year < _YEARS else 12
    for number in range(first.year * 12 + first.month, min(last.year * 12 + last.month, 9999 * 12)):
        year, month = divmod(number, 12)
        if number % every == 0 and year > 0:
            yield datetime(year, month + 1, 1, tzinfo=UTC).timestamp(), _MONTHS[month] if month else str(year)


Line = tuple[str, str, str]
"""Registry, model and alias: whose holdings one bar shows."""


def line_of(holding: Holding) -> Line:
    """Return what a holding is of."""
    return holding.registry, holding.model, holding.alias


def by_alias(holdings: Iterable[Holding]) -> dict[Line, list[Holding]]:
    """Return the holdings of each alias, oldest first; what users get stands first."""
    found: dict[Line, list[Holding]] = {}
    for holding in holdings:
        found.setdefault(line_of(holding), []).append(holding)
    order = {name: i for i, name in enumerate(HOLDERS)}
    lines = sorted(found, key=lambda one: (one[0], one[1], order.get(one[2].lower(), len(order)), one[2]))
    return {one: sorted(found[one], key=_since) for one in lines}


def _since(holding: Holding) -> float:
    return holding.since if holding.since is not None else float("-inf")


def moves(holdings: Iterable[Holding]) -> list[float]:
    """Return the days on which an alias came to hold something else, oldest first."""
    return sorted({start(one.since) for one in holdings if one.since is not None and known(one)})


def known(holding: Holding) -> bool:
    """Say whether anybody had looked by then."""
    return holding.source != "unknown"


def at(held: Sequence[Holding], moment: float) -> Holding | None:
    """Return what an alias held at a time; None where that is not known."""
    for one in reversed(held):
        if _since(one) <= moment < (one.until if one.until is not None else float("inf")):
            return one if known(one) else None
    return None


def on(held: Sequence[Holding], day: float) -> list[Holding]:
    """Return what an alias held on a day, oldest first; with a `Holding` of source "unknown" for a part not known."""
    end = day + DAY
    found = [one for one in held if _since(one) < end and (one.until if one.until is not None else float("inf")) > day]
    if not found or (_since(found[0]) > day and found[0].since is not None):
        first = found[0] if found else (held[0] if held else None)
        until = first.since if first else None
        found.insert(0, Holding(registry="", model="", alias="", source="unknown", until=until))
    return found
