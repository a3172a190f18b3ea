"""What torch.save wrote, without torch: tensors' headers, hyperparameters, and where training stood.

Both forms are read through the inert pickle reader: the zip of torch 1.6 and later (`NAME/data.pkl`; the zip's own
checksums tell content apart) and the older stream of pickles. Source: torch/serialization.py, torch/_utils.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from lineal.errors import BadFormat
from lineal.formats import dtypes, pickles, zips
from lineal.formats.pickles import Global, Node, Persistent
from lineal.formats.window import Reader, Window, of_bytes
from lineal.model.version import Tensor

MAX_PICKLE = 64 << 20  # bytes
MAX_TENSORS = 200_000
MAX_RANK = 32
MAX_DEPTH = 12
MAX_DEPTH_THOROUGH = 64
MAX_NAMES = 64 << 20  # characters in all names together
ZIP = b"PK\x03\x04"
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_SCALARS = str | int | float | bytes | None
_HINT = "save it again with torch.save; nothing else is read here"
_WEIGHTS = ("state_dict", "model_state_dict", "model_state", "module", "model", "net", "ema_state_dict", "weights")


class TorchFile(msgspec.Struct, frozen=True):
    """What one file holds. `settings` are plain values at its top: epoch, global_step, versions, best scores.

    `checksums` are the zip's own of each member, by name without the archive's name; empty for the older form.
    """

    tensors: tuple[Tensor, ...]
    hyperparameters: dict[str, Any]
    settings: dict[str, Any]
    callbacks: dict[str, Any]
    object: str  # the class pickled at the top where it is no mapping
    checksums: tuple[tuple[str, int, int], ...]  # name, size, crc-32


def is_torch(head: bytes) -> bool:
    """Say whether a file that begins with these bytes may be torch's: a zip, or a pickle of protocol 2 or later."""
    return head[:4] == ZIP or (head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05")


def read(window: Window) -> TorchFile:
    """Read one `.pt`, `.pth`, `.ckpt` or `.bin` file.

    Raises:
        BadFormat: it is neither of torch's forms, is cut off, or passes a cap.
    """
    root, checksums = _root(window)
    mapping = _mapping(root)
    weights = next((mapping[name] for name in _WEIGHTS if _mapping(mapping.get(name))), root)
    hyperparameters = pickles.plain(mapping.get("hyper_parameters") or mapping.get("hparams") or {})
    return TorchFile(
        tensors=tuple(_tensors(weights)),
        hyperparameters=hyperparameters if isinstance(hyperparameters, dict) else {},
        settings=_settings(mapping),
        callbacks=pickles.plain(_mapping(mapping.get("callbacks")), max_depth=6, max_values=5_000),
        object="" if mapping else _object(root),
        checksums=checksums,
    )


def read_arguments(window: Window) -> dict[str, Any]:
    """Read a pickled object of settings, such as transformers' `training_args.bin`, as a mapping of plain values.

    Raises:
        BadFormat: as for `read`, or it holds no such object.
    """
    root, _ = _root(window)
    state = root.state if isinstance(root, Node) else root
    found = pickles.plain(_mapping(state), max_depth=6)
    if not found:
        raise BadFormat("no settings in it", hint="it should be what the Trainer wrote as training_args.bin")
    return {name: value for name, value in found.items() if not name.startswith("_")}


def checksums(window: Window) -> tuple[tuple[str, int, int], ...]:
    """Return (name, size, crc-32) of a zip's members, less the archive's own name, which torch takes from the file's.

    Raises:
        BadFormat: it is no zip archive.
    """
    return _checksums(zips.members(window))


def _checksums(members: list[zips.Member]) -> tuple[tuple[str, int, int], ...]:
    return tuple((member.name.partition("/")[2] or member.name, member.size, member.crc) for member in members)


def _root(window: Window) -> tuple[Any, tuple[tuple[str, int, int], ...]]:
    head = window.upto(0, 4)
    if head == ZIP:
        members = zips.members(window)
        return _from_zip(window, members), _checksums(members)
    if not is_torch(head):
        raise BadFormat("neither a zip archive nor a pickle", hint=_HINT)
    return _from_stream(window), ()


def _from_zip(window: Window, members: list[zips.Member]) -> Any:
    for member in members:
        if member.name == "data.pkl" or (member.name.endswith("/data.pkl") and member.name.count("/") == 1):
            return pickles.load(Reader(of_bytes(zips.read(window, member, MAX_PICKLE))))
    raise BadFormat("a zip archive without data.pkl", hint=_HINT)


def _from_stream(window: Window) -> Any:
    """Read the older form: magic number, protocol, system, object; or a plain pickle of an object."""
    end = min(window.size, MAX_PICKLE) if window.size is not None else MAX_PICKLE
    reader = Reader(window, 0, end)
    first = pickles.load(reader)
    if first != LEGACY_MAGIC:
        return first
    pickles.load(reader)
    pickles.load(reader)
    return pickles.load(reader)


def _mapping(value: Any) -> dict[Any, Any]:
    """Return the mapping that a dict, an OrderedDict or a module's state is."""
    if isinstance(value, dict):
        return value
    if isinstance(value, Node):
        return value.items or (value.state if isinstance(value.state, dict) else {})
    return {}


def _object(root: Any) -> str:
    return root.name if isinstance(root, Node | Global) else ""


def _settings(mapping: dict[Any, Any]) -> dict[str, Any]:
    """Keep the plain values at the top: numbers, short texts."""
    found: dict[str, Any] = {}
    for key, value in list(mapping.items())[:1000]:
        simple = isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= 200)
        if isinstance(key, str) and simple:
            found[key] = value
    return found


def _tensors(root: Any) -> Iterator[Tensor]:
    count = 0
    for name, value in walk(root):
        if (found := tensor(name, value)) is not None:
            count += 1
            if count > MAX_TENSORS:
                raise BadFormat(f"more than {MAX_TENSORS:,} tensors", hint=_HINT)
            yield found


def walk(root: Any, *, thorough: bool = False) -> Iterator[tuple[str, Any]]:
    """Yield the calls that make tensors, by dotted names, from mappings, lists and modules; each container once.

    A thorough walk goes deeper, also into what any other object holds or is made of, and yields references too.

    Raises:
        BadFormat: the names grow out of bounds.
    """
    inside, deepest = (_everything, MAX_DEPTH_THOROUGH) if thorough else (_inside, MAX_DEPTH)
    levels: list[tuple[str, Iterator[tuple[Any, Any]]]] = [("", iter([("", root)]))]
    seen: set[int] = set()
    left = MAX_NAMES
    while levels:
        prefix, items = levels[-1]
        for key, value in items:
            found = _is_tensor(value) or (thorough and isinstance(value, Persistent))
            if not found and (id(value) in seen or len(levels) > deepest):
                continue
            name = ".".join(filter(None, (prefix, _spelt(key))))
            left -= len(name)
            if left < 0:
                raise BadFormat("names of tensors without end", hint=_HINT)
            if found:
                yield name, value
            else:
                seen.add(id(value))
                levels.append((name, inside(value)))
                break
        else:
            levels.pop()


def _is_tensor(value: Any) -> bool:
    value = unwrapped(value)
    if not isinstance(value, Node) or not value.name.startswith("torch."):
        return False
    return value.name.rpartition(".")[2].startswith(("_rebuild_tensor", "_rebuild_qtensor", "_rebuild_meta_tensor"))


def _inside(value: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(value, list | tuple):
        yield from ((number, item) for number, item in enumerate(value) if not isinstance(item, _SCALARS))
    for key, item in _mapping(value).items():
        if not isinstance(item, _SCALARS):
            # a pickled module keeps these three mappings, which no name of a parameter shows
            hidden = isinstance(value, Node) and key in {"_parameters", "_buffers", "_modules"}
            yield ("" if hidden else key), item


def _everything(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield what is in a value as `_inside` does, then what else an object has: its values, state and arguments."""
    yield from _inside(value)
    if isinstance(value, Node):
        yield from _inside(value.values)
        state = None if _mapping(value) is value.state else value.state
        yield from (("", part) for part in (state, value.args, value.keywords) if not isinstance(part, _SCALARS))


def _spelt(key: Any) -> str:
    """Return a key as a part of a name: short, writable as UTF-8, the same in every run."""
    if isinstance(key, str):
        return key[:1000].encode("utf-8", "backslashreplace").decode()
    if isinstance(key, int) and key.bit_length() > 64:
        return "key"
    if key is None or isinstance(key, int | float):
        return str(key)
    if isinstance(key, tuple):
        return ".".join(_spelt(part) for part in key[:8] if not isinstance(part, tuple))
    return _spelt(key.name) if isinstance(key, Global) else "key"


def tensor(name: str, value: Any) -> Tensor | None:
    """Read a call of one of torch's functions that rebuild tensors (torch/_utils.py)."""
    value = unwrapped(value)
    if not isinstance(value, Node) or not value.name.startswith("torch."):
        return None
    function, args = value.name.rpartition(".")[2], value.args
    if function == "_rebuild_meta_tensor_no_storage" and len(args) >= 2:
        return _made(name, _dtype(args[0]), args[1])
    if function.startswith(("_rebuild_tensor", "_rebuild_qtensor")) and len(args) >= 3:
        dtype = _dtype(args[6]) if function == "_rebuild_tensor_v3" and len(args) > 6 else _storage(args[0])
        return _made(name, dtype, args[2])
    return None


def unwrapped(value: Any) -> Any:
    """Return the call that makes the tensor inside a Parameter or a subclass of Tensor; a few layers at most."""
    for _ in range(4):
        function = value.name.rpartition(".")[2] if isinstance(value, Node) else ""
        if function in {"_rebuild_parameter", "_rebuild_parameter_with_state"} and value.args:
            value = value.args[0]
        elif function == "_rebuild_from_type_v2" and len(value.args) > 2 and isinstance(value.args[2], tuple):
            value = Node(value.args[0], value.args[2])
        else:
            break
    return value


def _made(name: str, dtype: str, shape: Any) -> Tensor:
    if isinstance(shape, Node):  # torch.Size
        shape = shape.args[0] if shape.args else ()
    fits = isinstance(shape, tuple | list) and len(shape) <= MAX_RANK
    if not fits or not all(type(size) is int and 0 <= size < 1 << 63 for size in shape):
        raise BadFormat(f"a damaged shape of {name[:80]!r}", hint=_HINT)
    return Tensor(name, dtype, tuple(shape))


def _dtype(value: Any) -> str:
    name = value.name.removeprefix("torch.") if isinstance(value, Global) else ""
    return name if len(name) <= 40 and name.isascii() and name.isidentifier() else ""


def _storage(value: Any) -> str:
    """Return the type of a storage: ('storage', torch.FloatStorage, key, location, elements)."""
    key = value.key if isinstance(value, Persistent) else None
    if isinstance(key, tuple) and len(key) >= 2 and isinstance(key[1], Global):
        return dtypes.TORCH_STORAGE.get(key[1].name.rpartition(".")[2], "")
    return ""
