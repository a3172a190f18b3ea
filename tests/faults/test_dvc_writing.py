"""Writing into odd, damaged and hostile repositories: nothing is half done, nothing is started, and why is said."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import ConfigError, NotFound, Unavailable, Unsupported
from lineal.formats import git_writer
from lineal.model.changes import Change, Register, SetAlias, SetTags
from lineal.model.records import AliasKind
from lineal.registries import connect
from lineal.testing import snapshot, stamped
from tests.contract.test_dvc_writing import opened, registered, stage
from tests.faults.test_dvc_hostile import hostile
from tests.faults.test_dvc_pushing import hub, prod, refs, script
from tests.faults.test_dvc_restoring import restoring
from tests.sources.dvc import START, Repo, clean, dvc_file, dvc_yaml, out

__all__ = ["hostile"]


def test_whatever_a_repository_configures_writing_starts_nothing(
    hostile: Repo, tmp_path: Path, around: Surroundings
) -> None:
    """No hook, signer, monitor, editor, filter or transport of the repository's runs for a tag, its push, a restore."""
    hub(hostile, tmp_path / "hub.git")
    (tmp_path / "ran").unlink(missing_ok=True)  # cloning ran something: it is git itself that did
    evil = str(tmp_path / "evil")
    for key, said in (
        *(("tag.gpgSign", "true"), ("commit.gpgSign", "true"), ("push.gpgSign", "true"), ("user.signingKey", "x")),
        *(("remote.hub.receivepack", evil), ("remote.hub.vcs", "evil"), ("gpg.format", "ssh"), ("http.proxy", evil)),
        *(("gpg.ssh.defaultKeyCommand", evil), ("tag.forceSignAnnotated", "true"), ("core.hooksPath", ".git/hooks")),
        *(("trailer.lineal-action.command", evil), ("init.templateDir", evil), ("core.logAllRefUpdates", "always")),
    ):
        hostile.git("config", key, said)
    for name in ("pre-push", "post-commit", "commit-msg", "prepare-commit-msg", "post-update", "post-rewrite"):
        shutil.copy(evil, hostile.path / ".git" / "hooks" / name)
    registry = opened(hostile.path, around, push="hub")
    model = Register(registry="git", model="net", source=hostile.git("rev-parse", "side"))
    (tmp_path / "ran").unlink(missing_ok=True)  # `git config` and `rev-parse` may have run something, too
    assert registry.apply(model, stamped(1)).after == "v1.0.1"
    restore = restoring(hostile, "main", "main~3", "dvc.lock")
    (tmp_path / "ran").unlink(missing_ok=True)
    registry.calls(restore, stamped(2))
    assert "commit" in registry.apply(restore, stamped(2)).detail
    assert not (tmp_path / "ran").exists()
    assert "net@v1.0.1" in Repo(tmp_path / "hub.git", bare=True).git("tag")
    hostile.git("tag", "-a", "-m", "naive", "naive", check=False)  # git itself does run it
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("lock", ["index.lock", "packed-refs.lock", "HEAD.lock", "config.lock"])
def test_locks_of_other_files_do_not_matter(lock: str, tmp_path: Path, around: Surroundings) -> None:
    """A git that died left one behind; making a tag needs none of them."""
    repo, _, second = registered(tmp_path / "repo")
    (repo.path / ".git" / lock).touch()
    opened(repo.path, around).apply(prod(repo), stamped(1))
    assert repo.git("rev-parse", "net#prod#2^{}") == second


def test_a_lock_that_stands_in_the_way_is_named(tmp_path: Path, around: Surroundings) -> None:
    """That of the very tag; and that of packed refs where a push might have to be taken back."""
    repo, _, _ = registered(tmp_path / "repo")
    hub(repo, tmp_path / "hub.git")
    before = refs(repo)
    lock = repo.path / ".git" / "refs" / "tags" / "net#prod#2.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.touch()
    with pytest.raises(Unavailable, match=r"net#prod#2\.lock") as caught:
        opened(repo.path, around).apply(prod(repo), stamped(1))
    assert "lock" in caught.value.hint
    lock.unlink()
    (repo.path / ".git" / "packed-refs.lock").touch()
    with pytest.raises(Unavailable) as caught:
        opened(repo.path, around, push="hub").apply(prod(repo), stamped(1))
    assert "packed-refs.lock" in caught.value.hint
    assert refs(repo) == before


def test_another_writer_is_waited_for_and_named_in_the_end(
    tmp_path: Path, around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo, _, _ = registered(tmp_path / "repo")
    monkeypatch.setattr(git_writer, "_TURN", 0.1)
    held = os.open(repo.path / ".git", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(Unavailable, match="somebody else writes"):
        opened(repo.path, around).apply(prod(repo), stamped(1))
    os.close(held)
    opened(repo.path, around).apply(prod(repo), stamped(1))


FAULTS = {
    "full": "ulimit -f 0; trap '' XFSZ; exec {git} \"$@\"",
    "read-only": 'exec setpriv --inh-caps=-all --bounding-set=-all {git} "$@"',
    "hanging": 'case "$*" in *annotate*) sleep 60;; esac; exec {git} "$@"',
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_disk_that_takes_nothing_is_said(
    fault: str, tmp_path: Path, around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Full, not ours to write, or a git that hangs: a sentence, and every file as it was."""
    repo, _, _ = registered(tmp_path / "repo")
    change, git = prod(repo), shutil.which("git")
    if fault == "read-only":
        if os.geteuid() == 0 and shutil.which("setpriv") is None:
            pytest.skip("root writes where it likes")
        for folder in (repo.path / ".git").rglob("*"):
            if folder.is_dir():
                folder.chmod(0o555)
    wrapped = FAULTS[fault] if fault != "read-only" or os.geteuid() == 0 else 'exec {git} "$@"'
    script(tmp_path / "bin" / "git", wrapped.format(git=git))
    before = snapshot(repo.path)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setattr(git_writer.Writer.__init__, "__defaults__", (1.0 if fault == "hanging" else 60.0,))
    with pytest.raises(Unavailable) as caught:
        opened(repo.path, around).apply(change, stamped(1))
    assert caught.value.hint
    assert snapshot(repo.path) == before
    for folder in (repo.path / ".git").rglob("*"):
        if folder.is_dir():
            folder.chmod(0o755)


@pytest.mark.parametrize("shape", ["detached", "worktree", "submodule", "shallow", "sha256"])
def test_odd_repositories_take_tags(shape: str, tmp_path: Path, around: Surroundings) -> None:
    """A tag is made in what is the repository, whatever is checked out, and pushed from there."""
    repo, _, second = registered(tmp_path / "repo")
    path, wide = repo.path, repo
    if shape == "detached":
        repo.git("checkout", "-q", "--detach", second)
    if shape == "worktree":
        path = tmp_path / "tree"
        repo.git("worktree", "add", "-q", str(path), "side")
    if shape == "submodule":
        outer = Repo(tmp_path / "outer")
        outer.git("submodule", "add", "-q", f"file://{repo.path}", "inner")
        path = tmp_path / "outer" / "inner"
    if shape == "shallow":
        path = tmp_path / "shallow"
        repo.git("clone", "-q", "--depth", "1", "--no-single-branch", f"file://{repo.path}", str(path))
    if shape == "sha256":
        path = tmp_path / "long"
        wide = Repo(path, object_format="sha256")
        for number in (1, 2):
            model = dvc_yaml(artifacts={"net": {"path": "net.pt", "type": "model"}})
            second = wide.commit({"dvc.yaml": model, "net.pt.dvc": dvc_file(out("net.pt", b"%d" % number))})
            wide.tag(f"net@v1.0.{number}", second, at=START + number)
        wide.tag("net#prod#1", "main~1", at=START + 10)
        wide.git("branch", "side", second)
    there = Repo(path) if shape in ("detached", "shallow") else wide if shape == "sha256" else repo
    hub_git = tmp_path / "hub.git"
    subprocess.run(["git", "init", "-q", "--bare", f"--object-format={'sha256' if shape == 'sha256' else 'sha1'}",
                    str(hub_git)], check=True, env=clean(tmp_path))  # fmt: skip
    git = ["git", "-C", str(path)]
    subprocess.run([*git, "remote", "add", "hub", str(hub_git)], check=True, env=clean(tmp_path))
    if shape != "shallow":
        subprocess.run([*git, "push", "-q", "--tags", "hub"], check=True, env=clean(tmp_path))
    else:
        shutil.rmtree(hub_git)
        repo.git("clone", "-q", "--bare", f"file://{repo.path}", str(hub_git))
    before = there.git("rev-parse", "net#prod#1^{}")
    receipt = opened(path, around, push="hub").apply(stage("prod", before, second), stamped(1))
    assert receipt.detail == "made net#prod#2"
    tags = subprocess.run(["git", "-C", str(hub_git), "tag"], check=True, capture_output=True, text=True).stdout
    assert "net#prod#2" in tags


def test_an_empty_repository_and_none_at_all(tmp_path: Path, around: Surroundings) -> None:
    empty = Repo(tmp_path / "empty")
    with pytest.raises(NotFound, match="no commits"):
        opened(empty.path, around).apply(stage("prod", "", "a" * 40), stamped(1))
    (tmp_path / "none").mkdir()
    with pytest.raises(Unavailable):
        opened(tmp_path / "none", around).apply(stage("prod", "", "a" * 40), stamped(1))


def test_who_tags_is_said_or_configured(tmp_path: Path, around: Surroundings) -> None:
    """The action's author, else the repository's or the user's configuration; nobody is an error before a tag."""
    repo, first, second = registered(tmp_path / "repo")
    anonymous = Surroundings(around.cwd, around.home, {"GIT_CONFIG_NOSYSTEM": "1"}, around.clock)
    nobody = stamped(1).__class__(action="1" * 32, at=1_790_000_000.0)
    before = refs(repo)
    with pytest.raises(ConfigError, match="who you are"):
        opened(repo.path, anonymous).apply(prod(repo), nobody)
    assert refs(repo) == before
    (around.home / ".gitconfig").write_text('[user]\n\tname = "Eva <x>"\n\temail = eva@example.com\n')
    opened(repo.path, anonymous).apply(prod(repo), nobody)
    assert repo.git("for-each-ref", "--format=%(taggername) %(taggeremail)", "refs/tags/net#prod#2") == (
        "Eva x <eva@example.com>"
    )
    repo.git("config", "user.name", "Rosa")
    opened(repo.path, anonymous).apply(stage("dev", "", first), nobody)
    assert repo.git("for-each-ref", "--format=%(taggername)", "refs/tags/net#dev#3") == "Rosa"
    assert second


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="signing needs ssh-keygen")
def test_tags_are_signed_where_the_user_has_them_signed(tmp_path: Path, around: Surroundings) -> None:
    """By the user's own configuration: git verifies the tag, and a second try still knows it."""
    repo, first, _ = registered(tmp_path / "repo")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (tmp_path / "allowed").write_text(f"mira@example.com {key.with_suffix('.pub').read_text()}")
    lines = ["[gpg]", "format = ssh", "[user]", f"signingKey = {key}", "[tag]", "gpgSign = true", ""]
    (around.home / ".gitconfig").write_text("\n".join(lines))
    registry, change = opened(repo.path, around), stage("dev", "", first)
    registry.apply(change, stamped(1))
    verify = ["-c", "gpg.format=ssh", "-c", f"gpg.ssh.allowedSignersFile={tmp_path / 'allowed'}", "tag", "-v"]
    repo.git(*verify, "net#dev#2")
    assert "already" in registry.apply(change, stamped(1)).detail
    (around.home / ".gitconfig").write_text("\n".join([*lines[:3], "signingKey = /nowhere", *lines[4:]]))
    before = refs(repo)
    with pytest.raises(Unavailable, match="could not sign"):
        registry.apply(prod(repo), stamped(2))
    assert refs(repo) == before


def test_a_tag_in_the_way_of_a_folder_is_said(tmp_path: Path, around: Surroundings) -> None:
    """Where a tag `paper` is, git can hold no tag `paper/net#prod#1`."""
    repo = Repo(tmp_path / "repo")
    model = dvc_yaml(artifacts={"paper/net": {"path": "net.pt", "type": "model"}})
    commit = repo.commit({"dvc.yaml": model, "net.pt.dvc": dvc_file(out("net.pt", b"1"))})
    repo.git("tag", "paper", commit)
    change = Register(registry="git", model="paper/net", source=commit)
    before = refs(repo)
    with pytest.raises(Unavailable, match="paper"):
        opened(repo.path, around).apply(change, stamped(1))
    assert refs(repo) == before


def test_what_git_does_not_hold_is_refused(tmp_path: Path, around: Surroundings) -> None:
    """Tags of versions, branches, what is behind a URL, a name without an artifact, and what is no commit."""
    repo, first, _ = registered(tmp_path / "repo")
    registry, before = opened(repo.path, around), snapshot(repo.path)
    tags = SetTags(registry="git", model="net", key=first)
    branch = SetAlias(registry="git", model="net", alias="main", after=first, kind=AliasKind.BRANCH)
    for change in (tags, branch):
        with pytest.raises(Unsupported) as caught:
            registry.apply(change, stamped(1))
        assert caught.value.hint
    undeclared = Register(registry="git", model="other", source=repo.git("rev-parse", "main~1"), of="net")
    with pytest.raises(ConfigError, match="no artifact 'other'") as told:
        registry.apply(undeclared, stamped(1))
    assert "dvc.yaml" in told.value.hint
    onnx = Register(registry="git", model="export/net.onnx", source=repo.git("rev-parse", "side"))
    for odd in ("", "main", "--force", first[:12], "HEAD^{tree}", "f" * 40):
        with pytest.raises(NotFound):
            registry.apply(Register(registry="git", model="net", source=odd), stamped(1))
    with pytest.raises((ConfigError, NotFound)):
        registry.apply(onnx, stamped(1))
    away = connect(RegistrySpec(name="git", kind="dvc", url=f"file://{repo.path}"), around)
    assert not away.writes
    assert "clone" in away.refusal
    for asked in (away.current, _calls(away.calls), _calls(away.apply)):
        with pytest.raises(Unsupported, match="clone"):
            asked(prod(repo))
    assert snapshot(repo.path) == before


def _calls(asked: Callable[..., object]) -> Callable[[Change], object]:
    return lambda change: asked(change, stamped(1))


def test_a_deprecated_artifact_is_said_to_be_revived(tmp_path: Path, around: Surroundings) -> None:
    """Any tag of GTO's does that; who moves a stage is told."""
    repo, first, _ = registered(tmp_path / "repo")
    repo.tag("net@deprecated", first, at=START + 9000)
    assert "revives net" in opened(repo.path, around).apply(prod(repo), stamped(1)).detail


def test_an_action_that_took_its_change_back_may_do_it_again(tmp_path: Path, around: Surroundings) -> None:
    """A tag of the same action counts as done only while it is that action's last word."""
    repo, _, _ = registered(tmp_path / "repo")
    registry, change = opened(repo.path, around), prod(repo)
    for one in (change, change.inverse(), change):
        assert registry.apply(one, stamped(1)).detail.startswith("made ")
    assert "already" in registry.apply(change, stamped(1)).detail
