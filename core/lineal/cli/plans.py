"""Plans and their checks as text: what `--dry-run` prints and what is asked before an action."""

from __future__ import annotations

from collections.abc import Iterator

from lineal.cli import output
from lineal.model.diff import Verdict
from lineal.model.plan import CheckResult, Difference, Outcome, Plan
from lineal.model.text import visible

MARKS = {
    Outcome.PASS: "✔",
    Outcome.FAIL: "✘",
    Outcome.WAIT: "◔",
    Outcome.UNKNOWN: "?",
    Outcome.UNTRUSTED: "!",
    Outcome.PENDING: "…",
}
_VERDICTS = {Verdict.BETTER: "▲", Verdict.WORSE: "▼", Verdict.SAME: "=", Verdict.NOISE: "~"}
_SHOWN = 20  # differences


def lines(plan: Plan) -> Iterator[str]:
    """Yield a plan as a person reads it."""
    yield visible(plan.title) + (f"  (replaces {visible(plan.incumbent.name)})" if plan.incumbent else "")
    for one in plan.differences[:_SHOWN]:
        yield f"  {difference(one)}"
    if len(plan.differences) > _SHOWN:
        yield f"  … {len(plan.differences) - _SHOWN} more: lineal diff"
    if plan.checks:
        yield ""
        yield from checks(plan.checks)
    for approval in plan.approvals:
        counts = "" if approval.counts else f"  (does not count: {visible(approval.why)})"
        said = f": {visible(approval.text)}" if approval.text else ""
        yield f"  {visible(approval.what)} by {visible(approval.by)} {output.moment(approval.at)}{said}{counts}"
    for note in plan.notes:
        yield f"  note: {visible(note)}"
    yield ""
    for step in plan.steps:
        for call in step.calls:
            yield f"  would do: {visible(call)}"
    if plan.command:
        yield f"  the same as: {visible(plan.command)}"


def difference(one: Difference) -> str:
    """Return one difference on a line."""
    mark = _VERDICTS.get(one.verdict, " ")
    delta = f"  {one.delta:+.5g}" if one.delta is not None else ""
    note = f"  ({visible(one.note)})" if one.note else ""
    values = f"{visible(one.before) or '–'} → {visible(one.after) or '–'}" if one.before or one.after else ""
    return f"{mark} {one.facet} {visible(one.name)}  {values}{delta}{note}"


def checks(results: tuple[CheckResult, ...]) -> Iterator[str]:
    """Yield checks, each on a line, with what to do about those that did not pass."""
    for one in results:
        reason = f"  {visible(one.reason)}" if one.reason else ""
        yield f"  {MARKS[one.outcome]} {visible(one.title)}{reason}"
        if not one.passed and one.hint:
            yield f"      {visible(one.hint)}"
        if one.outcome is Outcome.FAIL and one.evidence:
            yield from (f"      | {visible(line)}" for line in one.evidence.splitlines()[-20:])
