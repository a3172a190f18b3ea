"""Checks, differences and approvals of a plan as lines: what stands in its way first."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from lineal.model.diff import Verdict
from lineal.model.plan import Approval, CheckResult, Difference, Outcome
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
_VERDICTS = {
    Verdict.WORSE: ("▼", Tone.WORSE),
    Verdict.CHANGED: ("≠", Tone.CHANGED),
    Verdict.REMOVED: ("−", Tone.CHANGED),
    Verdict.ADDED: ("+", Tone.CHANGED),
    Verdict.BETTER: ("▲", Tone.BETTER),
    Verdict.NOISE: ("~", Tone.DIM),
    Verdict.SAME: ("=", Tone.DIM),
}
"""How a difference stands."""
_APPROVALS = {"approved": ("✔", Tone.BETTER), "rejected": ("✘", Tone.ERROR), "requested": ("·", Tone.DIM)}
_EVIDENCE = 64 * 1024
_TITLE = 46  # cells for the name of a check where its reason stands beside it


class Told(NamedTuple):
    """One line of a plan, and what enter unfolds there: the id of a check, or "differences"; "" for nothing."""

    line: Line
    folds: str = ""


def worst_first(checks: Sequence[CheckResult]) -> list[CheckResult]:
    """Return the checks by how they came out: failing ones first."""
    return sorted(checks, key=lambda check: _ORDER.index(check.outcome))


def check_lines(checks: Sequence[CheckResult], unfolded: Collection[str], cells: int) -> Iterator[Told]:
    """Yield a line for each check, with what to do about it, and its evidence where it is unfolded."""
    for check in worst_first(checks):
        yield from _check(check, check.id in unfolded, cells)


def _check(check: CheckResult, unfolded: bool, cells: int) -> Iterator[Told]:
    glyph, tone = _OUTCOMES[check.outcome]
    title, reason = text.safe(check.title or check.id, 300), text.safe(check.reason, 600)
    more = Span(" ▾" if unfolded else " ▸", Tone.DIM) if check.evidence else Span("")
    beside = width((Span(title),)) <= _TITLE and width((Span(reason),)) <= cells - min(_TITLE, cells // 2) - 4
    room = min(_TITLE, cells // 2)
    if beside:
        room = max(room, width((Span(title),)))
        yield Told((Span(f"{glyph} ", tone), Span(fit(title, room)), Span(f" {reason}", Tone.DIM), more), check.id)
    else:
        parts = wrap(title, max(20, cells - 4))
        yield Told((Span(f"{glyph} ", tone), Span(parts[0]), more), check.id)
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


def difference_lines(differences: Sequence[Difference], most: int, cells: int) -> Iterator[Told]:
    """Yield what differs from the incumbent and how many are left out: what is worse first, else as it was ranked."""
    ranked = sorted(differences, key=lambda one: one.verdict is not Verdict.WORSE)
    longest = min(24, max((width((Span(text.safe(one.name, 60)),)) for one in ranked[:most]), default=0))
    for one in ranked[:most]:
        yield Told(_difference(one, longest, cells), "differences" if len(ranked) > most else "")
    if len(ranked) > most:
        yield Told((Span(f"  … {len(ranked) - most} more ▸", Tone.DIM),), "differences")


def _difference(one: Difference, longest: int, cells: int) -> Line:
    glyph, tone = _VERDICTS.get(one.verdict, ("≠", Tone.CHANGED))
    before, after = text.safe(one.before, 60) or "none", text.safe(one.after, 60) or "none"
    moved = f"{before} → {after}" if before != after else after
    delta = f"  {text.signed(one.delta)}" if one.delta else ""
    facet = f"{text.safe(one.facet, 20)}  " if cells >= 70 else ""
    return (
        Span(f"{glyph} ", tone),
        Span(fit(facet, 13) if facet else "", Tone.DIM),
        Span(fit(text.safe(one.name, 60), longest) + "  "),
        Span(moved, tone),
        Span(delta, tone),
        Span(f"  {text.safe(one.note, 120)}" if one.note else "", Tone.DIM),
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
