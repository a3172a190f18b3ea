"""Pointers of git-lfs: small texts in git that name bytes elsewhere by their SHA-256.

Source: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
"""

from __future__ import annotations

import msgspec

LARGEST = 1024  # bytes that a pointer does not exceed
_BEGIN = b"version https://git-lfs.github.com/spec/"


class Pointer(msgspec.Struct, frozen=True):
    """What a pointer names; `oid` is "" where it names nothing that makes sense, `size` None where it does not say."""

    oid: str  # SHA-256 in hexadecimal
    size: int | None

    def object(self) -> str:
        """Return where the bytes lie below `lfs/objects` of a repository."""
        return f"{self.oid[:2]}/{self.oid[2:4]}/{self.oid}"


def read(data: bytes) -> Pointer | None:
    """Read a pointer; None for any other bytes."""
    if len(data) > LARGEST or not data.startswith(_BEGIN):
        return None
    fields = dict(line.split(" ", 1) for line in data.decode("ascii", "replace").splitlines() if " " in line)
    oid, size = fields.get("oid", "").removeprefix("sha256:"), fields.get("size", "")
    good = len(oid) == 64 and all(digit in "0123456789abcdef" for digit in oid)
    return Pointer(oid if good else "", int(size) if size.isdecimal() and len(size) < 20 else None)
