"""Registries and their models as a tree of lines."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from lineal.model.listing import ModelRow, RegistryRow
from lineal_tui.places import Scope
from lineal_tui.present import text
from lineal_tui.present.ink import Line, Span, Tone, fit_path

SHOWN = 200
"""Models that an unfolded registry shows before `more`."""


class Branch(NamedTuple):
    """One line of the tree: all, a registry, a model, or `more` models of a registry."""

    scope: Scope
    label: str
    versions: int
    depth: int
    open: bool | None  # None for what has nothing below
    broken: bool = False
    more: int = 0


def branches(
    registries: Iterable[RegistryRow], models: Iterable[ModelRow], unfolded: Collection[str], shown: dict[str, int]
) -> list[Branch]:
    """Return the visible lines. `shown` says how many models of a registry, where more than usual."""
    by_registry: dict[str, list[ModelRow]] = {}
    for model in models:
        by_registry.setdefault(model.registry, []).append(model)
    rows = {row.name: row for row in registries}
    total = sum(model.versions for members in by_registry.values() for model in members)
    out = [Branch(Scope(), "everything", total, 0, None)]
    for name in sorted({*rows, *by_registry}):
        out += _registry(name, rows.get(name), by_registry.get(name, []), name in unfolded, shown.get(name, SHOWN))
    return out


def _registry(name: str, row: RegistryRow | None, models: list[ModelRow], unfolded: bool, limit: int) -> list[Branch]:
    count = sum(model.versions for model in models)
    broken = bool(row and row.error)
    out = [Branch(Scope(name), name, count, 0, unfolded if models else None, broken)]
    if unfolded:
        out += [Branch(Scope(name, model.model), model.model, model.versions, 1, None) for model in models[:limit]]
        if len(models) > limit:
            out.append(Branch(Scope(name), "", 0, 1, None, more=len(models) - limit))
    return out


def line(branch: Branch, cells: int) -> Line:
    """Return one line of the tree in so many cells."""
    if branch.more:
        return (Span(f"   … {branch.more} more", Tone.DIM),)
    fold = {True: "▾ ", False: "▸ ", None: "  "}[branch.open]
    start = "   " if branch.depth else fold
    count = text.count(branch.versions)
    room = max(4, cells - len(count) - 2 - len(start))
    tone = Tone.DIM if not branch.versions else Tone.PLAIN if branch.depth else Tone.STRONG
    return (
        Span(start + fit_path(text.safe(branch.label, 120), room), tone),
        Span("✘ " if branch.broken else "  ", Tone.ERROR),
        Span(count, Tone.DIM),
    )
