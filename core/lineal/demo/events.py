"""TensorBoard event files: TFRecords with masked CRC-32C around `Event` messages.

Sources: tensorflow/core/lib/io/record_writer.h (framing, mask), tensorflow/core/util/event.proto (wall_time 1, step 2,
file_version 3, summary 5), tensorflow/core/framework/summary.proto (value 1: tag 1, simple_value 2).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from lineal.demo.protobuf import bytes_field, double_field, float_field, text_field, varint_field

Scalar = tuple[float, int, str, float]
"""Wall time in Unix seconds, step, tag, value."""

_POLYNOMIAL = 0x82F63B78  # CRC-32C (Castagnoli), reversed


def _table() -> tuple[int, ...]:
    rows = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        rows.append(value)
    return tuple(rows)


_TABLE = _table()


def crc32c(data: bytes) -> int:
    """Return the CRC-32C of `data`."""
    value = 0xFFFFFFFF
    for byte in data:
        value = _TABLE[(value ^ byte) & 0xFF] ^ value >> 8
    return value ^ 0xFFFFFFFF


def _masked(data: bytes) -> bytes:
    value = crc32c(data)
    return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _record(data: bytes) -> bytes:
    length = struct.pack("<Q", len(data))
    return length + _masked(length) + data + _masked(data)


def events(started: float, scalars: Iterable[Scalar]) -> bytes:
    """Return an event file that began at `started` (Unix seconds) and holds `scalars`."""
    out = [_record(double_field(1, started) + text_field(3, "brain.Event:2"))]
    for at, step, tag, value in scalars:
        summary = bytes_field(1, text_field(1, tag) + float_field(2, value))
        out.append(_record(double_field(1, at) + varint_field(2, step) + bytes_field(5, summary)))
    return b"".join(out)
