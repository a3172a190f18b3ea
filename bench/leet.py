"""How soon the application stands, beside the other terminal application of the field: `wandb leet`.

    python -m bench leet --wandb /path/to/wandb [--index FILE] [--runs N] [--size 80x24]

`wandb` is the console script of an environment of its own. It shows an offline run of 1,000 steps that its own library
has written; we show an index: a million versions by a formula, or that of `--index`. Both run in a pseudo-terminal that
answers a terminal's questions at once, in turn. A figure is taken when the first value that a person looks for is there
(the name of a metric; the newest version): wall time from the start of the process, CPU time and resident memory of the
process with all its children. The promise: sooner in wall and in CPU time; at most 70 MB.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench.measure import table
from bench.tui import _WHOLE, Terminal, started

_RUN = """
import sys, wandb
run = wandb.init(project="bench", mode="offline", dir=sys.argv[1])
for step in range(1000):
    run.log({"loss": 1 / (step + 1), "auc": 1 - 1 / (step + 2)})
run.finish()
"""
_ANSWERS = {  # what a terminal is asked, and what one answers (ECMA-48, xterm's control sequences)
    b"\x1b]11;?": b"\x1b]11;rgb:0000/0000/0000\x1b\\",
    b"\x1b]10;?": b"\x1b]10;rgb:ffff/ffff/ffff\x1b\\",
    b"\x1b[6n": b"\x1b[1;1R",
    b"\x1b[c": b"\x1b[?62;22c",
    b"\x1b[?2026$p": b"\x1b[?2026;2$y",
}
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Seen(NamedTuple):
    """What it took until the first value was there."""

    wall: float  # ms
    cpu: float  # ms
    memory: float  # MB
    written: int  # bytes


def _family(pid: int) -> Iterator[int]:
    """Yield a process and all that it has started."""
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield from _family(int(child))


def _spent(pid: int) -> tuple[float, float]:
    """Return the CPU time (ms) and the resident memory (MB) of a process and its children, ended ones included."""
    cpu = memory = 0.0
    for one in _family(pid):
        with suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            cpu += sum(map(int, fields[11:15])) / _TICK * 1e3
            memory += int(Path(f"/proc/{one}/statm").read_text().split()[1]) * _PAGE / 1e6
    return cpu, memory


def _until(terminal: Terminal, word: bytes) -> bytes:
    """Read until `word` has come, and answer what is asked meanwhile."""
    said, answered = b"", 0
    end = time.monotonic() + 30
    while word not in said:
        if time.monotonic() > end:
            raise RuntimeError(f"{word!r} never came; the last of it: {said[-2000:]!r}")
        said += terminal.read(1.0)
        for question, answer in _ANSWERS.items():
            if question in said[answered:]:
                os.write(terminal.file, answer)
        answered = max(0, len(said) - 8)
    return said


def _paint(command: list[str], word: bytes, size: tuple[int, int], home: str) -> Seen:
    start = time.perf_counter()
    with started(command, size, HOME=home, WANDB_MODE="offline") as terminal:
        written = len(_until(terminal, word))
        wall = (time.perf_counter() - start) * 1e3
        return Seen(wall, *_spent(terminal.pid), written)


def main(argv: list[str]) -> int:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="python -m bench leet")
    parser.add_argument("--wandb", required=True, help="the console script of wandb")
    parser.add_argument("--index", default="", help="a filled index, as bench ingest or generate leaves it")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--size", default="80x24")
    options = parser.parse_args(argv)
    columns, lines = (int(part) for part in options.size.split("x"))
    ours = [sys.executable, "-c", "from bench.formula import show; show()"]
    if options.index:
        ours = [sys.executable, "-c", _WHOLE, options.index]
    with TemporaryDirectory() as home:
        python = Path(options.wandb).parent / "python"
        quiet = {**os.environ, "HOME": home, "WANDB_SILENT": "true"}
        subprocess.run([str(python), "-c", _RUN, home], env=quiet, check=True, capture_output=True)
        theirs = [options.wandb, "leet", "run", next(map(str, Path(home, "wandb").glob("offline-run-*")))]
        pairs = [
            (
                _paint(theirs, b"loss", (columns, lines), home),
                _paint(ours, b"v999999", (columns, lines), home),
            )
            for _ in range(options.runs + 1)
        ][1:]  # the first fills the caches of both
    rows = []
    for at, name in enumerate(("wandb leet", "lineal")):
        taken = [pair[at] for pair in pairs]
        rows.append([name, *(f"{median(one):.0f}" for one in zip(*taken, strict=True))])
    ratios = [f"{median(b[i] / a[i] for a, b in pairs):.2f}" for i in range(4)]
    print(table(["first value", "wall ms", "CPU ms", "MB", "bytes"], [*rows, ["ratio, median of pairs", *ratios]]))
    return 0
