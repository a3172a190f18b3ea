"""History as lines: a bar for each alias over time, what it was on a day, and what happened, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from lineal.model.plan import Approval, Entry, Holding
from lineal_tui.present import days, text
from lineal_tui.present.ink import BLANK, Line, Span, Tone, fit, width
from lineal_tui.present.keycap import cap
from lineal_tui.present.plan import named

_LABEL = 24  # cells for the name of an alias at most
_ACTION = 600.0  # seconds from the beginning of an action to what it moved
_CLOCKS = 5.0  # seconds by which clocks differ
_SOURCES = {
    "action": "by Lineal",
    "observed": "seen by a sync",
    "registry": "its registry says so",
    "unknown": "not known",
}


class Item(NamedTuple):
    """One line of the record: what an alias held from then on, what was written down, or both of one event."""

    at: float | None
    holding: Holding | None = None
    entry: Entry | None = None
    before: str = ""  # what the alias held before


def items(holdings: Sequence[Holding], entries: Sequence[Entry]) -> list[Item]:
    """Return the record, newest first; an event that moved an alias stands with what the alias held since."""
    spare = list(entries)
    out: list[Item] = []
    for held in days.by_alias(holdings).values():
        before = ""
        for one in held:
            event = next((entry for entry in spare if _moved(entry, one)), None)
            if event is not None:
                spare.remove(event)
            if days.known(one):
                out.append(Item(one.since, one, event, before))
            before = named(one.subject) if days.known(one) else "unknown"
    out += [Item(entry.at, entry=entry) for entry in spare]
    return sorted(out, key=lambda item: -(item.at if item.at is not None else float("-inf")))


def _moved(entry: Entry, holding: Holding) -> bool:
    """Say whether an entry is the event by which an alias came to hold what it holds.

    A registry writes its own time down, and an action is on record from its beginning: they are seconds apart.
    """
    if entry.kind in _SAID or holding.since is None or (entry.registry, entry.model) != days.line_of(holding)[:2]:
        return False
    near = -_CLOCKS <= holding.since - entry.at <= _ACTION
    return near and entry.alias == holding.alias and entry.after == holding.subject.name


_SAID = frozenset(
    ("request", "requested", "approve", "approved", "reject", "rejected", "note", "deployed", "evidence", "started")
)
"""Kinds of event that move no alias: what people ask, say and see."""


def timeline_lines(holdings: Sequence[Holding], day: float | None, now: float, cells: int) -> list[Line]:
    """Return a bar for each alias, the days below, and what each alias was on the day that is looked at."""
    by_alias = days.by_alias(holdings)
    if not by_alias:
        return []
    names, label = labels(by_alias)
    room = max(8, cells - label)
    begin = beginning(holdings, now)
    out: list[Line] = []
    for line, held in by_alias.items():
        out.append((Span(fit(names[line], label), Tone.ALIAS), *_bar(held, begin, now, room)))
    out.append((Span(" " * label), *axis(begin, now, day, room)))
    return out + then_lines(by_alias, day, now, cells)


def labels(lines: Iterable[days.Line]) -> tuple[dict[days.Line, str], int]:
    """Return what each alias is called at the left, and the cells that the longest takes."""
    known = list(lines)
    several = len({line[:2] for line in known}) > 1
    names = {line: _label(line, several) for line in known}
    return names, min(_LABEL, max((width((Span(said),)) for said in names.values()), default=0)) + 2


def then_lines(by_alias: Mapping[days.Line, list[Holding]], day: float | None, now: float, cells: int) -> list[Line]:
    """Return what each alias was on the day that is looked at; where it runs stands below where there is no room."""
    if day is None:
        return []
    names, label = labels(by_alias)
    out: list[Line] = [(Span(f"on {days.spelt(day)} UTC", Tone.HEAD),)]
    for line, held in by_alias.items():
        said, where = _then(held, day, now)
        head = (Span(fit(names[line], label), Tone.ALIAS), *said)
        if width(head) + width(where) <= cells or not where:
            out.append((*head, *where))
        else:
            out += [head, (Span(" " * (label - 2)), *where)]
    return out


def _label(line: days.Line, several: bool) -> str:
    _, model, alias = line
    return text.safe(f"{model}@{alias}" if several else alias, 60)


def beginning(holdings: Iterable[Holding], now: float) -> float:
    """Return where the bars begin: a little before anything is known."""
    known = [at for one in holdings for at in (one.since, one.until) if at is not None and at < now]
    first = min(known, default=now - days.DAY)
    return first - max(days.DAY / 24, (now - first) * 0.06)


def _bar(held: Sequence[Holding], begin: float, now: float, room: int) -> Line:
    cell = (now - begin) / room
    shown = [days.at(held, begin + (i + 0.5) * cell) for i in range(room)]
    out: list[Span] = []
    for i, (_, run) in enumerate(groupby(shown, key=id)):
        same = list(run)
        out.append(_stretch(same[0], len(same), i % 2 == 1))
    return tuple(out)


def _stretch(holding: Holding | None, cells: int, odd: bool) -> Span:
    if holding is None:
        return Span("~" * cells, Tone.DIM)
    if not holding.subject:
        return Span("·" * cells, Tone.DIM)
    name = named(holding.subject)
    said = name if width((Span(name),)) < cells else fit(name, cells - 1) if cells > 3 else ""
    tone = Tone.STRONG if holding.until is None else Tone.CHANGED if odd else Tone.PLAIN
    return Span(("▏" + said + "─" * cells)[:cells] if said.isascii() else fit("▏" + said, cells), tone)


def day_at(begin: float, now: float, day: float, room: int) -> int:
    """Return the cell of a day."""
    return min(room - 1, max(0, int((day + days.DAY / 2 - begin) / max(1.0, now - begin) * room)))


def axis(begin: float, now: float, day: float | None, room: int) -> Line:
    """Return the first and the last day, months between them, and a mark below the day that is looked at."""
    out = [" "] * room
    mark, at = _mark(begin, now, day, room)
    out[at : at + len(mark)] = mark
    _put(out, 0, days.spelt(begin))
    _put(out, room - len(days.spelt(now)), days.spelt(now))
    for moment, said in days.months(begin, now):
        _put(out, int((moment - begin) / max(1.0, now - begin) * room), said)
    drawn = "".join(out)
    return (
        Span(drawn[:at], Tone.DIM),
        Span(drawn[at : at + len(mark)], Tone.ACCENT),
        Span(drawn[at + len(mark) :], Tone.DIM),
    )


def _mark(begin: float, now: float, day: float | None, room: int) -> tuple[str, int]:
    """Return the mark of a day with its date, and the cell at which that begins."""
    if day is None:
        return "", 0
    at, said = day_at(begin, now, day, room), days.spelt(day)
    return (f"▲ {said}", at) if at + 2 + len(said) <= room else (f"{said} ▲", max(0, at - len(said) - 1))


def _put(out: list[str], at: int, said: str) -> None:
    """Write a word where there is room for it with a cell free at both sides."""
    around = out[max(0, at - 1) : at + len(said) + 1]
    if at >= 0 and at + len(said) <= len(out) and not "".join(around).strip():
        out[at : at + len(said)] = said


def _then(held: Sequence[Holding], day: float, now: float) -> tuple[Line, Line]:
    """Return what an alias was at the end of a day, and earlier on it; and where that is said to run."""
    *earlier, last = days.on(held, day)
    out = [*_held(last, day)]
    if earlier:
        before = ", ".join(f"{_name(one)} until {days.clock(one.until or day)}" for one in reversed(earlier))
        out.append(Span(f"  earlier {before}", Tone.CHANGED))
    current = last.until is None and day >= days.start(now)
    return tuple(out), tuple(runs(last)) if last.subject and (current or last.deployed) else ()


def _name(one: Holding) -> str:
    return named(one.subject) if days.known(one) else "unknown"


def _held(one: Holding, day: float) -> Iterable[Span]:
    if not days.known(one):
        later = f": nobody looked before {days.spelt(one.until)}" if one.until is not None else ""
        then = f", when it was {named(one.subject)}" if later and one.subject else ""
        return (Span("unknown", Tone.WARN), Span(later + then, Tone.DIM))
    if not one.subject:
        return (Span("nothing", Tone.DIM),)
    by = f" by {text.person(one.by)}" if one.by else ""
    return (
        Span(named(one.subject), Tone.STRONG),
        Span(f"{_since(one, day)}{by}", Tone.DIM),
        *approved(one.approvals),
    )


def _since(one: Holding, day: float) -> str:
    if one.since is None:
        return ""
    return f" since {days.clock(one.since)}" if one.since >= day else f" since {days.spelt(one.since)}"


def approved(approvals: Sequence[Approval]) -> Iterable[Span]:
    """Return who let it through: only approvals that count."""
    names = [text.person(one.by, 30) for one in approvals if one.what == "approved" and one.counts]
    return (Span(f"  ✔ approved by {', '.join(names[:4])}", Tone.BETTER),) if names else ()


def runs(holding: Holding) -> Iterable[Span]:
    """Return where it is said to run; another version than the alias holds is marked."""
    for place in holding.deployed[:4]:
        glyph, tone = ("=", Tone.DIM) if place.same else ("≠", Tone.WARN)
        yield Span(f"  {glyph} {text.safe(place.text, 80)}", tone)


def item_lines(shown: Sequence[Item], *, several: bool) -> list[Line]:
    """Return a line for each thing of the record."""
    alias = min(_LABEL, max((width((Span(_subject(one, several)),)) for one in shown), default=4)) + 1
    return [_item(one, alias, several=several) for one in shown]


def _subject(item: Item, several: bool) -> str:
    of = item.holding or item.entry
    assert of is not None
    name = of.alias or (item.entry.kind if item.entry else "")
    return text.safe(
        f"{of.model}@{of.alias}" if several and of.alias else name if not several else f"{of.model} {name}", 60
    )


def _item(item: Item, alias: int, *, several: bool) -> Line:
    when = text.moment(item.at).removesuffix(" UTC") if item.at is not None else "before that"
    head = (Span(fit(when, 17), Tone.DIM), Span(fit(_subject(item, several), alias), Tone.ALIAS))
    if item.holding is not None:
        return (*head, *_holding(item))
    entry = item.entry
    assert entry is not None
    return (*head, *_entry(entry, told=not entry.alias))


def _holding(item: Item) -> Iterable[Span]:
    one = item.holding
    assert one is not None
    yield Span(f"{item.before} → " if item.before else "→ ", Tone.DIM)
    yield Span(named(one.subject), Tone.STRONG if one.until is None else Tone.PLAIN)
    yield Span(f"  {text.person(one.by)}" if one.by else "")
    yield Span(f"  {_SOURCES.get(one.source, text.safe(one.source, 20))}", Tone.DIM)
    yield from approved(one.approvals)
    yield from runs(one)
    said = item.entry.text if item.entry else ""
    if said.startswith("OVERRIDE"):
        yield Span(f"  {text.safe(said, 200)}", Tone.WARN)
    elif one.reason:
        yield Span(f"  {text.safe(one.reason, 200)}", Tone.DIM)


def _entry(entry: Entry, *, told: bool) -> Iterable[Span]:
    """Yield what was done to what, by whom, and what was said; the kind unless it is `told` where the alias stands."""
    yield Span("" if told else f"{text.safe(entry.kind, 20)} ", Tone.CHANGED)
    before, after = text.safe(entry.before, 40), text.safe(entry.after, 40)
    moved = f"{before} → {after}" if before and after and before != after else after or before
    yield Span(f"{moved}  " if moved else "")
    yield Span(text.person(entry.by))
    yield Span(f"  {text.safe(entry.text, 300)}" if entry.text else "", Tone.DIM)


def empty_lines() -> list[Line]:
    """Return what stands there where nothing was recorded."""
    return [
        BLANK,
        (Span(" Nothing is on record here yet."),),
        (Span(" What an alias was before anybody looked is unknown; each sync looks.", Tone.DIM),),
        (
            cap("promote", " "),
            Span(" promotes, ", Tone.DIM),
            cap("sync"),
            Span(" syncs.", Tone.DIM),
        ),
    ]
