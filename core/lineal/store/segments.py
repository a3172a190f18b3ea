"""Where tensors lie in a model file: stretches without gaps, told from the file's own headers and nothing else.

A file that is damaged, hostile or past a cap is of no known format, and is kept as plain bytes. So restoring a file
never depends on a parser: only on how well it is compressed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from lineal.errors import BadFormat, Unsupported
from lineal.formats import dtypes
from lineal.formats.window import Window
from lineal.model.version import Tensor
from lineal.store.manifest import View

if TYPE_CHECKING:
    from lineal.formats.torchdata import Look, Storage

MAX_TENSORS = 200_000
MAX_NAMES = 64 << 20  # characters in all names together


class Stretch(msgspec.Struct, frozen=True):
    """Bytes `start` to `stop` of a file: one tensor's, or those between tensors (`name` and `dtype` empty)."""

    start: int
    stop: int
    name: str = ""
    dtype: str = ""


class Segmentation(msgspec.Struct, frozen=True):
    """A file in stretches, without gaps from 0 to its size; `views` are its tensors, contiguous ones only."""

    format: str
    stretches: tuple[Stretch, ...]
    views: tuple[View, ...]


def segmentation(window: Window, name: str) -> Segmentation | None:
    """Say where the tensors of the file called `name` lie, or None where it is of no format that is known.

    Raises:
        RegistryError: it cannot be read at all; a file that makes no sense is no error.
    """
    head = window.upto(0, 16)
    try:
        if head[:4] == b"GGUF":
            return _gguf(window)
        if head[8:9] == b"{" and head[4:8] == b"\0\0\0\0":
            return _safetensors(window)
        if head[:4] == b"PK\x03\x04" or head[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
            return _torch(window)
        if name.lower().endswith(".onnx"):
            return _onnx(window)
    except (BadFormat, Unsupported):
        return None
    return None


def external(window: Window) -> dict[str, list[Stretch]]:
    """Return the tensors that an ONNX model keeps in files beside it, by those files' names."""
    from lineal.formats import onnx_data

    found: dict[str, list[Stretch]] = {}
    try:
        for placed in onnx_data.read(window):
            if placed.file:
                stretch = Stretch(placed.start, placed.stop, placed.tensor.name, placed.tensor.dtype)
                found.setdefault(placed.file, []).append(stretch)
    except (BadFormat, Unsupported):
        return {}
    return found


def outside(window: Window, stretches: Sequence[Stretch]) -> Segmentation | None:
    """Return a file beside an ONNX model, of which the model said where its tensors lie; shared values count once."""
    once = {(one.start, one.stop): one for one in reversed(stretches)}
    return _made("onnx-data", window.size, once.values(), [])


def _safetensors(window: Window) -> Segmentation | None:
    from lineal.formats import safetensors

    header = safetensors.read(window)
    return _of_tensors("safetensors", window.size, header.tensors, header.spans)


def _gguf(window: Window) -> Segmentation | None:
    from lineal.formats import gguf

    header = gguf.read(window)
    return _of_tensors("gguf", window.size, header.tensors, header.spans, viewed=header.little)


def _of_tensors(
    form: str,
    size: int | None,
    tensors: Sequence[Tensor],
    spans: Sequence[tuple[int, int]],
    viewed: bool = True,
) -> Segmentation | None:
    """Return a file whose tensors are all named and lie where `spans` say."""
    pairs = list(zip(tensors, spans, strict=True))
    stretches = [Stretch(start, stop, tensor.name, tensor.dtype) for tensor, (start, stop) in pairs]
    views = [
        View(tensor.name, tensor.dtype, tensor.shape, start, stop)
        for tensor, (start, stop) in pairs
        if viewed and (stop > start or 0 in tensor.shape)  # a type that is not known has no length
    ]
    return _made(form, size, stretches, views)


def _onnx(window: Window) -> Segmentation | None:
    from lineal.formats import onnx_data

    here = [one for one in onnx_data.read(window) if not one.file]
    stretches = [Stretch(one.start, one.stop, one.tensor.name, one.tensor.dtype) for one in here]
    views = [
        View(one.tensor.name, one.tensor.dtype, one.tensor.shape, one.start, one.stop)
        for one in here
        if one.stop - one.start == _length(one.tensor.dtype, one.tensor.shape)
    ]
    return _made("onnx", window.size, stretches, views)


def _length(dtype: str, shape: tuple[int, ...]) -> int | None:
    """Return the bytes that a tensor takes, or None where its type is not known."""
    bits = dtypes.bits(dtype)
    return None if bits is None else -(-dtypes.elements(shape) * bits // 8)


def _torch(window: Window) -> Segmentation | None:
    from lineal.formats import torchdata

    form, storages, looks = torchdata.read(window)
    stretches = [Stretch(one.start, one.stop, one.name or f"data/{one.key}", one.dtype or "uint8") for one in storages]
    places = {one.key: one for one in storages}
    views = [_view(look, places[look.key]) for look in looks if look.whole and look.key in places]
    return _made(form, window.size, stretches, [view for view in views if view is not None])


def _view(look: Look, storage: Storage) -> View | None:
    """Return a tensor that lies within its storage, in whole bytes."""
    bits, length = dtypes.bits(look.dtype), _length(look.dtype, look.shape)
    if bits is None or bits % 8 or length is None:
        return None
    start = storage.start + look.offset * bits // 8
    if start + length > storage.stop:
        return None
    return View(look.name, look.dtype, look.shape, start, start + length)


def _made(form: str, size: int | None, found: Iterable[Stretch], views: Sequence[View]) -> Segmentation | None:
    """Fill the gaps; None where stretches overlap, pass the end, are too many or too long of name."""
    stretches = sorted((one for one in found if one.stop != one.start), key=lambda one: (one.start, one.stop))
    names = sum(len(one.name) for one in stretches) + sum(len(view.name) for view in views)
    if size is None or not stretches or max(len(stretches), len(views)) > MAX_TENSORS or names > MAX_NAMES:
        return None
    whole: list[Stretch] = []
    at = 0
    for stretch, name in zip(stretches, _unique(one.name for one in stretches), strict=True):
        if not at <= stretch.start < stretch.stop <= size:
            return None
        if stretch.start > at:
            whole.append(Stretch(at, stretch.start))
        whole.append(Stretch(stretch.start, stretch.stop, name, stretch.dtype))
        at = stretch.stop
    if at < size:
        whole.append(Stretch(at, size))
    return Segmentation(form, tuple(whole), _within(views, size))


def _within(views: Iterable[View], size: int) -> tuple[View, ...]:
    """Keep the tensors that have a name and lie within the file, each with a name of its own."""
    kept = [view for view in views if view.name and 0 <= view.start <= view.stop <= size]
    names = _unique(view.name for view in kept)
    return tuple(View(name, one.dtype, one.shape, one.start, one.stop) for one, name in zip(kept, names, strict=True))


def _unique(names: Iterable[str]) -> Iterator[str]:
    """Yield names, all but the first of equal ones with a number behind: `w`, `w#2`, `w#3`.

    Half a surrogate, which no layout could write down, is spelt as the index spells it.
    """
    taken: set[str] = set()
    counts: dict[str, int] = {}
    for said in names:
        unique = name = said.encode(errors="backslashreplace").decode()
        while unique in taken:
            counts[name] = counts.get(name, 1) + 1
            unique = f"{name}#{counts[name]}"
        taken.add(unique)
        yield unique
