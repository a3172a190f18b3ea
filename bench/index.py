"""How fast a large index answers: filters, orders, pages and references, beside a page written by hand.

    python -m bench index [--versions N] [--index FILE|postgresql://...] [--keep]

Queries are drawn at random with a fixed seed, one to three terms of every kind, sorted by time or by any metric. CPU
milliseconds of this process count to the first page; for PostgreSQL, whose work is the server's, the wall's. Cold is the
first query of a fresh process. The promise: p99 under 50 ms at 1,000,000 versions.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.generate import fill
from bench.measure import table
from lineal.index import open_index
from lineal.index.index import Index
from lineal.model.listing import Sort
from lineal.model.records import Node, NodeKind
from lineal.model.reference import parse

QUERIES = 300
_COLD = 12


def term(draw: random.Random) -> str:
    """Return one random term; thresholds are such that from one in a thousand to nearly all versions pass."""
    share = 10 ** draw.uniform(-3, 0)
    return draw.choice(
        (
            lambda: f"metric.metric{draw.randrange(6)}>{1 - share:.6f}",
            lambda: f"param.rate{draw.randrange(10)}<{share:.6f}",
            lambda: f"param.size{draw.randrange(6)}:{draw.choice((16, 32, 64, 128))}",
            lambda: f"param.name{draw.randrange(4)}:{draw.choice(('adam', 'sgd', 'li*'))}",
            lambda: f"tag:team=team{draw.randrange(7)}",
            lambda: f"model:model-{draw.randrange(2_000)}",
            lambda: f"model:model-{draw.randrange(10)}*",
            lambda: f"author:user{draw.randrange(40)}",
            lambda: f"registry:{draw.choice(('files', 'hub', 'prod'))}",
            lambda: f"env.torch:2.{draw.randrange(12)}.*",
            lambda: f"env.torch>=2.{draw.randrange(12)}",
            lambda: f"created:>{draw.randrange(100, 3000)}d",
            lambda: f"data:set{draw.randrange(100)}",
            lambda: draw.choice(("kind:run", "user7", "train again", f"set{draw.randrange(100)}", "has:env.torch")),
            lambda: f"-tag:team=team{draw.randrange(7)}",
            lambda: f"alias:prod{draw.randrange(100)}*",
            lambda: f"version:v{draw.randrange(1, 999)}*",
        )
    )()


def query(draw: random.Random) -> tuple[str, Sort]:
    """Return a random query and order."""
    terms = [term(draw) for _ in range(draw.choice((0, 1, 1, 2, 2, 3)))]
    joint = " | " if draw.random() < 0.1 else " "
    fields = ("created", "created", "version", "model", *(f"metric.metric{i}" for i in range(6)), "param.rate3")
    return joint.join(terms), Sort(draw.choice(fields), draw.random() < 0.8)


class Stopwatch:
    """Measures CPU on SQLite and the wall on PostgreSQL."""

    def __init__(self, url: str) -> None:
        self._now: Callable[[], float] = time.perf_counter if "://" in url else time.process_time

    def ms(self, job: Callable[[], object]) -> float:
        """Return how long `job` takes."""
        start = self._now()
        job()
        return (self._now() - start) * 1e3


def _spread(found: list[float]) -> list[str]:
    found = sorted(found)
    return [f"{found[int(len(found) * part)]:.2f}" for part in (0.5, 0.9, 0.99)] + [f"{found[-1]:.1f}"]


def _queries(index: Index, watch: Stopwatch, show: int) -> list[float]:
    draw = random.Random(23)
    asked = [query(draw) for _ in range(QUERIES)]
    found = [watch.ms(lambda text=text, sort=sort: index.rows(text, sort).page(0)) for text, sort in asked]  # type: ignore[misc]
    for ms, (text, sort) in sorted(zip(found, asked, strict=True), key=lambda one: -one[0])[:show]:
        print(f"  slow: {ms:7.1f} ms  {text or '(all)'}  by {sort.field}{' desc' if sort.descending else ''}")
    return found


def _cold(url: str, versions: int) -> list[float]:
    """Ask one query in each of some fresh processes."""
    found = []
    for seed in range(_COLD):
        command = [
            sys.executable,
            "-m",
            "bench",
            "index",
            "--index",
            url,
            "--versions",
            str(versions),
            "--one",
            str(seed),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found.append(float(done.stdout))
    return found


def _one(url: str, seed: int) -> None:
    text, sort = query(random.Random(seed))
    index = open_index(url)
    print(Stopwatch(url).ms(lambda: index.rows(text, sort).page(0)))


def _yardstick(url: str) -> list[float]:
    """Read pages by hand, as plain as it gets: the newest rows after a random moment."""
    if "://" in url:
        return []
    connection = sqlite3.connect(f"file:{url}?mode=ro", uri=True)
    draw = random.Random(1)
    top = connection.execute("SELECT max(created_at) FROM version").fetchone()[0]
    sql = "SELECT * FROM version WHERE created_at < ? ORDER BY created_at DESC, id DESC LIMIT 128"
    watch = Stopwatch(url)
    return [watch.ms(lambda: connection.execute(sql, (draw.uniform(1.5e9, top),)).fetchall()) for _ in range(100)]


def _lookups(index: Index, watch: Stopwatch, versions: int) -> list[tuple[str, list[float]]]:
    draw = random.Random(2)
    names = [f"model-{draw.randrange(2_000)}" for _ in range(100)]
    data = [Node(NodeKind.DATASET, "", f"set{at}", f"{at:08x}") for at in range(20)]
    deep = index.rows("", Sort("metric.metric2"))
    return [
        ("a model's newest version", [watch.ms(lambda name=name: index.resolve(parse(name))) for name in names]),  # type: ignore[misc]
        ("models with counts", [watch.ms(index.models) for _ in range(5)]),
        ("children of a data set", [watch.ms(lambda one=one: index.children([one])) for one in data]),  # type: ignore[misc]
        ("all ids of an order", [watch.ms(deep.measure)]),
        ("a page in the middle, then", [watch.ms(lambda: deep.page(versions // 256)) for _ in range(20)]),
    ]


def main(argv: list[str]) -> int:
    """Fill an index where there is none, ask it, print the table."""
    parser = argparse.ArgumentParser(prog="bench index")
    parser.add_argument("--versions", type=int, default=1_000_000)
    parser.add_argument("--index", default="")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--slow", type=int, default=5)
    parser.add_argument("--one", type=int)
    options = parser.parse_args(argv)
    if options.one is not None:
        _one(options.index, options.one)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        url = options.index or str(Path(folder, "index.db"))
        _measure(url, options.versions, options.slow)
    return 0


def _measure(url: str, versions: int, slow: int) -> None:
    index, watch = open_index(url), Stopwatch(url)
    if not index.rows().page(0):
        start = time.process_time()
        fill(url, versions)
        print(f"filled: {versions / (time.process_time() - start):,.0f} versions per CPU second, making them included")
    rows = [
        (f"{QUERIES} random queries, warm", _queries(index, watch, slow)),
        ("random queries, cold", _cold(url, versions)),
    ]
    rows += _lookups(index, watch, versions)
    by_hand = _yardstick(url)
    if by_hand:
        rows.append(("a page by hand, plain sqlite3", by_hand))
    unit = "wall ms" if "://" in url else "CPU ms"
    print(table([unit, "p50", "p90", "p99", "max"], [[name, *_spread(found)] for name, found in rows]))
    if by_hand:
        print(f"p50 of the queries is {_median(rows[0][1]) / _median(by_hand):.1f} times that of the page by hand")


def _median(found: list[float]) -> float:
    return sorted(found)[len(found) // 2]
