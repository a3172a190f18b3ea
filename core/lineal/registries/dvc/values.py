"""Parameters and metrics out of the files of a commit: YAML 1.2, JSON and TOML, flattened to dotted names."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lineal.errors import BadFormat
from lineal.formats import jsons, yaml12
from lineal.model.values import Metric, Param

_LIMIT = 4 << 20  # bytes of one file
_MOST = 20_000  # values of one file
_DEEP = 24  # levels of nesting


def load(path: str, data: bytes) -> Any:
    """Read a file of values. Raises BadFormat."""
    if len(data) > _LIMIT:
        raise BadFormat(f"{path} is larger than {_LIMIT >> 20} MiB", hint="is it a file of values?")
    if path.endswith(".json"):
        return jsons.load(data, _LIMIT)
    if path.endswith(".toml"):
        return _toml(path, data)
    if path.endswith((".yaml", ".yml")):
        return yaml12.load(data)
    raise BadFormat(f"{path} is not YAML, JSON or TOML", hint="Python files of parameters are not read")


def _toml(path: str, data: bytes) -> Any:
    try:
        return tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as e:
        raise BadFormat(f"{path} is not TOML: {e}", hint="repair it in a new commit") from e


def flat(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield (dotted name, value) of everything in nested mappings; lists stay whole."""
    if isinstance(value, Mapping) and value and depth < _DEEP:
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}" if name else str(key), depth + 1)
    elif name:
        yield name, value


def params(files: Mapping[str, Any], keys: Mapping[str, Sequence[str]]) -> tuple[Param, ...]:
    """Return the parameters of several files; `keys` limits a file to some of its keys, none for all.

    Names are plain, as in `params.yaml`; where two files have the same, the later one's gets its path in front.
    """
    found: dict[str, Any] = {}
    for path, document in files.items():
        wanted = keys.get(path, ())
        for name, value in _some(flat(document), wanted):
            found[f"{path}:{name}" if name in found else name] = _plain(value)
    return tuple(Param(name, value) for name, value in found.items())


def _some(pairs: Iterator[tuple[str, Any]], keys: Sequence[str]) -> Iterator[tuple[str, Any]]:
    for (name, value), _ in zip(pairs, range(_MOST), strict=False):
        if not keys or any(name == key or name.startswith(f"{key}.") for key in keys):
            yield name, value


def _plain(value: Any) -> Any:
    """Return dates and the like as text; what JSON knows stays."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return str(value)


def metrics(files: Mapping[str, Any]) -> tuple[Metric, ...]:
    """Return the numbers of several files of metrics, truth as 1 and 0; named as parameters are."""
    found: dict[str, float] = {}
    steps: dict[str, int | None] = {}
    for path, document in files.items():
        step = document.get("step") if isinstance(document, dict) else None
        for name, value in _some(flat(document), ()):
            if isinstance(value, int | float):
                unique = f"{path}:{name}" if name in found else name
                found[unique] = _float(value)
                steps[unique] = step if isinstance(step, int) and not isinstance(step, bool) else None
    return tuple(Metric(name, value, steps[name]) for name, value in found.items())


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
