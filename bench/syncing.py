"""Keys pressed while a sync of 10,000 versions runs, beside the same keys afterwards.

    python -m bench syncing [--versions N] [--size 80x24]

An index already holds one MLflow database of so many versions; a second one of the same size was added, which the
application reads by itself once it is open. Arrows are pressed in a pseudo-terminal until that sync has ended, then as
many again: milliseconds from a key to its first byte. A progress line that is drawn just then counts as that byte; it
is drawn four times a second. The promise: under 16 ms at p99 while it runs. Needs `python -m tests.oracles mlflow`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from itertools import cycle
from pathlib import Path
from statistics import median

from bench.measure import table
from bench.mlflow import fill
from bench.tui import Terminal, started
from tests import oracles
from tests.sources.mlflow import run

_LINEAL = [sys.executable, "-m", "lineal_tui.main"]
_DOWN, _UP = b"\x1b[B", b"\x1b[A"
_REST = 0.03  # seconds between two keys: a person who holds one down
_FEWEST = 50


def _database(folder: Path, name: str, count: int) -> None:
    python = oracles.python("mlflow")
    path = folder / name / "mlflow.db"
    path.parent.mkdir()
    run(python, "mlflow_schema.py", f"sqlite:///{path}", "heads", home=folder / "home")
    fill(path, count)


def _pressed(terminal: Terminal, times: int) -> list[float]:
    """Press arrows; return the milliseconds to each first byte. With 0 times: until no sync is shown any more."""
    first: list[float] = []
    for key in cycle((_DOWN, _DOWN, _UP, _UP)):
        first.append(terminal.key(key))
        shown = b""
        while part := terminal.read(_REST):
            shown += part
        if len(first) == times or (not times and b"synced" in shown):
            return sorted(first)
    raise AssertionError("an endless cycle has ended")


def _row(name: str, first: list[float]) -> list[str]:
    p99 = first[min(len(first) - 1, int(len(first) * 0.99))]
    return [name, str(len(first)), f"{median(first):.1f}", f"{p99:.1f}", f"{first[-1]:.1f}"]


def main(argv: list[str]) -> int:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="python -m bench syncing")
    parser.add_argument("--versions", type=int, default=10_000)
    parser.add_argument("--size", default="80x24")
    options = parser.parse_args(argv)
    if not oracles.ready("mlflow"):
        print("needs MLflow: run `python -m tests.oracles mlflow`", file=sys.stderr)
        return 2
    columns, lines = (int(part) for part in options.size.split("x"))
    with tempfile.TemporaryDirectory(prefix="lineal-bench-") as name:
        folder, home = Path(name), str(Path(name) / "home")
        _database(folder, "one", options.versions)
        config = folder / "lineal.toml"
        config.write_text('[registries.one]\nurl = "one/mlflow.db"\n')
        environ = {**os.environ, "HOME": home, "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": ""}
        subprocess.run([*_LINEAL, "sync"], cwd=folder, env=environ, check=True, capture_output=True)
        _database(folder, "two", options.versions)
        config.write_text(config.read_text() + '[registries.two]\nurl = "two/mlflow.db"\n')
        command = ["/bin/sh", "-c", f'cd {folder} && exec "$0" "$@"', *_LINEAL]
        with started(command, (columns, lines), HOME=home) as terminal:
            terminal.until(b"syncing")
            during = _pressed(terminal, 0)
            after = _pressed(terminal, max(_FEWEST, len(during)))
    heads = ["a key's first byte", "keys", "ms p50", "p99", "most"]
    print(table(heads, [_row(f"while {options.versions:,} are read", during), _row("afterwards", after)]))
    return 0
