"""The demo's second model: logistic regression that tells which customers leave, fitted by Newton's method."""

from __future__ import annotations

import io

import msgspec
import numpy as np
import numpy.typing as npt

from lineal.demo.weights import safetensors

_COLUMNS = 12
HELD = 2000
Floats = npt.NDArray[np.float64]


class ChurnModel(msgspec.Struct, frozen=True, kw_only=True):
    """A fitted model as a safetensors file, what it was fitted to as a NumPy file, and its scores."""

    data: bytes
    customers: bytes
    metrics: dict[str, float]


def fit(rows: int, l2: float) -> ChurnModel:
    """Fit to `rows` customers with a ridge of `l2`, and score on the `HELD` after them."""
    features, leaves = _customers(rows + HELD)
    weights = _newton(features[:rows], leaves[:rows], l2)
    return ChurnModel(
        data=safetensors(
            {"weight": weights[None, :-1].astype(np.float32), "bias": weights[-1:].astype(np.float32)}, {}
        ),
        customers=_npy(features, leaves),
        metrics=_scores(weights, features[rows:], leaves[rows:]),
    )


def _customers(rows: int) -> tuple[Floats, Floats]:
    """Draw customers, exact in float32; the last column is 1, for the intercept."""
    rng = np.random.default_rng(5)
    rule = rng.normal(size=_COLUMNS) * 0.8
    features = rng.normal(size=(rows, _COLUMNS)).astype(np.float32).astype(np.float64)
    leaves = rng.random(rows) < 1 / (1 + np.exp(-(features @ rule - 0.8)))
    return np.column_stack([features, np.ones(rows)]), leaves.astype(np.float64)


def _newton(features: Floats, leaves: Floats, l2: float) -> Floats:
    weights = np.zeros(features.shape[1])
    for _ in range(8):
        chance = 1 / (1 + np.exp(-features @ weights))
        slope = features.T @ (chance - leaves) + l2 * weights
        curve = (features * (chance * (1 - chance))[:, None]).T @ features + l2 * np.eye(len(weights))
        weights = weights - np.linalg.solve(curve, slope)
    result: Floats = weights
    return result


def _scores(weights: Floats, features: Floats, leaves: Floats) -> dict[str, float]:
    said = features @ weights > 0
    right = float((said == (leaves > 0.5)).mean())
    hit = float((said & (leaves > 0.5)).sum())
    return {"accuracy": round(right, 5), "f1": round(2 * hit / (float(said.sum()) + float(leaves.sum())), 5)}


def _npy(features: Floats, leaves: Floats) -> bytes:
    out = io.BytesIO()
    np.save(out, np.column_stack([features[:, :-1], leaves]).astype(np.float32), allow_pickle=False)
    return out.getvalue()
