"""Tables of made-up versions and what a policy should say of them: the tests of a policy.

[[case]]
name = "a regression is stopped"
model = "churn"                        # default: "model"
registry = "mlflow"                    # default: "registry"
version = "v8"
alias = "prod"
author = "jo"
metrics = { auc = 0.91 }
dataset = "holdout"                    # what all of them were measured on
tags = { owner = "mira" }
python = "3.12.1"                      # also cuda, cudnn, driver
packages = { torch = "2.3.1" }
data = { holdout = "sha256:1f" }       # data sets with their versions
commit = "4f2a91c0"
dirty = false
branches = ["origin/main"]             # the branches that hold the commit; [] is none
parents = 1
card = "What it is for."
unsafe = ["model.pkl"]                 # files with pickles; default: none
findings = []                          # of a scan of these; left out: no scan
verified = true
size = "2 GB"
held = { staging = "30h" }             # which aliases it has, and for how long
approvals = ["mira"]
rejections = ["kim"]
signed = true                          # whether all of these are
commands = { smoke = 0 }               # how they ended; left out: not run yet
incumbent = { name = "v7", metrics = { auc = 0.94 }, dataset = "holdout" }
expect = "fail"                        # or "pass": whether it gets the alias
failing = ["metric.auc"]               # default: whatever fails; else these and no others
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from lineal.errors import ConfigError
from lineal.model.plan import Approval, CheckResult, Outcome
from lineal.model.values import Goal, Metric, Tag
from lineal.model.version import Code, Dataset, Environment, Kind, Package, Version
from lineal.policy import units
from lineal.policy.document import checked
from lineal.policy.evaluate import evaluate
from lineal.policy.facts import CommandResult, Facts, Held, Ran, no_goal
from lineal.policy.rules import Policy

NOW = 1_800_000_000.0  # Unix seconds; the day on which all of this happens
_HINT = "`lineal policy test --help` shows every key with its meaning"


class IncumbentTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The version that holds the alias."""

    name: str = "incumbent"
    metrics: dict[str, float] = {}
    dataset: str = ""
    data: dict[str, str] = {}


class CaseTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[[case]]`: a made-up version, and what should come of it."""

    name: str
    alias: str
    expect: Literal["pass", "fail"]
    failing: tuple[str, ...] | None = None
    model: str = "model"
    registry: str = "registry"
    version: str = "v1"
    author: str = "author"
    metrics: dict[str, float] = {}
    dataset: str = ""
    tags: dict[str, str] = {}
    python: str = ""
    cuda: str = ""
    cudnn: str = ""
    driver: str = ""
    packages: dict[str, str] = {}
    data: dict[str, str] = {}
    commit: str = ""
    dirty: bool | None = None
    branches: tuple[str, ...] | None = None
    parents: int | None = None
    card: str = ""
    unsafe: tuple[str, ...] = ()
    findings: tuple[str, ...] | None = None
    verified: bool | None = None
    size: str = ""
    held: dict[str, str] = {}
    approvals: tuple[str, ...] = ()
    rejections: tuple[str, ...] = ()
    signed: bool = False
    commands: dict[str, int] = {}
    incumbent: IncumbentTable | None = None


class _Cases(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    case: tuple[CaseTable, ...] = ()


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy said of a case, and whether that was expected."""

    name: str
    expect: str
    got: str
    as_expected: bool
    why: str = ""  # it is not: "metric.auc passed"
    checks: tuple[CheckResult, ...] = ()


Goals = Callable[[str], Goal | None]
_TABLES: dict[str, type[msgspec.Struct]] = {"": _Cases, "case": CaseTable, "case.incumbent": IncumbentTable}


def read_cases(document: Mapping[str, Any], where: str) -> tuple[CaseTable, ...]:
    """Read the cases of a document. Raises ConfigError; a document without cases is one too."""
    if isinstance(document.get("case"), Mapping):
        raise ConfigError(f"{where}: case must be a list", hint="write it with two brackets: [[case]]")
    found = checked(document, _Cases, _TABLES, where, _HINT).case
    if not found:
        raise ConfigError(f"{where} has no [[case]]", hint=_HINT)
    for at, one in enumerate(found, 1):
        facts_of(one, f"{where}: case {at} ({one.name})")
        if one.failing and one.expect == "pass":
            raise ConfigError(f"{where}: case {at} ({one.name}) passes, yet names what fails", hint='expect = "fail"')
    return found


def try_case(policy: Policy, case: CaseTable, goals: Goals = no_goal) -> Tried:
    """Judge a case. Commands that it does not mention have not run, and stop nobody."""
    checks = evaluate(policy, facts_of(case, case.name, goals))
    failed = [one.id for one in checks if one.outcome not in (Outcome.PASS, Outcome.PENDING)]
    got = "fail" if failed else "pass"
    why = _difference(case, got, failed)
    return Tried(name=case.name, expect=case.expect, got=got, as_expected=not why, why=why, checks=checks)


def _difference(case: CaseTable, got: str, failed: list[str]) -> str:
    if case.failing is None:
        if got == case.expect:
            return ""
        return f"{', '.join(failed)} failed" if failed else "everything passed"
    passed = [name for name in case.failing if name not in failed]
    surplus = [name for name in failed if name not in case.failing]
    parts = [f"{', '.join(passed)} did not fail" if passed else "", f"{', '.join(surplus)} failed" if surplus else ""]
    return "; ".join(filter(None, parts)) or ("" if got == case.expect else f"it came out as {got}")


def facts_of(case: CaseTable, where: str, goals: Goals = no_goal) -> Facts:
    """Return a case as the facts that it stands for. Raises ConfigError for a duration or size that is none."""
    return Facts(
        version=_version(case),
        registry=case.registry,
        model=case.model,
        alias=case.alias,
        now=NOW,
        incumbent=_incumbent(case),
        incumbent_name=case.incumbent.name if case.incumbent else "",
        author=case.author,
        parents=case.parents,
        code_reachable=None if case.branches is None else bool(case.branches),
        code_branches=case.branches or (),
        unsafe=case.unsafe,
        unscanned=False,
        scanned=case.findings,
        verified=case.verified,
        size=units.size(case.size, f"{where}, size") if case.size else None,
        held=tuple(
            Held(alias=alias, since=NOW - units.seconds(span, f"{where}, held, {alias}"))
            for alias, span in case.held.items()
        ),
        approvals=tuple(_approvals(case)),
        commands={name: CommandResult(name=name, outcome=Ran.RAN, exit=code) for name, code in case.commands.items()},
        goals=goals,
    )


def _version(case: CaseTable) -> Version:
    environment = Environment(
        python=case.python,
        cuda=case.cuda,
        cudnn=case.cudnn,
        driver=case.driver,
        packages=tuple(Package(name, version) for name, version in sorted(case.packages.items())),
    )
    return Version(
        registry=case.registry,
        model=case.model,
        key=case.version,
        name=case.version,
        kind=Kind.REGISTERED,
        author=case.author,
        metrics=_metrics(case.metrics, case.dataset),
        tags=tuple(Tag(key, value) for key, value in case.tags.items()),
        environment=environment,
        datasets=_datasets(case.data),
        code=Code(commit=case.commit, dirty=case.dirty) if case.commit else None,
        card=case.card,
    )


def _incumbent(case: CaseTable) -> Version | None:
    found = case.incumbent
    if found is None:
        return None
    return Version(
        registry=case.registry,
        model=case.model,
        key=found.name,
        name=found.name,
        kind=Kind.REGISTERED,
        metrics=_metrics(found.metrics, found.dataset),
        datasets=_datasets(found.data),
    )


def _metrics(values: Mapping[str, float], dataset: str) -> tuple[Metric, ...]:
    return tuple(Metric(name, value, dataset=dataset) for name, value in values.items())


def _datasets(values: Mapping[str, str]) -> tuple[Dataset, ...]:
    return tuple(Dataset(name=name, digest=digest) for name, digest in values.items())


def _approvals(case: CaseTable) -> list[Approval]:
    signer = "signed" if case.signed else ""
    said = [(by, "approved") for by in case.approvals] + [(by, "rejected") for by in case.rejections]
    return [Approval(by=by, at=NOW, what=what, signer=signer) for by, what in said]
