"""`python -m bench mlflow [VERSIONS]`: listing versions from MLflow's database and over REST, beside its own client.

Promised: 10,000 versions from the database in under a second; over REST within 1.2 times the processor time that the
server itself takes for it; a second scan with nothing new in at most a tenth of the first. All in one run, so that the
ratios mean something on a shared machine. Needs the environment `python -m tests.oracles mlflow`.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from lineal.config import RegistrySpec, Surroundings
from lineal.model.records import Complete
from lineal.model.version import Version
from lineal.registries import connect
from tests import oracles
from tests.sources.mlflow import run, serving

MODELS, PARAMS, METRICS = 20, 20, 6
_START = 1_780_000_000_000  # ms


def fill(path: Path, count: int) -> None:
    """Add `count` registered versions, each with a run of 20 parameters, 6 metrics and the tags MLflow sets."""
    random = Random(7)
    with sqlite3.connect(path) as database:
        for model in range(MODELS):
            row = (_model(model), _START, _START)
            database.execute(
                "INSERT INTO registered_models (name, creation_time, last_updated_time) VALUES (?, ?, ?)", row
            )
            place = (model + 1, f"e{model}", "active", f"mlflow-artifacts:/{model + 1}", _START, _START)
            columns = "experiment_id, name, lifecycle_stage, artifact_location, creation_time, last_update_time"
            database.execute(f"INSERT INTO experiments ({columns}) VALUES (?, ?, ?, ?, ?, ?)", place)
        for number in range(count):
            _version(database, random, number)
    database.close()


def _model(number: int) -> str:
    return f"model-{number:03}"


def _version(database: sqlite3.Connection, random: Random, number: int) -> None:
    run_id, model, at = f"{number:032x}", number % MODELS, _START + number * 600_000
    folder = f"mlflow-artifacts:/{model + 1}/{run_id}/artifacts"
    row = (run_id, f"run-{number}", model + 1, "ada", "FINISHED", at, at + 500, folder, "active")
    columns = "run_uuid, name, experiment_id, user_id, status, start_time, end_time, artifact_uri, lifecycle_stage"
    database.execute(f"INSERT INTO runs ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    params = [(f"param_{index}", repr(random.random()), run_id) for index in range(PARAMS)]
    database.executemany("INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", params)
    metrics = [(f"metric_{index}", random.random(), at, 9, False, run_id) for index in range(METRICS)]
    statement = "INSERT INTO latest_metrics (key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, ?, ?)"
    database.executemany(statement, metrics)
    tags = [("mlflow.runName", f"run-{number}"), ("mlflow.user", "ada"), ("mlflow.source.name", "train.py")]
    tags += [("mlflow.log-model.history", json.dumps([{"artifact_path": "model", "flavors": {"sklearn": {}}}]))]
    database.executemany("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", [(*tag, run_id) for tag in tags])
    columns = "name, version, creation_time, last_updated_time, current_stage, source, run_id, status"
    version = (_model(model), number // MODELS + 1, at + 600, at + 600, "None", f"{folder}/model", run_id, "READY")
    database.execute(f"INSERT INTO model_versions ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", version)


class Took:
    """What one scan took and found."""

    def __init__(self, spec: RegistrySpec, around: Surroundings, since: dict[str, str]) -> None:
        registry = connect(spec, around)
        wall, cpu = time.perf_counter(), time.process_time()
        self.cursors: dict[str, str] = {}
        self.versions = 0
        for record in registry.scan(since):
            if isinstance(record, Complete):
                self.cursors[record.scope] = record.cursor
            elif isinstance(record, Version):
                self.versions += 1
        self.wall, self.cpu = time.perf_counter() - wall, time.process_time() - cpu
        registry.close()


def processor_seconds(session: int) -> float:
    """Return the processor time of all processes of a session (Linux)."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main(argv: list[str]) -> int:
    """Run the bench and print a table."""
    count = int(argv[0]) if argv else 10_000
    if not oracles.ready("mlflow"):
        print("needs MLflow: run `python -m tests.oracles mlflow`", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="lineal-bench-") as name:
        for line in _measured(Path(name), count):
            print(line, flush=True)
    return 0


def _measured(folder: Path, count: int) -> Iterator[str]:
    python = oracles.python("mlflow")
    path = folder / "mlflow.db"
    run(python, "mlflow_schema.py", f"sqlite:///{path}", "heads", home=folder / "home")
    fill(path, count)
    around = Surroundings(folder, folder, {})
    yield f"{count:,} versions of {MODELS} models, {PARAMS} parameters and {METRICS} metrics each"
    yield f"{'':34}{'wall s':>9}{'cpu s':>9}"
    spec = RegistrySpec(name="bench", kind="mlflow", url=f"sqlite:///{path}")
    first = Took(spec, around, {})
    again = Took(spec, around, first.cursors)
    theirs = json.loads(run(python, "mlflow_list.py", spec.url, home=folder / "home"))
    yield _line(f"database: Lineal, {first.versions:,}", first.wall, first.cpu)
    yield _line("database: Lineal, nothing new", again.wall, again.cpu)
    yield _line(f"database: MLflow, {theirs['versions']:,}", theirs["wall"], theirs["cpu"])
    yield f"  Lineal / MLflow {first.wall / theirs['wall']:.3f} wall; second / first {again.wall / first.wall:.4f}"
    yield f"  promise: under 1 s: {'kept' if first.wall < 1 else 'MISSED'}"
    with serving(python, folder) as url:
        yield from _over_rest(url, python, folder, around)


def _over_rest(url: str, python: Path, folder: Path, around: Surroundings) -> Iterator[str]:
    spec = RegistrySpec(name="bench", kind="mlflow", url=url)
    session = _session(folder)
    run(python, "mlflow_list.py", url, home=folder / "home")  # warm
    start = processor_seconds(session)
    first = Took(spec, around, {})
    middle = processor_seconds(session)
    again = Took(spec, around, first.cursors)
    after = processor_seconds(session)
    theirs = json.loads(run(python, "mlflow_list.py", url, home=folder / "home"))
    end = processor_seconds(session)
    yield _line(f"REST: Lineal, {first.versions:,}", first.wall, first.cpu)
    yield _line("REST:   the server for it", float("nan"), middle - start)
    yield _line("REST: Lineal, nothing new", again.wall, again.cpu)
    yield _line("REST:   the server for it", float("nan"), after - middle)
    yield _line(f"REST: MLflow, {theirs['versions']:,}", theirs["wall"], theirs["cpu"])
    yield _line("REST:   the server for it", float("nan"), end - after)
    ratio = first.wall / (middle - start)
    yield f"  Lineal's wall / the server's cpu {ratio:.2f}; promise: within 1.2: {'kept' if ratio <= 1.2 else 'MISSED'}"
    yield f"  Lineal / MLflow {first.wall / theirs['wall']:.3f} wall"
    tenth = again.wall / first.wall
    yield f"  second / first {tenth:.3f} wall; promise: at most a tenth: {'kept' if tenth <= 0.1 else 'MISSED'}"


def _session(folder: Path) -> int:
    """Return the session of the server that runs in `folder`."""
    for place in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if place.resolve() == folder.resolve() and int(place.parent.name) != os.getpid():
                return os.getsid(int(place.parent.name))
        except OSError:
            continue
    raise RuntimeError("no server runs")


def _line(what: str, wall: float, cpu: float) -> str:
    return f"{what:34}{wall:9.2f}{cpu:9.2f}".replace("nan", "  -")
