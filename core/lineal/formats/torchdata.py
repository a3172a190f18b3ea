"""Where the bytes of torch's storages lie in a file, and which tensors look into them; without torch.

Zip files keep a storage as the stored member NAME/data/KEY; the older form writes all of them behind its pickles, each
with its number of elements before it. Source: torch/serialization.py (`_save`, `_legacy_save`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from lineal.errors import BadFormat
from lineal.formats import dtypes, pickles, torchfile, zips
from lineal.formats.pickles import Global, Node, Persistent
from lineal.formats.torchfile import LEGACY_MAGIC, MAX_PICKLE, ZIP
from lineal.formats.window import Reader, Window, of_bytes

MAX_STORAGES = 200_000
_HINT = "save it again with torch.save"


class Storage(msgspec.Struct, frozen=True):
    """Bytes `start` to `stop` of the file; `dtype` is empty where no tensor says it."""

    key: str
    dtype: str
    start: int
    stop: int


class Look(msgspec.Struct, frozen=True):
    """A tensor by its dotted name: elements of a storage from `offset`, row by row (`whole`) or in another order."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    key: str
    offset: int  # elements
    whole: bool


def read(window: Window) -> tuple[str, list[Storage], list[Look]]:
    """Return the form, the storages in file order, and the tensors. Raises BadFormat."""
    head = window.upto(0, 4)
    if head == ZIP:
        return "torch", *_from_zip(window)
    if head[:1] != b"\x80":
        raise BadFormat("not a torch file", hint=_HINT)
    return "torch-legacy", *_from_stream(window)


def _from_zip(window: Window) -> tuple[list[Storage], list[Look]]:
    members = zips.members(window)
    inside = {member.name.partition("/")[2]: member for member in members if member.name.count("/") >= 1}
    if "data.pkl" not in inside:
        raise BadFormat("a zip archive without data.pkl", hint=_HINT)
    root = pickles.load(Reader(of_bytes(zips.read(window, inside["data.pkl"], MAX_PICKLE))))
    looks = list(_looks(root))
    types = _types(looks)
    found = []
    for name, member in inside.items():
        if name.startswith("data/") and member.method == 0 and member.size:
            start = zips.data_start(window, member)
            key = name.removeprefix("data/")
            found.append(Storage(key, types.get(key, ""), start, start + member.packed))
    return sorted(found, key=lambda storage: storage.start), looks


def _from_stream(window: Window) -> tuple[list[Storage], list[Look]]:
    if window.size is None:
        raise BadFormat("a torch file of unknown size", hint=_HINT)
    reader = Reader(window, 0, window.size)
    if pickles.load(reader) != LEGACY_MAGIC:
        raise BadFormat("a pickle, and no torch file", hint=_HINT)
    pickles.load(reader)
    pickles.load(reader)
    looks = list(_looks(pickles.load(reader)))
    keys = pickles.load(reader)
    if not isinstance(keys, list) or len(keys) > MAX_STORAGES:
        raise BadFormat("a torch file without its list of storages", hint=_HINT)
    types = _types(looks)
    found = []
    for key in keys:
        bits = dtypes.bits(types.get(str(key), ""))
        if bits is None:
            raise BadFormat("a storage that no tensor speaks of", hint=_HINT)
        start = reader.at + 8
        stop = start + int.from_bytes(window.read(reader.at, 8), "little") * bits // 8
        if stop > window.size:
            raise BadFormat("cut off inside its storages", hint=_HINT)
        found.append(Storage(str(key), types[str(key)], start, stop))
        reader = Reader(window, stop, window.size)
    return found, looks


def _types(looks: list[Look]) -> dict[str, str]:
    return {look.key: look.dtype for look in reversed(looks)}


def _looks(root: Any) -> Iterator[Look]:
    """Walk everything in a file for tensors, each container once, by its first name."""
    count = 0
    for name, value in torchfile.walk(root):
        look = _look(name, value)
        if look is not None:
            count += 1
            if count > MAX_STORAGES:
                raise BadFormat(f"more than {MAX_STORAGES:,} tensors", hint=_HINT)
            yield look


def _look(name: str, value: Any) -> Look | None:
    """Read `_rebuild_tensor_v2(storage, offset, size, stride, ...)`."""
    value = torchfile.unwrapped(value)
    if not isinstance(value, Node) or not value.name.startswith("torch._utils._rebuild_tensor"):
        return None
    args = value.args
    if not isinstance(args, tuple) or len(args) < 4 or not isinstance(args[0], Persistent):
        return None
    key = args[0].key
    if not isinstance(key, tuple) or len(key) < 3 or not isinstance(key[1], Global):
        return None
    dtype = torchfile.tensor(name, value)
    shape, stride, offset = dtype.shape if dtype else (), _sizes(args[3]), args[1]
    if dtype is None or stride is None or type(offset) is not int or offset < 0:
        return None
    return Look(name, dtype.dtype, shape, str(key[2]), offset, _is_whole(shape, stride))


def _sizes(value: Any) -> tuple[int, ...] | None:
    if isinstance(value, Node):
        value = value.args[0] if value.args else ()
    fits = isinstance(value, tuple | list) and all(type(size) is int and size >= 0 for size in value)
    return tuple(value) if fits else None


def _is_whole(shape: tuple[int, ...], stride: tuple[int, ...]) -> bool:
    """Say whether elements lie one behind another, row by row."""
    expected = 1
    for size, step in zip(reversed(shape), reversed(stride), strict=False):
        if size != 1 and step != expected:
            return False
        expected *= size
    return len(shape) == len(stride)
