"""The worker's side of `tabs`: how tensors, kin, cards, environments, ranges and names are found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, assert_never

from lineal.errors import NotFound
from lineal.index.index import Index
from lineal.model.listing import VersionRow
from lineal.model.records import Node, NodeKind
from lineal.model.version import Environment, Tensor, Version
from lineal_tui import tabs
from lineal_tui.places import identity
from lineal_tui.present import card

_CHILDREN = 200
_NAMES = 400  # of a kind: more than anybody reads through, and typing narrows them
_TAKEN = ("metric", "param", "tag", "env")

Answer = tabs.TensorsReady | tabs.KinReady | tabs.CardReady | tabs.RecordedReady | tabs.RangeReady | tabs.NamesReady


class Files(Protocol):
    """What is asked of a workspace that can read files."""

    def tensors(self, row: VersionRow) -> list[Tensor]:
        """Return the headers of a version's tensors."""
        ...


def answer(request: tabs.Tabbed, index: Index, source: Files, now: Callable[[VersionRow], VersionRow]) -> Answer:
    """Answer a request; `now` finds the row of a version as the index holds it at present."""
    match request:
        case tabs.TensorsRequest():
            return tabs.TensorsReady(request, source.tensors(now(request.row)))
        case tabs.KinRequest():
            return _kin(request, index)
        case tabs.CardRequest():
            return _card(request, index, now)
        case tabs.RecordedRequest():
            return tabs.RecordedReady(request, {identity(row): held for row, held in _recorded(request, index, now)})
        case tabs.RangeRequest():
            return tabs.RangeReady(request, list(_range(request)))
        case tabs.NamesRequest():
            return tabs.NamesReady(request, {kind: index.keys(kind, "", _NAMES) for kind in _TAKEN})
        case _:
            assert_never(request)


def _kin(request: tabs.KinRequest, index: Index) -> tabs.KinReady:
    node = Node(NodeKind.VERSION, *identity(request.row))
    children = index.children([node], _CHILDREN).get(node, [])
    return tabs.KinReady(request, index.parents([node]).get(node, []), children)


def _card(request: tabs.CardRequest, index: Index, now: Callable[[VersionRow], VersionRow]) -> tabs.CardReady:
    said = index.version(now(request.row).id).card
    if said.strip():
        return tabs.CardReady(request, card.lines(said, request.cells))
    kinds = {row.name: row.kind for row in index.registries()}
    return tabs.CardReady(request, card.nowhere(kinds.get(request.row.registry, ""), request.cells))


def _recorded(
    request: tabs.RecordedRequest, index: Index, now: Callable[[VersionRow], VersionRow]
) -> Iterator[tuple[VersionRow, dict[str, str]]]:
    for row in request.rows:
        try:
            version = index.version(now(row).id)
        except NotFound:  # a sync has just removed it: the list will follow
            yield row, {}
        else:
            yield row, _named(version, request.names)


def _named(version: Version, names: Sequence[str]) -> dict[str, str]:
    if version.environment is None:
        return {}
    packages = {package.name: package.version or "yes" for package in version.environment.packages}
    found = ((name, part(version.environment, name) or packages.get(name, "")) for name in names)
    return {name: said for name, said in found if said}


def part(environment: Environment, name: str) -> str:
    """Return what an environment says of the machine: its names are those that the filter knows behind `env.`."""
    if name == "gpu":
        return ", ".join(environment.gpus)
    return str(getattr(environment, name)) if name in PARTS else ""


PARTS = ("python", "cuda", "cudnn", "driver", "os", "cpu", "image")


def _range(request: tabs.RangeRequest) -> Iterator[VersionRow]:
    size = request.rows.PAGE
    for number in range(request.first // size, request.last // size + 1):
        for at, row in enumerate(request.rows.page(number) or [], number * size):
            if request.first <= at <= request.last:
                yield row
