"""One thing of the record in full, as lines."""

from __future__ import annotations

from collections.abc import Iterator

from lineal.model.plan import Approval, CheckResult
from lineal_tui.present import text
from lineal_tui.present.checks import PASSES, approval_lines, check_counts, check_lines
from lineal_tui.present.history import Item, runs
from lineal_tui.present.ink import BLANK, Line, Span, Tone, fit, wrap
from lineal_tui.present.plan import named

_LABEL = 10


def recorded_lines(item: Item, now: float, cells: int) -> list[Line]:
    """Return what happened, when, by whom and why; then reviews and checks with their evidence."""
    out = [*_facts(item, now, cells)]
    approvals: tuple[Approval, ...] = item.holding.approvals if item.holding else ()
    checks: tuple[CheckResult, ...] = item.entry.checks if item.entry else ()
    if approvals:
        out += [BLANK, (Span("reviews", Tone.HEAD),)]
        out += [told.line for told in approval_lines(approvals, now, cells)]
    if checks:
        shown = {PASSES, *(check.id for check in checks if check.evidence)}
        out += [BLANK, (Span("checks, as they came out then", Tone.HEAD), *check_counts(checks))]
        out += [told.line for told in check_lines(checks, shown, cells)]
    return out


def _facts(item: Item, now: float, cells: int) -> Iterator[Line]:
    yield from _of_holding(item, now)
    entry = item.entry
    if entry is None:
        return
    facts = [
        ("event", f"{entry.number} {entry.kind} {entry.event}"),
        ("when", f"{text.moment(entry.at)}, {text.age(entry.at, now)}"),
        ("model", f"{entry.registry}:{entry.model}" if entry.registry else entry.model),
        ("alias", entry.alias),
        ("change", f"{entry.before or 'nothing'} → {entry.after or 'nothing'}" if entry.before or entry.after else ""),
        ("by", f"{entry.by} on {entry.host}" if entry.host else entry.by),
        ("signed", entry.signer or "not signed"),
        ("said", entry.text),
        ("command", entry.command),
        ("action", entry.action),
        ("undo", "U takes it back" if entry.undoable else ""),
    ]
    for label, said in facts:
        parts = wrap(text.safe(said, 2000), max(20, cells - _LABEL - 1)) if said else []
        yield from (_line("" if i else label, Span(part)) for i, part in enumerate(parts))


def _of_holding(item: Item, now: float) -> Iterator[Line]:
    one = item.holding
    if one is None:
        return
    yield (
        Span(f"{text.safe(one.model, 60)}@"),
        Span(text.safe(one.alias, 60), Tone.ALIAS),
        Span(f"  {item.before} → " if item.before else "  → ", Tone.DIM),
        Span(named(one.subject), Tone.STRONG),
    )
    since = f"{text.moment(one.since)}, {text.age(one.since, now)}" if one.since is not None else "nobody knows"
    until = text.moment(one.until) if one.until is not None else "it still does"
    yield _line("since", Span(since))
    yield _line("until", Span(until))
    if one.by:
        yield _line("by", Span(text.safe(one.by, 200)))
    if one.source:
        yield _line("known by", Span(text.safe(one.source, 60)))
    if one.reason:
        yield _line("because", Span(text.safe(one.reason, 1000)))
    if where := list(runs(one)):
        yield _line("runs", *where)


def _line(label: str, *spans: Span) -> Line:
    return (Span(fit(label, _LABEL), Tone.HEAD), *spans)
