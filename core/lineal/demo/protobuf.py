"""The four ways in which a field is written in a protobuf message (protobuf.dev, "Encoding")."""

from __future__ import annotations

import struct


def varint(value: int) -> bytes:
    """Return a non-negative integer in groups of seven bits, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def varint_field(number: int, value: int) -> bytes:
    """Return an integer field."""
    return varint(number << 3) + varint(value)


def bytes_field(number: int, value: bytes) -> bytes:
    """Return a field of bytes, or of a message that is written already."""
    return varint(number << 3 | 2) + varint(len(value)) + value


def text_field(number: int, value: str) -> bytes:
    """Return a field of text."""
    return bytes_field(number, value.encode())


def double_field(number: int, value: float) -> bytes:
    """Return a field of eight bytes."""
    return varint(number << 3 | 1) + struct.pack("<d", value)


def float_field(number: int, value: float) -> bytes:
    """Return a field of four bytes."""
    return varint(number << 3 | 5) + struct.pack("<f", value)
