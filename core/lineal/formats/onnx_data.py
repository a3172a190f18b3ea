"""Where the values of an ONNX model's tensors lie: in the model's own bytes, or in a file beside it.

Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto and docs/ExternalData.md (field numbers are its own).
"""

from __future__ import annotations

import msgspec

from lineal.errors import BadFormat
from lineal.formats import dtypes, onnx, protobuf
from lineal.formats.protobuf import Field
from lineal.formats.window import Window
from lineal.model.version import Tensor

_VALUES = {4: ("float32", "complex64"), 10: ("float64", "complex128")}
"""Fields whose packed numbers are those types' own bytes: float_data and double_data."""
LEAST = 4096  # bytes: shorter values stay with what is around them
MAX_NESTED = 8


class Placed(msgspec.Struct, frozen=True):
    """A tensor and where its values lie; `file` is empty for the model's own bytes."""

    tensor: Tensor
    start: int
    stop: int
    file: str = ""


def read(window: Window) -> list[Placed]:
    """Return the tensors whose values lie in one piece, in any file. Raises BadFormat as `onnx.read` does."""
    if window.size is None:
        raise BadFormat("an ONNX model of unknown size", hint="its reader needs to know where it ends")
    parser = _Parser(window)
    parser.model()
    if not parser.ir_version or not parser.graphs:
        raise BadFormat("not an ONNX model", hint="export the model again")
    return parser.placed


class _Parser(onnx.Parser):
    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self.placed: list[Placed] = []
        self.depth = 0

    def graph(self, graph: Field) -> None:
        """Look into nodes too: a constant is an attribute, and a loop's body a graph."""
        self.graphs += 1
        self.depth += 1
        if self.depth > MAX_NESTED:
            raise BadFormat("graphs nested too deep", hint="export the model again")
        for field in protobuf.fields(self.window, graph.start, graph.end):
            self.spend()
            if field.wire != protobuf.BYTES:
                continue
            if field.number == 5:
                self.tensor(field)
            elif field.number == 1:
                self.node(field)
        self.depth -= 1

    def node(self, node: Field) -> None:
        for attribute in protobuf.fields(self.window, node.start, node.end):
            self.spend()
            if attribute.number != 5 or attribute.wire != protobuf.BYTES:
                continue
            for field in protobuf.fields(self.window, attribute.start, attribute.end):
                self.spend()
                if field.number in (5, 10) and field.wire == protobuf.BYTES:
                    self.tensor(field)
                elif field.number in (6, 11) and field.wire == protobuf.BYTES:
                    self.graph(field)

    def tensor(self, tensor: Field) -> None:
        super().tensor(tensor)
        found = self.tensors[-1]
        values: list[Field] = []
        outside: dict[str, str] = {}
        for field in protobuf.fields(self.window, tensor.start, tensor.end):
            self.spend()
            if field.wire == protobuf.BYTES and (field.number == 9 or found.dtype in _VALUES.get(field.number, ())):
                values.append(field)
            elif field.number == 13 and field.wire == protobuf.BYTES:
                key, value = self.pair(field)
                outside[key] = value
        if outside.get("location"):
            self.placed += _outside(found, outside)
        elif len(values) == 1 and values[0].end - values[0].start >= LEAST:
            self.placed.append(Placed(found, values[0].start, values[0].end))


def _outside(tensor: Tensor, entry: dict[str, str]) -> list[Placed]:
    bits = dtypes.bits(tensor.dtype)
    start, length = entry.get("offset", "0"), entry.get("length", "")
    if not (start.isdecimal() and len(start) < 20):
        return []
    if not (length.isdecimal() and len(length) < 20):
        length = str((bits or 0) * dtypes.elements(tensor.shape) // 8)
    return [Placed(tensor, int(start), int(start) + int(length), entry["location"])]
