"""Random questions to a generated index, from a seed: every kind of term, alone and together, under every order."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from bench.generate import CHOICES, METRICS, MODELS, RATES, SIZES, WORDS, key_of, model_of
from lineal.model.listing import Sort

Question = tuple[str, Sort]
_NEWEST = Sort()
SORTS = (
    *("created", "number", "version", "id", "author", "model", "registry", "kind", "state"),
    *(f"metric.{name}" for name in METRICS),
    *(f"param.{name}" for name in (*CHOICES, *SIZES, *RATES)),
    *("tag.team", "tag.candidate", "env.torch", "env.python"),
)


class Terms:
    """Draws terms over what `bench.generate` writes for `count` versions."""

    def __init__(self, draw: random.Random, count: int) -> None:
        self._draw, self._count = draw, count
        self.kinds: dict[str, Callable[[], str]] = {
            "metric, half of all": lambda: f"metric.{self._metric()}>{0.5 + draw.uniform(-0.2, 0.2):.3f}",
            "metric, few": lambda: f"metric.{self._metric()}>={1 - 10 ** draw.uniform(-5, -2):.6f}",
            "metric, range": lambda: f"metric.{self._metric()}:{(low := draw.random()):.3f}..{low + 0.02:.3f}",
            "any metric": lambda: f"metric.*>{1 - 10 ** draw.uniform(-5, -1):.6f}",
            "param, number": lambda: f"param.{draw.choice(SIZES)}:{1 << draw.randint(0, 12)}",
            "param, order": lambda: f"param.{draw.choice(RATES)}<{10 ** draw.uniform(-4, 0):.5f}",
            "param, text": self._param,
            "param, wildcard": lambda: f"param.arch:arch{draw.randint(0, 9)}*",
            "param, not": lambda: f"param.{draw.choice(list(CHOICES))}!=adam",
            "model": lambda: f"model:model-{draw.choice([0, draw.randrange(MODELS)]):04d}",
            "models": lambda: f"model:*{draw.randrange(100):02d}",
            "registry": lambda: f"registry:{draw.choice(['hub', 'prod', 'h*'])}",
            "author": lambda: f"by:user{draw.randrange(400)}",
            "created": lambda: f"created:{draw.choice(['<30d', '>400d', '2021', '2021-03-04', '..2021-06'])}",
            "number": lambda: f"number{draw.choice(['>=', '<', ':'])}{draw.randrange(max(2, count // 2_500))}",
            "version": lambda: f"version:v{draw.randrange(1_000_000):06d}"[: draw.choice([13, 15])].ljust(13, "*"),
            "tag": lambda: draw.choice(["tag:candidate", f"tag:team=team{draw.randrange(7)}", "-tag:team"]),
            "alias": lambda: draw.choice(["alias:prod", "-alias:prod", "has:alias"]),
            "env": lambda: draw.choice(["env.torch>=2.5", "env.torch:2.1", "-has:env.torch", "env.python<3.10"]),
            "data": lambda: draw.choice(["data:imagenet", f"data:d{draw.randrange(3)}", "-has:data"]),
            "file": lambda: draw.choice([f"file:part{draw.randrange(97)}.safetensors", "file:*.bin", "has:file"]),
            "id": lambda: f"id:{key_of(draw.randrange(count))[: draw.choice([3, 6, 9])]}",
            "kind": lambda: draw.choice(["kind:run", "kind:registered", "kind!=run", "kind:commit"]),
            "state": lambda: draw.choice(["state:failed", "state:ready", "state!=ready", "state:running"]),
            "word": lambda: draw.choice(WORDS),
            "word, its start": lambda: draw.choice(WORDS)[:4],
            "word, rare": lambda: f"try {draw.randrange(count)}",
            "words, quoted": lambda: f'"{draw.choice(WORDS)} {draw.choice(WORDS)}"',
            "message": lambda: f"message:{draw.choice(WORDS)}",
            "none passes": lambda: draw.choice(["metric.acc>2", "zebra", "by:nobody", "param.lr:x", "model:none"]),
        }

    def _metric(self) -> str:
        return self._draw.choice(METRICS)

    def _param(self) -> str:
        name = self._draw.choice(list(CHOICES))
        return f"param.{name}:{self._draw.choice(CHOICES[name])}"

    def any(self) -> str:
        """Return a term of any kind, sometimes negated."""
        term = self.kinds[self._draw.choice(list(self.kinds))]()
        return f"-{term}" if " " not in term and term[0] != "-" and self._draw.random() < 0.15 else term

    def sort(self) -> Sort:
        """Return an order, the newest first most often."""
        if self._draw.random() < 0.3:
            return _NEWEST
        return Sort(self._draw.choice(SORTS), self._draw.random() < 0.7)


def alone(seed: int, count: int, times: int) -> Iterator[tuple[str, list[Question]]]:
    """Yield, for each kind of term, questions of that term alone under any order."""
    terms = Terms(random.Random(seed), count)
    for kind, term in terms.kinds.items():
        yield kind, [(term(), terms.sort()) for _ in range(times)]


def orders() -> Iterator[tuple[str, list[Question]]]:
    """Yield everything in each order, in both directions."""
    yield "no filter, any order", [("", Sort(field, way)) for field in SORTS for way in (True, False)]


def together(seed: int, count: int, times: int) -> Iterator[tuple[str, list[Question]]]:
    """Yield questions of two and three terms, and of alternatives."""
    terms = Terms(random.Random(seed + 1), count)
    yield "two terms", [(f"{terms.any()} {terms.any()}", terms.sort()) for _ in range(times)]
    yield "three terms", [(f"{terms.any()} {terms.any()} {terms.any()}", terms.sort()) for _ in range(times)]
    yield "either of two", [(f"{terms.any()} | {terms.any()}", terms.sort()) for _ in range(times)]


def references(seed: int, count: int, times: int) -> list[str]:
    """Return references by name, alias and id."""
    draw = random.Random(seed)
    made = []
    for _ in range(times):
        at = draw.randrange(count)
        name = f"v{1_000_000 - count + at:06d}"
        made.append(f"model-{model_of(at):04d}@{draw.choice([name, 'prod', key_of(at)[:12], 'latest'])}")
    return made
