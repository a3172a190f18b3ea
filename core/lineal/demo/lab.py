"""The laboratory: every model of the demo is trained here, from `story`, in about two seconds."""

from __future__ import annotations

import hashlib
from functools import cached_property

import msgspec
import numpy as np

from lineal.demo import story, weights
from lineal.demo.network import (
    LAYERS,
    Adapter,
    Point,
    Settings,
    Trained,
    Training,
    Weights,
    chance,
    evaluate,
    fresh,
    fresh_adapter,
    logits,
)
from lineal.demo.story import Release
from lineal.demo.world import Sample, World, to_npy

BASE = "fraud-lab/tabular-base"
RANK, ALPHA = 4, 8.0
INIT_SEED = 3
_HELD, _TRAVEL = 99, 77  # seeds
_SWEEP = (1.0, 1e-2, 3e-3, 1e-3, 3e-4)


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """One trained model: its weights as a safetensors file, how it scores, and how it got there."""

    weights: Weights
    data: bytes
    metrics: dict[str, float]
    curve: list[Point]
    settings: Settings
    checkpoints: dict[int, Weights] = {}

    @property
    def md5(self) -> str:
        """Return the hash by which DVC names the file."""
        return hashlib.md5(self.data, usedforsecurity=False).hexdigest()


class Lab:
    """Trains on first use and remembers; the same story gives the same bytes."""

    def __init__(self) -> None:
        self._world = World()
        self.held = self._world.sample(4000, 1.0, _HELD)
        self._made: dict[int, Made] = {}

    def data(self, release: Release) -> Sample:
        """Return what a release was trained on."""
        return self._world.sample(release.rows, release.time, 100 + release.number, arrived=release.arrived)

    def data_file(self, release: Release) -> bytes:
        """Return what a release was trained on, as a NumPy file."""
        return to_npy(self.data(release))

    @cached_property
    def held_file(self) -> bytes:
        """Return the data that all are scored on, as a NumPy file."""
        return to_npy(self.held)

    @cached_property
    def bases(self) -> tuple[Made, Made]:
        """Return two revisions of the base model: after two passes over old data, and after four."""
        settings = Settings(lr=3e-3, epochs=4, batch=256)
        training = Training(settings, self._world.sample(16_000, -0.3, 1), self.held)
        half = training.steps // 2
        trained = training.run(fresh(story.BASE_WIDTH, 1), frozenset({half}))
        early = Trained(
            weights=trained.checkpoints[half], curve=trained.curve[: len(trained.curve) // 2], checkpoints={}
        )
        return self._made_of(early, settings), self._made_of(trained, settings)

    def release(self, number: int) -> Made:
        """Return a release of the scorer, trained from its parent."""
        if number not in self._made:
            release = story.released(number)
            keep = frozenset(story.HALFWAY if number == len(story.RELEASES) else ())
            trained = Training(release.settings, self.data(release), self.held).run(self._start(release), keep)
            self._made[number] = self._made_of(trained, release.settings)
        return self._made[number]

    def _start(self, release: Release) -> Weights:
        return self.release(release.parent).weights if release.parent else self._widened(release.width)

    def _widened(self, width: int) -> Weights:
        """Return the base's encoder, with new units where `width` is greater, under a new head."""
        start = fresh(width, INIT_SEED)
        for name, value in self.bases[1].weights.items():
            if not name.startswith("head"):
                start[name][tuple(map(slice, value.shape))] = value
        return start

    def variant(self, settings: Settings, *, number: int = 9, width: int = 0) -> Made:
        """Train once more on the data of a release: from its parent, or from the base with another width."""
        release = story.released(number)
        start = self._widened(width) if width else self._start(release)
        return self._made_of(Training(settings, self.data(release), self.held).run(start), settings)

    @cached_property
    def sweep(self) -> list[Made]:
        """Return a sweep over learning rates; the first is far too high and ruins the model."""
        return [self.variant(Settings(lr=lr, epochs=3, weight_decay=0.05), number=8) for lr in _SWEEP]

    @cached_property
    def adapter(self) -> Made:
        """Return a low-rank adapter of release 8 for payments made while travelling, which look different."""
        base = self.release(8).weights
        settings = Settings(lr=5e-3, epochs=12)
        fresh_pairs = fresh_adapter(base, RANK, ALPHA, 11)
        trained = Training(settings, self.travel(3000, _TRAVEL), self.travel_held, fresh_pairs).run(
            base, frozenset({100, 200})
        )
        whole = Adapter(trained.weights, ALPHA / RANK).applied(base)
        return Made(
            weights=trained.weights,
            data=adapter_file(trained.weights),
            metrics=evaluate(whole, self.travel_held),
            curve=trained.curve,
            settings=settings,
            checkpoints=trained.checkpoints,
        )

    @cached_property
    def travel_held(self) -> Sample:
        """Return the travel payments that the adapter is scored on."""
        return self.travel(2000, _TRAVEL + 1)

    def travel(self, rows: int, seed: int) -> Sample:
        """Draw payments made while travelling: some features are turned round."""
        sample = self._world.sample(rows, 1.0, seed)
        features = sample.features.copy()
        features[:, :8] = -features[:, :8]
        return Sample(features, sample.labels)

    def student(self, teacher: int) -> Made:
        """Distil a release into a network a third as wide, which learns the teacher's chances instead of labels."""
        data = self.data(story.released(teacher))
        soft = chance(logits(self.release(teacher).weights, data.features)).astype(np.float32)
        settings = Settings(lr=3e-3, epochs=10)
        trained = Training(settings, Sample(data.features, soft), self.held).run(fresh(32, 5))
        return self._made_of(trained, settings)

    def quantised(self, number: int) -> tuple[bytes, dict[str, float]]:
        """Return a release in 8 bits as a GGUF file, and how that scores."""
        made = self.release(number)
        facts: dict[str, str | int] = {
            "general.architecture": "mlp",
            "general.name": "fraud-scorer",
            "general.file_type": 7,
            "general.quantization_version": 2,
            "general.base_model.count": 1,
            "general.base_model.0.name": "fraud-scorer",
            "general.base_model.0.organization": "fraud-lab",
            "general.base_model.0.repo_url": "https://huggingface.co/fraud-lab/fraud-scorer",
        }
        return weights.gguf(made.weights, facts), evaluate(weights.rounded(made.weights), self.held)

    def _made_of(self, trained: Trained, settings: Settings) -> Made:
        return Made(
            weights=trained.weights,
            data=model_file(trained.weights),
            metrics=evaluate(trained.weights, self.held),
            curve=trained.curve,
            settings=settings,
            checkpoints=trained.checkpoints,
        )


def model_file(network: Weights) -> bytes:
    """Return a network as a safetensors file."""
    return weights.safetensors(network, {"format": "np"})


def adapter_file(pairs: Weights) -> bytes:
    """Return an adapter's pairs as a safetensors file, named as PEFT names them."""
    named = {f"base_model.model.{name[:-2]}.lora_{name[-1]}.weight": value for name, value in pairs.items()}
    return weights.safetensors(named, {"format": "np"})


def parameters(network: Weights) -> int:
    """Return how many numbers a network has."""
    return sum(int(network[f"{layer}.{part}"].size) for layer in LAYERS for part in ("weight", "bias"))
