"""Models in git: DVC files and pipelines, GTO's tags, experiments, git-lfs, and model files in git itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import ConfigError
from lineal.registries.base import Registry

_URL = re.compile(r"(?:(?:https?|ssh|git|file)://|[\w.-]+@[\w.-]+:)")
_NAME = re.compile(r"[^a-z0-9._-]+")
_PACKED = 4 << 20  # bytes of packed refs that are looked at
_TAG = re.compile(rb"refs/tags/\S+(?:@v\d|#\w)")


def connect(spec: RegistrySpec, around: Surroundings) -> Registry:
    """Make the registry of a repository at a path or URL, without touching it. Raises ConfigError if it is neither."""
    from lineal.registries.dvc.registry import GitRegistry

    if spec.url.startswith("-") or "\0" in spec.url:
        raise ConfigError(f"{spec.url!r} is no repository", hint="write a path, or a URL as `git clone` takes it")
    remote = bool(_URL.match(spec.url))
    if not remote and not Path(spec.url).is_absolute():
        raise ConfigError(f"{spec.url!r} is no absolute path", hint=f"write {around.cwd / spec.url}")
    return GitRegistry(spec, around, remote=remote)


def discover(around: Surroundings, folders: Iterable[str]) -> Iterator[RegistrySpec]:
    """Yield the repositories among `folders` that use DVC, GTO or git-lfs."""
    del around
    for folder in map(Path, folders):
        if (folder / ".git").exists() and _has_models(folder):
            yield RegistrySpec(name=_name(folder), kind="dvc", url=str(folder))


def recognise(url: str, around: Surroundings) -> bool:
    """Say whether `url` is a repository on this machine, or looks like the URL of one."""
    del around
    if _URL.match(url):
        return url.endswith(".git") or not url.startswith(("http://", "https://"))
    path = Path(url)
    return (path / ".git").exists() or ((path / "HEAD").is_file() and (path / "objects").is_dir())


def _name(folder: Path) -> str:
    return _NAME.sub("-", folder.name.lower()).strip("-._") or "git"


def _has_models(folder: Path) -> bool:
    """Look for traces of DVC, GTO and git-lfs, without starting git."""
    if any((folder / name).exists() for name in (".dvc", "dvc.yaml", "dvc.lock", "artifacts.yaml", ".gto")):
        return True
    if b"filter=lfs" in _head(folder / ".gitattributes"):
        return True
    git = folder / ".git"
    return bool(_TAG.search(_head(git / "packed-refs"))) or _has_loose_tag(git / "refs" / "tags")


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_PACKED)
    except OSError:
        return b""


def _has_loose_tag(folder: Path) -> bool:
    try:
        names = [entry.name for entry, _ in zip(folder.rglob("*"), range(2_000), strict=False)]
    except OSError:
        return False
    return any(_TAG.search(f"refs/tags/{name}".encode()) for name in names)
