"""Checkpoint folders and model files on this machine: Trainer, Lightning, torch, safetensors, GGUF, ONNX."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import ConfigError
from lineal.registries.base import Registry


def connect(spec: RegistrySpec, around: Surroundings) -> Registry:
    """Make the registry of a folder or model file, without touching it. Raises ConfigError if its path is relative."""
    from lineal.registries.checkpoints.registry import Checkpoints

    if "\0" in spec.url:
        raise ConfigError(f"{spec.url!r} is no path", hint="write the path of a folder or of a model file")
    if not Path(spec.url).is_absolute():
        path = around.cwd / spec.url
        raise ConfigError(f"{spec.url!r} is no absolute path", hint=f"write {path}, if that is what is meant")
    return Checkpoints(spec, around.clock)


def discover(around: Surroundings, folders: Iterable[str]) -> Iterator[RegistrySpec]:
    """Yield the checkpoint folders in `folders`."""
    from lineal.registries.checkpoints.discovery import specs

    return specs(folders, around.home)


def recognise(url: str, around: Surroundings) -> bool:
    """Say whether `url` is a folder that holds checkpoints or models, or a model file."""
    from lineal.registries.checkpoints.discovery import holds_models

    del around
    return Path(url).is_absolute() and "\0" not in url and holds_models(Path(url))
