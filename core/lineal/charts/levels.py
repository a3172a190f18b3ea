"""Levels across a chart: what the gates of the policy ask of a metric, and what the live version reaches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lineal.charts.drawing import Threshold
from lineal.model.listing import VersionRow
from lineal.model.live import holder, live
from lineal.policy.rules import MetricGate, Policy, matches

_MOST = 4


def levels(policy: Policy, rows: Sequence[VersionRow], metric: str, holders: Iterable[VersionRow]) -> list[Threshold]:
    """Return the levels of one metric: the live version's among `holders`, and the limits for the models of `rows`."""
    scopes = sorted({(row.registry, row.model) for row in rows})[:50]
    found = {one: None for row in scopes for one in _asked(policy, *row, metric)}
    return [*incumbent(metric, holders), *list(found)[:_MOST]]


def incumbent(metric: str, rows: Iterable[VersionRow]) -> list[Threshold]:
    """Return what the live version reaches."""
    row = holder(row for row in rows if metric in row.metrics)
    return [Threshold(f"{row.name} {live(row)}", row.metrics[metric])] if row else []


def _asked(policy: Policy, registry: str, model: str, metric: str) -> Iterable[Threshold]:
    for gate in policy.gates:
        if matches(gate.models, model) and matches(gate.registries, registry):
            for rule in gate.metrics:
                if rule.name == metric:
                    yield from _limits(rule, gate.name)


def _limits(rule: MetricGate, alias: str) -> Iterable[Threshold]:
    if rule.min is not None:
        yield Threshold(f"{alias} ≥", rule.min)
    if rule.max is not None:
        yield Threshold(f"{alias} ≤", rule.max)
