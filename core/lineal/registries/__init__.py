"""The kinds of registry that Lineal reads: built-in ones by name, others through entry points."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import cast

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import ConfigError
from lineal.registries.base import Adapter, Registry

BUILTIN = {
    "dvc": "lineal.registries.dvc",
    "mlflow": "lineal.registries.mlflow",
    "huggingface": "lineal.registries.huggingface",
    "checkpoints": "lineal.registries.checkpoints",
    "native": "lineal.registries.native",
}


def adapter(kind: str) -> Adapter:
    """Return the adapter for `kind`, importing that one only.

    Raises:
        ConfigError: no such kind is built in or installed.
    """
    if kind in BUILTIN:
        return cast(Adapter, import_module(BUILTIN[kind]))
    from importlib.metadata import entry_points  # brings email and zipfile with it, and most never need it

    for point in entry_points(group="lineal.registries", name=kind):
        return cast(Adapter, point.load())
    raise ConfigError(f"no kind of registry is called {kind!r}", hint=f"built in: {', '.join(BUILTIN)}")


def connect(spec: RegistrySpec, around: Surroundings) -> Registry:
    """Make the registry that `spec` names, without touching it."""
    return adapter(spec.kind).connect(spec, around)


def discover(around: Surroundings, folders: Iterable[str]) -> Iterator[RegistrySpec]:
    """Yield every built-in kind's registries in `folders` (absolute, nearest first) and in the user's surroundings."""
    folders = list(folders)
    for kind in BUILTIN:
        yield from adapter(kind).discover(around, folders)


def recognise(url: str, around: Surroundings) -> str:
    """Return the kind of registry that `url` is.

    Raises:
        ConfigError: it looks like none of the built-in kinds.
    """
    for kind in BUILTIN:
        if adapter(kind).recognise(url, around):
            return kind
    raise ConfigError(f"{url} is no registry that Lineal knows", hint=f"name its kind: {', '.join(BUILTIN)}")
