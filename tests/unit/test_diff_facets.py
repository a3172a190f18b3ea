"""What a comparison says of each facet."""

from __future__ import annotations

import math

import msgspec
import pytest

from lineal.config import MetricRule
from lineal.diff import Goals, compare
from lineal.errors import BadFormat, ConfigError
from lineal.model.diff import Cell, Diff, Facet, Row, Section, Severity, Verdict
from lineal.model.values import Goal, Metric, Param, Tag, Value
from lineal.model.version import (
    Algorithm,
    Dataset,
    Digest,
    Environment,
    File,
    Kind,
    Package,
    Tensor,
    Version,
)

VERSION = Version(registry="prod", model="churn", key="1", name="v1", kind=Kind.REGISTERED)


def make(name: str = "v1", **fields: object) -> Version:
    return msgspec.structs.replace(VERSION, name=name, key=name, **fields)


def section(found: Diff, facet: Facet) -> Section:
    return next(one for one in found.sections if one.facet is facet)


def rows(facet: Facet, *versions: Version, **options: object) -> dict[str, Row]:
    found = compare(versions, facets=[facet], **options)  # type: ignore[arg-type]
    return {row.name: row for row in section(found, facet).rows}


def verdicts(row: Row) -> list[Verdict]:
    return [cell.verdict for cell in row.cells]


def last(row: Row) -> Cell:
    return row.cells[-1]


# --- the comparison as a whole


def test_a_version_compared_with_itself_differs_in_nothing() -> None:
    full = make(
        params=(Param("lr", 0.1), Param("nan", math.nan), Param("none", None)),
        metrics=(Metric("acc", 0.9), Metric("loss", math.nan)),
        tags=(Tag("a", "b"),),
        environment=Environment(python="3.11", packages=(Package("torch", "2.0"),)),
        files=(File(path="m.bin", size=3, digest=Digest(Algorithm.MD5, "00")),),
    )
    found = compare([full, full], tensors=lambda _: [Tensor("w", "F32", (2,))])
    assert [one.changed for one in found.sections] == [0] * len(Facet)
    assert not any(one.rows for one in found.sections)
    assert section(found, Facet.PARAMS).total == 3


@pytest.mark.parametrize("count", [0, 1, 65])
def test_fewer_than_two_or_more_than_64_versions_are_refused(count: int) -> None:
    with pytest.raises(ConfigError) as refused:
        compare([VERSION] * count)
    assert refused.value.hint


@pytest.mark.parametrize("baseline", [-1, 2])
def test_a_baseline_that_is_not_there_is_refused(baseline: int) -> None:
    with pytest.raises(ConfigError):
        compare([VERSION, VERSION], baseline=baseline)


def test_only_the_wanted_facets_are_compared_in_their_own_order() -> None:
    found = compare([VERSION, make("v2")], facets=[Facet.TAGS, Facet.METRICS])
    assert [one.facet for one in found.sections] == [Facet.METRICS, Facet.TAGS]


def test_names_are_as_short_as_they_can_be_and_references_are_whole() -> None:
    other = msgspec.structs.replace(VERSION, model="fraud")
    assert compare([VERSION, make("v2")]).names == ("v1", "v2")
    assert compare([VERSION, other]).names == ("churn@v1", "fraud@v1")
    assert compare([VERSION, other]).versions == ("prod:churn@v1", "prod:fraud@v1")
    elsewhere = msgspec.structs.replace(VERSION, registry="lab")
    assert compare([VERSION, elsewhere]).names == ("prod:churn@v1", "lab:churn@v1")


def test_two_versions_of_one_name_are_told_apart_by_their_ids() -> None:
    twin = msgspec.structs.replace(VERSION, key="abcdef99")
    assert compare([VERSION, twin]).versions == ("prod:churn@id:1", "prod:churn@id:abcdef99")


def test_equal_rows_are_counted_and_shown_on_request() -> None:
    pair = make(params=(Param("a", 1), Param("b", 2))), make("v2", params=(Param("a", 1), Param("b", 3)))
    few = section(compare(pair), Facet.PARAMS)
    everything = section(compare(pair, changed_only=False), Facet.PARAMS)
    assert (few.changed, few.total, [row.name for row in few.rows]) == (1, 2, ["b"])
    assert (everything.changed, everything.total, [row.name for row in everything.rows]) == (1, 2, ["a", "b"])
    assert verdicts(everything.rows[0]) == [Verdict.BASE, Verdict.SAME]


def test_cells_follow_the_versions_and_stand_to_the_baseline_wherever_it_is() -> None:
    values = (3, 2, 1, 2)
    versions = [make(f"v{at}", params=(Param("x", value),)) for at, value in enumerate(values)]
    found = rows(Facet.PARAMS, *versions, make("v9"), baseline=1)["x"]
    assert [cell.value for cell in found.cells] == [3, 2, 1, 2, None]
    assert verdicts(found) == [Verdict.CHANGED, Verdict.BASE, Verdict.CHANGED, Verdict.SAME, Verdict.REMOVED]


# --- metrics


@pytest.mark.parametrize(
    ("name", "before", "after", "verdict"),
    [
        ("auc", 0.9371, 0.9412, Verdict.BETTER),
        ("auc", 0.9412, 0.9371, Verdict.WORSE),
        ("loss", 0.188, 0.182, Verdict.BETTER),
        ("loss", 0.182, 0.188, Verdict.WORSE),
        ("foo", 1.0, 2.0, Verdict.CHANGED),
        ("loss", 0.1, math.nan, Verdict.WORSE),
        ("loss", math.nan, 0.1, Verdict.BETTER),
        ("auc", 0.1, math.nan, Verdict.WORSE),
        ("foo", 0.1, math.nan, Verdict.CHANGED),
        ("loss", 1.0, math.inf, Verdict.WORSE),
        ("loss", math.inf, 1.0, Verdict.BETTER),
        ("auc", -math.inf, math.inf, Verdict.BETTER),
        ("loss", 0.0, -0.1, Verdict.BETTER),
    ],
)
def test_a_metric_is_better_or_worse_by_its_goal(name: str, before: float, after: float, verdict: Verdict) -> None:
    found = rows(Facet.METRICS, make(metrics=(Metric(name, before),)), make("v2", metrics=(Metric(name, after),)))
    assert last(found[name]).verdict is verdict


@pytest.mark.parametrize(
    ("before", "after"), [(math.nan, math.nan), (math.inf, math.inf), (0.1 + 0.2, 0.3), (0.0, -0.0)]
)
def test_nan_infinity_and_rounding_are_no_differences(before: float, after: float) -> None:
    assert not rows(Facet.METRICS, make(metrics=(Metric("a", before),)), make("v2", metrics=(Metric("a", after),)))


def test_a_delta_is_stated_where_it_is_finite() -> None:
    def cell(before: float, after: float) -> Cell:
        pair = make(metrics=(Metric("auc", before),)), make("v2", metrics=(Metric("auc", after),))
        return last(rows(Facet.METRICS, *pair)["auc"])

    moved = cell(-0.5, -0.25)
    assert (moved.delta, moved.relative) == (0.25, 0.5)
    assert (cell(0.0, 0.5).delta, cell(0.0, 0.5).relative) == (0.5, None)
    assert (cell(1.0, math.inf).delta, cell(math.nan, 1.0).delta) == (None, None)


def test_what_is_within_the_noise_is_said_to_be() -> None:
    goals = Goals({"latency_ms": MetricRule(goal=Goal.MIN, noise=0.5)})
    base = make(metrics=(Metric("latency_ms", 20.0),))
    near, far = (make(f"v{x}", metrics=(Metric("latency_ms", x),)) for x in (20.5, 20.6))
    found = rows(Facet.METRICS, base, near, far, goals=goals)["latency_ms"]
    assert verdicts(found) == [Verdict.BASE, Verdict.NOISE, Verdict.WORSE]
    assert (found.goal, found.goal_source) == (Goal.MIN, "lineal.toml")


def test_a_goal_that_the_registry_states_wins_over_the_name() -> None:
    pair = make(metrics=(Metric("loss", 1.0, goal=Goal.MAX),)), make("v2", metrics=(Metric("loss", 2.0),))
    found = rows(Facet.METRICS, *pair)["loss"]
    assert (found.goal, found.goal_source, last(found).verdict) == (Goal.MAX, "registry", Verdict.BETTER)


def test_one_metric_on_several_data_sets_has_a_row_for_each() -> None:
    both = (Metric("acc", 0.9, dataset="val"), Metric("acc", 0.8, dataset="test"))
    found = rows(Facet.METRICS, make(metrics=both), make("v2", metrics=(Metric("acc", 0.85, dataset="test"),)))
    assert verdicts(found["acc (val)"]) == [Verdict.BASE, Verdict.REMOVED]
    assert last(found["acc (test)"]).verdict is Verdict.BETTER


def test_numbers_of_different_data_carry_a_warning() -> None:
    pair = (
        make(metrics=(Metric("acc", 0.9, dataset="val"),)),
        make("v2", metrics=(Metric("acc", 0.8, dataset="test"),)),
    )
    assert rows(Facet.METRICS, *pair)["acc"].note == "measured on different data: test, val"


# --- params


@pytest.mark.parametrize(
    ("before", "after", "note"),
    [
        (1e-4, 2e-4, "×2"),
        (1e-3, 3e-4, "×0.3"),
        ("1e-3", "3e-4", "×0.3"),
        (1, 1.0, "a number, was a whole number"),
        (1, "1", "text, was a whole number"),
        (1.0, "1", "text, was a number"),
        (True, 1, "a whole number, was a truth value"),
        (None, 0, "a whole number, was nothing"),
        ("0.10", "0.1", "the same number, written otherwise"),
        (3, 5, "+2"),
        (5, 3, "−2"),
        (0.0, 0.5, "+0.5"),
        (-1.0, 1.0, "+2"),
        (1.0, 1.0000001, "+1e-07"),
        (32, 64, "×2"),
        ("relu", "gelu", ""),
        (0.5, math.nan, ""),
        ([64, 64], [64, 128, 32], "[1] 64 → 128, +[2] 32"),
        ([{"a": 1}], [{"a": 1, "b": "x"}], "+[0].b x"),
        ([{"a": 1, "__b": 1}], [{"a": 1, "__b": 2}], "[0].__b 1 → 2"),
        ([1e-4], [2e-4], "[0] 0.0001 → 0.0002"),
        ([1, 2], [1], "−[1]"),
        ([1], [1.0], "equal but for the types of parts"),
        ([], {}, "value [] → {}"),
    ],
)
def test_a_changed_parameter_says_how(before: Value, after: Value, note: str) -> None:
    found = rows(Facet.PARAMS, make(params=(Param("x", before),)), make("v2", params=(Param("x", after),)))["x"]
    assert last(found).verdict is Verdict.CHANGED
    assert last(found).note == note


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (0.1 + 0.2, 0.3),
        (math.nan, math.nan),
        ([math.nan, {"a": 0.1 + 0.2}], [math.nan, {"a": 0.3}]),
        (None, None),
        ({}, {}),
    ],
)
def test_rounding_and_nan_are_no_changes_of_a_parameter(before: Value, after: Value) -> None:
    assert not rows(Facet.PARAMS, make(params=(Param("x", before),)), make("v2", params=(Param("x", after),)))


def test_mappings_are_compared_by_dotted_name() -> None:
    pair = (
        make(params=(Param("opt", {"lr": 0.1, "betas": {"a": 1}}),)),
        make("v2", params=(Param("opt.lr", 0.1), Param("opt.betas.a", 2))),
    )
    assert list(rows(Facet.PARAMS, *pair)) == ["opt.betas.a"]


def test_a_registry_that_keeps_text_only_is_met_half_way() -> None:
    typed = (Param("lr", 1e-4), Param("n", 3), Param("flag", True), Param("none", None), Param("s", "x"))
    texts = (Param("lr", "0.0001"), Param("n", "3"), Param("flag", "True"), Param("none", "None"), Param("s", "y"))
    there = msgspec.structs.replace(make("v2", params=texts), registry="lab")
    assert list(rows(Facet.PARAMS, make(params=typed), there)) == ["s"]
    assert len(rows(Facet.PARAMS, make(params=typed), make("v2", params=texts))) == 5


def test_large_lists_are_counted_instead_of_explained() -> None:
    pair = make(params=(Param("x", list(range(5_000))),)), make("v2", params=(Param("x", [0, *range(4_999)]),))
    assert last(rows(Facet.PARAMS, *pair)["x"]).note == "4,999 of 5,000 places differ"


def test_thousands_of_lists_are_not_all_explained() -> None:
    before = tuple(Param(f"p{at}", [str(part) for part in range(250)]) for at in range(1_000))
    after = tuple(Param(param.name, param.value[::-1]) for param in before)  # type: ignore[index]
    found = rows(Facet.PARAMS, make(params=before), make("v2", params=after))
    notes = [last(row).note for row in found.values()]
    assert notes[0] == "[0] 0 → 249, [1] 1 → 248, [2] 2 → 247, and 247 more"
    assert notes.count("250 of 250 places differ") > 900


def test_values_of_a_hostile_depth_are_compared_without_a_crash() -> None:
    deep: Value = 1
    deeper: Value = 2
    for _ in range(190):
        deep, deeper = [deep], [deeper]
    pair = make(params=(Param("x", deep),)), make("v2", params=(Param("x", deeper),))
    assert last(rows(Facet.PARAMS, *pair)["x"]).note


# --- environment


def packages(**versions: str) -> tuple[Package, ...]:
    return tuple(Package(name, version) for name, version in sorted(versions.items()))


def test_the_environment_is_sorted_by_how_likely_it_matters() -> None:
    before = Environment(
        python="3.11.4",
        cuda="13.1",
        packages=packages(rich="14.3.0", torch="2.12.1+cu131", transformers="5.16.2", zz="1.0"),
    )
    after = Environment(
        python="3.11.9",
        cuda="13.2",
        packages=packages(rich="15.0.0", torch="2.13.0+cu132", transformers="5.17.0", zz="1.1"),
    )
    found = rows(Facet.ENVIRONMENT, make(environment=before), make("v2", environment=after))
    assert list(found) == ["torch", "cuda", "transformers", "python", "zz", "rich"]
    assert found["torch"].severity is Severity.HIGH
    assert last(found["torch"]).note == "minor, CUDA build"
    assert (found["rich"].severity, found["rich"].note) == (Severity.NONE, "cannot matter here")


def test_packages_are_added_removed_and_go_back() -> None:
    before = Environment(packages=packages(torch="2.1.0+cpu", numpy="2.0.0", old="1"))
    after = Environment(packages=packages(torch="2.1.0+cu121", numpy="1.26.4", new="1"))
    found = rows(Facet.ENVIRONMENT, make(environment=before), make("v2", environment=after))
    assert last(found["torch"]).note == "cu121 build, was cpu"
    assert last(found["numpy"]).note == "major, back"
    assert verdicts(found["old"]) == [Verdict.BASE, Verdict.REMOVED]
    assert verdicts(found["new"]) == [Verdict.ABSENT, Verdict.ADDED]


def test_a_pin_and_the_version_it_asks_for_are_the_same() -> None:
    pair = (
        make(environment=Environment(packages=packages(a="==2.1.0", b=">=1", c=""))),
        make("v2", environment=Environment(packages=packages(a="2.1.0", b=">=2", c="1.0"))),
    )
    found = rows(Facet.ENVIRONMENT, *pair)
    assert {name: last(row).note for name, row in found.items()} == {
        "b": "another requirement",
        "c": "version not recorded on one side",
    }


def test_an_environment_that_was_not_recorded_is_no_difference() -> None:
    recorded = make("v2", environment=Environment(python="3.11", packages=packages(torch="2.0")))
    for pair in ([VERSION, recorded], [recorded, VERSION]):
        found = section(compare(pair, facets=[Facet.ENVIRONMENT]), Facet.ENVIRONMENT)
        assert (found.changed, found.total, found.rows) == (0, 2, ())
        assert found.note == "not recorded: v1"
        everything = section(compare(pair, facets=[Facet.ENVIRONMENT], changed_only=False), Facet.ENVIRONMENT)
        assert [row.name for row in everything.rows] == ["python", "torch"]


def test_a_third_version_without_an_environment_hides_nothing_of_the_others() -> None:
    versions = [make(f"v{x}", environment=Environment(packages=packages(torch=f"{x}.0"))) for x in (1, 2)]
    found = rows(Facet.ENVIRONMENT, *versions, make("v3"))["torch"]
    assert verdicts(found) == [Verdict.BASE, Verdict.CHANGED, Verdict.REMOVED]


def test_devices_memory_image_and_variables_are_compared() -> None:
    before = Environment(
        gpus=("H100", "H100"), memory=64 * 10**9, image="img@sha256:aa", variables=(Tag("OMP_NUM_THREADS", "8"),)
    )
    after = Environment(
        gpus=("H100",), memory=128 * 10**9, image="img@sha256:bb", variables=(Tag("OMP_NUM_THREADS", "4"),)
    )
    found = rows(Facet.ENVIRONMENT, make(environment=before), make("v2", environment=after))
    assert [cell.value for cell in found["gpus"].cells] == ["2×H100", "1×H100"]
    assert [cell.value for cell in found["memory"].cells] == [64 * 10**9, 128 * 10**9]
    assert last(found["memory"]).note == "+64 GB"
    assert {"image", "$OMP_NUM_THREADS"} <= found.keys()


def test_environments_read_from_different_files_say_so() -> None:
    pair = [
        make(name, environment=Environment(python="3.11", sources=(source,)))
        for name, source in (("v1", "conda.yaml"), ("v2", "requirements.txt"))
    ]
    found = section(compare(pair, facets=[Facet.ENVIRONMENT]), Facet.ENVIRONMENT)
    assert found.note == "read from different files: conda.yaml against requirements.txt"


# --- data, files, tensors, tags


def test_other_data_says_how_much_more_and_renamed_data_is_recognised() -> None:
    before = (
        Dataset(name="tx", digest="a1", rows=100, size=1000),
        Dataset(name="old", digest="c3"),
        Dataset(name="gone", digest="d4"),
    )
    after = (Dataset(name="tx", digest="b2", rows=1_200_100, size=900), Dataset(name="new", digest="c3"))
    found = rows(Facet.DATA, make(datasets=before), make("v2", datasets=after))
    assert [cell.value for cell in found["tx"].cells] == ["a1", "b2"]
    assert last(found["tx"]).note == "+1.2 M rows, −100 B"
    assert last(found["old"]).note == "the same data, now called new"
    assert last(found["gone"]).verdict is Verdict.REMOVED
    assert "new" not in found


def test_data_sets_of_one_name_are_told_apart_by_their_roles() -> None:
    both = [
        make(
            name, datasets=(Dataset(name="tx", digest="a", role="training"), Dataset(name="tx", digest=x, role="test"))
        )
        for name, x in (("v1", "b"), ("v2", "c"))
    ]
    assert list(rows(Facet.DATA, *both)) == ["tx (test)"]


def file(path: str, digest: str = "", size: int | None = 10, algorithm: Algorithm = Algorithm.MD5) -> File:
    return File(path=path, size=size, digest=Digest(algorithm, digest) if digest else None)


def test_files_are_added_removed_changed_and_renamed() -> None:
    before = (file("same", "aa"), file("changed", "bb"), file("grown", "ff"), file("moved", "cc"), file("gone", "dd"))
    after = (
        file("same", "aa"),
        file("changed", "b1"),
        file("grown", "f1", 1_500_010),
        file("dir/moved", "cc"),
        file("added", "ee"),
    )
    found = rows(Facet.FILES, make(files=before), make("v2", files=after))
    assert {name: (last(row).verdict, last(row).note) for name, row in found.items()} == {
        "added": (Verdict.ADDED, "ee"),
        "changed": (Verdict.CHANGED, "b1 other bytes, the same size"),
        "gone": (Verdict.REMOVED, ""),
        "grown": (Verdict.CHANGED, "f1 +1.5 MB"),
        "moved": (Verdict.CHANGED, "cc now dir/moved"),
    }
    assert last(found["changed"]).detail == "md5:b1"


def test_hashes_of_different_kinds_prove_nothing_unless_others_are_known() -> None:
    before, after = file("m", "aa"), file("m", "bb", algorithm=Algorithm.SHA256)
    pair = make(files=(before,)), make("v2", files=(after,))
    found = section(compare(pair, facets=[Facet.FILES]), Facet.FILES)
    assert found.note == "1 may be equal: the same size, no hash in common"
    known = [Digest(Algorithm.MD5, "aa"), Digest(Algorithm.SHA256, "bb")]
    assert not section(compare(pair, facets=[Facet.FILES], digests=lambda _: known), Facet.FILES).changed


def test_equal_sizes_without_hashes_are_not_taken_for_equal_bytes() -> None:
    pair = make(files=(file("m"),)), make("v2", files=(file("m"),))
    assert "may be equal" in section(compare(pair, facets=[Facet.FILES]), Facet.FILES).note
    assert (
        last(rows(Facet.FILES, make(files=(file("m"),)), make("v2", files=(file("m", size=11),)))["m"]).note == "+1 B"
    )


def test_the_md5_of_dvc_2_counts_as_md5() -> None:
    pair = make(files=(file("m", "aa"),)), make("v2", files=(file("m", "aa", algorithm=Algorithm.MD5_DOS2UNIX),))
    assert not rows(Facet.FILES, *pair)


def test_a_version_whose_files_are_not_listed_is_no_difference() -> None:
    found = section(compare([make(files=(file("m", "aa"),)), make("v2")], facets=[Facet.FILES]), Facet.FILES)
    assert (found.changed, found.note) == (0, "not listed: v2")


def test_tensors_are_reshaped_retyped_added_and_removed_in_file_order() -> None:
    headers = {
        "v1": [
            Tensor("z", "F32", (2, 768)),
            Tensor("b", "F32", (4,)),
            Tensor("gone", "F32", ()),
            Tensor("same", "I8", (1,)),
        ],
        "v2": [
            Tensor("z", "F32", (3, 768)),
            Tensor("b", "BF16", (4,)),
            Tensor("same", "I8", (1,)),
            Tensor("new", "I8", (5,)),
        ],
    }
    pair = [make("v1"), make("v2")]
    found = section(compare(pair, facets=[Facet.TENSORS], tensors=lambda one: headers[one.name]), Facet.TENSORS)
    assert [(row.name, last(row).verdict, last(row).note) for row in found.rows] == [
        ("z", Verdict.CHANGED, "reshaped, +768 parameters"),
        ("b", Verdict.CHANGED, "retyped"),
        ("gone", Verdict.REMOVED, ""),
        ("new", Verdict.ADDED, ""),
    ]
    assert [cell.value for cell in found.rows[0].cells] == ["F32 [2,768]", "F32 [3,768]"]
    assert found.note == "v1: 1,542 parameters; v2: 2,314 parameters (+772)"


def test_a_file_whose_tensors_cannot_be_read_is_a_note() -> None:
    def headers(version: Version) -> list[Tensor]:
        if version.name == "v2":
            raise BadFormat("model.safetensors ends too early")
        return [Tensor("w", "F32", (2,))]

    found = section(compare([VERSION, make("v2")], facets=[Facet.TENSORS], tensors=headers), Facet.TENSORS)
    assert found.changed == 0
    assert found.note == "v1: 2 parameters; v2: no tensors can be read; v2: model.safetensors ends too early"


def test_without_a_reader_tensors_are_said_not_to_be_read() -> None:
    assert section(compare([VERSION, make("v2")]), Facet.TENSORS).note == "not read"


def test_tags_are_compared_by_key() -> None:
    found = rows(Facet.TAGS, make(tags=(Tag("a", "1"), Tag("b"))), make("v2", tags=(Tag("a", "2"), Tag("c", ""))))
    assert {name: last(row).verdict for name, row in found.items()} == {
        "a": Verdict.CHANGED,
        "b": Verdict.REMOVED,
        "c": Verdict.ADDED,
    }
