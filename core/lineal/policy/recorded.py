"""Checks of what is recorded of a version: metadata, code, files and environment."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from lineal.model.plan import CheckResult
from lineal.model.version import Environment, Version
from lineal.policy import units
from lineal.policy.facts import Facts
from lineal.policy.judging import decided, reference, result, some
from lineal.policy.rules import Bound, Gate, Policy, Required, matches

REQUIRED = {
    Required.ENVIRONMENT: "its environment is recorded",
    Required.DATA: "the version of its data is recorded",
    Required.CODE: "the commit of its code is recorded",
    Required.PARENT: "a version that it came from is known",
    Required.OWNER: "it has an owner",
    Required.CARD: "it has a model card",
}
OWN = ("python", "cuda", "cudnn", "driver")  # bounds that are no packages
_LONGEST = 128  # characters; a longer "version" is free text
_NORMAL = re.compile(r"[-_.]+")

Judged = tuple[bool | None, str, str]
"""Whether it holds (None: not known), why, and what to do about it."""


def required(gate: Gate, facts: Facts, policy: Policy) -> Iterator[CheckResult]:
    """Judge whether all that must be recorded is."""
    for word in gate.require:
        truth, reason, hint = _REQUIRED[word](facts, policy)
        yield result(gate, f"require.{word}", REQUIRED[word], decided(truth), reason, hint)


def _environment(facts: Facts, _: Policy) -> Judged:
    found = facts.version.environment
    if found is None or not (found.packages or found.python or found.image):
        return False, "nothing of it is", "log a requirements.txt, a conda.yaml or an image with it"
    said = [
        f"Python {found.python}" if found.python else "",
        f"{len(found.packages)} packages" if found.packages else "",
        found.image,
    ]
    return True, ", ".join(filter(None, said)), ""


def _data(facts: Facts, _: Policy) -> Judged:
    hint = "log the data set with its digest"
    named = [one.name for one in facts.version.datasets]
    exact = [one.name for one in facts.version.datasets if one.digest]
    if exact:
        return True, some(exact), ""
    return False, f"{some(named)}, but of no version" if named else "no data set is", hint


def _code(facts: Facts, _: Policy) -> Judged:
    found = facts.version.code
    if found is None or not found.commit:
        return False, "no commit is", "train from a git repository"
    return True, found.commit[:12], ""


def _parent(facts: Facts, _: Policy) -> Judged:
    if facts.parents is None:
        return None, "its lineage could not be read", "`lineal sync` reads it"
    return facts.parents > 0, f"{max(0, facts.parents)} known", "record what it was trained or finetuned from"


def _owner(facts: Facts, policy: Policy) -> Judged:
    value = next((tag.value for tag in facts.version.tags if tag.key == policy.owner and tag.value.strip()), "")
    hint = f"lineal tag {reference(facts)} {policy.owner}=NAME"
    return bool(value), value or f"no tag {policy.owner!r}", hint


def _card(facts: Facts, _: Policy) -> Judged:
    length = len(facts.version.card.strip())
    return length > 0, f"{length} characters" if length else "none", "add a README.md or a description"


_REQUIRED: Mapping[Required, Callable[[Facts, Policy], Judged]] = {
    Required.ENVIRONMENT: _environment,
    Required.DATA: _data,
    Required.CODE: _code,
    Required.PARENT: _parent,
    Required.OWNER: _owner,
    Required.CARD: _card,
}


def clean(gate: Gate, facts: Facts) -> Iterator[CheckResult]:
    """Judge whether the code is committed, and where others can find it."""
    if not gate.clean:
        return
    code = facts.version.code
    if code is None or not code.commit:
        truth: bool | None = None
        reason, hint = "no commit is recorded", "train from a git repository"
    elif code.dirty is not False:
        truth = None if code.dirty is None else False
        reason = "trained with changes that were not committed" if code.dirty else "nobody recorded whether it was"
        hint = "commit, and train again"
    else:
        truth, reason, hint = _reachable(gate, facts, code.commit[:12])
    yield result(gate, "code.clean", clean_title(gate), decided(truth), reason, hint)


def clean_title(gate: Gate) -> str:
    """Say what is asked of the code."""
    where = " or ".join(gate.branches) if gate.branches else "a branch of a remote"
    return f"its code is committed, and in {where}"


def _reachable(gate: Gate, facts: Facts, commit: str) -> Judged:
    if facts.code_reachable is None:
        return None, f"where {commit} is could not be told", "have its repository at hand, and fetch"
    if not facts.code_reachable:
        return False, f"{commit} is in no branch of a remote", "push it"
    if not gate.branches:
        return True, f"{commit} in {some(facts.code_branches)}" if facts.code_branches else commit, ""
    found = [
        name for name in facts.code_branches if matches(gate.branches, name) or matches(gate.branches, _without(name))
    ]
    if found:
        return True, f"{commit} in {some(found)}", ""
    return False, f"{commit} is in {some(facts.code_branches) or 'no known branch'} only", "merge it"


def _without(branch: str) -> str:
    """Return a branch without the name of its remote: `origin/main` is `main`."""
    return branch.partition("/")[2] or branch


def files(gate: Gate, facts: Facts) -> Iterator[CheckResult]:
    """Judge whether the files are safe, verified and not too large."""
    judged: dict[str, Callable[[Facts], Judged]] = {
        "files.safe": _safe,
        "files.verified": _verified,
        "files.size": partial(_fits, gate.files.largest or 0),
    }
    for check, title in file_titles(gate):
        truth, reason, hint = judged[check](facts)
        evidence = "\n".join([*facts.unsafe, *(facts.scanned or ())]) if check == "files.safe" else ""
        yield result(gate, check, title, decided(truth), reason, hint, evidence)


def file_titles(gate: Gate) -> Iterator[tuple[str, str]]:
    """Yield the id and the sentence of what is asked of the files."""
    if gate.files.safe:
        yield "files.safe", "no pickle, or scanned: no findings"
    if gate.files.verified:
        yield "files.verified", "its bytes are what was recorded"
    if gate.files.largest is not None:
        yield "files.size", f"all files together at most {units.bytes_said(gate.files.largest)}"


def _verified(facts: Facts) -> Judged:
    if facts.verified is None:
        return None, "nobody looked", f"lineal verify {reference(facts)}"
    reason = "every byte was compared" if facts.verified else "bytes differ from what is recorded"
    return facts.verified, reason, "restore it, or promote another"


def _fits(largest: int, facts: Facts) -> Judged:
    if facts.size is None or facts.size < 0:
        return None, "the size of a file is not known", "have all files at hand: `lineal pull`, `dvc pull`"
    over = facts.size - largest
    more = f", {units.bytes_said(over)} too many" if over > 0 else ""
    return over <= 0, f"{units.bytes_said(facts.size)}{more}", "make it smaller, or raise `largest`"


def _safe(facts: Facts) -> Judged:
    hint = "save it as safetensors, or have it scanned"
    if facts.scanned:
        return False, f"{len(facts.scanned)} findings: {some(facts.scanned)}", hint
    if facts.unsafe and facts.scanned is None:
        return False, f"pickle in {some(facts.unsafe)}, and no scan", hint
    if facts.unscanned:
        return None, "not every file could be looked at", "have all files at hand: `lineal pull`, `dvc pull`"
    return True, f"no findings in {some(facts.unsafe)}" if facts.unsafe else "no pickle", ""


def environment(gate: Gate, facts: Facts) -> Iterator[CheckResult]:
    """Judge whether what it was trained with lies within bounds."""
    for bound in gate.environment:
        truth, reason = _within(bound, facts.version)
        hint = "train in another environment, or widen the bound" if truth is False else "record the exact version"
        yield result(gate, bound_id(bound), bound_title(bound), decided(truth), reason, hint)


def bound_id(bound: Bound) -> str:
    """Return the id of a bound's result."""
    return f"environment.{bound.name}"


def bound_title(bound: Bound) -> str:
    """Say what is asked of a part of the environment."""
    return f"{bound.name} {bound.specifier}"


def _within(bound: Bound, version: Version) -> tuple[bool | None, str]:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion
    from packaging.version import parse as release

    text = _recorded(bound.name, version.environment)
    if not text:
        return None, "not recorded"
    try:
        if len(text) > _LONGEST:
            raise InvalidVersion(text)
        return SpecifierSet(bound.specifier).contains(release(text), prereleases=True), text
    except (InvalidVersion, InvalidSpecifier):
        return None, f"{text[:_LONGEST]!r} is no single version"


def _recorded(name: str, found: Environment | None) -> str:
    """Return a version as it stands in an environment; a pin (`==2.1`) is its number."""
    if found is None:
        return ""
    if name in OWN:
        text = str(getattr(found, name))
    else:
        text = next((one.version for one in found.packages if _NORMAL.sub("-", one.name).lower() == name), "")
    bare = text.strip()
    return bare.lstrip("=").strip() if bare.startswith("==") and "," not in bare and "*" not in bare else bare
