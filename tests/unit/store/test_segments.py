"""Where tensors lie in files of the real tools and in files made by hand."""

from __future__ import annotations

import io
import json
import pickle
import struct
import subprocess
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from lineal.formats.window import of_bytes, of_file
from lineal.store import sources
from lineal.store.files import StoredFile
from lineal.store.segments import Segmentation, Stretch, external, outside, segmentation
from lineal.store.writing import Writer
from tests import shelves


def gapless(found: Segmentation, size: int) -> bool:
    at = 0
    for stretch in found.stretches:
        if stretch.start != at or stretch.stop <= stretch.start:
            return False
        at = stretch.stop
    return at == size


def named(found: Segmentation | None) -> list[tuple[str, str, int]]:
    assert found is not None
    return [(one.name, one.dtype, one.stop - one.start) for one in found.stretches if one.dtype]


def cut(path: Path) -> tuple[bytes, Segmentation]:
    """Return a file's bytes, and where its tensors lie."""
    data = path.read_bytes()
    found = segmentation(of_file(path), path.name)
    assert found is not None
    assert gapless(found, len(data))
    return data, found


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
    assert named(found) == [("w", "float32", 8000), ("c", "float32", 8000)]
    assert gapless(found, len(data))


def test_external_data_of_an_onnx_model_is_cut_where_the_model_says() -> None:
    where = external(of_bytes(onnx(b"", b"model.data")))
    assert [(one.start, one.stop, one.name) for one in where["model.data"]][:1] == [(64, 8064, "w")]
    found = outside(of_bytes(bytes(10_000)), where["model.data"][:1])
    assert found is not None
    assert gapless(found, 10_000)
    tied = [*where["model.data"][:1], Stretch(64, 8064, "tied", "float32")]  # two tensors that share their values
    assert outside(of_bytes(bytes(10_000)), tied) == found


WRITE = """
import collections, json, sys, warnings
import numpy, onnx, torch
from onnx import TensorProto, helper, numpy_helper
warnings.simplefilter("ignore")
folder = sys.argv[1]
grid = torch.arange(24.0).reshape(4, 6)
deep = torch.nn.Linear(3, 2)
for _ in range(8):
    deep = torch.nn.Sequential(deep)
optimizer = torch.optim.Adam(deep.parameters())
deep(torch.ones(1, 3)).sum().backward()
optimizer.step()
tensors = {
    "unsigned": torch.arange(5).to(torch.uint16), "grid": grid, "rows": grid[1:3], "columns": grid[:, 1:3],
    "empty": torch.zeros(0, 3), "scalar": torch.tensor(2.5), "complex": torch.ones(2, dtype=torch.complex64),
    "conjugate": torch.ones(2, dtype=torch.complex64).conj(), "counts": torch.arange(7),
    "parameter": torch.nn.Parameter(torch.ones(5)),
}
whole = {"model": tensors, "sparse": torch.eye(4).to_sparse(), "optimizer": optimizer.state_dict(),
         "queue": collections.deque([torch.full((3,), 2.0)]), "module": deep, "epoch": 3}
torch.save(whole, folder + "/zip.pt")
torch.save(whole, folder + "/legacy.pt", _use_new_zipfile_serialization=False)
values = numpy.arange(4000, dtype="f4")
inner = helper.make_graph(
    [helper.make_node("Constant", [], ["o"], value=numpy_helper.from_array(values * 3, "inner"))],
    "inner", [], [helper.make_tensor_value_info("o", 1, [4000])])
graph = helper.make_graph(
    [helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)],
    "g", [helper.make_tensor_value_info("c", TensorProto.BOOL, [])], [helper.make_tensor_value_info("y", 1, [4000])],
    [numpy_helper.from_array(values, "raw"), helper.make_tensor("typed", 1, [4000], (values * 2).tolist()),
     numpy_helper.from_array(values * 5, "other")])
onnx.save(helper.make_model(graph), folder + "/inside.onnx")
onnx.save(helper.make_model(graph), folder + "/outside.onnx", save_as_external_data=True, location="outside.data",
          size_threshold=0)
plain = {k: v.detach().view(torch.int16) if v.dtype == torch.uint16 else v.detach() for k, v in tensors.items()}
print(json.dumps({k: v.resolve_conj().contiguous().numpy().tobytes().hex() for k, v in plain.items()}))
"""
WHOLE = {"unsigned", "grid", "rows", "empty", "scalar", "complex", "counts", "parameter"}


@pytest.fixture(scope="module")
def written(oracle: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Give a folder of files that torch and onnx wrote, and the bytes of the tensors in torch's."""
    folder = tmp_path_factory.mktemp("written")
    done = subprocess.run([oracle("training"), "-c", WRITE, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return folder, json.loads(done.stdout)


@pytest.mark.oracle("training")
def test_what_torch_wrote_is_found_byte_for_byte(written: tuple[Path, dict[str, str]]) -> None:
    folder, expected = written
    for form in ("zip.pt", "legacy.pt"):
        data, found = cut(folder / form)
        views = {view.name: data[view.start : view.stop].hex() for view in found.views}
        assert {name for name in expected if f"model.{name}" in views} == WHOLE  # others do not lie as they are read
        assert all(views[f"model.{name}"] == expected[name] for name in WHOLE)
        names = {one.name: one.dtype for one in found.stretches if one.dtype}
        assert names["model.unsigned"] == "uint16"
        assert names["optimizer.state.0.exp_avg"] == "float32"
        assert {"sparse.1.0", "queue.0", "module" + ".0" * 8 + ".weight"} <= set(names)
        assert not any(name.startswith("data/") for name in names)


@pytest.mark.oracle("training")
def test_onnx_values_inside_and_beside_are_found_byte_for_byte(written: tuple[Path, dict[str, str]]) -> None:
    folder, _ = written
    values = np.arange(4000, dtype="<f4")
    expected = {"raw": values, "typed": values * 2, "inner": values * 3, "inner#2": values * 3, "other": values * 5}
    data, found = cut(folder / "inside.onnx")
    assert {view.name: data[view.start : view.stop] for view in found.views} == {
        name: value.tobytes() for name, value in expected.items()
    }
    where = external(of_file(folder / "outside.onnx"))
    beside = (folder / "outside.data").read_bytes()
    assert list(where) == ["outside.data"]
    for one in where["outside.data"]:
        assert beside[one.start : one.stop] == expected[one.name].tobytes()
    assert {"raw", "other"} <= {name for name, _, _ in named(outside(of_bytes(beside), where["outside.data"]))}


def tensor(key: bytes, count: int = 4, kind: bytes = b"Float", stride: int = 1) -> bytes:
    """Return the opcodes of a vector of `count` numbers in the storage whose key the opcodes `key` make."""
    storage = text("storage") + b"ctorch\n" + kind + b"Storage\n" + key + text("cpu") + number(count)
    shape = number(count) + b"\x85" + number(stride) + b"\x85"
    return b"ctorch._utils\n_rebuild_tensor_v2\n((" + storage + b"tQ" + number(0) + shape + b"\x89NtR"


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return b"X" + struct.pack("<I", len(data)) + data


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def root(items: Mapping[bytes, bytes]) -> bytes:
    """Return a pickled dict, of opcodes that make keys and values."""
    return b"\x80\x02}(" + b"".join(key + value for key, value in items.items()) + b"u."


def zipped(pickled: bytes, storages: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in {"data.pkl": pickled, **{f"data/{key}": data for key, data in storages.items()}}.items():
            archive.writestr(zipfile.ZipInfo(f"archive/{name}"), data, method)
    return made.getvalue()


def legacy(pickled: bytes, storages: Sequence[tuple[str, int, bytes]]) -> bytes:
    """Return an old torch file: magic, protocol, system, object, keys; then storages, as key, count and bytes."""
    heads = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]
    start = b"".join(pickle.dumps(value, 2) for value in heads) + pickled
    start += pickle.dumps([key for key, _, _ in storages], 2)
    return start + b"".join(struct.pack("<Q", count) + data for _, count, data in storages)


def gguf(tensors: Sequence[tuple[str, int, int, int]], data: int) -> bytes:
    """Return a GGUF file of vectors, as name, count, type and offset, with `data` bytes for them."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 0)
    for name, count, kind, offset in tensors:
        head += struct.pack("<Q", len(name)) + name.encode() + struct.pack("<IQIQ", 1, count, kind, offset)
    return head + bytes(-len(head) % 32) + bytes(data)


def test_a_storage_is_called_after_the_first_tensor_in_it_and_of_its_own_type() -> None:
    pickled = root({text("a"): tensor(text("0"), 4), text("b"): tensor(text("0"), 2), text("c"): tensor(text("1"), 3)})
    data = zipped(pickled, {"0": bytes(range(16)), "1": bytes(12), "2": bytes(5)})
    found = segmentation(of_bytes(data), "m.pt")
    assert named(found) == [("a", "float32", 16), ("c", "float32", 12), ("data/2", "uint8", 5)]
    assert found is not None
    assert {view.name: data[view.start : view.stop] for view in found.views} == {
        "a": bytes(range(16)), "b": bytes(range(8)), "c": bytes(12),
    }  # fmt: skip


def test_a_legacy_file_counts_in_numbers_of_each_storages_own_class() -> None:
    pickled = root({text("a"): tensor(text("7"), 3, b"Half"), text("b"): tensor(text("8"), 2, b"Double")})
    data = legacy(pickled, [("8", 2, bytes(16)), ("7", 3, bytes(6))])
    found = segmentation(of_bytes(data), "m.pt")
    assert named(found) == [("b", "float64", 16), ("a", "float16", 6)]
    assert found is not None
    assert gapless(found, len(data))


def test_equal_names_get_a_number() -> None:
    inner = b"}" + text("w") + tensor(text("1")) + b"s"
    items = {text("a.w"): tensor(text("0")), text("a"): inner, text("a.w#2"): tensor(text("2"))}
    found = segmentation(of_bytes(zipped(root(items), {key: bytes(16) for key in "012"})), "m.pt")
    assert [name for name, _, _ in named(found)] == ["a.w", "a.w#2", "a.w#2#2"]
    assert found is not None
    assert [view.name for view in found.views] == ["a.w", "a.w#2", "a.w#2#2"]
