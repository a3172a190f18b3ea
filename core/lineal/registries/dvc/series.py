"""Metrics along training, out of the plots of a commit: DVCLive's TSV files, CSV, and JSON or YAML lists."""

from __future__ import annotations

import csv
import io
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from lineal.errors import BadFormat
from lineal.formats.git import Git
from lineal.model.values import Series
from lineal.registries.dvc import values
from lineal.registries.dvc.outs import named, pipeline
from lineal.registries.dvc.repository import Repository

_ENDINGS = (".tsv", ".csv", ".json", ".yaml", ".yml")
_ROWS = 2_000_000
_SIZE = 64 << 20  # bytes of one file


def read(repository: Repository, commit: str, metric: str) -> Series:
    """Return a metric as the plots of `commit` have it; empty where none has. Raises Unavailable."""
    files = dict(_tree(repository.git, commit))
    wanted = [path for path in _plots(repository, files) if path.endswith(_ENDINGS)]
    wanted.sort(key=lambda path: (not _named(path, metric), path))
    for _, (path, data) in zip(range(50), _read(repository, wanted, files), strict=False):
        points = sorted(_points(path, data, metric), key=lambda point: point[0])
        if points:
            steps, found, times = ([point[at] for point in points] for at in range(3))
            return Series(metric, [int(step) for step in steps], found, times)
    return Series(metric, [], [], [])


def _tree(git: Git, commit: str) -> Iterator[tuple[str, str]]:
    listing = git.ask("ls-tree", "-r", "-z", "--full-tree", commit).text()
    for entry in listing.split("\0"):
        head, _, path = entry.partition("\t")
        fields = head.split()
        if len(fields) == 3 and fields[1] == "blob" and fields[0].startswith("100"):
            yield path, fields[2]


def _plots(repository: Repository, files: Mapping[str, str]) -> list[str]:
    names: list[str] = []
    pipelines = {path: blob for path, blob in files.items() if posixpath.basename(path) == "dvc.yaml"}
    for path, data in _read(repository, pipelines, files):
        try:
            names += pipeline(path, data).plots
        except BadFormat:
            continue  # the scan says so; the curve is looked for elsewhere
    return list(named(names, files))


def _read(repository: Repository, paths: Iterable[str], files: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    by_blob: dict[str, list[str]] = {}
    for path in paths:
        by_blob.setdefault(files[path], []).append(path)
    found = repository.blobs(by_blob, _SIZE)
    for path in paths:
        data = found.get(files[path])
        if data is not None:
            yield path, data


def _named(path: str, metric: str) -> bool:
    """Say whether a file is that of the metric: `plots/metrics/train/loss.tsv` of `train.loss`."""
    stem = posixpath.splitext(path)[0]
    return stem.replace("/", ".").endswith(metric.replace("/", "."))


def _points(path: str, data: bytes, metric: str) -> Iterator[tuple[float, float, float]]:
    """Yield (step, value, time) of the rows that have the metric under its name, or the last part of it."""
    rows = _rows(path, data)
    last = metric.replace("/", ".").rsplit(".", 1)[-1]
    for at, row in zip(range(_ROWS), rows, strict=False):
        name = metric if metric in row else last
        value, step = _number(row.get(name)), _number(row.get("step"))
        if value is not None and (name == metric or _named(path, metric)):
            yield at if step is None else step, value, _time(row.get("timestamp"))


def _rows(path: str, data: bytes) -> Iterable[Mapping[str, Any]]:
    if path.endswith((".tsv", ".csv")):
        text = io.StringIO(data.decode("utf-8", "replace"))
        return csv.DictReader(text, delimiter="\t" if path.endswith(".tsv") else ",", strict=False)
    try:
        document = values.load(path, data)
    except BadFormat:
        return []
    if isinstance(document, dict):  # `{"loss": [{...}, ...]}`
        document = next((inner for inner in document.values() if isinstance(inner, list)), [])
    return [row for row in document if isinstance(row, dict)] if isinstance(document, list) else []


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _time(value: object) -> float:
    """DVCLive writes milliseconds."""
    found = _number(value)
    if found is None or not 0 <= found < 1e15:
        return 0.0
    return found / 1000 if found > 1e11 else found
