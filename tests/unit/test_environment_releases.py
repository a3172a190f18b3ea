"""How far apart two versions of a package are."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lineal.environment.releases import Distance, Step, distance, parse
from lineal.environment.severity import Fact, Trade, of_fact, of_package, of_variable, trade
from lineal.model.diff import Severity


@pytest.mark.parametrize(
    ("before", "after", "step"),
    [
        ("2.1.0", "2.1.0", Step.NONE),
        ("2.1", "2.1.0", Step.NONE),
        ("==2.1.0", "2.1.0", Step.NONE),
        ("v2.1", "2.1", Step.NONE),
        ("2.1.0", "3.0.0", Step.MAJOR),
        ("2", "2.0.1", Step.PATCH),
        ("2.0", "2.1", Step.MINOR),
        ("2.1.0", "2.1.1", Step.PATCH),
        ("2.1.0.1", "2.1.0.2", Step.PATCH),
        ("2.1.0rc1", "2.1.0", Step.STAGE),
        ("2.1.0", "2.1.0.post1", Step.STAGE),
        ("1!1.0", "2!1.0", Step.MAJOR),
        ("2.1.0+cu131", "2.1.0+cu132", Step.BUILD),
        ("2.1.0", "2.1.0+cpu", Step.BUILD),
        (">=2.1", "2.1", Step.OTHER),
        ("", "2.1", Step.OTHER),
        ("git+https://example.org/x", "2.1", Step.OTHER),
        ("9" * 500, "1", Step.OTHER),
    ],
)
def test_a_distance_is_the_first_place_that_differs(before: str, after: str, step: Step) -> None:
    assert distance(before, after).step is step
    assert distance(after, before).step is step


@pytest.mark.parametrize(
    "ordered",
    [
        ["1.0.dev1", "1.0a1", "1.0a2", "1.0b1", "1.0rc1", "1.0", "1.0.post1", "1.1", "1.10", "2.0", "1!0.1"],
        ["0.9", "0.10"],
    ],
)
def test_going_back_is_noticed_in_the_order_of_pep_440(ordered: list[str]) -> None:
    for earlier, later in pairwise(ordered):
        assert not distance(earlier, later).older
        assert distance(later, earlier).older


def test_a_change_of_the_build_is_seen_beside_a_change_of_the_release() -> None:
    assert distance("2.12.1+cu131", "2.13.0+cu132") == Distance(step=Step.MINOR, build=True)


def test_numbers_of_a_hostile_length_are_free_text() -> None:
    assert parse("1." * 10_000) is None
    assert parse("1" * 19) is None


@pytest.mark.parametrize(
    ("package", "kind"),
    [
        ("torch", Trade.ENGINE),
        ("nvidia-cudnn-cu13", Trade.ENGINE),
        ("transformers", Trade.LIBRARY),
        ("numpy", Trade.LIBRARY),
        ("rich", Trade.TOOLING),
        ("pytest-xdist", Trade.TOOLING),
        ("types-pyyaml", Trade.TOOLING),
        ("somebodys-features", Trade.OTHER),
    ],
)
def test_packages_are_known_by_what_they_are_for(package: str, kind: Trade) -> None:
    assert trade(package) is kind


@pytest.mark.parametrize(
    ("package", "before", "after", "rank"),
    [
        ("torch", "2.12.1+cu131", "2.13.0+cu132", Severity.HIGH),
        ("torch", "2.12.0", "2.12.1", Severity.MEDIUM),
        ("torch", "2.12.1+cu131", "2.12.1+cu132", Severity.HIGH),
        ("torch", "2.12.0+cu131", "2.12.1+cu132", Severity.HIGH),
        ("torch", "2.12.1", None, Severity.HIGH),
        ("transformers", "5.16.2", "5.17.0", Severity.MEDIUM),
        ("transformers", "4.57.0", "5.0.0", Severity.HIGH),
        ("tokenizers", "0.21.0", "0.22.0", Severity.HIGH),
        ("tokenizers", "0.21.0", "1.0.0", Severity.HIGH),
        ("somebodys-features", "1.0", "2.0", Severity.MEDIUM),
        ("somebodys-features", "0.1.0", "0.1.1", Severity.LOW),
        ("rich", "14.3.0", "15.0.0", Severity.NONE),
        ("pytest", None, "9.0", Severity.NONE),
    ],
)
def test_a_change_ranks_by_the_package_and_the_distance(
    package: str, before: str | None, after: str | None, rank: Severity
) -> None:
    assert of_package(package, before, after, distance(before or "", after or "")) is rank


def test_what_lies_below_the_packages_ranks_too() -> None:
    assert of_fact(Fact.GPUS, distance("1×A100", "1×H100")) is Severity.HIGH
    assert of_fact(Fact.CUDA, distance("12.8", "13.2")) is Severity.HIGH
    assert of_fact(Fact.PYTHON, distance("3.11.4", "3.12.0")) is Severity.MEDIUM
    assert of_fact(Fact.PYTHON, distance("3.11.4", "3.11.9")) is Severity.LOW
    assert of_fact(Fact.OS, distance("Debian 12", "Debian 13")) is Severity.LOW
    assert of_variable("CUBLAS_WORKSPACE_CONFIG") is Severity.HIGH
    assert of_variable("CUDA_VISIBLE_DEVICES") is Severity.MEDIUM
    assert of_variable("HF_HOME") is Severity.LOW
