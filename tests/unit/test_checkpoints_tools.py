"""What the real tools wrote reads as the tools themselves read it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.model.records import Alias, Confidence, Edge, EdgeKind, Node, NodeKind, Problem, Record
from lineal.model.values import Goal
from lineal.model.version import Package, State, Version
from lineal.registries import connect
from lineal.registries.base import Registry


class Written:
    """The tools' tree, scanned."""

    def __init__(self, tree: Path, expected: dict[str, Any], around: Surroundings) -> None:
        self.tree, self.expected = tree, expected
        spec = RegistrySpec(name="files", kind="checkpoints", url=str(tree))
        self.registry: Registry = connect(spec, around)
        self.records: list[Record] = list(self.registry.scan({}))
        self.versions = [record for record in self.records if isinstance(record, Version)]

    def version(self, model: str, name: str) -> Version:
        (found,) = (version for version in self.versions if (version.model, version.name) == (model, name))
        return found

    def params(self, model: str, name: str) -> dict[str, Any]:
        return {param.name: param.value for param in self.version(model, name).params}

    def edges(self, model: str) -> list[Edge]:
        return [record for record in self.records if isinstance(record, Edge) and record.child.name == model]

    def best(self, model: str) -> str:
        (key,) = (r.key for r in self.records if isinstance(r, Alias) and (r.model, r.name) == (model, "best"))
        return next(version.name for version in self.versions if version.key == key)


@pytest.fixture
def written(oracle: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory, around: Surroundings) -> Written:
    from tests.sources import checkpoints

    return Written(*checkpoints.tools(oracle("training"), tmp_path_factory), around)


LINES = "lightning/lightning_logs/version_0"


def test_every_version_is_found_and_none_is_a_problem(written: Written) -> None:
    assert not [record for record in written.records if isinstance(record, Problem)]
    assert {(version.model.partition("/outputs")[0], version.name) for version in written.versions} == {
        ("hf", "checkpoint-2"),
        ("hf", "checkpoint-4"),
        ("hf", "checkpoint-6"),
        ("hf", "final"),
        (LINES, "epoch=0-step=4"),
        (LINES, "epoch=1-step=8"),
        (LINES, "epoch=2-step=12"),
        ("sharded", "model.safetensors"),
        ("safetensors", "model.safetensors"),
        ("gguf", "tiny-q8_0.gguf"),
        ("onnx", "inside.onnx"),
        ("onnx", "outside.onnx"),
        ("tensorboard", "model.pt"),
        ("torch", "zip.pt"),
        ("torch", "legacy.pt"),
        ("torch", "module.pth"),
        ("torch", "epoch_1.pt"),
        ("torch", "epoch_2.pt"),
        ("hydra", "model.pt"),
    }
    assert {version.state for version in written.versions} == {State.READY}


def test_trainer_arguments_are_those_that_the_trainer_had(written: Written) -> None:
    params = written.params("hf", "checkpoint-2")
    arguments = written.expected["hf"]["arguments"]
    said = {name: value for name, value in arguments.items() if value != "" and "hub_token" not in name}
    assert {name: params.get(name) for name in said} == said


def test_no_parameter_is_a_secret(written: Written) -> None:
    assert not [name for name in written.params("hf", "final") if "hub_token" in name]


@pytest.mark.parametrize("step", [2, 4, 6])
def test_metrics_are_the_last_that_the_trainer_logged_up_to_the_step(written: Written, step: int) -> None:
    logged: dict[str, float] = {}
    for entry in written.expected["hf"]["history"]:
        if entry["step"] <= step:
            logged |= {name: value for name, value in entry.items() if name not in ("step", "epoch")}
    found = written.version("hf", f"checkpoint-{step}")
    metrics = {metric.name: metric.value for metric in found.metrics}
    if step == 2:  # the evaluation after loading the best again came last, and is logged for the last step
        assert metrics == logged
    names = [name for name in logged if not name.startswith("eval_")]
    assert {name: metrics[name] for name in names} == {name: logged[name] for name in names}
    assert {metric.name: metric.goal for metric in found.metrics}["eval_accuracy"] is Goal.MAX


def test_curves_are_the_trainers_log(written: Written) -> None:
    history = written.expected["hf"]["history"]
    for name in ("loss", "eval_loss"):
        series = written.registry.series(written.version("hf", "checkpoint-4"), name)
        points = [(entry["step"], entry[name]) for entry in history if name in entry and entry["step"] <= 4]
        assert list(zip(series.steps, series.values, strict=True)) == points


def test_the_best_checkpoint_is_the_tools_own(written: Written) -> None:
    assert written.best("hf") == Path(written.expected["hf"]["best"]).name
    assert f"{written.best(LINES)}.ckpt" == written.expected["lightning"]["best"]


def test_checkpoints_of_one_run_follow_one_another_as_their_logs_state(written: Written) -> None:
    pairs = written.edges("hf")
    edges = {(edge.child.key.partition("@")[0], edge.parent.key.partition("@")[0]): edge for edge in pairs}
    assert edges["hf/checkpoint-4", "hf/checkpoint-2"].confidence is Confidence.DECLARED
    assert edges["hf/checkpoint-6", "hf/checkpoint-4"].kind is EdgeKind.TRAINED_FROM
    best = f"hf/{Path(written.expected['hf']['best']).name}"
    assert edges["hf", best].kind is EdgeKind.COPIED
    assert all(edge.confidence is Confidence.INFERRED for edge in written.edges(LINES))


def test_lightning_metrics_are_those_before_the_checkpoint(written: Written) -> None:
    last = written.version(LINES, "epoch=2-step=12")
    metrics = {metric.name: metric for metric in last.metrics}
    assert metrics["val_loss"].value == pytest.approx(written.expected["lightning"]["best_score"])
    assert metrics["val_loss"].goal is Goal.MIN
    first = {metric.name: metric for metric in written.version(LINES, "epoch=0-step=4").metrics}
    assert (first["val_loss"].step, first["train_loss"].step) == (3, 3)
    assert written.params(LINES, "epoch=0-step=4") == {
        "lr": 0.02,
        "betas": [0.9, 0.99],
        "layers.width": 4,
        "layers.kinds": ["linear"],
        "model.parameters": 5,
    }


def test_tools_versions_are_packages_of_the_environment(written: Written) -> None:
    environment = written.version("hf", "final").environment
    assert environment is not None
    assert [package.name for package in environment.packages] == ["transformers"]
    lightning = written.version(LINES, "epoch=0-step=4").environment
    assert lightning is not None
    assert isinstance(lightning.packages[0], Package)
    assert lightning.packages[0].name == "lightning"


def test_a_gguf_file_names_what_it_was_quantised_from(written: Written) -> None:
    (edge,) = written.edges("gguf")
    assert (edge.parent, edge.kind) == (Node(NodeKind.MODEL, "", "acme/tiny-base", ""), EdgeKind.QUANTIZED)


def test_hydra_settings_belong_to_their_run(written: Written) -> None:
    (run,) = written.expected["hydra"]["runs"]
    assert written.params(f"hydra/{run}", "model.pt") == {
        "optimizer.lr": 0.0005,
        "optimizer.name": "adam",
        "seed": 1,
        "extra": "yes",
        "model.parameters": 2,
    }
    tags = {tag.key: tag.value for tag in written.version(f"hydra/{run}", "model.pt").tags}
    assert tags["hydra.overrides"] == "optimizer.lr=5e-4 +extra=yes"


def test_event_files_give_metrics_and_curves(written: Written) -> None:
    version = written.version("tensorboard", "model.pt")
    for tag, points in written.expected["tensorboard"]["scalars"].items():
        series = written.registry.series(version, tag)
        assert [list(point) for point in zip(series.steps, series.times, series.values, strict=True)] == points


def test_bytes_outside_an_onnx_model_are_files_of_its_version(written: Written) -> None:
    assert [file.path for file in written.version("onnx", "outside.onnx").files] == ["outside.data", "outside.onnx"]
    assert [file.path for file in written.version("onnx", "inside.onnx").files] == ["inside.onnx"]


def test_shards_are_one_version(written: Written) -> None:
    files = {file.path for file in written.version("sharded", "model.safetensors").files}
    assert set(written.expected["sharded"]["shards"]) < files
    whole = written.params("sharded", "model.safetensors")["model.parameters"]
    shapes = [shape for _, _, shape in written.expected["sharded"]["tensors"]]
    sizes = [1] * len(shapes)
    for at, shape in enumerate(shapes):
        for size in shape:
            sizes[at] *= size
    assert whole == sum(sizes)
