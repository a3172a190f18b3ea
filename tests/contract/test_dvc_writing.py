"""A git repository keeps the contract of a registry that can be changed, and GTO and DVC read what was written."""

from __future__ import annotations

import json
import multiprocessing
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import Conflict, Error
from lineal.model.changes import Change, Register, Restore, SetAlias
from lineal.model.records import AliasKind
from lineal.model.version import Version
from lineal.registries import connect
from lineal.registries.base import Registry
from lineal.registries.dvc.writing import Tagger
from lineal.testing import Source, Target, WriteContract, stamped
from tests.sources.dvc import START, Repo, run, story, tool
from tests.sources.dvc_tools import Made

PROVING = "proving"


def registered(path: Path) -> tuple[Repo, str, str]:
    """Make the story with two versions of its model, v1.0.0 and v1.1.0, and return both commits."""
    repo = story(path)
    first, second = repo.git("rev-parse", "main~1"), repo.git("rev-parse", "side")
    repo.tag("net@v1.1.0", second, at=START + 3000)
    repo.tag("net@v0.9.0", first, at=START + 3100)
    return repo, first, second


def opened(path: Path, around: Surroundings, **options: str) -> Registry:
    """Connect to a repository on this machine."""
    spec = RegistrySpec(name="git", kind="dvc", url=str(path), options=tuple(options.items()))
    return connect(spec, around)


def stage(alias: str, before: str, after: str, model: str = "net") -> SetAlias:
    """Return a move of a stage."""
    return SetAlias(registry="git", model=model, alias=alias, before=before, after=after, kind=AliasKind.STAGE)


def shown(python: Path, home: Path, *paths: Path) -> list[dict[str, Any]]:
    """Return what GTO says of repositories."""
    feed = json.dumps([str(path) for path in paths])
    told: list[dict[str, Any]] = json.loads(run(python, "gto_show.py", home=home, feed=feed))
    return told


class TestWritingGit(WriteContract):
    @pytest.fixture
    def target(self, tmp_path: Path, around: Surroundings) -> Target:
        repo, first, second = registered(tmp_path / "repo")
        spec = RegistrySpec(name="git", kind="dvc", url=str(repo.path))
        source = Source(spec=spec, around=around, trees=(repo.path,))
        return Target(source=source, model="net", keys=(first, second), alias=PROVING, tagged=False)

    def kind(self) -> AliasKind:
        return AliasKind.STAGE


class TestWritingBareGit(TestWritingGit):
    @pytest.fixture
    def target(self, tmp_path: Path, around: Surroundings) -> Target:
        repo, first, second = registered(tmp_path / "repo")
        bare = tmp_path / "bare.git"
        repo.git("clone", "-q", "--mirror", str(repo.path), str(bare))
        source = Source(spec=RegistrySpec(name="git", kind="dvc", url=str(bare)), around=around, trees=(bare,))
        return Target(source=source, model="net", keys=(first, second), alias=PROVING, tagged=False)


def test_what_is_written_is_what_gto_reads(oracle: Callable[[str], Path], tmp_path: Path, around: Surroundings) -> None:
    """A stage forth, back, away, and a registration and its taking back, each as `gto show` and `gto history` say."""
    repo, first, second = registered(tmp_path / "repo")
    registry, python, home = opened(repo.path, around), oracle("dvc"), tmp_path / "gto-home"
    steps: list[tuple[Change, str]] = [
        (stage("prod", repo.git("rev-parse", "main"), second), "v1.1.0"),
        (stage("prod", second, first), "v0.9.0"),
        (stage("prod", first, ""), ""),
        (stage("prod", "", second), "v1.1.0"),
    ]
    for number, (change, expected) in enumerate(steps):
        registry.apply(change, stamped(number))
        told = shown(python, home, repo.path)[0]["net"]
        assert told["stages"].get("prod", "") == expected
    found = [one.key for one in registry.scan({}) if isinstance(one, Version) and one.model == "net"]
    source = next(key for key in found if key not in (first, second, repo.git("rev-parse", "main")))
    change = Register(registry="git", model="net", source=source)
    receipt = registry.apply(change, stamped(10))
    assert receipt.after == "v1.1.1"
    assert shown(python, home, repo.path)[0]["net"]["versions"]["v1.1.1"] == source
    gone = Register(registry="git", model="net", source=source, after="v1.1.1", gone=True)
    registry.apply(gone, stamped(11))
    assert "v1.1.1" not in shown(python, home, repo.path)[0]["net"]["versions"]
    registry.apply(gone.inverse(), stamped(12))
    assert shown(python, home, repo.path)[0]["net"]["versions"]["v1.1.1"] == source
    history = json.loads(tool(python, "gto", "history", "net", "--json", cwd=repo.path, home=home))
    newest = [(one["event"], one["author"], one["author_email"]) for one in history[:3]]
    assert newest == [
        ("registration", "mira", "mira@example.com"),
        ("deregistration", "mira", "mira@example.com"),
        ("registration", "mira", "mira@example.com"),
    ]


def test_a_typed_command_line_makes_the_same(tmp_path: Path, around: Surroundings) -> None:
    """`calls` names the tag, the commit and the words that `apply` writes, for a shell as they are."""
    repo, first, _ = registered(tmp_path / "repo")
    repo.git("clone", "-q", "--mirror", str(repo.path), str(tmp_path / "typed.git"))
    registry = opened(repo.path, around)
    now = repo.git("rev-parse", "main")
    stamp = stamped(1)
    calls = registry.calls(stage("prod", now, first), stamp)
    receipt = registry.apply(stage("prod", now, first), stamp)
    assert receipt.calls == calls
    assert calls == (f"git tag -a 'net#prod#2' {first} -m proved -m 'Lineal-Action: {stamp.action}'",)
    typed = Repo(tmp_path / "typed.git", bare=True)
    typed.git(*shlex.split(calls[0])[1:])
    form = "--format=%(refname) %(objecttype) %(*objectname) %(contents)"
    assert typed.git("for-each-ref", form, "refs/tags/net#prod#2") == repo.git(
        "for-each-ref", form, "refs/tags/net#prod#2"
    )


def test_a_remote_has_exactly_the_tag_that_was_made(tmp_path: Path, around: Surroundings) -> None:
    """With `push` the tag goes to the remote, and no other tag does."""
    repo, first, _ = registered(tmp_path / "repo")
    repo.git("clone", "-q", "--bare", str(repo.path), str(tmp_path / "hub.git"))
    repo.git("remote", "add", "hub", str(tmp_path / "hub.git"))
    repo.git("tag", "mine", first)
    registry = opened(repo.path, around, push="hub")
    change = stage("prod", repo.git("rev-parse", "main"), first)
    calls = registry.calls(change, stamped(1))
    assert calls[-1] == "git push hub 'refs/tags/net#prod#2'"
    assert registry.apply(change, stamped(1)).calls == calls
    tags = repo.git("ls-remote", "--tags", "hub")
    assert "refs/tags/net#prod#2" in tags
    assert "mine" not in tags
    again = registry.apply(change, stamped(1))
    assert "already" in again.detail


def test_several_tags_go_together(oracle: Callable[[str], Path], tmp_path: Path, around: Surroundings) -> None:
    """Taking a stage away means one tag for each commit that would show it again, pushed all or none."""
    repo, first, second = registered(tmp_path / "repo")
    repo.git("clone", "-q", "--bare", str(repo.path), str(tmp_path / "hub.git"))
    repo.git("remote", "add", "hub", str(tmp_path / "hub.git"))
    registry = opened(repo.path, around, push="hub")
    for number, (before, after) in enumerate((("", first), (first, second), (second, ""))):
        receipt = registry.apply(stage("dev", before, after), stamped(number))
    assert len(receipt.calls) == 3
    assert receipt.calls[-1].startswith("git push --atomic hub ")
    assert "dev" not in shown(oracle("dvc"), tmp_path / "gto-home", tmp_path / "hub.git")[0]["net"]["stages"]
    assert repo.git("ls-remote", "--tags", "hub").count("#dev") == 2 * 4  # each with its commit


def test_of_many_writers_each_move_is_won_by_one(tmp_path: Path, around: Surroundings) -> None:
    """Processes that move one stage at once: as many tags as winners, and each loser is told and changed nothing."""
    repo, first, second = registered(tmp_path / "repo")
    now = repo.git("rev-parse", "main")
    racers = [(str(repo.path), around.home, number, (now, (first, second)[number % 2])) for number in range(16)]
    with multiprocessing.get_context("spawn").Pool(8) as pool:
        ends = pool.map(_race, racers, chunksize=1)
    assert sorted(set(ends)) == ["Conflict", "won"]
    assert ends.count("won") == 1
    assert len(repo.git("tag", "--list", "net#prod#*").splitlines()) == 2


def test_writers_of_other_stages_all_win(tmp_path: Path, around: Surroundings) -> None:
    """The number at the end is shared: who finds it taken takes the next."""
    repo, first, _ = registered(tmp_path / "repo")
    racers = [(str(repo.path), around.home, number, ("", first)) for number in range(12)]
    with multiprocessing.get_context("spawn").Pool(6) as pool:
        ends = pool.map(_own_stage, racers, chunksize=1)
    assert ends == ["won"] * 12
    names = repo.git("tag", "--list", "net#s*").splitlines()
    assert sorted(int(name.rpartition("#")[2]) for name in names) == list(range(2, 14))


Racer = tuple[str, Path, int, tuple[str, str]]


def _race(racer: Racer) -> str:
    return _moved(racer, "prod")


def _own_stage(racer: Racer) -> str:
    return _moved(racer, f"s{racer[2]}")


def _moved(racer: Racer, alias: str) -> str:
    path, home, number, (before, after) = racer
    registry = opened(Path(path), Surroundings(home, home, {}, lambda: 0.0))
    try:
        registry.apply(stage(alias, before, after), stamped(number))
    except Error as e:
        return type(e).__name__
    return "won"


def test_a_tag_that_gto_made_meanwhile_is_a_conflict(
    tmp_path: Path, around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody without our lock moves the stage between look and tag: what was tagged goes, and it is said."""
    repo, first, second = registered(tmp_path / "repo")
    now = repo.git("rev-parse", "main")
    made = Tagger._made

    def late(self: Tagger, *arguments: Any) -> dict[str, str]:
        repo.tag("net#prod#9", second, at=1_790_000_050)
        monkeypatch.setattr(Tagger, "_made", made)
        return made(self, *arguments)

    monkeypatch.setattr(Tagger, "_made", late)
    with pytest.raises(Conflict):
        opened(repo.path, around).apply(stage("prod", now, first), stamped(1))
    assert repo.git("tag", "--list", "net#prod#*").split() == ["net#prod#1", "net#prod#9"]


@pytest.fixture
def copied(dvc_made: Made, tmp_path: Path) -> Path:
    """A copy of the repository that DVC made, with its cache."""
    shutil.copytree(dvc_made.repo, tmp_path / "repo", symlinks=True)
    return tmp_path / "repo"


def test_dvc_gets_the_bytes_of_a_restored_lock(
    oracle: Callable[[str], Path], dvc_made: Made, copied: Path, tmp_path: Path, around: Surroundings
) -> None:
    """The lock of an old commit on a branch that is not checked out: `dvc get` brings the old model from there."""
    python, home = oracle("dvc"), tmp_path / "dvc-home"
    git = Repo(copied)
    git.git("branch", "back", "main")
    old = dvc_made.commits["first"]
    before, after = git.git("rev-parse", "back:dvc.lock"), git.git("rev-parse", f"{old}:dvc.lock")
    change = Restore(registry="git", model="net", path="dvc.lock", branch="back", before=before, after=after, key=old)
    registry = opened(copied, around)
    assert registry.current(change) == change
    status, index = git.git("status", "--porcelain=v2"), (copied / ".git" / "index").read_bytes()
    receipt = registry.apply(change, stamped(1))
    assert (git.git("status", "--porcelain=v2"), (copied / ".git" / "index").read_bytes()) == (status, index)
    assert git.git("diff", "--name-only", "main", "back") == "dvc.lock"
    assert git.git("log", "-1", "--format=%an <%ae> %at", "back") == "mira <mira@example.com> 1790000101"
    assert receipt.after == after
    tool(python, "dvc", "get", str(copied), "models/net.pt", "--rev", "back", "-o", "got.pt", cwd=tmp_path, home=home)
    assert (tmp_path / "got.pt").read_text().startswith("0.0001 3 ")
    registry.apply(change.inverse(), stamped(2))
    assert git.git("diff", "--name-only", "main", "back") == ""


def test_a_restored_file_is_brought_in_as_the_receipt_says(
    oracle: Callable[[str], Path], dvc_made: Made, copied: Path, tmp_path: Path, around: Surroundings
) -> None:
    """On the branch that is checked out: the receipt's commands make the work tree clean, and `dvc status` agrees."""
    python, home = oracle("dvc"), tmp_path / "dvc-home"
    git = Repo(copied)
    old = dvc_made.commits["first"]
    blobs = [git.git("rev-parse", f"{rev}:dvc.lock") for rev in ("main", old)]
    change = Restore(
        registry="git", model="net", path="dvc.lock", branch="main", before=blobs[0], after=blobs[1], key=old
    )
    receipt = opened(copied, around).apply(change, stamped(1))
    commands = receipt.detail.partition(f"; in {copied}: ")[2]
    assert commands == "git checkout HEAD -- dvc.lock && dvc checkout dvc.yaml"
    for command in commands.split(" && "):
        name, *arguments = command.split()
        tool(python, name, *arguments, cwd=copied, home=home)
    assert git.git("status", "--porcelain", "--untracked-files=no") == ""
    assert (copied / "models" / "net.pt").read_text().startswith("0.0001 3 ")
    outs = json.loads(tool(python, "dvc", "status", "--json", cwd=copied, home=home))
    changed = [said.get("changed outs", {}) for stage in outs.values() for said in stage if isinstance(said, dict)]
    assert not any(path.startswith("models/") for paths in changed for path in paths)
