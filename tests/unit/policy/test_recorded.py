"""What must be recorded of a version: metadata, code, files and environment."""

from __future__ import annotations

from typing import Any

import pytest

from lineal.model.plan import Outcome
from lineal.model.values import Tag
from lineal.model.version import Code, Dataset, Environment, Package
from tests.unit.policy.made import facts, gate, only, outcome, policy, version

PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN
COMMIT = "4f2a91c0" * 5


@pytest.mark.parametrize(
    ("word", "recorded", "reason"),
    [
        ("environment", {"environment": Environment(python="3.12.1")}, "Python 3.12.1"),
        ("environment", {"environment": Environment(packages=(Package("torch", "2.3"),))}, "1 packages"),
        ("environment", {"environment": Environment(image="ghcr.io/x@sha256:1")}, "ghcr.io/x@sha256:1"),
        ("data", {"datasets": (Dataset(name="train", digest="1f"), Dataset(name="extra"))}, "train"),
        ("code", {"code": Code(commit=COMMIT)}, "4f2a91c04f2a"),
        ("owner", {"tags": (Tag("owner", "mira"),)}, "mira"),
        ("card", {"card": "What it is for."}, "15 characters"),
    ],
)
def test_what_is_recorded_passes_and_what_is_not_fails(word: str, recorded: dict[str, Any], reason: str) -> None:
    asked = gate(f"require = ['{word}']")
    assert outcome(asked, facts(version(**recorded))) == (PASS, reason)
    assert outcome(asked, facts())[0] is FAIL
    assert only(asked, facts()).id == f"require.{word}"


@pytest.mark.parametrize(
    ("word", "recorded"),
    [
        ("environment", {"environment": Environment(os="linux", cpu="x86")}),
        ("data", {"datasets": (Dataset(name="train"),)}),
        ("code", {"code": Code(repository="https://git.example/x", branch="main")}),
        ("owner", {"tags": (Tag("owner", " "), Tag("maintainer", "mira"))}),
        ("card", {"card": " \n "}),
    ],
)
def test_half_of_it_is_not_enough(word: str, recorded: dict[str, Any]) -> None:
    assert outcome(gate(f"require = ['{word}']"), facts(version(**recorded)))[0] is FAIL


def test_the_owner_stands_in_the_tag_that_the_policy_names() -> None:
    asked = policy('[policy]\nowner = "team"\n[[gate]]\nalias = "prod"\nrequire = ["owner"]')
    assert outcome(asked, facts(version(tags=(Tag("team", "risk"),)))) == (PASS, "risk")
    assert only(asked, facts()).hint == "lineal tag reg:churn@v8 team=NAME"


def test_a_parent_that_nobody_could_look_for_is_not_known() -> None:
    asked = gate("require = ['parent']")
    assert [outcome(asked, facts(parents=count))[0] for count in (None, 0, 1)] == [UNKNOWN, FAIL, PASS]


@pytest.mark.parametrize(
    ("code", "known", "wanted"),
    [
        (None, {}, (UNKNOWN, "no commit is recorded")),
        (Code(commit=COMMIT, dirty=True), {}, (FAIL, "trained with changes that were not committed")),
        (Code(commit=COMMIT), {"code_reachable": True}, (UNKNOWN, "nobody recorded whether it was")),
        (Code(commit=COMMIT, dirty=False), {}, (UNKNOWN, "where 4f2a91c04f2a is could not be told")),
        (
            Code(commit=COMMIT, dirty=False),
            {"code_reachable": False},
            (FAIL, "4f2a91c04f2a is in no branch of a remote"),
        ),
        (Code(commit=COMMIT, dirty=False), {"code_reachable": True}, (PASS, "4f2a91c04f2a")),
    ],
)
def test_code_is_clean_if_it_is_committed_and_others_can_find_it(
    code: Code | None, known: dict[str, Any], wanted: tuple[Outcome, str]
) -> None:
    assert outcome(gate("clean = true"), facts(version(code=code), **known)) == wanted


def test_a_branch_is_named_with_or_without_its_remote() -> None:
    asked = gate("clean = true\nbranches = ['main', 'release/*']")
    subject = version(code=Code(commit=COMMIT, dirty=False))

    def judged(*branches: str) -> tuple[Outcome, str]:
        return outcome(asked, facts(subject, code_reachable=True, code_branches=branches))

    assert judged("origin/feature", "origin/main") == (PASS, "4f2a91c04f2a in origin/main")
    assert judged("main")[0] is PASS
    assert judged("origin/release/1")[0] is PASS
    assert judged("origin/maintenance") == (FAIL, "4f2a91c04f2a is in origin/maintenance only")
    assert judged()[0] is FAIL


@pytest.mark.parametrize(
    ("known", "wanted"),
    [
        ({}, (UNKNOWN, "not every file could be looked at")),
        ({"unscanned": False}, (PASS, "no pickle")),
        ({"unscanned": False, "unsafe": ("a.pkl",)}, (FAIL, "pickle in a.pkl, and no scan")),
        ({"unscanned": False, "unsafe": ("a.pkl",), "scanned": ()}, (PASS, "no findings in a.pkl")),
        ({"unscanned": True, "unsafe": ("a.pkl",), "scanned": ()}, (UNKNOWN, "not every file could be looked at")),
        ({"unscanned": False, "unsafe": ("a.pkl",), "scanned": ("os.system",)}, (FAIL, "1 findings: os.system")),
        ({"unscanned": True, "scanned": ("os.system",)}, (FAIL, "1 findings: os.system")),
    ],
)
def test_files_are_without_pickles_or_scanned_without_findings(
    known: dict[str, Any], wanted: tuple[Outcome, str]
) -> None:
    asked = gate("[gate.files]\nsafe = true")
    assert outcome(asked, facts(**known)) == wanted
    assert "safe" not in only(asked, facts(**known)).title.split()  # a scan without findings proves nothing more


def test_many_files_are_counted_in_the_reason_and_listed_in_the_evidence() -> None:
    names = tuple(f"part-{at}.pkl" for at in range(9))
    result = only(gate("[gate.files]\nsafe = true"), facts(unscanned=False, unsafe=names))
    assert "part-4.pkl and 4 more" in result.reason
    assert result.evidence.split("\n") == list(names)


def test_bytes_that_nobody_compared_are_not_verified() -> None:
    asked = gate("[gate.files]\nverified = true")
    assert [outcome(asked, facts(verified=said))[0] for said in (None, False, True)] == [UNKNOWN, FAIL, PASS]
    assert only(asked, facts()).hint == "lineal verify reg:churn@v8"


def test_a_size_is_judged_to_the_byte() -> None:
    asked = gate("[gate.files]\nlargest = '5 GB'")
    assert outcome(asked, facts(size=5 * 10**9)) == (PASS, "5 GB")
    assert outcome(asked, facts(size=5 * 10**9 + 1)) == (FAIL, "5 GB, 1 B too many")
    assert outcome(asked, facts()) == (UNKNOWN, "the size of a file is not known")


@pytest.mark.parametrize(
    ("bound", "recorded", "wanted"),
    [
        ("python = '>=3.11,<3.13'", Environment(python="3.12.1"), (PASS, "3.12.1")),
        ("python = '>=3.11,<3.13'", Environment(python="3.13.0"), (FAIL, "3.13.0")),
        ("python = '>=3.11'", Environment(), (UNKNOWN, "not recorded")),
        ("python = '>=3.11'", Environment(python="three"), (UNKNOWN, "'three' is no single version")),
        ("cuda = '>=12,<13'", Environment(cuda="12.4"), (PASS, "12.4")),
        ("driver = '>=550'", Environment(driver="535.104.05"), (FAIL, "535.104.05")),
        ("torch = '>=2.1,<3'", Environment(packages=(Package("torch", "==2.3.1+cu121"),)), (PASS, "2.3.1+cu121")),
        ("torch = '<2.3'", Environment(packages=(Package("torch", "2.3.0rc1"),)), (FAIL, "2.3.0rc1")),
        ("torch = '>=2'", Environment(packages=(Package("torch", ">=2"),)), (UNKNOWN, "'>=2' is no single version")),
        (
            "torch = '>=2'",
            Environment(packages=(Package("torch", "==2.*"),)),
            (UNKNOWN, "'==2.*' is no single version"),
        ),
        ("torch = '>=2'", Environment(packages=(Package("numpy", "2.0"),)), (UNKNOWN, "not recorded")),
        ("Scikit_Learn = '>=1'", Environment(packages=(Package("scikit-learn", "1.5"),)), (PASS, "1.5")),
    ],
)
def test_an_environment_lies_within_bounds_as_pep_440_says(
    bound: str, recorded: Environment, wanted: tuple[Outcome, str]
) -> None:
    assert outcome(gate(f"[gate.environment]\n{bound}"), facts(version(environment=recorded))) == wanted
    assert outcome(gate(f"[gate.environment]\n{bound}"), facts()) == (UNKNOWN, "not recorded")
