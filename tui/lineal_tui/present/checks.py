"""Checks and approvals of a plan as lines: what stands in its way first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from lineal.model.plan import Approval, CheckResult, Outcome
from lineal_tui.present import text
from lineal_tui.present.ink import Line, Span, Tone, fit, width, wrap

_OUTCOMES = {
    Outcome.FAIL: ("✘", Tone.ERROR),
    Outcome.UNTRUSTED: ("!", Tone.WARN),
    Outcome.UNKNOWN: ("?", Tone.WARN),
    Outcome.WAIT: ("◔", Tone.WARN),
    Outcome.PENDING: ("…", Tone.ACCENT),
    Outcome.PASS: ("✔", Tone.BETTER),
}
"""How a check came out, in the order in which checks are shown."""
_ORDER = list(_OUTCOMES)
_APPROVALS = {"approved": ("✔", Tone.BETTER), "rejected": ("✘", Tone.ERROR), "requested": ("·", Tone.DIM)}
_EVIDENCE = 64 * 1024
_TITLE = 46  # cells for the name of a check where its reason stands beside it
PASSES = "passes"
"""What enter unfolds where many checks pass."""
_PASSES = 4  # checks that pass, up to which each has its line
_COUNTED = {
    Outcome.FAIL: ("fails", "fail"),
    Outcome.UNTRUSTED: ("not trusted", "not trusted"),
    Outcome.UNKNOWN: ("unknown", "unknown"),
    Outcome.WAIT: ("waits", "wait"),
    Outcome.PENDING: ("to run", "to run"),
    Outcome.PASS: ("passes", "pass"),
}
"""What is said of one check, and of several."""


class Told(NamedTuple):
    """One line of a plan, and what enter unfolds there: the id of a check, or "differences"; "" for nothing."""

    line: Line
    folds: str = ""
    stops: bool = False  # it begins what stands in the way, or what is worse


def worst_first(checks: Sequence[CheckResult]) -> list[CheckResult]:
    """Return the checks by how they came out: failing ones first."""
    return sorted(checks, key=lambda check: _ORDER.index(check.outcome))


def check_counts(checks: Sequence[CheckResult]) -> Line:
    """Return how many checks came out how, those that stand in the way first: `✘ 2 fail  ✔ 5 pass`."""
    found = Counter(check.outcome for check in checks)
    parts = [
        Span(f"  {glyph} {found[outcome]} {_COUNTED[outcome][found[outcome] != 1]}", tone)
        for outcome, (glyph, tone) in _OUTCOMES.items()
        if found[outcome]
    ]
    return tuple(parts)


def check_lines(checks: Sequence[CheckResult], unfolded: Collection[str], cells: int) -> Iterator[Told]:
    """Yield a line for each check, with what to do about it, and its evidence where it is unfolded.

    Those that pass stand behind one line where they are many.
    """
    passes = [check for check in checks if check.passed]
    folded = len(passes) > _PASSES
    for check in worst_first(checks):
        if not (folded and check.passed):
            yield from _check(check, check.id in unfolded, cells)
    if not folded:
        return
    glyph, tone = _OUTCOMES[Outcome.PASS]
    turned = "▾" if PASSES in unfolded else "▸"
    names = ", ".join(text.safe(check.id.rpartition(".")[2] or check.id, 30) for check in passes[:12])
    yield Told((Span(f"{glyph} ", tone), Span(f"{len(passes)} pass {turned}"), Span(f"  {names}", Tone.DIM)), PASSES)
    if PASSES in unfolded:
        for check in passes:
            yield from _check(check, check.id in unfolded, cells)


def _check(check: CheckResult, unfolded: bool, cells: int) -> Iterator[Told]:
    glyph, tone = _OUTCOMES[check.outcome]
    stops = check.outcome not in (Outcome.PASS, Outcome.PENDING)
    title, reason = text.safe(check.title or check.id, 300), text.safe(check.reason, 600)
    more = Span(" ▾" if unfolded else " ▸", Tone.DIM) if check.evidence else Span("")
    beside = width((Span(title),)) <= _TITLE and width((Span(reason),)) <= cells - min(_TITLE, cells // 2) - 4
    room = min(_TITLE, cells // 2)
    if beside:
        room = max(room, width((Span(title),)))
        said = (Span(f"{glyph} ", tone), Span(fit(title, room)), Span(f" {reason}", Tone.DIM), more)
        yield Told(said, check.id, stops)
    else:
        parts = wrap(title, max(20, cells - 4))
        yield Told((Span(f"{glyph} ", tone), Span(parts[0]), more), check.id, stops)
        yield from (Told((Span("  " + part),), check.id) for part in parts[1:])
        yield from (
            Told((Span("    " + part, Tone.DIM),), check.id) for part in wrap(reason, max(20, cells - 4)) if part
        )
    if not check.passed and check.hint:
        hints = wrap(text.safe(check.hint, 600), max(20, cells - 6))
        yield from (
            Told((Span(("  → " if not i else "    ") + part, Tone.ACCENT),), check.id) for i, part in enumerate(hints)
        )
    if unfolded:
        yield from _evidence(check, cells)


def _evidence(check: CheckResult, cells: int) -> Iterator[Told]:
    said = text.safe_lines(check.evidence[:_EVIDENCE]) or "nothing more was recorded"
    for part in wrap(said, max(20, cells - 4)):
        yield Told((Span("  │ ", Tone.DIM), Span(part)), check.id)


def approval_counts(approvals: Sequence[Approval]) -> Line:
    """Return how many approvals and rejections count."""
    found = Counter(one.what for one in approvals if one.counts)
    counted = (("approved", "approval counts", "approvals count"), ("rejected", "rejection", "rejections"))
    return tuple(
        Span(f"  {_APPROVALS[what][0]} {found[what]} {one if found[what] == 1 else several}", _APPROVALS[what][1])
        for what, one, several in counted
        if found[what]
    )


def approval_lines(approvals: Sequence[Approval], now: float, cells: int) -> Iterator[Told]:
    """Yield who said what, and why it does not count."""
    for one in approvals:
        glyph, tone = _APPROVALS.get(one.what, ("·", Tone.DIM))
        why = f"  does not count: {text.safe(one.why, 120) or 'by the policy'}" if not one.counts else ""
        signer = f"  signed {text.safe(one.signer, 24)}" if one.signer else ""
        yield Told(
            (
                Span(f"{glyph} ", tone if one.counts else Tone.DIM),
                Span(f"{text.safe(one.what, 20)} by {text.safe(one.by, 80)}"),
                Span(f", {text.age(one.at, now)}", Tone.DIM),
                Span(why, Tone.WARN),
                Span(signer, Tone.DIM),
            )
        )
        said = wrap(text.safe(one.text, 1000), max(20, cells - 4)) if one.text else []
        yield from (Told((Span("    " + part, Tone.DIM),)) for part in said)


def blockers(checks: Sequence[CheckResult]) -> str:
    """Return what stands in the way in one phrase: `latency_ms, approvals`."""
    names = [text.safe(check.id.rpartition(".")[2] or check.id, 30) for check in worst_first(checks)]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
