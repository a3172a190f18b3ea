"""Judging a version by a policy: a pure function from facts to results, each with its reason.

It never raises, whatever the facts are, gives the same for the same, and takes nothing that is unknown for good.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from lineal.model.plan import CheckResult, Outcome
from lineal.policy import measured, patterns, recorded, reviews, waiting
from lineal.policy.facts import CommandResult, Facts, Ran
from lineal.policy.judging import result
from lineal.policy.rules import CommandCheck, Gate, Policy, applies
from lineal.policy.units import lasting


def evaluate(policy: Policy, facts: Facts) -> tuple[CheckResult, ...]:
    """Return one result for each thing that is asked, those on names first; none where nothing is asked.

    No two have the same id: what several gates ask in the same words stands once, under the first of them.
    """
    version = facts.version.name or facts.version.key
    named = evaluate_names(policy, model=facts.model, version=version, alias=facts.alias)
    gates = applies(policy, facts.registry, facts.model, facts.alias)
    return _unique([*named, *(one for gate in gates for one in _judged(gate, facts, policy))])


def evaluate_names(
    policy: Policy, *, model: str = "", version: str = "", alias: str = "", tags: Iterable[str] = ()
) -> tuple[CheckResult, ...]:
    """Judge names that are about to be given; "" is none. `tags` are keys."""
    found: list[CheckResult] = []
    for kind, name in (("model", model), ("version", version), ("alias", alias), *(("tag", tag) for tag in tags)):
        pattern = getattr(policy.names, kind)
        if not name or not pattern:
            continue
        outcome = Outcome.PASS if patterns.compiled(pattern).matches(name) else Outcome.FAIL
        title, hint = f"{kind} names are like {pattern}", f"give it a name like {pattern}, or change [policy.names]"
        found.append(result(None, f"name.{kind}", title, outcome, name, hint))
    return _unique(found)


def _judged(gate: Gate, facts: Facts, policy: Policy) -> Iterator[CheckResult]:
    yield from recorded.required(gate, facts, policy)
    yield from recorded.clean(gate, facts)
    yield from recorded.files(gate, facts)
    yield from recorded.environment(gate, facts)
    yield from measured.metrics(gate, facts)
    yield from waiting.order(gate, facts)
    for command in gate.commands:
        yield _ran(gate, command, facts.commands.get(command.name))
    yield from reviews.approvals(gate, facts)


def command_title(command: CommandCheck) -> str:
    """Say what is run."""
    return f"{command.name}: `{' '.join(command.run)}` ends with 0"


def _ran(gate: Gate, command: CommandCheck, found: CommandResult | None) -> CheckResult:
    outcome, reason, hint = _outcome(command, found)
    evidence = found.output if found is not None else ""
    return result(gate, f"command.{command.name}", command_title(command), outcome, reason, hint, evidence)


def _outcome(command: CommandCheck, found: CommandResult | None) -> tuple[Outcome, str, str]:
    if found is None or found.outcome is Ran.PENDING:
        return Outcome.PENDING, "not run yet", "it runs when the action is confirmed, or by `lineal check`"
    match found.outcome:
        case Ran.UNTRUSTED:
            return Outcome.UNTRUSTED, "nobody allowed it to run here", "read it, then `lineal trust`"
        case Ran.TIMEOUT:
            return Outcome.FAIL, f"stopped after {lasting(command.timeout)}", "make it faster, or raise its timeout"
        case Ran.MISSING:
            return Outcome.FAIL, f"{command.run[0]!r} could not be started", "install it, or say where it is"
    if found.exit is None:
        return Outcome.UNKNOWN, "how it ended is not known", "run it again: `lineal check`"
    ended = f"exit {found.exit}" if found.exit >= 0 else f"ended by signal {-found.exit}"
    reason = f"{ended} after {lasting(found.seconds)}"
    return Outcome.PASS if found.exit == 0 else Outcome.FAIL, reason, "its output says why"


def _unique(results: Iterable[CheckResult]) -> tuple[CheckResult, ...]:
    """Leave out what says the same again, and number what has the same id."""
    found: dict[str, CheckResult] = {}
    seen: set[CheckResult] = set()
    for one in results:
        bare = msgspec.structs.replace(one, gate="")
        if bare in seen:
            continue
        seen.add(bare)
        check, count = one.id, 1
        while check in found:
            count += 1
            check = f"{one.id}#{count}"
        found[check] = msgspec.structs.replace(one, id=check)
    return tuple(found.values())
