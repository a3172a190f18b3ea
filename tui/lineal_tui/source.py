"""What the worker asks of a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lineal.config import RegistrySpec
    from lineal.diff.goals import Goals
    from lineal.diff.texts import TextDiff
    from lineal.index.index import Index
    from lineal.model.diff import Diff
    from lineal.model.lineage import Tree
    from lineal.model.listing import VersionRow
    from lineal.model.values import Series
    from lineal.model.version import Tensor
    from lineal.policy.rules import Policy
    from lineal.store.care import Saved


class Source(Protocol):
    """A workspace as the worker needs it; `lineal.workspace.Workspace` is one."""

    @property
    def index(self) -> Index:
        """The index."""
        ...

    @property
    def specs(self) -> list[RegistrySpec]:
        """Every registry, configured or found."""
        ...

    @property
    def goals(self) -> Goals:
        """Which way metrics get better."""
        ...

    @property
    def policy(self) -> Policy:
        """What stands before aliases."""
        ...

    def diff(self, rows: Sequence[VersionRow], *, baseline: int = 0, changed_only: bool = True, most: int = 0) -> Diff:
        """Compare versions."""
        ...

    def text_diff(self, base: VersionRow, other: VersionRow, path: str = "") -> TextDiff:
        """Compare a text file of two versions, or their model cards."""
        ...

    def lineage(self, row: VersionRow) -> Tree:
        """Return what a version came from and what came from it."""
        ...

    def series(self, row: VersionRow, metric: str) -> Series:
        """Return a metric along training."""
        ...

    def version(self, reference: str) -> VersionRow:
        """Return the version that a reference names. Raises Error."""
        ...

    def tensors(self, row: VersionRow) -> list[Tensor]:
        """Return the headers of a version's tensors."""
        ...

    def stale(self) -> list[str]:
        """Return the local registries that have something new."""
        ...

    def unseen(self) -> list[str]:
        """Return the registries that were never read, remote ones included."""
        ...

    def statistics(self, registry: str) -> tuple[tuple[int, int, int], list[Saved]]:
        """Return packs, blocks and bytes of a native store, and what it saves of each model."""
        ...
