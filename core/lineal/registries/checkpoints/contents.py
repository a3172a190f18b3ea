"""What the weights of a version say of themselves, and a mark of their content for its fingerprint.

Marks tell content apart without reading it all: two files of one size whose weights differ must get two marks, and a
file that was only touched keeps its own. A torch zip brings checksums of all its members; of safetensors and GGUF the
header and two samples of every tensor are hashed, so that a change to any one tensor shows; of other files 256 samples.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from lineal.formats import gguf, onnx, safetensors, torchfile
from lineal.formats.tensors import parameter_count
from lineal.formats.window import Window
from lineal.model.version import Tensor
from lineal.registries.checkpoints.probe import Probe

WHOLE = 1 << 20  # bytes up to which a file is hashed whole
SAMPLES, SAMPLE = 256, 1024  # of other files
TENSOR_SAMPLE = 128  # bytes, at the start and the middle of each tensor
MAX_SPANS = 50_000


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """One file of weights. `external` names files beside it that hold its bytes; `base` are models it was made from."""

    format: str
    mark: str
    tensors: tuple[Tensor, ...] = ()
    settings: dict[str, Any] = {}
    hyperparameters: dict[str, Any] = {}
    callbacks: dict[str, Any] = {}
    base: tuple[str, ...] = ()
    external: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """How many elements its tensors have together."""
        return parameter_count(self.tensors)


def read(probe: Probe, path: str) -> Content | None:
    """Read what a file says of itself; None, and a problem, where it is damaged or cut off."""
    return probe.attempt(path, lambda at: _reader(at)(probe.window(at)))


def _reader(path: str) -> Callable[[Window], Content]:
    name = path.lower()
    for endings, reader in _READERS:
        if name.endswith(endings):
            return reader
    return lambda window: Content(format=name.rpartition(".")[2], mark=sampled(window))


def sampled(window: Window) -> str:
    """Return the mark of a file of no known structure: all of it if small, else evenly spaced samples."""
    size = window.size or 0
    mark = hashlib.sha256(str(size).encode())
    if size <= WHOLE:
        mark.update(window.read(0, size))
    else:
        step = (size - SAMPLE) // (SAMPLES - 1)
        for number in range(SAMPLES):
            mark.update(window.read(number * step, SAMPLE))
    return mark.hexdigest()


def _marked(window: Window, spans: Iterable[tuple[int, int]]) -> str:
    """Return the mark of a file of tensors: its header, and two samples of each of them."""
    ordered = sorted(spans)
    end = ordered[0][0] if ordered else window.size or 0
    mark = hashlib.sha256(str(window.size).encode())
    for start in range(0, end, 1 << 20):
        mark.update(window.read(start, min(1 << 20, end - start)))
    for start, end in ordered[:: max(1, len(ordered) // MAX_SPANS)]:
        for at in (start, (start + end) // 2):
            mark.update(window.read(at, min(TENSOR_SAMPLE, end - at)))
    return mark.hexdigest()


def _safetensors(window: Window) -> Content:
    header = safetensors.read(window)
    mark = _marked(window, header.spans)
    hyperparameters = {name: value for name, value in header.metadata.items() if name != "format" and len(value) < 1000}
    return Content(format="safetensors", mark=mark, tensors=header.tensors, hyperparameters=hyperparameters)


def _gguf(window: Window) -> Content:
    header = gguf.read(window)
    skipped = ("tokenizer.", "general.base_model.")
    return Content(
        format="gguf",
        mark=_marked(window, header.spans),
        tensors=header.tensors,
        hyperparameters={name: value for name, value in header.values.items() if not name.startswith(skipped)},
        base=tuple(model.repository or model.name for model in header.base_models),
    )


def _onnx(window: Window) -> Content:
    header = onnx.read(window)
    opsets = {f"onnx.opset.{domain}": version for domain, version in header.opsets.items()}
    producer = f"{header.producer} {header.producer_version}".strip()
    return Content(
        format="onnx",
        mark=sampled(window),
        tensors=header.tensors,
        hyperparameters={**header.properties, **opsets, **({"onnx.producer": producer} if producer else {})},
        external=header.external,
    )


def _torch(window: Window) -> Content:
    found = torchfile.read(window)
    return Content(
        format="torch",
        mark=_checksums(found) or sampled(window),
        tensors=found.tensors,
        settings=found.settings | ({"class": found.object} if found.object else {}),
        hyperparameters=found.hyperparameters,
        callbacks=found.callbacks if isinstance(found.callbacks, dict) else {},
    )


def _checksums(found: torchfile.TorchFile) -> str:
    """Return a mark from a zip's own checksums; "" where there are none, or torch was told not to compute them."""
    counted = [item for item in found.checksums if not item[0].startswith(".data/")]
    if not any(crc for name, _, crc in counted if name.startswith("data/")):
        return ""
    return hashlib.sha256(repr(sorted(counted)).encode()).hexdigest()


_READERS: tuple[tuple[str | tuple[str, ...], Callable[[Window], Content]], ...] = (
    (".safetensors", _safetensors),
    (".gguf", _gguf),
    (".onnx", _onnx),
    ((".pt", ".pth", ".ckpt", ".bin"), _torch),
)


def goals(content: Content) -> dict[str, str]:
    """Return the metrics that Lightning's callbacks watch and which way: they keep it in the key of their state."""
    found: dict[str, str] = {}
    for key in content.callbacks:
        watched, mode = _between(key, "'monitor': '"), _between(key, "'mode': '")
        if watched and mode in {"min", "max"}:
            found[watched] = mode
    return found


def best_path(content: Content) -> str:
    """Return the file that Lightning's ModelCheckpoint held to be the best when this one was written, or ""."""
    for key, state in content.callbacks.items():
        best = state.get("best_model_path") if isinstance(state, dict) else None
        if key.startswith("ModelCheckpoint") and _between(key, "'monitor': '") and isinstance(best, str):
            return best
    return ""


def _between(text: str, before: str) -> str:
    return text.partition(before)[2].partition("'")[0]
