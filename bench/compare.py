"""Promise: Compare of two versions with 10,000 parameters and 500 packages each opens within 150 ms of CPU time once
the libraries are loaded, of 50 such versions within 500 ms: from the request until the first screen's lines are there.

    python -m bench compare [--params N] [--packages N]

The versions stand in an index that the real writer made; the worker's steps are taken one by one, as it takes them.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from bench.measure import cpu_ms, table
from lineal.config import RegistrySpec, Surroundings
from lineal.index.opening import open_writer
from lineal.index.spool import Spool
from lineal.model.listing import Sort, VersionRow
from lineal.model.records import Complete
from lineal.model.values import Metric, Param, Value
from lineal.model.version import Environment, Kind, Package, Version
from lineal.workspace import Workspace, open_workspace

PROMISED = {2: 150.0, 50: 500.0}
_SHARES = ((0.002, "0.2 % changed"), (0.1, "a tenth changed"), (1.0, "all changed"))
_ROOM, _WINDOW = 158, 45
_COLD = "import sys; from bench.compare import once; once(*sys.argv[1:])"


def _value(at: int, turn: int, draw: random.Random) -> Value:
    """Return a number, a count, a word or (one in fifty) a list, as configurations hold them."""
    if at % 50 == 0:
        return [at, draw.randrange(1_000), turn, "gelu"]
    makers = (draw.random, lambda: draw.randrange(1_000_000), lambda: f"relu-{draw.randrange(50)}-{turn}")
    return makers[at % 3]()


def _version(model: str, turn: int, params: int, packages: int, share: float) -> Version:
    base, own = random.Random(1), random.Random(turn + 2)
    held = {f"stage{at // 100}.layer{at % 100}.p{at}": _value(at, 0, base) for at in range(params)}
    for name in own.sample(sorted(held), round(params * share) if turn else 0):
        held[name] = _value(int(name.rpartition("p")[2]), turn, own)
    moved = turn % 7 if share == 1.0 else 0
    installed = [Package(f"package-{at:03d}", f"{1 + at % 5}.{(at + moved) % 9}.{turn % 4}") for at in range(packages)]
    metrics = tuple(Metric(f"{name}_{at}", own.random()) for at in range(10) for name in ("auc", "loss"))
    return Version(
        registry="bench", model=model, key=f"{model}-{turn}", name=f"v{turn}", kind=Kind.RUN, created_at=1.7e9 + turn,
        params=tuple(Param(name, value) for name, value in held.items()), metrics=metrics,
        environment=Environment(python="3.11.9", cuda="13.2", packages=tuple(installed)),
    )  # fmt: skip


def _fill(url: str, params: int, packages: int) -> None:
    """Write fifty versions for each share of changed values."""
    with open_writer(url) as writer:
        writer.enter(RegistrySpec(name="bench", kind="checkpoints", url="/bench"))
        for share, _ in _SHARES:
            with Spool("bench", writer.database.folder) as spool:
                for turn in range(max(PROMISED)):
                    spool.add(_version(f"m{share}", turn, params, packages, share))
                writer.apply(spool, Complete(registry="bench", scope=str(share)))
                writer.commit()
        writer.succeed("bench", None, 1.7e9)
        writer.commit()


def _opened(folder: str) -> Workspace:
    around = Surroundings(Path(folder), Path(folder), {"PATH": os.defpath})
    return open_workspace(index=f"{folder}/index.db", around=around, as_is=True)


def _rows(work: Workspace, share: float, count: int) -> tuple[VersionRow, ...]:
    listed = work.index.rows(f"model:m{share}", Sort("created", descending=False)).page(0) or []
    return tuple(listed[:count])


def _first_screen(work: Workspace, rows: Sequence[VersionRow]) -> None:
    """Do what worker and screen do from the request until the first window is laid out."""
    from lineal_tui.messages import FIRST
    from lineal_tui.present.compare import Grid, entries

    ids = [work.index.current_id(row.registry, row.model, row.key) or 0 for row in rows]
    diff = work.diff([replace(row, id=now) for row, now in zip(rows, ids, strict=True)], most=FIRST)
    lines, grid = entries(diff, set()), Grid.of(diff, _ROOM)
    grid.head()
    for entry in lines[:_WINDOW]:
        grid.line(entry, set())


def once(folder: str, share: str, count: str) -> None:
    """Print the CPU time of one comparison in a process that has not compared yet; for a process of its own."""
    with _opened(folder) as work:
        rows = _rows(work, float(share), int(count))
        print(cpu_ms(lambda: _first_screen(work, rows), 1))


def _cold(folder: str, share: float, count: int) -> float:
    told = subprocess.run(
        [sys.executable, "-c", _COLD, folder, str(share), str(count)], check=True, capture_output=True, text=True
    )
    return float(told.stdout)


def main(argv: Sequence[str]) -> int:
    """Print CPU milliseconds to the first screen, warm and cold; fail where the warm ones are over the promise."""
    parser = argparse.ArgumentParser(prog="python -m bench compare", description=__doc__)
    parser.add_argument("--params", type=int, default=10_000)
    parser.add_argument("--packages", type=int, default=500)
    given = parser.parse_args(argv)
    lines, late = [], False
    with tempfile.TemporaryDirectory() as folder:
        _fill(f"{folder}/index.db", given.params, given.packages)
        with _opened(folder) as work:
            for count, promised in PROMISED.items():
                for share, said in _SHARES:
                    rows = _rows(work, share, count)
                    warm = cpu_ms(lambda rows=rows: _first_screen(work, rows))  # type: ignore[misc]
                    late = late or warm > promised
                    cold = _cold(folder, share, count)
                    lines.append([f"{count} versions, {said}", f"{warm:.0f}", f"{cold:.0f}", f"{promised:.0f}"])
    print(table([f"CPU ms, {given.params:,} parameters", "warm", "cold", "promised"], lines))
    return int(late)
