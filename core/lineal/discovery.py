"""What is found without configuration, in and around the working folder, put together with what is configured."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from msgspec import structs

from lineal import registries
from lineal.config import Config, RegistrySpec, Surroundings
from lineal.model.listing import RegistryRow

_SUBFOLDERS = 200  # at most so many folders below the working folder and the root are looked into
_NOWHERE = Surroundings(Path("/"), Path("/"), {})
_SKIPPED = frozenset({"node_modules", "__pycache__", "site-packages", "venv", "env", "build", "dist"})


def specs(config: Config, around: Surroundings, known: Iterable[RegistryRow] = ()) -> list[RegistrySpec]:
    """Return every registry of the workspace: configured ones first, then found ones; names are unique.

    What is found depends on the working folder, and the workspace does not: a place that was found once, `known` to the
    index, stays as long as it is there and keeps its name.

    Raises:
        ConfigError: a configured registry has no kind and its place shows none.
    """
    named = [_with_kind(spec, around) for spec in config.registries]
    named += _store(config)
    if not config.discover:
        return named
    before = [_spec(row) for row in known if row.origin == "found"]
    there = [spec for spec in before if _is_below(spec.url, config.root)]
    fresh = registries.discover(around, folders(config.root, around.cwd))
    return _together(named, [*there, *_renamed(fresh, before)], config)


def _store(config: Config) -> list[RegistrySpec]:
    """Return the workspace's own store: where a file or a command line names it, else where it usually is."""
    store = config.store
    if store.origin == "default" and not registries.adapter("native").recognise(store.url, _NOWHERE):
        return []
    name = _free("store", {spec.name for spec in config.registries})
    origin = "found" if store.origin == "default" else store.origin
    return [RegistrySpec(name=name, kind="native", url=store.url, origin=origin, options=store.options)]


def _spec(row: RegistryRow) -> RegistrySpec:
    return RegistrySpec(name=row.name, kind=row.kind, url=row.url)


def _is_below(url: str, root: Path) -> bool:
    return url.startswith("/") and Path(url).is_relative_to(root) and Path(url).exists()


def _renamed(fresh: Iterable[RegistrySpec], before: list[RegistrySpec]) -> Iterator[RegistrySpec]:
    """Give places the names that they had before; a new one does not take the name of another."""
    names = {(spec.kind, spec.url): spec.name for spec in before}
    for spec in fresh:
        yield structs.replace(spec, name=names.get((spec.kind, spec.url)) or _free(spec.name, set(names.values())))


def _with_kind(spec: RegistrySpec, around: Surroundings) -> RegistrySpec:
    if spec.kind:
        return spec
    kind = registries.recognise(spec.url, around)
    return RegistrySpec(name=spec.name, kind=kind, url=spec.url, origin=spec.origin, options=spec.options)


def _together(named: list[RegistrySpec], found: list[RegistrySpec], config: Config) -> list[RegistrySpec]:
    """Add found places to the configured ones, each once, under a name that no other has."""
    kept = list(named)
    for spec in found:
        others = [other for other in (*kept, *found) if other is not spec]
        if not (_ignored(spec.url, config.ignore) or _covered(spec, kept) or _inside(spec, others)):
            kept.append(structs.replace(spec, name=_free(spec.name, {one.name for one in kept})))
    return kept


def _ignored(url: str, ignore: Iterable[str]) -> bool:
    return any(url == place or url.startswith(place.rstrip("/") + "/") for place in ignore)


def _covered(spec: RegistrySpec, others: Iterable[RegistrySpec]) -> bool:
    return any((spec.kind, spec.url.rstrip("/")) == (other.kind, other.url.rstrip("/")) for other in others)


def _inside(spec: RegistrySpec, others: Iterable[RegistrySpec]) -> bool:
    """Say whether a folder of checkpoints lies in another one, which shows it already."""
    above = (other.url.rstrip("/") + "/" for other in others if other.kind == spec.kind == "checkpoints")
    return any(spec.url.startswith(url) for url in above)


def _free(name: str, names: Collection[str]) -> str:
    """Return `name`, or with a number behind it where another has it."""
    free, number = name, 2
    while free in names:
        free, number = f"{name}-{number}", number + 1
    return free


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
