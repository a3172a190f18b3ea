"""The hub cache keeps the contract of registries, on caches that the real client wrote; and lists what it lists."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.model.records import Alias, Problem, Record
from lineal.model.version import Place, State, Version
from lineal.registries import connect
from lineal.testing import RegistryContract, Source
from tests.sources.huggingface import Repository, client, commit_of, hub

Oracle = Callable[[str], Path]

CARD = b"""---
license: apache-2.0
base_model: acme/base
---
# Tuned
"""
TUNED = {
    "README.md": CARD,
    "config.json": json.dumps({"hidden_size": 8, "transformers_version": "5.17.0"}).encode(),
    "model.safetensors": b"\x02\0\0\0\0\0\0\0{}",
    "onnx/model.onnx": b"not really",
}
REPOSITORIES = {
    "acme/base": Repository(first={"config.json": b"{}", "model.safetensors": b"\x02\0\0\0\0\0\0\0{}"}),
    "acme/tuned": Repository(one=TUNED | {"README.md": b"# Old\n"}, two=TUNED),
    "acme/large": Repository(big={"config.json": b'{"a": 1}', "model.safetensors": b"x" * 5000}),
}
DOWNLOADS = (
    ("acme/base", "main"),
    ("acme/tuned", "one"),
    ("acme/tuned", "main"),
    ("acme/tuned", "two"),
    ("acme/large", "main", "*.json"),
)


@pytest.fixture(scope="module")
def cache(oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that the real client filled from a hub on this machine: two revisions, nested files, a partial one."""
    python, place = oracle("huggingface"), tmp_path_factory.mktemp("hub")
    with hub(REPOSITORIES) as endpoint:
        for repo, revision, *patterns in DOWNLOADS:
            arguments = (str(place / "hub"), repo, revision, *patterns)
            client(python, "huggingface_download.py", place, *arguments, endpoint=endpoint)
    return place / "hub"


@pytest.fixture
def source(cache: Path, around: Surroundings) -> Source:
    """The cache as a registry under test."""
    return Source(spec=RegistrySpec(name="hf", kind="huggingface", url=str(cache)), around=around, trees=(cache,))


@pytest.fixture
def records(source: Source) -> Iterator[list[Record]]:
    """Everything that a first scan says."""
    registry = connect(source.spec, source.around)
    yield list(registry.scan({}))
    registry.close()


class TestContract(RegistryContract):
    """The contract of `lineal.testing`."""

    @pytest.fixture
    def source(self, cache: Path, around: Surroundings) -> Source:
        """The cache as a registry under test."""
        return Source(spec=RegistrySpec(name="hf", kind="huggingface", url=str(cache)), around=around, trees=(cache,))


def test_the_listing_is_that_of_the_client(oracle: Oracle, cache: Path, tmp_path: Path, records: list[Record]) -> None:
    """Models, revisions, refs, files, sizes and names of blobs are those of `scan_cache_dir`."""
    theirs = client(oracle("huggingface"), "huggingface_scan.py", tmp_path, str(cache))
    assert not theirs["warnings"]
    assert not [record for record in records if isinstance(record, Problem)]
    assert _listing(records) == theirs["models"]


def _listing(records: list[Record]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for record in records:
        if isinstance(record, Version):
            here = [file for file in record.files if file.place is Place.CACHE]
            files = {file.path: [file.size, file.digest.hex if file.digest else ""] for file in here}
            found.setdefault(record.model, {})[record.key] = {"refs": [], "files": files}
    for record in records:
        if isinstance(record, Alias):
            found[record.model][record.key]["refs"].append(record.name)
    return found


def test_a_download_of_some_files_is_a_partial_version_that_names_the_rest(records: list[Record]) -> None:
    """The tree listing that the client keeps tells what is missing, with size and hash."""
    versions = {(record.model, record.key): record for record in records if isinstance(record, Version)}
    partial = versions["acme/large", commit_of("big")]
    assert partial.state is State.PARTIAL
    missing = [file for file in partial.files if file.place is Place.REMOTE]
    assert [(file.path, file.size) for file in missing] == [("model.safetensors", 5000)]
    assert missing[0].digest
    assert versions["acme/tuned", commit_of("two")].state is State.READY
