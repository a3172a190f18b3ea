"""How fast versions go into an index: empty, full, and again unchanged; beside hand-written rows in plain sqlite3.

    python -m bench ingest [--versions N] [--index PATH|postgresql://...]

Each version has 27 facts: 20 parameters, 6 metrics, 1 tag. CPU time of this process counts, not the wall's (for
PostgreSQL the server's work is not in it, so the wall time stands beside). The promise: 5,000 versions/s into an empty
index, 3,000/s into a full one.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from lineal.config import RegistrySpec
from lineal.index.opening import open_writer
from lineal.index.spool import Spool
from lineal.index.writer import Writer
from lineal.model.records import Complete
from lineal.model.values import Metric, Param, Tag
from lineal.model.version import Kind, Version

MODELS = 200


def versions(count: int, registry: str, seed: int) -> Iterator[Version]:
    """Yield versions with 20 parameters, 6 metrics and a tag each."""
    draw = random.Random(seed)
    for at in range(count):
        chosen = [Param(f"name{i}", draw.choice(["adam", "sgd", "lion"])) for i in range(4)]
        steps = [Param(f"size{i}", draw.choice([16, 32, 64, 128])) for i in range(6)]
        rates = [Param(f"rate{i}", round(draw.random(), 6)) for i in range(10)]
        yield Version(
            registry=registry,
            model=f"model-{at % MODELS}",
            key=f"{draw.getrandbits(64):016x}{at:08x}",
            name=f"v{at // MODELS}",
            kind=Kind.REGISTERED,
            number=at // MODELS,
            created_at=1.5e9 + at * 61,
            author=f"user{at % 40}",
            message=f"train model {at % MODELS} again",
            params=(*chosen, *steps, *rates),
            metrics=tuple(Metric(f"metric{i}", draw.random(), step=1000) for i in range(6)),
            tags=(Tag("team", f"team{at % 7}"),),
        )


class Clock:
    """Measures versions per second, of CPU and of wall."""

    def __init__(self) -> None:
        self.cpu, self.wall = time.process_time(), time.perf_counter()

    def rates(self, count: int) -> str:
        """Return both rates as cells of the table."""
        cpu, wall = time.process_time() - self.cpu, time.perf_counter() - self.wall
        return f"{count / cpu:>12,.0f} {count / wall:>12,.0f}"


def _fill(writer: Writer, registry: str, count: int, scopes: int) -> None:
    writer.enter(RegistrySpec(name=registry, kind="checkpoints", url=f"/{registry}"))
    for part in range(scopes):
        with Spool(registry) as spool:
            for version in versions(count // scopes, registry, part):
                spool.add(version)
            writer.apply(spool, Complete(registry=registry, scope=str(part)))
            writer.commit()


def _yardstick(count: int) -> None:
    """Write the same facts by hand: what plain sqlite3 takes for rows in their order, without keys, words or rules."""
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "plain.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(
            "CREATE TABLE fact (key TEXT, value, id INTEGER, PRIMARY KEY (key, value, id)) WITHOUT ROWID"
        )
        connection.execute("CREATE TABLE version (id INTEGER PRIMARY KEY, model TEXT, key TEXT, params TEXT)")
        connection.execute("BEGIN")
        for at, version in enumerate(versions(count, "r", 0)):
            facts = [(p.name, p.value, at) for p in version.params] + [(m.name, m.value, at) for m in version.metrics]
            connection.executemany("INSERT INTO fact VALUES (?,?,?)", facts)
            connection.execute("INSERT INTO version VALUES (?,?,?,'')", (at, version.model, version.key))
        connection.execute("COMMIT")
        connection.close()


def measure(index: str, count: int, batch: int) -> None:
    """Print the table."""
    print(f"{'':24} {'cpu, v/s':>12} {'wall, v/s':>12}")
    clock = Clock()
    _yardstick(min(count, batch))
    print(f"{'plain sqlite3, by hand':24} {clock.rates(min(count, batch))}")
    with open_writer(index) as writer:
        for said, registry, size, scopes in (
            ("into an empty index", "first", batch, 1),
            ("filling it up", "second", max(count - batch, 1), max(1, (count - batch) // 50_000)),
            ("into the full index", "third", batch, 1),
            ("the same once more", "third", batch, 1),
        ):
            clock = Clock()
            _fill(writer, registry, size, scopes)
            print(f"{said:24} {clock.rates(size)}", flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(prog="python -m bench ingest", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--versions", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=20_000)
    parser.add_argument("--index", default="", help="a file or postgresql:// URL; by default a temporary file")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        measure(given.index or str(Path(folder) / "index.db"), given.versions, given.batch)


if __name__ == "__main__":
    main()
