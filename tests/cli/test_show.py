"""`lineal show`: everything that is known of one version."""

from __future__ import annotations

import csv
import io
from itertools import pairwise

import pytest

from tests.cli.conftest import Lab

CHAMPION = "mlflow:fraud-scorer@champion"
LISTED = ["reference", "registry", "model", "version", "id", "kind", "state", "created", "author", "message",
          "aliases", "params", "metrics", "tags"]  # fmt: skip
FULL = ["environment", "datasets", "code", "run", "files", "card"]


def test_json_is_the_item_of_the_list_and_what_a_list_leaves_out(lab: Lab) -> None:
    shown = lab.json("show", CHAMPION)
    (item,) = lab.json("ls", "registry:mlflow model:fraud-scorer alias:champion")
    assert list(shown) == [*LISTED, *FULL]
    assert {key: shown[key] for key in LISTED if key != "metrics"} == {
        key: item[key] for key in LISTED if key != "metrics"
    }
    assert {metric["name"]: metric["value"] for metric in shown["metrics"]} == item["metrics"]


def test_files_data_and_code_are_told_with_hashes(lab: Lab) -> None:
    shown = lab.json("show", CHAMPION)
    weights = next(file for file in shown["files"] if file["path"] == "model.safetensors")
    assert weights["size"] > 1000
    assert weights["digest"]["algorithm"] == "sha256"
    assert {dataset["role"] for dataset in shown["datasets"]} == {"training", "validation"}
    assert len(shown["code"]["commit"]) == 40
    assert shown["run"]["status"] == "FINISHED"


def test_tensors_are_read_where_they_are_asked_for_and_only_there(lab: Lab) -> None:
    assert "tensors" not in lab.json("show", CHAMPION)
    tensors = lab.json("show", CHAMPION, "--tensors")["tensors"]
    assert {"name": "encoder.0.weight", "dtype": "float32", "shape": [96, 32], "file": "model.safetensors"} in tensors
    assert "encoder.0.weight  float32 [96, 32]" in lab.ok("show", CHAMPION, "--tensors")


def test_the_page_has_every_facet_under_its_head(lab: Lab) -> None:
    lines = lab.ok("show", CHAMPION).splitlines()
    assert lines[0] == "version  mlflow:fraud-scorer@v8"
    heads = [line for before, line in pairwise(lines) if not before]
    assert heads == ["metrics", "params", "environment", "data", "files"]


def test_a_card_is_shown_with_its_lines(lab: Lab) -> None:
    shown = lab.json("show", "hub:fraud-lab/fraud-scorer@v2.2.0")
    page = lab.ok("show", "hub:fraud-lab/fraud-scorer@v2.2.0")
    assert shown["card"].count("\n") >= 2
    assert all(line in page for line in shown["card"].splitlines())


@pytest.mark.parametrize("form", ["csv", "md"])
def test_csv_and_markdown_have_a_line_for_each_fact(lab: Lab, form: str) -> None:
    lines = lab.ok("show", CHAMPION, "--format", form).splitlines()
    shown = lab.json("show", CHAMPION)
    facts = sum(len(shown[name]) for name in ("metrics", "params", "datasets", "files"))
    assert len(lines) > facts + len(shown["environment"]["packages"])


def test_csv_holds_values_in_full(lab: Lab) -> None:
    rows = list(csv.DictReader(io.StringIO(lab.ok("show", CHAMPION, "--format", "csv"))))
    shown = lab.json("show", CHAMPION)
    found = {row["name"]: float(row["value"]) for row in rows if row["facet"] == "metrics"}
    assert found == {metric["name"]: metric["value"] for metric in shown["metrics"]}


@pytest.mark.parametrize(
    "reference",
    ["mlflow:fraud-scorer@v8", "mlflow:fraud-scorer@alias:champion", "mlflow:fraud-scorer@v:v8",
     "fraud-scorer@champion", "mlflow:fraud-scorer@id:8"],
)  # fmt: skip
def test_every_form_of_reference_finds_the_same_version(lab: Lab, reference: str) -> None:
    assert lab.json("show", reference)["reference"] == "mlflow:fraud-scorer@v8"


def test_latest_and_no_selector_are_the_newest(lab: Lab) -> None:
    newest = lab.json("ls", "registry:mlflow model:fraud-scorer", "--limit", "1")[0]["reference"]
    assert lab.json("show", "fraud-scorer")["reference"] == newest
    assert lab.json("show", "fraud-scorer@latest")["reference"] == newest


def test_what_an_alias_pointed_at_before_is_found(lab: Lab) -> None:
    now, before = lab.json("show", "risk-models:fraud@prod"), lab.json("show", "risk-models:fraud@prod~1")
    assert now["version"] != before["version"]


def test_six_characters_of_an_id_are_enough(lab: Lab) -> None:
    item = lab.json("ls", "registry:hub model:*xl")[0]
    assert lab.json("show", f"{item['model']}@{item['id'][:6]}")["id"] == item["id"]
