"""The bytes of a version: their hashes, recorded or computed; whether they are there and equal; what is in them.

A promotion records a hash of every file. A registry that keeps none is streamed. A rollback reads the bytes again and
compares: what cannot be read is said to be unverified, never taken for equal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, BinaryIO

import msgspec

from lineal.actions.recording import FileHash
from lineal.errors import BadFormat, Error
from lineal.formats import scanning
from lineal.formats.window import Window
from lineal.model.version import Algorithm, File, Place, Version
from lineal.registries.base import Registry

_CHUNK = 1 << 20
_LARGEST_SCAN = 512  # files that are looked through


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """How the bytes of a version compare with what was recorded."""

    equal: bool  # every file that was recorded is there and has its hash
    changed: tuple[str, ...] = ()  # paths whose bytes are others, or gone from the version
    unread: tuple[str, ...] = ()  # paths whose bytes could not be had, and why


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What the files of a version hold."""

    pickled: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()  # "model.pt imports os.system"
    unread: tuple[str, ...] = ()


def content(files: Iterable[FileHash]) -> str:
    """Return one digest over the files of a version; "" where none has a hash."""
    listed = sorted(f"{one.path}\0{one.algorithm}\0{one.hex}" for one in files if one.hex)
    return (
        hashlib.blake2b("\n".join(listed).encode("utf-8", "surrogatepass"), digest_size=32).hexdigest()
        if listed
        else ""
    )


def named(version: Version) -> tuple[FileHash, ...]:
    """Return the hash of each file as its registry keeps it; none where it keeps none."""
    return tuple(
        FileHash(file.path, file.digest.algorithm.value, file.digest.hex, file.size)
        if file.digest
        else FileHash(file.path, size=file.size)
        for file in version.files
    )


def hashes(
    version: Version, registry: Registry, on_bytes: Callable[[int], None] = lambda _: None
) -> tuple[FileHash, ...]:
    """Return the hash of each file: the registry's, else computed from its bytes, else none."""
    return tuple(_hash(file, registry, on_bytes) for file in version.files)


def _hash(file: File, registry: Registry, on_bytes: Callable[[int], None]) -> FileHash:
    if file.digest is not None:
        return FileHash(file.path, file.digest.algorithm.value, file.digest.hex, file.size)
    try:
        return FileHash(
            file.path, Algorithm.SHA256.value, _streamed(file, registry, Algorithm.SHA256, on_bytes), file.size
        )
    except Error:
        return FileHash(file.path, size=file.size)


def prove(
    recorded: Sequence[FileHash], version: Version, registry: Registry, on_bytes: Callable[[int], None] = lambda _: None
) -> Proof:
    """Read the bytes of a version and compare them with hashes that were recorded."""
    there = {file.path: file for file in version.files}
    changed = [one.path for one in recorded if one.path not in there]
    unread: list[str] = [f"{one.path}: no hash was recorded" for one in recorded if one.path in there and not one.hex]
    for one in recorded:
        file = there.get(one.path)
        if file is None or not one.hex:
            continue
        try:
            found = _streamed(file, registry, Algorithm(one.algorithm), on_bytes)
        except (Error, ValueError) as error:
            unread.append(f"{one.path}: {error.message if isinstance(error, Error) else 'a hash of an unknown kind'}")
            continue
        if found != one.hex:
            changed.append(one.path)
    extra = sorted(there.keys() - {one.path for one in recorded})
    changed += [f"{path} (was not there)" for path in extra]
    return Proof(equal=not changed and not unread and bool(recorded), changed=tuple(changed), unread=tuple(unread))


def _streamed(file: File, registry: Registry, algorithm: Algorithm, on_bytes: Callable[[int], None]) -> str:
    """Return the hash of a file's bytes. Raises Error where they cannot be had or are no file's."""
    if file.path.endswith("/") or algorithm is Algorithm.MD5_DIR:
        raise BadFormat("a folder that its registry does not list")
    if file.place is Place.NOWHERE:
        raise BadFormat("its bytes are nowhere")
    with registry.open(file) as stream:
        return _digest(stream, algorithm, file.size, on_bytes)


def _digest(stream: BinaryIO, algorithm: Algorithm, size: int | None, on_bytes: Callable[[int], None]) -> str:
    if algorithm is Algorithm.GIT_SHA1:
        digest: Any = hashlib.sha1(f"blob {size or 0}\0".encode(), usedforsecurity=False)
    elif algorithm is Algorithm.BLAKE3:
        from blake3 import blake3

        digest = blake3()
    elif algorithm is Algorithm.MD5_DOS2UNIX:
        return _dos2unix(stream, on_bytes)
    else:
        digest = hashlib.new(algorithm.value, usedforsecurity=False)
    while piece := stream.read(_CHUNK):
        digest.update(piece)
        on_bytes(len(piece))
    return str(digest.hexdigest())


def _dos2unix(stream: BinaryIO, on_bytes: Callable[[int], None]) -> str:
    """Hash as DVC 2 did: line ends of texts are made one; a text is what has no NUL in its first 512 bytes."""
    digest = hashlib.md5(usedforsecurity=False)
    piece = stream.read(_CHUNK)
    text = b"\0" not in piece[:512]
    while piece:
        if text and piece.endswith(b"\r"):
            piece += stream.read(1)
        digest.update(piece.replace(b"\r\n", b"\n") if text else piece)
        on_bytes(len(piece))
        piece = stream.read(_CHUNK)
    return digest.hexdigest()


def look(version: Version, registry: Registry) -> Look:
    """Say which files hold pickles, and what those would import. Only files that may hold one are opened."""
    pickled, found, unread = [], [], []
    for file in version.files[:_LARGEST_SCAN]:
        suffix = f".{file.path.rpartition('.')[2].lower()}"
        if file.path.endswith("/"):
            unread.append(f"{file.path}: a folder that its registry does not list")
            continue
        if suffix not in scanning.PICKLED:
            continue
        try:
            names = scanning.imports(Window(partial(registry.open, file), file.size))
        except Error as error:
            unread.append(f"{file.path}: {error.message}")
            continue
        if names is not None:
            pickled.append(file.path)
            found += [f"{file.path} imports {name}" for name in scanning.findings(names)]
    unread += [f"{len(version.files) - _LARGEST_SCAN:,} more files"] if len(version.files) > _LARGEST_SCAN else []
    return Look(pickled=tuple(pickled), findings=tuple(found), unread=tuple(unread))
