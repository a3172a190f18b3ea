"""Checkpoint folders keep the contract of registries: on folders that the real tools wrote, and on handmade ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.testing import RegistryContract, Source
from tests.sources import checkpoints


class TestHandmade(RegistryContract):
    """Needs no foreign tool."""

    @pytest.fixture
    def source(self, tmp_path: Path, around: Surroundings) -> Source:
        tree = checkpoints.versions_like(tmp_path / "theirs")
        spec = RegistrySpec(name="files", kind="checkpoints", url=str(tree))
        return Source(spec=spec, around=around, trees=(tree,))


class TestOneFile(RegistryContract):
    """A single model file is a registry too."""

    @pytest.fixture
    def source(self, tmp_path: Path, around: Surroundings) -> Source:
        path = checkpoints.safetensors(tmp_path / "theirs" / "model.safetensors", {"w": b"12345678"})
        spec = RegistrySpec(name="files", kind="checkpoints", url=str(path))
        return Source(spec=spec, around=around, trees=(path.parent,))


class TestTools(RegistryContract):
    """Trainer, Lightning, torch, safetensors, GGUF, ONNX, TensorBoard, Hydra."""

    @pytest.fixture
    def source(
        self, oracle: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory, around: Surroundings
    ) -> Source:
        tree, _ = checkpoints.tools(oracle("training"), tmp_path_factory)
        spec = RegistrySpec(name="files", kind="checkpoints", url=str(tree))
        return Source(spec=spec, around=around, trees=(tree,))
