"""Environments of the foreign tools that the tests compare Lineal with.

Each `NAME.txt` beside this file lists what one tool needs. `python -m tests.oracles` builds a virtual environment for
each under `$LINEAL_ORACLES` (default `~/.cache/lineal-oracles`), named after the file's content, so that a changed list
makes a new environment and an unchanged one is found again. Tests that need a tool ask for it with the `oracle` fixture
and are skipped, with that command as the reason, where it is missing.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
NAMES = tuple(sorted(path.stem for path in HERE.glob("*.txt")))


def environment(name: str) -> Path:
    """Return the folder of the environment called `name`, whether or not it is built yet."""
    wanted = (HERE / f"{name}.txt").read_bytes() + sys.version[:4].encode()
    root = os.environ.get("LINEAL_ORACLES") or Path.home() / ".cache" / "lineal-oracles"
    return Path(root) / f"{name}-{hashlib.sha256(wanted).hexdigest()[:12]}"


def ready(name: str) -> bool:
    """Say whether the environment called `name` was built to its end."""
    return (environment(name) / "READY").exists()


def python(name: str) -> Path:
    """Return the interpreter of the environment called `name`."""
    return environment(name) / "bin" / "python"


def build(name: str) -> None:
    """Build the environment called `name` unless it is ready."""
    if ready(name):
        return
    folder = environment(name)
    venv.create(folder, with_pip=True, clear=True)
    wanted = str(HERE / f"{name}.txt")
    install = [str(python(name)), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", wanted]
    subprocess.run(install, check=True)
    (folder / "READY").touch()
