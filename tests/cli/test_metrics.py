"""`lineal metrics`: across versions and along training, as a table or a chart."""

from __future__ import annotations

import csv
import io
import json

import pytest

from tests.cli.conftest import Lab

CHAMPION = "mlflow:fraud-scorer@champion"
QUERY = "registry:mlflow model:fraud-scorer"


def test_json_has_the_same_metrics_for_every_version_oldest_first(lab: Lab) -> None:
    items = lab.json("metrics", QUERY)
    assert [item["reference"] for item in items] == [f"mlflow:fraud-scorer@v{number}" for number in range(1, 10)]
    assert len({tuple(item["metrics"]) for item in items}) == 1
    listed = {item["reference"]: item["metrics"] for item in lab.json("ls", QUERY)}
    for item in items:
        assert {name: value for name, value in item["metrics"].items() if value is not None} == listed[
            item["reference"]
        ]


def test_only_the_metrics_asked_for(lab: Lab) -> None:
    items = lab.json("metrics", QUERY, "--metric", "loss", "--metric", "auc")
    assert list(items[0]["metrics"]) == ["loss", "auc"]
    assert lab.ok("metrics", QUERY, "--metric", "loss").splitlines()[0].split() == ["VERSION", "LOSS", "MIN", "CREATED"]


@pytest.mark.parametrize("form", ["table", "csv", "md"])
def test_every_format_has_a_line_for_each_version(lab: Lab, form: str) -> None:
    assert len(lab.ok("metrics", QUERY, "--format", form).splitlines()) == 9 + (2 if form == "md" else 1)


def test_versions_may_be_named_one_by_one(lab: Lab) -> None:
    items = lab.json("metrics", "-v", CHAMPION, "-v", "mlflow:fraud-scorer@v5")
    assert [item["reference"] for item in items] == ["mlflow:fraud-scorer@v8", "mlflow:fraud-scorer@v5"]


def test_steps_are_those_of_training(lab: Lab) -> None:
    (item,) = lab.json("metrics", "-v", CHAMPION, "--steps", "--metric", "train_loss")
    series = item["series"]
    assert series["metric"] == "train_loss"
    assert series["steps"] == sorted(series["steps"])
    assert len(series["steps"]) == len(series["values"]) > 20
    rows = list(csv.DictReader(io.StringIO(
        lab.ok("metrics", "-v", CHAMPION, "--steps", "--metric", "train_loss", "--format", "csv"))))  # fmt: skip
    assert [float(row["value"]) for row in rows] == series["values"]
    assert list(rows[0]) == ["version", "metric", "step", "value", "time"]


@pytest.mark.parametrize("words", [("--metric", "auc", QUERY), ("-v", CHAMPION, "--steps", "--metric", "train_loss")])
def test_a_chart_in_a_pipe_has_no_colour_and_the_size_asked_for(lab: Lab, words: tuple[str, ...]) -> None:
    drawn = lab.ok("metrics", *words, "--chart", "--width", "60", "--height", "12")
    assert "\x1b" not in drawn
    lines = drawn.splitlines()
    assert max(map(len, lines)) == 60
    assert 10 <= len(lines) <= 14


def test_a_chart_on_a_terminal_has_colour_unless_the_environment_refuses_it(lab: Lab) -> None:
    words = ("metrics", QUERY, "--metric", "auc", "--chart")
    code, coloured = lab.run_pty(*words)
    assert code == 0
    assert b"\x1b[" in coloured
    code, plain = lab.run_pty(*words, NO_COLOR="1")
    assert code == 0
    assert b"\x1b" not in plain


def test_a_metric_that_no_version_has_is_not_found_and_close_ones_are_named(lab: Lab) -> None:
    said = lab.run("metrics", QUERY, "--metric", "acu")
    assert (said.code, said.out) == (4, "")
    assert "auc" in said.err


def test_nothing_that_matches_is_not_found(lab: Lab) -> None:
    assert lab.run("metrics", "model:no-such-model").code == 4


def test_steps_need_versions(lab: Lab) -> None:
    said = lab.run("metrics", QUERY, "--steps")
    assert (said.code, said.out) == (2, "")


def test_a_version_without_steps_says_so(lab: Lab) -> None:
    said = lab.run("metrics", "-v", "hub:fraud-lab/tabular-base", "--steps")
    assert (said.code, said.out) == (4, "")
    assert "no steps were kept" in said.err


def test_json_of_steps_is_one_list(lab: Lab) -> None:
    assert isinstance(json.loads(lab.ok("metrics", "-v", CHAMPION, "--steps", "--format", "json")), list)


def test_a_chart_runs_along_a_parameter_and_says_what_it_leaves_out(lab: Lab) -> None:
    drawn = lab.ok("metrics", QUERY, "--metric", "auc", "--chart", "--x", "lr", "--log", "x", "--width", "70")
    assert "auc" in drawn.splitlines()[0]
    assert lab.run("metrics", QUERY, "--metric", "auc", "--chart", "--x", "nothing-of-it").code == 4
    assert "ρ" in lab.ok("metrics", QUERY, "--metric", "auc", "--chart", "--parallel")


def test_options_of_a_chart_that_do_not_go_together_are_refused_with_a_hint(lab: Lab) -> None:
    for words in (("--smooth", "0.9"), ("--chart", "--parallel", "--x", "time")):
        said = lab.run("metrics", QUERY, "--metric", "auc", *words)
        assert (said.code, "hint: " in said.err) == (2, True)
