"""The folder that the demo builds in: what it may replace, and files with the dates of the story."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import yaml

from lineal.errors import ConfigError

MARKER = ".lineal-demo"
MADE = ("risk-models", "dvc-remote", "mlruns", "hub", "runs", ".lineal", "lineal.toml", "README.md")
"""Every name that a demo puts into its folder, beside the marker. A later build removes these and no others."""


class Place:
    """The demo's folder, an absolute path. Every file is written through here, dated in Unix seconds."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def claim(self) -> None:
        """Make the folder, or clear what an earlier demo made in it; whatever else is there stays.

        Raises:
            ConfigError: the folder holds something and is no demo, or cannot be written.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            names = {path.name for path in self.root.iterdir()}
            if names and MARKER not in names:
                raise ConfigError(
                    f"{self.root} is not empty and no earlier demo", hint="give an empty or new folder with --path"
                )
            (self.root / MARKER).write_text("Made by `lineal demo`, which may replace what it made here.\n")
            for name in MADE:
                _remove(self.root / name)
        except OSError as error:
            raise ConfigError(
                f"{self.root} cannot hold the demo: {error.strerror}", hint="give another folder with --path"
            ) from error

    def write(self, path: str, data: bytes | str, at: float) -> Path:
        """Write a file below the folder, as if at the time `at`, and return where it is."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.encode() if isinstance(data, str) else data)
        os.utime(target, (at, at))
        return target

    def folder(self, path: str) -> None:
        """Make a folder, which may stay empty."""
        (self.root / path).mkdir(parents=True, exist_ok=True)

    def link(self, path: str, target: Path, at: float) -> None:
        """Make a relative link below the folder to `target`, as if at the time `at`."""
        link = self.root / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(target, link.parent))
        os.utime(link, (at, at), follow_symlinks=False)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def to_yaml(value: Any, *, sort: bool = False) -> str:
    """Return block YAML that versions 1.1 and 1.2 read alike: floats always with a dot, never `1e-3`."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=sort, default_flow_style=False, allow_unicode=True, width=120
    )
    return text


def to_json(value: Any) -> str:
    """Return indented JSON."""
    return json.dumps(value, indent=2) + "\n"


class _Dumper(yaml.CSafeDumper):
    """Writes floats as decimals and never an alias."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _float(dumper: _Dumper, value: float) -> yaml.ScalarNode:
    text = f"{value:.12f}".rstrip("0")
    return dumper.represent_scalar("tag:yaml.org,2002:float", text + "0" if text.endswith(".") else text)


_Dumper.add_representer(float, _float)
