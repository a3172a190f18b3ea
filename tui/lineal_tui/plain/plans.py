"""A plan as statements: what it does to what, what stands in its way first, what differs, the exact calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from lineal.errors import Error
from lineal.model.changes import SetAlias
from lineal.model.diff import Verdict
from lineal.model.plan import Approval, CheckResult, Difference, Done, Outcome, Plan, State
from lineal_tui.acts import Drawn
from lineal_tui.plain import words
from lineal_tui.present import text
from lineal_tui.present.checks import blockers, worst_first
from lineal_tui.present.plan import named

FEW = 12
"""Differences that are read out unasked."""
ALL = 500
_PASSES = 4  # checks that pass, up to which each has its statement
_EVIDENCE = 64 * 1024
_ENDS = {
    State.REVERTED: "It failed, and everything is as it was",
    State.INCOMPLETE: "It failed half way: type resume to end it",
    State.STARTED: "It is not at its end: type resume to end it",
}


def plan(drawn: Drawn, now: float, override: str = "", most: int = FEW) -> Iterator[str]:
    """Yield the plan; what is in its way comes before what is not, what is worse before what is better.

    At most so many differences are told; with `ALL` every check that passes is told too.
    """
    one = drawn.plan
    yield f"Plan: {words.spoken(text.safe(one.title, 600))}"
    yield from _effect(drawn, now)
    yield verdict(one, override)
    if one.reason:
        yield f"Reason given: {text.safe(one.reason, 1000)}"
    yield from checks(one.checks) if most == ALL else _few_checks(one.checks)
    yield from differences(one, most)
    yield from approvals(one.approvals, now)
    yield from (f"Note: {said}" for said in _notes(one))
    yield from (f"Exact call: {text.safe(call, 1000)}" for step in one.steps for call in step.calls)
    if one.command:
        yield f"On the command line: {text.safe(one.command, 1000)}"
    others = [text.safe(alias, 40) for alias in drawn.aliases if alias != one.alias]
    if others and one.alias:
        yield f"This plan is about {text.safe(one.alias, 40)}; it could be about {words.listed(others)}"


def _effect(drawn: Drawn, now: float) -> Iterator[str]:
    one = drawn.plan
    alias = text.safe(one.alias, 60)
    moved = next((change for change in one.changes if isinstance(change, SetAlias) and change.alias == one.alias), None)
    if moved is not None and not moved.after:
        yield f"It takes {alias} away from {named(one.subject)}; then nothing has {alias}"
    elif one.incumbent and one.incumbent.key != one.subject.key:
        since = ""
        if drawn.since is not None:
            since = f", which has {alias} since {text.moment(drawn.since)}, {words.ago(drawn.since, now)}"
        yield f"{named(one.subject)} would replace {named(one.incumbent)}{since}"
    elif moved is not None and not one.incumbent:
        yield f"Nothing has {alias} now"


def verdict(one: Plan, override: str = "") -> str:
    """Say whether it may be done."""
    if not one.blocked:
        waits = [each for each in one.checks if not each.passed and each.outcome is not Outcome.PENDING]
        if waits:  # what is only said changes no alias, whatever the gates of that alias ask
            return f"This may be said; a promotion would still be blocked by {blockers(waits)}"
        return "Nothing stands in its way" if one.steps or one.checks else ""
    many = words.counted(len(one.blocked), "check")
    said = f"It is blocked by {many}: {blockers(one.blocked)}"
    return f"{said}; overridden, because: {text.safe(override, 400)}" if override else said


def checks(found: Sequence[CheckResult]) -> Iterator[str]:
    """Yield how many checks came out how, then each: those that stand in the way first."""
    if not found:
        return
    ordered = worst_first(found)
    counts = Counter(one.outcome for one in ordered)
    yield f"{words.counted(len(found), 'check')}: {words.listed(f'{n} {words.OUTCOMES[o]}' for o, n in counts.items())}"
    for number, one in enumerate(ordered, 1):
        yield _check(one, number)


def _few_checks(found: Sequence[CheckResult]) -> Iterator[str]:
    """Yield the checks; where many pass, those in one statement."""
    passes = [one for one in worst_first(found) if one.passed]
    told = list(checks(found))
    if len(passes) <= _PASSES:
        yield from told
        return
    yield from told[: len(told) - len(passes)]
    names = words.listed((text.safe(one.id.rpartition(".")[2] or one.id, 40) for one in passes), len(passes))
    yield f"Passed: {names}; type all to hear each"


def _check(one: CheckResult, number: int) -> str:
    title = words.spoken(text.safe(one.title or one.id, 300))
    parts = [f"Check {number}, {words.OUTCOMES[one.outcome]}: {title}"]
    parts += [text.safe(one.reason, 600)] if one.reason else []
    parts += [f"to mend it: {text.safe(one.hint, 600)}"] if one.hint and not one.passed else []
    return "; ".join(words.spoken(part) for part in parts)


def evidence(found: Sequence[CheckResult], number: int) -> list[str]:
    """Return what shows how a check came out, a line a statement; nothing where there is no such check."""
    ordered = worst_first(found)
    if not 0 < number <= len(ordered):
        return []
    said = text.safe_lines(ordered[number - 1].evidence[:_EVIDENCE]) or "nothing more was recorded"
    return [f"Evidence of check {number}:", *(line for line in said.splitlines() if line.strip())]


def differences(one: Plan, most: int = FEW) -> Iterator[str]:
    """Yield how many things are worse, better or changed beside the version that has the alias, then each."""
    ranked = sorted(one.differences, key=lambda each: each.verdict is not Verdict.WORSE)
    if not ranked:
        return
    counts = Counter(each.verdict for each in ranked)
    told = words.listed(f"{counts[v]} {words.VERDICTS[v]}" for v in words.VERDICTS if counts[v])
    yield f"{words.counted(len(ranked), 'difference')} from {named(one.incumbent)}: {told}"
    yield from (_difference(each, named(one.incumbent), named(one.subject)) for each in ranked[:most])
    if len(ranked) > most:
        yield f"{len(ranked) - most} more differences; type all to hear them"


def _difference(one: Difference, there: str, here: str) -> str:
    what = f"{words.VERDICTS[one.verdict].capitalize()}: {words.facet(one.facet)} {text.safe(one.name, 80)}"
    before, after = (text.safe(said, 80) or "none" for said in (one.before, one.after))
    parts = [f"{what}, {before} in {there}, {after} in {here}" if before != after else f"{what}, {after}"]
    parts += [words.signed(one.delta)] if one.delta else []
    parts += [words.spoken(text.safe(one.note, 160).replace("+", "plus ", one.note[0] == "+"))] if one.note else []
    return ", ".join(parts)


def approvals(found: Sequence[Approval], now: float) -> Iterator[str]:
    """Yield who said what, and why it does not count."""
    if found:
        counting = sum(one.counts and one.what == "approved" for one in found)
        yield f"{words.counted(counting, 'approval')} {'counts' if counting == 1 else 'count'}"
    for one in found:
        said = [f"Review: {text.safe(one.what, 20)} by {text.person(one.by)}, {words.ago(one.at, now)}"]
        said += [f"it does not count: {text.safe(one.why, 200) or 'by the policy'}"] if not one.counts else []
        said += ["signed"] if one.signer else []
        said += [f"saying: {text.safe(one.text, 1000)}"] if one.text else []
        yield "; ".join(said)


def _notes(one: Plan) -> list[str]:
    notes = [text.safe(note, 600) for note in one.notes]
    if one.verified is False:
        notes.insert(0, "the bytes were not compared with what was recorded")
    if any(not step.compares for step in one.steps) and not any("compare" in note for note in notes):
        notes.append("a registry here cannot compare and set: somebody may come in between")
    return list(dict.fromkeys(notes))


def error(found: Error) -> list[str]:
    """Return what went wrong, and what to do."""
    said = [f"Error: {text.safe(found.message, 1500)}"]
    return [*said, f"What to do: {text.safe(found.hint, 1000)}"] if found.hint else said


def outcome(done: Done) -> list[str]:
    """Return what became of an action, and how to take it back."""
    if done.state is not State.APPLIED:
        return [_ENDS[done.state], *([f"Error: {text.safe(done.error, 600)}"] if done.error else [])]
    said = [f"Done: {_became(done.plan)}"]
    said += [f"Hook: {text.safe(hook, 300)}" for hook in done.hooks]
    return said if done.plan.action == "note" else [*said, "Type undo to take it back"]


def _became(one: Plan) -> str:
    moved = next((change for change in one.changes if isinstance(change, SetAlias)), None)
    if moved is None or not one.subject or moved.alias != one.alias:
        return words.spoken(text.safe(one.title, 400))
    alias = text.safe(one.alias, 60)
    if not moved.after:
        return f"{alias} was {named(one.subject)} and is nothing now"
    return f"{alias} was {named(one.incumbent)} and is {named(one.subject)} now"
