"""The model card that Trainer and others write beside a model: README.md with YAML front matter."""

from __future__ import annotations

from typing import Any

import msgspec

from lineal.formats import yaml12
from lineal.model.values import Tag
from lineal.model.version import Dataset
from lineal.registries.checkpoints.probe import Probe

MAX_CARD = 1 << 20  # bytes
MAX_ITEMS = 64


class Card(msgspec.Struct, frozen=True):
    """What a card says; `base` are the models it names as bases, `relation` how, if it does."""

    text: str = ""
    base: tuple[str, ...] = ()
    relation: str = ""
    datasets: tuple[Dataset, ...] = ()
    tags: tuple[Tag, ...] = ()


def read(probe: Probe, path: str) -> Card:
    """Read a card; an empty one and a problem where it cannot be read."""
    data = probe.attempt(path, lambda at: probe.bytes(at, MAX_CARD))
    if not data:
        return Card()
    front, body = _split(data.decode("utf-8-sig", "backslashreplace"))
    fields = probe.attempt(path, lambda _: yaml12.load(front)) if front else None
    if not isinstance(fields, dict):
        return Card(text=body)
    relation = fields.get("base_model_relation")
    return Card(
        text=body,
        base=tuple(_texts(fields.get("base_model"))),
        relation=relation if isinstance(relation, str) else "",
        datasets=tuple(Dataset(name=name) for name in _texts(fields.get("datasets"))),
        tags=tuple(Tag(key, value) for key in ("license", "pipeline_tag") for value in _texts(fields.get(key))),
    )


def _split(text: str) -> tuple[str, str]:
    """Return front matter and body."""
    lines = text.splitlines(keepends=True)
    if not lines or lines[0].strip() != "---":
        return "", text
    for number, line in enumerate(lines[1:], 1):
        if line.strip() == "---":
            return "".join(lines[1:number]), "".join(lines[number + 1 :]).lstrip("\n")
    return "", text


def _texts(value: Any) -> list[str]:
    several = value if isinstance(value, list) else [value]
    return [item for item in several[:MAX_ITEMS] if isinstance(item, str) and item]
