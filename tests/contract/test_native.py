"""The native registry keeps the contract of every registry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lineal.config import RegistrySpec, StoreSpec, Surroundings
from lineal.model.values import Metric, Param, Tag
from lineal.registries.native import trees
from lineal.registries.native.shelf import Said, Shelf
from lineal.store.manifest import Parent
from lineal.testing import RegistryContract, Source, Target, WriteContract
from tests import s3


def weights(path: Path, seed: int) -> Path:
    """Write some bytes that are like weights."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(np.random.default_rng(seed).standard_normal(5000).astype("<f4").tobytes())
    return path


class TestNative(RegistryContract):
    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        around = Surroundings(tmp_path, tmp_path / "home", {"LINEAL_AUTHOR": "mira"}, lambda: 1_700_000_000.0)
        store = tmp_path / "store"
        with Shelf.open(StoreSpec(url=str(store)), around, create=True) as shelf:
            for number in (1, 2):
                weights(tmp_path / "model" / "weights.bin", number)
                (tmp_path / "model" / "config.json").write_text('{"layers": 2}')
                before = (Parent(kind="finetuned", id=shelf.find("churn").id, model="churn"),) if number > 1 else ()
                said = Said(
                    parents=before,
                    params=(Param("lr", 0.1 * number), Param("odd", float("nan"))),
                    metrics=(Metric("auc", 0.9), Metric("loss", float("nan"))),
                    tags=(Tag("by", "night"),),
                    message="trained",
                )
                shelf.commit(trees.read([tmp_path / "model"]), said, kind="model", name="churn")
            data = trees.read([weights(tmp_path / "rows.bin", 9)])
            shelf.commit(data, Said(), kind="dataset", name="rows")
        spec = RegistrySpec(name="store", kind="native", url=str(store))
        return Source(spec=spec, around=around, trees=(store,))


class TestWritingNative(WriteContract):
    @pytest.fixture
    def target(self, tmp_path: Path) -> Target:
        around = Surroundings(tmp_path, tmp_path / "home", {"LINEAL_AUTHOR": "mira"}, lambda: 1_700_000_000.0)
        store = tmp_path / "store"
        keys = []
        with Shelf.open(StoreSpec(url=str(store)), around, create=True) as shelf:
            for number in (1, 2):
                tree = trees.read([weights(tmp_path / "model" / "weights.bin", number)])
                keys.append(shelf.commit(tree, Said(), kind="model", name="churn").id)
        source = Source(spec=RegistrySpec(name="store", kind="native", url=str(store)), around=around, trees=(store,))
        return Target(source=source, model="churn", keys=(keys[0], keys[1]))


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with s3.moto() as endpoint:
        yield endpoint


class TestWritingNativeOnS3(WriteContract):
    @pytest.fixture
    def target(self, moto: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secretsecret")
        around = Surroundings(tmp_path, tmp_path / "home", {"LINEAL_AUTHOR": "mira"}, lambda: 1_700_000_000.0)
        name = f"acts-{tmp_path.name}".replace("_", "-").lower()[:60].rstrip("-")
        s3.bucket(moto, name)
        options = (("endpoint", moto), ("path_style", "true"), ("region", "us-east-1"))
        keys = []
        with Shelf.open(StoreSpec(url=f"s3://{name}/store", options=options), around, create=True) as shelf:
            for number in (1, 2):
                tree = trees.read([weights(tmp_path / "model" / "weights.bin", number)])
                keys.append(shelf.commit(tree, Said(), kind="model", name="churn").id)
        spec = RegistrySpec(name="store", kind="native", url=f"s3://{name}/store", options=options)
        gone = RegistrySpec(name="store", kind="native", url=f"s3://{name}/elsewhere", options=options)
        return Target(source=Source(spec=spec, around=around, gone=gone), model="churn", keys=(keys[0], keys[1]))
