"""Members of zip archives, found through the central directory and read within bounds.

`zipfile` makes an object for every entry before anything can be capped, and believes the sizes it is told. Here the
directory is capped first, and a member's bytes are capped while they are inflated.

Source: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3 and 4.5.3 (zip64).
"""

from __future__ import annotations

import struct
import zlib

import msgspec

from lineal.errors import BadFormat
from lineal.formats.window import Window

MAX_DIRECTORY = 32 << 20  # bytes
MAX_ENTRIES = 200_000
_END, _END64, _LOCATOR64, _ENTRY, _LOCAL = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x01\x02", b"PK\x03\x04"
_BIG = 0xFFFFFFFF
_HINT = "it may be still being written or only partly copied; otherwise save it again"


class Member(msgspec.Struct, frozen=True):
    """One entry of the directory; sizes in bytes."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    offset: int


def members(window: Window) -> list[Member]:
    """Read the central directory.

    Raises:
        BadFormat: there is none, it is damaged, or it is longer than the caps.
    """
    start, length, count = _directory(window)
    if length > MAX_DIRECTORY or count > MAX_ENTRIES:
        raise BadFormat(f"a zip archive of {count:,} entries", hint="an archive with so many entries is not read")
    data = window.read(start, length)
    found: list[Member] = []
    at = 0
    while at < len(data) and len(found) < count:
        member, at = _member(data, at)
        found.append(member)
    return found


def read(window: Window, member: Member, limit: int) -> bytes:
    """Return the bytes of a member.

    Raises:
        BadFormat: it is longer than `limit` bytes, is damaged, or is packed in another way than stored or deflated.
    """
    if member.size > limit or member.packed > limit:
        raise BadFormat(f"{member.name[:80]!r} has more than {limit:,} bytes", hint="a member this long is not read")
    data = window.read(data_start(window, member), member.packed)
    if member.method == 8:
        data = _inflate(data, member.size)
    elif member.method != 0:
        raise BadFormat(f"{member.name[:80]!r} is packed by method {member.method}", hint=_HINT)
    if len(data) != member.size or zlib.crc32(data) != member.crc:
        raise BadFormat(f"{member.name[:80]!r} is damaged", hint=_HINT)
    return data


def data_start(window: Window, member: Member) -> int:
    """Return the offset of a member's packed bytes. Raises BadFormat."""
    head = window.read(member.offset, 30)
    if head[:4] != _LOCAL:
        raise BadFormat(f"no {member.name[:80]!r} where the directory says", hint=_HINT)
    name, extra = struct.unpack_from("<HH", head, 26)
    return member.offset + 30 + int(name) + int(extra)


def _inflate(data: bytes, size: int) -> bytes:
    engine = zlib.decompressobj(-15)
    try:
        return engine.decompress(data, size + 1)
    except zlib.error as error:
        raise BadFormat(f"a damaged member of a zip archive: {error}", hint=_HINT) from error


def _directory(window: Window) -> tuple[int, int, int]:
    """Return offset, length and entries of the central directory."""
    if window.size is None:
        raise BadFormat("a zip archive of unknown size", hint="its directory stands at its end")
    tail_at = max(0, window.size - (1 << 16) - 22)
    tail = window.read(tail_at, window.size - tail_at)
    at = tail.rfind(_END)
    if at < 0 or at + 22 > len(tail):
        raise BadFormat("cut off: a zip archive without its directory", hint=_HINT)
    count, length, start = struct.unpack_from("<HII", tail, at + 10)
    if count == 0xFFFF or length == _BIG or start == _BIG:
        return _directory64(window, tail_at + at)
    return start, length, count


def _directory64(window: Window, end_at: int) -> tuple[int, int, int]:
    locator = window.read(max(0, end_at - 20), 20)
    if locator[:4] != _LOCATOR64:
        raise BadFormat("a zip64 archive without its locator", hint=_HINT)
    (at,) = struct.unpack_from("<Q", locator, 8)
    record = window.read(at, 56)
    if record[:4] != _END64:
        raise BadFormat("a zip64 archive without its directory", hint=_HINT)
    count, length, start = struct.unpack_from("<QQQ", record, 32)
    return start, length, count


def _member(data: bytes, at: int) -> tuple[Member, int]:
    if data[at : at + 4] != _ENTRY or at + 46 > len(data):
        raise BadFormat("a damaged directory of a zip archive", hint=_HINT)
    method, crc, packed, size = struct.unpack_from("<H4xIII", data, at + 10)
    name, extra, comment = struct.unpack_from("<HHH", data, at + 28)
    (offset,) = struct.unpack_from("<I", data, at + 42)
    text = data[at + 46 : at + 46 + name].decode("utf-8", "backslashreplace")
    size, packed, offset = _large(data[at + 46 + name : at + 46 + name + extra], [size, packed, offset])
    return Member(text, method, crc, packed, size, offset), at + 46 + name + extra + comment


def _large(extra: bytes, sizes: list[int]) -> list[int]:
    """Take from the zip64 field what did not fit 32 bits, in the order size, packed size, offset."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            values = list(struct.unpack_from(f"<{min(length, len(extra) - at - 4) // 8}Q", extra, at + 4))
            return [values.pop(0) if size == _BIG and values else size for size in sizes]
        at += 4 + length
    return sizes
