"""Where tensors lie in a model file: stretches without gaps, told from the file's own headers and nothing else.

A file that is damaged, hostile or past a cap is of no known format, and is kept as plain bytes. So restoring a file
never depends on a parser: only on how well it is compressed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from lineal.errors import BadFormat, Unsupported
from lineal.formats import dtypes
from lineal.formats.window import Window
from lineal.store.manifest import View

MAX_STRETCHES = 400_000


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
    """Return a file beside an ONNX model, of which the model said where its tensors lie."""
    return _made("onnx-data", window.size, stretches, [])


def _safetensors(window: Window) -> Segmentation | None:
    from lineal.formats import safetensors

    header = safetensors.read(window)
    pairs = list(zip(header.tensors, header.spans, strict=True))
    stretches = [Stretch(start, stop, tensor.name, tensor.dtype) for tensor, (start, stop) in pairs]
    views = [View(tensor.name, tensor.dtype, tensor.shape, start, stop) for tensor, (start, stop) in pairs]
    return _made("safetensors", window.size, stretches, views)


def _gguf(window: Window) -> Segmentation | None:
    from lineal.formats import gguf

    header = gguf.read(window)
    pairs = sorted(zip(header.tensors, header.spans, strict=True), key=lambda pair: pair[1])
    stretches = [Stretch(start, stop, tensor.name, tensor.dtype) for tensor, (start, stop) in pairs]
    views = [View(tensor.name, tensor.dtype, tensor.shape, start, stop) for tensor, (start, stop) in pairs]
    return _made("gguf", window.size, stretches, views)


def _onnx(window: Window) -> Segmentation | None:
    from lineal.formats import onnx_data

    here = sorted((one for one in onnx_data.read(window) if not one.file), key=lambda one: one.start)
    stretches = [Stretch(one.start, one.stop, one.tensor.name, one.tensor.dtype) for one in here]
    views = [
        View(one.tensor.name, one.tensor.dtype, one.tensor.shape, one.start, one.stop)
        for one in here
        if one.tensor.name
    ]
    return _made("onnx", window.size, stretches, views)


def _torch(window: Window) -> Segmentation | None:
    from lineal.formats import torchdata

    form, storages, looks = torchdata.read(window)
    first = {look.key: look.name for look in reversed(looks)}
    stretches = [
        Stretch(one.start, one.stop, first.get(one.key, f"data/{one.key}"), one.dtype or "uint8") for one in storages
    ]
    starts = {one.key: one.start for one in storages}
    views = [_view(look, starts[look.key]) for look in looks if look.whole and look.key in starts]
    return _made(form, window.size, stretches, [view for view in views if view is not None])


def _view(look: object, start: int) -> View | None:
    from lineal.formats.torchdata import Look

    assert isinstance(look, Look)
    bits = dtypes.bits(look.dtype)
    if bits is None or bits % 8:
        return None
    begin = start + look.offset * bits // 8
    return View(look.name, look.dtype, look.shape, begin, begin + dtypes.elements(look.shape) * bits // 8)


def _made(form: str, size: int | None, found: Iterable[Stretch], views: Iterable[View]) -> Segmentation | None:
    """Fill the gaps; None where stretches overlap, pass the end, or are too many."""
    if size is None:
        return None
    whole: list[Stretch] = []
    at = 0
    for stretch in sorted(found, key=lambda one: (one.start, one.stop)):
        if stretch.start < at or stretch.stop > size or len(whole) > MAX_STRETCHES:
            return None
        if stretch.stop == stretch.start:
            continue
        if stretch.start > at:
            whole.append(Stretch(at, stretch.start))
        whole.append(stretch)
        at = stretch.stop
    if at < size:
        whole.append(Stretch(at, size))
    return Segmentation(form, tuple(whole), _unique(views, size)) if len(whole) > 1 else None


def _unique(views: Iterable[View], size: int) -> tuple[View, ...]:
    """Keep the tensors that lie within the file, the first of each name."""
    found: dict[str, View] = {}
    for view in views:
        if 0 <= view.start <= view.stop <= size:
            found.setdefault(view.name, view)
    return tuple(found.values())
