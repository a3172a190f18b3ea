"""The evidence of a review in one folder: Markdown for a pull request, JSON, JUnit, a picture, verdicts and hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from lineal.errors import ConfigError

SUMS = "SHA256SUMS"


def write(folder: Path, files: Mapping[str, str], *, on_file: Callable[[Path], None] = lambda _: None) -> list[Path]:
    """Write a bundle: each file whole, and beside them the hashes of all of them.

    Raises:
        ConfigError: the folder cannot be written.
    """
    made = []
    sums = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            data = text.encode("utf-8", "backslashreplace")
            _replace(folder / name, data)
            sums.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
            made.append(folder / name)
            on_file(folder / name)
        _replace(folder / SUMS, "".join(sums).encode())
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be written: {error.strerror}", hint="name another folder with -o"
        ) from error
    return [*made, folder / SUMS]


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
