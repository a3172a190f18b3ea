"""`lineal diff`: versions side by side, in every format, and as a gate in CI."""

from __future__ import annotations

import csv
import io

import pytest

from lineal.model.diff import Facet
from tests.cli.conftest import Lab

OLD, NEW, NEXT = (f"mlflow:fraud-scorer@v{number}" for number in (5, 6, 7))


def test_json_has_a_section_for_each_facet_with_a_cell_for_each_version(lab: Lab) -> None:
    found = lab.json("diff", OLD, NEW, NEXT)
    assert list(found) == ["versions", "names", "baseline", "sections"]
    assert found["versions"] == [OLD, NEW, NEXT]
    assert [section["facet"] for section in found["sections"]] == [facet.value for facet in Facet]
    for section in found["sections"]:
        assert all(len(row["cells"]) == 3 for row in section["rows"])


def test_only_what_changed_is_shown_until_all_is_asked_for(lab: Lab) -> None:
    changed, everything = lab.json("diff", OLD, NEW), lab.json("diff", OLD, NEW, "--all")
    assert all(row["changed"] for section in changed["sections"] for row in section["rows"])
    for few, many in zip(changed["sections"], everything["sections"], strict=True):
        assert (few["changed"], few["total"]) == (many["changed"], many["total"])
        assert len(few["rows"]) <= len(many["rows"])
    params = next(section for section in everything["sections"] if section["facet"] == "params")
    assert len(params["rows"]) == params["total"] > params["changed"] > 0


def test_better_and_worse_follow_the_goal_and_say_who_stated_it(lab: Lab) -> None:
    (section,) = lab.json("diff", OLD, NEW, "--facet", "metrics")["sections"]
    rows = {row["name"]: row for row in section["rows"]}
    assert (rows["auc"]["goal"], rows["auc"]["goal_source"]) == ("max", "lineal.toml")
    assert rows["auc"]["cells"][1]["verdict"] == "worse"
    assert rows["loss"]["cells"][1]["verdict"] == "worse"
    assert rows["loss"]["cells"][1]["delta"] > 0
    page = lab.ok("diff", OLD, NEW, "--facet", "metrics")
    assert next(line for line in page.splitlines() if line.split()[:1] == ["auc"]).count("▼") == 1


def test_a_baseline_may_be_any_of_the_versions(lab: Lab) -> None:
    found = lab.json("diff", OLD, NEW, NEXT, "--baseline", "3", "--facet", "metrics")
    assert found["baseline"] == 2
    assert all(row["cells"][2]["verdict"] == "base" for row in found["sections"][0]["rows"])
    assert lab.ok("diff", OLD, NEW, NEXT, "--baseline", "3").splitlines()[0].split() == ["v5", "v6", "v7", "◂"]


def test_facets_are_only_those_asked_for(lab: Lab) -> None:
    found = lab.json("diff", OLD, NEW, "--facet", "params", "--facet", "tags")
    assert [section["facet"] for section in found["sections"]] == ["params", "tags"]


@pytest.mark.parametrize("form", ["csv", "md"])
def test_csv_and_markdown_have_a_line_for_each_changed_row(lab: Lab, form: str) -> None:
    changed = sum(section["changed"] for section in lab.json("diff", OLD, NEW)["sections"])
    lines = lab.ok("diff", OLD, NEW, "--format", form).splitlines()
    assert len(lines) == changed + (2 if form == "md" else 1)


def test_csv_names_the_versions_in_its_head(lab: Lab) -> None:
    rows = list(csv.reader(io.StringIO(lab.ok("diff", OLD, NEW, "--format", "csv"))))
    assert rows[0] == ["facet", "name", "v5", "v6", "note"]


def test_exit_code_tells_a_difference_where_it_is_asked_to(lab: Lab) -> None:
    assert lab.run("diff", OLD, NEW).code == 0
    assert lab.run("diff", OLD, NEW, "--exit-code").code == 1
    assert lab.run("diff", OLD, OLD, "--exit-code").code == 0
    assert lab.run("diff", OLD, NEW, "--exit-code", "--facet", "tensors").code == 0


def test_the_same_version_twice_has_no_differences(lab: Lab) -> None:
    assert "no differences" in lab.ok("diff", OLD, OLD)


def test_the_code_itself_is_shown_where_it_is_at_hand_and_asked_for(lab: Lab) -> None:
    old, new = "risk-models:fraud@v2.0.0", "risk-models:fraud@v2.1.0"
    plain, patched = lab.ok("diff", old, new), lab.ok("diff", old, new, "--patch")
    assert "+++ b/params.yaml" in patched
    assert "+++ b/params.yaml" not in plain


def test_the_same_bytes_under_another_name_in_another_registry_are_told_as_such(lab: Lab) -> None:
    found = lab.json("diff", "mlflow:fraud-scorer@champion", "risk-models:fraud@prod", "--facet", "files")
    rows = {row["name"]: row["cells"] for row in found["sections"][0]["rows"]}
    assert rows["model.safetensors"][1]["note"].endswith(" now models/fraud.safetensors")
    assert rows["MLmodel"][1]["verdict"] == "removed"


@pytest.mark.parametrize(
    ("words", "said"), [((OLD,), "two versions"), ((OLD, NEW, "--baseline", "3"), "only 2 versions are named")]
)
def test_what_cannot_be_compared_is_a_usage_error(lab: Lab, words: tuple[str, ...], said: str) -> None:
    result = lab.run("diff", *words)
    assert (result.code, result.out) == (2, "")
    assert said in result.err


def test_a_text_file_of_two_versions_is_compared_line_by_line(lab: Lab) -> None:
    old, new = (f"runs:fraud-scorer-2.3.0@checkpoint-{step}" for step in (400, 600))
    said = lab.ok("diff", "--text", "trainer_state.json", old, new)
    assert said.splitlines()[:2] == ["--- a/trainer_state.json", "+++ b/trainer_state.json"]
    found = lab.json("diff", "--text", "trainer_state.json", old, new)
    assert found["text"].splitlines() == said.splitlines()
    assert lab.run("diff", "--text", "trainer_state.json", old, new, "--exit-code").code == 1
    assert lab.run("diff", "--text", "trainer_state.json", old, old, "--exit-code").code == 0
    refused = lab.run("diff", "--text", "model.safetensors", old, new)
    assert "model.safetensors is no text" in refused.err
    assert lab.run("diff", "--text", "nothing", old, new).code != 0
    assert lab.run("diff", "--text", "card", old).code == 2
