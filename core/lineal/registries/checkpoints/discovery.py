"""Where checkpoints usually lie: a quick, bounded look at a folder and one level into it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from lineal.config import RegistrySpec
from lineal.errors import Unavailable
from lineal.registries.checkpoints import layout, walk
from lineal.registries.checkpoints.walk import Tree

LOOK = 2_000  # entries looked at in one place
LOOK_DEPTH = 5
GLIMPSE = 200  # entries looked at in a folder of any other name
MAX_OTHERS = 100  # of such folders
MAX_LONE = 8  # of them that are places of their own
PLACES = ("lightning_logs", "checkpoints", "ckpts", "outputs", "multirun", "runs", "models", "saved_models", "weights")
_NO_SLUG = re.compile(r"[^a-z0-9._-]+")


def places(folders: Iterable[str], home: Path) -> Iterator[Path]:
    """Yield the folders that hold checkpoints: a given folder itself, else what lies in it; none inside another.

    The home folder and the root are never taken whole for a model that lies loose in them.
    """
    found: dict[Path, None] = {}
    for folder in map(Path, folders):
        found |= dict.fromkeys(_in(folder, whole=folder not in (home, Path(folder.anchor))))
    yield from (place for place in found if not any(parent in found for parent in place.parents))


def specs(folders: Iterable[str], home: Path) -> Iterator[RegistrySpec]:
    """Yield a registry for each place, named after its folder, apart from one another."""
    names: set[str] = set()
    for place in places(folders, home):
        name = _name(place, names)
        names.add(name)
        yield RegistrySpec(name=name, kind="checkpoints", url=str(place))


def holds_models(path: Path) -> bool:
    """Say whether a folder holds a version of a model, looking at no more than `LOOK` entries; or a file is one."""
    if walk.is_file(path):
        return layout.is_model_file(path.name)
    tree = _look(path, LOOK_DEPTH)
    return tree is not None and bool(layout.runs(tree))


def _in(folder: Path, *, whole: bool) -> Iterator[Path]:
    near = _look(folder, 1)
    if near is None:
        return
    if whole and any(run.folder == "" for run in layout.runs(near)):
        yield folder
        return
    inner = [folder / name for name in near.folders[""].folders if walk.wanted(name) and not name.startswith(".")]
    named = [path for path in inner if path.name.lower() in PLACES and holds_models(path)]
    others = [path for path in inner[:MAX_OTHERS] if path.name.lower() not in PLACES and _is_output(path)]
    if whole and len(others) > 1:
        yield folder  # a folder of runs is one place, not one for each run
        return
    yield from named + others[:MAX_LONE]
    yield from (folder / name for name in PLACES if (folder / name).is_symlink() and holds_models(folder / name))


def _is_output(folder: Path) -> bool:
    """Say whether checkpoints lie right in a folder, whatever its name."""
    look = _look(folder, 1, GLIMPSE)
    return look is not None and any(run.folder == "" for run in layout.runs(look))


def _look(folder: Path, depth: int, entries: int = LOOK) -> Tree | None:
    try:
        return walk.walk(folder, entries, depth)
    except Unavailable:
        return None


def _name(place: Path, taken: set[str]) -> str:
    plain = _slug(place.name)
    longer = _slug(f"{place.parent.name}-{place.name}")
    candidates = [plain, longer, *(f"{longer}-{number}" for number in range(2, 10_000))]
    return next(name for name in candidates if name not in taken)


def _slug(text: str) -> str:
    slug = _NO_SLUG.sub("-", os.fsencode(text).decode("ascii", "replace").lower()).strip("-._")
    return slug or "files"
