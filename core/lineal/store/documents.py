"""Manifests as objects: the manifest's own bytes, which its id is the hash of, with the layouts of its files.

magic | zstd frame of JSON {"manifest": ..., "layouts": [...], "packs": [...]} | BLAKE3 of all before
"""

from __future__ import annotations

import msgspec
import zstandard

from lineal.errors import BadFormat, Corrupt, NotFound, Unsupported
from lineal.model.plain import finite, spelt
from lineal.store.backend import Backend
from lineal.store.manifest import FORMAT, Layout, Manifest

MAGIC = b"LNLMANI1"
MAX_JSON = 1 << 30  # bytes: about 100 TB of model
_HINT = "`lineal repair --from REMOTE` fetches it again"


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One version as it is kept. `packs` names those that held its blocks when it was written: a hint, no promise."""

    id: str
    manifest: Manifest
    layouts: tuple[Layout, ...]
    packs: tuple[str, ...] = ()

    def layout(self, blake3: str) -> Layout:
        """Return how the file with that hash is cut. Raises Corrupt."""
        for layout in self.layouts:
            if layout.blake3 == blake3:
                return layout
        raise Corrupt(f"the manifest {self.id[:12]} has no layout of a file", hint=_HINT)


class _Outer(msgspec.Struct, frozen=True):
    manifest: msgspec.Raw
    layouts: tuple[Layout, ...]
    packs: tuple[str, ...] = ()


def key(version: str) -> str:
    """Return the key of a manifest's object."""
    return f"manifests/{version[:2]}/{version}"


def identify(manifest: Manifest) -> str:
    """Return the id of a version: the BLAKE3 of its manifest as sorted JSON, in hexadecimal."""
    from blake3 import blake3

    return blake3(_canonical(manifest)).hexdigest()


def _canonical(manifest: Manifest) -> bytes:
    return msgspec.json.encode(spelt(finite(msgspec.to_builtins(manifest))), order="sorted")


def encode(manifest: Manifest, layouts: tuple[Layout, ...], packs: tuple[str, ...]) -> bytes:
    """Return a version as an object's bytes."""
    from blake3 import blake3

    outer = _Outer(msgspec.Raw(_canonical(manifest)), layouts, packs)
    data = MAGIC + zstandard.ZstdCompressor(level=6).compress(msgspec.json.encode(outer))
    return data + blake3(data).digest()


def decode(version: str, data: bytes) -> Document:
    """Return the version whose object's bytes are `data`.

    Raises:
        Corrupt: they are not what was written, or of another version.
        Unsupported: it was written by a newer Lineal.
    """
    outer = _outer(version, data)
    from blake3 import blake3

    if blake3(outer.manifest).hexdigest() != version:
        raise _damaged(version, "it is of another version")
    try:
        manifest = msgspec.json.decode(outer.manifest, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _damaged(version, str(error)[:120]) from error
    if manifest.format > FORMAT:
        raise Unsupported(f"version {version[:12]} was written by a newer Lineal", hint="update Lineal")
    return Document(id=version, manifest=manifest, layouts=outer.layouts, packs=outer.packs)


def _outer(version: str, data: bytes) -> _Outer:
    from blake3 import blake3

    if data[:8] != MAGIC or len(data) < 40 or blake3(data[:-32]).digest() != data[-32:]:
        raise _damaged(version, "its bytes do not match their hash")
    frame = data[8:-32]
    try:
        if zstandard.frame_content_size(frame) > MAX_JSON:
            raise _damaged(version, "it is too long")
        text = zstandard.ZstdDecompressor().decompress(frame, max_output_size=MAX_JSON, allow_extra_data=False)
        return msgspec.json.decode(text, type=_Outer)
    except (zstandard.ZstdError, msgspec.DecodeError, UnicodeDecodeError, RecursionError, BadFormat) as error:
        raise _damaged(version, str(error)[:120]) from error


def _damaged(version: str, reason: str) -> Corrupt:
    return Corrupt(f"the manifest of version {version[:12]} is damaged: {reason}", hint=_HINT)


def read(backend: Backend, version: str) -> Document:
    """Read a version's manifest. Raises NotFound, Corrupt, Unsupported."""
    try:
        data = backend.read(key(version))
    except NotFound:
        raise NotFound(
            f"{backend.url} holds no version {version[:12]}", hint="`lineal ls` lists the versions"
        ) from None
    return decode(version, data)
