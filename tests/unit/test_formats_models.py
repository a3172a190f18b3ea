"""Headers of model files and events read as the formats' own libraries read them, through few and small ranges."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from lineal.errors import BadFormat, Unsupported
from lineal.formats import gguf, onnx, safetensors, tables, tensorboard, tensors, torchfile, window
from lineal.model.version import Tensor
from tests.sources import checkpoints

Expected = dict[str, Any]


@pytest.fixture
def tools(oracle: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Expected]:
    return checkpoints.tools(oracle("training"), tmp_path_factory)


def shapes(found: tuple[Tensor, ...] | list[Tensor]) -> list[list[Any]]:
    return [[tensor.name, tensor.dtype, list(tensor.shape)] for tensor in found]


def of_file(path: Path) -> list[Tensor]:
    return tensors.headers(lambda at, length: window.open_slice(path, at, length), path.stat().st_size, path.name)


@pytest.mark.parametrize("form", ["zip", "legacy", "module"])
def test_torch_files_have_the_tensors_that_torch_loads(tools: tuple[Path, Expected], form: str) -> None:
    tree, expected = tools
    path = tree / "torch" / (f"{form}.pth" if form == "module" else f"{form}.pt")
    assert shapes(of_file(path)) == expected["torch"][form]


@pytest.mark.parametrize("form", ["zip", "legacy"])
def test_torch_files_keep_hyperparameters_and_where_training_stood(tools: tuple[Path, Expected], form: str) -> None:
    found = torchfile.read(window.of_file(tools[0] / "torch" / f"{form}.pt"))
    assert found.hyperparameters == {"lr": 0.1, "shape": [2, 3]}
    assert found.settings == {"epoch": 4, "global_step": 40}
    assert bool(found.checksums) == (form == "zip")


def test_safetensors_headers(tools: tuple[Path, Expected]) -> None:
    tree, expected = tools
    path = tree / "safetensors" / "model.safetensors"
    assert sorted(shapes(of_file(path))) == expected["safetensors"]["tensors"]
    assert safetensors.read(window.of_file(path)).metadata == expected["safetensors"]["meta"]


def test_a_sharded_index_names_the_shards_that_lie_there(tools: tuple[Path, Expected]) -> None:
    tree, expected = tools
    index = safetensors.read_index((tree / "sharded" / "model.safetensors.index.json").read_bytes())
    assert list(index.shards) == expected["sharded"]["shards"]
    found = [tensor for shard in index.shards for tensor in of_file(tree / "sharded" / shard)]
    assert sorted(shapes(found)) == sorted(expected["sharded"]["tensors"])


def test_gguf_headers(tools: tuple[Path, Expected]) -> None:
    tree, expected = tools
    path = tree / "gguf" / "tiny-q8_0.gguf"
    found = gguf.read(window.of_file(path))
    theirs = [[name, dtype.replace("f32", "float32"), shape] for name, dtype, shape in expected["gguf"]["tensors"]]
    assert shapes(found.tensors) == theirs
    assert [start for start, _ in found.spans] == expected["gguf"]["offsets"]
    assert found.spans[-1][1] <= path.stat().st_size
    assert found.values["llama.context_length"] == 512
    assert len(found.values["tokenizer.ggml.tokens"]) == gguf.KEPT_ITEMS
    assert found.base_models == (gguf.BaseModel("Tiny Base", "acme/tiny-base"),)


@pytest.mark.parametrize("name", ["inside", "outside"])
def test_onnx_headers(tools: tuple[Path, Expected], name: str) -> None:
    tree, expected = tools
    found = onnx.read(window.of_file(tree / "onnx" / f"{name}.onnx"))
    assert shapes(found.tensors) == expected["onnx"]["tensors"]
    assert found.properties == expected["onnx"]["props"]
    assert (found.producer, found.producer_version, found.opsets) == ("maker", "2", {"ai.onnx": 17})
    assert found.external == (("outside.data",) if name == "outside" else ())


def test_training_arguments_without_transformers(tools: tuple[Path, Expected]) -> None:
    tree, expected = tools
    found = torchfile.read_arguments(window.of_file(tree / "hf" / "checkpoint-2" / "training_args.bin"))
    said = {name: value for name, value in expected["hf"]["arguments"].items() if "hub_token" not in name}
    assert {name: found[name] for name in said} == said


def test_event_files_have_the_scalars_that_tensorboard_shows(tools: tuple[Path, Expected]) -> None:
    tree, expected = tools
    found: dict[str, list[tensorboard.Scalar]] = {}
    for path in (tree / "tensorboard").glob("*tfevents*"):
        with path.open("rb") as stream:
            tensorboard.series(stream, found)
    points = {tag: [[point.step, point.time, point.value] for point in scalars] for tag, scalars in found.items()}
    assert points == expected["tensorboard"]["scalars"]


def test_an_event_file_that_is_still_written_gives_what_is_whole(tools: tuple[Path, Expected]) -> None:
    (path,) = (tools[0] / "tensorboard").glob("*tfevents*")
    data = path.read_bytes()
    counts = [len(list(tensorboard.scalars(io.BytesIO(data[:end])))) for end in range(len(data) - 2000, len(data), 97)]
    assert counts == sorted(counts)
    assert counts[-1] <= 55


def test_a_header_costs_a_header_and_not_the_file(tmp_path: Path) -> None:
    path = checkpoints.safetensors(tmp_path / "large.safetensors", {f"t{n}": b"\0" * 100_000 for n in range(100)})
    asked: list[tuple[int, int | None]] = []

    def open_range(start: int, length: int | None) -> BinaryIO:
        asked.append((start, length))
        return window.open_slice(path, start, length)

    found = tensors.headers(open_range, path.stat().st_size, "large.safetensors")
    assert tensors.parameter_count(found) == 10_000_000
    assert asked == [(0, 100_000)]
    assert tensors.headers(open_range, None, "large.safetensors") == found


def test_a_file_of_no_known_kind_is_unsupported() -> None:
    with pytest.raises(Unsupported):
        tensors.headers(lambda at, length: io.BytesIO(b"hello"[at:]), 5, "notes.txt")


@pytest.mark.parametrize(
    ("header", "data"),
    [
        (
            '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}',
            2,
        ),
        (
            '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}',
            3,
        ),
        (
            '{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}}',
            5,
        ),
        ('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}', 1),
        ('{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}', 3),
        ('{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,2]}}', 2),
        ('{"a":{"dtype":"U8","shape":[-2],"data_offsets":[0,2]}}', 2),
        ('{"a":{"dtype":"U8","shape":[true,2],"data_offsets":[0,2]}}', 2),
        ('{"a":{"dtype":"U8","shape":[18446744073709551615,18446744073709551615],"data_offsets":[0,1]}}', 1),
        ('{"__metadata__":{"a":1}}', 0),
        ("[]", 0),
        ('{"a":5}', 0),
    ],
)
def test_a_safetensors_header_that_the_library_would_refuse(header: str, data: int) -> None:
    whole = len(header).to_bytes(8, "little") + header.encode() + b"\0" * data
    with pytest.raises(BadFormat) as caught:
        safetensors.read(window.of_bytes(whole))
    assert caught.value.hint


@pytest.mark.parametrize("shard", ["../x.safetensors", "/etc/passwd", "a/b", "", "..", "a\\b"])
def test_an_index_that_leads_outside_its_folder_is_refused(shard: str) -> None:
    import json

    with pytest.raises(BadFormat):
        safetensors.read_index(json.dumps({"weight_map": {"a": shard}}).encode())


def test_a_sparse_table_is_one_series_a_column() -> None:
    found = tables.metrics(b"epoch,step,loss,acc\n0,1,0.5,\n0,2,,0.75\n0,2,nan,\n1,x,0.1,\n1,3,0.2")
    assert set(found) == {"epoch", "loss", "acc"}
    assert (found["acc"].steps, found["acc"].values) == ([2], [0.75])
    assert found["loss"].steps == [1, 2]  # the row without a step and the line without an end are no points
