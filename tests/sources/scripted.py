"""A registry that says what a test wrote down: an adapter like any other, found by its kind, `scripted`.

`SCRIPTS` holds what the registry at each URL says. `install` makes the kind known for one test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

import pytest

from lineal import registries
from lineal.config import RegistrySpec, Surroundings
from lineal.errors import NotFound
from lineal.model.records import Record
from lineal.model.values import Series
from lineal.model.version import File, Version
from lineal.registries.base import Cursors, ReadOnly, Registry

Script = Callable[[Cursors], Iterable[Record]]
SCRIPTS: dict[str, Script] = {}
FINGERPRINTS: dict[str, str | None] = {}


class Scripted(ReadOnly):
    """A registry that follows a script."""

    def __init__(self, spec: RegistrySpec) -> None:
        self.spec = spec

    def fingerprint(self) -> str | None:
        """Return what the test says."""
        return FINGERPRINTS.get(self.spec.url)

    def scan(self, since: Cursors) -> Iterator[Record]:
        """Say what the script says."""
        yield from SCRIPTS[self.spec.url](since)

    def open(self, file: File, start: int = 0, length: int | None = None) -> BinaryIO:
        """There are no bytes here."""
        raise NotFound(f"{file.path} is nowhere", hint="a script has no files")

    def series(self, version: Version, metric: str) -> Series:
        """There are no series here."""
        return Series(metric, [], [], [])

    def close(self) -> None:
        """Nothing is held."""


def connect(spec: RegistrySpec, around: Surroundings) -> Registry:
    """Make the registry."""
    return Scripted(spec)


def discover(around: Surroundings, folders: Iterable[str]) -> Iterator[RegistrySpec]:
    """Find nothing."""
    return iter(())


def recognise(url: str, around: Surroundings) -> bool:
    """Recognise nothing."""
    return False


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the kind known, with no scripts yet."""
    monkeypatch.setitem(registries.BUILTIN, "scripted", "tests.sources.scripted")
    SCRIPTS.clear()
    FINGERPRINTS.clear()


def spec(name: str = "toy", url: str = "/toy") -> RegistrySpec:
    """Return the spec of a scripted registry."""
    return RegistrySpec(name=name, kind="scripted", url=url)


def saying(*records: Record) -> Script:
    """Return a script that always says the same."""
    return lambda _: records
