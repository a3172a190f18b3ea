"""The figures that charts are made of, each beside a plain reading of its definition."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineal.charts.axes import Axis, decades, ticks
from lineal.charts.levels import levels
from lineal.charts.quantities import quantity
from lineal.charts.ranks import closeness, correlation, ranks
from lineal.charts.smoothing import smooth
from lineal.charts.versions import across
from lineal.model.listing import VersionRow
from lineal.policy.rules import Gate, MetricGate, Policy

numbers = st.floats(-1e6, 1e6)


def row(at: int, **values: float) -> VersionRow:
    return VersionRow(
        id=at, registry="prod", model="churn", key=f"{at:04x}", name=f"v{at}", kind="registered", state="ready",
        created_at=1e9 + at, author="", message="", number=at,
        params={"lr": 10.0**-at, "arch": "ab"[at % 2]}, metrics=values,
    )  # fmt: skip


@given(st.lists(numbers, min_size=1, max_size=40), st.sampled_from([0.6, 0.9, 0.99]))
def test_a_smoothed_value_is_the_weighted_mean_of_all_before_it(values: list[float], factor: float) -> None:
    smoothed = smooth(values, factor)
    for at in range(len(values)):
        weights = [factor ** (at - i) for i in range(at + 1)]
        mean = sum(w * v for w, v in zip(weights, values[: at + 1], strict=True)) / sum(weights)
        assert smoothed[at] == pytest.approx(mean, rel=1e-6, abs=1e-3)


def test_smoothing_passes_over_what_is_not_finite() -> None:
    smoothed = smooth([1.0, math.nan, math.inf, 1.0], 0.6)
    assert [smoothed[0], smoothed[3]] == pytest.approx([1.0, 1.0])
    assert math.isnan(smoothed[1])
    assert smoothed[2] == math.inf
    assert smooth([3.0, 1.0], 0.0) == [3.0, 1.0]


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(-5, 5)), min_size=2, max_size=30))
def test_the_correlation_is_pearsons_of_the_ranks(pairs: list[tuple[int, int]]) -> None:
    xs, ys = [float(x) for x, _ in pairs], [float(y) for _, y in pairs]
    if len(set(xs)) > 1 and len(set(ys)) > 1:
        assert correlation(xs, ys) == pytest.approx(float(np.corrcoef(ranks(xs), ranks(ys))[0, 1]), abs=1e-9)
    else:
        assert correlation(xs, ys) == 0.0


def test_the_closest_parameter_comes_first_and_texts_are_ranked_too() -> None:
    rows = [row(at, auc=at / 10) for at in range(8)]
    found = closeness(rows, "auc")
    assert found[0][0] == "param.lr"
    assert found[0][1] == pytest.approx(-1.0)
    assert {name for name, _ in found} == {"param.lr", "param.arch"}


def test_what_has_no_number_is_left_out_and_names_stand_for_themselves() -> None:
    found = quantity([row(at, auc=0.5) for at in range(4)], "param.arch")
    assert set(found.values) == {0.0, 1.0}
    drawn = across([row(1, auc=0.5), row(2), row(3, auc=math.nan)], ["auc"])
    (curve,) = drawn.curves
    assert [value for value in curve.values if math.isfinite(value)] == [0.5]


def test_levels_are_what_the_live_version_reaches_and_what_the_policy_asks() -> None:
    gate = Gate(alias=("prod",), models=("churn",), metrics=(MetricGate(name="auc", min=0.9),))
    live = msgspec.structs.replace(row(3, auc=0.93, loss=0.2), aliases=("prod",))
    found = levels(Policy(gates=(gate,)), [row(1, auc=0.5)], "auc", [live])
    assert [(one.label, one.value) for one in found] == [("v3 prod", 0.93), ("prod ≥", 0.9)]
    assert [one.label for one in levels(Policy(gates=(gate,)), [row(1, loss=0.5)], "loss", [live])] == ["v3 prod"]


def test_a_logarithmic_axis_has_powers_of_ten_or_their_parts() -> None:
    assert decades(1e-4, 1.0, 10) == ([-4, -3, -2, -1, 0], ["0.0001", "0.001", "0.01", "0.1", "1"])
    assert decades(1.5, 6.0, 10)[1] == ["2", "5"]


def test_a_linear_axis_names_round_places() -> None:
    places, names = ticks(Axis.NUMBER, 0.0, 1.0, 11)
    assert 2 <= len(places) <= 11
    assert [float(name) for name in names] == pytest.approx(places)
    assert ticks(Axis.NAME, 0, 2, 3, ["a", "b", "c"])[1] == ["a", "b", "c"]
