"""Headers of safetensors files: u64 length, JSON of name -> dtype, shape, offsets; then the bytes, without holes.

Source: https://huggingface.co/docs/safetensors/index#format and `SafeTensors::read_metadata` of its Rust source, whose
checks are kept: tensors lie one behind the other from 0 to the end of the file, and each is as long as its shape says.
"""

from __future__ import annotations

from typing import Any

import msgspec

from lineal.errors import BadFormat
from lineal.formats import dtypes, jsons
from lineal.formats.window import Window
from lineal.model.version import Tensor

MAX_HEADER = 32 << 20  # bytes; the library itself allows 100 MB
MAX_TENSORS = 500_000
MAX_RANK = 32
_HINT = "fetch or save the file again; it is not what safetensors writes"


class Header(msgspec.Struct, frozen=True):
    """What a file says of itself; `spans` are absolute (start, end) offsets of the tensors' bytes, in file order."""

    tensors: tuple[Tensor, ...]
    metadata: dict[str, str]
    spans: tuple[tuple[int, int], ...]


class Index(msgspec.Struct, frozen=True):
    """A sharded model's `*.index.json`: where each tensor is, and the shards, sorted."""

    weights: dict[str, str]
    shards: tuple[str, ...]
    metadata: dict[str, Any]


def read(window: Window) -> Header:
    """Read the header of one file.

    Raises:
        BadFormat: it is longer than `MAX_HEADER`, no such JSON, or its tensors overlap, leave holes or pass the end.
    """
    length = int.from_bytes(window.read(0, 8), "little")
    if length > MAX_HEADER:
        raise _bad(f"a header of {length:,} bytes")
    if window.size is not None and 8 + length > window.size:
        raise _bad("cut off inside the header")
    found = jsons.load_unique(window.read(8, length), MAX_HEADER)
    if not isinstance(found, dict):
        raise _bad("a header that is no mapping")
    metadata = _metadata(found.pop("__metadata__", {}))
    entries = sorted((_entry(name, entry) for name, entry in found.items()), key=lambda entry: (entry[1], entry[2]))
    _check_layout(entries, 8 + length, window.size)
    spans = tuple((8 + length + start, 8 + length + end) for _, start, end in entries)
    return Header(tuple(tensor for tensor, _, _ in entries), metadata, spans)


def read_index(data: bytes) -> Index:
    """Read a `*.index.json` of a sharded model, safetensors or torch.

    Raises:
        BadFormat: it is no such JSON, or names a shard that is no plain file name.
    """
    found = jsons.load(data, MAX_HEADER)
    weights = found.get("weight_map") if isinstance(found, dict) else None
    if not isinstance(weights, dict) or not all(isinstance(shard, str) for shard in weights.values()):
        raise BadFormat("an index without a weight_map of names", hint=_HINT)
    shards = tuple(sorted(set(weights.values())))
    for shard in shards:
        if not shard or "/" in shard or "\\" in shard or "\0" in shard or shard in {".", ".."}:
            raise BadFormat(f"an index that names the shard {shard[:80]!r}", hint="a shard lies beside its index")
    metadata = found.get("metadata")
    return Index(weights, shards, metadata if isinstance(metadata, dict) else {})


def _bad(reason: str) -> BadFormat:
    return BadFormat(f"not a whole safetensors file: {reason}", hint=_HINT)


def _metadata(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise _bad("__metadata__ that is no mapping of texts")
    return value


def _entry(name: str, entry: Any) -> tuple[Tensor, int, int]:
    if not isinstance(entry, dict):
        raise _bad(f"no entry for {name[:80]!r}")
    dtype, shape, offsets = entry.get("dtype"), _counts(entry.get("shape")), _counts(entry.get("data_offsets"))
    if not isinstance(dtype, str) or not dtype.isascii() or shape is None or offsets is None or len(offsets) != 2:
        raise _bad(f"a damaged entry for {name[:80]!r}")
    if len(shape) > MAX_RANK:
        raise _bad(f"{len(shape)} dimensions of {name[:80]!r}")
    tensor = Tensor(name, dtypes.SAFETENSORS.get(dtype, dtype.lower()[:40]), tuple(shape))
    _check_length(tensor, offsets[1] - offsets[0])
    return tensor, offsets[0], offsets[1]


def _counts(value: Any) -> list[int] | None:
    fits = isinstance(value, list) and all(type(item) is int and 0 <= item < 1 << 63 for item in value)
    return value if fits else None


def _check_length(tensor: Tensor, length: int) -> None:
    bits = dtypes.bits(tensor.dtype)
    if length < 0 or (bits is not None and dtypes.elements(tensor.shape) * bits != length * 8):
        raise _bad(f"{tensor.name[:80]!r} is not as long as its shape says")


def _check_layout(entries: list[tuple[Tensor, int, int]], base: int, size: int | None) -> None:
    if len(entries) > MAX_TENSORS:
        raise _bad(f"more than {MAX_TENSORS:,} tensors")
    at = 0
    for tensor, start, end in entries:
        if start != at:
            raise _bad(f"a hole or an overlap before {tensor.name[:80]!r}")
        at = end
    if size is not None and base + at != size:
        raise _bad(f"it has {size:,} bytes where its header says {base + at:,}")
