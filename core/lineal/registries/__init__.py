"""The kinds of registry that Lineal reads: built-in ones by name, others through entry points."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import cast

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import ConfigError
from lineal.registries.base import Adapter, Registry

BUILTIN = {
    "dvc": "lineal.registries.dvc",
    "mlflow": "lineal.registries.mlflow",
    "huggingface": "lineal.registries.huggingface",
    "checkpoints": "lineal.registries.checkpoints",
}


def adapter(kind: str) -> Adapter:
    """Return the adapter for `kind`, importing that one only.

    Raises:
        ConfigError: no such kind is built in or installed.
    """
    if kind in BUILTIN:
        return cast(Adapter, import_module(BUILTIN[kind]))
    for point in entry_points(group="lineal.registries", name=kind):
        return cast(Adapter, point.load())
    raise ConfigError(f"no kind of registry is called {kind!r}", hint=f"built in: {', '.join(BUILTIN)}")


def connect(spec: RegistrySpec, around: Surroundings) -> Registry:
    """Make the registry that `spec` names, without touching it."""
    return adapter(spec.kind).connect(spec, around)
