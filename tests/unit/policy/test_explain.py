"""The policy in sentences, the policy to start from, and cases that try one."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from lineal.errors import ConfigError
from lineal.model.values import Goal
from lineal.policy import cases, document
from lineal.policy.cases import read_cases, try_case
from lineal.policy.evaluate import evaluate
from lineal.policy.explain import explain, rules_of
from lineal.policy.rules import Policy, parse
from lineal.policy.starting import starter
from tests.unit.policy.made import facts, gate, policy

WHOLE = policy((document.__doc__ or "").split("\n\n", 1)[1])


def test_every_rule_has_a_sentence_that_begins_with_the_id_of_its_result() -> None:
    known = facts(registry="mlflow")
    lines = "\n".join(explain(WHOLE, "churn", "prod", "mlflow"))
    results = evaluate(WHOLE, known)
    assert [one.id for one in results if not one.id.startswith("name.")] == [
        name for name, _ in rules_of(WHOLE.gates[0])
    ]
    for one in results:
        assert f"{one.id}: " in lines
        assert one.title in lines


def test_what_follows_from_a_promotion_is_said_and_no_secret() -> None:
    lines = "\n".join(explain(WHOLE, "churn", "prod"))
    assert "the version that it replaces becomes archived" in lines
    assert "gto:churn is moved in the same plan" in lines
    assert "on promoted, rolled_back: slack posts to hooks.example.com, within 10 s, 3 times at most" in lines
    assert "/x" not in lines.split("slack")[1]


def test_what_no_gate_stands_before_is_said_too() -> None:
    assert explain(Policy()) == ["there is no policy: nothing is asked, and whoever may write can move any alias"]
    assert explain(gate("approvals = 1"), "churn", "dev") == [
        "no gate stands before dev of churn: nothing else is asked, and whoever may write can move it"
    ]


def test_only_the_gates_that_are_asked_about_are_explained() -> None:
    assert not any("gate prod" in line for line in explain(WHOLE, "churn", "prod", "gto"))
    assert any(line == "gate prod of churn, fraud-* in mlflow:" for line in explain(WHOLE))


def test_the_direction_of_a_metric_is_said_where_it_is_known() -> None:
    asked = gate('[[gate.metric]]\nname = "auc"\nno_worse = true')
    assert "auc no worse than prod (which way it gets better is not known)" in "\n".join(explain(asked))
    assert "(more is better)" in "\n".join(explain(asked, goals=lambda _: Goal.MAX))


def test_the_policy_to_start_from_is_one_with_or_without_anything_there() -> None:
    bare = parse(tomllib.loads(starter()))
    assert [one.name for one in bare.gates] == ["prod"]
    assert not bare.gates[0].metrics
    metrics = {"churn": {"auc": Goal.MAX, "loss": Goal.MIN}, "bare": {}}
    full = parse(tomllib.loads(starter(["churn"], ["dev", "Production", "Staging"], metrics)))
    asked, measured = full.gates
    assert (asked.name, asked.after, asked.archive) == ("Production", "Staging", "")
    assert (measured.name, measured.models) == ("Production", ("churn",))
    assert [(one.name, one.goal, one.no_worse) for one in measured.metrics] == [
        ("auc", Goal.MAX, True),
        ("loss", Goal.MIN, True),
    ]
    assert parse(tomllib.loads(starter(policy=False))).gates == bare.gates


@pytest.mark.parametrize(
    "name", ['a"b', "a\\b", "{after}", "{files}", "a\nb", "x\u202ey", "\ud800", "é" * 30, "\x7f", "# x"]
)
def test_no_name_breaks_out_of_the_policy_to_start_from(name: str) -> None:
    text = starter([name], [name, "prod"], {name: {name: Goal.MAX}})
    asked, *measured = parse(tomllib.loads(text)).gates
    assert asked.name == "prod"
    assert all((one.models, one.metrics[0].name) == ((name,), name) for one in measured)
    assert "\u202e" not in text


def test_with_all_comments_taken_away_the_policy_to_start_from_is_one() -> None:
    lines = starter([], ["prod", "staging", "archived"]).split("\n")
    text = "\n".join(line.removeprefix("# ") for line in lines[3:])
    (asked,) = policy(text).gates
    assert asked.approvers
    assert asked.environment
    assert asked.metrics
    assert asked.commands
    assert set(document.GateTable.__struct_encode_fields__) <= set(tomllib.loads(text)["gate"][0])


EXAMPLE = (cases.__doc__ or "").split("\n\n", 1)[1]


def case(text: str) -> cases.CaseTable:
    """Read one case."""
    (found,) = read_cases(tomllib.loads(f'[[case]]\nname = "one"\nalias = "prod"\n{text}'), "cases.toml")
    return found


def test_the_documented_case_meets_the_documented_policy() -> None:
    (found,) = read_cases(tomllib.loads(EXAMPLE), "cases.toml")
    tried = try_case(WHOLE, found)
    assert (tried.as_expected, tried.got, tried.why) == (True, "fail", "")
    (one,) = (check for check in tried.checks if not check.passed)
    assert one.reason == "0.91 against 0.94, below 0.93, worse by 0.03, more than 0.002"
    assert set(cases.CaseTable.__struct_encode_fields__) <= set(tomllib.loads(EXAMPLE)["case"][0]) | {
        *("cuda", "cudnn", "driver"),
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('expect = "pass"\nmetrics = { auc = 0.95 }', ""),
        ('expect = "fail"\nmetrics = { auc = 0.95 }', "everything passed"),
        ('expect = "pass"\nmetrics = { auc = 0.91 }', "metric.auc failed"),
        ('expect = "fail"\nmetrics = { auc = nan }', ""),
        ('expect = "fail"\nfailing = ["metric.auc"]', ""),
        ('expect = "fail"\nfailing = ["approvals"]', "approvals did not fail; metric.auc failed"),
        ('expect = "fail"\nfailing = []', "metric.auc failed"),
    ],
)
def test_a_case_says_whether_the_policy_does_what_was_expected(text: str, why: str) -> None:
    tried = try_case(gate('[[gate.metric]]\nname = "auc"\nmin = 0.93'), case(text))
    assert (tried.why, tried.as_expected) == (why, not why)


def test_a_case_can_meet_everything_that_can_be_asked() -> None:
    text = EXAMPLE.replace('rejections = ["kim"]\n', "").replace("auc = 0.91", "auc = 0.96").replace('"fail"', '"pass"')
    document_: dict[str, Any] = tomllib.loads("\n".join(line for line in text.split("\n") if "failing" not in line))
    (found,) = read_cases(document_, "cases.toml")
    tried = try_case(WHOLE, found)
    assert tried.as_expected, tried.why
    assert len(tried.checks) == 18


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('expect = "maybe"', "expect"),
        ("", "there is no `expect`"),
        ('expect = "pass"\nmetrcs = {}', "unknown key `metrcs`"),
        ('expect = "pass"\nsize = "big"', "is no size"),
        ('expect = "pass"\nheld = { staging = "long" }', "is no duration"),
        ('expect = "pass"\nfailing = ["approvals"]', "names what fails"),
        ('expect = "pass"\nincumbent = { nam = "x" }', "case 1, incumbent: unknown key `nam`"),
    ],
)
def test_a_mistake_in_a_case_is_named(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        case(text)
    assert words in caught.value.message
    assert caught.value.hint


def test_a_file_without_cases_is_a_mistake() -> None:
    document_: dict[str, Any]
    for document_ in ({}, {"case": []}, {"case": {"name": "x"}}, {"cases": []}):
        with pytest.raises(ConfigError):
            read_cases(document_, "cases.toml")
