"""The headers of a model file's tensors, whatever its format, read through ranges so that remote files work too."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from lineal.errors import Unsupported
from lineal.formats import dtypes
from lineal.formats.window import OpenRange, Window
from lineal.model.version import Tensor

_TORCH = (".pt", ".pth", ".ckpt", ".bin")


def holds_tensors(name: str) -> bool:
    """Say whether a file of that name is of a format whose tensors can be listed."""
    return name.endswith((*_TORCH, ".safetensors", ".gguf", ".onnx"))


def headers(open_range: OpenRange, size: int | None, name: str) -> list[Tensor]:
    """Return the tensors of the file called `name`, in its own order, with `file` set to `name`.

    `open_range(start, length)` opens its bytes; `size` is their number, None if unknown. The format is told by the
    first bytes, then by the extension.

    Raises:
        BadFormat: it is damaged or cut off.
        Unsupported: it is of no format whose tensors are read (safetensors, GGUF, ONNX, torch).
        RegistryError: whatever `open_range` raises.
    """
    window = Window(open_range, size)
    return [msgspec.structs.replace(tensor, file=name) for tensor in _read(window, name.lower())]


def parameter_count(tensors: Iterable[Tensor]) -> int:
    """Return the number of elements of all tensors together."""
    return sum(dtypes.elements(tensor.shape) for tensor in tensors)


def _read(window: Window, name: str) -> tuple[Tensor, ...]:
    head = window.upto(0, 16)
    if head[:4] == b"GGUF":
        from lineal.formats import gguf

        return gguf.read(window).tensors
    if name.endswith(".safetensors") or (head[8:9] == b"{" and head[4:8] == b"\0\0\0\0"):
        from lineal.formats import safetensors

        return safetensors.read(window).tensors
    if name.endswith(".onnx"):
        from lineal.formats import onnx

        return onnx.read(window).tensors
    if name.endswith(_TORCH) or head[:4] == b"PK\x03\x04":
        from lineal.formats import torchfile

        return torchfile.read(window).tensors
    raise Unsupported(
        f"the tensors of {name} cannot be listed",
        hint="headers are read from safetensors, GGUF, ONNX and torch files",
    )
