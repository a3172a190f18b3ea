"""Changes to a configuration file that keep its comments and its layout."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from lineal.config import PlaceSection, RegistrySpec, read
from lineal.errors import ConfigError, NotFound

if TYPE_CHECKING:
    from tomlkit import TOMLDocument


def add_registry(file: Path, spec: RegistrySpec) -> None:
    """Write `[registries.NAME]` into `file`. Raises ConfigError if the file cannot be read or written."""
    document = _parsed(file)
    _table(document, "registries")[spec.name] = {"kind": spec.kind, "url": _relative(spec.url, file.parent)}
    _save(file, document)


def remove_registry(file: Path, name: str) -> None:
    """Take `[registries.NAME]` out of `file`. Raises NotFound, ConfigError."""
    document = _parsed(file)
    registries = document.get("registries", {})
    if name not in registries:
        raise NotFound(f"{file} names no registry {name!r}", hint="`lineal registry ls` shows where each comes from")
    del registries[name]
    _save(file, document)


def add_remote(file: Path, name: str, section: PlaceSection) -> None:
    """Write `[remotes.NAME]` into `file`, what is said of it and no defaults. Raises ConfigError."""
    document = _parsed(file)
    said = {key: value for key, value in asdict(section).items() if value not in ("", None)}
    said["url"] = _relative(section.url, file.parent)
    _table(document, "remotes")[name] = said
    _save(file, document)


def remove_remote(file: Path, name: str) -> None:
    """Take `[remotes.NAME]` out of `file`. Raises NotFound, ConfigError."""
    document = _parsed(file)
    remotes = document.get("remotes", {})
    if name not in remotes:
        raise NotFound(f"{file} names no remote {name!r}", hint="`lineal remote list` shows where each comes from")
    del remotes[name]
    _save(file, document)


def ignore_place(file: Path, url: str) -> None:
    """Add a place to `[discovery] ignore` in `file`. Raises ConfigError."""
    document = _parsed(file)
    section = _table(document, "discovery")
    section["ignore"] = [*section.get("ignore", []), _relative(url, file.parent)]
    _save(file, document)


def add_policy(file: Path, text: str) -> None:
    """Write the tables of a policy at the end of `file`. Raises ConfigError, also where the whole is no policy."""
    import tomlkit

    from lineal.policy.rules import parse

    before = tomlkit.dumps(_parsed(file)).rstrip()
    document = tomlkit.parse(f"{before}\n\n{text}" if before else text)
    parse(document.unwrap(), str(file))
    _save(file, document)


def _parsed(file: Path) -> TOMLDocument:
    import tomlkit

    read(file)  # refuses what is no configuration, with the right words
    return tomlkit.parse(file.read_text()) if file.exists() else tomlkit.document()


def _table(document: TOMLDocument, name: str) -> Any:
    import tomlkit

    if name not in document:
        document[name] = tomlkit.table(is_super_table=name in ("registries", "remotes"))
    return document[name]


def _relative(url: str, folder: Path) -> str:
    """Write a path below the file's folder as a relative one, so that the project can move."""
    if Path(url).is_absolute() and Path(url).is_relative_to(folder):
        return os.path.relpath(url, folder)
    return url


def _save(file: Path, document: TOMLDocument) -> None:
    """Replace `file` whole: after a crash it is the old one or the new one."""
    import tomlkit

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=f".{file.name}.", delete=False) as stream:
            stream.write(tomlkit.dumps(document))
            stream.flush()
            os.fsync(stream.fileno())
        Path(stream.name).chmod(0o644 if not file.exists() else file.stat().st_mode & 0o777)
        Path(stream.name).replace(file)
    except OSError as e:
        raise ConfigError(f"{file} cannot be written: {e.strerror}", hint="check its permissions and the disk") from e
