"""Lineal's own registry: immutable versions in a store of its own, on disk or on S3."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from lineal.config import FOLDER, RegistrySpec, StoreSpec, Surroundings
from lineal.registries.base import Registry

KIND = "native"
_SIGN = b'{"lineal_store":'


def connect(spec: RegistrySpec, around: Surroundings) -> Registry:
    """Make the registry of the store at `spec.url`, without touching it."""
    from lineal.registries.native.registry import NativeRegistry

    return NativeRegistry(spec, around)


def discover(around: Surroundings, folders: Iterable[str]) -> Iterator[RegistrySpec]:  # noqa: ARG001
    """Yield the stores in `folders`: those of projects, and folders that are stores themselves."""
    seen = 0
    for folder in folders:
        for place in (Path(folder, FOLDER, "store"), Path(folder)):
            if is_store(place):
                seen += 1
                yield RegistrySpec(name="store" if seen == 1 else f"store-{seen}", kind=KIND, url=str(place))


def recognise(url: str, around: Surroundings) -> bool:
    """Say whether `url` is `s3://...`, or a folder that is a store."""
    return url.startswith("s3://") or ("://" not in url and is_store(Path(around.cwd, url)))


def is_store(folder: Path) -> bool:
    """Say whether a folder is a store, by its `format`."""
    try:
        with (folder / "format").open("rb") as stream:
            return stream.read(len(_SIGN)) == _SIGN
    except OSError:
        return False


def store_of(spec: RegistrySpec) -> StoreSpec:
    """Return how to reach the store behind a registry."""
    return StoreSpec(url=spec.url, options=spec.options, origin="given")
