"""How fast a long ledger opens: from a snapshot in the cache, from one in the store, and by reading all of it.

    python -m bench ledger [--events N] [--folder FOLDER]

The ledger is written straight into a folder, without syncs: 2 % commits, 30 % moves of aliases, metrics, tags, actions
and reviews. Each way of opening has a process of its own; its peak memory is that of the whole process.

The promise: a million events open from a warm cache in under 0.5 s of CPU time and 300 MB.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from bench.measure import table
from lineal.ledger import events, snapshots
from lineal.ledger.events import Entry, Event
from lineal.ledger.ledger import Ledger
from lineal.model.values import Metric, Tag
from lineal.store.folder import FolderBackend

STORE = "5" * 32
SECONDS = 0.5  # of CPU time
MEMORY = 300  # MB
_MODELS = 200
_ALIASES = ("prod", "staging", "shadow")
_METRICS = ("auc", "loss", "f1", "precision", "recall")
_KINDS = {
    events.COMMITTED: 20,
    events.ALIAS: 300,
    events.METRICS: 300,
    events.TAGS: 150,
    events.STARTED: 60,
    events.APPLIED: 60,
    events.REQUESTED: 45,
    events.APPROVED: 45,
    events.NOTE: 10,
    events.DEPLOYED: 10,
}  # of a thousand

Cost = tuple[float, float, float, int]
"""Wall and CPU seconds, the peak of memory in MB, and the number of the last entry."""

Result = TypeVar("Result")


def main(argv: Sequence[str]) -> int:
    """Write a ledger, open it in all ways, and print what that takes; 1 where the promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m bench ledger", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, default=None, help="where the ledger is written")
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="bench-ledger-", dir=given.folder) as scratch:
        place, cache, other = Path(scratch, "store"), Path(scratch, "cache", "head"), Path(scratch, "other", "head")
        _apart(_build, place, given.events)
        costs = {
            "all entries": _apart(_replay, place, cache),
            "warm cache": min((_apart(_open, place, cache) for _ in range(3)), key=lambda cost: cost[1]),
            "snapshot of the store": _apart(_open, place, other),
        }
        sizes = [path.stat().st_size / 1e6 for path in (cache.with_suffix(".snapshot"), place / _newest(place))]
    whole = costs["all entries"]
    rows = [
        [name, f"{wall:.2f}", f"{cpu:.2f}", f"{peak:.0f}", f"{whole[1] / cpu:.0f}", f"{count:,}"]
        for name, (wall, cpu, peak, count) in costs.items()
    ]
    print(table([f"{given.events:,} events from", "wall s", "CPU s", "peak MB", "times faster", "entries"], rows))
    print(f"snapshots of {sizes[0]:.1f} MB in the cache and {sizes[1]:.1f} MB in the store")
    _, cpu, peak, _ = costs["warm cache"]
    print(f"warm: {cpu:.2f} s of CPU time, promised {SECONDS}; {peak:.0f} MB, promised {MEMORY}")
    return int(cpu > SECONDS or peak > MEMORY or len({cost[3] for cost in costs.values()}) > 1)


def _newest(place: Path) -> str:
    return snapshots.key(snapshots.listed(FolderBackend(place))[-1])


def _apart(job: Callable[..., Result], *given: object) -> Result:
    """Do it in a process of its own, whose memory is nobody else's."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as pool:
        return pool.submit(job, *given).result()


def _build(place: Path, count: int) -> None:
    before = STORE
    for number, event in enumerate(_events(count), 1):
        data = events.encode(Entry(number=number, before=before, event=event))
        path = place / events.key(number)
        if number % 1000 in (0, 1):
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        before = events.digest(data)


def _events(count: int) -> Iterator[Event]:
    drawn, at = random.Random(1), 1.7e9
    models: dict[str, list[str]] = {}
    holders: dict[tuple[str, str], str] = {}
    started: list[str] = []
    for number, kind in enumerate(drawn.choices(list(_KINDS), list(_KINDS.values()), k=count)):
        at += drawn.random() * 60
        model = f"team-{drawn.randrange(_MODELS) % 7}/model-{drawn.randrange(_MODELS)}"
        versions = models.setdefault(model, [])
        identity, fresh = f"{drawn.getrandbits(128):032x}", f"{drawn.getrandbits(256):064x}"
        said: dict[str, Any] = {}
        if kind == events.COMMITTED or not versions:
            kind = events.COMMITTED
            versions.append(fresh)
            said = {"version": fresh, "number": len(versions), "message": f"run {number} on the nightly data"}
        elif kind == events.ALIAS:
            about = (model, drawn.choice(_ALIASES))
            said = {"version": drawn.choice(versions), "alias": about[1], "before": holders.get(about, "")}
            holders[about] = said["version"]
        elif kind == events.STARTED:
            started.append(identity)
            said = {"action": identity, "detail": '{"title":"promote"}'}
        elif kind == events.APPLIED:
            said = {"action": started.pop()} if started else {}
        else:
            said = {"version": drawn.choice(versions), **_said(kind, drawn)}
        yield Event(
            id=identity,
            kind=kind,
            at=at,
            by=f"User {drawn.randrange(40)} <user@example.com>",
            host=f"host-{drawn.randrange(9)}",
            model=model,
            **said,
        )


def _said(kind: str, drawn: random.Random) -> dict[str, Any]:
    match kind:
        case events.METRICS:
            names = drawn.sample(_METRICS, 2)
            return {"metrics": tuple(Metric(name, drawn.random(), dataset="test") for name in names)}
        case events.TAGS:
            return {"tags": (Tag(f"tag-{drawn.randrange(12)}", f"value {drawn.randrange(1000)}"),)}
        case events.DEPLOYED:
            return {"where": f"eu-{drawn.randrange(5)}"}
        case _:
            return {"alias": drawn.choice(_ALIASES), "message": "looks right on the holdout, see the report"}


def _open(place: Path, cache: Path) -> Cost:
    ledger = Ledger(FolderBackend(place), STORE, cache)
    wall, cpu = time.monotonic(), time.process_time()
    ledger.refresh()
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    scale = 1e6 if sys.platform == "darwin" else 1e3
    return wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale, ledger.head.number


def _replay(place: Path, cache: Path) -> Cost:
    """Read all entries, which leaves a snapshot in the cache; then leave one in the store too."""
    cost = _open(place, cache)
    ledger = Ledger(FolderBackend(place), STORE, cache)
    ledger.refresh()
    snapshots.leave(FolderBackend(place), STORE, ledger.head.number, ledger.head.hash, ledger.state)
    return cost
