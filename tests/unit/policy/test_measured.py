"""Metric gates: thresholds, no regression beyond noise, and on which data."""

from __future__ import annotations

import math
from typing import Any

import pytest

from lineal.model.plan import Outcome
from lineal.model.values import Goal, Metric
from lineal.model.version import Dataset
from tests.unit.policy.made import facts, gate, only, outcome, version

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN
AUC = '[[gate.metric]]\nname = "auc"\n'


def judged(rules: str, new: float, old: float | None = None, **known: Any) -> tuple[Outcome, str]:
    """Judge one value of auc against another."""
    before = {} if old is None else {"incumbent": version("v7", Metric("auc", old))}
    return outcome(gate(AUC + rules), facts(version("v8", Metric("auc", new)), **before, **known))


def test_the_example_of_the_guide_reads_as_a_person_would_say_it() -> None:
    asked = gate(f'{AUC}goal = "max"\nmin = 0.93\nno_worse = true\nnoise = 0.002')
    result = only(asked, facts(version("v8", Metric("auc", 0.9412)), incumbent=version("v7", Metric("auc", 0.9371))))
    assert result.id == "metric.auc"
    assert result.title == "auc ≥ 0.93, no worse than prod − 0.002"
    assert (result.outcome, result.reason) == (PASS, "0.9412 against 0.9371")
    assert (result.value, result.against) == (0.9412, 0.9371)


def test_thresholds_are_met_by_the_very_value() -> None:
    assert judged("min = 0.93", 0.93) == (PASS, "0.93")
    assert judged("min = 0.93", math.nextafter(0.93, 0))[0] is FAIL
    assert judged("max = 0.3", 0.3) == (PASS, "0.3")
    assert judged("max = 0.3", 0.31) == (FAIL, "0.31, above 0.3")
    assert judged("min = 0.93", 0.91) == (FAIL, "0.91, below 0.93")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
def test_what_is_no_finite_number_never_passes(value: float) -> None:
    for rules in ("min = 0", "max = 0", 'no_worse = true\ngoal = "max"', 'no_worse = true\ngoal = "min"'):
        assert judged(rules, value)[0] is FAIL
        assert judged(rules, value, 0.5)[0] is FAIL


def test_a_metric_that_the_candidate_lacks_fails_and_one_that_the_incumbent_lacks_does_not() -> None:
    asked = gate(f"{AUC}no_worse = true")
    known = {"goals": lambda _: Goal.MAX, "incumbent": version("v7", Metric("f1", 0.9))}
    assert outcome(asked, facts(version("v8", Metric("f1", 1.0)), **known)) == (FAIL, "not measured")
    assert outcome(asked, facts(version("v8", Metric("auc", 0.5)), **known)) == (PASS, "0.5, not measured in v7")


def test_the_first_version_of_an_alias_has_nothing_to_be_worse_than() -> None:
    assert judged('no_worse = true\ngoal = "max"', 0.5) == (PASS, "0.5, nothing holds prod yet")
    assert judged('no_worse = true\ngoal = "max"', 0.5, incumbent_name="v7") == (UNKNOWN, "0.5, v7 cannot be read")


@pytest.mark.parametrize(
    ("goal", "noise", "new", "old", "wanted"),
    [
        ("max", "0.002", 0.928, 0.93, (PASS, "0.928 against 0.93")),  # in binary 0.93 − 0.002 is more than 0.928
        ("max", "0.002", 0.9279, 0.93, (FAIL, "0.9279 against 0.93, worse by 0.0021, more than 0.002")),
        ("max", "0", 0.9299, 0.93, (FAIL, "0.9299 against 0.93, worse by 0.0001")),
        ("max", "'1%'", 99.0, 100.0, (PASS, "99 against 100")),
        ("max", "'1%'", 98.9, 100.0, (FAIL, "98.9 against 100, worse by 1.1, more than 1")),
        ("max", "'1%'", -101.0, -100.0, (PASS, "−101 against −100")),
        ("min", "0.1", 0.4, 0.3, (PASS, "0.4 against 0.3")),  # in binary 0.3 + 0.1 is less than 0.4 + 0.1 − 0.1
        ("min", "0.1", 0.41, 0.3, (FAIL, "0.41 against 0.3, worse by 0.11, more than 0.1")),
        ("min", "'50%'", 0.0, 0.0, (PASS, "0 against 0")),
        ("max", "0", 1e308, -1e308, (PASS, "1e+308 against −1e+308")),
        ("max", "0", -1e308, 1e308, (FAIL, "−1e+308 against 1e+308, worse by ∞")),
    ],
)
def test_no_worse_holds_up_to_the_noise(
    goal: str, noise: str, new: float, old: float, wanted: tuple[Outcome, str]
) -> None:
    assert judged(f'no_worse = true\ngoal = "{goal}"\nnoise = {noise}', new, old) == wanted


def test_noise_and_goal_come_from_the_configuration_where_the_gate_is_silent() -> None:
    known = {"goals": {"auc": Goal.MAX}.get, "noise": {"auc": 0.01}.__getitem__}
    assert judged("no_worse = true", 0.92, 0.93, **known)[0] is PASS
    assert judged("no_worse = true", 0.91, 0.93, **known)[0] is FAIL
    assert judged("no_worse = true\nnoise = 0", 0.92, 0.93, **known)[0] is FAIL
    assert judged('no_worse = true\ngoal = "min"', 0.91, 0.93, **known)[0] is PASS
    title = only(gate(f"{AUC}no_worse = true"), facts(version("v8", Metric("auc", 1.0)), **known)).title
    assert title == "auc no worse than prod − 0.01"


def test_a_metric_of_unknown_direction_is_not_compared() -> None:
    wanted = (UNKNOWN, "0.9 against 0.8, it is not known which way it gets better")
    assert judged("no_worse = true", 0.9, 0.8)[0] is wanted[0]
    assert "which way" in judged("no_worse = true", 0.9, 0.8)[1]
    assert judged("no_worse = true\nmin = 0.95", 0.9, 0.8)[0] is FAIL  # what is known to be wrong comes first


def test_an_incumbent_without_a_number_is_not_compared_with() -> None:
    assert judged('no_worse = true\ngoal = "max"', 0.9, math.nan) == (UNKNOWN, "0.9, v7 has NaN")


def on(name: str, value: float, data: str = "", *datasets: Dataset) -> Any:
    """Make a version whose auc was measured on some data."""
    return version(name, Metric("auc", value, dataset=data), datasets=datasets)


HOLDOUT = f'{AUC}no_worse = true\ngoal = "max"\ndataset = "holdout"'


def test_only_what_was_measured_on_the_named_data_counts() -> None:
    asked = gate(HOLDOUT)
    assert outcome(asked, facts(on("v8", 0.9, "holdout")))[0] is PASS
    assert outcome(asked, facts(on("v8", 0.9, "train"))) == (FAIL, "measured on train only")
    assert outcome(asked, facts(on("v8", 0.9))) == (UNKNOWN, "it is not recorded on which data it was measured")
    both = version("v8", Metric("auc", 0.5, dataset="train"), Metric("auc", 0.9, dataset="holdout"))
    assert only(asked, facts(both)).value == 0.9


def test_an_incumbent_measured_on_other_data_is_no_measure() -> None:
    asked, new = gate(HOLDOUT), on("v8", 0.9, "holdout")
    other = (UNKNOWN, "0.9, v7 was measured on other data")
    assert outcome(asked, facts(new, incumbent=on("v7", 0.8, "train"))) == other
    assert outcome(asked, facts(new, incumbent=on("v7", 0.8))) == other
    assert outcome(asked, facts(new, incumbent=on("v7", 0.8, "holdout")))[0] is PASS


def test_data_of_one_name_and_another_content_is_other_data() -> None:
    asked = gate(HOLDOUT)
    one, two = Dataset(name="holdout", digest="1f"), Dataset(name="holdout", digest="2e")
    new = on("v8", 0.9, "holdout", one)
    assert outcome(asked, facts(new, incumbent=on("v7", 0.8, "holdout", one)))[0] is PASS
    assert outcome(asked, facts(new, incumbent=on("v7", 0.8, "holdout", two)))[0] is UNKNOWN
    assert outcome(asked, facts(new, incumbent=on("v7", 0.8, "holdout")))[0] is PASS  # nobody recorded which it was


def test_a_metric_that_names_no_data_was_measured_on_what_its_version_names() -> None:
    asked = gate(HOLDOUT)
    one, two = Dataset(name="holdout", digest="1f"), Dataset(name="sets/2", digest="2e", role="holdout")
    new = on("v8", 0.9, "", one)
    assert outcome(asked, facts(new))[0] is PASS
    assert outcome(asked, facts(new, incumbent=on("v7", 0.8, "", one)))[0] is PASS
    assert outcome(asked, facts(new, incumbent=on("v7", 0.8, "", two)))[0] is UNKNOWN
    assert outcome(asked, facts(new, incumbent=on("v7", 0.8, "")))[0] is UNKNOWN


def test_several_values_of_one_name_are_told_apart_or_said_to_be_unclear() -> None:
    both = version("v8", Metric("auc", 0.5, dataset="train"), Metric("auc", 0.9, dataset="holdout"))
    assert outcome(gate(f"{AUC}min = 0.1"), facts(both)) == (UNKNOWN, "measured on holdout, train: which counts?")
    steps = version("v8", Metric("auc", 0.9, step=20), Metric("auc", 0.5, step=10), Metric("auc", 0.1))
    assert only(gate(f"{AUC}min = 0.1"), facts(steps)).value == 0.9
