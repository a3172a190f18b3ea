"""Facts: what a version can be filtered and sorted by, one row for each key and value.

| what                                       | where                                                    |
| metric, finite or infinite                 | fact_num; NaN is no fact                                 |
| parameter: number, or text that is a number| fact_num, as a double; its text is in the document only  |
| parameter: anything else                   | fact_txt, folded; `true`, `false`, `null`; lists as JSON |
| tag                                        | fact_txt, folded; "" for a plain label                   |
| environment                                | env_fact, folded, by environment                         |

So `param.lr:1e-3` is looked up as a number exactly when `number("1e-3")` is one, else as `folded(...)` text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

import msgspec

from lineal.index.identity import bounded
from lineal.model.version import Environment

LONGEST = 256  # characters of a text fact; the document holds the whole
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_LONGEST_NUMBER = 40


class FactKind(StrEnum):
    """What a key names."""

    PARAM = "param"
    METRIC = "metric"
    TAG = "tag"
    ENV = "env"


Fact = tuple[FactKind, str, Any]  # kind, name, and a float or a folded text


def number(text: str) -> float | None:
    """Read a decimal number; None where `text` is none, or is too large for a double."""
    text = text.strip()
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return None if value in (float("inf"), float("-inf")) else value


def folded(text: str) -> str:
    """Return `text` as text facts hold it: casefolded, then cut to `LONGEST` characters."""
    return text[:LONGEST].casefold()[:LONGEST]


def plain(value: Any) -> str:
    """Return a parameter's value as people write it: `true`, `null`, text as it is, lists and mappings as JSON."""
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def of_params(params: Iterable[tuple[str, Any]]) -> Iterator[Fact]:
    """Yield the facts of parameters, given as names and values of the document."""
    for name, value in params:
        kind = type(value)
        if kind is float or kind is int:
            yield FactKind.PARAM, name, float(value)
        elif kind is str and (found := number(value)) is not None:
            yield FactKind.PARAM, name, found
        else:
            yield FactKind.PARAM, name, folded(plain(value))


def of_metrics(metrics: Iterable[tuple[str, Any]]) -> Iterator[Fact]:
    """Yield the facts of metrics, given as names and values of the document."""
    for name, value in metrics:
        if value != "NaN":
            yield FactKind.METRIC, name, float(value)


def of_tags(tags: Iterable[tuple[str, str]]) -> Iterator[Fact]:
    """Yield the facts of tags."""
    for name, value in tags:
        yield FactKind.TAG, name, folded(value)


def of_environment(environment: Environment) -> Iterator[tuple[str, str]]:
    """Yield (name, folded value) of everything an environment records; packages by their own names."""
    for name in ("python", "os", "cuda", "cudnn", "driver", "cpu", "image"):
        if value := getattr(environment, name):
            yield name, folded(value)
    for gpu in environment.gpus:
        yield "gpu", folded(gpu)
    for package in environment.packages:
        yield bounded(package.name), folded(package.version)
