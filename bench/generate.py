"""A million versions that no registry holds: 27 facts each, in an index filled through its own writer.

Four registries, 2,000 models of which one holds a fifth of all versions, 50 environments, data sets, code and aliases.
The newest version by time is named `v<count - 1>`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from lineal.config import RegistrySpec
from lineal.index.opening import open_writer
from lineal.index.spool import Spool
from lineal.model.records import Alias, Complete
from lineal.model.values import Metric, Param, Tag
from lineal.model.version import Code, Dataset, Environment, Kind, Package, Version

REGISTRIES = ("files", "hub", "prod", "risk")
MODELS = 2_000
_SCOPE = 10_000  # versions of one scope
_START = 1.5e9  # Unix seconds


def environments() -> list[Environment]:
    """Return 50 environments that differ in torch, CUDA and Python."""
    found = []
    for at in range(50):
        packages = [Package("numpy", f"2.{at % 5}.0"), Package("torch", f"2.{at % 12}.{at % 3}+cu12{at % 4}")]
        found.append(Environment(python=f"3.1{at % 3}.{at % 9}", cuda=f"12.{at % 8}", packages=tuple(packages)))
    return found


def version(at: int, draw: random.Random, some: list[Environment]) -> Version:
    """Return the version number `at`: 20 parameters, 6 metrics and a tag."""
    model = 0 if draw.random() < 0.2 else 1 + draw.randrange(MODELS - 1)
    chosen = [Param(f"name{i}", draw.choice(("adam", "sgd", "lion"))) for i in range(4)]
    steps = [Param(f"size{i}", draw.choice((16, 32, 64, 128))) for i in range(6)]
    rates = [Param(f"rate{i}", round(draw.random(), 6)) for i in range(10)]
    return Version(
        registry=REGISTRIES[model % len(REGISTRIES)],
        model=f"model-{model}",
        key=f"{draw.getrandbits(64):016x}{at:08x}",
        name=f"v{at}",
        kind=Kind.REGISTERED if at % 10 else Kind.RUN,
        number=at,
        created_at=_START + at * 61,
        author=f"user{draw.randrange(40)}",
        message=f"train model {model} again on set{at % 100}",
        params=(*chosen, *steps, *rates),
        metrics=tuple(Metric(f"metric{i}", draw.random()) for i in range(6)),
        tags=(Tag("team", f"team{draw.randrange(7)}"),),
        environment=some[at % len(some)] if at % 4 == 0 else None,
        datasets=(Dataset(name=f"set{at % 100}", digest=f"{at % 100:08x}"),) if at % 5 == 0 else (),
        code=Code(repository="https://example.com/models.git", commit=f"{at // 50:040x}") if at % 5 == 1 else None,
    )


def scopes(count: int, seed: int = 3) -> Iterator[tuple[str, list[Version]]]:
    """Yield (registry, versions of one scope)."""
    draw, some = random.Random(seed), environments()
    waiting: dict[str, list[Version]] = {name: [] for name in REGISTRIES}
    for at in range(count):
        made = version(at, draw, some)
        waiting[made.registry].append(made)
        if len(waiting[made.registry]) == _SCOPE:
            yield made.registry, waiting[made.registry]
            waiting[made.registry] = []
    yield from ((name, left) for name, left in waiting.items() if left)


def fill(index: str, count: int) -> None:
    """Fill an empty index with `count` versions."""
    number = 0
    with open_writer(index) as writer:
        for registry, versions in scopes(count):
            writer.enter(RegistrySpec(name=registry, kind="checkpoints", url=f"/{registry}"))
            with Spool(registry) as spool:
                for one in versions:
                    spool.add(one)
                    if one.number is not None and one.number % 1_000 == 0:
                        spool.add(Alias(registry=registry, model=one.model, name=f"prod{one.number}", key=one.key))
                writer.apply(spool, Complete(registry=registry, scope=str(number)))
                writer.commit()
            number += 1
