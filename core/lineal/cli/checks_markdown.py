"""The verdict on a version as Markdown, in which foreign text cannot act: a pull request's comment, a job's summary.

Every punctuation mark of foreign text that Markdown, a forge or HTML could take for its own is written as a numeric
character reference, which CommonMark never reads as structure (section 2.5 of its specification). Signs that a forge
looks for in the text itself (`@name`, `#12`, `!12`, ...) are followed by an empty comment, so that nobody is called
and nothing is linked.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

from lineal.cli.output import moment
from lineal.model.diff import Verdict
from lineal.model.plan import Approval, CheckResult, Difference, Outcome, Plan, Subject
from lineal.model.text import visible, visible_lines

LONGEST = 60_000  # characters of a comment; GitHub takes 65,536, GitLab more
_CELL = 2_000  # characters of one foreign text
_EVIDENCE = 4_000  # characters of one evidence; all of it is in the JSON and in the JUnit file
_DIFFERENCES = 40
SIGNS = {
    Outcome.PASS: "✅",
    Outcome.FAIL: "❌",
    Outcome.WAIT: "⏳",
    Outcome.UNKNOWN: "❔",
    Outcome.UNTRUSTED: "🔒",
    Outcome.PENDING: "⏸",
}
_MOVES = {Verdict.BETTER: "▲", Verdict.WORSE: "▼", Verdict.NOISE: "~"}
_ACTIVE = re.compile(r"(?<=www)\.|[^\w\s.,;?'\"()=+\-/]|_", re.IGNORECASE)
_CALLING = frozenset("@#!~%$&")


def quoted(text: str, limit: int = _CELL) -> str:
    """Return foreign text on one line so that it shows as it is: in a cell of a table, a heading or a list."""
    return _ACTIVE.sub(_reference, visible(text, limit))


def _reference(found: re.Match[str]) -> str:
    char = found[0]
    if not char.isascii():
        return char
    return f"&#{ord(char)};" + ("<!-- -->" if char in _CALLING else "")


def marker(plan: Plan) -> str:
    """Return the hidden first line by which the comment on this model and alias is found again, to be updated."""
    about = "\0".join((plan.subject.registry, plan.subject.model, plan.alias))
    return f"<!-- lineal-check:{hashlib.sha256(about.encode(errors='surrogatepass')).hexdigest()[:16]} -->"


def verdict(plan: Plan) -> str:
    """Return the whole verdict in some words: "2 of 5 checks stand in the way"."""
    total, blocked = len(plan.checks), len(plan.blocked)
    if not total:
        return "no gate of the policy speaks of it"
    if blocked:
        return f"{blocked} of {total} {'check' if total == 1 else 'checks'} {_stand(blocked)} in the way"
    pending = sum(one.outcome is Outcome.PENDING for one in plan.checks)
    if pending:
        return f"{total - pending} of {total} checks pass, {pending} not run yet"
    return "the check passes" if total == 1 else f"all {total} checks pass"


def _stand(count: int) -> str:
    return "stands" if count == 1 else "stand"


def name(subject: Subject) -> str:
    """Return what a version is called; "none" for none."""
    return subject.reference or (f"{subject.model}@{subject.name or subject.key}" if subject else "none")


def comment(plan: Plan) -> str:
    """Return the comment: marker, verdict, checks, differences, evidence; at most `LONGEST` characters."""
    parts, left = [], LONGEST
    for part in _parts(plan):
        if len(part) > left - 200:
            parts.append("\n_More than fits here: the job's files have all of it._")
            break
        parts.append(part)
        left -= len(part) + 1
    return "\n".join(parts) + "\n"


def _parts(plan: Plan) -> Iterator[str]:
    yield marker(plan)
    yield f"### {'❌' if plan.blocked else '✅'} {quoted(name(plan.subject), 200)} → {quoted(plan.alias, 100)}"
    yield f"\n{verdict(plan)}, against {quoted(name(plan.incumbent), 200)}.\n"
    if plan.checks:
        yield from _table(("", "check", "reason", "what to do"), map(_check, _ordered(plan.checks)))
    if plan.differences:
        yield f"\n**What differs from {quoted(name(plan.incumbent), 200)}**\n"
        heads = ("facet", "name", "before", "after", "")
        yield from _table(heads, map(_difference, plan.differences[:_DIFFERENCES]))
        if len(plan.differences) > _DIFFERENCES:
            yield f"\n… and {len(plan.differences) - _DIFFERENCES} more"
    if plan.approvals or plan.notes:
        yield ""
        yield from map(_approval, plan.approvals)
        yield from (f"- note: {quoted(note)}" for note in plan.notes)
    yield from (_evidence(one) for one in plan.checks if one.evidence)
    yield _foot(plan)


def _ordered(checks: Sequence[CheckResult]) -> list[CheckResult]:
    """Put what stands in the way first."""
    return sorted(checks, key=lambda one: one.passed)


def _table(heads: Sequence[str], rows: Iterator[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(heads) + " |"
    yield "|" + " --- |" * len(heads)
    yield from ("| " + " | ".join(row) + " |" for row in rows)


def _check(one: CheckResult) -> tuple[str, ...]:
    return f"{SIGNS[one.outcome]} {one.outcome}", quoted(one.title), quoted(one.reason), quoted(one.hint)


def _difference(one: Difference) -> tuple[str, ...]:
    after = f"{quoted(one.after, 300)} {_MOVES.get(one.verdict, '')}".rstrip()
    return quoted(one.facet), quoted(one.name, 300), quoted(one.before, 300), after, quoted(one.note, 300)


def _approval(one: Approval) -> str:
    """Return an item of a list; it starts with a word of ours, so that no text of theirs opens a list or a heading."""
    counts = "" if one.counts else f" (does not count: {quoted(one.why)})"
    return f"- by {quoted(one.by)}: {quoted(one.what)} {quoted(moment(one.at))}{counts}"


def _evidence(one: CheckResult) -> str:
    text = visible_lines(one.evidence[:_EVIDENCE]) + ("\n…" if len(one.evidence) > _EVIDENCE else "")
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"\n<details><summary>{quoted(one.title, 300)}</summary>\n\n{fence}text\n{text}\n{fence}\n\n</details>"


def _foot(plan: Plan) -> str:
    digests = (("policy", plan.policy), ("content", plan.content))
    known = [f"{what} `{text[:12]}`" for what, text in digests if _hex(text)]
    return "\n<sub>" + ", ".join([*known, f"judged {quoted(moment(plan.at))}"]) + "</sub>"


def _hex(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-f:]+", text))
