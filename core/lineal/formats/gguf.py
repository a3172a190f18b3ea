"""Headers of GGUF files: key-values and tensor infos, little- or big-endian, versions 2 and 3.

Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. The counts in a header are promises of a stranger:
every read is bounded by the file and by the caps below, and long arrays are stepped over, not kept.
"""

from __future__ import annotations

import struct
from typing import Any, Literal

import msgspec

from lineal.errors import BadFormat
from lineal.formats import dtypes
from lineal.formats.window import Reader, Window
from lineal.model.version import Tensor

MAGIC = b"GGUF"
MAX_VALUES = 65_536
MAX_TENSORS = 131_072
MAX_TEXT = 8 << 20  # bytes; chat templates reach 100 KB
MAX_KEY = 65_535  # bytes, as the specification says
MAX_NESTED = 4
MAX_ITEMS = 8_000_000  # array items in all, stepped over
KEPT_ITEMS = 64
MAX_RANK = 8
_HINT = "fetch or convert the file again; it is not what GGUF writers make"
_FIXED = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d"}
_TEXT, _ARRAY, _BOOL = 8, 9, 7


class BaseModel(msgspec.Struct, frozen=True):
    """One `general.base_model.N`: what this file was made from."""

    name: str
    repository: str


class Header(msgspec.Struct, frozen=True):
    """What a file says of itself; arrays longer than `KEPT_ITEMS` are cut. `spans` are absolute offsets of tensors."""

    version: int
    values: dict[str, Any]
    tensors: tuple[Tensor, ...]
    spans: tuple[tuple[int, int], ...]
    base_models: tuple[BaseModel, ...]
    little: bool = True  # the order of bytes, of values too


def read(window: Window) -> Header:
    """Read the header of one file.

    Raises:
        BadFormat: it is no GGUF, of another version, cut off, or passes a cap.
    """
    parser = _Parser(window)
    tensors, values = parser.counts()
    found = parser.values(values)
    infos = [parser.tensor() for _ in range(tensors)]
    return Header(
        version=parser.version,
        values=found,
        tensors=tuple(tensor for tensor, _, _ in infos),
        spans=_spans(infos, parser.reader.at, found, window.size),
        base_models=_base_models(found),
        little=parser.order == "little",
    )


def _bad(reason: str) -> BadFormat:
    return BadFormat(f"not a whole GGUF file: {reason}", hint=_HINT)


class _Parser:
    """Reads forward through a header; `items` counts array items over the whole of it."""

    def __init__(self, window: Window) -> None:
        self.reader = Reader(window)
        if self.reader.read(4) != MAGIC:
            raise _bad("it does not start with GGUF")
        version = self.reader.take(4)
        self.order: Literal["little", "big"] = "little" if version[0] or version[1] else "big"
        self.version = int.from_bytes(version, self.order)
        if self.version not in (2, 3):
            raise BadFormat(f"GGUF of version {self.version}", hint="convert it with llama.cpp to version 3")
        self.endian = "<" if self.order == "little" else ">"
        self.items = 0

    def counts(self) -> tuple[int, int]:
        tensors, values = self.number(8), self.number(8)
        if tensors > MAX_TENSORS or values > MAX_VALUES:
            raise _bad(f"{tensors:,} tensors and {values:,} values")
        return tensors, values

    def number(self, width: int) -> int:
        return self.reader.number(width, self.order)

    def text(self, limit: int) -> str:
        length = self.number(8)
        if length > limit:
            raise _bad(f"a text of {length:,} bytes")
        return self.reader.take(length).decode("utf-8", "backslashreplace")

    def values(self, count: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for _ in range(count):
            key = self.text(MAX_KEY)
            if key in found:
                raise _bad(f"the key {key[:80]!r} twice")
            found[key] = self.value(self.number(4), 0)
        return found

    def value(self, kind: int, depth: int) -> Any:
        if kind == _TEXT:
            return self.text(MAX_TEXT)
        if kind == _ARRAY:
            return self.array(depth + 1)
        form = _FIXED.get(kind)
        if form is None:
            raise _bad(f"a value of kind {kind}")
        (value,) = struct.unpack(self.endian + form, self.reader.take(struct.calcsize(form)))
        return bool(value) if kind == _BOOL else value

    def array(self, depth: int) -> list[Any]:
        kind, count = self.number(4), self.number(8)
        self.items += count
        if depth > MAX_NESTED or self.items > MAX_ITEMS:
            raise _bad("arrays too deep or too long")
        kept = [self.value(kind, depth) for _ in range(min(count, KEPT_ITEMS))]
        self.skip(kind, count - len(kept), depth)
        return kept

    def skip(self, kind: int, count: int, depth: int) -> None:
        if count <= 0:
            return
        if kind in _FIXED:
            self.reader.at += count * struct.calcsize(_FIXED[kind])
        elif kind == _TEXT:
            self.skip_texts(count)
        else:
            for _ in range(count):
                self.value(kind, depth)

    def skip_texts(self, count: int) -> None:
        """Step over texts in one loop over each piece of the file: vocabularies hold hundreds of thousands."""
        while count:
            piece = self.reader.window.upto(self.reader.at, 1 << 18)
            at, last = 0, len(piece) - 8
            while count and at <= last:
                at += 8 + int.from_bytes(piece[at : at + 8], self.order)
                count -= 1
            if at == 0:
                raise _bad("cut off inside an array of texts")
            self.reader.at += at

    def tensor(self) -> tuple[Tensor, int, int | None]:
        """Read one tensor info: the tensor, its offset in the data, its bytes (None for a type not known here)."""
        name = self.text(MAX_KEY)
        rank = self.number(4)
        if rank > MAX_RANK:
            raise _bad(f"{rank} dimensions of {name[:80]!r}")
        shape = tuple(reversed([self.number(8) for _ in range(rank)]))  # GGUF names the innermost first
        kind, offset = self.number(4), self.number(8)
        dtype, block, size = dtypes.GGML.get(kind, (f"ggml_{kind}", 0, 0))
        length = -(-dtypes.elements(shape) // block) * size if block else None
        return Tensor(name, dtype, shape), offset, length


def _spans(
    infos: list[tuple[Tensor, int, int | None]], at: int, values: dict[str, Any], size: int | None
) -> tuple[tuple[int, int], ...]:
    """Return where the tensors' bytes lie, and check that the file reaches so far."""
    alignment = values.get("general.alignment", 32)
    if type(alignment) is not int or not 0 < alignment <= 1 << 20:
        raise _bad("an alignment that is no small number")
    base = -(-at // alignment) * alignment
    spans = tuple((base + offset, base + offset + (length or 0)) for _, offset, length in infos)
    last = max((end for _, end in spans), default=at)
    if size is not None and max(last, at) > size:
        raise _bad(f"it has {size:,} bytes where its header needs {last:,}")
    return spans


def _base_models(values: dict[str, Any]) -> tuple[BaseModel, ...]:
    count = values.get("general.base_model.count", 0)
    found: list[BaseModel] = []
    for number in range(min(count, 16) if type(count) is int else 0):
        fields = [values.get(f"general.base_model.{number}.{field}") for field in ("name", "organization", "repo_url")]
        name, organization, url = (field if isinstance(field, str) else "" for field in fields)
        repository = url.partition("huggingface.co/")[2].strip("/") or url
        if name or repository:
            found.append(BaseModel(name or f"{organization}/{repository}".strip("/"), repository))
    return tuple(found)
