"""Promise: a chart of a series of a million points takes under 100 ms of CPU, and every spike is on it."""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Sequence

from bench.measure import cpu_ms, table

PROMISE = 100.0  # ms
SPIKES = 7


def _series(points: int) -> tuple[list[int], list[float], list[int]]:
    chance = random.Random(1)
    values = [math.exp(-3 * at / points) + chance.random() * 0.05 for at in range(points)]
    spikes = sorted(chance.sample(range(points), min(SPIKES, points)))
    for number, at in enumerate(spikes):
        values[at] = 2.0 + number
    return list(range(points)), values, spikes


def _raw(steps: Sequence[int], values: Sequence[float], width: int, height: int) -> str:
    import plotext

    plotext.clear_figure()
    plotext.plot_size(width, height)
    plotext.theme("clear")
    plotext.plot(steps, values, marker="braille")
    return str(plotext.build())


def main(argv: Sequence[str]) -> int:
    """Print CPU milliseconds: the import of plotext, the reduction, a whole chart, and raw plotext on the same data."""
    parser = argparse.ArgumentParser(prog="python -m bench chart", description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--width", type=int, default=160)
    parser.add_argument("--height", type=int, default=40)
    given = parser.parse_args(argv)
    start = time.process_time()
    import plotext  # noqa: F401

    imported = (time.process_time() - start) * 1e3
    from lineal.charts import Curve, draw, reduce

    steps, values, spikes = _series(given.points)
    curve = [Curve("loss", steps, values)]
    start = time.process_time()
    draw(curve, given.width, given.height)
    first = (time.process_time() - start) * 1e3
    whole = cpu_ms(lambda: draw(curve, given.width, given.height))
    raw = cpu_ms(lambda: _raw(steps, values, given.width, given.height), 1)
    kept = set(reduce(steps, values, given.width)[0]).issuperset(spikes)
    rows = [
        ["import of plotext", f"{imported:.1f}", ""],
        ["reduction", f"{cpu_ms(lambda: reduce(steps, values, given.width)):.1f}", ""],
        ["chart, the first", f"{first:.1f}", f"{first / raw:.4f}"],
        ["chart, the best of five", f"{whole:.1f}", f"{whole / raw:.4f}"],
        ["raw plotext", f"{raw:.1f}", "1"],
    ]
    print(table([f"CPU ms, {given.points:,} points", "ms", "ratio"], rows))
    print(f"spikes kept: {'all' if kept else 'NOT ALL'} of {len(spikes)}")
    print(f"promise: import and first chart under {PROMISE:.0f} ms")
    return int(not kept or imported + first > PROMISE)
