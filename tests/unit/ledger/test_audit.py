"""`lineal audit`: what it says, and the code it ends with."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from lineal.cli.audit import command
from lineal.cli.context import Context
from lineal.config import Surroundings
from lineal.errors import ConfigError, NotFound
from lineal.ledger import events
from tests import shelves


@pytest.fixture
def store(tmp_path: Path) -> Path:
    with shelves.shelf(tmp_path, ".lineal/store") as shelf:
        for mark in range(3):
            shelves.commit(shelf, {"w": bytes([mark])}, tmp_path)
    return tmp_path / ".lineal" / "store"


def audit(folder: Path, *words: str) -> int:
    context = Context()
    context.around = Surroundings(folder, folder / "home", {"LINEAL_AUTHOR": "mira"}, lambda: shelves.NOW)
    result = command.main(
        list(words), prog_name="audit", standalone_mode=False, obj=context, help_option_names=["-h", "--help"]
    )
    return result if isinstance(result, int) else 0


def test_a_sound_ledger_is_said_to_be_sound(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(tmp_path, "head", "--format", "json") == 0
    head = json.loads(capsys.readouterr().out)
    last = (store / events.key(3)).read_bytes()
    assert (head["number"], head["hash"]) == (3, events.digest(last))
    assert head["at"].startswith("2023-")
    assert audit(tmp_path, "anchor", "elsewhere") == 0
    assert head["hash"] in capsys.readouterr().err
    assert audit(tmp_path, "verify", "--anchor", "elsewhere", "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["entries"], found["anchors"], found["problems"]) == (3, 1, [])


@pytest.mark.parametrize("form", ["table", "json", "csv", "md"])
def test_a_ledger_that_was_cut_short_ends_with_7(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    assert audit(tmp_path, "anchor", "elsewhere") == 0
    (store / events.key(3)).unlink()
    capsys.readouterr()
    assert audit(tmp_path, "verify", "--anchor", "elsewhere", "--format", form) == 7
    said = capsys.readouterr()
    assert "cut short" in said.out
    assert "hint:" in said.err
    assert not (store / events.key(3)).exists()


def test_a_git_repository_holds_anchors(store: Path, tmp_path: Path) -> None:
    for words in (["init", "-q"], ["-c", "user.name=M", "-c", "user.email=m@x", "commit", "-qm", "a", "--allow-empty"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    subprocess.run(["git", "config", "user.name", "Mira"], cwd=tmp_path, check=True)
    subprocess.run(["git", "config", "user.email", "m@example.com"], cwd=tmp_path, check=True)
    for where in ("git:.", f"git:{tmp_path}", "git:"):
        assert audit(tmp_path, "anchor", where) == 0
        assert audit(tmp_path, "verify", "--anchor", where) == 0
    assert subprocess.check_output(["git", "tag"], cwd=tmp_path, text=True).split() == ["lineal/ledger/3"]


def test_what_makes_no_sense_is_refused_with_a_hint(store: Path, tmp_path: Path) -> None:
    for words in (
        ["anchor", "elsewhere", "--sign"],
        ["anchor", str(store)],
        ["anchor", "git:nowhere"],
        ["anchor", "ftp://x/y"],
    ):
        with pytest.raises(ConfigError) as caught:
            audit(tmp_path, *words)
        assert caught.value.hint
    assert not (tmp_path / "elsewhere").exists()
    with pytest.raises(NotFound) as missing:
        audit(tmp_path, "verify", "--store", "nowhere")
    assert missing.value.hint
    assert audit(tmp_path, "verify", "--anchor", "elsewhere") == 7  # nobody ever anchored there
