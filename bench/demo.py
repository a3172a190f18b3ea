"""How long `lineal demo` takes to build and sync: models trained, four registries written, everything read and hashed.

    python -m bench demo [--times N]

The promise is 20 s of wall time on two cores; the yardstick is an interpreter that starts and imports NumPy.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time

from bench.measure import table


def _wall(command: list[str], home: str) -> float:
    environ = {**os.environ, "HOME": home, "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": ""}
    start = time.perf_counter()
    subprocess.run(command, env=environ, cwd=home, check=True, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main(argv: list[str]) -> int:
    """Build some demos, each in a home of its own, and print the least and the greatest time."""
    parser = argparse.ArgumentParser(prog="bench demo")
    parser.add_argument("--times", type=int, default=3)
    times = parser.parse_args(argv).times
    build = [sys.executable, "-m", "lineal", "demo", "--no-open", "--path", "demo"]
    rows = []
    for name, command in (("lineal demo --no-open", build), ("import numpy", [sys.executable, "-c", "import numpy"])):
        found = []
        for _ in range(times):
            with tempfile.TemporaryDirectory() as home:
                found.append(_wall(command, home))
        rows.append([name, f"{min(found):.2f}", f"{max(found):.2f}"])
    print(table(["wall s", "least", "greatest"], rows))
    return 0
