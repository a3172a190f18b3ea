"""`python -m bench history [--commits 1000,20000] [--tags 1500] [--peers]`: scans of git histories, beside DVC and GTO.

Promised: a history of 1,000 commits in under 0.5 s where `dvc exp show -A` and `dvc metrics show -A` take half a minute
and more; what `gto show` says of 1,500 tags in under 0.5 s; a second scan with nothing new in at most a tenth of the
first. DVC and GTO are asked in the same run with `--peers` (which takes minutes), DVC for at most 1,000 commits.
Needs the environment `python -m tests.oracles dvc` then.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.measure import table
from lineal.config import RegistrySpec, Surroundings
from lineal.model.records import Complete
from lineal.model.version import Version
from lineal.registries import connect
from tests import oracles
from tests.sources.dvc import START, Repo, Stream, dvc_file, dvc_lock, dvc_yaml, out, run

MODELS = 4
_STAGES = ("dev", "staging", "prod")
_PEERS_MOST = 1_000  # commits that DVC is asked for


def history(path: Path, commits: int, versions: int) -> Repo:
    """Make a repository of so many commits; `versions` of them train one of the models."""
    repo, stream, mark = Repo(path), Stream(), ""
    every = commits // versions
    for number in range(commits):
        files = _first() if not number else {"src/train.py": f"epochs = {number}\n"}
        if number % every == 0:
            files |= _trained(number // every)
        mark = stream.commit(files, parents=[mark] if mark else [], message=f"step {number}")
    repo.load(stream)
    repo.git("reset", "-q", "--hard")
    return repo


def _first() -> dict[str, str | bytes | None]:
    stages = {
        f"train{model}": {
            "cmd": f"python src/train.py {model}",
            "deps": ["data/train.csv"],
            "params": ["lr", "model.depth"],
            "outs": [f"models/{model}.pt"],
            "metrics": [{f"metrics{model}.json": {"cache": False}}],
        }
        for model in range(MODELS)
    }
    artifacts = {f"model-{model}": {"path": f"models/{model}.pt", "type": "model"} for model in range(MODELS)}
    return {
        "dvc.yaml": dvc_yaml(stages=stages, artifacts=artifacts),
        "data/train.csv.dvc": dvc_file(out("train.csv", b"rows")),
        ".dvc/config": "[core]\n    analytics = false\n",
        ".dvc/.gitignore": "/config.local\n/tmp\n/cache\n",
        "requirements.txt": "torch==2.5.0\nnumpy==2.1.0\n",
    }


def _trained(turn: int) -> dict[str, str | bytes | None]:
    """Return the files after a training of one model, at its turn; the other models stay as they were."""
    at = random.Random(turn)
    last = [turn - (turn - model) % MODELS for model in range(MODELS)]
    rates = [random.Random(number).choice([1e-4, 3e-4, 1e-3]) for number in last]
    report = {"loss": at.random(), "eval": {"acc": at.random(), "f1": at.random()}}
    return {
        "params.yaml": f"lr: {rates[turn % MODELS]}\nseed: {turn}\nmodel:\n  depth: {turn % 7}\n",
        f"metrics{turn % MODELS}.json": json.dumps(report),
        "dvc.lock": dvc_lock(**{f"train{model}": _stage(model, last[model], rates[model]) for model in range(MODELS)}),
    }


def _stage(model: int, trained: int, lr: float) -> dict[str, object]:
    return {
        "cmd": f"python src/train.py {model}",
        "deps": [out("data/train.csv", b"rows")],
        "params": {"params.yaml": {"lr": lr, "model.depth": trained % 7}},
        "outs": [out(f"models/{model}.pt", b"%d %d" % (model, trained))],
    }


def tagged(path: Path, tags: int) -> Repo:
    """Make a repository of 100 commits with so many tags of GTO: registrations, and stages passed on."""
    repo, stream, at = Repo(path), Stream(), random.Random(7)
    marks = [stream.commit({"a.txt": str(number)}, parents=[]) for number in range(1)]
    marks += [stream.commit({"a.txt": str(number + 1)}, parents=[f":{number + 1}"]) for number in range(99)]
    for number in range(tags):
        model, when = f"model-{number % 10}", START + 100_000 + 60 * number
        if number < len(marks) * 7:
            stream.tag(f"{model}@v0.{number // 10}.0", marks[number // 10 % len(marks)], when)
        else:
            mark = marks[at.randrange(70)]
            stream.tag(f"{model}#{at.choice(_STAGES)}#{number}", mark, when)
    repo.load(stream)
    return repo


class Took:
    """What one scan took and found."""

    def __init__(self, repo: Repo, since: dict[str, str]) -> None:
        spec = RegistrySpec(name="bench", kind="dvc", url=str(repo.path))
        registry = connect(spec, Surroundings(repo.path, repo.path, {}))
        wall, cpu = time.perf_counter(), _cpu()
        self.cursors: dict[str, str] = {}
        self.versions = 0
        for record in registry.scan(since):
            if isinstance(record, Complete):
                self.cursors[record.scope] = record.cursor
            self.versions += isinstance(record, Version)
        self.wall, self.cpu = time.perf_counter() - wall, _cpu() - cpu
        registry.close()


def _cpu() -> float:
    """Return the processor time of this process and of the git that it ran."""
    return sum(os.times()[:4])


def _rows(what: str, repo: Repo, peers: dict[str, str], most: float) -> Iterator[list[str]]:
    first = Took(repo, {})
    first = min(first, Took(repo, {}), Took(repo, {}), key=lambda took: took.wall)
    again = min((Took(repo, first.cursors) for _ in range(3)), key=lambda took: took.wall)
    kept = "kept" if first.wall < most else "MISSED"
    yield [
        f"{what}: Lineal, {first.versions:,} versions",
        f"{first.wall:.3f}",
        f"{first.cpu:.3f}",
        "",
        f"under {most} s: {kept}",
    ]
    tenth = again.wall / first.wall
    kept = "kept" if tenth <= 0.1 else "MISSED"
    yield ["  nothing new", f"{again.wall:.3f}", f"{again.cpu:.3f}", f"{tenth:.3f}", f"at most a tenth: {kept}"]
    for name, ask in peers.items():
        home = repo.path.parent / "home"
        said = json.loads(run(oracles.python("dvc"), "dvc_show.py", str(repo.path), ask, home=home))[ask]
        yield [f"  {name}", f"{said['wall']:.3f}", f"{said['cpu']:.3f}", f"{first.wall / said['wall']:.4f}", ""]


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench history")
    parser.add_argument("--commits", default="1000,20000", help="lengths of histories; a quarter of 20,000 train")
    parser.add_argument("--tags", type=int, default=1_500, help="tags of GTO")
    parser.add_argument("--peers", action="store_true", help="ask DVC and GTO too; takes minutes")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Run the bench and print a table."""
    wanted = _arguments(argv)
    if wanted.peers and not oracles.ready("dvc"):
        print("needs DVC: run `python -m tests.oracles dvc`", file=sys.stderr)
        return 2
    rows: list[list[str]] = []
    with tempfile.TemporaryDirectory(prefix="lineal-bench-") as name:
        for count in map(int, wanted.commits.split(",")):
            repo = history(Path(name, str(count)), count, max(1, count // 4 if count > _PEERS_MOST else count))
            asked = {"dvc exp show -A": "exp", "dvc metrics show -A": "metrics"}
            peers = asked if wanted.peers and count <= _PEERS_MOST else {}
            rows += _rows(f"{count:,} commits", repo, peers, 0.5 if count <= _PEERS_MOST else 4.0)
        repo = tagged(Path(name, "tags"), wanted.tags)
        rows += _rows(f"{wanted.tags:,} tags", repo, {"gto show": "gto"} if wanted.peers else {}, 0.5)
    print(table(["scan", "wall s", "cpu s", "ratio", "promise"], rows))
    return 0
