"""A version as the documents of one row, and back.

`params`, `metrics` and `tags` are JSON objects by name, for lists and for facts. What an object cannot hold (repeated
names, the step, goal and data set of a metric) stands once more in `detail`. NaN and infinities are the texts "NaN",
"Infinity" and "-Infinity"; in a parameter they stay texts.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import starmap
from typing import Any

import msgspec

from lineal.model.values import Goal, Metric, Param, Tag
from lineal.model.version import Code, Dataset, Environment, File, Kind, Run, State, Version

Pairs = Sequence[tuple[str, Any]]


class Detail(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The rest of a version. The three lists are empty where the object of that name says it all."""

    datasets: tuple[Dataset, ...] = ()
    code: Code | None = None
    run: Run | None = None
    card: str = ""
    params: tuple[tuple[str, Any], ...] = ()
    metrics: tuple[tuple[str, float | str, int | None, str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()


class Documents(msgspec.Struct, frozen=True):
    """The JSON columns of a version's row."""

    params: str
    metrics: str
    tags: str
    detail: str


_encode = msgspec.json.Encoder().encode
_detail = msgspec.json.Decoder(Detail)
_objects = msgspec.json.Decoder(dict[str, Any])
_environment = msgspec.json.Decoder(Environment)


def finite(value: Any) -> Any:
    """Return `value` with every float that JSON lacks as its name, inside lists and mappings too."""
    kind = type(value)
    if kind is float and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if kind is list:
        return [finite(item) for item in value]
    if kind is dict:
        return {name: finite(item) for name, item in value.items()}
    return value


def param_pairs(version: Version) -> list[tuple[str, Any]]:
    """Return names and document values of the parameters."""
    return [(p.name, p.value if type(p.value) is str else finite(p.value)) for p in version.params]


def shown(metrics: Iterable[Metric]) -> dict[str, Any]:
    """Return one value by name: the last that was said, one without a data set before one with."""
    chosen: dict[str, Metric] = {}
    for metric in metrics:
        if metric.name not in chosen or not metric.dataset or chosen[metric.name].dataset:
            chosen[metric.name] = metric
    return {name: finite(float(metric.value)) for name, metric in chosen.items()}


def _rest(version: Version, params: Pairs, metrics: dict[str, Any], tags: dict[str, str]) -> Detail:
    marked = len(metrics) < len(version.metrics) or any(
        m.step is not None or m.goal is not None or m.dataset for m in version.metrics
    )
    rows = ((m.name, finite(float(m.value)), m.step, m.goal or "", m.dataset) for m in version.metrics)
    return Detail(
        datasets=version.datasets,
        code=version.code,
        run=version.run,
        card=version.card,
        params=tuple(params) if len(dict(params)) < len(params) else (),
        metrics=tuple(rows) if marked else (),
        tags=tuple((tag.key, tag.value) for tag in version.tags) if len(tags) < len(version.tags) else (),
    )


def encode(version: Version, params: Pairs) -> Documents:
    """Write the JSON columns of `version`, whose `param_pairs` are `params`; environment and files are other rows."""
    metrics = shown(version.metrics)
    tags = {tag.key: tag.value for tag in version.tags}
    detail = _rest(version, params, metrics, tags)
    return Documents(*(_encode(part).decode() for part in (dict(params), metrics, tags, detail)))


def objects(document: str) -> dict[str, Any]:
    """Read one JSON column that is an object."""
    return _objects.decode(document)


def metrics(document: str) -> dict[str, float]:
    """Read the `metrics` column as numbers, NaN and infinities included."""
    return {name: float(value) for name, value in _objects.decode(document).items()}


def environment(document: str) -> Environment:
    """Read the document of an environment's row."""
    return _environment.decode(document)


def detail(document: str) -> Detail:
    """Read the `detail` column."""
    return _detail.decode(document)


def decode(
    documents: Documents,
    *,
    registry: str,
    model: str,
    key: str,
    name: str,
    kind: str,
    state: str,
    number: int | None,
    created_at: float | None,
    author: str,
    message: str,
    environment: Environment | None,
    files: tuple[File, ...],
) -> Version:
    """Read a version back from its documents and the other columns and rows."""
    rest = _detail.decode(documents.detail)
    params: Iterable[tuple[str, Any]] = rest.params or objects(documents.params).items()
    tags = rest.tags or tuple(objects(documents.tags).items())
    marked = rest.metrics or tuple((n, v, None, "", "") for n, v in objects(documents.metrics).items())
    return Version(
        registry=registry,
        model=model,
        key=key,
        name=name,
        kind=Kind(kind),
        number=number,
        created_at=created_at,
        author=author,
        message=message,
        state=State(state),
        params=tuple(starmap(Param, params)),
        metrics=tuple(
            Metric(n, float(v), step, Goal(goal) if goal else None, data) for n, v, step, goal, data in marked
        ),
        tags=tuple(Tag(n, v) for n, v in tags),
        environment=environment,
        datasets=rest.datasets,
        code=rest.code,
        run=rest.run,
        files=files,
        card=rest.card,
    )
