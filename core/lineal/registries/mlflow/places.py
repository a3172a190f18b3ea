"""What kind of MLflow store a URL or path is, and where such stores lie."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from itertools import islice
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import ConfigError, Unsupported

KIND = "mlflow"
TRACKING, REGISTRY = "MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI"
FOLDER, DATABASES = "mlruns", ("mlflow.db", "mlruns.db")
_MAGIC = b"SQLite format 3\0"
_LOOK = 1_000  # entries of a folder
_MANAGED = ("databricks", "uc", "databricks-uc", "sagemaker")


class Backend(Enum):
    """How a store is read."""

    SERVER = "server"
    SQLITE = "sqlite"
    POSTGRES = "postgres"
    FILES = "files"


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """One store. `path` is set for local ones, `url` for the others."""

    backend: Backend
    path: Path = Path()
    url: str = ""


def locate(url: str, around: Surroundings) -> Location:
    """Say how to read `url`: http(s), sqlite, postgresql, file, or a path.

    Raises:
        ConfigError, Unsupported: it is none of these.
    """
    scheme = url.partition(":")[0].lower() if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", url) else ""
    if scheme and not _splits(url):
        raise ConfigError(f"{_shown(url)!r} is no URL", hint="give http(s)://, sqlite:///, postgresql:// or a path")
    base = scheme.partition("+")[0]
    if base in {"http", "https"}:
        return Location(backend=Backend.SERVER, url=url)
    if base in {"postgresql", "postgres"}:
        return Location(backend=Backend.POSTGRES, url=url)
    if base == "sqlite":
        return Location(backend=Backend.SQLITE, path=_sqlite_path(url, around))
    if base in _MANAGED:
        raise Unsupported(f"{scheme}: is a managed service", hint="Lineal reads MLflow servers, databases and mlruns/")
    if base in {"mysql", "mssql"}:
        raise Unsupported(f"{base} databases are not read directly", hint="give the tracking server's URL instead")
    if base and base != "file":
        raise ConfigError(
            f"{_shown(url)} is no MLflow store", hint="give http(s)://, sqlite:///, postgresql:// or a path"
        )
    return _local(Path(around.cwd, unquote(urlsplit(url).path) if base else url))


def _splits(url: str) -> bool:
    try:
        urlsplit(url)
    except ValueError:  # such as a `[` that opens no IPv6 address
        return False
    return True


def _shown(url: str) -> str:
    return re.sub(r"://[^/@]*@", "://", url)[:200]


def _local(path: Path) -> Location:
    if path.is_file() and is_database(path):
        return Location(backend=Backend.SQLITE, path=path)
    if not is_store(path) and is_store(path / FOLDER):
        path = path / FOLDER
    return Location(backend=Backend.FILES, path=path)


def _sqlite_path(url: str, around: Surroundings) -> Path:
    text = re.sub(r"^[^:]*:(?://)?", "", url).partition("?")[0]
    if not text.startswith("/") or text in {"/", "/:memory:"}:
        raise ConfigError(f"{url[:200]} names no file", hint="write sqlite:///relative.db or sqlite:////absolute.db")
    return Path(around.cwd, text[1:])


def is_database(path: Path) -> bool:
    """Say whether a file is an SQLite database."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def is_store(path: Path) -> bool:
    """Say whether a folder is a file store: one of its first entries is an experiment, or it holds a version."""
    try:
        inner = list(islice(path.iterdir(), _LOOK))
    except OSError:
        return False
    return any(_is_experiment(place / "meta.yaml") for place in inner) or any((path / "models").glob("*/version-*"))


def _is_experiment(meta: Path) -> bool:
    try:
        with meta.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    return b"artifact_location:" in head or b"lifecycle_stage:" in head


def discover(around: Surroundings, folders: Iterable[str]) -> Iterator[RegistrySpec]:
    """Yield what MLFLOW_TRACKING_URI and MLFLOW_REGISTRY_URI name, then the stores in `folders`, nearest first."""
    seen: set[str] = set()
    named = [(KIND, around.environ.get(TRACKING, "")), (f"{KIND}-registry", around.environ.get(REGISTRY, ""))]
    places = [found for name, url in named for found in _named(name, url.strip(), around)]
    for name, url in [*places, *(found for folder in folders for found in _below(Path(folder)))]:
        if url not in seen:
            seen.add(url)
            yield RegistrySpec(name=name, kind=KIND, url=url)


def _named(name: str, url: str, around: Surroundings) -> Iterator[tuple[str, str]]:
    """Yield the store of the environment; its user and password stay in the environment."""
    if not url:
        return
    try:
        place = locate(url, around)
    except (ConfigError, Unsupported):
        return  # a managed service, or a store of a kind that is not read: nothing to list
    if place.backend in {Backend.FILES, Backend.SQLITE}:
        if place.path.exists():
            yield name, str(place.path)
    else:
        parts = urlsplit(url)
        yield name, parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _below(folder: Path) -> Iterator[tuple[str, str]]:
    name = _name(folder)
    if is_store(folder / FOLDER):
        yield name, str(folder / FOLDER)
    if folder.name == FOLDER and is_store(folder):
        yield _name(folder.parent), str(folder)
    for database in DATABASES:
        if is_database(folder / database):
            yield name, str(folder / database)


def _name(folder: Path) -> str:
    plain = re.sub(r"[^a-z0-9._-]+", "-", folder.name.lower()).strip("-._")
    return f"{plain}-{KIND}" if plain and plain != KIND else KIND


def recognise(url: str, around: Surroundings) -> bool:
    """Say whether `url` is an MLflow store, by its scheme or by a look at the path."""
    if url.startswith(("http://", "https://")):
        return not url.removesuffix("/").endswith(".git")
    try:
        place = locate(url, around)
    except (ConfigError, Unsupported):
        return False
    if place.backend is Backend.FILES:
        return is_store(place.path)
    return place.backend is Backend.POSTGRES or is_database(place.path)
