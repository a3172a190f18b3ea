"""The demo as a workspace, built and synced once, and commands run in it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from lineal import demo
from lineal.config import Surroundings
from tests.cli import running
from tests.cli.running import Said
from tests.conftest import NOW
from tests.sources.checkpoints import safetensors, trainer


class Lab:
    """A workspace and a home, and commands run there."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self.home = home

    def run(self, *words: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> Said:
        """Run a command in this process."""
        return running.inside(*words, cwd=cwd or self.folder, home=self.home, environ=env or {})

    def ok(self, *words: str) -> str:
        """Run a command that must succeed, and return what it wrote on stdout."""
        said = self.run(*words)
        assert said.code == 0, said.err
        return said.out

    def json(self, *words: str) -> Any:
        """Run a command with `--format json` and return the value."""
        import json

        return json.loads(self.ok(*words, "--format", "json"))

    def run_apart(self, *words: str, **environ: str) -> Said:
        """Run a command as a process of its own."""
        return running.apart(*words, cwd=self.folder, home=self.home, **environ)

    def run_pty(self, *words: str, **environ: str) -> tuple[int, bytes]:
        """Run a command on a terminal and return its exit code and the bytes it sent there."""
        return running.on_terminal(*words, cwd=self.folder, home=self.home, environ=environ)

    @property
    def index(self) -> Path:
        """The file of the index."""
        return next((self.home / ".cache" / "lineal" / "index").glob("*-v*.db"))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The demo, synced. Tests only read it."""
    top = tmp_path_factory.mktemp("cli")
    made = Lab(top / "lab", top / "home")
    made.home.mkdir()
    around = Surroundings(top, made.home, running.environment(made.home), lambda: NOW)
    demo.build(made.folder, around, lambda _: None)
    said = made.run("sync")
    assert said.code == 0, said.err
    return made


@pytest.fixture
def small(tmp_path: Path) -> Lab:
    """A workspace of a few checkpoints that a test may do anything to; nothing of it was synced."""
    made = Lab(tmp_path / "work", tmp_path / "home")
    made.home.mkdir()
    trainer(made.folder / "runs" / "bert", steps=(2, 4))
    safetensors(made.folder / "runs" / "loose" / "a.safetensors", {"x": b"1234"}, {"lr": "0.1"})
    return made


@pytest.fixture
def copy(lab: Lab, tmp_path: Path) -> Lab:
    """A copy of the demo, with the index that was made of it, that a test may change."""
    shutil.copytree(lab.folder, tmp_path / "lab", symlinks=True)
    made = Lab(tmp_path / "lab", tmp_path / "home")
    made.home.mkdir()
    return made


def root_user() -> bool:
    """Say whether permissions mean nothing to this process."""
    return os.geteuid() == 0
