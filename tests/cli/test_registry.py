"""`lineal registry`: what is found, named, and forgotten."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from tests.cli.conftest import Lab
from tests.sources.checkpoints import safetensors

KEYS = ["name", "kind", "url", "origin", "models", "versions", "problems", "synced", "error", "hint"]
KEYS += ["changes", "refusal"]


def project(lab: Lab) -> dict[str, Any]:
    """Return what lineal.toml says."""
    return tomllib.loads((lab.folder / "lineal.toml").read_text())


def names(lab: Lab) -> list[str]:
    """Return the names of the registries."""
    return [item["name"] for item in lab.json("registry", "ls")]


def test_json_has_exactly_the_documented_keys_and_counts(lab: Lab) -> None:
    items = lab.json("registry", "ls")
    assert all(list(item) == KEYS for item in items)
    assert {item["name"]: item["versions"] for item in items} == {"risk-models": 23, "mlflow": 17, "hub": 7, "runs": 10}
    assert all(item["origin"] == "project" and item["synced"] for item in items)


@pytest.mark.parametrize("form", ["table", "csv", "md"])
def test_every_format_has_a_line_for_each(lab: Lab, form: str) -> None:
    assert len(lab.ok("registry", "ls", "--format", form).splitlines()) == 4 + (2 if form == "md" else 1)


def test_what_lies_in_the_folder_is_found_and_never_synced_is_said(small: Lab) -> None:
    (item,) = small.json("registry", "ls")
    assert (item["kind"], item["origin"], item["synced"]) == ("checkpoints", "found", None)
    assert "never" in small.ok("registry", "ls")


def test_an_added_one_is_written_below_the_project_by_a_relative_path(small: Lab) -> None:
    safetensors(small.folder / "runs" / "loose" / "b.safetensors", {"x": b"1"})
    said = small.run("registry", "add", "runs/loose", "--name", "mine")
    assert said.code == 0, said.err
    assert said.out == ""
    assert "lineal sync mine" in said.err
    assert project(small)["registries"] == {"mine": {"kind": "checkpoints", "url": "runs/loose"}}
    small.ok("sync", "mine")
    assert len(small.json("ls", "registry:mine")) == 2


def test_a_server_is_named_after_its_host(small: Lab) -> None:
    assert small.run("registry", "add", "https://mlflow.example.com").code == 0
    assert project(small)["registries"]["mlflow-example-com"] == {"kind": "mlflow", "url": "https://mlflow.example.com"}


def test_a_comment_in_the_file_stays(small: Lab) -> None:
    (small.folder / "lineal.toml").write_text("# ours\n[metrics]\nauc = 'max'  # more is better\n")
    assert small.run("registry", "add", "runs/loose", "--name", "mine").code == 0
    assert "# ours\n" in (small.folder / "lineal.toml").read_text()
    assert "# more is better" in (small.folder / "lineal.toml").read_text()


def test_the_users_own_file_takes_one_too(small: Lab) -> None:
    assert small.run("registry", "add", "runs/loose", "--name", "mine", "--user").code == 0
    assert not (small.folder / "lineal.toml").exists()
    assert "mine" in (small.home / ".config" / "lineal" / "config.toml").read_text()
    assert {item["origin"] for item in small.json("registry", "ls") if item["name"] == "mine"} == {"user"}
    assert small.run("registry", "remove", "mine").code == 0
    assert "mine" not in names(small)


def test_a_removed_one_is_gone_from_the_file_and_the_list(small: Lab) -> None:
    small.run("registry", "add", "runs/loose", "--name", "mine")
    said = small.run("registry", "remove", "mine")
    assert (said.code, said.out) == (0, "")
    assert "mine" not in names(small)
    assert "mine" not in project(small).get("registries", {})


def test_a_found_one_is_ignored_from_then_on(small: Lab) -> None:
    (name,) = names(small)
    assert small.run("registry", "remove", name).code == 0
    assert project(small)["discovery"]["ignore"]
    assert names(small) == []
    assert small.json("ls") == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("add", "runs/loose", "--name", "Not A Name"), 2),
        (("add", "no/such/place"), 2),
        (("add", "runs/loose", "--kind", "excel"), 2),
        (("remove", "nobody"), 4),
    ],
)
def test_what_cannot_be_added_or_removed_is_said_and_nothing_is_written(
    small: Lab, words: tuple[str, ...], code: int
) -> None:
    said = small.run("registry", *words)
    assert said.code == code, said.err
    assert said.out == ""
    assert said.err.startswith("lineal: ")
    assert not (small.folder / "lineal.toml").exists()


def test_a_name_or_a_place_that_is_taken_is_a_conflict(small: Lab) -> None:
    small.run("registry", "add", "runs/loose", "--name", "mine")
    assert small.run("registry", "add", "runs/bert", "--name", "mine").code == 5
    assert small.run("registry", "add", "runs/loose", "--name", "other").code == 5
