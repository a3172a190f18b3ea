"""Which stages have to do with one another, so that a model gets its own metrics and not those of its neighbour.

DVC shows all metrics of a commit together. Where one `dvc.yaml` trains several models, as `foreach` does, each file of
metrics comes from a stage, and a stage is a model's own if it leads to the model or starts from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from lineal.registries.dvc.outs import Out

Stage = tuple[str, str]  # the lock file and the name in it


class Stages:
    """The stages of one commit, linked where one reads what another makes."""

    def __init__(self, outs: Iterable[tuple[str, Out]], models: Iterable[str]) -> None:
        """Link stages.

        Args:
            outs: lock files and the outs in them.
            models: paths of models, made by stages or not.
        """
        self._maker: dict[str, Stage] = {}
        self._readers: dict[str, set[Stage]] = defaultdict(set)
        for file, out in outs:
            if out.stage:
                self._maker[out.path] = (file, out.stage)
                for dep in out.deps:
                    self._readers[dep.path].add((file, out.stage))
        self._down: dict[Stage, set[Stage]] = defaultdict(set)
        self._up: dict[Stage, set[Stage]] = defaultdict(set)
        self._link()
        makers = {maker for model in models if (maker := self._making(model))}
        readers = {stage for model in models if not self._making(model) for stage in self._reading(model)}
        self._claimed = _closure(makers | readers, self._down) | _closure(makers, self._up)
        self._near: dict[Stage, tuple[set[Stage], set[Stage]]] = {}

    def _link(self) -> None:
        for path, stage in self._maker.items():
            for reader in self._reading(path):
                self._link_two(stage, reader)
        for path, readers in list(self._readers.items()):
            for reader in readers:
                if maker := self._making(path):
                    self._link_two(maker, reader)

    def _link_two(self, first: Stage, then: Stage) -> None:
        if first != then:
            self._down[first].add(then)
            self._up[then].add(first)

    def _reading(self, path: str) -> Iterator[Stage]:
        """Yield the stages that depend on a path or on a folder that it is in."""
        for at in _upward(path):
            yield from self._readers.get(at, ())

    def _making(self, path: str) -> Stage | None:
        """Return the stage that makes a path or a folder that it is in."""
        return next((self._maker[at] for at in _upward(path) if at in self._maker), None)

    def strange(self, model: str, path: str) -> bool:
        """Say whether a path was made by a stage that has to do with another model and not with this one."""
        maker = self._making(path)
        if maker is None or maker not in self._claimed:
            return False
        if maker not in self._near:  # by the paths that are asked for: they are few, and models may be many
            self._near[maker] = _closure([maker], self._up), _closure([maker], self._down)
        before, after = self._near[maker]
        made = self._making(model)
        if made is not None:
            return made not in before and made not in after
        return before.isdisjoint(self._reading(model))


def _upward(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]


def _closure(start: Iterable[Stage], links: Mapping[Stage, set[Stage]]) -> set[Stage]:
    found: set[Stage] = set()
    ahead = list(start)
    while ahead:
        stage = ahead.pop()
        if stage not in found:
            found.add(stage)
            ahead.extend(links.get(stage, ()))
    return found
