"""How soon the index answers: CPU milliseconds to the first page of any filter and order, beside a page by hand.

    python -m bench index [--versions N] [--index FILE|postgresql://...] [--keep] [--times N] [--seed N]

Without an index that is filled already, one is filled first (`bench generate`). "warm" is one process asking question
after question; "cold" opens the index in a fresh process for each, imports not counted. The CPU time is that of this
process and, on a PostgreSQL server on this machine, of its processes for us; else the wall's time stands in for it.
The yardstick is one page written by hand for the same database, the newest versions or those behind one of them, with
its documents decoded. The promise: at a million versions, 99 of 100 first pages within 50 ms.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench import generate, questions
from bench.measure import table
from lineal.index import open_index
from lineal.index.index import Index
from lineal.index.opening import open_writer
from lineal.index.place import PostgresPlace, read
from lineal.model.listing import Sort
from lineal.model.records import Node, NodeKind
from lineal.model.reference import parse

_PAGE = "SELECT id, name, created_at, author, message, params, metrics, tags FROM version"
_PROMISED = 50  # CPU ms
_NOW = time.time()


class Clock:
    """Measures CPU time in milliseconds: of this process, and of the server's processes that serve it."""

    def __init__(self, index: Index) -> None:
        self._engine = index._engine
        self._served: list[Path] = []
        if self._engine.postgres:
            found = self._engine.rows("SELECT pg_backend_pid()")
            self._served = [Path(f"/proc/{found[0][0]}/schedstat")]
        self.walled = not all(file.exists() for file in self._served)

    def now(self) -> float:
        """Return the milliseconds so far."""
        if self.walled:
            return time.perf_counter() * 1e3
        return time.process_time() * 1e3 + sum(int(file.read_text().split()[0]) for file in self._served) / 1e6

    def of(self, job: Callable[[], object]) -> float:
        """Return what a job takes."""
        start = self.now()
        job()
        return self.now() - start


def _shares(found: Sequence[float]) -> tuple[float, float, float]:
    ordered = sorted(found)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], ordered[-1]


def first_page(index: Index, question: questions.Question) -> int:
    """Read the first page and return its length."""
    page = index.rows(*question).page(0)
    assert page is not None
    return len(page)


class Report:
    """Rows of the table, and every measurement."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.all: list[tuple[float, str]] = []

    def add(self, name: str, found: Sequence[tuple[float, str]]) -> None:
        """Add a row: the shares, and what took longest."""
        middle, most, longest = _shares([one for one, _ in found])
        worst = max(found)[1]
        self.rows.append([name, f"{middle:.1f}", f"{most:.1f}", f"{longest:.1f}", worst])
        self.all += found

    def show(self, title: str) -> None:
        """Print the table."""
        print(table([title, "p50", "p99", "max", "the slowest"], self.rows) + "\n", flush=True)


def _said(question: questions.Question) -> str:
    return f"{question[0] or '(all)'}  by {question[1].field} {'down' if question[1].descending else 'up'}"


def warm(index: Index, clock: Clock, seed: int, count: int, times: int) -> None:
    """Ask everything in one process."""
    first_page(index, ("", Sort()))
    report = Report()
    groups = [
        *questions.orders(),
        *questions.alone(seed, count, times),
        *questions.together(seed, count, times * 10),
    ]
    for name, some in groups:
        report.add(name, [(clock.of(lambda one=one: first_page(index, one)), _said(one)) for one in some])  # type: ignore[misc]
    found = list(report.all)
    report.add(f"all {len(found):,} together", found)
    report.show("first page, warm: CPU ms")
    slow = sorted(one for one in found if one[0] > _PROMISED)
    print(f"{1 - len(slow) / len(found):.1%} within {_PROMISED} ms; beyond it, the slowest:")
    print("\n".join(f"  {ms:8.1f}  {said}" for ms, said in slow[:-21:-1]) + "\n", flush=True)


def _cold(url: str, question: questions.Question) -> float:
    index = open_index(url, clock=lambda: _NOW)
    if index._engine.postgres:
        return Clock(index).of(lambda: first_page(index, question))
    start = time.process_time()
    first_page(index, question)
    return (time.process_time() - start) * 1e3


def cold(url: str, seed: int, count: int, times: int) -> None:
    """Ask each question in a process of its own."""
    asked = [one for _, some in questions.together(seed + 2, count, times) for one in some]
    asked += [("", Sort()) for _ in range(times)]
    report = Report()
    context = multiprocessing.get_context("spawn")
    with context.Pool(1, maxtasksperchild=1) as pool:
        found = [(pool.apply(_cold, (url, one)), _said(one)) for one in asked]
    report.add("no filter, the newest", found[-times:])
    report.add("two or three terms", found[:-times])
    report.show("first page, cold: CPU ms")


def by_hand(url: str, clock: Clock, times: int) -> list[tuple[float, str]]:
    """Read pages by a key with plain SQL, and decode their documents."""
    import msgspec

    decode = msgspec.json.Decoder().decode
    place = read(url)
    mark = "?"
    run: Callable[..., Any]
    if isinstance(place, PostgresPlace):
        import psycopg

        run = psycopg.connect(place.url, autocommit=True, options=f"-c search_path={place.schema}").execute
        mark = "%s"
    else:
        run = sqlite3.connect(f"file:{place.path}?mode=ro", uri=True).execute
    draw = random.Random(1)
    sql = f"{_PAGE} WHERE (created_at, id) < ({mark}, {mark}) ORDER BY created_at DESC, id DESC LIMIT 128"
    top = run("SELECT max(created_at) FROM version").fetchall()[0][0]

    def page() -> None:
        for row in run(sql, (draw.uniform(1.6e9, top), 1 << 40)).fetchall():
            decode(row[5]), decode(row[6]), decode(row[7])

    return [(clock.of(page), "") for _ in range(times)]


def others(index: Index, url: str, clock: Clock, seed: int, count: int) -> None:
    """Measure what is no first page, and the yardstick."""
    report = Report()
    report.add("a page by hand", by_hand(url, clock, 100))
    report.add(
        "the same through the index", [(clock.of(lambda: first_page(index, ("", Sort()))), "") for _ in range(100)]
    )
    ratio = float(report.rows[1][1]) / max(float(report.rows[0][1]), 0.001)
    rows = index.rows("metric.acc>0.2", Sort("metric.loss"))
    report.add("page 0, then page 100 ahead", [(clock.of(partial(rows.page, at)), f"page {at}") for at in (0, 100)])
    report.add("page 50 again", [(clock.of(lambda: rows.page(50)), "")])
    named = [(clock.of(partial(index.resolve, parse(one))), one) for one in questions.references(seed, count, 100)]
    report.add("resolve a reference", named)
    report.add("models()", [(clock.of(index.models), "")])
    report.add("models(metric.acc>0.999)", [(clock.of(lambda: index.models("metric.acc>0.999")), "")])
    data = Node(NodeKind.DATASET, "", "imagenet", "d2")
    report.add("children of a data set", [(clock.of(lambda: index.children([data])), f"{count // 30:,} children")])
    report.add("an exact count in the background", [(clock.of(lambda: index.rows("metric.acc>0.5").measure()), "half")])
    report.show("CPU ms")
    print(f"first page through the index / by hand: {ratio:.1f}\n")


def ask(url: str, seed: int, count: int, times: int) -> None:
    """Measure a filled index."""
    index = open_index(url, clock=lambda: _NOW)
    clock = Clock(index)
    if clock.walled:
        print("the server's processes cannot be seen: wall time\n")
    others(index, url, clock, seed, count)
    warm(index, clock, seed, count, times)
    cold(url, seed, count, min(times, 30))
    index.close()


def _filled(url: str, given: argparse.Namespace) -> None:
    index = open_index(url)
    held = sum(row.versions for row in index.models())
    index.close()
    if not held:
        with open_writer(url) as writer:
            generate.fill(writer, given.versions)
    print(f"{held or given.versions:,} versions in {url}, seed {given.seed}\n")
    ask(url, given.seed, held or given.versions, given.times)


def main(argv: list[str]) -> int:
    """Run the bench."""
    parser = argparse.ArgumentParser(prog="python -m bench index")
    parser.add_argument("--versions", type=int, default=100_000)
    parser.add_argument("--index", default="", help="an index, filled here unless it has versions already")
    parser.add_argument("--keep", action="store_true", help="leave the index that was filled where it is")
    parser.add_argument("--times", type=int, default=40, help="questions of each kind")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args(argv)
    if given.index or given.keep:
        _filled(given.index or str(Path(tempfile.mkdtemp()) / "index.db"), given)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        _filled(str(Path(folder) / "index.db"), given)
    return 0
