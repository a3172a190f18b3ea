"""Where the bytes of torch's storages lie in a file, and which tensors look into them; without torch.

Zip files keep a storage as the stored member NAME/data/KEY; the older form writes all of them behind its pickles, each
with its number of elements before it. Source: torch/serialization.py (`_save`, `_legacy_save`).
"""

from __future__ import annotations

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
    """Bytes `start` to `stop` of the file; `dtype` and `name` are empty where nothing in the file says them."""

    key: str
    dtype: str
    start: int
    stop: int
    name: str = ""  # of the first that looks into it, dotted


class Look(msgspec.Struct, frozen=True):
    """A tensor by its dotted name: elements of a storage from `offset`, row by row (`whole`) or in another order."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    key: str
    offset: int  # elements
    whole: bool


class _Contents:
    """What a pickle says of storages, by their keys: the names and types of what looks into them."""

    def __init__(self, root: Any, references: list[Persistent]) -> None:
        self.classes: dict[str, str] = {}  # types as the storages' own classes say
        for reference in references:
            if (found := _reference(reference)) is not None:
                self.classes.setdefault(*found)
        self.looks: list[Look] = []
        self.names: dict[str, str] = {}
        self.types = {key: dtype for key, dtype in self.classes.items() if dtype}
        self._untyped = {key for key, dtype in self.classes.items() if dtype == "uint8"}
        self._walk(root)

    def _walk(self, root: Any) -> None:
        for count, (name, value) in enumerate(torchfile.walk(root, thorough=True)):
            if count >= MAX_STORAGES:
                raise BadFormat(f"more than {MAX_STORAGES:,} tensors", hint=_HINT)
            if (look := _look(name, value)) is not None:
                self.looks.append(look)
                if look.key in self._untyped and look.dtype:
                    self.types[look.key] = look.dtype
                    self._untyped.discard(look.key)
            if (key := _key(value)) is not None:
                self.names.setdefault(key, name)

    def storage(self, key: str, start: int, stop: int) -> Storage:
        return Storage(key, self.types.get(key, ""), start, stop, self.names.get(key, ""))

    def in_order(self, little: bool) -> list[Look]:
        """Return the tensors; where values are big-endian none can be read as it lies."""
        return self.looks if little else [msgspec.structs.replace(look, whole=False) for look in self.looks]


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
    contents = _contents(Reader(of_bytes(zips.read(window, inside["data.pkl"], MAX_PICKLE))))
    found = []
    for name, member in inside.items():
        if name.startswith("data/") and member.method == 0 and member.size == member.packed:
            start = zips.data_start(window, member)
            found.append(contents.storage(name.removeprefix("data/"), start, start + member.size))
    little = "byteorder" not in inside or zips.read(window, inside["byteorder"], 64) != b"big"
    return sorted(found, key=lambda storage: storage.start), contents.in_order(little)


def _from_stream(window: Window) -> tuple[list[Storage], list[Look]]:
    if window.size is None:
        raise BadFormat("a torch file of unknown size", hint=_HINT)
    reader = Reader(window, 0, window.size)
    if pickles.load(reader) != LEGACY_MAGIC:
        raise BadFormat("a pickle, and no torch file", hint=_HINT)
    pickles.load(reader)
    system = pickles.load(reader)
    contents = _contents(reader)
    keys = pickles.load(reader)
    if not isinstance(keys, list) or len(keys) > MAX_STORAGES:
        raise BadFormat("a torch file without its list of storages", hint=_HINT)
    little = not isinstance(system, dict) or system.get("little_endian") is not False
    return _behind(window, reader.at, [_text(key) for key in keys], contents), contents.in_order(little)


def _behind(window: Window, at: int, keys: list[str | None], contents: _Contents) -> list[Storage]:
    """Step from storage to storage: what counts is the class of each, whatever a tensor makes of its bytes."""
    size = window.size or 0
    found = []
    for key in keys:
        bits = dtypes.bits(contents.classes.get(key, "")) if key is not None else None
        if key is None or bits is None:
            raise BadFormat("a storage that nothing in the file speaks of", hint=_HINT)
        start = at + 8
        at = start + int.from_bytes(window.read(at, 8), "little") * bits // 8
        if at > size:
            raise BadFormat("cut off inside its storages", hint=_HINT)
        found.append(contents.storage(key, start, at))
    return found


def _contents(reader: Reader) -> _Contents:
    references: list[Persistent] = []
    return _Contents(pickles.load(reader, references=references), references)


def _text(key: Any) -> str | None:
    """Return a storage's key, which torch writes as the text of a number; a hostile one may be of any size."""
    if isinstance(key, str):
        return key[:100].encode("utf-8", "backslashreplace").decode()
    return str(key) if type(key) is int and key.bit_length() <= 64 else None


def _reference(reference: Persistent) -> tuple[str, str] | None:
    """Return key and type of ('storage', torch.FloatStorage, key, location, elements)."""
    key = reference.key
    if not isinstance(key, tuple) or len(key) < 3 or not isinstance(key[1], Global):
        return None
    text = _text(key[2])
    return None if text is None else (text, dtypes.TORCH_STORAGE.get(key[1].name.rpartition(".")[2], ""))


def _storage_of(value: Any) -> Persistent | None:
    """Return the storage that a tensor looks into: the first argument of whatever makes it."""
    value = torchfile.unwrapped(value)
    if isinstance(value, Node):
        value = value.args[0] if value.args else None
    return value if isinstance(value, Persistent) else None


def _key(value: Any) -> str | None:
    storage = _storage_of(value)
    found = _reference(storage) if storage is not None else None
    return found[0] if found is not None else None


def _look(name: str, value: Any) -> Look | None:
    """Read `_rebuild_tensor_v2(storage, offset, size, stride, ...)`."""
    key = _key(value)
    value = torchfile.unwrapped(value)
    if key is None or not isinstance(value, Node) or len(value.args) < 4:
        return None
    tensor = torchfile.tensor(name, value)
    stride, offset = _sizes(value.args[3]), value.args[1]
    if tensor is None or stride is None or type(offset) is not int or offset < 0:
        return None
    whole = _is_whole(tensor.shape, stride) and not _is_part(value.args[0]) and not _is_lazy(value.args)
    return Look(name, tensor.dtype, tensor.shape, key, offset, whole)


def _is_part(storage: Persistent) -> bool:
    """Say whether a storage is a part of another, as the oldest files have it: offsets then count from elsewhere."""
    return len(storage.key) > 5 and storage.key[5] is not None


def _is_lazy(args: tuple[Any, ...]) -> bool:
    """Say whether values are the conjugates or negatives of what is stored, as `{"conj": True}` at the end says."""
    return any(isinstance(arg, dict) and (arg.get("conj") or arg.get("neg")) for arg in args[6:])


def _sizes(value: Any) -> tuple[int, ...] | None:
    if isinstance(value, Node):
        value = value.args[0] if value.args else ()
    fits = isinstance(value, tuple | list) and all(type(size) is int and size >= 0 for size in value)
    return tuple(value) if fits else None


def _is_whole(shape: tuple[int, ...], stride: tuple[int, ...]) -> bool:
    """Say whether elements lie one behind another, row by row."""
    if len(shape) != len(stride):
        return False
    expected = 1
    for size, step in zip(reversed(shape), reversed(stride), strict=True):
        if size != 1 and step != expected:
            return 0 in shape
        expected *= size
    return True
