"""`lineal lineage`: trees, paths and common ancestors across registries, in every format."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Lab

CHAMPION, BASE = "mlflow:fraud-scorer@champion", "hub:fraud-lab/tabular-base"


def test_json_is_a_graph_around_the_start(lab: Lab) -> None:
    tree = lab.json("lineage", CHAMPION)
    assert set(tree) == {"members", "links", "start", "cut"}
    assert tree["members"][tree["start"]]["node"] == {
        "kind": "version", "registry": "mlflow", "name": "fraud-scorer", "key": "8",
    }  # fmt: skip
    assert {member["node"]["registry"] for member in tree["members"]} == {"", "mlflow", "hub", "runs", "risk-models"}
    assert {link["confidence"] for link in tree["links"]} == {"proved", "declared", "inferred"}
    assert all(0 <= link[end] < len(tree["members"]) for link in tree["links"] for end in ("parent", "child"))


def test_versions_in_json_are_items_of_the_list(lab: Lab) -> None:
    """No number that is private to one index gets out: a rebuild gives the same JSON."""
    listed = {item["reference"]: item for item in lab.json("ls")}
    members = lab.json("lineage", CHAMPION)["members"]
    assert all(listed[member["version"]["reference"]] == member["version"] for member in members if member["version"])


def test_the_tree_marks_where_it_started_and_shows_how_each_is_known(lab: Lab) -> None:
    lines = lab.ok("lineage", CHAMPION).splitlines()
    (start,) = [line for line in lines if line.endswith("◂")]
    assert "copied (proved) ── mlflow:fraud-scorer@v8  [champion]" in start
    assert any("trained_on (declared) ── data" in line for line in lines)


def test_generations_are_as_many_as_asked_for(lab: Lab) -> None:
    tree = lab.json("lineage", CHAMPION, "--up", "1", "--down", "0")
    assert {member["generation"] for member in tree["members"]} == {0, -1}
    assert {
        member["generation"] for member in lab.json("lineage", CHAMPION, "--up", "0", "--down", "1")["members"]
    } == {
        0,
        1,
    }


def test_a_limit_that_cuts_is_said(lab: Lab) -> None:
    assert lab.json("lineage", CHAMPION, "--limit", "3")["cut"] is True
    assert "there is more" in lab.ok("lineage", CHAMPION, "--limit", "3")


def test_long_chains_are_folded_until_asked_for(lab: Lab) -> None:
    folded, full = lab.ok("lineage", CHAMPION), lab.ok("lineage", CHAMPION, "--unfold")
    assert "versions folded" in folded
    assert "folded" not in full
    assert len(full.splitlines()) > len(folded.splitlines())


def test_the_path_between_two_crosses_registries(lab: Lab) -> None:
    lines = lab.ok("lineage", CHAMPION, "--to", BASE).splitlines()
    assert lines[0].startswith("mlflow:fraud-scorer@v8")
    assert lines[-1].strip().startswith("came from (finetuned, declared) hub:fraud-lab/tabular-base@")
    path = lab.json("lineage", CHAMPION, "--to", BASE)
    assert len(path["members"]) == len(path["links"]) + 1 == len(lines)


def test_what_two_have_in_common(lab: Lab) -> None:
    common = lab.json("lineage", "mlflow:fraud-scorer@v6", "--common", "mlflow:fraud-scorer@v5")
    (nearest, *_) = common["ancestors"]
    assert nearest["member"]["version"]["reference"] == "risk-models:fraud@v2.0.0"
    assert (nearest["left"], nearest["right"]) == (2, 1)
    table = lab.ok("lineage", "mlflow:fraud-scorer@v6", "--common", "mlflow:fraud-scorer@v5").splitlines()
    assert table[0].startswith("COMMON")
    assert len(table) == 1 + len(common["ancestors"]) + len(common["inputs"])


@pytest.mark.parametrize("form", ["csv", "md"])
@pytest.mark.parametrize("question", [(), ("--to", BASE), ("--common", "mlflow:fraud-scorer@v5")])
def test_edges_are_lines_in_csv_and_markdown(lab: Lab, form: str, question: tuple[str, ...]) -> None:
    found = lab.json("lineage", CHAMPION, *question)
    count = len(found["links"]) if "links" in found else len(found["ancestors"]) + len(found["inputs"])
    assert len(lab.ok("lineage", CHAMPION, *question, "--format", form).splitlines()) == count + (
        2 if form == "md" else 1
    )


def test_two_that_are_not_related_have_no_path(lab: Lab) -> None:
    said = lab.run("lineage", BASE, "--to", "runs:outputs/2026-09-20/13-33-20", "--limit", "1")
    assert said.code == 4
    assert said.out == ""


def test_two_questions_at_once_are_refused(lab: Lab) -> None:
    said = lab.run("lineage", CHAMPION, "--to", BASE, "--common", BASE)
    assert (said.code, said.out) == (2, "")
    assert "one at a time" in said.err


def test_impact_counts_what_was_made_and_names_what_is_live(lab: Lab) -> None:
    found = lab.json("lineage", f"{BASE}@main", "--impact")
    assert set(found) == {"tree", "versions", "models", "live"}
    assert found["versions"] == sum(model["versions"] for model in found["models"])
    live = {found["tree"]["members"][at]["version"]["reference"] for at in found["live"]}
    assert "mlflow:fraud-scorer@v9" in live
    assert any("v9 [challenger]" in line for line in lab.ok("lineage", f"{BASE}@main", "--impact").splitlines())


def test_impact_of_what_nothing_was_made_from_is_empty(lab: Lab) -> None:
    assert lab.json("lineage", "risk-models:fraud-q8@wide-128", "--impact")["versions"] == 0


def test_the_graph_has_lanes_newest_first_with_data_as_nodes(lab: Lab) -> None:
    lines = lab.ok("lineage", CHAMPION, "--graph", "--unfold").splitlines()
    (start,) = [line for line in lines if "◉" in line]
    assert "mlflow:fraud-scorer@v8" in start
    before, after = (next(i for i, line in enumerate(lines) if name in line) for name in ("GGUF", "fraud@v2.1.0"))
    assert before < lines.index(start) < after
    assert any("◇" in line and "trained_on (declared) of" in line for line in lines)
    assert lab.json("lineage", CHAMPION, "--graph") == lab.json("lineage", CHAMPION)
