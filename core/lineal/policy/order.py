"""Whether the order that gates ask for can be kept at all."""

from __future__ import annotations

from collections.abc import Sequence

from lineal.errors import ConfigError
from lineal.policy.rules import Gate, matches


def refuse_cycles(gates: Sequence[Gate], where: str) -> None:
    """Refuse gates that each wait for another: no version could pass. Raises ConfigError."""
    for start in range(len(gates)):
        if way := _way_round(gates, start):
            names = " → ".join(gates[at].after for at in way)
            raise ConfigError(
                f"{where}: gate {start + 1} ({gates[start].name}) asks for itself: {names}",
                hint="take out one `after`: no version could pass",
            )


def _way_round(gates: Sequence[Gate], start: int) -> list[int]:
    """Return the gates on a way from one back to itself, or none."""
    came: dict[int, int] = {}
    waiting = [start]
    while waiting:
        at = waiting.pop()
        for other, gate in enumerate(gates):
            if not gates[at].after or not gate.after or not _asks(gates[at], gate):
                continue
            if other == start:
                return _back(came, at, start)
            if other not in came:
                came[other] = at
                waiting.append(other)
    return []


def _back(came: dict[int, int], at: int, start: int) -> list[int]:
    way = [at]
    while way[-1] != start:
        way.append(came[way[-1]])
    return way[::-1]


def _asks(gate: Gate, other: Gate) -> bool:
    """Say whether `other` stands before the alias that `gate` wants first, for models that both may concern."""
    return (
        matches(other.alias, gate.after)
        and _overlap(gate.models, other.models)
        and _overlap(gate.registries, other.registries)
    )


def _overlap(some: Sequence[str], others: Sequence[str]) -> bool:
    """Say whether two lists of globs share a name, as far as one of a pair is a name itself, or matches all."""
    return any(matches((one,), other) or matches((other,), one) for one in some for other in others)
