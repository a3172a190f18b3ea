"""What is found without configuration, in and around the working folder, put together with what is configured."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from lineal import registries
from lineal.config import Config, RegistrySpec, Surroundings

_SUBFOLDERS = 200  # at most so many folders below the working folder and the root are looked into
_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages", "venv", "env", "build", "dist"})


def specs(config: Config, around: Surroundings) -> list[RegistrySpec]:
    """Return every registry of the workspace: configured ones first, then found ones; names are unique.

    Raises:
        ConfigError: a configured registry has no kind and its place shows none.
    """
    found = [_with_kind(spec, around) for spec in config.registries]
    if config.discover:
        _add_found(found, config, around)
    return found


def _with_kind(spec: RegistrySpec, around: Surroundings) -> RegistrySpec:
    if spec.kind:
        return spec
    kind = registries.recognise(spec.url, around)
    return RegistrySpec(name=spec.name, kind=kind, url=spec.url, origin=spec.origin, options=spec.options)


def _add_found(specs: list[RegistrySpec], config: Config, around: Surroundings) -> None:
    names = {spec.name for spec in specs}
    for spec in registries.discover(around, folders(config.root, around.cwd)):
        if _ignored(spec.url, config.ignore) or any(_same(spec, other) for other in specs):
            continue
        name = _free(spec, names)
        names.add(name)
        specs.append(RegistrySpec(name=name, kind=spec.kind, url=spec.url, options=spec.options))


def _ignored(url: str, ignore: Iterable[str]) -> bool:
    return any(url == place or url.startswith(place.rstrip("/") + "/") for place in ignore)


def _same(spec: RegistrySpec, other: RegistrySpec) -> bool:
    """Say whether `other` already covers the place of `spec`: the same place, or a folder of checkpoints above it."""
    if spec.kind != other.kind:
        return False
    below = spec.kind == "checkpoints" and spec.url.startswith(other.url.rstrip("/") + "/")
    return below or spec.url.rstrip("/") == other.url.rstrip("/")


def _free(spec: RegistrySpec, names: set[str]) -> str:
    """Return a name for `spec` that no other registry has."""
    if spec.name not in names:
        return spec.name
    number = 2
    while f"{spec.name}-{number}" in names:
        number += 1
    return f"{spec.name}-{number}"


def folders(root: Path, cwd: Path) -> list[str]:
    """Return where registries are looked for: the working folder, the root, and the folders right below both."""
    tops = [cwd] if cwd == root else [cwd, root]
    found = [str(top) for top in tops]
    for top in tops:
        found.extend(path for path in _below(top) if path not in found)
    return found


def _below(top: Path) -> Iterator[str]:
    try:
        with os.scandir(top) as entries:
            names = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return
    wanted = (name for name in names if not name.startswith(".") and name not in _SKIPPED)
    for _, name in zip(range(_SUBFOLDERS), wanted, strict=False):
        yield str(top / name)
