"""What a comparison says of code, with and without a repository at hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lineal.diff import CodeChange, FileChange, compare
from lineal.errors import Unavailable
from lineal.model.diff import Facet, Section, Verdict
from lineal.model.version import Code, Kind, Version

A, B, C = "a" * 40, "b" * 40, "c" * 40
CHANGE = CodeChange(
    commits=7,
    subjects=("focal loss", "tidy"),
    files=(FileChange("train.py", 200, 30), FileChange("conf.yaml", 12, 1), FileChange("logo.png", None, None)),
    text="diff --git a/train.py b/train.py\n-old\n+new",
)


def make(name: str, code: Code | None) -> Version:
    return Version(registry="r", model="m", key=name, name=name, kind=Kind.RUN, code=code)


def at(commit: str) -> Code:
    return Code(commit=commit)


def section(*versions: Version, changes: Callable[[Code, Code], CodeChange | None] | None = None) -> Section:
    (found,) = compare(versions, facets=[Facet.CODE], code=changes).sections
    return found


def test_without_a_repository_the_recorded_facts_are_compared() -> None:
    found = section(
        make("v1", Code(commit=A, branch="main", entry="train.py", repository="git@x:y", dirty=False)),
        make("v2", Code(commit=B, branch="main", entry="train.py --lr 1", repository="git@x:y", dirty=True)),
    )
    assert [row.name for row in found.rows] == ["commit", "dirty", "entry"]
    assert [cell.value for cell in found.rows[0].cells] == ["a" * 12, "b" * 12]
    assert found.rows[0].cells[1].detail == B
    assert [cell.value for cell in found.rows[1].cells] == [False, True]
    assert (found.changed, found.total, found.text) == (3, 5, "")


def test_the_commits_files_lines_and_text_between_two_versions_are_told() -> None:
    found = section(make("v1", at(A)), make("v2", at(B)), changes=lambda base, other: CHANGE)
    assert found.note == "7 commits, 3 files, +212 −31"
    assert found.text.splitlines() == ["# focal loss", "# tidy", *CHANGE.text.splitlines()]
    assert found.rows[0].cells[1].note == "7 commits"
    assert [(row.name, row.cells[1].value) for row in found.rows[1:]] == [
        ("conf.yaml", "+12 −1"),
        ("logo.png", "binary"),
        ("train.py", "+200 −30"),
    ]
    assert (found.changed, found.total) == (4, 4)


@pytest.mark.parametrize(
    ("commits", "back", "said"),
    [(1, 0, "1 commit"), (0, 2, "2 commits back"), (3, 1, "3 commits and 1 commit back"), (0, 0, "0 commits")],
)
def test_versions_on_other_branches_are_so_far_back_as_well(commits: int, back: int, said: str) -> None:
    change = CodeChange(commits=commits, back=back)
    found = section(make("v1", at(A)), make("v2", at(B)), changes=lambda base, other: change)
    assert found.rows[0].cells[1].note == said


def test_each_version_is_looked_up_against_the_baseline_and_equal_commits_are_not() -> None:
    asked: list[tuple[str, str]] = []

    def changes(base: Code, other: Code) -> CodeChange | None:
        asked.append((base.commit, other.commit))
        return CHANGE if other.commit == B else None

    versions = [make("v1", at(B)), make("v2", at(A)), make("v3", at(A)), make("v4", at(C)), make("v5", None)]
    (found,) = compare(versions, facets=[Facet.CODE], code=changes, baseline=1).sections
    assert asked == [(A, B), (A, C)]
    assert found.note == "not recorded: v5; v1: 7 commits, 3 files, +212 −31"
    assert found.text.startswith("# v1\n# focal loss")
    train = next(row for row in found.rows if row.name == "train.py")
    assert [cell.verdict for cell in train.cells] == [
        Verdict.CHANGED,
        Verdict.BASE,
        Verdict.SAME,
        Verdict.ABSENT,
        Verdict.ABSENT,
    ]


def test_a_repository_that_cannot_be_read_is_a_note() -> None:
    def changes(base: Code, other: Code) -> CodeChange | None:
        raise Unavailable("/repo is no git repository any more")

    found = section(make("v1", at(A)), make("v2", at(B)), changes=changes)
    assert found.note == "/repo is no git repository any more"
    assert found.changed == 1


def test_what_is_cut_is_said() -> None:
    many = tuple(FileChange(f"f{at:05}", 1, 0) for at in range(2_500))
    change = CodeChange(commits=30, subjects=tuple(f"s{at}" for at in range(30)), files=many, text="diff", cut=True)
    found = section(make("v1", at(A)), make("v2", at(B)), changes=lambda base, other: change)
    assert found.note.endswith("500 more files not shown")
    assert found.changed == 2_501
    assert found.text.splitlines()[-3:] == ["# and 10 more", "diff", "# cut: the difference is longer than is shown"]
