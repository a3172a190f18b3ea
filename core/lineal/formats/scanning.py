"""What a pickle would import, read without importing: so that a policy can ask for files that only hold tensors.

A finding is an import that the usual savers of models do not need. That there is none is no promise that a file is safe
to load: it says "no findings".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lineal.formats import pickles, zips
from lineal.formats.window import Reader, Window, of_bytes

PICKLED = frozenset(
    (
        *(".bin", ".ckpt", ".dill", ".dat", ".joblib", ".mar", ".nemo", ".npy", ".npz"),
        *(".p", ".pickle", ".pkl", ".pt", ".pth", ".sav", ".th", ".torch"),
    )
)  # suffixes under which pickles are usually kept; .npy may hold one
LARGEST = 64 << 20  # bytes of one pickle that is looked through
_OPS = 5_000_000
_STREAMS = 16  # pickles that stand one behind the other in a file of torch's older form
_ZIP = b"PK\x03\x04"
_EXPECTED = re.compile(
    r"collections\.(OrderedDict|defaultdict)|_codecs\.encode|copyreg\._reconstructor|builtins\.(object|set|frozenset|"
    r"bytearray|complex|slice|range|int|float|bool|str|bytes|list|tuple|dict)|__builtin__\.(set|object)|"
    r"numpy(\._core|\.core)?(\.multiarray)?\.(_reconstruct|scalar|_frombuffer|ndarray|dtype)|"
    r"numpy\._?core\.numeric\._frombuffer|numpy\.(ndarray|dtype|float\d+|int\d+|bool_)|"
    r"torch\._utils\.(_rebuild_\w+)|torch\._tensor\._rebuild_from_type_v2|torch\.(\w*Storage|Size|device|dtype|"
    r"float\d+|bfloat16|int\d+|uint8|bool|Tensor|nn\.parameter\.Parameter)|torch\.storage\.\w+|"
    r"torch\.serialization\._get_layout|argparse\.Namespace|pathlib\.(PosixPath|PurePosixPath|Path)",
    re.ASCII,
)


def imports(window: Window) -> tuple[str, ...] | None:
    """Return what the pickles in a file would import, sorted; None where there is no pickle in it.

    Raises:
        BadFormat: it looks like a pickle and cannot be followed to its end.
    """
    head = window.upto(0, 4)
    if head == _ZIP:
        found: set[str] = set()
        there = False
        for member in zips.members(window):
            if member.name.endswith((".pkl", ".pickle", ".npy")):
                data = zips.read(window, member, LARGEST)
                if member.name.endswith(".npy") and b"|O" not in data[:256]:
                    continue
                there = True
                found.update(_stream(Reader(of_bytes(data))))
        return tuple(sorted(found)) if there else None
    if head[:1] != b"\x80" or not 0 < head[1:2][0] <= 5:
        return None
    end = min(window.size, LARGEST) if window.size is not None else LARGEST
    return tuple(sorted(_several(Reader(window, 0, end), end)))


def findings(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return those imports that savers of tensors do not need."""
    return tuple(name for name in names if not _EXPECTED.fullmatch(name))


def _several(reader: Reader, end: int) -> Iterator[str]:
    """Follow pickles that stand one behind the other, as torch wrote them before 1.6."""
    for _ in range(_STREAMS):
        yield from _stream(reader)
        at = reader.tell()
        if at >= end or reader.window.upto(at, 1) != b"\x80":
            return


def _stream(reader: Reader) -> set[str]:
    """Follow one pickle; none of it is imported, called or kept."""
    found: set[str] = set()
    pickles.load(reader, max_ops=_OPS, imports=found)
    return found
