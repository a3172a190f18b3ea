"""An alias over time, spread out: a lane for each version that held it, so that short tenures have their name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lineal.model.plan import Holding
from lineal_tui.present import days, history, text
from lineal_tui.present.ink import Line, Span, Tone, fit, fit_right, width
from lineal_tui.present.plan import named

_NAME = 18  # cells for the name of a version at most
_TOLD = 26  # cells for who gave it the alias, and for how long it was held
_MOST = 200  # lanes of one alias: the latest holders


def lane_lines(holdings: Sequence[Holding], day: float | None, now: float, cells: int) -> list[Line]:
    """Return the day that is looked at, the days, and below each alias a lane for each version that held it."""
    by_alias = days.by_alias(holdings)
    if not by_alias:
        return []
    label = min(_NAME, max(7, *(width((Span(named(one.subject)),)) for one in holdings))) + 3
    room = max(8, cells - label - _TOLD)
    begin = history.beginning(holdings, now)
    out = history.then_lines(by_alias, day, now, cells)
    out.append((Span(" " * label), *history.axis(begin, now, day, room)))
    names, _ = history.labels(by_alias)
    for line, held in by_alias.items():
        out.append((Span(names[line], Tone.ALIAS), *_unknown(held)))
        out += [_lane(lane, begin, now, day, label, room) for lane in _lanes(held)]
    return out


def _lanes(held: Sequence[Holding]) -> list[list[Holding]]:
    """Return the tenures of each version, the latest holder first; time that nobody knows of is a lane of its own."""
    found: dict[str, list[Holding]] = {}
    for one in held:
        if one.subject or not days.known(one):
            found.setdefault(one.subject.key if days.known(one) else "", []).append(one)
    return [found[key] for key in sorted(found, key=lambda key: -_since(found[key][-1]))][:_MOST]


def _since(holding: Holding) -> float:
    return holding.since if holding.since is not None else float("-inf")


def _unknown(held: Sequence[Holding]) -> Iterable[Span]:
    """Say until when nothing is known."""
    until = max((one.until or 0.0 for one in held if not days.known(one)), default=0.0)
    if until:
        yield Span(f"  ~ unknown before {days.spelt(until)}", Tone.DIM)


def _lane(tenures: Sequence[Holding], begin: float, now: float, day: float | None, label: int, room: int) -> Line:
    last = tenures[-1]
    known = days.known(last)
    name = named(last.subject) if known else "unknown"
    tone = Tone.STRONG if last.until is None else Tone.PLAIN
    return (
        Span("  " + fit(name, label - 2), tone if known else Tone.DIM),
        Span(_cells(tenures, begin, now, day, room), tone if known else Tone.DIM),
        Span(_told(tenures, now), Tone.DIM),
    )


def _cells(tenures: Sequence[Holding], begin: float, now: float, day: float | None, room: int) -> str:
    """Return the lane: `├──┤` while the version held it, `├──▶` until now, `~` where nobody knows, `┊` at the day."""
    out = [" "] * room
    if day is not None:
        out[history.day_at(begin, now, day, room)] = "┊"
    cell = max(1.0, now - begin) / room
    for one in tenures:
        since, until = _since(one), one.until if one.until is not None else now
        first = min(room - 1, max(0, int((since - begin) / cell))) if since > begin else 0
        last = max(first, min(room - 1, int((until - begin) / cell)))
        if not days.known(one):
            out[first : last + 1] = "~" * (last - first + 1)
            continue
        out[first : last + 1] = "─" * (last - first + 1)
        out[last] = "▶" if one.until is None else "┤"
        out[first] = ("├" if since > begin else "─") if last > first else "│" if one.until is not None else "▶"
    return "".join(out)


def _told(tenures: Sequence[Holding], now: float) -> str:
    """Return since when, for how long in all, and by whom last."""
    last = tenures[-1]
    if not days.known(last) or last.since is None:
        return ""
    held = sum((one.until if one.until is not None else now) - one.since for one in tenures if one.since is not None)
    by = fit(text.person(last.by, 12), 12)
    return fit(f" {fit_right(text.span(held), 5)} {by} {days.spelt(last.since)[5:]}", _TOLD)
