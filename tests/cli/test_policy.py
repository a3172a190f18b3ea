"""`lineal policy`: a first policy out of what is there, its sentences, and its own tests."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import tomlkit

from lineal.model.text import UNSAFE
from lineal.policy.rules import Policy, parse
from tests.cli.conftest import Lab

GATE = """
[[gate]]
alias = "prod"
models = "churn"
registries = "mlflow"
approvals = 1

[[gate.metric]]
name = "auc"
goal = "max"
min = 0.93
no_worse = true
"""
CASES = """
[[case]]
name = "a better one passes"
alias = "prod"
model = "churn"
registry = "mlflow"
metrics = { auc = 0.95 }
incumbent = { metrics = { auc = 0.94 } }
approvals = ["mira"]
expect = "pass"

[[case]]
name = "a worse one is stopped"
alias = "prod"
model = "churn"
registry = "mlflow"
metrics = { auc = 0.935 }
incumbent = { metrics = { auc = 0.94 } }
approvals = ["mira"]
expect = "fail"
failing = ["metric.auc"]
"""


def written(lab: Lab) -> Policy:
    """Read the policy that stands in lineal.toml."""
    return parse(tomllib.loads((lab.folder / "lineal.toml").read_text()))


def add(lab: Lab, text: str) -> None:
    """Write something at the end of lineal.toml."""
    with (lab.folder / "lineal.toml").open("a") as file:
        file.write(text)


def without_policy(lab: Lab) -> str:
    """Take the policy out of lineal.toml, and return what is left."""
    file = lab.folder / "lineal.toml"
    document = tomlkit.parse(file.read_text())
    for key in ("policy", "gate", "on"):
        document.pop(key, None)
    file.write_text(tomlkit.dumps(document))
    return file.read_text()


def test_a_first_policy_is_made_of_the_aliases_and_metrics_that_are_there(copy: Lab) -> None:
    before = without_policy(copy)
    said = copy.run("policy", "init")
    assert said.code == 0, said.err
    assert said.out == ""
    assert (copy.folder / "lineal.toml").read_text().startswith(before.rstrip())
    gate, *measured = written(copy).gates
    known = copy.json("ls")
    assert gate.name in {alias for item in known for alias in item["aliases"]}
    assert measured
    for one in measured:
        held = [item for item in known if gate.name in item["aliases"] and item["model"] == one.models[0]]
        assert held
        assert one.metrics
        assert all({rule.name for rule in one.metrics} <= set(item["metrics"]) for item in held)
    assert f"gate {gate.name}" in said.err
    assert all(f"metric.{rule.name}: " in said.err for one in measured for rule in one.metrics)
    assert copy.run("ls").code == 0


def test_where_nothing_is_there_yet_a_policy_is_written_all_the_same(small: Lab) -> None:
    said = small.run("policy", "init")
    assert said.code == 0, said.err
    assert [gate.name for gate in written(small).gates] == ["prod"]


def test_a_gate_is_never_written_over(small: Lab) -> None:
    add(small, GATE)
    before = (small.folder / "lineal.toml").read_bytes()
    said = small.run("policy", "init")
    assert (said.code, said.out) == (5, "")
    assert "has gates already" in said.err
    assert (small.folder / "lineal.toml").read_bytes() == before


def test_what_was_said_of_names_and_owners_stays(small: Lab) -> None:
    add(small, "# ours\n[policy]\nowner = 'team'  # not owner\n[metrics]\nauc = 'max'")
    said = small.run("policy", "init")
    assert said.code == 0, said.err
    text = (small.folder / "lineal.toml").read_text()
    assert "# ours\n" in text
    assert "owner = 'team'  # not owner" in text
    assert written(small).owner == "team"
    assert len(written(small).gates) == 1


def test_every_key_can_be_shown_without_writing_anything(small: Lab) -> None:
    text = small.ok("policy", "init", "--show")
    assert "[[gate.command]]" in text
    assert parse(tomllib.loads(text)).gates
    assert not (small.folder / "lineal.toml").exists()


@pytest.mark.parametrize("words", [("init",), ("explain",), ("test", "cases.toml")])
def test_a_policy_that_cannot_be_read_is_said_with_its_mistake(small: Lab, words: tuple[str, ...]) -> None:
    add(small, "[[gate]]\nalias = 'prod'\naprovals = 1\n")
    (small.folder / "cases.toml").write_text(CASES)
    before = (small.folder / "lineal.toml").read_bytes()
    said = small.run("policy", *words)
    assert (said.code, said.out) == ((5, "") if words == ("init",) else (2, ""))
    assert words == ("init",) or "did you mean `approvals`?" in said.err
    assert (small.folder / "lineal.toml").read_bytes() == before


def test_the_policy_is_explained_for_a_model_and_an_alias(small: Lab) -> None:
    add(small, GATE)
    assert small.ok("policy", "explain", "mlflow:churn", "--alias", "prod").splitlines() == [
        "gate prod:",
        "  metric.auc: auc ≥ 0.93, no worse than prod (more is better)",
        "  approvals: 1 approval by anybody but the author",
    ]
    assert "no gate stands before prod of fraud" in small.ok("policy", "explain", "fraud", "--alias", "prod")
    assert "no gate stands" in small.ok("policy", "explain", "gto:churn")
    assert "gate prod of churn in mlflow:" in small.ok("policy", "explain")
    assert small.run("policy", "explain", "churn@v1").code == 2


def test_the_policy_is_explained_in_every_format(small: Lab) -> None:
    add(small, GATE)
    item = small.json("policy", "explain")
    assert list(item) == ["digest", "commands_digest", "lines", "policy"]
    assert item["digest"] == written(small).digest
    assert parse(item["policy"]) == written(small)
    assert small.ok("policy", "explain", "--format", "csv").splitlines()[0] == "rule"
    assert small.ok("policy", "explain", "--format", "md").splitlines()[0] == "| rule |"


def test_without_a_policy_it_is_said_that_nothing_is_asked(small: Lab) -> None:
    assert small.ok("policy", "explain").startswith("there is no policy: nothing is asked")


def test_cases_are_tried_and_one_that_differs_fails(small: Lab) -> None:
    add(small, GATE)
    (small.folder / "cases.toml").write_text(CASES)
    said = small.run("policy", "test", "cases.toml")
    assert said.code == 0, said.err
    assert said.out.splitlines()[1].split() == ["a", "better", "one", "passes", "pass", "pass"]
    assert "2 of 2 cases as expected" in said.err
    (small.folder / "lineal.toml").write_text(GATE.replace("no_worse = true", ""))
    said = small.run("policy", "test", "cases.toml")
    assert said.code == 1
    assert "a worse one is stopped: expected fail, but metric.auc did not fail" in said.err
    assert "1 of 2 cases as expected" in said.err


def test_cases_are_tried_as_json(small: Lab) -> None:
    add(small, GATE)
    (small.folder / "cases.toml").write_text(CASES)
    items = small.json("policy", "test", "cases.toml")
    assert [(item["name"], item["got"], item["as_expected"]) for item in items] == [
        ("a better one passes", "pass", True),
        ("a worse one is stopped", "fail", True),
    ]
    assert items[1]["checks"][0]["id"] == "metric.auc"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        (b"[[case]\n", "is not TOML"),
        (b"\xff", "is not TOML"),
        (b"a = " + b"9" * 5000, "is not TOML"),
        (b"a = " + b"[" * 100_000, "is not TOML"),
        (b"#" * (2 << 20), "larger than 1 MiB"),
        (b"", "has no [[case]]"),
        (b"[[case]]\nname = 'x'\nalias = 'prod'\nexpect = 'pass'\nmetrix = {}", "did you mean `metrics`?"),
    ],
)
def test_a_file_that_holds_no_cases_is_a_clear_mistake(small: Lab, content: bytes | None, words: str) -> None:
    if content is not None:
        (small.folder / "cases.toml").write_bytes(content)
    said = small.run("policy", "test", "cases.toml")
    assert (said.code, said.out) == (2, "")
    assert words in said.err


def test_no_text_of_a_policy_acts_on_the_terminal(small: Lab, tmp_path: Path) -> None:
    evil = "p\\u001b[2J\\u202Erod"
    add(small, f'[[gate]]\nalias = "{evil}"\nafter = "{evil}x"\n')
    (small.folder / "cases.toml").write_text(f'[[case]]\nname = "{evil}"\nalias = "{evil}"\nexpect = "pass"\n')
    for words in (("explain",), ("explain", "--format", "json"), ("test", "cases.toml")):
        said = small.run("policy", *words)
        assert not [found for found in UNSAFE.findall(said.out + said.err) if found != "\n"]
