"""Promise: comparing 10,000 parameters costs a fraction of a plain DeepDiff of the same data, and finds the same."""

from __future__ import annotations

import argparse
import random
from collections.abc import Sequence

from bench.measure import cpu_ms, table
from lineal.diff import compare
from lineal.model.diff import Facet
from lineal.model.values import Param, Scalar
from lineal.model.version import Kind, Version


def _settings(count: int, seed: int) -> dict[str, Scalar]:
    chance = random.Random(seed)
    makers = (chance.random, lambda: chance.randrange(1_000), lambda: f"relu-{chance.randrange(50)}", lambda: True)
    return {f"stage{at // 100}.layer{at % 100}.p{at}": makers[at % 4]() for at in range(count)}


def _changed(settings: dict[str, Scalar], share: float, seed: int) -> dict[str, Scalar]:
    chance = random.Random(seed)
    names = chance.sample(sorted(settings), round(len(settings) * share))
    return settings | {name: f"changed {name}" for name in names}


def _version(name: str, settings: dict[str, Scalar]) -> Version:
    params = tuple(Param(key, value) for key, value in settings.items())
    return Version(registry="bench", model="m", key=name, name=name, kind=Kind.RUN, params=params)


def _line(share: float, count: int) -> list[str]:
    from deepdiff import DeepDiff

    before = _settings(count, 1)
    after = _changed(before, share, 2)
    pair = [_version("a", before), _version("b", after)]
    found = compare(pair, facets=[Facet.PARAMS]).sections[0]
    plain = DeepDiff(before, after, ignore_nan_inequality=True)
    same = {row.name for row in found.rows} == {path[6:-2] for kind in plain.values() for path in kind}
    ours = cpu_ms(lambda: compare(pair, facets=[Facet.PARAMS]))
    everything = cpu_ms(lambda: compare(pair, facets=[Facet.PARAMS], changed_only=False))
    theirs = cpu_ms(lambda: DeepDiff(before, after, ignore_nan_inequality=True), 3)
    texts = f"{ours:.1f}", f"{everything:.1f}", f"{theirs:.1f}", f"{ours / theirs:.3f}", "yes" if same else "NO"
    return [f"{count:,} parameters, {share:.1%} changed", *texts]


def main(argv: Sequence[str]) -> int:
    """Print CPU milliseconds for some shares of changed parameters."""
    parser = argparse.ArgumentParser(prog="python -m bench diff", description=__doc__)
    parser.add_argument("--params", type=int, default=10_000)
    count = parser.parse_args(argv).params
    rows = [_line(share, count) for share in (0.0, 0.002, 0.1)]
    print(table(["CPU ms", "lineal", "all rows", "DeepDiff", "ratio", "same names"], rows))
    return int(any(row[-1] == "NO" for row in rows))
