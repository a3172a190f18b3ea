"""A small neural network in NumPy and what it takes to train one: gradients, Adam, low-rank adapters, scores."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from lineal.demo.world import FEATURES, Array, Sample

Weights = dict[str, Array]
LAYERS = ("encoder.0", "encoder.2", "head")
_SECOND = 32  # width of the second layer
_EVERY = 8  # steps between two points of a curve


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Hyperparameters of one training. `gamma` above 0 makes the loss focal; `warmup` is in steps."""

    lr: float
    epochs: int
    batch: int = 128
    weight_decay: float = 0.0
    gamma: float = 0.0
    warmup: int = 10
    seed: int = 7


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """One moment of a training."""

    step: int
    epoch: float
    lr: float
    train_loss: float
    val_loss: float
    val_auc: float


class Trained(msgspec.Struct, frozen=True, kw_only=True):
    """What a training leaves: the weights, the curve, and the weights on the way, by step."""

    weights: Weights
    curve: list[Point]
    checkpoints: dict[int, Weights]


def fresh(width: int, seed: int) -> Weights:
    """Return untrained weights of a network FEATURES -> width -> 32 -> 1."""
    rng = np.random.default_rng(seed)
    sizes = [(width, FEATURES), (_SECOND, width), (1, _SECOND)]
    weights: Weights = {}
    for layer, (rows, columns) in zip(LAYERS, sizes, strict=True):
        weights[f"{layer}.weight"] = (rng.normal(size=(rows, columns)) * np.sqrt(2 / columns)).astype(np.float32)
        weights[f"{layer}.bias"] = np.zeros(rows, np.float32)
    return weights


def logits(weights: Weights, features: Array) -> Array:
    """Return one logit for each row of `features`."""
    return _forward(weights, features)[-1]


def _forward(weights: Weights, features: Array) -> list[Array]:
    """Return what goes into each layer, and the logits."""
    inputs = [features]
    for layer in LAYERS:
        out: Array = inputs[-1] @ weights[f"{layer}.weight"].T + weights[f"{layer}.bias"]
        inputs.append(np.maximum(out, 0) if layer != LAYERS[-1] else out[:, 0])
    return inputs


def _backward(weights: Weights, inputs: list[Array], slope: Array) -> Weights:
    """Return the gradient of every weight; `slope` is that of the loss at each logit."""
    gradients: Weights = {}
    flow = slope[:, None]
    for place in range(len(LAYERS) - 1, -1, -1):
        layer, into = LAYERS[place], inputs[place]
        gradients[f"{layer}.weight"] = flow.T @ into
        gradients[f"{layer}.bias"] = flow.sum(axis=0)
        flow = (flow @ weights[f"{layer}.weight"]) * (into > 0)
    return gradients


def chance(scores: Array) -> Array:
    """Return probabilities for logits."""
    return (1 / (1 + np.exp(-np.clip(scores, -30, 30)))).astype(np.float32)


def _slope(scores: Array, labels: Array, gamma: float) -> Array:
    """Return the derivative of the mean (focal) cross-entropy at each logit (Lin et al. 2017, eq. 4)."""
    p = np.clip(chance(scores), 1e-6, 1 - 1e-6)
    if not gamma:
        slope = p - labels
    else:
        fraud = gamma * p * (1 - p) ** gamma * np.log(p) - (1 - p) ** (gamma + 1)
        honest = p ** (gamma + 1) - gamma * p**gamma * (1 - p) * np.log(1 - p)
        slope = labels * fraud + (1 - labels) * honest
    result: Array = (slope / len(labels)).astype(np.float32)
    return result


class _Adam:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019)."""

    def __init__(self, weights: Weights, decay: float) -> None:
        self._decay = decay
        self._step = 0
        self._mean = {name: np.zeros_like(value) for name, value in weights.items()}
        self._square = {name: np.zeros_like(value) for name, value in weights.items()}

    def move(self, weights: Weights, gradients: Weights, lr: float) -> None:
        self._step += 1
        for name, gradient in gradients.items():
            self._mean[name] = 0.9 * self._mean[name] + 0.1 * gradient
            self._square[name] = 0.999 * self._square[name] + 0.001 * gradient**2
            mean = self._mean[name] / (1 - 0.9**self._step)
            square = self._square[name] / (1 - 0.999**self._step)
            step = lr * (mean / (np.sqrt(square) + 1e-8) + self._decay * weights[name])
            weights[name] = (weights[name] - step).astype(np.float32)


class Adapter(msgspec.Struct, frozen=True):
    """A low-rank change of some layers (Hu et al. 2021): weight + scale * B @ A. `pairs` holds `<layer>.A` and `.B`."""

    pairs: Weights
    scale: float

    def applied(self, weights: Weights) -> Weights:
        """Return the weights with the change worked in."""
        changed = dict(weights)
        for layer in LAYERS[:2]:
            a, b = self.pairs[f"{layer}.A"], self.pairs[f"{layer}.B"]
            changed[f"{layer}.weight"] = (weights[f"{layer}.weight"] + self.scale * (b @ a)).astype(np.float32)
        return changed

    def gradients(self, whole: Weights) -> Weights:
        """Return the gradients of the pairs from those of the whole weights."""
        found: Weights = {}
        for layer in LAYERS[:2]:
            gradient = whole[f"{layer}.weight"] * np.float32(self.scale)
            found[f"{layer}.A"] = self.pairs[f"{layer}.B"].T @ gradient
            found[f"{layer}.B"] = (gradient @ self.pairs[f"{layer}.A"].T).astype(np.float32)
        return found


def fresh_adapter(weights: Weights, rank: int, alpha: float, seed: int) -> Adapter:
    """Return an adapter that changes nothing yet: A is random, B zero."""
    rng = np.random.default_rng(seed)
    pairs: Weights = {}
    for layer in LAYERS[:2]:
        rows, columns = weights[f"{layer}.weight"].shape
        pairs[f"{layer}.A"] = (rng.normal(size=(rank, columns)) / np.sqrt(columns)).astype(np.float32)
        pairs[f"{layer}.B"] = np.zeros((rows, rank), np.float32)
    return Adapter(pairs, alpha / rank)


class Training:
    """One training run over `data`, watched on `held`. With an `adapter` the weights themselves stay as they are."""

    def __init__(self, settings: Settings, data: Sample, held: Sample, adapter: Adapter | None = None) -> None:
        self._settings, self._data, self._held, self._adapter = settings, data, held, adapter

    def run(self, start: Mapping[str, Array], keep: frozenset[int] = frozenset()) -> Trained:
        """Train from `start`, keeping the weights at the steps in `keep`. With an adapter, its pairs are the result."""
        base = {name: value.copy() for name, value in start.items()}
        weights = dict(self._adapter.pairs) if self._adapter else base
        optimizer = _Adam(weights, self._settings.weight_decay)
        curve: list[Point] = []
        kept: dict[int, Weights] = {}
        for step, rows in enumerate(self._batches(), start=1):
            lr = self._lr(step)
            whole = self._whole(base, weights)
            inputs = _forward(whole, self._data.features[rows])
            labels = self._data.labels[rows]
            gradients = _backward(whole, inputs, _slope(inputs[-1], labels, self._settings.gamma))
            optimizer.move(weights, self._adapter.gradients(gradients) if self._adapter else gradients, lr)
            self._adapter = Adapter(weights, self._adapter.scale) if self._adapter else None
            if step % _EVERY == 0:
                curve.append(self._point(step, lr, cross_entropy(inputs[-1], labels), self._whole(base, weights)))
            if step in keep:
                kept[step] = dict(weights)
        return Trained(weights=weights, curve=curve, checkpoints=kept)

    @property
    def steps(self) -> int:
        """Return how many steps the run takes."""
        return self._settings.epochs * (len(self._data.labels) // self._settings.batch)

    def _whole(self, base: Weights, weights: Weights) -> Weights:
        return self._adapter.applied(base) if self._adapter else weights

    def _batches(self) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
        rng = np.random.default_rng(self._settings.seed)
        size, batches = self._settings.batch, []
        for _ in range(self._settings.epochs):
            order = rng.permutation(len(self._data.labels))
            batches += [order[at : at + size] for at in range(0, len(order) - size + 1, size)]
        return batches

    def _lr(self, step: int) -> float:
        """Warm up, then fall to a tenth along a cosine."""
        settings = self._settings
        if step <= settings.warmup:
            return settings.lr * step / settings.warmup
        done = (step - settings.warmup) / max(1, self.steps - settings.warmup)
        return settings.lr * float(0.55 + 0.45 * np.cos(np.pi * done))

    def _point(self, step: int, lr: float, train_loss: float, weights: Weights) -> Point:
        scores = logits(weights, self._held.features)
        return Point(
            step=step,
            epoch=round(step * self._settings.epochs / self.steps, 4),
            lr=round(lr, 9),
            train_loss=round(train_loss, 6),
            val_loss=round(cross_entropy(scores, self._held.labels), 6),
            val_auc=round(auc(scores, self._held.labels), 6),
        )


def cross_entropy(scores: Array, labels: Array) -> float:
    """Return the mean cross-entropy, in nats."""
    p = np.clip(chance(scores), 1e-6, 1 - 1e-6).astype(np.float64)
    return float(-np.mean(labels * np.log(p) + (1 - labels) * np.log(1 - p)))


def auc(scores: Array, labels: Array) -> float:
    """Return the area under the ROC curve: the chance that a fraud scores above an honest payment."""
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores, kind="stable")] = np.arange(1, len(scores) + 1)
    frauds = labels > 0.5
    count = int(frauds.sum())
    return float((ranks[frauds].sum() - count * (count + 1) / 2) / (count * (len(scores) - count)))


def evaluate(weights: Weights, held: Sample) -> dict[str, float]:
    """Return the scores of a model on held-out data, rounded to what they are good for."""
    scores = logits(weights, held.features)
    frauds = held.labels > 0.5
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(frauds[order])
    precision = hits / np.arange(1, len(order) + 1)
    threshold = np.quantile(scores[~frauds], 0.95)
    found = {
        "auc": auc(scores, held.labels),
        "average_precision": float(precision[frauds[order]].mean()),
        "loss": cross_entropy(scores, held.labels),
        "brier": float(np.mean((chance(scores) - held.labels) ** 2)),
        "recall_at_fpr5": float((scores[frauds] > threshold).mean()),
    }
    return {name: round(value, 5) for name, value in found.items()}
