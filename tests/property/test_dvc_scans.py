"""Random histories of git: scans after changes leave what a first scan leaves, and versions are where models differ."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

import pytest
import yaml

from lineal.config import RegistrySpec, Surroundings
from lineal.model.version import Kind, Version
from lineal.registries import connect
from lineal.testing import Fold
from tests.sources.dvc import START, Content, Repo, dvc_file, dvc_lock, out, pointer

ROUNDS, CHANGES = 4, 6
_NAMES = ("a.pt", "b.bin", "deep/c.onnx")
Tree = dict[str, str]


class History:
    """One repository and the random things that happen to it."""

    def __init__(self, path: Path, seed: int) -> None:
        self.repo, self.random = Repo(path), Random(seed)
        self.repo.commit({"README": "first"})

    def change(self) -> None:
        """Do one thing."""
        doing: tuple[Callable[[], object], ...] = (
            self.train,
            self.move,
            self.remove,
            self.branch,
            self.merge,
            self.rewrite,
            self.tag,
            self.untag,
            self.experiment,
        )
        self.random.choices(doing, (12, 4, 2, 2, 3, 1, 2, 1, 1))[0]()

    def _branches(self) -> list[str]:
        return self.repo.git("for-each-ref", "--format=%(refname:short)", "refs/heads").splitlines()

    def _branch(self) -> str:
        return self.random.choice(self._branches())

    def _commits(self) -> list[str]:
        return self.repo.git("rev-list", "--all").splitlines()

    def _files(self) -> dict[str, Content]:
        """Return a changed model: under DVC by itself, out of a stage, in git, or as a pointer of git-lfs."""
        name, data = self.random.choice(_NAMES), b"%d" % self.random.randrange(4)
        match self.random.randrange(4):
            case 0:
                return {f"models/{name}.dvc": dvc_file(out(name.rpartition("/")[2], data))}
            case 1:
                stage = {"cmd": f"train {self.random.randrange(2)}", "outs": [out(f"models/{name}", data)]}
                return {"dvc.lock": dvc_lock(train=stage), "params.yaml": f"lr: {self.random.randrange(3)}\n"}
            case 2:
                return {f"export/{name}": data}
            case _:
                return {f"export/{name}": pointer(data)}

    def _commit(self, files: dict[str, Content], branch: str, parents: list[str] | None = None) -> None:
        """Commit, and take a model out of the other file of DVC that has it: DVC allows it in one only."""
        there = self._paths(branch)
        if any(path.endswith(".dvc") and content for path, content in files.items()) and "dvc.lock" in there:
            lock = self.repo.git("show", f"{branch}:dvc.lock")
            files = files | ({"dvc.lock": None} if any(f"{path[:-4]}\n" in lock for path in files) else {})
        elif lock_file := files.get("dvc.lock"):
            files = files | {
                path: None for path in there if path.endswith(".dvc") and f"{path[:-4]}\n" in str(lock_file)
            }
        self.repo.commit(files, branch=branch, parents=parents)

    def _paths(self, branch: str) -> list[str]:
        return self.repo.git("ls-tree", "-r", "--name-only", branch).splitlines()

    def train(self) -> None:
        """Change a model."""
        self._commit(self._files(), self._branch())

    def move(self) -> None:
        """Hand a model from one file of DVC to another, or move its file, in one commit."""
        branch, name = self._branch(), self.random.choice(_NAMES)
        old = dict.fromkeys(
            self.repo.git("ls-tree", "-r", "--name-only", branch, "--", "models", "export").splitlines()
        )
        gone: dict[str, Content] = {path: None for path in old if self.random.random() < 0.5}
        stage = {"cmd": "train", "outs": [out(f"models/{name}", b"moved")]}
        self._commit({**gone, "dvc.lock": dvc_lock(train=stage)}, branch)

    def remove(self) -> None:
        """Delete a file that is there."""
        branch = self._branch()
        self._commit(dict.fromkeys(self._paths(branch)[-1:]), branch)

    def branch(self) -> None:
        """Start a branch somewhere."""
        self.repo.git("branch", "-f", f"side/{self.random.randrange(3)}", self.random.choice(self._commits()))

    def merge(self) -> None:
        """Merge one branch into another, taking one side, with or without a change of its own."""
        into, other = self._branch(), self._branch()
        files = self._files() if self.random.random() < 0.5 else {}
        self._commit(files, into, [into, other])

    def rewrite(self) -> None:
        """Point a branch at another commit, as after a rebase, and forget what nothing reaches."""
        self.repo.git("update-ref", f"refs/heads/{self._branch()}", self.random.choice(self._commits()))
        self.repo.git("reflog", "expire", "--expire=now", "--all")

    def tag(self) -> None:
        """Tag a commit, plainly or for GTO."""
        number, commit = self.random.randrange(4), self.random.choice(self._commits())
        name = self.random.choice((f"paper-{number}", f"net@v0.{number}.0", f"net#prod#{number}"))
        if name not in self.repo.git("tag").splitlines():
            self.repo.tag(name, commit, at=START + 50_000 + self.random.randrange(3))

    def untag(self) -> None:
        """Delete a tag."""
        for name in self.repo.git("tag").splitlines()[:1]:
            self.repo.git("tag", "-d", name)

    def experiment(self) -> None:
        """Save an experiment, which may leave all models as they are."""
        base = self.repo.git("rev-parse", self._branch())
        files: dict[str, Content] = {"params.yaml": "lr: 9\n"}
        if self.random.random() < 0.7:
            files[f"export/{self.random.choice(_NAMES)}"] = b"tried"
        self.repo.commit(files, ref=f"refs/exps/{base[:2]}/{base[2:]}/e{self.random.randrange(3)}", parents=[base])


def naive(repo: Repo) -> Callable[[str], Tree]:
    """Return a function that reads the models of one commit in the plainest way."""

    @cache
    def models(commit: str) -> Tree:
        found: Tree = {}
        for line in repo.git("ls-tree", "-r", commit).splitlines() if commit else []:
            head, path = line.split("\t")
            if path.endswith(".dvc") or path == "dvc.lock":
                document = yaml.safe_load(repo.git("show", f"{commit}:{path}"))
                for stage in document["stages"].values() if path == "dvc.lock" else [document]:
                    for entry in stage["outs"]:
                        folder = "" if path == "dvc.lock" else path[: path.rfind("/") + 1]
                        found[folder + entry["path"]] = repr((entry, stage.get("cmd")))
            elif path.startswith("export/"):
                found[path] = head.split()[2]
        return found

    return models


def differing(repo: Repo, models: Callable[[str], Tree]) -> set[tuple[str, str]]:
    """Return (path, commit) where a model is not what it is in the first parent."""
    found: set[tuple[str, str]] = set()
    for line in repo.git("rev-list", "--all", "--parents").splitlines():
        commit, *parents = line.split()
        before = models(parents[0] if parents else "")
        found |= {(path, commit) for path, said in models(commit).items() if before.get(path) != said}
    return found


@pytest.mark.parametrize("seed", range(10))
def test_scans_of_random_histories(seed: int, tmp_path: Path, around: Surroundings) -> None:
    """A scan on top of older ones leaves the rows of a first one, and versions are exactly where models differ."""
    history = History(tmp_path / "repo", seed)
    spec = RegistrySpec(name="git", kind="dvc", url=str(history.repo.path))
    kept, models = Fold(), naive(history.repo)
    for _ in range(ROUNDS):
        for _ in range(CHANGES):
            history.change()
        kept.apply(connect(spec, around).scan(dict(kept.cursors)))
        first = Fold().apply(connect(spec, around).scan({}))
        assert kept.rows() == first.rows()
        assert kept.cursors == first.cursors
        _check(first.of(Version), history.repo, models)


def _check(found: list[Version], repo: Repo, models: Callable[[str], Tree]) -> None:
    expected = differing(repo, models)
    said = {(version.model, version.key): version for version in found}
    assert expected <= said.keys()
    for name, version in said.items():
        asked_for = version.kind is Kind.EXPERIMENT or version.model == "net"
        assert name in expected or asked_for
        if name in expected:
            assert version.files
