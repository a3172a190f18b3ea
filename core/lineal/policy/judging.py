"""What the checks share: how a result is made, and how outcomes add up."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from lineal.model.plan import CheckResult, Outcome
from lineal.model.reference import canonical
from lineal.policy.facts import Facts
from lineal.policy.rules import Gate

EVIDENCE = 64 * 1024  # characters
_MOST = 5  # things that a reason names one by one


def result(
    gate: Gate | None,
    check: str,
    title: str,
    outcome: Outcome,
    reason: str = "",
    hint: str = "",
    evidence: str = "",
) -> CheckResult:
    """Return a result; one that passed needs no hint."""
    return CheckResult(
        id=check,
        title=title,
        outcome=outcome,
        reason=reason,
        hint="" if outcome is Outcome.PASS else hint,
        evidence=evidence[-EVIDENCE:],
        gate=gate.name if gate else "",
    )


def decided(truth: bool | None) -> Outcome:
    """Return what a fact means that holds, does not, or is not known."""
    return Outcome.UNKNOWN if truth is None else Outcome.PASS if truth else Outcome.FAIL


def some(names: Iterable[str]) -> str:
    """Name a few things, and say how many more there are."""
    known = list(names)
    more = f" and {len(known) - _MOST} more" if len(known) > _MOST else ""
    return ", ".join(known[:_MOST]) + more


def reference(facts: Facts) -> str:
    """Return the candidate as a command line names it."""
    return shlex.quote(canonical(facts.registry, facts.model, facts.version.name or facts.version.key))


def incumbent(facts: Facts) -> str:
    """Return what people call the version that holds the alias."""
    return facts.incumbent_name or (facts.incumbent.name if facts.incumbent else "")
