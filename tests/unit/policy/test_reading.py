"""Reading a policy: what is written means what it says, and every mistake is named with what was probably meant."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from lineal.errors import ConfigError
from lineal.model.values import Goal
from lineal.policy import document
from lineal.policy.canonical import canonical
from lineal.policy.rules import (
    Bound,
    CommandCheck,
    Counterpart,
    FileRules,
    Hook,
    MetricGate,
    Policy,
    Required,
    applies,
    parse,
)
from tests.unit.policy.made import gate, policy

WHOLE = (document.__doc__ or "").split("\n\n", 1)[1]


def test_no_policy_is_empty_and_lets_everything_through() -> None:
    nothing: dict[str, Any]
    for nothing in ({}, {"metrics": {"auc": "max"}}, {"policy": {}, "gate": [], "on": []}):
        assert parse(nothing) == Policy()
        assert not parse(nothing)


def test_the_documented_example_is_read_with_every_key() -> None:
    found = policy(WHOLE)
    (asked,) = found.gates
    assert (found.owner, found.names.alias, asked.name) == ("owner", "staging|prod|archived", "prod")
    assert (asked.models, asked.registries, asked.require) == (("churn", "fraud-*"), ("mlflow",), tuple(Required))
    assert (asked.clean, asked.branches, asked.after, asked.at_least) == (True, ("main",), "staging", 86_400.0)
    assert (asked.approvals, asked.approvers, asked.signers) == (1, ("mira", "*@example.com"), "allowed_signers")
    assert (asked.archive, asked.counterparts) == ("archived", (Counterpart(registry="gto", model="churn"),))
    assert asked.files == FileRules(safe=True, verified=True, largest=5 * 10**9)
    assert asked.environment == (Bound(name="python", specifier=">=3.11,<3.13"),)
    bounds = {"min": 0.93, "max": 1.0, "no_worse": True, "noise": 0.002}
    assert asked.metrics == (MetricGate(name="auc", goal=Goal.MAX, dataset="holdout", **bounds),)  # type: ignore[arg-type]
    run = ("python", "tests/smoke.py", "{files}")
    assert found.commands == asked.commands == (CommandCheck(name="smoke", run=run, timeout=300.0),)
    assert found.hooks == (
        Hook(
            name="slack",
            event=("promoted", "rolled_back"),
            aliases=("prod",),
            url="https://hooks.example.com/x",
            secret_env="LINEAL_HOOK_SECRET",
        ),
    )


def test_every_key_that_can_be_written_stands_in_the_documented_example() -> None:
    def keys(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set(value) | {name for inner in value.values() for name in keys(inner)}
        return {name for inner in value for name in keys(inner)} if isinstance(value, list) else set()

    tables = document._TABLES.values()
    known = {name for table in tables for name in table.__struct_encode_fields__}
    assert known <= keys(tomllib.loads(WHOLE))


def test_the_canonical_form_is_read_as_the_same_policy() -> None:
    for found in (policy(WHOLE), policy('[policy]\nowner = "team"'), gate('at_least = "90s"\nafter = "staging"')):
        assert parse(canonical(found)) == found
        assert found.digest


def test_a_digest_says_whether_two_policies_mean_the_same() -> None:
    one = gate('models = "churn"\nafter = "staging"\nat_least = "24h"\n[gate.files]\nlargest = "5 GB"')
    other = gate('after = "staging"\nat_least = "1d"\nmodels = ["churn"]\n[gate.files]\nlargest = "5000 MB"')
    assert one.digest == other.digest != gate('after = "staging"').digest
    assert len(one.digest) == 64


def test_the_digest_of_what_is_run_changes_with_that_only() -> None:
    command = '[[gate.command]]\nname = "smoke"\nrun = ["true"]'
    quiet, loud = gate("approvals = 1"), gate(f"approvals = 1\n{command}")
    assert quiet.commands_digest == ""
    assert loud.commands_digest == gate(f"approvals = 2\n{command}").commands_digest
    assert loud.commands_digest != gate(command.replace("true", "false")).commands_digest
    hook = '[[on]]\nevent = "promoted"\nurl = "https://a.example/x"'
    assert policy(hook).commands_digest not in ("", policy(hook.replace("/x", "/y")).commands_digest)


def test_gates_apply_by_globs_over_alias_model_and_registry() -> None:
    found = policy(
        '[[gate]]\nalias = ["prod", "live-*"]\nmodels = "fraud-*"\nregistries = ["mlflow"]\n'
        '[[gate]]\nalias = "*"\nmodels = ["churn"]'
    )
    first, second = found.gates
    assert applies(found, "mlflow", "fraud-eu", "live-eu") == (first,)
    assert applies(found, "gto", "fraud-eu", "prod") == ()
    assert applies(found, "mlflow", "Fraud-eu", "prod") == ()
    assert applies(found, "anything", "churn", "whatever") == (second,)


def test_a_hook_waits_for_its_events_models_and_aliases() -> None:
    (hook,) = policy('[[on]]\nevent = ["promoted", "re*"]\nmodels = "churn"\naliases = "prod"\nrun = ["x"]').hooks
    assert (hook.name, hook.timeout, hook.tries) == ("on-1", 10.0, 3)
    assert hook.wants("promoted", "churn", "prod")
    assert hook.wants("rejected", "churn", "prod")
    assert not hook.wants("promoted", "churn", "staging")
    assert not hook.wants("undone", "churn", "prod")
    assert not hook.wants("noted", "churn")


METRIC, COMMAND, ON = "[[gate.metric]]\n", "[[gate.command]]\n", '[[on]]\nevent = "promoted"\n'


@pytest.mark.parametrize(
    ("rules", "words", "hint"),
    [
        ("aproval = 1", "gate 1: unknown key `aproval`", "`approvals`"),
        ("at-least = '1h'", "unknown key `at-least`", "`at_least`"),
        ("zzz = 1", "unknown key `zzz`", "known here: alias"),
        ("approvals = '1'", "approvals must be a whole number, not a text", "--show"),
        ("clean = 1", "clean must be true or false, not a whole number", "--show"),
        ("approvals = -1", "-1 approvals", "0 to 100"),
        ("approvals = 101", "101 approvals", "0 to 100"),
        ("require = ['ower']", "'ower' cannot be required", "`owner`"),
        ("after = 'staging'\nat_least = '24 hours'", "is no duration", "24h"),
        ("after = 'staging'\nat_least = 'h'", "is no duration", "24h"),
        ("after = 'staging'\nat_least = '999w'", "more than ten years", ""),
        ("at_least = '24h'", "in which alias", "after"),
        ("after = 'stag*'", "no single alias", "staging"),
        ("branches = ['main']", "but not clean", "clean = true"),
        ("approvers = ['mira']", "no approvals", "approvals = 1"),
        ("signers = 'x'", "no approvals", "approvals = 1"),
        ("approvals = 1\nsigners = '/etc/x'", "not below lineal.toml", "beside"),
        ("approvals = 1\nsigners = 'a/../../x'", "not below lineal.toml", "beside"),
        ("archive = 'prod'", "an alias of this very gate", "another"),
        ("counterparts = ['churn']", "names no model of a registry", "gto:churn"),
        ("counterparts = ['gto:ch*']", "names no model of a registry", "without globs"),
        ("models = ['']", "no pattern of names", "fraud-*"),
        ("[gate.files]\nlargest = '5 XB'", "no size", "5 GB"),
        ("[gate.files]\nlargest = 'GB'", "no size", "5 GB"),
        ("[gate.files]\nsave = true", "gate 1, files: unknown key `save`", "`safe`"),
        ("[gate.environment]\npython = '3.11'", "no range of versions", "PEP 440"),
        ("[gate.environment]\npython = ''", "no range of versions", "PEP 440"),
        ("[gate.environment]\ntorch = '>=2'\nTorch = '>=2'", "twice", "once"),
        (f"{METRIC}min = 1", "there is no `name`", "--show"),
        (f"{METRIC}name = 'auc'", "asks for nothing", "no_worse"),
        (f"{METRIC}name = 'auc'\nmn = 1", "metric 1: unknown key `mn`", "`min`"),
        (f"{METRIC}name = 'auc'\nmin = 1\ngoal = 'up'", "goal is 'up'", '"max"'),
        (f"{METRIC}name = 'auc'\nmin = nan", "no finite number", ""),
        (f"{METRIC}name = 'auc'\nmax = inf", "no finite number", ""),
        (f"{METRIC}name = 'auc'\nmin = 2\nmax = 1", "min is larger than max", ""),
        (f"{METRIC}name = 'auc'\nmin = 2\nnoise = 0.1", "not no_worse", ""),
        (f"{METRIC}name = 'auc'\nno_worse = true\nnoise = -0.1", "negative", ""),
        (f"{METRIC}name = 'auc'\nno_worse = true\nnoise = '1'", "no tolerance", "1%"),
        (f"{METRIC}name = 'auc'\nmin = 1\n{METRIC}name = 'auc'\nmax = 2", "'auc' is there twice", ""),
        (f"{COMMAND}name = 'a'\nrun = []", "no program", ""),
        (f"{COMMAND}name = 'a'\nrun = ['']", "no program", ""),
        (f"{COMMAND}name = 'a/b'\nrun = ['x']", "is no name", ""),
        (f"{COMMAND}name = 'a'\nrun = ['x']\ntimeout = '0s'", "timeout", "an hour"),
        (f"{COMMAND}name = 'a'\nrun = ['x']\ntimeout = '2h'", "timeout", "an hour"),
        (f"{COMMAND}name = 'a'\nrun = ['x']\n{COMMAND}name = 'a'\nrun = ['x']", "'a' is there twice", ""),
        (f"{COMMAND}name = 'a'\nrun = 'x'", "run must be a list, not a text", "--show"),
        (f"{ON}", "either run or url", "run ="),
        (f"{ON}run = ['x']\nurl = 'https://x.example'", "either run or url", "run ="),
        (f"{ON}url = 'ftp://x.example'", "no URL to post to", "https"),
        (f"{ON}url = 'https://user:pass@x.example/'", "no URL to post to", "without a password"),
        (f"{ON}run = ['x']\nsecret_env = 'KEY'", "secret_env", "never the secret"),
        (f"{ON}url = 'https://x.example'\nsecret_env = 'hunter two'", "secret_env", "never the secret"),
        (f"{ON}run = ['x']\ntries = 0", "0 tries", ""),
        ("[[on]]\nevent = 'promotd'\nrun = ['x']", "no event 'promotd'", "`promoted`"),
        ("[[on]]\nevent = []\nrun = ['x']", "no event ''", ""),
        (f"{ON}name = 'a'\nrun = ['x']\n{ON}name = 'a'\nrun = ['y']", "'a' is there twice", ""),
    ],
)
def test_a_mistake_is_named_with_its_place_and_a_hint(rules: str, words: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        gate(rules)
    assert caught.value.message.startswith("lineal.toml")
    assert words in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[gate]\nalias = 'prod'", "must be a list"),
        ("[[gate]]\nalias = []", "alias names none"),
        ("policy = 3", "policy must be a table"),
        ("policy = false", "policy must be a table"),
        ("gate = 0", "gate must be a list"),
        ("[policy]\nowner = ' '", "owner is empty"),
        ("[policy]\nnames = 'x'", "policy, names must be a table"),
        ("[policy.names]\nmodel = '(a'", "policy, names, model: the pattern '(a' has a `(` that is not closed"),
        ("[policy.names]\nmodle = 'a'", "unknown key `modle`"),
    ],
)
def test_a_mistake_outside_of_gates_is_named_too(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        policy(text)
    assert words in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "gates",
    [
        [("prod", "prod", "*")],
        [("*", "staging", "*")],
        [("prod", "staging", "*"), ("staging", "prod", "*")],
        [("prod", "b", "churn"), ("b", "c", "ch*"), ("c", "prod", "*")],
    ],
)
def test_gates_that_wait_for_one_another_are_refused(gates: list[tuple[str, str, str]]) -> None:
    text = "".join(
        f"[[gate]]\nalias = '{alias}'\nafter = '{after}'\nmodels = '{models}'\n" for alias, after, models in gates
    )
    with pytest.raises(ConfigError, match="asks for itself"):
        policy(text)


def test_a_chain_of_gates_or_one_for_other_models_is_no_circle() -> None:
    text = "[[gate]]\nalias = 'prod'\nafter = 'staging'\nmodels = 'churn'\n"
    text += "[[gate]]\nalias = 'staging'\nafter = '{}'\nmodels = '{}'"
    assert len(policy(text.format("dev", "churn")).gates) == 2
    assert len(policy(text.format("prod", "fraud")).gates) == 2


def test_gates_may_share_a_command_but_not_its_name_only() -> None:
    text = "[[gate]]\nalias = '{}'\n[[gate.command]]\nname = 'smoke'\nrun = ['{}']\n"
    assert len(policy(text.format("prod", "x") + text.format("staging", "x")).commands) == 1
    with pytest.raises(ConfigError, match="two commands are called 'smoke'"):
        policy(text.format("prod", "x") + text.format("staging", "y"))


def test_what_is_nested_without_end_is_refused() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ConfigError):
        parse({"gate": deep})
    while deep:  # taken apart from outside, or freeing it would recurse as well
        deep = deep[0]
