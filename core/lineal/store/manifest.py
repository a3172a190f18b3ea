"""What a version is, in bytes: its manifest, whose BLAKE3 is its id, and the layout of its files in blocks.

The manifest says what is in a version and nothing about who made it or when: that is the ledger's. The layout says how
its files are cut into blocks. It may differ between stores of other ages and does not count towards the id.
"""

from __future__ import annotations

import msgspec

from lineal.model.values import Param
from lineal.model.version import Code, Dataset, Environment

FORMAT = 1
DIRECTORY = 0o040000
SYMLINK = 0o120000
"""The modes of an empty folder and of a symbolic link; files are 0o644 or 0o755, as in git."""


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """One file or symbolic link of a version. `path` is relative, normal, with `/`.

    Hashes are lower-case hexadecimal. A link has its target in `target`, and no size or hashes.
    """

    path: str
    mode: int
    size: int = 0  # bytes
    blake3: str = ""
    sha256: str = ""
    target: str = ""


class Parent(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """A version that this one came from: `id` where it is in a native store, else registry, model and key."""

    kind: str  # an EdgeKind
    id: str = ""
    registry: str = ""
    model: str = ""
    key: str = ""
    proved: bool = False  # equal hashes were seen, as at an import


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What is in one version. Tuples are sorted: files by path, params by name, parents as they compare."""

    format: int = FORMAT
    kind: str  # "model" or "dataset"
    name: str  # of the model or data set
    files: tuple[Content, ...]
    parents: tuple[Parent, ...] = ()
    params: tuple[Param, ...] = ()
    environment: Environment | None = None
    datasets: tuple[Dataset, ...] = ()
    code: Code | None = None


class Span(msgspec.Struct, frozen=True):
    """One stretch of a file: a tensor's bytes, or bytes between tensors (`name` and `dtype` empty)."""

    name: str
    dtype: str  # in the spelling of formats.dtypes
    size: int  # bytes
    blocks: str  # the hashes of its blocks, 64 hexadecimal digits each, in order


class View(msgspec.Struct, frozen=True):
    """One tensor: where its values lie in its file, row by row. `start` and `stop` are byte offsets."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


class Layout(msgspec.Struct, frozen=True):
    """How one file, named by its BLAKE3, is cut: spans without gaps from its first byte to its last."""

    blake3: str
    format: str  # safetensors, torch, torch-legacy, onnx, gguf; "" for anything else
    spans: tuple[Span, ...]
    views: tuple[View, ...] = ()
    block: int = 1 << 20  # bytes of a full block within a span; 0 where blocks have sizes of their own (`sizes`)
    sizes: tuple[int, ...] = ()  # bytes of each block, over all spans, where `block` is 0
