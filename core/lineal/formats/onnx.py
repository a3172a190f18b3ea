"""ONNX models: metadata, operator sets and the initializers' types and shapes, never their values.

Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (field numbers below are its own).
"""

from __future__ import annotations

import msgspec

from lineal.errors import BadFormat
from lineal.formats import dtypes, protobuf
from lineal.formats.protobuf import Field
from lineal.formats.window import Window
from lineal.model.version import Tensor

MAX_TENSORS = 200_000
MAX_PROPERTIES = 10_000
MAX_FIELDS = 5_000_000
MAX_RANK = 32
_HINT = "export the model again; it is not what ONNX writes"


class Header(msgspec.Struct, frozen=True):
    """What a model says of itself; `external` are the names of files beside it that hold tensors' bytes, sorted."""

    producer: str
    producer_version: str
    ir_version: int
    opsets: dict[str, int]
    properties: dict[str, str]
    tensors: tuple[Tensor, ...]
    external: tuple[str, ...]


def read(window: Window) -> Header:
    """Read what a model says of itself.

    Raises:
        BadFormat: it is no ONNX model, is cut off, or passes a cap.
    """
    if window.size is None:
        raise BadFormat("an ONNX model of unknown size", hint="its reader needs to know where it ends")
    parser = Parser(window)
    parser.model()
    if not parser.ir_version or not parser.graphs:
        raise BadFormat("not an ONNX model: it has no version or no graph", hint=_HINT)
    return Header(
        producer=parser.producer,
        producer_version=parser.producer_version,
        ir_version=parser.ir_version,
        opsets=parser.opsets,
        properties=parser.properties,
        tensors=tuple(parser.tensors),
        external=tuple(sorted(parser.external)),
    )


class Parser:
    """Walks one model; `left` bounds the fields looked at, whatever their nesting."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.producer = self.producer_version = ""
        self.ir_version = self.graphs = 0
        self.opsets: dict[str, int] = {}
        self.properties: dict[str, str] = {}
        self.tensors: list[Tensor] = []
        self.external: set[str] = set()
        self.left = MAX_FIELDS

    def fields(self, start: int, end: int) -> list[Field]:
        found: list[Field] = []
        for field in protobuf.fields(self.window, start, end):
            self.left -= 1
            if self.left < 0:
                raise BadFormat(f"an ONNX model of more than {MAX_FIELDS:,} fields", hint=_HINT)
            found.append(field)
        return found

    def model(self) -> None:
        for field in protobuf.fields(self.window, 0, self.window.size or 0):
            if field.number == 1:
                self.ir_version = field.value
            elif field.number == 2:
                self.producer = self.text(field)
            elif field.number == 3:
                self.producer_version = self.text(field)
            elif field.number == 7:
                self.graph(field)
            elif field.number == 8:
                self.opset(field)
            elif field.number == 14:
                self.property(field)
            self.spend()

    def spend(self) -> None:
        self.left -= 1
        if self.left < 0 or len(self.tensors) > MAX_TENSORS or len(self.properties) > MAX_PROPERTIES:
            raise BadFormat("an ONNX model of too many parts", hint=_HINT)

    def text(self, field: Field) -> str:
        return protobuf.text(self.window, field, 1 << 16)

    def graph(self, graph: Field) -> None:
        self.graphs += 1
        for field in protobuf.fields(self.window, graph.start, graph.end):
            self.spend()
            if field.number == 5 and field.wire == protobuf.BYTES:
                self.tensor(field)

    def opset(self, opset: Field) -> None:
        domain, version = "", 0
        for field in self.fields(opset.start, opset.end):
            if field.number == 1:
                domain = self.text(field)
            elif field.number == 2:
                version = field.value
        self.opsets[domain or "ai.onnx"] = version

    def property(self, entry: Field) -> None:
        key, value = self.pair(entry)
        self.properties[key] = value

    def pair(self, entry: Field) -> tuple[str, str]:
        """Read a StringStringEntryProto."""
        found = {field.number: self.text(field) for field in self.fields(entry.start, entry.end)}
        return found.get(1, ""), found.get(2, "")

    def tensor(self, tensor: Field) -> None:
        name, kind = "", 0
        shape: list[int] = []
        for field in protobuf.fields(self.window, tensor.start, tensor.end):
            self.spend()
            if field.number == 1:
                shape += protobuf.numbers(self.window, field, MAX_RANK)
            elif field.number == 2:
                kind = field.value
            elif field.number == 8:
                name = self.text(field)
            elif field.number == 13:
                self.outside(field)
        if len(shape) > MAX_RANK or any(size >= 1 << 63 for size in shape):
            raise BadFormat(f"a damaged shape of {name[:80]!r}", hint=_HINT)
        self.tensors.append(Tensor(name, dtypes.ONNX.get(kind, f"onnx_{kind}"), tuple(shape)))

    def outside(self, entry: Field) -> None:
        key, value = self.pair(entry)
        if key == "location":
            self.external.add(value)
