"""A policy in sentences: which gates stand before an alias, and what each of them asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

from lineal.model.values import Goal
from lineal.policy import measured, recorded, reviews, waiting
from lineal.policy.evaluate import command_title
from lineal.policy.facts import no_goal
from lineal.policy.rules import Gate, Hook, MetricGate, Policy, matches
from lineal.policy.units import lasting

Goals = Callable[[str], Goal | None]


def explain(policy: Policy, model: str = "", alias: str = "", registry: str = "", goals: Goals = no_goal) -> list[str]:
    """Return what is asked of a model that is to get an alias, one line each; "" is any of them.

    A rule's line begins with the id that its result has.
    """
    if not policy:
        return ["there is no policy: nothing is asked, and whoever may write can move any alias"]
    gates = [one for one in policy.gates if _concerns(one, model, alias, registry)]
    what = f"{alias or 'any alias'} of {model or 'any model'}"
    lines = list(_names(policy, model, alias))
    if not gates:
        lines.append(f"no gate stands before {what}: nothing else is asked, and whoever may write can move it")
    for gate in gates:
        lines += [_head(gate, model, registry), *(f"  {check}: {title}" for check, title in rules_of(gate, goals))]
        lines += [f"  {line}" for line in _effects(gate)]
    return [*lines, *(_hook(one) for one in policy.hooks if _told(one, model, alias))]


def rules_of(gate: Gate, goals: Goals = no_goal) -> Iterator[tuple[str, str]]:
    """Yield the id and the sentence of everything that a gate asks, in the order in which it is judged."""
    for word in gate.require:
        yield f"require.{word}", recorded.REQUIRED[word]
    if gate.clean:
        yield "code.clean", recorded.clean_title(gate)
    yield from recorded.file_titles(gate)
    for bound in gate.environment:
        yield recorded.bound_id(bound), recorded.bound_title(bound)
    for rule in gate.metrics:
        yield measured.check_id(gate, rule), _metric(rule, gate, goals)
    if gate.after:
        yield f"after.{gate.after}", waiting.order_title(gate)
    for command in gate.commands:
        yield f"command.{command.name}", command_title(command)
    if gate.approvals:
        yield "approvals", reviews.approvals_title(gate)


def _concerns(gate: Gate, model: str, alias: str, registry: str) -> bool:
    return (
        (not alias or matches(gate.alias, alias))
        and (not model or matches(gate.models, model))
        and (not registry or matches(gate.registries, registry))
    )


def _names(policy: Policy, model: str, alias: str) -> Iterator[str]:
    for kind in policy.names.__struct_fields__:
        if pattern := getattr(policy.names, kind):
            given = {"model": model, "alias": alias}.get(kind, "")
            yield f"name.{kind}: {kind} names are like {pattern}" + (f"; this one is {given}" if given else "")


def _head(gate: Gate, model: str, registry: str) -> str:
    whose = "" if model else f" of {_listed(gate.models, 'every model')}"
    where = "" if registry or gate.registries == ("*",) else f" in {_listed(gate.registries, 'every registry')}"
    return f"gate {gate.name}{whose}{where}:"


def _listed(globs: Sequence[str], every: str) -> str:
    return every if "*" in globs else ", ".join(globs)


def _metric(rule: MetricGate, gate: Gate, goals: Goals) -> str:
    goal = rule.goal or goals(rule.name)
    title = measured.title(rule, _listed(gate.alias, "the alias"), goal, rule.noise or 0.0)
    if not rule.no_worse:
        return title
    better = {Goal.MAX: "more is better", Goal.MIN: "less is better", None: "which way it gets better is not known"}
    return f"{title} ({better[goal]})"


def _effects(gate: Gate) -> Iterator[str]:
    if gate.archive:
        yield f"the version that it replaces becomes {gate.archive}"
    for one in gate.counterparts:
        yield f"{one.registry}:{one.model} is moved in the same plan"


def _told(hook: Hook, model: str, alias: str) -> bool:
    return (not model or matches(hook.models, model)) and (not alias or matches(hook.aliases, alias))


def _hook(hook: Hook) -> str:
    """Say what a hook does; of a URL only the host, for what follows is often a secret."""
    does = f"runs `{' '.join(hook.run)}`" if hook.run else f"posts to {urlsplit(hook.url).hostname}"
    tries = "" if hook.run or hook.tries == 1 else f", {hook.tries} times at most"
    return f"on {', '.join(hook.event)}: {hook.name} {does}, within {lasting(hook.timeout)}{tries}"
