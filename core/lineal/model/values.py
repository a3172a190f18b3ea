"""Values that versions carry: parameters, metrics, tags and series."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

Scalar = None | bool | int | float | str
Value = Scalar | list[Any] | dict[str, Any]
"""What a parameter may hold. Registries flatten outer mappings to dotted names; a list may still hold mappings."""


class Goal(StrEnum):
    """Which way a metric gets better."""

    MAX = "max"
    MIN = "min"


class Param(msgspec.Struct, frozen=True, gc=False):  # half a million at once; values hold no cycles
    """One hyperparameter; nested ones carry a dotted name (`optimizer.lr`)."""

    name: str
    value: Value


class Metric(msgspec.Struct, frozen=True, gc=False):
    """The last value of one metric. `goal` is set only where the registry itself states it."""

    name: str
    value: float
    step: int | None = None
    goal: Goal | None = None
    dataset: str = ""


class Tag(msgspec.Struct, frozen=True, gc=False):
    """A `key=value` label; `value` is empty for plain labels."""

    key: str
    value: str = ""


class Series(msgspec.Struct, frozen=True):
    """One metric along training. The lists have equal length; times are Unix seconds, 0.0 where unknown."""

    metric: str
    steps: list[int]
    values: list[float]
    times: list[float]
