"""The first minute of somebody who has models and no configuration, with the command as it is installed."""

from __future__ import annotations

import json
import os
import re
import shlex
import time
from pathlib import Path

import pytest

from tests.cli import running
from tests.cli.conftest import Lab
from tests.sources import dvc, huggingface, mlflow
from tests.sources.checkpoints import safetensors, trainer

PROGRAM = ("-m", "lineal_tui.main")  # what the console script calls


@pytest.fixture
def box(tmp_path: Path) -> Lab:
    """A project as people have them: a git repository, old runs, checkpoints, a cache at home. Nothing names any."""
    made = Lab(tmp_path / "project", tmp_path / "home")
    made.home.mkdir()
    repo = dvc.Repo(made.folder)
    weights = b"weights"
    repo.commit(
        {
            "models/churn.bin.dvc": dvc.dvc_file(dvc.out("churn.bin", weights)),
            "dvc.yaml": dvc.dvc_yaml(artifacts={"churn": {"path": "models/churn.bin", "type": "model"}}),
            ".dvc/config": "",
        }
    )
    repo.tag("churn@v1.0.0")
    repo.check_out()
    mlflow.lay_out(made.folder / "mlruns")
    mlflow.register(made.folder / "mlruns", "scorer", 1, "a" * 32)
    trainer(made.folder / "runs" / "bert")
    safetensors(
        made.folder / "lightning_logs" / "version_0" / "checkpoints" / "epoch=1-step=2.safetensors", {"w": b"1"}
    )
    cache = made.home / ".cache" / "huggingface" / "hub"
    huggingface.lay_out(cache, "acme/base", huggingface.commit_of("1"), {"config.json": b"{}"}, ("main",))
    return made


def test_everything_in_and_around_the_folder_is_found_and_listed_by_one_command(box: Lab) -> None:
    said = box.run_apart("ls", "--format", "json")
    assert said.code == 0, said.err
    items = json.loads(said.out)
    found = {(item["kind"], item["model"]) for item in items}
    assert {("registered", "churn"), ("registered", "scorer"), ("snapshot", "acme/base")} <= found
    assert {kind for kind, _ in found} >= {"checkpoint"}
    assert any(model.startswith("bert") or "/bert" in model or model == "bert" for _, model in found), found
    kinds = {item["kind"] for item in box.json("registry", "ls")}
    assert kinds == {"dvc", "mlflow", "huggingface", "checkpoints"}


def test_a_folder_below_finds_the_same_workspace(box: Lab) -> None:
    above = box.json("ls")
    assert json.loads(box.run("ls", "--format", "json", cwd=box.folder / "runs").out) == above
    assert len({item["reference"] for item in above}) == len(above)


def test_the_server_of_the_environment_is_found_and_its_absence_stops_nobody(box: Lab) -> None:
    far = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    said = box.run("sync", env=far)
    assert said.code == 6
    assert "127.0.0.1:9" in said.err
    read = box.run("ls", "--format", "json", env=far)
    assert read.code == 0
    assert json.loads(read.out)


def test_nothing_is_written_into_the_project_by_looking(box: Lab) -> None:
    def tree() -> dict[str, float]:
        return {str(path): path.stat().st_mtime for path in box.folder.rglob("*")}

    before = tree()
    for words in (("sync",), ("ls",), ("doctor",), ("registry", "ls"), ("show", "scorer"), ("lineage", "churn")):
        assert box.run(*words).code == 0
    assert tree() == before


def test_an_empty_folder_says_what_to_do_next_and_that_works(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "empty").mkdir()
    lab = Lab(tmp_path / "empty", tmp_path / "home")
    said = lab.run_apart("ls")
    assert said.code == 0
    assert "`lineal demo`" in said.err
    started = time.monotonic()
    built = lab.run_apart("demo", "--no-open")
    assert built.code == 0, built.err
    print(f"\nthe demo was built and synced in {time.monotonic() - started:.1f} s")
    (opening,) = re.findall(r"open it with: (lineal -C .*)", built.err)
    assert len(lab.json(*opening.split()[1:], "ls")) > 50


@pytest.mark.parametrize("line", re.findall(r"^    lineal (.*?)(?: +#.*)?$", (
    Path(__file__).parents[2] / "core/lineal/demo/workspace.py").read_text(), re.M))  # fmt: skip
def test_every_command_that_the_demos_readme_shows_works(demo_lab: Lab, line: str) -> None:
    words = shlex.split(line)
    dry = ["--dry-run"] if words[0] in ("approve", "rollback") else []  # which ask before they do anything
    said = demo_lab.run(*words, *dry)
    assert said.code == (1 if words[0] == "check" else 0), said.err  # the one that must not ship
    assert len(said.out.splitlines()) >= 3


def readme_lines() -> list[str]:
    """Return the commands of README's chapter about the command line."""
    text = (Path(__file__).parents[2] / "README.md").read_text()
    chapter = text.partition("## The command line")[2].partition("\n## ")[0]
    return re.findall(r"^lineal .*$", chapter, re.M)


@pytest.mark.parametrize("line", readme_lines())
def test_every_command_of_the_readme_works_on_the_demo(demo_lab: Lab, line: str) -> None:
    for part in line.split(" && "):
        words = shlex.split(part)
        assert words[0] == "lineal"
        said = demo_lab.run(*words[1:])
        assert said.code == (1 if "--exit-code" in words else 0), said.err
        assert "lineal: " not in said.err


@pytest.fixture(scope="module")
def demo_lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The demo, as `lineal demo` leaves it."""
    top = tmp_path_factory.mktemp("first")
    made = Lab(top / "lab", top / "home")
    made.home.mkdir()
    said = running.apart("demo", "--no-open", "--path", "lab", cwd=top, home=made.home)
    assert said.code == 0, said.err
    return made


def test_the_application_opens_shows_the_models_and_quits(demo_lab: Lab) -> None:
    """The whole thing on a real terminal: `lineal`, a look, `q`, and the terminal is as it was."""
    typed: list[str] = []

    def watch(sent: bytes, terminal: int) -> None:
        if not typed and b"fraud-scorer" in sent:
            typed.append("q")
            os.write(terminal, b"q")
        elif typed == ["q"] and b"uit" in sent[-20_000:]:
            typed.append("again")
            time.sleep(0.5)
            os.write(terminal, b"q")

    code, sent = running.on_terminal(cwd=demo_lab.folder, home=demo_lab.home, program=PROGRAM, watch=watch)
    assert typed, sent[-2000:]
    assert code == 0
    assert b"Traceback" not in sent
    assert sent.count(b"\x1b[?1049h") == sent.count(b"\x1b[?1049l") == 1, "the screen of before comes back"
    assert b"\x1b[?25h" in sent[-300:], "and so does the cursor"
