"""The record as statements: what every alias is and was, who changed what, when, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lineal.model.plan import Entry, Holding
from lineal_tui.plain import plans, words
from lineal_tui.present import days, text
from lineal_tui.present.history import Item
from lineal_tui.present.plan import named

_SOURCES = {
    "action": "by Lineal",
    "observed": "seen by a sync",
    "registry": "as its registry says",
    "now": "seen now",
    "unknown": "not known",
}


def on_day(holdings: Sequence[Holding], day: float, now: float) -> Iterator[str]:
    """Yield what every alias was at the end of a day, and earlier on it."""
    today = days.start(now) == day
    for (_, model, alias), held in days.by_alias(holdings).items():
        *earlier, last = days.on(held, day)
        what = f"{text.safe(model, 60)} {text.safe(alias, 40)}"
        said = [f"{what} {'is' if today else 'was'} {_held(last, day)}"]
        for one in reversed(earlier):
            known = days.known(one)
            until = f"before that {named(one.subject)} until {days.clock(one.until or day)}"
            said.append(until if known else "not known before that")
        if last.subject and (last.deployed and (today or last.until is None)):
            said += [_running(last)]
        yield ", ".join(said)


def _held(one: Holding, day: float) -> str:
    if not days.known(one):
        return f"unknown: nobody looked before {days.spelt(one.until)}" if one.until is not None else "unknown"
    if not one.subject:
        return "nothing"
    since = ""
    if one.since is not None:
        since = f" since {days.clock(one.since)}" if one.since >= day else f" since {days.spelt(one.since)}"
    return f"{named(one.subject)}{since}{f', by {text.person(one.by)}' if one.by else ''}{_approved(one)}"


def _approved(one: Holding) -> str:
    names = [text.person(each.by, 30) for each in one.approvals if each.what == "approved" and each.counts]
    return f", approved by {words.listed(names)}" if names else ""


def _running(one: Holding) -> str:
    return words.listed(text.safe(place.text, 120) for place in one.deployed[:6])


def item(one: Item) -> str:
    """Return one thing of the record: what happened to what, when, by whom and why."""
    when = text.moment(one.at) if one.at is not None else "before anybody looked"
    if one.holding is not None:
        return f"{_move(one, one.holding)}, {when}{_why(one)}"
    assert one.entry is not None
    return f"{_entry(one.entry)}, {when}"


def _move(one: Item, held: Holding) -> str:
    what = f"{text.safe(held.model, 60)} {text.safe(held.alias, 40)}"
    moved = f"from {one.before} to {named(held.subject)}" if one.before else f"set to {named(held.subject)}"
    by = f" by {text.person(held.by)}" if held.by else ""
    known = _SOURCES.get(held.source, text.safe(held.source, 20))
    places = f", {_running(held)}" if held.deployed else ""
    return f"{what} {moved}{by}, {known}{_approved(held)}{places}"


def _why(one: Item) -> str:
    said = one.entry.text if one.entry and one.entry.text.startswith("OVERRIDE") else ""
    said = said or (one.holding.reason if one.holding else "")
    return f", because: {text.safe(said, 300)}" if said else ""


def _entry(entry: Entry) -> str:
    what = " ".join(text.safe(part, 60) for part in (entry.model, entry.alias) if part)
    before, after = text.safe(entry.before, 60), text.safe(entry.after, 60)
    moved = f"from {before} to {after}" if before and after and before != after else after or before
    parts = [f"{text.safe(entry.kind, 20).capitalize()} {' '.join(part for part in (what, moved) if part)}".rstrip()]
    parts += [f"by {text.person(entry.by)}"]
    parts += [f"saying: {text.safe(entry.text, 300)}"] if entry.text else []
    return ", ".join(parts)


def whole(one: Item, now: float) -> Iterator[str]:
    """Yield everything about one thing of the record."""
    yield item(one)
    if (held := one.holding) is not None:
        since = f"{text.moment(held.since)}, {words.ago(held.since, now)}" if held.since is not None else "unknown"
        yield f"Since: {since}"
        yield f"Until: {text.moment(held.until)}" if held.until is not None else "Until: it still does"
        yield from plans.approvals(held.approvals, now)
    if (entry := one.entry) is None:
        return
    yield f"Event {entry.number}: {text.safe(entry.kind, 40)} {text.safe(entry.event, 80)}"
    yield f"By {text.safe(entry.by, 120)}{f' on {text.safe(entry.host, 80)}' if entry.host else ''}"
    yield f"Signed with {text.safe(entry.signer, 120)}" if entry.signer else "Not signed"
    if entry.text:
        yield f"Said: {text.safe(entry.text, 1500)}"
    if entry.command:
        yield f"On the command line: {text.safe(entry.command, 1000)}"
    yield from plans.checks(entry.checks)
    if entry.undoable:
        yield "Type undo to take it back"
