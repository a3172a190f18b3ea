"""Reading one run's files: what cannot be read becomes a problem, and the rest goes on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from lineal.errors import RegistryError, Unavailable
from lineal.formats import jsons, window, yaml12
from lineal.model.records import Problem

SMALL = 16 << 20  # bytes of a JSON, YAML or text file
LOG = 64 << 20  # bytes of a log of metrics

T = TypeVar("T")


class Probe:
    """Opens files below `root` and keeps the problems met; `unavailable` tells bytes that could not be had at all."""

    def __init__(self, registry: str, root: Path) -> None:
        self.registry, self.root = registry, root
        self.problems: list[Problem] = []
        self.unavailable = False

    def attempt(self, path: str, read: Callable[[str], T]) -> T | None:
        """Return what `read` makes of `path`, or None and a problem there."""
        try:
            return read(path)
        except RegistryError as error:
            self.unavailable = self.unavailable or isinstance(error, Unavailable)
            self.problem(path, error.message, error.hint)
            return None

    def problem(self, path: str, message: str, hint: str) -> None:
        """Keep a problem, once."""
        found = Problem(registry=self.registry, where=path, message=message, hint=hint)
        if found not in self.problems:
            self.problems.append(found)

    def window(self, path: str) -> window.Window:
        """Return a window on a file. Raises Unavailable."""
        return window.of_file(self.root / path)

    def bytes(self, path: str, limit: int = SMALL) -> bytes:
        """Return a whole small file. Raises Unavailable, BadFormat."""
        return window.read_small(self.root / path, limit)

    def json(self, path: str, limit: int = SMALL) -> dict[str, Any]:
        """Return a file's JSON object; {} and a problem where there is none."""
        return _mapping(self.attempt(path, lambda at: jsons.load(self.bytes(at, limit), limit)))

    def yaml(self, path: str) -> dict[str, Any]:
        """Return a file's YAML mapping, foreign tags dropped; {} and a problem where there is none."""
        return _mapping(self.attempt(path, lambda at: yaml12.load(self.bytes(at), tags=yaml12.Tags.DROP)))


def _mapping(value: Any) -> dict[str, Any]:
    return {str(key): item for key, item in value.items()} if isinstance(value, dict) else {}
