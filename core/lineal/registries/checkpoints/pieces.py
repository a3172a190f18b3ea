"""The files of a version: which there are, which are missing, and the fingerprint of its weights."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from urllib.parse import quote

from lineal.formats import safetensors
from lineal.model.version import File
from lineal.registries.checkpoints import contents
from lineal.registries.checkpoints.contents import Content
from lineal.registries.checkpoints.layout import Found
from lineal.registries.checkpoints.probe import Probe
from lineal.registries.checkpoints.walk import Tree, entry, join

MAX_FILES = 2_000
MAX_INDEX = 32 << 20  # bytes


def text(path: str) -> str:
    """Return a path as text that any encoder takes: bytes that are no UTF-8 become visible escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def mark(probe: Probe, found: Found, read: dict[str, Content], external: tuple[str, ...]) -> str:
    """Return the short fingerprint of a version: names and content marks of its weights, or of all its files."""
    whole = hashlib.sha256()
    for path in (*found.weights, *external) or found.files:
        content = read.get(path)
        told = content.mark if content else probe.attempt(path, lambda at: contents.sampled(probe.window(at)))
        whole.update(f"{text(path.removeprefix(found.folder))}\0{told}\n".encode())
    return whole.hexdigest()[:12]


def external(probe: Probe, tree: Tree, read: dict[str, Content]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the files that hold the bytes of ONNX models beside them, and those of them that are not there."""
    there: set[str] = set()
    missing: set[str] = set()
    for path, content in read.items():
        for name in content.external:
            if name.startswith("/") or "\\" in name or ".." in name.split("/"):
                message = f"its bytes are in {name[:80]!r}, outside its folder"
                probe.problem(path, message, "save the model with its bytes beside it")
            else:
                at = join(path.rpartition("/")[0], name)
                (there if entry(tree, at) else missing).add(at)
    return tuple(sorted(there)), tuple(sorted(missing))


def missing_shards(probe: Probe, tree: Tree, found: Found) -> tuple[str, ...]:
    """Return the shards that an index in a version's folder names and that are not there."""
    if found.path in found.weights:
        return ()
    return tuple(shard for shard in _shards(probe, tree, found) if entry(tree, shard) is None)


def _shards(probe: Probe, tree: Tree, found: Found) -> Iterator[str]:
    for name in tree.folders[found.folder].files:
        if name.endswith((".safetensors.index.json", ".bin.index.json")):
            path = join(found.folder, name)
            index = probe.attempt(path, lambda at: safetensors.read_index(probe.bytes(at, MAX_INDEX)))
            yield from (join(found.folder, shard) for shard in (index.shards if index else ()))


def written(tree: Tree, found: Found) -> float | None:
    """Return when the weights were last written, in Unix seconds."""
    times = [known.mtime_ns for path in found.weights or found.files if (known := entry(tree, path))]
    return max(times) / 1e9 if times else None


def files(probe: Probe, tree: Tree, found: Found, outside: tuple[str, ...]) -> tuple[File, ...]:
    """Return the files of a version, by path, at most `MAX_FILES`."""
    paths = sorted({*found.files, *outside})[:MAX_FILES]
    return tuple(_file(probe, tree, found.folder, path) for path in paths)


def _file(probe: Probe, tree: Tree, folder: str, path: str) -> File:
    known = entry(tree, path)
    local = os.fspath(probe.root / path)
    return File(
        path=text(path.removeprefix(f"{folder}/") if folder else path),
        size=known.size if known else None,
        location=quote(os.fsencode(path)),
        local=local if text(local) == local else "",  # a name that is no UTF-8 is for `open` alone
    )
