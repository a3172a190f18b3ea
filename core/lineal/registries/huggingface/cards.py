"""Model cards: README.md with YAML front matter, as the hub documents it.

Sources: the hub's "Model Cards" and "Model card metadata" pages, `huggingface_hub.repocard` (the pattern that finds the
front matter) and `huggingface_hub.repocard_data` (`model-index`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from math import isfinite
from typing import Any

import msgspec

from lineal.errors import BadFormat
from lineal.formats import yaml12
from lineal.model.records import EdgeKind
from lineal.model.values import Metric, Tag
from lineal.model.version import Dataset

LIMIT = 4 << 20  # bytes of README.md
_YAML_LIMIT = 1 << 20
_MANY = 500  # entries of one list that are kept
_LONG = 400  # characters of one name or tag
_FRONT = re.compile(r"\s*---[\r\n]+(.*?)(?:[\r\n]+---(?:\r\n|\n|$))", re.DOTALL)
_LABELS = ("license", "license_name", "language", "pipeline_tag", "library_name")
_RELATIONS = {
    "finetune": EdgeKind.FINETUNED,
    "adapter": EdgeKind.ADAPTER,
    "quantized": EdgeKind.QUANTIZED,
    "merge": EdgeKind.MERGED,
}


class Parent(msgspec.Struct, frozen=True, kw_only=True):
    """A model that the card names as a base; `kind` is None where the card does not say how."""

    name: str
    kind: EdgeKind | None = None
    stated: bool = True  # under `base_model`, not only as a tag


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What a card says: its text without the front matter, and the front matter's parts that Lineal knows."""

    text: str = ""
    tags: tuple[Tag, ...] = ()
    datasets: tuple[Dataset, ...] = ()
    metrics: tuple[Metric, ...] = ()
    parents: tuple[Parent, ...] = ()


def parse(data: bytes) -> Card:
    """Read a card.

    Raises:
        BadFormat: the front matter is no YAML mapping; the text alone is `body(data)`.
    """
    text = _decode(data)
    match = _FRONT.match(text)
    if not match:
        return Card(text=text.strip())
    front = yaml12.load(match[1], limit=_YAML_LIMIT, tags=yaml12.Tags.DROP)
    if front is None:
        front = {}
    if not isinstance(front, dict):
        raise BadFormat("the card's front matter is no mapping", hint="write `key: value` lines between the two ---")
    return Card(
        text=text[match.end() :].strip(),
        tags=tuple(_tags(front)),
        datasets=tuple(Dataset(name=name, role="training") for name in _unique(_texts(front.get("datasets")))),
        metrics=_metrics(front),
        parents=_parents(front),
    )


def body(data: bytes) -> str:
    """Return a card's text without its front matter, which need not be readable."""
    return _FRONT.sub("", _decode(data), count=1).strip()


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace").removeprefix("\ufeff")


def _texts(value: Any) -> list[str]:
    """Return a string, or the strings of a list, that are worth keeping; numbers and booleans become text."""
    items = value if isinstance(value, list) else [value]
    texts = (str(item).strip() for item in items[:_MANY] if isinstance(item, str | int | float))
    return [text[:_LONG] for text in texts if text]


def _unique(texts: list[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _tags(front: dict[Any, Any]) -> Iterator[Tag]:
    for label in _LABELS:
        if texts := _texts(front.get(label)):
            yield Tag(label, ", ".join(texts))
    for text in _unique(_texts(front.get("tags"))):
        if text not in _LABELS:
            yield Tag(text)


def _parents(front: dict[Any, Any]) -> tuple[Parent, ...]:
    """Return the bases named under `base_model`; where there are none, those that tags name."""
    names = _unique(_texts(front.get("base_model")))
    relation = front.get("base_model_relation")
    kind = _RELATIONS.get(relation) if isinstance(relation, str) else None
    if names:
        return tuple(Parent(name=name, kind=kind) for name in names)
    return tuple(_from_tags(_texts(front.get("tags"))))


def _from_tags(tags: list[str]) -> Iterator[Parent]:
    """Read `base_model:adapter:org/name` and `base_model:org/name`, which the hub itself puts on a model."""
    found: dict[str, EdgeKind | None] = {}
    for tag in tags:
        if not tag.startswith("base_model:"):
            continue
        head, colon, name = tag.removeprefix("base_model:").partition(":")
        relation, name = (head, name) if colon and head in _RELATIONS else ("", tag.removeprefix("base_model:"))
        found[name] = _RELATIONS.get(relation) or found.get(name)
    return (Parent(name=name, kind=kind, stated=False) for name, kind in found.items())


class _Result(msgspec.Struct, frozen=True):
    metric: str
    value: float
    places: tuple[str, ...]  # data set, its config, its split


def _metrics(front: dict[Any, Any]) -> tuple[Metric, ...]:
    """Read `model-index[].results[]`; a metric measured on several data sets carries the data set in its name."""
    results = list(_results(front.get("model-index")))[:_MANY]
    often = Counter(result.metric for result in results)
    taken: Counter[str] = Counter()
    metrics = []
    for result in results:
        name = result.metric if often[result.metric] == 1 else "/".join((result.metric, *filter(None, result.places)))
        taken[name] += 1
        name = name if taken[name] == 1 else f"{name}#{taken[name]}"
        metrics.append(Metric(name, result.value, dataset=result.places[0] if result.places else ""))
    return tuple(metrics)


def _results(index: Any) -> Iterator[_Result]:
    for model in _mappings(index):
        for result in _mappings(model.get("results")):
            dataset = result.get("dataset")
            places = _places(dataset) if isinstance(dataset, dict) else ()
            for metric in _mappings(result.get("metrics")):
                name = next(iter(_texts(metric.get("type")) or _texts(metric.get("name"))), "")
                value = _number(metric.get("value"))
                if name and value is not None:
                    yield _Result(name, value, places)


def _places(dataset: dict[Any, Any]) -> tuple[str, ...]:
    named = _texts(dataset.get("type")) or _texts(dataset.get("name"))
    config, split = _texts(dataset.get("config")), _texts(dataset.get("split"))
    return tuple(next(iter(texts), "") for texts in (named, config, split))


def _mappings(value: Any) -> list[dict[Any, Any]]:
    return [item for item in value[:_MANY] if isinstance(item, dict)] if isinstance(value, list) else []


def _number(value: Any) -> float | None:
    """Return a metric's value; cards also write it as text, now and then with a percent sign, which is dropped."""
    try:
        number = float(value.strip().removesuffix("%")) if isinstance(value, str) else value
    except ValueError:
        return None
    if isinstance(number, bool) or not isinstance(number, int | float):
        return None
    try:
        number = float(number)
    except OverflowError:
        return None
    return number if isfinite(number) else None
