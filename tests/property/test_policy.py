"""The policy as a function: total, deterministic, monotonous, and the same after being written down."""

from __future__ import annotations

import math
import tomllib
from typing import Any

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lineal.errors import ConfigError
from lineal.model.plan import Approval, CheckResult, Outcome
from lineal.model.values import Goal, Metric, Tag
from lineal.model.version import Code, Dataset, Environment, Kind, Package, Version
from lineal.policy.canonical import canonical
from lineal.policy.evaluate import evaluate
from lineal.policy.explain import explain, rules_of
from lineal.policy.facts import CommandResult, Facts, Held, Ran
from lineal.policy.rules import Policy, Required, parse

WORDS = st.sampled_from(
    ["prod", "staging", "churn", "auc", "holdout", "mira", "kim", "jo", "", "v1", "x\u202e", "\ud800"]
)
PEOPLE = st.sampled_from(
    ["mira", "kim", "jo", "Mira <mira@e.org>", "M <mira@e.org>", "Kim <k@e.org>", "Kim <mira@e.org>", "", "<>", "< >"]
)
ANY = st.floats() | st.sampled_from([0.0, 0.9, 0.93, 1e308, -1e308, 5e-324])
TIMES = ANY | st.floats(1.7e9, 1.8e9)
COUNTS = st.integers(-(10**30), 10**30)
TEXTS = st.text(max_size=12)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Draw a value, or None where it is not known."""
    return st.none() | values


def tuples(values: st.SearchStrategy[Any], most: int = 4) -> st.SearchStrategy[tuple[Any, ...]]:
    """Draw a few values."""
    return st.lists(values, max_size=most).map(tuple)


METRICS = st.builds(Metric, WORDS, ANY, maybe(COUNTS), maybe(st.sampled_from(Goal)), WORDS)
VERSIONS = st.builds(
    Version,
    registry=WORDS,
    model=WORDS,
    key=TEXTS,
    name=WORDS,
    kind=st.sampled_from(Kind),
    metrics=tuples(METRICS, 6),
    tags=tuples(st.builds(Tag, st.just("owner") | TEXTS, TEXTS)),
    environment=maybe(
        st.builds(
            Environment,
            python=st.sampled_from(["3.12.1", "==3.11", "3", "", ">=3"]) | TEXTS,
            packages=tuples(st.builds(Package, st.just("torch") | TEXTS, st.just("2.3+cu1") | TEXTS)),
            cuda=TEXTS,
        )
    ),
    datasets=tuples(st.builds(Dataset, name=WORDS, digest=TEXTS, role=WORDS)),
    code=maybe(st.builds(Code, commit=TEXTS, dirty=maybe(st.booleans()))),
    card=TEXTS,
)
APPROVALS = st.builds(
    Approval,
    by=PEOPLE,
    at=TIMES,
    what=st.sampled_from(["approved", "rejected", "requested", "?"]),
    counts=st.booleans(),
    why=TEXTS,
    signer=TEXTS,
)
RESULTS = st.builds(
    CommandResult,
    name=WORDS,
    outcome=st.sampled_from(Ran),
    exit=maybe(st.integers(-200, 300)),
    seconds=ANY,
    output=TEXTS,
)
GOALS = st.sampled_from([lambda _: None, lambda _: Goal.MAX, lambda _: Goal.MIN])
FACTS = st.builds(
    Facts,
    version=VERSIONS,
    registry=WORDS,
    model=WORDS,
    alias=WORDS,
    now=TIMES,
    incumbent=maybe(VERSIONS),
    incumbent_name=WORDS,
    author=PEOPLE,
    parents=maybe(COUNTS),
    code_reachable=maybe(st.booleans()),
    code_branches=tuples(WORDS),
    unsafe=tuples(TEXTS),
    unscanned=st.booleans(),
    scanned=maybe(tuples(TEXTS)),
    verified=maybe(st.booleans()),
    size=maybe(COUNTS),
    held=tuples(st.builds(Held, alias=WORDS, since=maybe(TIMES), until=maybe(TIMES))),
    approvals=tuples(APPROVALS, 8),
    commands=st.dictionaries(WORDS, RESULTS, max_size=2),
    goals=GOALS,
    noise=ANY.map(lambda value: lambda _: value),
)

NUMBERS = st.integers(-1000, 1000).map(lambda count: count / 1000)
DURATIONS = st.sampled_from(["90s", "1h 30m", "24h", "2w", "0.5s"])
METRIC_TABLES = st.fixed_dictionaries(
    {"name": st.sampled_from(["auc", "churn"]), "no_worse": st.just(True)},
    optional={
        "goal": st.sampled_from(["max", "min"]),
        "min": NUMBERS.filter(lambda value: value < 0),
        "max": NUMBERS.filter(lambda value: value > 0),
        "noise": NUMBERS.map(abs) | st.sampled_from(["1%", "0.25 %"]),
        "dataset": st.sampled_from(["holdout", "h*"]),
    },
)
COMMANDS = st.fixed_dictionaries({"name": st.just("churn"), "run": st.just(["x", "{files}"])})
GATES = st.fixed_dictionaries(
    {"alias": st.sampled_from(["prod", ["prod", "live"], "*"])},
    optional={
        "models": st.sampled_from(["churn", ["ch*"], "*"]),
        "registries": st.sampled_from(["v1", "*"]),
        "require": st.lists(st.sampled_from([str(one) for one in Required]), unique=True),
        "clean": st.booleans(),
        "approvals": st.integers(0, 3),
        "files": st.fixed_dictionaries(
            {}, optional={"safe": st.booleans(), "verified": st.booleans(), "largest": st.sampled_from(["5 GB", "0 B"])}
        ),
        "environment": st.fixed_dictionaries(
            {}, optional={"python": st.sampled_from([">=3.11", "==3.12.*", "~=3.9"]), "Torch": st.just("!= 2.3, >=2")}
        ),
        "metric": st.lists(METRIC_TABLES, max_size=2, unique_by=lambda one: one["name"]),
        "command": st.lists(COMMANDS, max_size=1),
        "archive": st.just("old"),
        "counterparts": st.just(["gto:churn"]),
    },
)
CHAINED = st.tuples(GATES, st.booleans(), DURATIONS).map(
    lambda drawn: (
        drawn[0]
        | ({"after": "staging", "at_least": drawn[2]} if drawn[1] and drawn[0]["alias"] != "*" else {})
        | ({"approvers": ["mira", "*@e.org"], "signers": "keys"} if drawn[1] and drawn[0].get("approvals") else {})
    )
)
HOOKS = st.fixed_dictionaries(
    {"event": st.sampled_from(["promoted", ["re*", "undone"]])},
    optional={"models": st.just("churn"), "timeout": st.sampled_from(["90s", "30m", "0.5s"])},
).map(lambda table: table | {"url": "https://example.com/x", "tries": 2})
DOCUMENTS = st.fixed_dictionaries(
    {"gate": st.lists(CHAINED.filter(lambda gate: gate.get("archive") is None or gate["alias"] != "*"), max_size=3)},
    optional={
        "policy": st.fixed_dictionaries(
            {},
            optional={
                "owner": st.sampled_from(["owner", "team"]),
                "names": st.fixed_dictionaries({}, optional={"model": st.just("[a-z]+"), "version": st.just("v\\d+")}),
            },
        ),
        "on": st.lists(HOOKS, max_size=2),
    },
)
POLICIES = DOCUMENTS.map(parse)


@settings(max_examples=400, deadline=None)
@given(POLICIES, FACTS)
def test_any_facts_are_judged_without_an_error_and_always_the_same(policy: Policy, facts: Facts) -> None:
    found = evaluate(policy, facts)
    assert evaluate(policy, facts) == found
    assert evaluate(parse(canonical(policy)), facts) == found
    ids = [one.id for one in found]
    assert len(set(ids)) == len(ids)
    for one in found:
        assert isinstance(one, CheckResult)
        assert one.title
        assert one.reason
        assert one.passed is not bool(one.hint)


@settings(max_examples=200, deadline=None)
@given(POLICIES)
def test_what_is_written_down_is_read_as_the_same_policy(policy: Policy) -> None:
    again = parse(canonical(policy))
    assert again == policy
    assert canonical(again) == canonical(policy)


@settings(max_examples=100, deadline=None)
@given(POLICIES)
def test_every_rule_of_every_gate_is_explained(policy: Policy) -> None:
    lines = explain(policy)
    for gate in policy.gates:
        for check, title in rules_of(gate):
            assert f"  {check}: {title}" in lines


@settings(max_examples=200, deadline=None)
@given(POLICIES)
def test_a_version_of_which_nothing_is_known_passes_nothing_but_what_needs_nothing(policy: Policy) -> None:
    bare = Version(registry="v1", model="churn", key="k", name="v1", kind=Kind.RUN)
    for one in evaluate(policy, Facts(version=bare, registry="v1", model="churn", alias="prod", now=1.7e9)):
        assert not one.passed or one.id.startswith("name.")


@settings(max_examples=400, deadline=None)
@given(
    st.integers(1, 3), tuples(APPROVALS, 7), PEOPLE, st.data(), st.sampled_from(["", "approvers = ['mira', '*@e.org']"])
)
def test_taking_an_approval_away_lets_nobody_through(
    count: int, approvals: tuple[Approval, ...], author: str, data: st.DataObject, who: str
) -> None:
    policy = parse(tomllib.loads(f"[[gate]]\nalias = 'prod'\napprovals = {count}\n{who}"))
    yes = [at for at, one in enumerate(approvals) if one.what == "approved"]
    assume(yes)
    at = data.draw(st.sampled_from(yes))
    bare = Version(registry="r", model="m", key="k", name="v1", kind=Kind.RUN)
    facts = Facts(version=bare, registry="r", model="m", alias="prod", now=0.0, author=author, approvals=approvals)
    fewer = msgspec.structs.replace(facts, approvals=approvals[:at] + approvals[at + 1 :])
    (before,), (after,) = evaluate(policy, facts), evaluate(policy, fewer)
    if before.outcome in (Outcome.WAIT, Outcome.UNKNOWN, Outcome.FAIL):
        assert after.outcome is not Outcome.PASS


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(Goal),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(allow_nan=False, allow_infinity=False),
    maybe(st.floats(allow_nan=False, allow_infinity=False)),
    maybe(NUMBERS),
    st.sampled_from(["0", "0.002", "'1%'"]),
)
def test_where_a_better_value_fails_a_worse_one_does_not_pass(
    goal: Goal, one: float, other: float, old: float | None, bound: float | None, noise: str
) -> None:
    limit = "" if bound is None else f"{'min' if goal is Goal.MAX else 'max'} = {bound}\n"
    rules = f"[[gate.metric]]\nname = 'auc'\ngoal = '{goal}'\nno_worse = true\nnoise = {noise}\n{limit}"
    policy = parse(tomllib.loads(f"[[gate]]\nalias = 'prod'\n{rules}"))
    before = None if old is None else version(old)
    worse, better = sorted((one, other), reverse=goal is Goal.MIN)

    def passes(value: float) -> bool:
        facts = Facts(version=version(value), registry="r", model="m", alias="prod", now=0.0, incumbent=before)
        return evaluate(policy, facts)[0].passed

    assert passes(better) or not passes(worse)
    assert old is None or passes(old) or bound is not None
    assert not passes(math.nan)


def version(value: float) -> Version:
    """Make a version with one metric."""
    return Version(registry="r", model="m", key="k", name="v1", kind=Kind.RUN, metrics=(Metric("auc", value),))


PLAIN: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MISTAKEN = st.dictionaries(st.sampled_from(["policy", "gate", "on", "other"]), PLAIN)


@st.composite
def mistaken(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a policy in which one value of a gate or hook is something else."""
    document: dict[str, Any] = draw(DOCUMENTS)
    tables = [*document["gate"], *document.get("on", [])]
    assume(tables)
    table = draw(st.sampled_from(tables))
    keys = ("alias", "after", "at_least", "approvals", "approvers", "signers", "archive", "counterparts", "environment")
    table[draw(st.sampled_from([*table, *keys]))] = draw(PLAIN)
    return document


@settings(max_examples=400, deadline=None)
@given(MISTAKEN | mistaken())
def test_whatever_is_written_is_a_policy_or_a_clear_mistake(document: dict[str, Any]) -> None:
    try:
        policy = parse(document)
    except ConfigError as error:
        assert error.message.startswith("lineal.toml")
        assert error.hint
    else:
        assert parse(canonical(policy)) == policy
