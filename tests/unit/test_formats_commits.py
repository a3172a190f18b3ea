"""What lies between two commits, of honest and of hostile repositories."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lineal.diff.code import FileChange, change_between
from lineal.errors import Unavailable
from lineal.formats import commits
from lineal.formats.commits import Touched, between
from lineal.model.version import Code

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
pytestmark = needs_git


class Repository:
    """A real repository whose commits have fixed times."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        who = {f"GIT_{role}_{part}": "x" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
        environ = {**who, "PATH": os.environ["PATH"], "HOME": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env=environ, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, message: str, files: dict[str, bytes | None]) -> str:
        for name, content in files.items():
            file = self.path / name
            if content is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "repo")


def test_commits_files_lines_and_text_are_those_of_git(repository: Repository) -> None:
    first = repository.commit("start", {"train.py": b"lr = 1\nepochs = 3\n", "gone.txt": b"x\n"})
    repository.commit("lower the rate", {"train.py": b"lr = 0.1\nepochs = 3\n"})
    second = repository.commit("focal loss", {"loss.py": b"a\nb\n", "logo.png": bytes(range(256)), "gone.txt": None})
    found = between(str(repository.path), first, second)
    assert found is not None
    assert (found.ahead, found.behind, found.cut) == (2, 0, False)
    assert found.subjects == ("focal loss", "lower the rate")
    assert found.files == (
        Touched("gone.txt", 0, 1),
        Touched("logo.png", None, None),
        Touched("loss.py", 2, 0),
        Touched("train.py", 1, 1),
    )
    assert found.text == repository.git("diff", "--no-renames", first, second)
    back = between(str(repository.path), second, first)
    assert back is not None
    assert (back.ahead, back.behind, back.subjects) == (0, 2, ())


def test_branches_are_ahead_and_behind(repository: Repository) -> None:
    root = repository.commit("root", {"a": b"1\n"})
    left = repository.commit("left", {"a": b"2\n"})
    repository.git("checkout", "-q", root)
    repository.commit("right 1", {"b": b"1\n"})
    right = repository.commit("right 2", {"b": b"2\n"})
    found = between(str(repository.path), left, right)
    assert found is not None
    assert (found.ahead, found.behind) == (2, 1)


def test_odd_names_are_read_whole(repository: Repository) -> None:
    names = ["with space.py", "tab\there", "line\nbreak", "-dash", "ünï", '"quoted"']
    first = repository.commit("start", {})
    second = repository.commit("odd", dict.fromkeys(names, b"1\n"))
    found = between(str(repository.path), first, second)
    assert found is not None
    assert {file.path for file in found.files} == set(names)


def test_text_that_is_no_utf8_is_shown_with_backslashes(repository: Repository) -> None:
    first = repository.commit("start", {"a": b"x\n"})
    second = repository.commit("latin", {"a": b"caf\xe9\n"})
    found = between(str(repository.path), first, second)
    assert found is not None
    assert "+caf\\xe9" in found.text


def test_a_long_difference_is_cut_at_a_line_and_says_so(repository: Repository) -> None:
    first = repository.commit("start", {})
    second = repository.commit("big", {"big.txt": b"0123456789abcdef\n" * 200_000})
    found = between(str(repository.path), first, second)
    assert found is not None
    assert found.cut
    assert commits.TEXT - 100 < len(found.text) <= commits.TEXT
    assert found.text.endswith("+0123456789abcdef")
    assert found.files == (Touched("big.txt", 200_000, 0),)


@pytest.mark.parametrize("other", ["f" * 40, "HEAD", "--output=/tmp/x", "", "main", "@{-1}"])
def test_commits_that_are_not_there_or_no_commits_have_no_difference(repository: Repository, other: str) -> None:
    first = repository.commit("start", {"a": b"1\n"})
    assert between(str(repository.path), first, other) is None
    assert between(str(repository.path), other, first) is None


def test_places_that_are_no_repository_have_no_difference(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in (tmp_path, tmp_path / "file", tmp_path / "missing"):
        assert between(str(place), "a" * 40, "b" * 40) is None


def test_nothing_that_the_repository_configures_is_started(repository: Repository, tmp_path: Path) -> None:
    first = repository.commit("start", {"a.txt": b"1\n", ".gitattributes": b"* diff=evil filter=evil\n"})
    second = repository.commit("next", {"a.txt": b"2\n"})
    touched = tmp_path / "started"
    evil = tmp_path / "evil.sh"
    evil.write_text(f"#!/bin/sh\necho started >> '{touched}'\nexit 0\n")
    evil.chmod(0o755)
    for name in (
        "diff.external", "diff.evil.command", "diff.evil.textconv", "filter.evil.clean", "filter.evil.smudge",
        "filter.evil.process", "core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "gpg.program",
        "pager.diff", "pager.log", "alias.diff", "credential.helper",
    ):  # fmt: skip
        repository.git("config", name, str(evil))
    repository.git("config", "log.showSignature", "true")
    repository.git("config", "core.hooksPath", str(tmp_path))
    found = between(str(repository.path), first, second)
    assert found is not None
    assert "+2" in found.text
    assert not touched.exists()


def test_the_repository_stays_as_it_is(repository: Repository) -> None:
    first = repository.commit("start", {"a": b"1\n"})
    second = repository.commit("next", {"a": b"2\n"})
    before = {file: file.stat().st_mtime_ns for file in repository.path.rglob("*")}
    between(str(repository.path), first, second)
    assert {file: file.stat().st_mtime_ns for file in repository.path.rglob("*")} == before


def test_a_git_that_hangs_is_stopped(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = repository.commit("start", {"a": b"1\n"})
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    with pytest.raises(Unavailable, match="too long"):
        between(str(repository.path), first, first, seconds=0.2)


def test_a_missing_git_is_said_to_be(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    first = repository.commit("start", {"a": b"1\n"})
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unavailable, match="not installed"):
        between(str(repository.path), first, first)


def test_a_damaged_repository_is_one_sentence(repository: Repository) -> None:
    first = repository.commit("start", {"a": b"1\n"})
    second = repository.commit("next", {"a": b"2\n"})
    blob = repository.git("rev-parse", f"{second}:a")
    (repository.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(Unavailable, match="git diff failed") as failed:
        between(str(repository.path), first, second)
    assert failed.value.hint


def test_a_comparison_takes_the_repository_that_holds_both_commits(tmp_path: Path) -> None:
    one, other = Repository(tmp_path / "one"), Repository(tmp_path / "other")
    first = one.commit("start", {"a": b"1\n"})
    second = one.commit("next", {"a": b"2\n"})
    other.commit("unrelated", {"z": b"1\n"})
    base = Code(commit=first, local=str(one.path))
    found = change_between(base, Code(commit=second, local=str(other.path)))
    assert found is not None
    assert (found.commits, found.files) == (1, (FileChange("a", 1, 1),))
    assert change_between(Code(commit=first), Code(commit=second)) is None
