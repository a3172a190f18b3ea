"""Scalars out of TensorBoard event files: TFRecord framing, and the few fields of Event that hold scalars.

A file that ends inside a record is one still being written: what is whole is returned. The 64-bit records' checksums
are not verified; a damaged length shows as a record that passes the file or a cap.
Source: tensorflow/core/util/event.proto, tensorflow/core/framework/{summary,tensor}.proto, TFRecord's documentation.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from lineal.errors import BadFormat
from lineal.formats.protobuf import varint

MAX_BYTES = 1 << 30  # stepped over or read, a file
MAX_RECORD = 1 << 20  # longer ones hold images or histograms and are stepped over
MAX_SCALARS = 2_000_000
MAX_TAGS = 10_000
_HINT = "the file is damaged, or no TensorBoard event file"


class Scalar(msgspec.Struct, frozen=True):
    """One point; `time` in Unix seconds."""

    tag: str
    step: int
    time: float
    value: float


def scalars(stream: BinaryIO) -> Iterator[Scalar]:
    """Yield the scalars of one event file, in the order in which they were written.

    Raises:
        BadFormat: a record is damaged, or the file passes a cap.
    """
    passed = count = 0
    while len(head := stream.read(12)) == 12:
        (length,) = struct.unpack_from("<Q", head)
        passed += length + 16
        if passed > MAX_BYTES:
            raise BadFormat(f"an event file of more than {MAX_BYTES:,} bytes, or a damaged one", hint=_HINT)
        if length > MAX_RECORD:
            stream.seek(length + 4, 1)
            continue
        record = stream.read(length + 4)
        if len(record) < length + 4:
            return
        for scalar in _event(record[:length]):
            count += 1
            if count > MAX_SCALARS:
                raise BadFormat(f"more than {MAX_SCALARS:,} scalars in one event file", hint=_HINT)
            yield scalar


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at, size = 0, len(data)
    while at < size:
        key, at = varint(data, at)
        wire = key & 7
        value: int | bytes
        if wire == 0:
            value, at = varint(data, at)
        else:
            if wire == 2:
                length, at = varint(data, at)
            else:
                length = {1: 8, 5: 4}.get(wire, size + 1)
            value, at = data[at : at + length], at + length
            if at > size:
                raise BadFormat("a damaged record of an event file", hint=_HINT)
        yield key >> 3, value


def _event(record: bytes) -> Iterator[Scalar]:
    """Read an Event: wall_time 1, step 2, summary 5."""
    time, step, summary = 0.0, 0, b""
    for number, value in _fields(record):
        if number == 1 and isinstance(value, bytes) and len(value) == 8:
            (time,) = struct.unpack("<d", value)
        elif number == 2 and isinstance(value, int):
            step = value - (1 << 64) if value >> 63 else value
        elif number == 5 and isinstance(value, bytes):
            summary = value
    for number, value in _fields(summary):
        if number == 1 and isinstance(value, bytes) and (found := _value(value)):
            yield Scalar(found[0], step, time, found[1])


def _value(data: bytes) -> tuple[str, float] | None:
    """Read a Summary.Value: tag 1, simple_value 2, tensor 8."""
    tag, scalar = "", None
    for number, value in _fields(data):
        if not isinstance(value, bytes):
            continue
        if number == 1:
            tag = value[:1000].decode("utf-8", "backslashreplace")
        elif number == 2 and len(value) == 4:
            (scalar,) = struct.unpack("<f", value)
        elif number == 8:
            scalar = _tensor(value)
    return (tag, scalar) if tag and scalar is not None else None


def _tensor(data: bytes) -> float | None:
    """Read a TensorProto of one float: dtype 1, shape 2, tensor_content 4, float_val 5, double_val 6."""
    kind, content = 0, b""
    for number, value in _fields(data):
        if number == 1 and isinstance(value, int):
            kind = value
        elif number in (4, 5, 6) and isinstance(value, bytes):
            content = value
    form = {1: "<f", 2: "<d"}.get(kind)
    if form is None or len(content) != struct.calcsize(form):
        return None
    (scalar,) = struct.unpack(form, content)
    return float(scalar)


def series(stream: BinaryIO, found: dict[str, list[Scalar]]) -> None:
    """Add the scalars of one event file to `found`, by tag. Raises BadFormat as `scalars` does."""
    for scalar in scalars(stream):
        if scalar.tag not in found and len(found) >= MAX_TAGS:
            raise BadFormat(f"more than {MAX_TAGS:,} tags in event files", hint=_HINT)
        found.setdefault(scalar.tag, []).append(scalar)
