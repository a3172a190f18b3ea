"""The world that the demo's models learn about: card transactions, some of them fraud, drifting from week to week.

A transaction is `FEATURES` numbers. Whether it is fraud follows from them by a rule that no model is told, with some
luck on top, and the rule drifts, so that newer data teaches more about today.
"""

from __future__ import annotations

import io

import msgspec
import numpy as np
import numpy.typing as npt

FEATURES = 32
_HIDDEN = 10
_DRIFT = 0.9
_RATE = -4.2  # shifts the share of fraud to about one in six

Array = npt.NDArray[np.float32]


class Sample(msgspec.Struct, frozen=True):
    """Rows of features, shape (rows, FEATURES), and for each 1.0 for fraud or 0.0, shape (rows,)."""

    features: Array
    labels: Array


class World:
    """The hidden rule. `time` runs from 0.0 (half a year ago) to 1.0 (now)."""

    def __init__(self, seed: int = 20_26) -> None:
        rng = np.random.default_rng(seed)
        self._first = rng.normal(size=(_HIDDEN, FEATURES)) * 0.5
        self._turn = rng.normal(size=(_HIDDEN, FEATURES)) * 0.5
        self._second = rng.normal(size=_HIDDEN) * 2.2

    def sample(self, rows: int, time: float, seed: int, *, arrived: float = 1.0) -> Sample:
        """Draw transactions; `arrived` is the share of frauds that are known yet, the others look honest."""
        rng = np.random.default_rng(seed)
        features = rng.normal(size=(rows, FEATURES)) + 0.2 * time
        hidden = np.tanh(features @ (self._first + _DRIFT * time * self._turn).T)
        chance = 1 / (1 + np.exp(-(hidden @ self._second + _RATE)))
        fraud = rng.random(rows) < chance
        known = rng.random(rows) < arrived
        return Sample(features.astype(np.float32), (fraud & known).astype(np.float32))


def to_npy(sample: Sample) -> bytes:
    """Return a sample as a NumPy file: float32, the label in the last column. It holds numbers only, no objects."""
    out = io.BytesIO()
    np.save(out, np.column_stack([sample.features, sample.labels]).astype(np.float32), allow_pickle=False)
    return out.getvalue()
