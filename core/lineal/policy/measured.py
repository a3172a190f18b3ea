"""Checks of metrics: bounds, and no regression against the version that holds the alias.

Numbers are compared as they are written: 0.93 − 0.002 is 0.928, whatever binary fractions make of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

import msgspec

from lineal.model.plan import CheckResult, Outcome
from lineal.model.values import Goal, Metric
from lineal.model.version import Version
from lineal.policy.facts import Facts
from lineal.policy.judging import incumbent, reference, result, some
from lineal.policy.rules import Gate, MetricGate, matches
from lineal.policy.units import number


class _Found(NamedTuple):
    """A metric of a version, or why there is none that counts."""

    metric: Metric | None
    outcome: Outcome = Outcome.PASS
    reason: str = ""


def metrics(gate: Gate, facts: Facts) -> Iterator[CheckResult]:
    """Judge every metric that a gate asks for."""
    for rule in gate.metrics:
        yield _judged(gate, rule, facts, check_id(gate, rule))


def check_id(gate: Gate, rule: MetricGate) -> str:
    """Return the id of a rule's result; where a gate asks for a metric on several data sets, with the data."""
    several = [one.name for one in gate.metrics].count(rule.name) > 1
    return f"metric.{rule.name}@{rule.dataset}" if several and rule.dataset else f"metric.{rule.name}"


def title(rule: MetricGate, alias: str, goal: Goal | None, noise: float = 0.0) -> str:
    """Say what is asked of a metric: `auc ≥ 0.93, no worse than prod − 0.002, on holdout`."""
    parts = [f"≥ {number(rule.min)}"] if rule.min is not None else []
    parts += [f"≤ {number(rule.max)}"] if rule.max is not None else []
    if rule.no_worse:
        band = f"{number(rule.percent)} %" if rule.percent is not None else number(noise) if noise else ""
        sign = {Goal.MAX: "−", Goal.MIN: "+", None: "±"}[goal]
        parts.append(f"no worse than {alias}" + (f" {sign} {band}" if band and band != "0 %" else ""))
    return f"{rule.name} {', '.join(parts)}" + (f", on {rule.dataset}" if rule.dataset else "")


def noise_of(rule: MetricGate, facts: Facts) -> float:
    """Return the tolerance in the metric's own unit, where it is not in percent."""
    noise = facts.noise(rule.name) if rule.noise is None else rule.noise
    return abs(noise) if math.isfinite(noise) else 0.0


def goal_of(rule: MetricGate, facts: Facts) -> Goal | None:
    """Return which way the metric gets better."""
    return rule.goal or facts.goals(rule.name)


def _judged(gate: Gate, rule: MetricGate, facts: Facts, check: str) -> CheckResult:
    goal, noise = goal_of(rule, facts), noise_of(rule, facts)
    words = title(rule, facts.alias, goal, noise)
    found = _measured(rule, facts.version)
    if found.metric is None:
        hint = f"measure {rule.name} and log it" + (f" on {rule.dataset}" if rule.dataset else "")
        return result(gate, check, words, found.outcome, found.reason, hint)
    value = _value(found.metric)
    if not math.isfinite(value):
        why = f"{number(value)} is no measurement"
        return result(gate, check, words, Outcome.FAIL, why, "find out where training or the measuring went wrong")
    wrong = _outside(rule, value)
    outcome, said, against = _compared(rule, facts, found.metric, goal, noise) if rule.no_worse else _NOT_COMPARED
    shown = f"{number(value)} against {number(against)}" if against is not None else number(value)
    hint = f"lineal diff {reference(facts)} shows what changed" if against is None else _look(facts)
    hint = 'say which way it gets better: goal = "max" or "min"' if rule.no_worse and goal is None else hint
    judged = result(
        gate, check, words, Outcome.FAIL if wrong else outcome, ", ".join(filter(None, [shown, wrong, said])), hint
    )
    return msgspec.structs.replace(judged, value=value, against=against)


_NOT_COMPARED: tuple[Outcome, str, float | None] = (Outcome.PASS, "", None)


def _look(facts: Facts) -> str:
    return f"what changed since {incumbent(facts) or facts.alias}: `lineal diff` of both"


def _outside(rule: MetricGate, value: float) -> str:
    if rule.min is not None and value < rule.min:
        return f"below {number(rule.min)}"
    if rule.max is not None and value > rule.max:
        return f"above {number(rule.max)}"
    return ""


def _measured(rule: MetricGate, version: Version) -> _Found:
    """Find the one value that a rule means."""
    named = [one for one in version.metrics if one.name == rule.name]
    if not named:
        return _Found(None, Outcome.FAIL, "not measured")
    fitting = [one for one in named if not rule.dataset or _on(rule.dataset, one, version)]
    data = sorted({one.dataset for one in fitting})
    if len(data) > 1:
        return _Found(
            None, Outcome.UNKNOWN, f"measured on {some(name or 'unnamed data' for name in data)}: which counts?"
        )
    if fitting:
        return _Found(max(enumerate(fitting), key=lambda one: (_step(one[1]), one[0]))[1])
    others = sorted({one.dataset for one in named if one.dataset})
    if len(others) < len({one.dataset for one in named}):
        return _Found(None, Outcome.UNKNOWN, "it is not recorded on which data it was measured")
    return _Found(None, Outcome.FAIL, f"measured on {some(others)} only")


def _value(metric: Metric) -> float:
    """Return a metric's value; what is too large for a float, or none at all, is no number."""
    try:
        return float(metric.value)
    except (OverflowError, ValueError, TypeError):
        return math.nan


def _step(metric: Metric) -> float:
    return -math.inf if metric.step is None else metric.step


def _on(pattern: str, metric: Metric, version: Version) -> bool:
    """Say whether a metric was measured on some data; where it does not say itself, by the version's data sets."""
    if metric.dataset:
        return matches((pattern,), metric.dataset)
    return any(matches((pattern,), one.name) or matches((pattern,), one.role) for one in version.datasets)


def _compared(
    rule: MetricGate, facts: Facts, metric: Metric, goal: Goal | None, noise: float
) -> tuple[Outcome, str, float | None]:
    """Judge against the incumbent: how it came out, in words, and the incumbent's value."""
    old = facts.incumbent
    if old is None:
        if facts.incumbent_name:
            return Outcome.UNKNOWN, f"{facts.incumbent_name} cannot be read", None
        return Outcome.PASS, f"nothing holds {facts.alias} yet", None
    if goal is None:
        return Outcome.UNKNOWN, "it is not known which way it gets better", None
    name = incumbent(facts)
    same_name = [one for one in old.metrics if one.name == rule.name]
    if not same_name:
        return Outcome.PASS, f"not measured in {name}", None
    same_data = [one for one in same_name if one.dataset == metric.dataset]
    if not same_data or not _same_content(rule, metric, facts.version, old):
        return Outcome.UNKNOWN, f"{name} was measured on other data", None
    last = max(enumerate(same_data), key=lambda one: (_step(one[1]), one[0]))[1]
    before = _value(last)
    if not math.isfinite(before):
        return Outcome.UNKNOWN, f"{name} has {number(before)}", None
    return _no_worse(rule, _value(metric), before, goal, noise)


def _same_content(rule: MetricGate, metric: Metric, new: Version, old: Version) -> bool:
    """Say whether both versions name the same content of the data, as far as they name any."""
    pattern = metric.dataset or rule.dataset
    if not pattern:
        return True
    ours, theirs = _digests(pattern, new), _digests(pattern, old)
    if not metric.dataset and not _on(pattern, metric, old):
        return False
    return not ours or not theirs or bool(ours & theirs)


def _digests(pattern: str, version: Version) -> set[str]:
    return {
        one.digest
        for one in version.datasets
        if one.digest and (matches((pattern,), one.name) or matches((pattern,), one.role))
    }


def _no_worse(
    rule: MetricGate, value: float, before: float, goal: Goal, noise: float
) -> tuple[Outcome, str, float | None]:
    new, old = _exact(value), _exact(before)
    band = abs(old) * _exact(rule.percent) / 100 if rule.percent is not None else _exact(noise)
    worse = old - new if goal is Goal.MAX else new - old
    if worse <= band:
        return Outcome.PASS, "", before
    allowed = f", more than {number(_float(band))}" if band else ""
    return Outcome.FAIL, f"worse by {number(_float(worse))}{allowed}", before


def _exact(value: float) -> Fraction:
    return Fraction(repr(float(value)))


def _float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf
