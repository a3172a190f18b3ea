"""Parameters of many versions by name: versions of a model mostly have the same names, which are looked up once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, compress
from operator import attrgetter, is_not, ne, or_

from lineal.model.values import Param, Value

_NAME, _VALUE = attrgetter("name"), attrgetter("value")  # loops in C: there may be half a million
DEEP = (list, dict)
_DEEPEST = 32  # mappings in mappings that become dotted names; deeper ones stay values


class Column(Mapping[str, Param]):
    """The parameters of one version. Columns with the same names in the same order share one `index`."""

    def __init__(self, index: dict[str, int], given: Sequence[Param], values: list[Value]) -> None:
        self.index, self.held = index, values
        self._given = given

    def __getitem__(self, name: str) -> Param:
        return self._given[self.index[name]]

    def get(self, name: str, default: Param | None = None) -> Param | None:  # type: ignore[override]
        """Return the parameter of that name; without the exception that a mapping's own way costs."""
        at = self.index.get(name)
        return default if at is None else self._given[at]

    def __iter__(self) -> Iterator[str]:
        return iter(self.index)

    def __len__(self) -> int:
        return len(self.index)

    def deep(self) -> list[str]:
        """Return the names of lists and mappings, which Python may call equal where they are not: [1] and [1.0]."""
        return [name for name, at in self.index.items() if type(self.held[at]) in DEEP]

    def unlike(self, other: Column) -> Iterator[str]:
        """Yield the names that one of the two lacks, and those whose values or their types differ."""
        if self.index is other.index:
            return _unlike(list(self.index), self.held, other.held)
        shared = [name for name in self.index if name in other.index]
        mine = [self.held[self.index[name]] for name in shared]
        others = [other.held[other.index[name]] for name in shared]
        return chain(self.index.keys() ^ other.index.keys(), _unlike(shared, mine, others))


def _unlike(names: list[str], mine: list[Value], others: list[Value]) -> Iterator[str]:
    retyped = map(is_not, map(type, mine), map(type, others))
    return compress(names, map(or_, map(ne, mine, others), retyped))


def columns(given: Sequence[Sequence[Param]]) -> list[Column]:
    """Return a column for each version's parameters; mappings among them become dotted names."""
    found: list[Column] = []
    names: list[str] = []
    index: dict[str, int] = {}
    for params in given:
        flat, values = _flat(params)
        own = list(map(_NAME, flat))
        if own != names or not found:
            names, index = own, {name: at for at, name in enumerate(own)}  # of a name that stands twice the last counts
        if len(index) == len(own):
            found.append(Column(index, flat, values))
        else:
            kept = [flat[at] for at in index.values()]
            alone = {name: at for at, name in enumerate(index)}
            found.append(Column(alone, kept, list(map(_VALUE, kept))))
    return found


def _flat(given: Sequence[Param]) -> tuple[Sequence[Param], list[Value]]:
    values = list(map(_VALUE, given))
    if dict in map(type, values):
        given = list(chain.from_iterable(_leaves(param, 0) for param in given))
        values = list(map(_VALUE, given))
    return given, values


def _leaves(param: Param, depth: int) -> Iterator[Param]:
    if isinstance(param.value, dict) and param.value and depth < _DEEPEST:
        for key, value in param.value.items():
            yield from _leaves(Param(f"{param.name}.{key}", value), depth + 1)
    else:
        yield param
