"""Tags that are pushed to a remote: by name, without force, and taken back here where the remote does not take them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineal.config import Surroundings
from lineal.errors import ConfigError, Conflict, Unavailable
from lineal.model.changes import SetAlias
from lineal.testing import stamped
from tests.contract.test_dvc_writing import opened, registered, stage
from tests.sources.dvc import START, Repo


def refs(repo: Repo) -> str:
    """Return all refs of a repository."""
    return repo.git("for-each-ref")


def prod(repo: Repo, after: str = "side") -> SetAlias:
    """Return a move of the story's stage to another version."""
    return stage("prod", repo.git("rev-parse", "net#prod#1^{}"), repo.git("rev-parse", after))


def hub(repo: Repo, path: Path) -> Repo:
    """Make a remote of a repository, called hub."""
    repo.git("clone", "-q", "--bare", "--template=", str(repo.path), str(path))
    repo.git("remote", "add", "hub", str(path))
    return Repo(path, bare=True)


def script(path: Path, *lines: str) -> Path:
    """Write a program of the shell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("urls", "error"),
    [
        ("ext::sh -c 'touch {tmp}/ran'", Unavailable),
        ("{repo}/inner.git", ConfigError),
        ("file://{repo}/inner.git", ConfigError),
        ("./inner.git", ConfigError),
        ("--receive-pack=touch {tmp}/ran", ConfigError),
        ("{tmp}/nowhere.git", Unavailable),
        ("http://127.0.0.1:9/x.git", Unavailable),
    ],
)
def test_a_remote_that_is_a_trap_or_away_leaves_nothing(
    urls: str, error: type[Exception], tmp_path: Path, around: Surroundings
) -> None:
    """Before a tag is made; what a remote inside the repository brings along is not run."""
    repo, _, _ = registered(tmp_path / "repo")
    repo.git("clone", "-q", "--bare", str(repo.path), str(repo.path / "inner.git"))
    script(repo.path / "inner.git" / "hooks" / "pre-receive", f"touch {tmp_path}/ran")
    repo.git("config", "remote.hub.url", urls.format(tmp=tmp_path, repo=repo.path))
    repo.git("config", "protocol.ext.allow", "always")
    before = refs(repo)
    with pytest.raises(error) as caught:
        opened(repo.path, around, push="hub").apply(prod(repo), stamped(1))
    assert getattr(caught.value, "hint", "")
    assert refs(repo) == before
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["nobody", "-x", "../hub", "a b", "--all"])
def test_a_remote_that_is_not_configured_is_said(name: str, tmp_path: Path, around: Surroundings) -> None:
    repo, _, _ = registered(tmp_path / "repo")
    before = refs(repo)
    with pytest.raises(ConfigError):
        opened(repo.path, around, push=name).apply(prod(repo), stamped(1))
    assert refs(repo) == before


def test_a_push_that_is_refused_leaves_no_tag(tmp_path: Path, around: Surroundings) -> None:
    """The remote's own hook says no: its reason is told, the tag here is gone, and a later try goes through."""
    repo, _, _ = registered(tmp_path / "repo")
    there = hub(repo, tmp_path / "hub.git")
    hook = script(there.path / "hooks" / "pre-receive", "echo not on Fridays >&2", "exit 1")
    before, theirs = refs(repo), refs(there)
    registry = opened(repo.path, around, push="hub")
    with pytest.raises(Unavailable, match="net#prod#2 cannot be pushed") as caught:
        registry.apply(prod(repo), stamped(1))
    assert "taken back" in caught.value.hint
    assert (refs(repo), refs(there)) == (before, theirs)
    hook.unlink()
    registry.apply(prod(repo), stamped(1))
    assert "net#prod#2" in there.git("tag")


def test_a_push_whose_answer_is_lost_is_looked_up(tmp_path: Path, around: Surroundings) -> None:
    """The remote took the tag and died: that it is there is what counts."""
    repo, _, _ = registered(tmp_path / "repo")
    there = hub(repo, tmp_path / "hub.git")
    script(there.path / "hooks" / "post-receive", f"touch {tmp_path}/died", "kill -9 $PPID")
    opened(repo.path, around, push="hub").apply(prod(repo), stamped(1))
    assert (tmp_path / "died").exists()
    assert "net#prod#2" in repo.git("tag")
    assert "net#prod#2" in there.git("tag")


def test_a_try_that_died_before_its_push_is_pushed_by_the_next(tmp_path: Path, around: Surroundings) -> None:
    """The tag of the same action is there, and only its push is missing."""
    repo, _, _ = registered(tmp_path / "repo")
    there = hub(repo, tmp_path / "hub.git")
    change = prod(repo)
    opened(repo.path, around).apply(change, stamped(1))
    assert "net#prod#2" not in there.git("tag")
    receipt = opened(repo.path, around, push="hub").apply(change, stamped(1))
    assert "already" in receipt.detail
    assert "net#prod#2" in there.git("tag")


def test_tags_that_only_the_remote_has_come_first(tmp_path: Path, around: Surroundings) -> None:
    """Somebody else moved the stage there: fetch it, and look again."""
    repo, first, _ = registered(tmp_path / "repo")
    there = hub(repo, tmp_path / "hub.git")
    there.tag("net#prod#2", first, at=START + 5000)
    there.tag("other#prod#2", first, at=START + 5000)
    before = refs(repo)
    with pytest.raises(Conflict, match="net#prod#2") as caught:
        opened(repo.path, around, push="hub").apply(prod(repo), stamped(1))
    assert caught.value.hint == "git fetch hub --tags"
    assert refs(repo) == before
