"""The command as a process: what it imports, what it does in a pipe, on a terminal and in a shell."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lineal import __version__
from tests.cli import running
from tests.cli.conftest import Lab
from tests.sources.checkpoints import safetensors

HEAVY = {"sqlalchemy", "numpy", "deepdiff", "plotext", "textual", "blake3"}
ERASE = b"\r\x1b[K"


def imported(lab: Lab, *words: str) -> set[str]:
    """Return the names of every module that a command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "lineal", *words],
        cwd=lab.folder,
        env=running.environment(lab.home),
        capture_output=True,
        text=True,
        timeout=running.LIMIT,
        check=True,
    )
    return {match[1] for match in re.finditer(r"^import time:.*\| +(\S+)$", done.stderr, re.M)}


def test_the_version_is_told_before_anything_is_imported(lab: Lab) -> None:
    assert lab.run_apart("--version") == (0, f"lineal {__version__}\n", "")
    assert not imported(lab, "--version") & ({"click", "msgspec"} | HEAVY)
    assert lab.run("-C", ".", "--version").out == f"lineal {__version__}\n"


@pytest.mark.parametrize("words", [("ls",), ("ls", "--format", "json"), ("show", "mlflow:fraud-scorer@v8")])
def test_reads_of_an_index_that_is_up_to_date_import_nothing_heavy(lab: Lab, words: tuple[str, ...]) -> None:
    assert lab.run("sync").code == 0
    found = imported(lab, *words)
    assert "click" in found
    assert found & HEAVY == set()


def test_completion_and_help_import_neither_an_index_nor_a_registry(lab: Lab) -> None:
    for words in (("completion", "bash"), ("--help",), ("diff", "--help")):
        found = imported(lab, *words)
        assert found & (HEAVY | {"urllib3", "yaml", "lineal.registries.mlflow"}) == set()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_one_for_that_shell(lab: Lab, shell: str) -> None:
    script = lab.ok("completion", shell)
    assert f"_LINEAL_COMPLETE={shell}_complete" in script
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def completed(lab: Lab, *words: str) -> list[str]:
    """Return what a shell would offer for the last word."""
    asked = {"_LINEAL_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(["lineal", *words]),
             "COMP_CWORD": str(len(words))}  # fmt: skip
    said = lab.run_apart(**asked)
    assert said.code == 0, said.err
    return [line.partition(",")[2] for line in said.out.splitlines() if line]


def test_verbs_options_models_and_versions_complete(lab: Lab) -> None:
    assert {"ls", "lineage"} <= set(completed(lab, "l"))
    assert "--columns" in completed(lab, "ls", "--co")
    assert completed(lab, "show", "mlflow:fraud-scorer-") == ["mlflow:fraud-scorer-edge"]
    assert "mlflow:fraud-scorer@champion" in completed(lab, "show", "mlflow:fraud-scorer@ch")
    assert completed(lab, "show", "nobody@x") == []


def test_a_reader_that_goes_away_is_no_error(lab: Lab) -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; for i in 1 2 3; do '{sys.executable}' -m lineal ls | head -n 1; done"],
        cwd=lab.folder,
        env=running.environment(lab.home),
        capture_output=True,
        text=True,
        timeout=running.LIMIT,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0].startswith("REGISTRY")


@pytest.mark.parametrize("words", [("ls",), ("ls", "--format", "json"), ("show", "mlflow:fraud-scorer@v8")])
def test_a_pipe_that_is_closed_at_once_is_no_error(lab: Lab, words: tuple[str, ...]) -> None:
    process = running.start(*words, cwd=lab.folder, home=lab.home)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 0
    assert said == ""


def test_a_disk_that_is_full_for_the_output_is_said(lab: Lab) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    done = subprocess.run(
        ["bash", "-c", f"'{sys.executable}' -m lineal ls > /dev/full"],
        cwd=lab.folder,
        env=running.environment(lab.home),
        capture_output=True,
        text=True,
        timeout=running.LIMIT,
        check=False,
    )
    assert done.returncode == 8
    assert done.stderr.splitlines()[0] == "lineal: no space left on the disk that the output goes to"
    assert len(done.stderr.splitlines()) == 2


def test_output_that_the_locale_cannot_spell_is_no_error(lab: Lab, small: Lab) -> None:
    words = ("diff", "mlflow:fraud-scorer@v5", "mlflow:fraud-scorer@v6")
    said = lab.run_apart(*words, LC_ALL="C", PYTHONIOENCODING="ascii")
    assert said.code == 0, said.err
    assert "v5 \\u25c2" in said.out
    safetensors(small.folder / "runs" / "b\xe9ta \U0001f600" / "m.safetensors", {"x": b"1"})
    small.ok("sync")
    spelt = small.run_apart("--no-sync", "ls", "--format", "json", LC_ALL="C", PYTHONIOENCODING="ascii")
    assert spelt.out.isascii()
    assert json.loads(spelt.out) == small.json("--no-sync", "ls")


def test_progress_on_a_terminal_is_one_line_painted_over(small: Lab) -> None:
    code, sent = small.run_pty("sync")
    assert code == 0
    assert ERASE in sent
    rest = sent.replace(ERASE, b"")
    assert b"\x1b" not in rest
    lines = rest.decode().split("\r\n")
    assert any(line.endswith("files hashed") for line in lines)


def test_a_read_on_a_terminal_leaves_no_progress_behind(small: Lab) -> None:
    code, sent = small.run_pty("ls", "--format", "json")
    assert code == 0
    shown = sent.rpartition(ERASE)[2].decode()
    assert len(json.loads(shown)) == 4


def test_doctor_looks_at_everything_and_shows_no_secret(lab: Lab) -> None:
    found = {item["what"]: item for item in lab.json("doctor")}
    registries = {"risk-models", "mlflow", "hub", "runs"}
    assert {"lineal", "git", "sqlite", "terminal", "workspace", "policy", "index"} | registries == set(found)
    assert all(set(item) == {"what", "health", "says", "hint"} for item in found.values())
    assert {item["health"] for item in found.values()} == {"ok", "note"}
    said = lab.run("doctor", env={"MLFLOW_TRACKING_TOKEN": "hunter2", "MLFLOW_TRACKING_PASSWORD": "hunter3"})
    assert "hunter" not in said.out + said.err


@pytest.mark.parametrize("form", ["table", "csv", "md"])
def test_doctor_in_every_format(lab: Lab, form: str) -> None:
    assert len(lab.ok("doctor", "--format", form).splitlines()) == 11 + (2 if form == "md" else 1)


def test_doctor_finds_a_registry_that_is_gone_bad_and_exits_with_1(small: Lab) -> None:
    (small.folder / "lineal.toml").write_text('[registries.lost]\nkind = "mlflow"\nurl = "no/such/mlruns"\n')
    said = small.run("doctor", "--format", "json")
    assert said.code == 1
    (lost,) = [item for item in json.loads(said.out) if item["what"] == "lost"]
    assert lost["health"] == "bad"
    assert lost["hint"]


def test_the_demo_is_built_synced_and_left_closed_where_asked(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    here = Lab(tmp_path, tmp_path / "home")
    said = here.run_apart("demo", "--no-open", "--path", "my lab")
    assert (said.code, said.out) == (0, ""), said.err
    assert f"open it with: lineal -C '{tmp_path / 'my lab'}'" in said.err
    assert len(json.loads(here.ok("-C", "my lab", "ls", "--format", "json"))) == 60


_WHEN_NUMPY_COMES = """
import os, sys
class Ear:
    def find_spec(self, name, *rest):
        if name == "numpy":
            os.write(1, os.environ.get("OPENBLAS_NUM_THREADS", "as many as there are cores").encode())
            os._exit(0)
sys.meta_path.insert(0, Ear())
from lineal import cli
cli.main(["demo", "--no-open", "--path", sys.argv[1]])
"""


def test_the_demo_keeps_numpy_to_one_thread(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WHEN_NUMPY_COMES, str(tmp_path / "demo")],
        env=running.environment(tmp_path), capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout == "1"


def test_a_demo_is_not_built_over_something_else(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("years")
    said = Lab(tmp_path, tmp_path / "home").run("demo", "--no-open", "--path", "thesis")
    assert said.code == 2
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["thesis.tex"]
