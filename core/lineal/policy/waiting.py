"""Checks of time: which alias a version must have had before, and for how long."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from lineal.model.plan import CheckResult, Outcome
from lineal.policy import units
from lineal.policy.facts import Facts, Held
from lineal.policy.judging import reference, result
from lineal.policy.rules import Gate


def order(gate: Gate, facts: Facts) -> Iterator[CheckResult]:
    """Judge whether the version had the alias that comes first, for long enough."""
    if not gate.after:
        return
    outcome, reason, hint = _waited(gate, facts)
    yield result(gate, f"after.{gate.after}", order_title(gate), outcome, reason, hint)


def order_title(gate: Gate) -> str:
    """Say what comes first."""
    return f"{gate.after} first" + (f", for {units.lasting(gate.at_least)}" if gate.at_least else "")


def _waited(gate: Gate, facts: Facts) -> tuple[Outcome, str, str]:
    held = [one for one in facts.held if one.alias == gate.after]
    promote = f"lineal promote {reference(facts)} --to {gate.after}"
    if not held:
        return Outcome.FAIL, f"it never was {gate.after}", promote
    here = any(one.until is None for one in held)
    now = facts.now
    spent = _spent(held, now)
    if gate.at_least == 0 or spent >= gate.at_least:
        return (
            Outcome.PASS,
            f"for {units.lasting(spent)}" if spent else f"it {'is' if here else 'was'} {gate.after}",
            "",
        )
    if not math.isfinite(now) or any(_vague(one) for one in held):
        return Outcome.UNKNOWN, f"since when it was {gate.after} is not known", "let more time pass, or override"
    said = f"{units.lasting(spent)} of {units.lasting(gate.at_least)}"
    if here:
        over = units.moment(math.ceil((now + gate.at_least - spent) / 60) * 60)
        return Outcome.WAIT, f"{said}, over on {over}", f"wait until {over}"
    return Outcome.FAIL, f"{said}, and it is {gate.after} no more", promote


def _vague(held: Held) -> bool:
    """Say whether a time is unknown, or is no time."""
    return held.since is None or not math.isfinite(held.since) or not math.isfinite(held.until or 0.0)


def _spent(held: Sequence[Held], now: float) -> float:
    """Return the seconds in which one of the spans that are known was running, up to now; none counts twice."""
    spans = sorted(
        (one.since, now if one.until is None else min(one.until, now))
        for one in held
        if one.since is not None and not _vague(one) and math.isfinite(now)
    )
    total, reached = 0.0, -math.inf
    for since, until in spans:
        total += max(0.0, until - max(since, reached))
        reached = max(reached, until)
    return total
