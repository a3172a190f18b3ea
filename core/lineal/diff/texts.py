"""Two states of a text file or a model card as a unified difference, bounded in bytes and in time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import unified_diff
from itertools import takewhile

import msgspec

from lineal.errors import Unsupported
from lineal.model.version import File, Version

MOST = 512 << 10  # bytes of each side that are read
_MATCHED = 4_000_000  # pairs of lines that difflib is given: it takes seconds for many that are alike
_AROUND = 3  # equal lines shown before and after a change

Reader = Callable[[Version, File], bytes]
"""Reads at most `MOST` + 1 bytes of a file of a version."""


class TextDiff(msgspec.Struct, frozen=True, kw_only=True):
    """A unified difference, empty where both are the same; `note` says what is not in it."""

    text: str
    note: str = ""


def between(base: Version, other: Version, path: str, read: Reader) -> TextDiff:
    """Compare the file at `path` of two versions; with "" their model cards. One side may lack it.

    Raises:
        Unsupported: neither has it, or it is no text.
        RegistryError: its bytes cannot be had.
    """
    if not path:
        old, new = (version.card.encode("utf-8", "replace") for version in (base, other))
        if not old and not new:
            raise Unsupported("neither version has a model card", hint="on a file or the code, d opens that difference")
        return difference(old, new, "model card")
    found = [next((file for file in version.files if file.path == path), None) for version in (base, other)]
    if not any(found):
        raise Unsupported(f"neither version has a file {path!r}", hint="`lineal show VERSION` lists them")
    before, after = (read(v, file) if file else b"" for v, file in zip((base, other), found, strict=True))
    return difference(before, after, path)


def difference(before: bytes, after: bytes, path: str) -> TextDiff:
    """Compare two texts. Raises Unsupported for what is none: it holds a zero byte, or is no UTF-8."""
    cut = max(len(before), len(after)) > MOST
    old, new = (_lines(side, path) for side in (before, after))
    text = "\n".join(_unified(old, new, path))
    return TextDiff(text=text, note=f"only the first {MOST >> 10} KiB are compared" if cut else "")


def _lines(side: bytes, path: str) -> list[str]:
    whole = side[:MOST]
    try:
        if b"\0" in whole:
            raise UnicodeDecodeError("utf-8", b"\0", 0, 1, "zero byte")
        return whole.decode("utf-8", "strict" if len(side) <= MOST else "ignore").splitlines()
    except UnicodeDecodeError as e:
        hint = "`lineal diff --tensors` compares the values of stored versions"
        raise Unsupported(f"{path} is no text", hint=hint) from e


def _unified(old: list[str], new: list[str], path: str) -> Iterator[str]:
    """Yield the lines; where difflib would take too long, what lies between the equal ends is replaced as a whole."""
    head = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
    left, right = old[head:], new[head:]
    tail = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left[::-1], right[::-1], strict=False)))
    if (len(left) - tail) * (len(right) - tail) <= _MATCHED:
        yield from unified_diff(old, new, f"a/{path}", f"b/{path}", lineterm="", n=_AROUND)
        return
    start = max(0, head - _AROUND)
    old_end, new_end = len(old) - max(0, tail - _AROUND), len(new) - max(0, tail - _AROUND)
    yield from (f"--- a/{path}", f"+++ b/{path}")
    yield f"@@ -{start + 1},{old_end - start} +{start + 1},{new_end - start} @@"
    yield from (f" {line}" for line in old[start:head])
    yield from (f"-{line}" for line in left[: len(left) - tail])
    yield from (f"+{line}" for line in right[: len(right) - tail])
    yield from (f" {line}" for line in old[len(old) - tail : old_end])
