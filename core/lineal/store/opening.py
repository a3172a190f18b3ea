"""Which backend a URL means."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lineal.errors import ConfigError
from lineal.store.backend import Backend
from lineal.store.filesystem import FileSystem
from lineal.store.folder import FolderBackend


def open_backend(url: str, options: Mapping[str, str], cache: Path, fs: FileSystem | None = None) -> Backend:
    """Return the backend of a folder (an absolute path) or of `s3://bucket/prefix`, without touching it.

    Raises:
        ConfigError: the URL is neither.
    """
    if url.startswith("s3://"):
        from lineal.store.s3 import S3Backend

        return S3Backend(url, options, cache)
    if "://" in url:
        raise ConfigError(f"{url} is no place for a store", hint="name a folder or s3://bucket/prefix")
    return FolderBackend(Path(url), fs)
