"""Files: added, removed, renamed, or with other bytes, as far as their hashes can tell."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec

from lineal.diff.numbers import counted
from lineal.diff.renames import renamed
from lineal.diff.table import Frame, Judge, tabulate
from lineal.model.diff import Cell, Facet, Row, Section, Verdict
from lineal.model.values import Value
from lineal.model.version import Algorithm, Digest, File, Version

Digests = Callable[[File], Collection[Digest]]
"""All digests that are known of a file's bytes: its own, and those that fingerprinting found."""

_SHORT = 12  # hexadecimal digits that a note shows
_UNTOLD = "the same size, no hash in common"


def own(file: File) -> Collection[Digest]:
    """Return the digest that the registry itself names the file by."""
    return () if file.digest is None else (file.digest,)


def files(versions: Sequence[Version], frame: Frame, names: Sequence[str], digests: Digests = own) -> Section:
    """Compare files by path, then by digest. Cells hold bytes; notes short digests, details whole ones."""
    columns = [{file.path: file for file in version.files} for version in versions]
    base = columns[frame.baseline]
    moved = [renamed(base, column, lambda file: _known(digests, file).items()) for column in columns]
    unknown = frozenset(at for at, column in enumerate(columns) if not column)
    table = tabulate(moved, _Files(digests), frame, unknown=unknown)
    untold = sum(any(_UNTOLD in cell.note for cell in row.cells) for row in table.rows)
    notes = [f"not listed: {', '.join(names[at] for at in sorted(unknown))}"] if unknown else []
    notes += [f"{untold} may be equal: {_UNTOLD}"] if untold else []
    return table.section(Facet.FILES, "; ".join(notes))


def _known(digests: Digests, file: File) -> dict[Algorithm, str]:
    """Return the digests of a file by algorithm. DVC 2's md5 counts as md5: for binary files it is the same."""
    return {_kind(digest.algorithm): digest.hex for digest in digests(file)}


def _kind(algorithm: Algorithm) -> Algorithm:
    return Algorithm.MD5 if algorithm is Algorithm.MD5_DOS2UNIX else algorithm


class _Files(Judge[File]):
    def __init__(self, digests: Digests) -> None:
        self.digests = digests

    def show(self, value: File) -> Value:
        return value.size

    def detail(self, value: File) -> str:
        return f"{value.digest.algorithm}:{value.digest.hex}" if value.digest else ""

    def same(self, base: File, value: File) -> bool:
        return base.path == value.path and self._equal(base, value) is True

    def _equal(self, base: File, value: File) -> bool | None:
        """Say whether the bytes are the same; None where nobody can tell."""
        before, after = _known(self.digests, base), _known(self.digests, value)
        shared = before.keys() & after.keys()
        if shared:
            return any(before[kind] == after[kind] for kind in shared)
        if base.size is not None and value.size is not None and base.size != value.size:
            return False
        return None

    def differ(self, base: File, value: File) -> Cell:
        equal = self._equal(base, value)
        if equal is None:
            note = _UNTOLD if base.size is not None and base.size == value.size else "cannot be compared"
        else:
            note = "the same bytes" if equal else _grown(base, value)
        if base.path != value.path:
            note = f"now {value.path}" + (f", {note}" if not equal else "")
        return Cell(value=value.size, verdict=Verdict.CHANGED, note=note, detail=self.detail(value))

    def row(self, row: Row, values: Sequence[File | None], _base: File | None) -> Row:
        pairs = zip(row.cells, values, strict=True)
        cells = tuple(msgspec.structs.replace(cell, note=_joined(cell.note, value)) for cell, value in pairs)
        return msgspec.structs.replace(row, cells=cells)


def _grown(base: File, value: File) -> str:
    if base.size is None or value.size is None:
        return "other bytes"
    return counted(value.size - base.size, "B") if base.size != value.size else "other bytes, the same size"


def _joined(note: str, file: File | None) -> str:
    short = file.digest.hex[:_SHORT] if file is not None and file.digest else ""
    return f"{short} {note}".strip()
