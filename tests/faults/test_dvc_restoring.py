"""Restoring a file of DVC as a commit: never at the cost of what somebody is working on."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from lineal.config import Surroundings
from lineal.errors import ConfigError, Conflict, NotFound, Unsupported
from lineal.formats.git_writer import Scratch
from lineal.model.changes import Restore
from lineal.testing import snapshot, stamped
from tests.contract.test_dvc_writing import opened
from tests.sources.dvc import Repo, dvc_file, dvc_lock, out, story


def restoring(repo: Repo, branch: str, rev: str, path: str) -> Restore:
    """Return the restoring of a file on a branch as it was at a commit."""
    key = repo.git("rev-parse", rev)
    before = repo.git("rev-parse", "-q", "--verify", f"{branch}:{path}", check=False)
    after = repo.git("rev-parse", "-q", "--verify", f"{rev}:{path}", check=False)
    return Restore(registry="git", model="net", path=path, branch=branch, before=before, after=after, key=key)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """The story, on its branch main."""
    return story(tmp_path / "repo")


def test_a_commit_holds_nothing_but_the_file(repo: Repo, around: Surroundings) -> None:
    """On a branch that is checked out clean: tree, parent, author and message; work tree and index untouched."""
    change = restoring(repo, "main", "main~2", "dvc.lock")
    tip, index = repo.git("rev-parse", "main"), (repo.path / ".git" / "index").read_bytes()
    work = {name: held for name, held in snapshot(repo.path).items() if not name.startswith(".git")}
    receipt = opened(repo.path, around).apply(change, stamped(1))
    assert repo.git("rev-parse", "main~1") == tip
    assert repo.git("diff", "--name-only", tip, "main") == "dvc.lock"
    assert repo.git("rev-parse", "main:dvc.lock") == change.after
    assert repo.git("log", "-1", "--format=%cn %ct %B", "main").startswith("mira 1790000101 proved")
    assert (repo.path / ".git" / "index").read_bytes() == index
    assert {name: held for name, held in snapshot(repo.path).items() if not name.startswith(".git")} == work
    assert "git checkout HEAD -- dvc.lock && dvc checkout dvc.yaml" in receipt.detail
    assert repo.git("fsck", "--strict") == ""


def test_twice_is_a_conflict_and_the_same_action_counts_as_applied(repo: Repo, around: Surroundings) -> None:
    repo.git("branch", "back")
    registry, change = opened(repo.path, around), restoring(repo, "back", "main~2", "dvc.lock")
    registry.apply(change, stamped(1))
    tip = repo.git("rev-parse", "back")
    assert "already" in registry.apply(change, stamped(1)).detail
    with pytest.raises(Conflict):
        registry.apply(change, stamped(2))
    assert repo.git("rev-parse", "back") == tip
    assert registry.current(change) == structs.replace(change, before=change.after)
    registry.apply(change.inverse(), stamped(3))
    assert repo.git("diff", "main", "back") == ""


def test_a_file_that_was_not_there_comes_and_goes(repo: Repo, around: Surroundings) -> None:
    """A deleted `.dvc` file is brought back, and the inverse deletes it again."""
    kept = repo.commit({"deep/er/a b'.pt.dvc": dvc_file(out("a b'.pt", b"1"))})
    repo.commit({"deep/er/a b'.pt.dvc": None})
    repo.check_out()
    change = restoring(repo, "main", kept, "deep/er/a b'.pt.dvc")
    assert not change.before
    registry, tip = opened(repo.path, around), repo.git("rev-parse", "main^{tree}")
    registry.apply(change, stamped(1))
    assert repo.git("rev-parse", f"main:{change.path}") == change.after
    repo.check_out()
    receipt = registry.apply(change.inverse(), stamped(2))
    assert "git rm -f" in receipt.detail
    assert repo.git("rev-parse", "main^{tree}") == tip


@pytest.mark.parametrize("how", ["edited", "deleted", "staged", "merging", "linked", "link"])
def test_a_file_that_somebody_works_on_is_left_alone(
    how: str, repo: Repo, tmp_path: Path, around: Surroundings
) -> None:
    """Changed in the work tree or the index of any work tree of the branch, or in the middle of a merge."""
    branch, folder = "main", repo.path
    if how == "linked":
        branch, folder = "side", tmp_path / "tree"
        repo.git("worktree", "add", "-q", str(folder), "side")
    change = restoring(repo, branch, "main~3", "dvc.lock")
    file = folder / "dvc.lock"
    if how in ("edited", "linked", "staged"):
        file.write_text(dvc_lock())
    if how == "deleted":
        file.unlink()
    if how == "link":
        file.rename(tmp_path / "elsewhere")
        file.symlink_to(tmp_path / "elsewhere")
    if how == "staged":
        repo.git("add", "dvc.lock")
    if how == "merging":
        (repo.path / ".git" / "MERGE_HEAD").write_text(repo.git("rev-parse", "side") + "\n")
    tip = repo.git("rev-parse", branch)
    with pytest.raises(Conflict) as caught:
        opened(repo.path, around).apply(change, stamped(1))
    assert str(folder) in caught.value.message + caught.value.hint
    assert repo.git("rev-parse", branch) == tip


def test_other_work_and_ends_of_lines_do_not_count(repo: Repo, around: Surroundings) -> None:
    """Only the file itself has to be as the branch has it; Windows' line ends are no change."""
    change = restoring(repo, "main", "main~2", "dvc.lock")
    (repo.path / "params.yaml").write_text("lr: 9\n")
    repo.git("add", "params.yaml")
    lock = repo.path / "dvc.lock"
    lock.write_bytes(lock.read_bytes().replace(b"\n", b"\r\n"))
    opened(repo.path, around).apply(change, stamped(1))
    assert repo.git("diff", "--cached", "--name-only", "HEAD").split() == ["dvc.lock", "params.yaml"]


def test_what_is_not_there_or_no_file_of_dvc_is_refused(repo: Repo, around: Surroundings) -> None:
    """Before anything is written, by kind of mistake."""
    change, before = restoring(repo, "main", "main~2", "dvc.lock"), snapshot(repo.path)
    repo.git("symbolic-ref", "refs/heads/other", "refs/heads/main")
    before = snapshot(repo.path)
    tree = repo.git("rev-parse", "main^{tree}")
    mistakes: list[tuple[dict[str, str], type[Exception]]] = [
        *(
            ({"path": path}, ConfigError)
            for path in ("params.yaml", "../dvc.lock", "/dvc.lock", ".git/x.dvc", "a\n.dvc")
        ),
        *(({"path": path}, ConfigError) for path in (".GIT/x.dvc", "a//b.dvc", "", ".dvc")),
        *(({"branch": branch}, ConfigError) for branch in ("", "a b", "x..y", "-x^")),
        ({"branch": "nowhere"}, NotFound),
        ({"branch": "other"}, Unsupported),
        *(({"after": after}, NotFound) for after in ("f" * 40, tree, "HEAD:dvc.lock", "--help")),
        *(({"key": key}, NotFound) for key in ("f" * 40, "main", repo.git("rev-parse", "main~3"))),
        ({"path": "data/rows.csv.dvc"}, NotFound),
        ({"before": "f" * 40}, Conflict),
    ]
    registry = opened(repo.path, around)
    for wrong, error in mistakes:
        with pytest.raises(error):
            registry.apply(structs.replace(change, **wrong), stamped(1))
    assert snapshot(repo.path) == before


def test_a_branch_that_moves_meanwhile_is_a_conflict(
    repo: Repo, around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the move somebody commits: that commit stays the end of the branch."""
    repo.git("branch", "back")
    change, made = restoring(repo, "back", "main~2", "dvc.lock"), Scratch.commit
    moved = []

    def late(self: Scratch, *arguments: object) -> str:
        moved.append(repo.commit({"README": "late"}, branch="back"))
        return made(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Scratch, "commit", late)
    with pytest.raises(Conflict, match="moved meanwhile"):
        opened(repo.path, around).apply(change, stamped(1))
    assert repo.git("rev-parse", "back") == moved[0]


def test_bare_and_blobless_repositories_take_commits(repo: Repo, tmp_path: Path, around: Surroundings) -> None:
    """Neither work tree nor all blobs are needed."""
    for name, how in (("bare.git", ("--bare",)), ("part.git", ("--bare", "--filter=blob:none"))):
        repo.git("config", "uploadpack.allowFilter", "true")
        repo.git("clone", "-q", *how, f"file://{repo.path}", str(tmp_path / name))
        there = Repo(tmp_path / name, bare=True)
        change = restoring(repo, "main", "main~2", "dvc.lock")
        if name == "part.git":
            there.git("cat-file", "-p", change.after)  # git fetches it: without it there is nothing to restore
        opened(there.path, around).apply(change, stamped(1))
        assert there.git("rev-parse", "main:dvc.lock") == change.after
