"""Parameters, metrics and hashes are those that `dvc exp show`, `dvc metrics show` and `dvc params show` name."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.model.records import Edge, EdgeKind
from lineal.model.version import Place, State, Version
from lineal.registries import connect
from lineal.registries.dvc.values import flat
from tests.sources.dvc import Content, Repo, dvc_lock, dvc_yaml, keep, out, run
from tests.sources.dvc_tools import Made

Oracle = Callable[[str], Path]
EXPERIMENTS = ("hot", "saved")


class Shown(msgspec.Struct, frozen=True):
    """What DVC shows of one commit: values by dotted name, hashes by path."""

    params: dict[str, Any]
    metrics: dict[str, Any]
    outs: dict[str, str]
    deps: dict[str, str]


def shown(python: Path, repo: Path, home: Path) -> dict[str, Shown]:
    """Return what the three commands show, by commit; they must agree among themselves."""
    answers = json.loads(run(python, "dvc_show.py", str(repo), "exp", "metrics", "params", home=home))
    said = {what: answer["said"] for what, answer in answers.items()}
    found: dict[str, Shown] = {}
    for state in _states(said["exp"]):
        rev, data = state["rev"], state["data"]
        if rev != "workspace":
            found[rev] = Shown(
                _values(data["params"]), _values(data["metrics"]), _hashes(data["outs"]), _hashes(data["deps"])
            )
    for rev in said["metrics"].keys() & found.keys():
        assert _values(said["metrics"][rev]["data"]) == found[rev].metrics
    for rev in said["params"].keys() & found.keys():
        assert _values(said["params"][rev]["data"]) == found[rev].params
    return found


def _states(states: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for state in states:
        yield state
        for experiment in state.get("experiments") or []:
            yield from _states(experiment["revs"])


def _values(files: dict[str, Any]) -> dict[str, Any]:
    """Return values by dotted name; a name that two files have bears the later file's path in front."""
    found: dict[str, Any] = {}
    for path, said in files.items():
        for name, value in flat(said.get("data")):
            found[f"{path}:{name}" if name in found else name] = value
    return found


def _hashes(entries: dict[str, Any]) -> dict[str, str]:
    return {path: entry["hash"] for path, entry in entries.items() if entry["hash"]}


def _versions(repo: Path, around: Surroundings) -> list[Version]:
    registry = connect(RegistrySpec(name="git", kind="dvc", url=str(repo)), around)
    found = [record for record in registry.scan({}) if isinstance(record, Version)]
    registry.close()
    return found


def _compared(found: list[Version], theirs: dict[str, Shown]) -> int:
    """Compare every version with what DVC shows of its commit, and return how many values were compared."""
    count = 0
    for version in found:
        said = theirs[version.key]
        numbers = {name: value for name, value in said.metrics.items() if isinstance(value, int | float)}
        assert {param.name: param.value for param in version.params} == said.params
        assert {metric.name: metric.value for metric in version.metrics} == pytest.approx(numbers, nan_ok=True)
        count += len(said.params) + len(numbers)
    return count


def test_values_of_every_commit_are_those_of_dvc(
    oracle: Oracle, dvc_made: Made, tmp_path: Path, around: Surroundings
) -> None:
    """At commits, branches, tags and experiments; metrics that git holds and such that DVC's cache holds."""
    theirs = shown(oracle("dvc"), dvc_made.repo, tmp_path / "dvc")
    found = _versions(dvc_made.repo, around)
    assert {version.name for version in found if version.model == "net"} >= {*EXPERIMENTS, "v0.1.0", "v0.2.0-rc.1"}
    assert _compared(found, theirs) > 80


def test_hashes_of_models_and_data_are_those_of_dvc(
    oracle: Oracle, dvc_made: Made, tmp_path: Path, around: Surroundings
) -> None:
    """The MD5 of a file, of a directory's listing, and of the data it was trained on."""
    theirs = shown(oracle("dvc"), dvc_made.repo, tmp_path / "dvc")
    for version in _versions(dvc_made.repo, around):
        said = theirs[version.key]
        if version.model == "net":
            assert [file.digest and file.digest.hex for file in version.files] == [said.outs["models/net.pt"]]
            assert {data.name: data.digest for data in version.datasets} == {
                "data/train.csv": said.deps["data/train.csv"]
            }
        elif version.model == "net-q8":
            listing = next(file for file in version.files if file.path.endswith("net.bin"))
            assert said.outs["models/q8"].endswith(".dir")
            assert listing.place is Place.CACHE
        assert version.state is State.READY


def test_stages_that_feed_each_other_are_lineage(dvc_made: Made, around: Surroundings) -> None:
    """The quantised model comes from the net of the same commit, and the net from the imported base."""
    registry = connect(RegistrySpec(name="git", kind="dvc", url=str(dvc_made.repo)), around)
    edges = [one for one in registry.scan({}) if isinstance(one, Edge) and one.kind is EdgeKind.TRAINED_FROM]
    quantised = [edge for edge in edges if edge.child.name == "net-q8"]
    assert quantised
    assert all((edge.parent.name, edge.parent.key) == ("net", edge.child.key) for edge in quantised)
    base = {edge.parent.key for edge in edges if edge.child.name == "net" and edge.parent.name == "models/base.pt"}
    assert base == {dvc_made.commits["imported"]}


ODD_PARAMS = """\
a: 1e-4
b: 010
c: 0o10
d: yes
e: 'yes'
f: 1_000
g: .5
i: null
j: ~
k: 0x1F
l: +12
m: -.inf
n: true
o: "1e3"
p: 12:30:45
q: {deep: {er: [1, {x: on}]}}
r: []
s: {}
"""


def _odd(repo: Repo, cache: Path) -> None:
    """Commit what is easy to get wrong: odd YAML, several files, templates, folders of metrics, cached ones."""
    stage = {
        "cmd": "python train.py",
        "params": ["a", {"conf/extra.toml": ["opt.lr", "opt"]}, {"conf/more.json": None}],
        "outs": ["models/net.pt"],
        "metrics": [{"out/${name}.json": {"cache": False}}, "kept.yaml"],
    }
    nested = {"metrics": ["scores"], "params": ["own.yaml"], "stages": {}}
    first: dict[str, Content] = {
        ".dvc/config": f"[cache]\n    dir = {cache}\n",
        "dvc.yaml": dvc_yaml(vars=[{"name": "final"}], stages={"train": stage}, metrics=["top.toml"]),
        "sub/dvc.yaml": dvc_yaml(**nested),
        "sub/own.yaml": "a: 7\nonly: [1, 2]\n",
        "sub/scores/x.json": '{"f1": 0.5, "name": "x", "flag": true, "none": null, "list": [1]}',
        "sub/scores/y.json": '{"f1": 0.25}',
        "params.yaml": ODD_PARAMS,
        "conf/extra.toml": "[opt]\nlr = 3e-4\nname = 'adam'\n[other]\nx = 1\n",
        "conf/more.json": '{"w": {"x": 1.0, "y": [1, 2]}, "nan": NaN}',
        "out/final.json": '{"loss": 1e-3, "n": 3, "inf": Infinity}',
        "top.toml": "top = 5\n",
    }
    kept = b"kept: 1e-1\nnested: {v: 2}\n"
    keep(cache, kept)
    lock = {"cmd": "python train.py", "outs": [out("kept.yaml", kept), out("models/net.pt", b"net")]}
    repo.commit(first | {"dvc.lock": dvc_lock(train=lock)})
    repo.check_out()


def test_odd_values_are_read_as_dvc_reads_them(oracle: Oracle, tmp_path: Path, around: Surroundings) -> None:
    """YAML 1.2, TOML and JSON; keys of a file; templates; folders of metrics; cached metrics; NaN and infinity."""
    repo = Repo(tmp_path / "repo")
    _odd(repo, tmp_path / "cache")
    theirs = shown(oracle("dvc"), repo.path, tmp_path / "dvc")
    found = _versions(repo.path, around)
    said = theirs[found[0].key]
    ours: dict[str, Any] = {param.name: param.value for param in found[0].params}
    assert math.isnan(ours.pop("nan"))
    assert math.isnan(said.params.pop("nan"))
    assert ours == said.params
    numbers = {name: float(value) for name, value in said.metrics.items() if isinstance(value, int | float)}
    assert {metric.name: metric.value for metric in found[0].metrics} == numbers
    assert len(numbers) > 8
