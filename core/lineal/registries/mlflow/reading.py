"""Small bounded reads in a file store: meta.yaml, a file for each parameter and tag, a line for each point."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from lineal.errors import BadFormat
from lineal.formats import yaml12
from lineal.registries.mlflow.rows import KeyValue, MetricRow

META = "meta.yaml"
META_LIMIT = 1 << 20  # bytes
TEXT_LIMIT = 1 << 20
WHOLE_METRIC = 4 << 20  # longer histories are read from their end when only the last value is wanted
TAIL = 1 << 16
MAX_KEYS = 10_000  # parameters, tags or metrics of one run
MAX_POINTS = 20_000_000
_DEPTH = 6  # a metric's name may hold slashes, which become folders


def meta(folder: Path) -> dict[str, str]:
    """Return the scalars of a folder's meta.yaml as texts, null as "".

    Raises:
        BadFormat: it is missing, cut short, or no mapping.
    """
    try:
        data = plain_bytes(folder / META, META_LIMIT)
    except OSError as error:
        hint = "the process that wrote it may have been stopped; if it is running still, sync again"
        raise BadFormat(f"no readable {META}: {error.strerror}", hint=hint) from error
    found = yaml12.load_texts(data, limit=META_LIMIT)
    if not isinstance(found, dict) or not found:
        raise BadFormat(f"{META} holds no fields", hint="the process that wrote it may have been stopped")
    return {key: "" if value == "null" else value for key, value in found.items() if isinstance(value, str)}


def nested(folder: Path, field: str) -> dict[str, str]:
    """Return a mapping inside a meta.yaml, such as an input's tags. Raises BadFormat."""
    try:
        found = yaml12.load_texts(plain_bytes(folder / META, META_LIMIT), limit=META_LIMIT)
    except OSError as error:
        raise BadFormat(f"no readable {META}: {error.strerror}") from error
    inner = found.get(field) if isinstance(found, dict) else None
    return {key: value for key, value in inner.items() if isinstance(value, str)} if isinstance(inner, dict) else {}


def integer(text: str) -> int:
    """Return a whole number of at most 64 bits; anything else is 0."""
    return int(text) if text.lstrip("-").isascii() and text.lstrip("-").isdecimal() and len(text) < 19 else 0


def plain_bytes(path: Path, limit: int, tail: int = 0) -> bytes:
    """Read a plain file, never through a link; of one longer than `limit` only the last `tail` bytes.

    Raises:
        OSError: it is no plain file, or cannot be read.
        BadFormat: it is longer than `limit`, and `tail` is 0.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        info = os.fstat(handle)
        if not stat.S_ISREG(info.st_mode):
            raise OSError(0, "no plain file")
        if info.st_size > limit:
            if not tail:
                raise BadFormat(f"{path.name} is longer than {limit:,} bytes", hint="a file this long is not read")
            file.seek(-tail, os.SEEK_END)
        return file.read(limit + 1)


def files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files below a folder with their relative names, sorted, links and temporaries left out; bounded."""
    found: list[tuple[str, str]] = []
    level = [("", str(folder))]
    for _ in range(_DEPTH):
        below: list[tuple[str, str]] = []
        for prefix, path in level:
            for entry in entries(path):
                if entry.is_dir(follow_symlinks=False):
                    below.append((f"{prefix}{entry.name}/", entry.path))
                elif entry.is_file(follow_symlinks=False):
                    found.append((prefix + entry.name, entry.path))
        level = below
    for name, path in sorted(found)[:MAX_KEYS]:
        yield name, Path(path)


def entries(folder: str) -> list[os.DirEntry[str]]:
    """Return what a folder holds, or nothing where there is none."""
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


def folders(folder: Path) -> list[Path]:
    """Return the folders right below a folder, sorted, links left out."""
    return sorted(Path(entry.path) for entry in entries(str(folder)) if entry.is_dir(follow_symlinks=False))


def texts(folder: Path) -> list[KeyValue]:
    """Return a parameter or tag for each file of a folder."""
    return [KeyValue(name, _text(path)) for name, path in files(folder)]


def _text(path: Path) -> str:
    try:
        return plain_bytes(path, TEXT_LIMIT).decode("utf-8", "backslashreplace")
    except OSError:  # it went while the folder was read: deleting a tag deletes its file
        return ""


def last_values(folder: Path) -> list[MetricRow]:
    """Return the last value of each metric below a folder, by step, then time. Raises BadFormat."""
    found = []
    for name, path in files(folder):
        try:
            data = plain_bytes(path, WHOLE_METRIC, TAIL)
        except OSError:
            continue
        points = list(_points(name, data))
        if points:
            found.append(max(points, key=lambda point: (point.step, point.timestamp)))
        elif data.strip():
            raise BadFormat(
                f"metric {name} has no line `time value step`", hint="its file was cut short or overwritten"
            )
    return found


def history(path: Path, name: str) -> list[MetricRow]:
    """Return all points of a metric in step order, as they were logged within a step.

    Raises:
        OSError: it cannot be read.
        BadFormat: it is longer than is read.
    """
    points = list(_points(name, plain_bytes(path, MAX_POINTS * 40)))
    points.sort(key=lambda point: (point.step, point.timestamp))
    return points


def _points(name: str, data: bytes) -> Iterator[MetricRow]:
    """Yield the points of lines `time value step [data set, digest]`; a line half written or cut off is left out."""
    for line in data.split(b"\n"):
        parts = line.decode("utf-8", "backslashreplace").split(" ")
        if len(parts) < 2:
            continue
        try:
            step = int(parts[2]) if len(parts) > 2 else 0
            yield MetricRow(name, float(parts[1]), int(parts[0]), step, parts[3] if len(parts) == 5 else "")
        except ValueError:
            continue
