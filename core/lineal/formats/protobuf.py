"""The wire format of protocol buffers, walked field by field over ranges: what is not wanted is stepped over unread.

Source: https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from lineal.errors import BadFormat
from lineal.formats.window import Window

_HINT = "fetch or export the file again"
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Field(msgspec.Struct, frozen=True):
    """One field: its number and wire type, an integer value, or the span of its bytes in the window."""

    number: int
    wire: int
    value: int = 0
    start: int = 0
    end: int = 0


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the number that starts at `at`, and the offset behind it. Raises BadFormat."""
    value = shift = 0
    while shift < 70:
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    raise BadFormat("cut off or damaged inside a number", hint=_HINT)


def fields(window: Window, start: int, end: int) -> Iterator[Field]:
    """Yield the fields of the message between two offsets. Raises BadFormat if one passes the end."""
    at = start
    while at < end:
        head = window.upto(at, min(24, end - at))
        key, used = varint(head, 0)
        number, wire = key >> 3, key & 7
        if wire == VARINT:
            value, used = varint(head, used)
            field = Field(number, wire, value, at + used, at + used)
        else:
            field, used = _span(head, at, number, wire, used)
        at = field.end
        if at > end or number == 0:
            raise BadFormat("cut off: a field passes the end of its message", hint=_HINT)
        yield field


def _span(head: bytes, at: int, number: int, wire: int, used: int) -> tuple[Field, int]:
    if wire == BYTES:
        length, used = varint(head, used)
    elif wire in (FIXED64, FIXED32):
        length = 8 if wire == FIXED64 else 4
    else:
        raise BadFormat(f"a field of wire type {wire}", hint=_HINT)
    return Field(number, wire, 0, at + used, at + used + length), used


def text(window: Window, field: Field, limit: int = 1 << 20) -> str:
    """Return a field's bytes as text, cut at `limit` bytes."""
    if field.wire != BYTES:
        return ""
    return window.read(field.start, min(field.end - field.start, limit)).decode("utf-8", "backslashreplace")


def numbers(window: Window, field: Field, limit: int = 1024) -> list[int]:
    """Return a repeated integer field, packed or not, as unsigned numbers. Raises BadFormat beyond `limit` numbers."""
    if field.wire == VARINT:
        return [field.value]
    data = window.read(field.start, min(field.end - field.start, limit * 10 + 1))
    found: list[int] = []
    at = 0
    while at < len(data):
        value, at = varint(data, at)
        found.append(value)
    if len(found) > limit:
        raise BadFormat(f"more than {limit:,} numbers in one field", hint=_HINT)
    return found
