"""Facts: what a version can be filtered and sorted by, one row for each key and value.

| what                       | where                                                                             |
| metric, finite or infinite | fact_num; NaN is no fact                                                          |
| parameter                  | fact_txt, folded (`plain`); fact_num too, where it is a number or reads as one    |
| tag                        | fact_txt, folded; "" for a plain label                                            |
| author, name, commit       | fact_txt, folded, under the key named ""; nothing where it is not known           |
| data set                   | fact_txt, folded, under the key named "": the name, and the digest                |
| environment                | env_fact, folded, by environment                                                  |

A version is unmade again from the same facts, read from its stored row (`of_row`), so no index leads from versions to
their facts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from lineal.index import document
from lineal.index.document import Documents
from lineal.index.folding import FactKind, fold, number
from lineal.index.identity import bounded
from lineal.model.version import Code, Dataset, Environment, Version

Fact = tuple[FactKind, str, Any]  # kind, name, and a float or a folded text


def plain(value: Any) -> str:
    """Return a parameter's value as people write it: `true`, `null`, text as it is, lists and mappings as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _of_params(params: Iterable[tuple[str, Any]]) -> Iterator[Fact]:
    for name, value in params:
        text = plain(value)
        yield FactKind.PARAM, name, fold(text)
        kind = type(value)
        if kind is float or kind is int:
            yield FactKind.PARAM, name, float(value)
        elif kind is str and (found := number(value)) is not None:
            yield FactKind.PARAM, name, found


def _of_metrics(metrics: Iterable[tuple[str, Any]]) -> Iterator[Fact]:
    for name, value in metrics:
        if value != "NaN":
            yield FactKind.METRIC, name, float(value)


def _of_texts(name: str, author: str, datasets: Iterable[Dataset], code: Code | None) -> Iterator[Fact]:
    yield FactKind.NAME, "", fold(name)
    if author:
        yield FactKind.AUTHOR, "", fold(author)
    for data in datasets:
        for text in (data.name, data.digest):
            if text:
                yield FactKind.DATASET, "", fold(text)
    if code is not None and code.commit:
        yield FactKind.COMMIT, "", fold(code.commit)


def of_version(version: Version) -> Iterator[Fact]:
    """Yield the facts of a version as it is said."""
    yield from _of_params(document.param_pairs(version))
    yield from _of_metrics(document.metric_pairs(version))
    for tag in version.tags:
        yield FactKind.TAG, tag.key, fold(tag.value)
    yield from _of_texts(version.name, version.author, version.datasets, version.code)


def of_row(name: str, author: str, said: Documents) -> Iterator[Fact]:
    """Yield the same facts of a version as it is stored."""
    params, metrics, tags = document.fact_pairs(said)
    rest = document.detail(said.detail)
    yield from _of_params(params)
    yield from _of_metrics(metrics)
    for key, value in tags:
        yield FactKind.TAG, key, fold(value)
    yield from _of_texts(name, author, rest.datasets, rest.code)


def of_environment(environment: Environment) -> Iterator[tuple[str, str]]:
    """Yield (name, folded value) of everything an environment records; packages by their own names."""
    for name in ("python", "os", "cuda", "cudnn", "driver", "cpu", "image"):
        if value := getattr(environment, name):
            yield name, fold(value)
    for gpu in environment.gpus:
        yield "gpu", fold(gpu)
    for package in environment.packages:
        yield bounded(package.name), fold(package.version)
