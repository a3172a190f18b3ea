"""No file makes a segmenter fail, lose a byte or cost much: damaged ones, hostile ones and large ones."""

from __future__ import annotations

import json
import os
import struct
import time
import zipfile
from pathlib import Path
from typing import BinaryIO

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from lineal.errors import Unavailable
from lineal.formats.window import Window, of_bytes, open_slice
from lineal.store.segments import Segmentation, Stretch, external, outside, segmentation
from tests import shelves
from tests.unit.store.test_segments import gapless, gguf, legacy, named, number, onnx, root, tensor, text, zipped

_STORAGES = {"0": bytes(range(64)), "1": bytes(12), "2": b""}
_PICKLED = root(
    {
        text("model"): b"}" + text("w") + tensor(text("0"), 16) + b"s",
        text("half"): tensor(text("1"), 6, b"Half"),
        text("none"): tensor(text("2"), 0),
    }
)
WHOLE = {
    "m.safetensors": shelves.safetensors(shelves.chain(1, 500)[0]),
    "m.onnx": onnx(np.arange(2000, dtype="<f4").tobytes()),
    "beside.onnx": onnx(b"", b"model.data"),
    "m.gguf": gguf([("w", 8, 0, 0), ("v", 32, 8, 32), ("u", 4, 1, 96)], 128),
    "m.pt": zipped(_PICKLED, _STORAGES),
    "old.pt": legacy(_PICKLED, [("0", 16, _STORAGES["0"]), ("1", 6, _STORAGES["1"]), ("2", 0, b"")]),
}


def check(data: bytes, found: Segmentation | None) -> None:
    """Hold a segmentation to what a writer of layouts counts on."""
    if found is None:
        return
    assert gapless(found, len(data))
    assert b"".join(data[one.start : one.stop] for one in found.stretches) == data
    for names in ([one.name for one in found.stretches if one.dtype], [view.name for view in found.views]):
        assert len(set(names)) == len(names)
    assert all(0 <= view.start <= view.stop <= len(data) for view in found.views)
    assert msgspec.json.decode(msgspec.json.encode(found), type=Segmentation) == found


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_the_files_that_are_damaged_below_are_whole(name: str) -> None:
    found = segmentation(of_bytes(WHOLE[name]), name)
    check(WHOLE[name], found)
    assert (found is None) == (name == "beside.onnx")


_CHANGES = some.one_of(
    some.tuples(some.just("set"), some.floats(0, 1), some.binary(min_size=1, max_size=9)),
    some.tuples(some.just("insert"), some.floats(0, 1), some.binary(min_size=1, max_size=40)),
    some.tuples(some.just("delete"), some.floats(0, 1), some.binary(min_size=1, max_size=40)),
    some.tuples(some.just("cut"), some.floats(0, 1), some.just(b"")),
    some.tuples(some.just("set"), some.floats(0, 0.05), some.sampled_from([b"\xff" * 8, bytes(8), b"\x7f", b"\x80"])),
    some.tuples(some.just("repeat"), some.floats(0, 1), some.binary(min_size=1, max_size=200)),
)


def damaged(data: bytes, changes: list[tuple[str, float, bytes]]) -> bytes:
    for how, place, piece in changes:
        at = int(place * len(data))
        stop = at + len(piece)
        middle = {"set": piece, "insert": piece, "repeat": data[at:stop] * 2}.get(how, b"")
        after = {"insert": data[at:], "cut": b""}.get(how, data[stop:])
        data = data[:at] + middle + after
    return data


@settings(max_examples=1500, deadline=None)
@given(some.sampled_from(sorted(WHOLE)), some.lists(_CHANGES, min_size=1, max_size=5))
def test_no_damage_makes_a_segmenter_fail_or_lose_a_byte(name: str, changes: list[tuple[str, float, bytes]]) -> None:
    data = damaged(WHOLE[name], changes)
    began = time.perf_counter()
    check(data, segmentation(of_bytes(data), name))
    for stretches in external(of_bytes(data)).values():
        beside = bytes(10_000)
        check(beside, outside(of_bytes(beside), stretches))
    assert time.perf_counter() - began < 5


@settings(max_examples=300, deadline=None)
@given(some.binary(max_size=300), some.sampled_from([b"GGUF\3\0\0\0", b"PK\3\4", b"\x80\2", b"\x08\x08\x3a", b""]))
def test_no_bytes_at_all_make_a_segmenter_fail(data: bytes, magic: bytes) -> None:
    for name in ("m.onnx", "m.pt"):
        check(magic + data, segmentation(of_bytes(magic + data), name))


_NESTED = number(1) + b"\x85" + b"q\x01h\x01\x86" * 60  # a tuple that takes 2**60 parts to write out
_LONG = b"\x8b" + struct.pack("<I", 3000) + b"\x7f" * 3000  # a number that Python refuses to write out
_HALF = text(b"\xed\xa0\x80")  # half a character
_DEEP = (text("k" * 1000) + b"q\x05}").join([b"\x80\x02}"] * 11) + text("k") + b"(" + b"]" * 500_000 + b"l" + b"s" * 11
HOSTILE = {
    "a key of nested tuples": zipped(root({text("w"): tensor(_NESTED)}), {"0": bytes(16)}),
    "a key that is a long number": zipped(root({text("w"): tensor(_LONG)}), {"0": bytes(16)}),
    "a name that is a long number": zipped(root({_LONG: tensor(text("0"))}), {"0": bytes(16)}),
    "a name that is half a character": zipped(root({_HALF: tensor(text("0"))}), {"0": bytes(16)}),
    "long names of many lists": zipped(_DEEP + b".", {"0": bytes(16)}),
    "many storages of one key": legacy(root({text("w"): tensor(text("0"))}), [("0", 4, bytes(16))] * 3)[:-8],
    "a storage as long as the universe": legacy(root({text("w"): tensor(text("0"))}), [("0", (1 << 64) - 1, b"")]),
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_torch_files_cost_little_and_what_is_found_can_be_written_down(data: bytes) -> None:
    began = time.perf_counter()
    found = segmentation(of_bytes(data), "m.pt")
    assert time.perf_counter() - began < 5
    assert found is None or gapless(found, len(data))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Segmentation | None) == found


def test_a_safetensors_header_with_an_odd_type_is_no_format() -> None:
    text = json.dumps({"a": {"dtype": "F\u00b2", "shape": [4], "data_offsets": [0, 4]}}).encode()
    assert segmentation(of_bytes(struct.pack("<Q", len(text)) + text + bytes(4)), "m.safetensors") is None


def test_a_name_that_is_half_a_character_is_spelt_so_that_a_layout_can_be_written() -> None:
    text = json.dumps({"\ud800": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]}}).encode()
    found = segmentation(of_bytes(struct.pack("<Q", len(text)) + text + bytes(4)), "m.safetensors")
    assert named(found) == [("\\ud800", "uint8", 4)]
    assert msgspec.json.decode(msgspec.json.encode(found), type=Segmentation | None) == found


def test_storages_that_are_packed_are_left_alone() -> None:
    data = zipped(root({text("a"): tensor(text("0"))}), {"0": bytes(16)}, zipfile.ZIP_DEFLATED)
    assert segmentation(of_bytes(data), "m.pt") is None


def test_a_tensor_past_its_storage_is_no_view() -> None:
    found = segmentation(of_bytes(zipped(root({text("a"): tensor(text("0"), 40)}), {"0": bytes(16)})), "m.pt")
    assert named(found) == [("a", "float32", 16)]
    assert found is not None
    assert found.views == ()


def test_a_gguf_type_of_the_future_is_bytes_without_a_name() -> None:
    data = gguf([("w", 8, 99, 0), ("v", 8, 0, 64)], 96)
    found = segmentation(of_bytes(data), "m.gguf")
    assert named(found) == [("v", "float32", 32)]
    assert found is not None
    assert [view.name for view in found.views] == ["v"]
    assert gapless(found, len(data))


def test_overlaps_empty_files_and_files_that_are_cut_off_have_no_stretches() -> None:
    whole = gguf([("w", 8, 0, 0), ("v", 8, 0, 32)], 64)
    assert segmentation(of_bytes(whole), "m.gguf") is not None
    assert segmentation(of_bytes(whole[:-1]), "m.gguf") is None
    assert segmentation(of_bytes(gguf([("w", 8, 0, 0), ("v", 8, 0, 16)], 64)), "m.gguf") is None
    for name in ("m.gguf", "m.pt", "m.onnx", "m.safetensors", "notes.txt"):
        assert segmentation(of_bytes(b""), name) is None
    assert outside(of_bytes(bytes(100)), [Stretch(0, 60, "a", "int8"), Stretch(50, 90, "b", "int8")]) is None
    assert outside(of_bytes(bytes(100)), [Stretch(60, 101, "a", "int8")]) is None
    assert outside(of_bytes(bytes(100)), [Stretch(60, 50, "a", "int8")]) is None


def test_a_file_that_cannot_be_read_is_an_error() -> None:
    def fails(start: int, length: int | None) -> BinaryIO:
        raise Unavailable("the disk is gone")

    with pytest.raises(Unavailable):
        segmentation(Window(fails, 1000), "m.pt")


def test_only_headers_of_large_files_are_read(tmp_path: Path) -> None:
    size = 5 << 30
    header = json.dumps({"w": {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}}).encode()
    pickled = root({text("w"): tensor(text("0"))})
    starts = {
        "m.safetensors": struct.pack("<Q", len(header)) + header,
        "m.gguf": gguf([("w", size // 4, 0, 0)], 0),
        "m.pt": legacy(pickled, [("0", size // 4, b"")]),
    }
    for name, start in starts.items():
        path = tmp_path / name
        path.write_bytes(start)
        os.truncate(path, len(start) + size)  # a hole: no block of the disk is taken
        taken = Taken(path)
        found = segmentation(Window(taken, path.stat().st_size), name)
        assert [length for _, _, length in named(found)] == [size]
        assert taken.count < 1 << 20


def test_the_members_of_a_torch_archive_are_not_read(tmp_path: Path) -> None:
    items = {text(f"layer.{at}"): tensor(text(str(at)), 1 << 18) for at in range(100)}
    path = tmp_path / "m.pt"
    path.write_bytes(zipped(root(items), {str(at): bytes(1 << 20) for at in range(100)}))
    taken = Taken(path)
    assert len(named(segmentation(Window(taken, path.stat().st_size), "m.pt"))) == 100
    assert taken.count < 2 << 20


def test_a_hundred_tensors_are_found_at_once() -> None:
    items = {text(f"layer.{at}"): tensor(text(str(at)), 1 << 10) for at in range(100)}
    data = zipped(root(items), {str(at): bytes(4 << 10) for at in range(100)})
    times = []
    for _ in range(5):
        began = time.perf_counter()
        assert len(named(segmentation(of_bytes(data), "m.pt"))) == 100
        times.append(time.perf_counter() - began)
    assert min(times) < 0.1  # a few milliseconds where nothing else runs


class Taken:
    """Opens ranges of a file, and counts what was asked for."""

    def __init__(self, path: Path) -> None:
        self.path, self.count = path, 0

    def __call__(self, start: int, length: int | None) -> BinaryIO:
        assert length is not None
        self.count += length
        return open_slice(self.path, start, length)
