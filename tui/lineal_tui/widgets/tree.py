"""The tree of registries and models: models are laid out when their registry is unfolded, a few hundred at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from lineal.model.listing import ModelRow, RegistryRow
from lineal_tui.places import Scope
from lineal_tui.present import tree
from lineal_tui.present.ink import BLANK, Line
from lineal_tui.widgets.lines import Lines


class ModelTree(Lines):
    """Registries and their models, with the number of versions that match."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._registries: Sequence[RegistryRow] = ()
        self._models: Sequence[ModelRow] = ()
        self._unfolded: set[str] = set()
        self._shown: dict[str, int] = {}
        self._now = 0.0
        self._reading: Collection[str] = ()
        self.branches: list[tree.Branch] = []

    def show(self, registries: Sequence[RegistryRow], models: Sequence[ModelRow], now: float) -> None:
        """Show other registries and models, their ages told from `now`; the cursor stays on the scope it is on."""
        scope = self.scope
        self._now = now
        if not self.branches and len(registries) <= 8 and len(models) <= 60:
            self._unfolded = {row.name for row in registries}
        self._registries, self._models = registries, models
        self._lay(scope)

    def read(self, names: Collection[str]) -> None:
        """Mark the registries that a sync reads at present."""
        if set(names) != set(self._reading):
            self._reading = frozenset(names)
            self._lay(self.scope)

    @property
    def scope(self) -> Scope:
        """The part of the index under the cursor."""
        return self.branches[self.cursor].scope if self.cursor < len(self.branches) else Scope()

    def reveal(self, scope: Scope) -> None:
        """Put the cursor on a registry or model, unfolding what hides it."""
        if scope.model:
            self._unfolded.add(scope.registry)
            names = [row.model for row in self._models if row.registry == scope.registry]
            if scope.model in names:
                self._shown[scope.registry] = max(tree.SHOWN, names.index(scope.model) + 1)
        self._lay(scope)

    def _lay(self, scope: Scope) -> None:
        self.branches = tree.branches(
            self._registries, self._models, self._unfolded, self._shown, self._now, self._reading
        )
        at = [i for i, branch in enumerate(self.branches) if branch.scope == scope and not branch.more]
        self.changed()
        if at:
            self.cursor = at[0]

    def total(self) -> int:
        """Return the number of visible lines."""
        return len(self.branches)

    def line_at(self, index: int) -> Line:
        """Return one line."""
        return tree.line(self.branches[index], self.room) if index < len(self.branches) else BLANK

    def sideways(self, by: int) -> None:
        """Unfold a registry, or fold the one that the cursor is in."""
        if self.cursor >= len(self.branches):
            return
        branch = self.branches[self.cursor]
        if branch.more:
            self._more(branch.scope.registry)
        elif by > 0 and branch.open is False:
            self._unfolded.add(branch.scope.registry)
            self._lay(branch.scope)
        elif by < 0 and branch.scope.registry:
            self._unfolded.discard(branch.scope.registry)
            self._lay(Scope(branch.scope.registry))

    def _more(self, registry: str) -> None:
        self._shown[registry] = self._shown.get(registry, tree.SHOWN) + tree.SHOWN
        cursor = self.cursor
        self._lay(Scope(registry, ""))
        self.cursor = cursor

    def enter(self) -> None:
        """Unfold `more`, else choose."""
        if self.cursor < len(self.branches) and self.branches[self.cursor].more:
            self._more(self.branches[self.cursor].scope.registry)
        else:
            super().enter()
