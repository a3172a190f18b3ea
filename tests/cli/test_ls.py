"""`lineal ls`: the list of versions in every format, filtered, sorted and cut where that was asked for."""

from __future__ import annotations

import csv
import io

import pytest

from tests.cli.conftest import Lab

ITEM: dict[str, type | tuple[type, ...]] = {
    "reference": str,
    "registry": str,
    "model": str,
    "version": str,
    "id": str,
    "kind": str,
    "state": str,
    "created": (str, type(None)),
    "author": str,
    "message": str,
    "aliases": list,
    "params": dict,
    "metrics": dict,
    "tags": dict,
}
HEADS = ["registry", "model", "version", "aliases", "loss", "auc", "average_precision", "author", "created"]
CHAMPION = "mlflow:fraud-scorer@v8"


def references(lab: Lab, *words: str) -> list[str]:
    """Return the references that `ls` lists, in its order."""
    return [item["reference"] for item in lab.json("ls", *words)]


def test_json_is_a_flat_list_with_exactly_the_documented_keys(lab: Lab) -> None:
    items = lab.json("ls")
    assert len(items) == 57
    for item in items:
        assert list(item) == list(ITEM)
        assert all(isinstance(item[key], kind) for key, kind in ITEM.items())


def test_every_reference_in_the_list_names_its_own_version(lab: Lab) -> None:
    for item in lab.json("ls"):
        shown = lab.json("show", item["reference"])
        assert (shown["registry"], shown["model"], shown["id"]) == (item["registry"], item["model"], item["id"])


def test_one_version_holds_what_the_demo_gave_it(lab: Lab) -> None:
    (item,) = lab.json("ls", "registry:mlflow", "model:fraud-scorer", "alias:champion")
    assert item["reference"] == CHAMPION
    assert item["version"] == "v8"
    assert item["kind"] == "registered"
    assert item["aliases"] == ["champion"]
    assert item["params"]["loss"] == "focal"
    assert item["metrics"]["auc"] == pytest.approx(0.92, abs=0.02)
    assert item["tags"]["validation"] == "passed"
    assert item["created"].endswith("Z")


@pytest.mark.parametrize("form", ["table", "csv", "md"])
def test_every_format_has_a_line_for_each_version(lab: Lab, form: str) -> None:
    lines = lab.ok("ls", "--format", form).splitlines()
    assert len(lines) == 57 + (2 if form == "md" else 1)
    assert all(len(line) == len(line.rstrip()) for line in lines)


def test_a_table_is_the_format_where_none_is_asked_for(lab: Lab) -> None:
    assert lab.ok("ls") == lab.ok("ls", "--format", "table")
    assert lab.ok("ls").splitlines()[0].split() == [head.upper() for head in HEADS]


def test_csv_holds_numbers_in_full(lab: Lab) -> None:
    rows = list(csv.DictReader(io.StringIO(lab.ok("ls", "model:fraud-scorer", "alias:champion", "--format", "csv"))))
    (item,) = lab.json("ls", "model:fraud-scorer", "alias:champion")
    assert float(rows[0]["auc"]) == item["metrics"]["auc"]


def test_words_of_a_query_may_come_as_one_argument_or_several(lab: Lab) -> None:
    assert references(lab, "model:fraud-scorer metric.auc>=0.92") == references(
        lab, "model:fraud-scorer", "metric.auc>=0.92"
    )


def test_a_query_holds_for_all_that_is_listed_and_nothing_else_matches(lab: Lab) -> None:
    everything = lab.json("ls")
    wanted = {item["reference"] for item in everything if item["metrics"].get("auc", 0) >= 0.92}
    assert set(references(lab, "metric.auc>=0.92")) == wanted
    assert 0 < len(wanted) < len(everything)


def test_negation_groups_and_wildcards(lab: Lab) -> None:
    models = {
        (item["registry"], item["model"]) for item in lab.json("ls", "(model:churn | model:fraud-*) -registry:hub")
    }
    assert models == {("risk-models", "churn"), ("risk-models", "fraud-q8"), ("mlflow", "fraud-scorer"),
                      ("mlflow", "fraud-scorer-edge"), ("runs", "fraud-scorer-2.3.0")}  # fmt: skip


@pytest.mark.parametrize(("sort", "down"), [("metric.auc", True), ("-metric.auc", False)])
def test_sorting_by_a_metric_puts_what_lacks_it_last(lab: Lab, sort: str, down: bool) -> None:
    values = [item["metrics"].get("auc") for item in lab.json("ls", "--sort", sort)]
    known = [value for value in values if value is not None]
    assert known == sorted(known, reverse=down)
    assert values == [*known, *([None] * (len(values) - len(known)))]


def test_the_newest_come_first_where_no_order_is_asked_for(lab: Lab) -> None:
    created = [item["created"] for item in lab.json("ls")]
    assert created == sorted(created, reverse=True)


def test_a_limit_keeps_the_first(lab: Lab) -> None:
    assert references(lab, "--limit", "5") == references(lab)[:5]
    assert len(lab.ok("ls", "--limit", "5").splitlines()) == 6


def test_columns_are_those_asked_for_in_that_order(lab: Lab) -> None:
    said = lab.ok("ls", "model:fraud-scorer", "alias:champion", "--format", "csv", "--columns",
                  "param.lr,metric.loss,tag.validation,env.torch,env.python,kind,id,number")  # fmt: skip
    (row,) = csv.DictReader(io.StringIO(said))
    shown = lab.json("show", CHAMPION)
    torch = next(package["version"] for package in shown["environment"]["packages"] if package["name"] == "torch")
    loss = next(metric["value"] for metric in shown["metrics"] if metric["name"] == "loss")
    assert list(row)[4:-2] == ["param.lr", "loss", "tag.validation", "env.torch", "env.python", "kind", "id", "number"]
    python = shown["environment"]["python"]
    values = [repr(shown["params"]["lr"]), repr(loss), "passed", torch, python, "registered", "8", "8"]
    assert list(row.values())[4:-2] == values


def test_a_column_that_does_not_exist_is_refused_with_those_that_do(lab: Lab) -> None:
    said = lab.run("ls", "--columns", "colour")
    assert said.code == 2
    assert said.out == ""
    assert "'colour' is no column" in said.err
    assert "metric.X" in said.err


def test_models_are_counted(lab: Lab) -> None:
    models = lab.json("ls", "--models")
    assert {"registry", "model", "versions", "newest_at", "description"} == set(models[0])
    assert sum(model["versions"] for model in models) == 57
    counted = {(m["registry"], m["model"]): m["versions"] for m in lab.json("ls", "--models", "alias:champion")}
    assert counted == {("mlflow", "fraud-scorer"): 1, ("mlflow", "fraud-scorer-edge"): 1}


@pytest.mark.parametrize("form", ["table", "csv", "md"])
def test_models_are_listed_in_every_format(lab: Lab, form: str) -> None:
    assert len(lab.ok("ls", "--models", "--format", form).splitlines()) == 17 + (2 if form == "md" else 1)


def test_nothing_that_matches_is_no_error(lab: Lab) -> None:
    assert lab.json("ls", "model:no-such-model") == []
    assert len(lab.ok("ls", "model:no-such-model").splitlines()) == 1


@pytest.mark.parametrize(
    ("query", "word"), [("metric.auc>>1", ">>"), ("model:churn colour:red", "colour"), ("(model:churn", "("),
                        ("created:<7x model:a", "7x"), ("a | | b", "|")]
)  # fmt: skip
def test_an_error_in_a_query_underlines_the_word_on_stderr(lab: Lab, query: str, word: str) -> None:
    said = lab.run("ls", query)
    assert said.code == 2
    assert said.out == ""
    _, shown, marks, *hint = said.err.splitlines()
    assert shown == f"  {query}"
    assert word in shown[marks.index("^") : marks.rindex("^") + 1]
    assert len(set(marks.strip())) == 1
    assert hint
    assert hint[0].startswith("hint: ")


def test_an_unknown_field_to_sort_by_is_an_error(lab: Lab) -> None:
    said = lab.run("ls", "--sort", "colour")
    assert said.code == 2
    assert "colour" in said.err
    assert said.out == ""
