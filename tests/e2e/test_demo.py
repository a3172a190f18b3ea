"""The demo is made of registries that their own tools read, tells the story it claims to, and is always the same."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lineal import config, demo
from lineal.config import RegistrySpec, Surroundings
from lineal.demo import story
from lineal.errors import ConfigError
from lineal.model.records import Alias, Edge, EdgeKind, Problem, Record
from lineal.model.values import Goal
from lineal.model.version import Kind, Place, State, Version
from lineal.registries import connect
from tests.sources.huggingface import client

Oracle = Callable[[str], Path]
NOW = 1_790_000_000.0
SCRIPTS = Path(__file__).parent.parent / "oracles" / "scripts"
GTO = ("-c", "from gto.cli import app; app()")
REGISTRIES = {
    "risk-models": ("dvc", "risk-models"),
    "mlflow": ("mlflow", "mlruns"),
    "hub": ("huggingface", "hub"),
    "runs": ("checkpoints", "runs"),
}


def surroundings(folder: Path) -> Surroundings:
    """Surroundings that hold nothing but the way to git."""
    return Surroundings(folder, folder, {"PATH": os.environ["PATH"]}, lambda: NOW)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo, built once; tests that let foreign tools at it take a copy."""
    place = tmp_path_factory.mktemp("demo") / "my lab"
    started = time.perf_counter()
    demo.build(place, surroundings(place.parent), lambda _: None)
    print(f"\nthe demo was built in {time.perf_counter() - started:.1f} s")
    return place


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """A copy of the demo that a tool may write to."""
    return Path(shutil.copytree(root, tmp_path / "copy", symlinks=True))


def scan(root: Path, name: str) -> list[Record]:
    """Read one of the demo's registries with Lineal."""
    kind, url = REGISTRIES[name]
    registry = connect(RegistrySpec(name=name, kind=kind, url=str(root / url)), surroundings(root))
    try:
        return list(registry.scan({}))
    finally:
        registry.close()


def versions(records: list[Record]) -> list[Version]:
    """Return the versions among records."""
    return [record for record in records if isinstance(record, Version)]


def contents(root: Path) -> dict[str, str]:
    """Return the hash of every file and the target of every link; git's index holds times of inodes, so not that."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_symlink():
            found[str(path.relative_to(root))] = str(path.readlink())
        elif path.is_file() and path.name != "index":
            found[str(path.relative_to(root))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def run(python: Path, folder: Path, *arguments: str, **more: str) -> str:
    """Run a module of a foreign environment and return what it prints."""
    environ = {
        "HOME": str(folder.parent),
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "DVC_NO_ANALYTICS": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "LC_ALL": "C.UTF-8",
        **more,
    }
    done = subprocess.run(
        [str(python), *arguments], cwd=folder, env=environ, capture_output=True, text=True, timeout=180
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class TestBuilding:
    """What `build` promises."""

    def test_the_same_folder_and_hour_give_the_same_bytes(self, root: Path) -> None:
        before = contents(root)
        demo.build(root, surroundings(root.parent), lambda _: None)
        assert contents(root) == before

    def test_what_lies_beside_an_earlier_demo_stays(self, copy: Path) -> None:
        (copy / "notes.txt").write_text("mine")
        (copy / "hub" / "junk").write_text("not a demo's")
        demo.build(copy, surroundings(copy.parent), lambda _: None)
        assert (copy / "notes.txt").read_text() == "mine"
        assert not (copy / "hub" / "junk").exists()

    def test_a_link_in_place_of_a_registry_is_removed_and_not_followed(self, copy: Path, tmp_path: Path) -> None:
        elsewhere = tmp_path / "elsewhere"
        shutil.move(copy / "runs", elsewhere)
        (copy / "runs").symlink_to(elsewhere)
        before = contents(elsewhere)
        demo.build(copy, surroundings(copy.parent), lambda _: None)
        assert contents(elsewhere) == before
        assert not (copy / "runs").is_symlink()

    def test_a_folder_that_holds_something_else_is_refused_and_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.tex").write_text("years of work")
        with pytest.raises(ConfigError, match="not empty") as caught:
            demo.build(tmp_path, surroundings(tmp_path), lambda _: None)
        assert caught.value.hint
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]

    def test_a_file_in_the_way_is_an_error_with_a_hint(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(ConfigError) as caught:
            demo.build(tmp_path / "file", surroundings(tmp_path), lambda _: None)
        assert caught.value.hint

    def test_git_missing_is_an_error_with_a_hint(self, tmp_path: Path) -> None:
        around = msgspec.structs.replace(surroundings(tmp_path), environ={"PATH": "/nonexistent"})
        with pytest.raises(ConfigError, match="needs git") as caught:
            demo.build(tmp_path / "new", around, lambda _: None)
        assert caught.value.hint

    def test_nothing_is_pickled(self, root: Path) -> None:
        assert not [path for path in root.rglob("*") if path.suffix in {".pkl", ".pt", ".ckpt", ".bin", ".joblib"}]

    def test_the_configuration_names_every_registry_and_looks_for_no_other(self, root: Path) -> None:
        document = config.read(root / "lineal.toml")
        assert {name: (entry.kind, entry.url) for name, entry in document.registries.items()} == REGISTRIES
        assert document.metrics["auc"] == Goal.MAX
        assert not document.discovery.enabled


class TestDvc:
    """`dvc` and `gto` read the repository as meant."""

    def test_the_pipeline_is_up_to_date_and_the_data_is_there(self, oracle: Oracle, copy: Path) -> None:
        python, folder = oracle("dvc"), copy / "risk-models"
        assert json.loads(run(python, folder, "-m", "dvc", "status", "--json")) == {}
        assert json.loads(run(python, folder, "-m", "dvc", "data", "status", "--json")) == {}

    def test_metrics_of_every_release_are_those_of_its_model(self, oracle: Oracle, copy: Path) -> None:
        python, folder = oracle("dvc"), copy / "risk-models"
        shown = json.loads(run(python, folder, "-m", "dvc", "metrics", "show", "--all-tags", "--json"))
        by_tag = {
            tag: entry["data"]["metrics.json"]["data"] for names, entry in shown.items() for tag in names.split(",")
        }
        scores = {number: by_tag[f"fraud@v{story.released(number).semver}"]["auc"] for number in range(1, 10)}
        mine = {
            version.name.removeprefix("v"): {metric.name: metric.value for metric in version.metrics}["auc"]
            for version in versions(scan(copy, "mlflow"))
            if version.model == "fraud-scorer"
        }
        assert mine == {str(number): score for number, score in scores.items()}
        assert scores[6] < scores[5] - 0.005  # the bad one
        assert scores[1] < scores[2] < scores[3] < scores[4] < scores[5] < scores[7] < scores[9]

    def test_experiments_hang_on_the_head_of_main(self, oracle: Oracle, copy: Path) -> None:
        python, folder = oracle("dvc"), copy / "risk-models"
        rows = list(csv.DictReader(io.StringIO(run(python, folder, "-m", "dvc", "exp", "show", "--csv"))))
        named = {row["Experiment"]: row for row in rows if row["Experiment"]}
        assert set(named) == {"hot-lr", "wide-128"}
        assert float(named["hot-lr"]["train.lr"]) == 0.01
        assert float(named["wide-128"]["auc"]) > 0.85

    def test_pull_brings_everything_back_from_the_remote(self, oracle: Oracle, copy: Path) -> None:
        python, folder = oracle("dvc"), copy / "risk-models"
        shutil.rmtree(folder / ".dvc" / "cache")
        model = folder / "models" / "fraud.safetensors"
        before = model.read_bytes()
        model.unlink()
        run(python, folder, "-m", "dvc", "pull", "-q")
        assert model.read_bytes() == before

    def test_its_scripts_make_the_models_that_it_holds(self, oracle: Oracle, copy: Path) -> None:
        """quantize.py gives the same bytes; train.py and churn.py the same scores, to what another BLAS may change.

        train.py asks the hub client for the base model, which serves it from the demo's cache, with no network.
        """
        python, training, folder = oracle("dvc"), oracle("training"), copy / "risk-models"
        subprocess.run(["git", "checkout", "-q", "-f", "fraud@v2.0.0"], cwd=folder, check=True)
        run(python, folder, "-m", "dvc", "pull", "-q", "-f")
        quantised = (folder / "models" / "fraud-q8.gguf").read_bytes()
        scores = {name: json.loads((folder / name).read_text()) for name in ("metrics.json", "churn/metrics.json")}
        for script in ("quantize.py", "churn.py", "train.py"):
            run(training, folder, script, HF_HUB_CACHE=str(copy / "hub"), HF_HUB_OFFLINE="1")
        assert (folder / "models" / "fraud-q8.gguf").read_bytes() == quantised
        for name, expected in scores.items():
            assert json.loads((folder / name).read_text()) == pytest.approx(expected, abs=5e-3)

    def test_gto_sees_versions_stages_and_the_rollback(self, oracle: Oracle, copy: Path) -> None:
        python, folder = oracle("dvc"), copy / "risk-models"
        shown = json.loads(run(python, folder, *GTO, "show", "--json"))
        assert {
            name: (entry["version"], {stage: value for stage, value in entry["stage"].items() if value})
            for name, entry in shown.items()
        } == {
            "churn": ("v0.3.0", {"prod": "v0.3.0"}),
            "fraud": ("v2.3.0", {"prod": "v2.2.0", "staging": "v2.3.0"}),
            "fraud-q8": ("v2.2.0", {"edge": "v2.2.0"}),
        }
        history = json.loads(run(python, folder, *GTO, "history", "fraud", "--json"))
        live = [event["version"] for event in history[::-1] if event["stage"] == "prod"]
        assert live == ["v1.0.0", "v1.0.1", "v1.2.0", "v2.0.0", "v2.1.0", "v2.0.0", "v2.1.1", "v2.2.0"]


@pytest.fixture(scope="module")
def theirs(oracle: Oracle, root: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What MLflow's own client says of the store, which it leaves as it is."""
    python, home = oracle("mlflow"), tmp_path_factory.mktemp("home")
    (home / "work").mkdir()
    before = contents(root / "mlruns")
    said = run(python, home / "work", str(SCRIPTS / "demo_mlflow.py"), (root / "mlruns").as_uri())
    assert contents(root / "mlruns") == before
    found: dict[str, Any] = json.loads(said)
    return found


class TestMlflow:
    """MLflow opens the store and finds what Lineal finds."""

    def test_models_versions_and_aliases(self, theirs: dict[str, Any]) -> None:
        models = theirs["models"]
        assert {name: len(model["versions"]) for name, model in models.items()} == {
            "fraud-scorer": 9,
            "fraud-scorer-edge": 2,
            "prod.fraud-scorer": 1,
        }
        assert models["fraud-scorer"]["aliases"] == {"champion": "8", "challenger": "9", "baseline": "5"}
        assert models["fraud-scorer"]["versions"]["6"]["tags"]["validation"] == "failed"
        assert models["prod.fraud-scorer"]["versions"]["1"]["source"] == "models:/fraud-scorer/8"
        for version in models["fraud-scorer"]["versions"].values():
            assert {"MLmodel", "model.safetensors", "requirements.txt"} <= set(version["artifacts"])

    def test_runs_with_params_histories_inputs_and_commits(self, theirs: dict[str, Any], root: Path) -> None:
        run = theirs["runs"]["fraud-2.3.0"]
        assert run["params"]["lr"] == "0.0003"
        assert [step for step, _ in run["history"]["train_loss"]] == list(range(8, 617, 8))
        assert [name for name, _ in sorted(run["datasets"])] == ["holdout", "tx-2026w38"]
        assert run["models_in"]
        log = subprocess.run(
            [
                "git",
                "-C",
                str(root / "risk-models"),
                "log",
                "-1",
                "--format=%s",
                run["tags"]["mlflow.source.git.commit"],
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        assert log.stdout.strip() == story.RELEASES[-1].why
        assert {name: run["status"] for name, run in theirs["runs"].items() if run["status"] != "FINISHED"} == {
            "batch-65536": "FAILED",
            "again": "RUNNING",
        }

    def test_lineal_reads_the_same_versions(self, theirs: dict[str, Any], root: Path) -> None:
        records = scan(root, "mlflow")
        registered = {(v.model, v.name) for v in versions(records) if v.kind is Kind.REGISTERED}
        assert registered == {
            (name, f"v{version}") for name, model in theirs["models"].items() for version in model["versions"]
        }
        aliases = {(a.model, a.name) for a in records if isinstance(a, Alias) and a.kind == "alias"}
        assert aliases == {(name, alias) for name, model in theirs["models"].items() for alias in model["aliases"]}


class TestHub:
    """The hub client lists the cache without a warning."""

    def test_the_client_lists_it(self, oracle: Oracle, root: Path, tmp_path: Path) -> None:
        theirs = client(oracle("huggingface"), "huggingface_scan.py", tmp_path, str(root / "hub"))
        assert not theirs["warnings"]
        found = {(version.model, version.key) for version in versions(scan(root, "hub"))}
        assert found == {(model, commit) for model, commits in theirs["models"].items() for commit in commits}

    def test_one_download_is_partial_and_says_which_shard_is_missing(self, root: Path) -> None:
        partial = [version for version in versions(scan(root, "hub")) if version.state is State.PARTIAL]
        assert [version.model for version in partial] == ["fraud-lab/fraud-scorer-xl"]
        missing = [file.path for file in partial[0].files if file.place is Place.REMOTE]
        assert missing == ["model-00002-of-00002.safetensors"]

    def test_cards_tell_the_lineage(self, root: Path) -> None:
        edges = {(edge.child.name, edge.parent.name, edge.kind) for edge in scan(root, "hub") if isinstance(edge, Edge)}
        base, scorer = "fraud-lab/tabular-base", "fraud-lab/fraud-scorer"
        assert edges == {
            (scorer, base, EdgeKind.FINETUNED),
            (f"{scorer}-xl", base, EdgeKind.FINETUNED),
            (f"{scorer}-travel-lora", scorer, EdgeKind.ADAPTER),
            (f"{scorer}-GGUF", scorer, EdgeKind.QUANTIZED),
        }


def test_the_formats_own_libraries_read_every_model_file(oracle: Oracle, copy: Path, tmp_path: Path) -> None:
    """safetensors, GGUF, ONNX and TensorBoard files are whole, and hold the networks that they claim to."""
    python = oracle("training")
    cards = [v for v in versions(scan(copy, "hub")) if v.model == "fraud-lab/fraud-scorer" and "2.2.0" in v.card]
    exact = next(file.local for file in cards[0].files if file.path == "model.safetensors")
    shutil.copy(exact, copy / "risk-models-2.2.0.safetensors")
    found = json.loads(run(python, tmp_path, str(SCRIPTS / "demo_weights.py"), str(copy)))
    assert len(found["safetensors"]) > 20
    assert found["gguf"]["fraud-scorer-2.2.0-q8_0.gguf"]["worst"] < 0.01
    assert found["gguf"]["fraud-scorer-2.2.0-q8_0.gguf"]["base"].endswith("fraud-lab/fraud-scorer")
    assert len(found["onnx"]) == 2
    assert max(found["onnx"].values()) < 1e-5
    assert [step for step, _ in found["events"]["train/loss"]] == list(range(8, 617, 8))


@pytest.mark.parametrize("name", REGISTRIES)
def test_lineal_reads_each_registry_without_a_problem(root: Path, name: str) -> None:
    """The demo is sound: nothing in it is unreadable, and each registry has models and versions."""
    records = scan(root, name)
    assert [record for record in records if isinstance(record, Problem)] == []
    assert len(versions(records)) >= 6


def test_the_same_bytes_lie_in_several_registries(root: Path) -> None:
    """Release 2.2.0 is one file in DVC, in MLflow and in the hub's cache; that is what the content join shows."""
    places: dict[str, set[str]] = {}
    for name, (_, url) in REGISTRIES.items():
        for path in (root / url).rglob("*"):
            if path.is_file() and path.stat().st_size > 1000 and ".git" not in path.parts:
                places.setdefault(hashlib.sha256(path.read_bytes()).hexdigest(), set()).add(name)
    weights = next(
        file.digest.hex
        for version in versions(scan(root, "hub"))
        if version.model == "fraud-lab/fraud-scorer" and "2.2.0" in version.card
        for file in version.files
        if file.path == "model.safetensors" and file.digest
    )
    assert places[weights] == {"risk-models", "mlflow", "hub"}


def test_one_release_has_its_bytes_nowhere(root: Path) -> None:
    """Nobody pushed 1.1.0: DVC names its bytes, and neither cache nor remote has them."""
    lost = [
        version
        for version in versions(scan(root, "risk-models"))
        if any(file.place is Place.NOWHERE for file in version.files) and version.kind is Kind.REGISTERED
    ]
    assert [version.name.removeprefix("v") for version in lost] == [story.released(story.LOST).semver]
