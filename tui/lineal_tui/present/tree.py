"""Registries and their models as a tree of lines."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from lineal.model.listing import ModelRow, RegistryRow
from lineal_tui.places import Scope
from lineal_tui.present import text
from lineal_tui.present.ink import Line, Span, Tone, fit_path, fit_right, width

_AGE = 6  # cells of an age with a space before it
_COUNT = 4  # cells of a count at least, so that most of them stand in a column
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
    age: str = ""  # of the last sync of a registry, of the newest version of a model
    stale: bool = False  # never read to its end
    reading: bool = False


def branches(
    registries: Iterable[RegistryRow],
    models: Iterable[ModelRow],
    unfolded: Collection[str],
    shown: dict[str, int],
    now: float,
    reading: Collection[str],
) -> list[Branch]:
    """Return the visible lines. `shown` says how many models of a registry, where more than usual.

    `reading` are the registries that a sync reads at present.
    """
    by_registry: dict[str, list[ModelRow]] = {}
    for model in models:
        by_registry.setdefault(model.registry, []).append(model)
    rows = {row.name: row for row in registries}
    total = sum(model.versions for members in by_registry.values() for model in members)
    out = [Branch(Scope(), "everything", total, 0, None)]
    for name in sorted({*rows, *by_registry}):
        known = by_registry.get(name, [])
        out.append(_registry(name, rows.get(name), known, name in unfolded, now)._replace(reading=name in reading))
        if name in unfolded:
            out += _models(name, known, shown.get(name, SHOWN), now)
    return out


def _registry(name: str, row: RegistryRow | None, models: list[ModelRow], unfolded: bool, now: float) -> Branch:
    count = sum(model.versions for model in models)
    synced = row.synced_at if row else None
    return Branch(
        Scope(name), name, count, 0, unfolded if models else None,
        broken=bool(row and row.error), age=_age(synced, now) or "never", stale=synced is None,
    )  # fmt: skip


def _models(name: str, models: list[ModelRow], limit: int, now: float) -> list[Branch]:
    out = [
        Branch(Scope(name, one.model), one.model, one.versions, 1, None, age=_age(one.newest_at, now))
        for one in models[:limit]
    ]
    if len(models) > limit:
        out.append(Branch(Scope(name), "", 0, 1, None, more=len(models) - limit))
    return out


def _age(then: float | None, now: float) -> str:
    """Return an age as short as there is room: `59m`, `2h`."""
    return text.age(then, now).replace(" min", "m").replace(" ", "")


def line(branch: Branch, cells: int) -> Line:
    """Return one line of the tree in so many cells: the name, how old, how many. The age gives way to the name."""
    if branch.more:
        return (Span(f"   … {branch.more} more", Tone.DIM),)
    fold = {True: "▾ ", False: "▸ ", None: "  "}[branch.open]
    start = "   " if branch.depth else fold
    count = text.count(branch.versions).rjust(_COUNT)
    glyph, mark = ("◔", Tone.ACCENT) if branch.reading else ("✘", Tone.ERROR) if branch.broken else (" ", Tone.DIM)
    name = text.safe(branch.label, 120)
    room = max(4, cells - len(count) - 2 - len(start))
    age = branch.age if width((Span(name),)) + _AGE <= room or not branch.depth else ""
    room -= _AGE if age else 0
    tone = Tone.DIM if not branch.versions else Tone.PLAIN if branch.depth else Tone.STRONG
    return (
        Span(start + fit_path(name, max(4, room)), tone),
        Span(fit_right(age, _AGE) if age else "", Tone.WARN if branch.stale else Tone.DIM),
        Span(f" {glyph}", mark),
        Span(count, Tone.DIM),
    )
