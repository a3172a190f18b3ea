"""The demo's network and writers: gradients are gradients, scores are what they are called, files read back."""

from __future__ import annotations

import io
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from lineal.demo import events, weights
from lineal.demo.network import (
    Adapter,
    Settings,
    Training,
    Weights,
    _backward,
    _forward,
    _slope,
    auc,
    chance,
    evaluate,
    fresh,
    fresh_adapter,
)
from lineal.demo.place import to_yaml
from lineal.demo.world import FEATURES, Array, Sample, World
from lineal.formats import tensorboard, tensors, yaml12


def loss(scores: Array, labels: Array, gamma: float) -> float:
    """The mean focal cross-entropy, from its definition."""
    p = chance(scores).astype(np.float64)
    right = np.where(labels > 0.5, p, 1 - p)
    return float(np.mean(-((1 - right) ** gamma) * np.log(right)))


@pytest.mark.parametrize("gamma", [0.0, 1.0, 2.0])
def test_the_slope_of_the_loss_is_its_derivative(gamma: float) -> None:
    scores = np.linspace(-2, 2, 9).astype(np.float32)
    labels = (np.arange(9) % 2).astype(np.float32)
    slope = _slope(scores, labels, gamma)
    for place in range(9):
        step = np.zeros(9, np.float32)
        step[place] = 0.01
        measured = (loss(scores + step, labels, gamma) - loss(scores - step, labels, gamma)) / 0.02
        assert slope[place] == pytest.approx(measured, abs=1e-4)


def test_gradients_are_those_of_finite_differences() -> None:
    rng = np.random.default_rng(2)
    network, features = fresh(8, 1), rng.normal(size=(16, FEATURES)).astype(np.float32)
    labels = (rng.random(16) < 0.5).astype(np.float32)

    def at(changed: Weights) -> float:
        return loss(_forward(changed, features)[-1], labels, 0.0)

    inputs = _forward(network, features)
    gradients = _backward(network, inputs, _slope(inputs[-1], labels, 0.0))
    for name, gradient in gradients.items():
        place = np.unravel_index(np.abs(gradient).argmax(), gradient.shape)
        up, down = ({**network, name: network[name].copy()} for _ in range(2))
        up[name][place] += 0.005
        down[name][place] -= 0.005
        assert gradient[place] == pytest.approx((at(up) - at(down)) / 0.01, rel=0.05, abs=1e-3)


def test_auc_is_the_chance_that_a_fraud_scores_higher() -> None:
    rng = np.random.default_rng(3)
    scores, labels = rng.normal(size=200).astype(np.float32), (rng.random(200) < 0.3).astype(np.float32)
    frauds, honest = scores[labels > 0.5], scores[labels < 0.5]
    assert auc(scores, labels) == pytest.approx(float((frauds[:, None] > honest[None, :]).mean()))


def test_an_adapter_changes_nothing_at_first_and_leaves_the_base_alone() -> None:
    world, network = World(), fresh(16, 1)
    adapter = fresh_adapter(network, 4, 8.0, 1)
    assert all(np.array_equal(adapter.applied(network)[name], network[name]) for name in network)
    before = {name: value.copy() for name, value in network.items()}
    data, held = world.sample(512, 0.5, 1), world.sample(512, 0.5, 2)
    trained = Training(Settings(lr=1e-2, epochs=5), data, held, adapter).run(network)
    assert all(np.array_equal(before[name], network[name]) for name in network)
    whole = Adapter(trained.weights, adapter.scale).applied(network)
    assert evaluate(whole, held)["loss"] < evaluate(network, held)["loss"]


def test_training_learns_and_records_every_eighth_step() -> None:
    world = World()
    data, held = world.sample(1024, 0.5, 1), world.sample(1024, 0.5, 2)
    training = Training(Settings(lr=3e-3, epochs=8), data, held)
    start = fresh(32, 1)
    trained = training.run(start, frozenset({10}))
    assert [point.step for point in trained.curve] == list(range(8, training.steps + 1, 8))
    assert trained.curve[-1].val_auc > trained.curve[0].val_auc
    assert evaluate(trained.weights, held)["auc"] > evaluate(start, held)["auc"] + 0.1
    assert set(trained.checkpoints) == {10}
    again = training.run(start)
    assert all(np.array_equal(again.weights[name], trained.weights[name]) for name in start)


def test_labels_that_have_not_arrived_look_honest() -> None:
    known, late = (World().sample(4000, 0.5, 1, arrived=share).labels.sum() for share in (1.0, 0.25))
    assert late == pytest.approx(known * 0.25, rel=0.2)


def headers(data: bytes, name: str) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Read the tensors of a file with Lineal's own reader."""

    def open_range(start: int, length: int | None) -> BinaryIO:
        return io.BytesIO(data[start:] if length is None else data[start : start + length])

    return {tensor.name: (tensor.dtype, tensor.shape) for tensor in tensors.headers(open_range, len(data), name)}


def test_model_files_read_back_with_names_and_shapes() -> None:
    network = fresh(64, 1)
    shapes = {name: value.shape for name, value in network.items()}
    files = {
        "a.safetensors": weights.safetensors(network, {"format": "np"}),
        "a.gguf": weights.gguf(network, {"general.architecture": "mlp", "general.base_model.count": 1}),
        "a.onnx": weights.onnx(network, {"teacher": "x"}),
    }
    for name, data in files.items():
        assert {tensor: shape for tensor, (_, shape) in headers(data, name).items()} == shapes, name


def test_eight_bits_are_near_the_weights_and_the_file_is_smaller() -> None:
    network: Weights = {**fresh(64, 1), "zeros.weight": np.zeros((2, FEATURES), np.float32)}
    near = weights.rounded(network)
    for name, value in network.items():
        assert np.abs(near[name] - value).max() <= np.abs(value).max() / 127
    assert len(weights.gguf(network, {})) < len(weights.safetensors(network, {})) / 2


def test_the_checksum_is_crc32c() -> None:
    """The check value of the catalogue of parametrised CRC algorithms, CRC-32/ISCSI."""
    assert events.crc32c(b"123456789") == 0xE3069283


def test_event_files_read_back(tmp_path: Path) -> None:
    written = [(2.0, 1, "loss", 0.5), (3.0, 2, "loss", 0.25), (3.0, 300, "auc", 0.75)]
    read = list(tensorboard.scalars(io.BytesIO(events.events(1.0, written))))
    assert [(one.time, one.step, one.tag, one.value) for one in read] == written


def test_yaml_reads_back_alike_under_both_versions() -> None:
    import yaml

    value = {"a": 1e-05, "b": [1.0, 3e-4, 123456.5], "c": "no", "e": {"f": True, "g": None}}
    assert yaml12.load(to_yaml(value)) == yaml.safe_load(to_yaml(value)) == value


def test_a_sample_is_kept_as_numbers_only() -> None:
    from lineal.demo.world import to_npy

    sample = Sample(np.ones((3, FEATURES), np.float32), np.zeros(3, np.float32))
    array = np.load(io.BytesIO(to_npy(sample)), allow_pickle=False)
    assert array.shape == (3, FEATURES + 1)
    assert array.dtype == np.float32
