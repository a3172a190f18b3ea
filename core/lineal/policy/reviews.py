"""Checks of approvals: how many people said yes who may, and whether one of them said no.

What somebody said last is what they say. Two approvals that share a name or a mail may be one person's, and do not both
count.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from lineal.model.plan import Approval, CheckResult, Outcome
from lineal.policy.facts import Facts
from lineal.policy.judging import reference, result, some
from lineal.policy.rules import Gate, matches

APPROVED, REJECTED = "approved", "rejected"
_PERSON = re.compile(r"([^<>]*)<([^<>]*)>")


def approvals(gate: Gate, facts: Facts) -> Iterator[CheckResult]:
    """Judge the approvals; a gate that wants none is held up by a rejection all the same."""
    if not gate.approvals and not any(one.what == REJECTED and not why for one, why in _latest(gate, facts)):
        return
    outcome, reason, hint = _judged(gate, facts)
    evidence = "\n".join(
        f"{one.what} by {one.by}" + (f", signed by {one.signer}" if one.signer else "") for one in facts.approvals
    )
    yield result(gate, "approvals", approvals_title(gate), outcome, reason, hint, evidence)


def approvals_title(gate: Gate) -> str:
    """Say who must approve."""
    if not gate.approvals:
        return "nobody rejected it"
    who = " or ".join(gate.approvers) if gate.approvers else "anybody but the author"
    count = "1 approval" if gate.approvals == 1 else f"{gate.approvals} approvals"
    return f"{count} by {who}" + (f", signed ({gate.signers})" if gate.signers else "")


def _judged(gate: Gate, facts: Facts) -> tuple[Outcome, str, str]:
    said = _latest(gate, facts)
    against = [one for one, why in said if one.what == REJECTED and not why]
    if against:
        words = f": {against[0].text}" if against[0].text else ""
        names = some(one.by for one in against)
        return Outcome.FAIL, f"rejected by {names}{words}", "settle it: whoever rejected it approves, or withdraws that"
    able = [one for one, why in said if one.what == APPROVED and not why]
    counted = [one.by for one in _apart(_by_key(able), gate.approvals + 1)]
    vain = [f"{one.by}'s does not count: {why}" for one, why in said if one.what == APPROVED and why]
    hint = f"lineal approve {reference(facts)} --for {facts.alias}"
    have = f"{len(counted)} of {gate.approvals}"
    reason = "; ".join([f"{have}: {some(counted)}" if counted else have, *vain[:3]])
    if len(counted) < gate.approvals:
        return Outcome.WAIT, reason, f"{hint}, by {' or '.join(gate.approvers) or 'anybody but the author'}"
    if not facts.author.strip() and len(counted) == gate.approvals:
        return Outcome.UNKNOWN, f"{reason}; but who the author is, is not recorded", f"one more settles it: {hint}"
    return Outcome.PASS, reason, ""


def _latest(gate: Gate, facts: Facts) -> list[tuple[Approval, str]]:
    """Return what each name said last, oldest first, and why it does not count, if so.

    What does not count does not take back what does: a stranger's or an unsigned rejection changes nothing.
    """
    found: dict[tuple[str, bool], tuple[Approval, str]] = {}
    for one in facts.approvals:
        if one.what in (APPROVED, REJECTED):
            why = _in_vain(gate, one, facts.author)
            said = (_fold(one.by), not why)
            found.pop(said, None)
            found[said] = one, why
    return list(found.values())


def _apart(said: Sequence[Approval], enough: int) -> list[Approval]:
    """Return approvals of which no two share a name or a mail: as many as there are, or `enough`.

    Names and mails are the two sides of a graph in which each approval joins one of each, so this is a maximum
    matching (H. W. Kuhn, 1955): one approval less never makes it larger.
    """
    sides = [_sides(one.by) for one in said]
    ways: dict[str, list[int]] = {}
    for at, (name, _) in enumerate(sides):
        ways.setdefault(name, []).append(at)
    taken: dict[str, int] = {}  # by a mail: which approval has it

    def augment(name: str, tried: set[str]) -> bool:
        for at in ways[name]:
            mail = sides[at][1]
            if mail not in tried:
                tried.add(mail)
                if mail not in taken or augment(sides[taken[mail]][0], tried):
                    taken[mail] = at
                    return True
        return False

    for name in ways:
        if len(taken) < enough:
            augment(name, set())
    return [said[at] for at in sorted(taken.values())]


def _by_key(said: Sequence[Approval]) -> list[Approval]:
    """Return approvals of which no two are signed with one key, whatever names they bear: the last of each counts."""
    keyed = {one.signer or f"\0{place}": one for place, one in enumerate(said)}
    return list(keyed.values())


def _sides(by: str) -> tuple[str, str]:
    """Return a name and a mail, neither empty; what is missing is made up, and nobody else's."""
    text = _fold(by)
    found = _PERSON.fullmatch(text)
    name, mail = (part.strip() for part in found.groups()) if found else ("", text) if "@" in text else (text, "")
    return name or f"\0{text}", mail or f"\0{text}"


def _in_vain(gate: Gate, one: Approval, author: str) -> str:
    """Say why an approval or a rejection does not count, or "" where it does. An author may reject."""
    who = person(one.by)
    if not who:
        return "nobody's name"
    if not one.counts:
        return one.why or "it was found not to"
    if one.what == APPROVED and _may_be(one.by, author):
        return "the author"
    if gate.approvers and not any(matches(_folded(gate.approvers), name) for name in who):
        return "not an approver"
    if gate.signers and not one.signer:
        return "not signed"
    return ""


def _may_be(one: str, other: str) -> bool:
    """Say whether two may be one person: also where one is known by the login that the other's mail begins with."""
    ours, theirs = person(one), person(other)
    return bool(ours & theirs or _logins(ours) & theirs or _logins(theirs) & ours)


def _logins(names: frozenset[str]) -> frozenset[str]:
    return frozenset(name.partition("@")[0] for name in names if "@" in name and " " not in name) - {""}


def _folded(patterns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_fold(one) for one in patterns)


def _fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def person(by: str) -> frozenset[str]:
    """Return the names by which somebody is known: of `Name <mail>` the whole, the name and the mail."""
    text = _fold(by)
    found = _PERSON.fullmatch(text)
    names = {text, *(part.strip() for part in found.groups())} if found else {text}
    return frozenset(names - {"", "<>"})
