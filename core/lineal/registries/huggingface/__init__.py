"""The Hugging Face hub cache: what `huggingface_hub` has downloaded to this machine, read from its folders alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import ConfigError
from lineal.registries.base import Registry
from lineal.registries.huggingface.places import cache_of, caches_below, is_cache

KIND = "huggingface"


def connect(spec: RegistrySpec, around: Surroundings) -> Registry:
    """Make the registry of the cache folder `spec.url`. Raises ConfigError if that is a URL, not a folder."""
    from lineal.registries.huggingface.registry import HubCache

    if "://" in spec.url and not spec.url.startswith("file://"):
        raise ConfigError(
            f"{spec.url} is no folder: the huggingface registry reads a download cache, not the hub",
            hint="give the cache folder, as in ~/.cache/huggingface/hub",
        )
    return HubCache(spec, Path(around.cwd, spec.url.removeprefix("file://")))


def discover(around: Surroundings, folders: Iterable[str]) -> Iterator[RegistrySpec]:
    """Yield the cache that the environment or home folder names, then caches in `folders`, if they hold a model."""
    seen: set[Path] = set()
    candidates = [cache_of(around), *(place for folder in folders for place in caches_below(Path(folder)))]
    for place in candidates:
        if place in seen or not is_cache(place):
            continue
        seen.add(place)
        name = KIND if len(seen) == 1 else f"{KIND}-{len(seen)}"
        yield RegistrySpec(name=name, kind=KIND, url=str(place))


def recognise(url: str, around: Surroundings) -> bool:
    """Say whether `url` is a folder with `models--…/snapshots` in it."""
    return "://" not in url and is_cache(Path(around.cwd, url))
