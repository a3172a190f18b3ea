"""Configuration: what the process found around it, and what `lineal.toml` and the user's config say."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec


class Surroundings(msgspec.Struct, frozen=True):
    """What only an entry point may look at: the working folder, the home folder, the environment and the clock."""

    cwd: Path
    home: Path
    environ: Mapping[str, str]
    clock: Callable[[], float] = time.time  # Unix seconds

    @classmethod
    def of_process(cls) -> Surroundings:
        """Return those of this process; for entry points only."""
        return cls(Path.cwd(), Path.home(), dict(os.environ))


class RegistrySpec(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach one registry. `url` is an absolute path or a URL; `origin` says who named it."""

    name: str  # [a-z0-9][a-z0-9._-]*
    kind: str  # dvc, mlflow, huggingface, checkpoints, or that of an entry point
    url: str
    origin: str = "found"  # found (autodiscovery), project (lineal.toml), user (config.toml)
    options: tuple[tuple[str, str], ...] = ()
