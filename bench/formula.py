"""A million versions from a formula: a source that costs next to nothing, to measure the screen alone."""
# ruff: noqa: ARG002 - it answers the same whatever is asked

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, cast

from lineal.errors import Unsupported
from lineal.index.index import Index
from lineal.index.rows import Rows
from lineal.model.listing import ModelRow, Neighbour, RegistryRow, Sort, VersionRow
from lineal.model.records import Node
from lineal.model.values import Metric, Param, Series
from lineal.model.version import Tensor, Version
from lineal.policy.rules import Policy

if TYPE_CHECKING:
    from lineal.config import RegistrySpec
    from lineal.diff.goals import Goals
    from lineal.diff.texts import TextDiff
    from lineal.model.diff import Diff
    from lineal.model.lineage import Tree
    from lineal.model.plan import Plan
    from lineal.store.care import Saved
    from lineal_tui.desking import Desk

COUNT = 1_000_000


def _row(at: int) -> VersionRow:
    number = COUNT - 1 - at
    return VersionRow(
        id=number, registry="formula", model="model", key=f"{number:012x}", name=f"v{number:06d}", kind="registered",
        state="ready", number=number, created_at=1.5e9 + number, author=f"user{number % 40}", message="train again",
        params={f"rate{i}": (number * (i + 3)) % 97 / 97 for i in range(20)},
        metrics={f"metric{i}": (number * (i + 7)) % 89 / 89 for i in range(6)},
    )  # fmt: skip


class _Rows(Rows):
    def __init__(self) -> None:
        self.count, self.exact = self.PAGE, False

    def page(self, number: int, deadline_ms: float | None = None) -> list[VersionRow]:
        start = number * self.PAGE
        self.count = max(self.count, min(COUNT, start + self.PAGE))
        return [_row(at) for at in range(start, min(COUNT, start + self.PAGE))]

    def measure(self) -> int:
        self.count, self.exact = COUNT, True
        return COUNT


class FormulaIndex(Index):
    """An index without a store."""

    def __init__(self) -> None:
        """There is nothing to open."""

    def rows(self, query: str = "", sort: Sort | None = None) -> Rows:
        """Return all versions, whatever is asked."""
        return _Rows()

    def models(self, query: str = "") -> list[ModelRow]:
        """Return the one model."""
        return [ModelRow(registry="formula", model="model", versions=COUNT)]

    def registries(self) -> list[RegistryRow]:
        """Return the one registry."""
        return [RegistryRow(name="formula", kind="formula", url="", origin="found", versions=COUNT, synced_at=1.7e9)]

    def version(self, row_id: int) -> Version:
        """Return a version with what its row says."""
        row = _row(COUNT - 1 - row_id)
        return Version(
            registry=row.registry, model=row.model, key=row.key, name=row.name, kind="registered",  # type: ignore[arg-type]
            created_at=row.created_at, author=row.author, message=row.message,
            params=tuple(Param(name, value) for name, value in row.params.items()),
            metrics=tuple(Metric(name, value) for name, value in row.metrics.items()),
        )  # fmt: skip

    def find(self, registry: str, model: str, key: str) -> VersionRow | None:
        """Return the version of that key."""
        return _row(COUNT - 1 - int(key, 16))

    def parents(self, nodes: Sequence[Node]) -> dict[Node, list[Neighbour]]:
        """There are none."""
        return {}


class Formula:
    """A workspace over the formula; it compares and traces nothing."""

    def __init__(self) -> None:
        self.index = FormulaIndex()
        self.policy = Policy()
        self.specs: list[RegistrySpec] = []

    @cached_property
    def goals(self) -> Goals:
        """Return those of their names; loaded when they are asked for, as a workspace does."""
        from lineal.diff.goals import Goals

        return Goals()

    def text_diff(self, base: VersionRow, other: VersionRow, path: str = "") -> TextDiff:
        """Refuse."""
        raise Unsupported("a formula has no texts")

    def diff(self, rows: Sequence[VersionRow], *, baseline: int = 0, changed_only: bool = True, most: int = 0) -> Diff:
        """Not here."""
        raise Unsupported("the formula compares nothing")

    def lineage(self, row: VersionRow) -> Tree:
        """Not here."""
        raise Unsupported("the formula has no lineage")

    def series(self, row: VersionRow, metric: str) -> Series:
        """There are no curves."""
        return Series(metric, [], [], [])

    def version(self, reference: str) -> VersionRow:
        """Return the first."""
        return _row(0)

    def tensors(self, row: VersionRow) -> list[Tensor]:
        """Return none."""
        return []

    def unseen(self) -> list[str]:
        """Everything was read."""
        return []

    def statistics(self, registry: str) -> tuple[tuple[int, int, int], list[Saved]]:
        """Nothing here is a store."""
        return (0, 0, 0), []

    def stale(self) -> list[str]:
        """Nothing ever changes."""
        return []


class _Idle:
    """A desk at which nothing is done."""

    read_only, who = "", "bench"

    def can(self, registry: str, kind: str) -> str:
        """Nothing is refused, for nothing is asked."""
        return ""

    def open_actions(self) -> list[Plan]:
        """Nothing was begun."""
        return []

    def close(self) -> None:
        """Nothing is held."""


def _idle() -> Desk:
    """Return it; the others of its methods are never called."""
    return cast("Desk", _Idle())


def show() -> None:
    """Open the application on the formula."""
    import os

    from lineal_tui.main import hurry

    hurry()
    from lineal_tui.app import LinealApp

    LinealApp(Formula(), desk=_idle, workspace="bench", cwd="/", environ=dict(os.environ), sync=("/bin/true",)).run()
