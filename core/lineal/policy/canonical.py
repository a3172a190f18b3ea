"""A policy in the one form that means it: what its digest is made of, and what `parse` reads as the same policy."""

from __future__ import annotations

from typing import Any

from lineal.policy.rules import CommandCheck, Gate, Hook, MetricGate, Policy


def canonical(policy: Policy) -> dict[str, Any]:
    """Return the plain document of a policy, without what is the default."""
    names = {name: text for name in policy.names.__struct_fields__ if (text := getattr(policy.names, name))}
    own = _said({"owner": policy.owner if policy.owner != "owner" else "", "names": names})
    gates, hooks = [_gate(one) for one in policy.gates], [_hook(one) for one in policy.hooks]
    return _said({"policy": own, "gate": gates, "on": hooks})


def commands_of(policy: Policy) -> list[dict[str, Any]]:
    """Return what a policy runs or posts, and when: what somebody must trust before it happens."""
    return [*(_command(one) for one in policy.commands), *(_hook(one) for one in policy.hooks)]


def _said(table: dict[str, Any]) -> dict[str, Any]:
    """Leave out what says nothing. A bound of 0 says something."""
    return {key: value for key, value in table.items() if value is not None and value not in ("", [], {}, False, ["*"])}


def _span(span: float) -> str:
    return f"{span:.3f} s"


def _gate(gate: Gate) -> dict[str, Any]:
    files: dict[str, Any] = {"safe": gate.files.safe, "verified": gate.files.verified}
    if gate.files.largest is not None:
        files |= {"largest": f"{gate.files.largest} B"}
    return _said(
        {
            "alias": list(gate.alias),
            "models": list(gate.models),
            "registries": list(gate.registries),
            "require": [str(one) for one in gate.require],
            "clean": gate.clean,
            "branches": list(gate.branches),
            "after": gate.after,
            "at_least": _span(gate.at_least) if gate.at_least else "",
            "approvals": gate.approvals or "",
            "approvers": list(gate.approvers),
            "signers": gate.signers,
            "archive": gate.archive,
            "counterparts": [f"{one.registry}:{one.model}" for one in gate.counterparts],
            "files": _said(files),
            "environment": {one.name: one.specifier for one in gate.environment},
            "metric": [_metric(one) for one in gate.metrics],
            "command": [_command(one) for one in gate.commands],
        }
    ) | {"alias": list(gate.alias)}


def _command(check: CommandCheck) -> dict[str, Any]:
    return {"name": check.name, "run": list(check.run), "timeout": _span(check.timeout)}


def _metric(gate: MetricGate) -> dict[str, Any]:
    noise = f"{gate.percent:.12f}%" if gate.percent is not None else gate.noise
    bounds = {"min": gate.min, "max": gate.max, "noise": noise}
    said = {"name": gate.name, "goal": str(gate.goal or ""), "no_worse": gate.no_worse, "dataset": gate.dataset}
    return _said(said) | {key: value for key, value in bounds.items() if value is not None}


def _hook(hook: Hook) -> dict[str, Any]:
    return _said(
        {
            "name": hook.name,
            "event": list(hook.event),
            "models": list(hook.models),
            "aliases": list(hook.aliases),
            "run": list(hook.run),
            "url": hook.url,
            "secret_env": hook.secret_env,
            "timeout": _span(hook.timeout),
            "tries": hook.tries,
        }
    ) | {"event": list(hook.event)}
