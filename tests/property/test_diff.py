"""Comparisons of any values count what a plain comparison counts, and turn round when the baseline does."""

from __future__ import annotations

import math
from typing import Any

from deepdiff import DeepDiff
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version as Pep440

from lineal.diff import compare
from lineal.diff.metrics import verdict
from lineal.diff.nested import Explainer, same
from lineal.environment.releases import Step, distance
from lineal.model.diff import Diff, Facet, Verdict
from lineal.model.values import Goal, Metric, Param, Value
from lineal.model.version import Algorithm, Digest, File, Kind, Version

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([0.0, 0.5, 1.0, math.inf]), st.text("ab1", max_size=2)
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("ab_", max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
settings = st.dictionaries(st.text("abc.", min_size=1, max_size=3), scalars, max_size=6)
numbers = st.floats(allow_nan=True, allow_infinity=True)
goals = st.sampled_from([Goal.MAX, Goal.MIN, None])


def version(name: str, **fields: Any) -> Version:
    return Version(registry="r", model="m", key=name, name=name, kind=Kind.RUN, **fields)


def params(found: dict[str, Any], name: str = "v1") -> Version:
    return version(name, params=tuple(Param(key, value) for key, value in found.items()))


def changed(found: Diff) -> set[str]:
    return {row.name for section in found.sections for row in section.rows}


@given(settings, settings)
def test_flat_parameters_differ_where_value_or_type_does(before: dict[str, Value], after: dict[str, Value]) -> None:
    found = compare([params(before), params(after, "v2")], facets=[Facet.PARAMS])
    missing = object()
    expected = {
        name
        for name in before.keys() | after.keys()
        if (type(before.get(name, missing)), before.get(name, missing))
        != (type(after.get(name, missing)), after.get(name, missing))
    }
    assert changed(found) == expected
    assert found.sections[0].changed == len(expected)
    assert found.sections[0].total == len(before.keys() | after.keys())


@given(settings, settings)
def test_deepdiff_finds_the_same_names(before: dict[str, Value], after: dict[str, Value]) -> None:
    tree = DeepDiff(before, after, view="tree", threshold_to_diff_deeper=0, ignore_private_variables=False)
    expected = {level.path(output_format="list")[0] for kind in tree.values() for level in kind}
    assert changed(compare([params(before), params(after, "v2")], facets=[Facet.PARAMS])) == expected


@given(values, values)
def test_a_difference_of_nested_values_is_always_explained(left: Value, right: Value) -> None:
    assert same(left, left)
    assert same(left, right) == same(right, left)
    if isinstance(left, list | dict) and isinstance(right, list | dict) and not same(left, right):
        assert Explainer().explain(left, right)


@given(st.lists(settings, min_size=2, max_size=5), st.data())
def test_every_version_has_a_cell_and_the_counts_do_not_depend_on_what_is_shown(
    found: list[dict[str, Value]], data: st.DataObject
) -> None:
    versions = [params(one, f"v{at}") for at, one in enumerate(found)]
    baseline = data.draw(st.integers(0, len(versions) - 1))
    few = compare(versions, baseline=baseline, facets=[Facet.PARAMS]).sections[0]
    everything = compare(versions, baseline=baseline, facets=[Facet.PARAMS], changed_only=False).sections[0]
    assert (few.changed, few.total) == (everything.changed, everything.total)
    assert few.rows == tuple(row for row in everything.rows if row.changed)
    for row in everything.rows:
        assert len(row.cells) == len(versions)
        assert row.cells[baseline].verdict in (Verdict.BASE, Verdict.ABSENT)
        assert [cell.value for cell in row.cells] == [one.get(row.name) for one in found]


@given(numbers, numbers, goals)
def test_better_one_way_is_worse_the_other(base: float, value: float, goal: Goal | None) -> None:
    turned = {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER}
    forth, back = verdict(base, value, goal), verdict(value, base, goal)
    assert back is turned.get(forth, forth)


@given(numbers, numbers, goals, st.floats(0, 10))
def test_a_wider_band_of_noise_only_silences(base: float, value: float, goal: Goal | None, noise: float) -> None:
    assert verdict(base, value, goal, noise) in (verdict(base, value, goal), Verdict.NOISE)


@given(st.lists(numbers, min_size=2, max_size=4))
def test_deltas_of_metrics_are_finite_or_absent(found: list[float]) -> None:
    versions = [version(f"v{at}", metrics=(Metric("acc", value),)) for at, value in enumerate(found)]
    for row in compare(versions, facets=[Facet.METRICS], changed_only=False).sections[0].rows:
        for cell in row.cells:
            assert cell.delta is None or math.isfinite(cell.delta)
            assert cell.relative is None or math.isfinite(cell.relative)


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=2), st.sampled_from(["00", "11", "22"]), max_size=5), st.data()
)
def test_renaming_files_is_never_a_loss_of_one(before: dict[str, str], data: st.DataObject) -> None:
    names = data.draw(st.permutations([f"new{at}" for at in range(len(before))]))
    after = dict(zip(names, before.values(), strict=True))

    def files(found: dict[str, str]) -> tuple[File, ...]:
        return tuple(File(path=path, size=1, digest=Digest(Algorithm.MD5, text)) for path, text in found.items())

    pair = [version("v1", files=files(before)), version("v2", files=files(after))]
    section = compare(pair, facets=[Facet.FILES]).sections[0]
    assert section.total == len(before)
    assert all(row.cells[1].verdict is Verdict.CHANGED and "now new" in row.cells[1].note for row in section.rows)


releases = st.from_regex(
    r"([0-3]!)?[0-3](\.[0-3]){0,3}((a|b|rc)[0-2])?(\.post[0-2])?(\.dev[0-2])?(\+cu[0-2])?", fullmatch=True
)


@given(releases, releases)
def test_versions_are_ordered_as_packaging_orders_them(before: str, after: str) -> None:
    old, new = Pep440(before), Pep440(after)
    found = distance(before, after)
    assert found.older == (Pep440(new.public) < Pep440(old.public))
    assert (found.step is Step.NONE) == (old == new)
    if old.public == new.public:
        assert (found.step is Step.BUILD) == (old.local != new.local)
    assert (found.step is Step.MAJOR) == (old.epoch != new.epoch or old.major != new.major)
