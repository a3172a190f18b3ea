"""Small stores for tests: versions of little models, and what they must come back as."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lineal.config import StoreSpec, Surroundings
from lineal.registries.native import trees
from lineal.registries.native.shelf import Made, Said, Shelf
from lineal.store.filesystem import FileSystem
from lineal.store.folder import FolderBackend
from lineal.store.restoring import restore
from lineal.store.store import Store

NOW = 1_700_000_000.0
_NAMES = {"<f4": "F32", "<f2": "F16", "<u2": "BF16", "<i8": "I64", "|u1": "U8"}


def around(folder: Path, clock: float = NOW) -> Surroundings:
    """Return surroundings whose home is in `folder`."""
    return Surroundings(folder, folder / "home", {"LINEAL_AUTHOR": "mira"}, lambda: clock)


def shelf(folder: Path, name: str = "store", fs: FileSystem | None = None, clock: float = NOW) -> Shelf:
    """Open the store `name` in `folder`, made where there is none."""
    there = around(folder, clock)
    backend = FolderBackend(folder / name, fs or FileSystem())
    return Shelf(Store.open(backend, there.cache_folder(), create=True, fs=fs), there)


def at(url: str, folder: Path, options: Mapping[str, str]) -> Shelf:
    """Open the store at a URL, made where there is none."""
    spec = StoreSpec(url=url, options=tuple(sorted(options.items())), origin="given")
    return Shelf.open(spec, around(folder), create=True)


def safetensors(tensors: Mapping[str, NDArray[np.generic]], metadata: Mapping[str, str] | None = None) -> bytes:
    """Return a safetensors file of arrays; 16-bit unsigned ones stand for bfloat16."""
    header: dict[str, object] = {"__metadata__": dict(metadata or {"format": "pt"})}
    start = 0
    for name, value in tensors.items():
        stop = start + value.nbytes
        header[name] = {"dtype": _NAMES[value.dtype.str], "shape": list(value.shape), "data_offsets": [start, stop]}
        start = stop
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(value.tobytes() for value in tensors.values())


def chain(steps: int, size: int = 60_000, seed: int = 0) -> list[dict[str, NDArray[np.generic]]]:
    """Return weights that change a little at each step."""
    random = np.random.default_rng(seed)
    now = (random.standard_normal(size) * 0.04).astype("<f4")
    found: list[dict[str, NDArray[np.generic]]] = []
    for _ in range(steps):
        bits = (now.view("<u4") >> 16).astype("<u2")
        found.append({"encoder.weight": now.reshape(-1, 10), "half": bits, "bias": np.zeros(7, "<f4")})
        now = now + (random.standard_normal(size) * 1e-5).astype("<f4")
    return found


def commit(shelf: Shelf, files: Mapping[str, bytes], folder: Path, name: str = "m", said: Said | None = None) -> Made:
    """Write files into a folder of their own and commit it."""
    place = folder / f"work-{len(list(folder.glob('work-*')))}"
    for path, data in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_bytes(data)
    return shelf.commit(trees.read([place]), said or Said(), kind="model", name=name)


def files_of(shelf: Shelf, version: str, target: Path) -> dict[str, bytes]:
    """Restore a version into the new folder `target`; return its files."""
    document = shelf.store.document(version)
    shelf.store.prepare(document)
    restore(shelf.store, document, target)
    return {str(path.relative_to(target)): path.read_bytes() for path in sorted(target.rglob("*")) if path.is_file()}
