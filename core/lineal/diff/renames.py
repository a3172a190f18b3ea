"""Things that kept their bytes and changed their name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping
from typing import TypeVar

T = TypeVar("T")


def renamed(
    base: Mapping[str, T], column: Mapping[str, T], digests: Callable[[T], Collection[Hashable]]
) -> Mapping[str, T]:
    """Return `column` with things that only changed their name under the name that the baseline has for them.

    What both know by name stays; of several with the same digest the first takes the first.
    """
    if column is base:
        return base
    lost: dict[Hashable, list[str]] = {}
    for name, thing in base.items():
        if name not in column:
            for digest in digests(thing):
                lost.setdefault(digest, []).append(name)
    taken: set[str] = set()
    result: dict[str, T] = {}
    for name, thing in column.items():
        old = None if name in base else _first(lost, digests(thing), taken)
        if old is not None:
            taken.add(old)
        result[old if old is not None else name] = thing
    return result


def _first(lost: Mapping[Hashable, list[str]], digests: Collection[Hashable], taken: set[str]) -> str | None:
    return next((name for digest in digests for name in lost.get(digest, ()) if name not in taken), None)
