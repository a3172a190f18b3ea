"""The JSON beside the weights: config.json, generation_config.json, adapter_config.json, the index of shards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from lineal.errors import BadFormat
from lineal.formats import jsons
from lineal.model.values import Param, Value
from lineal.model.version import Environment, Package

LIMIT = 8 << 20  # bytes of one file
SHARD_LIMIT = 64 << 20  # the index of a model of a thousand shards is some MB
ADAPTER, CONFIG, GENERATION = "adapter_config.json", "config.json", "generation_config.json"
SHARD_INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")

_PREFIXES = {ADAPTER: "", CONFIG: "config.", GENERATION: "generation."}
_MANY = 400  # params of one file
_LONG = 2000  # characters of one text
_LIST = 64  # elements of a list that is kept as such
_SETS = frozenset({"target_modules", "modules_to_save", "layers_to_transform", "exclude_modules"})
_MAPS = frozenset({"id2label", "label2id"})  # a thousand rows that are no hyperparameter
_BASE = "base_model_name_or_path"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """One of these files, taken apart. `base` is the model it names as its own origin, or ""."""

    params: tuple[Param, ...] = ()
    base: str = ""
    environment: Environment | None = None
    quantized: bool = False


def parse(data: bytes, name: str) -> Config:
    """Read the file called `name` (ADAPTER, CONFIG or GENERATION).

    Nested keys are dotted; config.json's stand under `config.`, generation_config.json's under `generation.`, and an
    adapter's (r, lora_alpha, ...) as they are. Collections without an order of their own are sorted.

    Raises:
        BadFormat: it is no JSON object.
    """
    document = _object(data, LIMIT)
    pairs = _flat(document, _PREFIXES[name])
    base = document.get(_BASE) if name == ADAPTER else None
    return Config(
        params=tuple(Param(key, value) for key, value in _first(pairs, _MANY)),
        base=base if isinstance(base, str) else "",
        environment=_environment(document, name),
        quantized=isinstance(document.get("quantization_config"), dict),
    )


def shards(data: bytes) -> list[str]:
    """Return the files that an index of shards names. Raises BadFormat if it is none."""
    weights = _object(data, SHARD_LIMIT).get("weight_map")
    if not isinstance(weights, dict):
        raise BadFormat("an index of shards without a weight_map", hint="download the file again")
    return sorted({name for name in weights.values() if isinstance(name, str)})


def _object(data: bytes, limit: int) -> dict[str, Any]:
    document = jsons.load(data, limit)
    if not isinstance(document, dict):
        raise BadFormat("JSON that is no object", hint="download the file again")
    return document


def _flat(mapping: dict[str, Any], prefix: str) -> Iterator[tuple[str, Value]]:
    for key, value in mapping.items():
        if key in _MAPS or key == _BASE or key.startswith("_") or value is None:
            continue
        name = f"{prefix}{key}"[:_LONG]
        if isinstance(value, dict):
            yield from _flat(value, f"{name}.")
        else:
            yield name, _kept(key, value)


def _kept(key: str, value: Value) -> Value:
    if isinstance(value, str):
        return _text(value)
    if not isinstance(value, list):
        return value
    if len(value) > _LIST or not all(isinstance(item, str | int | float | bool | None) for item in value):
        return f"[{len(value)} items]"
    items = [_text(item) if isinstance(item, str) else item for item in value]
    return sorted(items, key=str) if key in _SETS else items


def _text(text: str) -> str:
    """JSON may escape half a surrogate pair, which no other text can hold."""
    return text[:_LONG].encode("utf-8", "backslashreplace").decode("utf-8")


def _first(pairs: Iterator[tuple[str, Value]], count: int) -> list[tuple[str, Value]]:
    return [pair for pair, _ in zip(pairs, range(count), strict=False)]


def _environment(document: dict[str, Any], name: str) -> Environment | None:
    """Return what wrote the file: transformers and PEFT leave their own versions in it."""
    wrote = {CONFIG: ("transformers", "transformers_version"), ADAPTER: ("peft", "peft_version")}.get(name)
    version = document.get(wrote[1]) if wrote else None
    if not wrote or not isinstance(version, str):
        return None
    return Environment(packages=(Package(wrote[0], _text(version)),), sources=(name,))
