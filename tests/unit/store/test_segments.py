"""Where tensors lie in files of the real tools, and that no file at all makes a segmenter fail or lose a byte."""

from __future__ import annotations

import io
import pickle
import struct
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from lineal.formats.window import of_bytes, of_file
from lineal.store import sources
from lineal.store.files import StoredFile
from lineal.store.segments import Segmentation, external, outside, segmentation
from lineal.store.writing import Writer
from tests import shelves


def gapless(found: Segmentation, size: int) -> bool:
    at = 0
    for stretch in found.stretches:
        if stretch.start != at or stretch.stop <= stretch.start:
            return False
        at = stretch.stop
    return at == size


@pytest.fixture
def tree(oracle: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.sources import checkpoints

    return checkpoints.tools(oracle("training"), tmp_path_factory)[0]


FORMS = {
    "zip.pt": "torch", "legacy.pt": "torch-legacy", "module.pth": "torch", "epoch_1.pt": "torch",
    "tiny-q8_0.gguf": "gguf",
}  # fmt: skip


@pytest.mark.oracle("training")
@pytest.mark.parametrize("name", sorted(FORMS))
def test_files_of_the_real_tools_are_cut_at_their_tensors(tree: Path, name: str, tmp_path: Path) -> None:
    (path,) = tree.rglob(name)
    found = segmentation(of_file(path), name)
    assert found is not None
    assert found.format == FORMS[name]
    assert gapless(found, path.stat().st_size)
    assert all(view.name for view in found.views)
    with shelves.shelf(tmp_path) as shelf, Writer(shelf.store) as writer:
        content, layout = writer.add(sources.of_path(path), name, found)
        writer._close_pack()
        file = StoredFile(shelf.store.reader, content, layout)
        assert file.read() == path.read_bytes()
        if name in ("zip.pt", "legacy.pt"):
            views = {view.name.rpartition(".")[2]: view for view in found.views}
            assert (file.tensor(views["parameter"].name) == np.ones(5, "f4")).all()
            assert "turned" not in views  # it lies column by column
            assert views["half"].shape == (3, 4)


@pytest.mark.oracle("training")
def test_every_model_file_of_the_real_tools_is_without_gaps(tree: Path) -> None:
    seen = set()
    for path in sorted(tree.rglob("*")):
        if path.is_file() and path.suffix in (".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".gguf", ".onnx"):
            found = segmentation(of_file(path), path.name)
            if found is not None:
                seen.add(found.format)
                assert gapless(found, path.stat().st_size)
                assert all(0 <= view.start <= view.stop <= path.stat().st_size for view in found.views)
    assert {"safetensors", "torch", "torch-legacy", "gguf"} <= seen


def test_a_safetensors_file_has_a_stretch_for_each_tensor() -> None:
    weights = shelves.chain(1)[0]
    data = shelves.safetensors(weights)
    found = segmentation(of_bytes(data), "m.safetensors")
    assert found is not None
    assert [one.name for one in found.stretches if one.dtype] == ["encoder.weight", "half", "bias"]
    assert [one.dtype for one in found.stretches if one.dtype] == ["float32", "bfloat16", "float32"]
    assert gapless(found, len(data))


def field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])


def onnx(raw: bytes, location: bytes = b"") -> bytes:
    """Return a model of one initializer, with its bytes inside or in a file beside it."""
    entries = b""
    if location:
        pairs = ((b"location", location), (b"offset", b"64"), (b"length", b"8000"))
        entries = b"".join(field(13, field(1, key) + field(2, value)) for key, value in pairs)
    inside = field(9, raw) if raw else b""
    tensor = _varint(1 << 3) + _varint(2000) + _varint(2 << 3) + _varint(1) + field(8, b"w") + inside + entries
    constant = field(1, field(5, field(5, tensor.replace(b"w", b"c"))))
    return _varint(1 << 3) + _varint(8) + field(7, field(5, tensor) + constant)


def test_onnx_initializers_and_constants_are_stretches() -> None:
    data = onnx(np.arange(2000, dtype="<f4").tobytes())
    found = segmentation(of_bytes(data), "model.onnx")
    assert found is not None
    assert [one.name for one in found.stretches if one.dtype] == ["c", "w"] or [
        one.name for one in found.stretches if one.dtype
    ] == ["w", "c"]
    assert gapless(found, len(data))


def test_external_data_of_an_onnx_model_is_cut_where_the_model_says() -> None:
    where = external(of_bytes(onnx(b"", b"model.data")))
    assert [(one.start, one.stop, one.name) for one in where["model.data"]][:1] == [(64, 8064, "w")]
    found = outside(of_bytes(bytes(10_000)), where["model.data"][:1])
    assert found is not None
    assert gapless(found, 10_000)


def legacy() -> bytes:
    """Return the start of an old torch file, by hand: magic, protocol, system, object, keys."""
    stream = io.BytesIO()
    values: list[object] = [0x1950A86A20F9469CFC6C, 1001, {}, {"a": 1}, []]
    for value in values:
        pickle.dump(value, stream, 2)
    return stream.getvalue() + bytes(64)


SEEDS = [
    shelves.safetensors(shelves.chain(1, 500)[0]),
    onnx(np.arange(2000, dtype="<f4").tobytes()),
    legacy(),
    b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + struct.pack("<Q", 1) + b"w" + struct.pack("<IQIQ", 1, 8, 0, 0) + bytes(64),
    b"PK\x03\x04" + bytes(100),
]


@settings(max_examples=300, deadline=None)
@given(
    some.sampled_from(SEEDS),
    some.lists(some.tuples(some.integers(0, 400), some.integers(0, 255)), max_size=6),
    some.integers(0, 9000),
    some.sampled_from(["m.onnx", "m.pt", "m.safetensors", "m.gguf"]),
)
def test_no_bytes_at_all_make_a_segmenter_fail(
    seed: bytes, changes: list[tuple[int, int]], length: int, name: str
) -> None:
    data = bytearray(seed[:length])
    for at, value in changes:
        if at < len(data):
            data[at] = value
    began = time.perf_counter()
    found = segmentation(of_bytes(bytes(data)), name)
    assert found is None or gapless(found, len(data))
    assert time.perf_counter() - began < 5
