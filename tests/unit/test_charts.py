"""Charts keep every spike, fit their room, and let no foreign text through."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineal.charts import Curve, Threshold, draw, reduce

ESCAPES = "\x1b]52;c;aGk=\x07\x1b[31m\u202eevil\n"


def plain(text: str) -> str:
    import plotext

    return str(plotext.uncolorize(text))


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=200), st.integers(1, 20))
def test_a_reduced_series_has_the_same_extremes_in_the_same_order(values: list[float], columns: int) -> None:
    steps, kept = reduce(range(len(values)), values, columns)
    finite = [value for value in values if abs(value) < 1e300]
    assert len(kept) <= 2 * columns + 2
    assert steps == sorted(steps)
    assert [values[int(step)] for step in steps] == kept
    assert (min(kept, default=None), max(kept, default=None)) == (min(finite, default=None), max(finite, default=None))


@given(st.lists(st.integers(0, 50), min_size=60, max_size=200), st.integers(1, 20))
def test_every_column_keeps_its_own_extremes(steps: list[int], columns: int) -> None:
    steps.sort()
    values = [random.Random(at).random() for at in range(len(steps))]
    kept = set(reduce(steps, values, columns)[1])
    bounds = [steps[0] + (steps[-1] - steps[0]) * column / columns for column in range(columns)]
    for low, high in pairwise([*bounds, math.inf]):
        inside = [value for step, value in zip(steps, values, strict=True) if low <= step < high]
        assert not inside or {min(inside), max(inside)} <= kept


def test_one_spike_among_a_million_stays() -> None:
    values = [0.0] * 1_000_000
    values[654_321] = 1.0
    values[654_322] = -1.0
    steps, kept = reduce(range(len(values)), values, 80)
    assert {(654_321, 1.0), (654_322, -1.0)} <= set(zip(steps, kept, strict=True))


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, 1.797e308])
def test_what_is_not_finite_hides_no_spike(odd: float) -> None:
    values = [odd if at % 10 == 0 else 0.0 for at in range(1_000)]
    values[333], values[777] = 5.0, -5.0
    kept = reduce(range(1_000), values, 7)[1]
    assert {5.0, -5.0} <= set(kept)
    assert all(abs(value) <= 5 for value in kept)


def test_steps_that_jump_back_lose_no_spike() -> None:
    steps = [*range(500), *range(100, 600)]
    values = [0.0] * 1000
    values[321] = 9.0
    assert 9.0 in reduce(steps, values, 10)[1]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (200, 50), (20, 6), (300, 60)])
@pytest.mark.parametrize("colour", [True, False])
def test_a_chart_fills_its_room_and_no_more(width: int, height: int, colour: bool) -> None:
    curves = [Curve("acc", range(1000), [math.sin(at / 50) for at in range(1000)]), Curve("f1", [0, 999], [0.5, 0.6])]
    lines = plain(draw(curves, width, height, colour=colour)).splitlines()
    assert len(lines) == height
    assert max(map(len, lines)) <= width


def test_without_colours_there_is_no_escape_and_curves_differ_by_shape() -> None:
    curves = [Curve("acc", [0, 1], [0.0, 1.0]), Curve("f1", [0, 1], [1.0, 0.0])]
    text = draw(curves, 60, 12, colour=False)
    assert "\x1b" not in text
    assert text.splitlines()[0] == "• acc  × f1"
    assert "•" in text.split("\n", 1)[1]
    assert "×" in text.split("\n", 1)[1]


def test_hostile_labels_and_names_are_escaped() -> None:
    curve = Curve(ESCAPES, [0, 1], [0.0, 1.0])
    text = draw([curve], 80, 12, colour=False, thresholds=[Threshold(ESCAPES, 0.5)], names=[ESCAPES, "[red]x[/red]"])
    assert not set(text) & set("\x1b\x07\u202e\r")
    assert len(text.splitlines()) == 12
    assert "\\e]52" in text


def test_thresholds_are_named_and_inside_the_range() -> None:
    text = draw([Curve("auc", [0, 1], [0.90, 0.91])], 60, 12, colour=False, thresholds=[Threshold("prod v39", 0.95)])
    assert text.splitlines()[0] == "━ auc  ─ prod v39 0.95"
    assert "0.950" in text


def test_versions_are_named_along_the_axis() -> None:
    text = draw([Curve("auc", [0, 1, 2], [1.0, 2.0, 3.0])], 60, 12, colour=False, names=["v1", "v2", "v3"])
    assert text.splitlines()[-1].split() == ["v1", "v2", "v3"]


def test_a_legend_without_room_counts_what_it_leaves_out() -> None:
    curves = [Curve(f"metric-number-{at}", [0, 1], [0.0, 1.0]) for at in range(9)]
    first = draw(curves, 60, 12, colour=False).splitlines()[0]
    assert len(first) <= 60
    assert first.endswith("more")


@pytest.mark.parametrize(
    "values", [[], [math.nan], [math.inf, -math.inf], [1.797e308, 1.797e308]], ids=["none", "nan", "inf", "mlflow inf"]
)
def test_nothing_to_draw_is_said(values: list[float]) -> None:
    assert draw([Curve("x", range(len(values)), values)], 40, 10) == "no finite values to draw"


@pytest.mark.parametrize("values", [[5.0], [0.0, 0.0], [-1e299, 1e299], [1e-300, 2e-300], [3.0, math.nan, 4.0]])
def test_odd_ranges_are_drawn(values: list[float]) -> None:
    assert len(draw([Curve("x", range(len(values)), values)], 40, 10, colour=False).splitlines()) == 10


def test_charts_cost_nothing_until_one_is_drawn() -> None:
    code = "import sys, lineal.charts; print({'plotext', 'numpy', 'rich'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"
