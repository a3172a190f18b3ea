"""Policies written as TOML, and facts about a made-up version."""

from __future__ import annotations

import tomllib
from typing import Any

import msgspec

from lineal.model.plan import Approval, CheckResult, Outcome
from lineal.model.values import Metric
from lineal.model.version import Kind, Version
from lineal.policy.evaluate import evaluate
from lineal.policy.facts import Facts
from lineal.policy.rules import Policy, parse
from tests.conftest import NOW

HOUR = 3600.0


def policy(text: str) -> Policy:
    """Read a policy from TOML."""
    return parse(tomllib.loads(text))


def gate(rules: str) -> Policy:
    """Read a policy with one gate before prod."""
    return policy(f'[[gate]]\nalias = "prod"\n{rules}')


def version(name: str = "v8", *metrics: Metric, **more: Any) -> Version:
    """Make a version of churn."""
    fields: dict[str, Any] = {"registry": "reg", "model": "churn", "key": f"key-{name}", "name": name}
    return Version(**fields | {"kind": Kind.REGISTERED, "metrics": metrics} | more)


def facts(subject: Version | None = None, **more: Any) -> Facts:
    """Make the facts of a version that is to become prod, of which nothing else is known."""
    subject = subject or version()
    fields: dict[str, Any] = {"version": subject, "registry": "reg", "model": "churn", "alias": "prod", "now": NOW}
    return msgspec.structs.replace(Facts(**fields), **more)


def only(asked: Policy, known: Facts) -> CheckResult:
    """Return the one result of a policy that asks for one thing."""
    (result,) = evaluate(asked, known)
    return result


def outcome(asked: Policy, known: Facts) -> tuple[Outcome, str]:
    """Return how the one thing that is asked came out, and why."""
    result = only(asked, known)
    assert result.gate == "prod"
    assert bool(result.hint) is not result.passed  # whoever is stopped is told what to do
    return result.outcome, result.reason


def approved(by: str, what: str = "approved", **more: Any) -> Approval:
    """Make what somebody said."""
    return Approval(by=by, at=NOW, what=what, **more)
