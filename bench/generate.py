"""Fills an index with as many versions as wanted through the real writer: what the other benches ask.

    python -m bench generate INDEX [--versions N]

Each version has 27 facts (20 parameters, 6 metrics, a tag). There are four registries and 2,000 models, the first of
which has a fifth of all versions; a third has an environment, a tenth names a data set, every 50th its parent, every
fourth a file. All of it follows from the version's number, so every run makes the same index.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from itertools import islice

from lineal.config import RegistrySpec
from lineal.index.clean import Said
from lineal.index.opening import open_writer
from lineal.index.spool import Spool
from lineal.index.writer import Writer
from lineal.model.records import Alias, Complete, Confidence, Edge, EdgeKind, Node, NodeKind
from lineal.model.values import Metric, Param, Tag
from lineal.model.version import (
    Algorithm,
    Dataset,
    Digest,
    Environment,
    File,
    Kind,
    Package,
    State,
    Version,
)

REGISTRIES = ("experiments", "hub", "prod", "research")
MODELS = 2_000
METRICS = ("acc", "auc", "f1", "latency", "loss", "perplexity")
SIZES = ("batch", "depth", "heads", "hidden", "layers", "steps")
RATES = ("alpha", "beta", "clip", "decay", "dropout", "eps", "gamma", "lr", "momentum", "warmup")
CHOICES = {
    "arch": [f"arch{i}" for i in range(100)],
    "device": ["cuda", "cpu"],
    "optimizer": ["adam", "sgd", "lion", "adafactor"],
    "scheduler": ["cosine", "linear", "constant"],
}
WORDS = [f"{a}{b}" for a in ("bold", "calm", "deep", "fast", "grey", "warm") for b in ("fox", "hill", "lake", "moss")]
SCOPE = 50_000  # versions
_LAST = 1_000_000  # the newest version is always v999999, whatever their number
_PACKAGES = [
    Environment(
        python=f"3.{9 + i % 4}",
        cuda=f"12.{i % 5}",
        packages=(Package("numpy", f"1.{20 + i % 7}.0"), Package("torch", f"2.{i % 8}.{i % 3}")),
    )
    for i in range(60)
]


def model_of(at: int) -> int:
    """Return the number of a version's model: every fifth is of the first."""
    mixed = at * 2654435761 % 2**32
    return 0 if mixed % 5 == 0 else 1 + (mixed >> 8) % (MODELS - 1)


def key_of(at: int) -> str:
    """Return a version's key, as random as a hash."""
    return f"{(at + 1) * 0x9E3779B97F4A7C15 % 2**64:016x}{at:08x}"


def _params(draw: random.Random) -> tuple[Param, ...]:
    chosen = [Param(name, draw.choice(values)) for name, values in CHOICES.items()]
    sizes = [Param(name, 1 << draw.randint(0, 12)) for name in SIZES]
    return (*chosen, *sizes, *(Param(name, round(draw.random(), 6)) for name in RATES))


def version(at: int, count: int) -> Version:
    """Return the version of that number, of `count`."""
    draw = random.Random(at)
    model = model_of(at)
    return Version(
        registry=REGISTRIES[model % 4],
        model=f"model-{model:04d}",
        key=key_of(at),
        name=f"v{_LAST - count + at:06d}",
        kind=Kind.RUN if at % 3 == 0 else Kind.REGISTERED,
        number=at // (5 if model == 0 else 5 * (MODELS - 1) // 4),
        created_at=1.6e9 + at * 120,
        author=f"user{draw.randrange(400)}",
        message=f"train {draw.choice(WORDS)} {draw.choice(WORDS)} again, try {at}",
        state=State.FAILED if at % 500 == 7 else State.READY,
        params=_params(draw),
        metrics=tuple(Metric(name, draw.random()) for name in METRICS),
        tags=(Tag("candidate" if at % 1000 == 1 else "team", f"team{at % 7}"),),
        environment=_PACKAGES[draw.randrange(60)] if at % 3 == 1 else None,
        datasets=(Dataset(name="imagenet", digest=f"d{at % 3}"),) if at % 10 == 2 else (),
        files=(_file(at),) if at % 4 == 0 else (),
    )


def _file(at: int) -> File:
    return File(path=f"out/part{at % 97}.safetensors", size=1 << 20, digest=Digest(Algorithm.SHA256, f"{at // 3:064x}"))


def records(registry: str, count: int) -> Iterator[Said]:
    """Yield what a registry says: its versions, the parent of every 50th, and each model's alias."""
    before: dict[int, Version] = {}
    for at in range(count):
        model = model_of(at)
        if REGISTRIES[model % 4] != registry:
            continue
        said = version(at, count)
        yield said
        if (parent := before.get(model)) is None:
            yield Alias(registry=registry, model=said.model, name="prod", key=said.key)
        elif at % 50 == 0:
            ends = [Node(NodeKind.VERSION, registry, one.model, one.key) for one in (said, parent)]
            yield Edge(child=ends[0], parent=ends[1], kind=EdgeKind.FINETUNED, confidence=Confidence.DECLARED)
        before[model] = said


def fill(writer: Writer, count: int) -> None:
    """Write all registries, each in scopes of some size."""
    for registry in REGISTRIES:
        writer.enter(RegistrySpec(name=registry, kind="checkpoints", url=f"/{registry}"))
        rest, number = records(registry, count), 0
        while True:
            with Spool(registry, writer.database.folder) as spool:
                for record in islice(rest, SCOPE):
                    spool.add(record)
                if not spool.count:
                    break
                writer.apply(spool, Complete(registry=registry, scope=str(number)))
                writer.commit()
            number += 1
        writer.succeed(registry, None, 1.6e9 + count * 120)
    writer.commit()
    writer.database.analyse()


def main(argv: list[str]) -> int:
    """Read the command line and fill."""
    parser = argparse.ArgumentParser(prog="python -m bench generate")
    parser.add_argument("index", help="a file or postgresql:// URL that holds no index yet")
    parser.add_argument("--versions", type=int, default=1_000_000)
    given = parser.parse_args(argv)
    start = time.perf_counter(), time.process_time()
    with open_writer(given.index) as writer:
        fill(writer, given.versions)
    wall, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
    print(f"{given.versions:,} versions in {wall:,.0f} s, {cpu:,.0f} s of CPU")
    return 0
