"""Curves of training: Trainer's log history, tables of metrics and TensorBoard's events, as one series a metric."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from lineal.formats import tables, tensorboard
from lineal.formats.window import open_slice
from lineal.model.values import Series
from lineal.registries.checkpoints.layout import Found, Run, is_checkpoint_folder
from lineal.registries.checkpoints.probe import LOG, Probe
from lineal.registries.checkpoints.walk import Tree, join

STATE = "trainer_state.json"
TABLES = ("metrics.csv", "results.csv")
MAX_EVENT_FILES = 64
_EVENT_FOLDERS = ("tensorboard", "tb", "tb_logs", "logs", "events")
_NO_METRICS = frozenset({"step", "epoch"})


class History(msgspec.Struct, frozen=True, kw_only=True):
    """A run's curves. `states` are the trainer's, by the path of the version's folder, "" standing for the run itself.

    Lightning counts a step after the metrics of that step are logged, so a checkpoint's own metrics are those before
    its step: `lag` is 1 there.
    """

    states: dict[str, dict[str, Any]] = {}
    curves: dict[str, Series] = {}
    lag: int = 0

    @property
    def newest(self) -> dict[str, Any]:
        """The trainer state that went furthest."""
        return max(
            self.states.values(), key=lambda state: (_count(state.get("global_step")), len(_log(state))), default={}
        )


def read(probe: Probe, tree: Tree, run: Run) -> History:
    """Read all curves of a run; what cannot be read is a problem."""
    states: dict[str, dict[str, Any]] = {}
    for key, path in _states(tree, run):
        states[key] = probe.json(path, LOG)
    if states:
        return History(states=states)
    curves: dict[str, Series] = {}
    for path in (join(run.folder, name) for name in TABLES if name in _files(tree, run.folder)):
        curves |= probe.attempt(path, lambda at: tables.metrics(probe.bytes(at, LOG))) or {}
    lag = int(any(found.path.endswith(".ckpt") for found in run.found))
    curves = {name: series for name, series in curves.items() if name not in _NO_METRICS}
    return History(curves=_events(probe, tree, run) | curves, lag=lag)


def used(tree: Tree, run: Run) -> list[str]:
    """Return the files of curves beside a run's versions, for its cursor."""
    beside = [join(run.folder, name) for name in (STATE, *TABLES) if name in _files(tree, run.folder)]
    return beside + event_files(tree, run)


def event_files(tree: Tree, run: Run) -> list[str]:
    """Return TensorBoard's files that belong to a run: in its folder, and where the tools put them below it."""
    folders = [run.folder, *(join(run.folder, name) for name in _EVENT_FOLDERS)]
    if any(is_checkpoint_folder(found.path.rpartition("/")[2]) for found in run.found):
        runs = join(run.folder, "runs")  # Trainer's default; elsewhere `runs/` holds other runs
        inner = tree.folders[runs].folders if runs in tree.folders else ()
        folders += [runs, *(join(runs, name) for name in inner)]
    return [join(at, name) for at in folders for name in _files(tree, at) if "tfevents" in name][:MAX_EVENT_FILES]


def of_version(history: History, found: Found, step: int | None) -> dict[str, Series]:
    """Return the curves up to where a version stands; all of them where its step is not known."""
    if history.states:
        return until(_series(_entries(history, found, step)), step)
    return until(history.curves, None if step is None else step - history.lag)


def until(curves: dict[str, Series], last: int | None) -> dict[str, Series]:
    """Return the curves up to and with a step; those that begin later are left out."""
    if last is None:
        return curves
    found: dict[str, Series] = {}
    for name, series in curves.items():
        kept = sum(step <= last for step in series.steps)
        if kept:
            found[name] = Series(name, series.steps[:kept], series.values[:kept], series.times[:kept])
    return found


def _files(tree: Tree, path: str) -> Iterable[str]:
    return tree.folders[path].files if path in tree.folders else ()


def _states(tree: Tree, run: Run) -> Iterable[tuple[str, str]]:
    if STATE in _files(tree, run.folder):
        yield "", join(run.folder, STATE)
    for found in run.found:
        if found.folder != run.folder and STATE in _files(tree, found.folder):
            yield found.path, join(found.folder, STATE)


def _entries(history: History, found: Found, step: int | None) -> list[dict[str, Any]]:
    """Return a version's own log, and what a later state logged of the same step: its evaluation comes after saving."""
    own = _log(history.states.get("" if found.final else found.path, {}))
    newest = _log(history.newest)
    if not own:
        return newest
    last = max(_count(entry.get("step")) for entry in own)
    known = [entry for entry in own if _count(entry.get("step")) == last]
    later = (entry for entry in newest if last <= _count(entry.get("step")) <= (step or last))
    return own + [entry for entry in later if entry not in known]


def _log(state: dict[str, Any]) -> list[dict[str, Any]]:
    log = state.get("log_history")
    return [entry for entry in log if isinstance(entry, dict)] if isinstance(log, list) else []


def _count(value: Any) -> int:
    return value if type(value) is int and 0 <= value < 1 << 63 else 0


def _series(entries: list[dict[str, Any]]) -> dict[str, Series]:
    found: dict[str, Series] = {}
    for entry in sorted(entries, key=lambda entry: _count(entry.get("step"))):
        step = _count(entry.get("step"))
        for name, value in entry.items():
            if name not in _NO_METRICS and isinstance(value, int | float) and not isinstance(value, bool):
                series = found.setdefault(name, Series(name, [], [], []))
                series.steps.append(step)
                series.values.append(number(value))
                series.times.append(0.0)
    return found


def number(value: float) -> float:
    """Return a number as a float; integers too large for one become infinity."""
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _events(probe: Probe, tree: Tree, run: Run) -> dict[str, Series]:
    points: dict[str, list[tensorboard.Scalar]] = {}
    for path in event_files(tree, run):
        probe.attempt(path, lambda at: _add(probe, at, points))
    found: dict[str, Series] = {}
    for tag, scalars in points.items():
        scalars.sort(key=lambda scalar: (scalar.step, scalar.time))
        steps = [max(scalar.step, 0) for scalar in scalars]
        found[tag] = Series(tag, steps, [scalar.value for scalar in scalars], [scalar.time for scalar in scalars])
    return found


def _add(probe: Probe, path: str, points: dict[str, list[tensorboard.Scalar]]) -> None:
    with open_slice(probe.root / path) as stream:
        tensorboard.series(stream, points)
