"""All checks together: commands, names, several gates, and what is said where nothing is asked."""

from __future__ import annotations

import pytest

from lineal.model.plan import Outcome
from lineal.policy.evaluate import evaluate, evaluate_names
from lineal.policy.facts import CommandResult, Ran
from lineal.policy.rules import Policy
from tests.unit.policy.made import facts, gate, only, outcome, policy, version

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN
SMOKE = gate('[[gate.command]]\nname = "smoke"\nrun = ["python", "smoke.py", "{files}"]\ntimeout = "5m"')


@pytest.mark.parametrize(
    ("outcome_", "code", "wanted", "reason"),
    [
        (Ran.RAN, 0, PASS, "exit 0 after 12 s"),
        (Ran.RAN, 1, FAIL, "exit 1 after 12 s"),
        (Ran.RAN, -9, FAIL, "ended by signal 9 after 12 s"),
        (Ran.RAN, None, UNKNOWN, "how it ended is not known"),
        (Ran.PENDING, None, Outcome.PENDING, "not run yet"),
        (Ran.UNTRUSTED, None, Outcome.UNTRUSTED, "nobody allowed it to run here"),
        (Ran.TIMEOUT, None, FAIL, "stopped after 5 m"),
        (Ran.MISSING, None, FAIL, "'python' could not be started"),
    ],
)
def test_a_command_must_have_ended_well(outcome_: Ran, code: int | None, wanted: Outcome, reason: str) -> None:
    ran = CommandResult(name="smoke", outcome=outcome_, exit=code, seconds=12.0, output="1 passed\n")
    known = facts(commands={"smoke": ran})
    assert outcome(SMOKE, known) == (wanted, reason)
    result = only(SMOKE, known)
    assert (result.id, result.title) == ("command.smoke", "smoke: `python smoke.py {files}` ends with 0")
    assert result.evidence == "1 passed\n"


def test_a_command_that_nobody_ran_is_pending_and_a_long_output_is_cut_at_the_front() -> None:
    assert outcome(SMOKE, facts()) == (Outcome.PENDING, "not run yet")
    long = CommandResult(name="smoke", outcome=Ran.RAN, exit=1, output="x" * 100_000 + "the error")
    evidence = only(SMOKE, facts(commands={"smoke": long})).evidence
    assert len(evidence) == 65_536
    assert evidence.endswith("the error")


NAMES = policy("[policy.names]\nmodel = '[a-z-]+'\nversion = 'v\\d+'\ntag = '[a-z]+'\nalias = 'prod|staging'")


def test_names_are_judged_with_every_alias_whatever_gates_there_are() -> None:
    assert [(one.id, one.outcome) for one in evaluate(NAMES, facts())] == [
        ("name.model", PASS),
        ("name.version", PASS),
        ("name.alias", PASS),
    ]
    (_, wrong, _) = evaluate(NAMES, facts(version("1.0")))
    assert (wrong.outcome, wrong.reason, wrong.gate) == (FAIL, "1.0", "")
    assert "v\\d+" in wrong.hint


def test_names_that_are_about_to_be_given_are_judged_alone() -> None:
    found = evaluate_names(NAMES, model="Churn", tags=("owner", "Owner", "team"))
    assert [(one.id, one.outcome, one.reason) for one in found] == [
        ("name.model", FAIL, "Churn"),
        ("name.tag", PASS, "owner"),
        ("name.tag#2", FAIL, "Owner"),
        ("name.tag#3", PASS, "team"),
    ]
    assert evaluate_names(NAMES) == evaluate_names(Policy(), model="X", tags=("Y",)) == ()


def test_every_gate_that_applies_is_asked_and_what_both_ask_stands_once() -> None:
    asked = policy(
        '[[gate]]\nalias = "prod"\nrequire = ["card"]\n[[gate.metric]]\nname = "auc"\nmin = 0.9\n'
        '[[gate]]\nalias = "*"\nrequire = ["card", "code"]\n[[gate.metric]]\nname = "auc"\nmin = 0.8\n'
        '[[gate]]\nalias = "staging"\nrequire = ["data"]'
    )
    found = evaluate(asked, facts())
    assert [(one.id, one.gate) for one in found] == [
        ("require.card", "prod"),
        ("metric.auc", "prod"),
        ("require.code", "*"),
        ("metric.auc#2", "*"),
    ]


def test_one_metric_on_two_data_sets_has_two_ids() -> None:
    auc = '[[gate.metric]]\nname = "auc"\nmin = 0.9\ndataset = "{}"\n'
    found = evaluate(gate(auc.format("holdout") + auc.format("recent")), facts())
    assert [one.id for one in found] == ["metric.auc@holdout", "metric.auc@recent"]


def test_where_nothing_is_asked_nothing_is_said() -> None:
    assert evaluate(Policy(), facts()) == ()
    assert evaluate(gate("require = ['card']"), facts(alias="staging")) == ()
