"""The index as its readers see it. Everything here is derived: delete the file, sync, and the same rows come back."""

from __future__ import annotations

from collections.abc import Sequence

from lineal.model.listing import AliasHistory, ModelRow, Neighbour, ProblemRow, RegistryRow, Sort, VersionRow
from lineal.model.records import Node
from lineal.model.reference import Reference
from lineal.model.version import Version


class Rows:
    """One ordered list of versions (a filter and a sort), read in pages of `PAGE` rows by ordinal."""

    PAGE = 128
    count: int  # rows known to exist so far; exact once `exact`
    exact: bool

    def page(self, number: int, deadline_ms: float | None = None) -> list[VersionRow] | None:
        """Return rows [number*PAGE, number*PAGE+PAGE); None if `deadline_ms` passed first. Thread-safe."""
        raise NotImplementedError

    def measure(self) -> int:
        """Count exactly and remember anchors for random access; slow, for a background thread."""
        raise NotImplementedError


class Index:
    """Read access; `lineal.index.open_index(url_or_path)` makes one. Methods may be called from any thread."""

    def rows(self, query: str = "", sort: Sort | None = None) -> Rows:
        """Return the versions that match `query`. Raises QueryError pointing at the wrong word."""
        raise NotImplementedError

    def models(self, query: str = "") -> list[ModelRow]:
        """Return the models (with counts), by registry and name; with a query, those with a matching version."""
        raise NotImplementedError

    def registries(self) -> list[RegistryRow]:
        """Return every registry the index has seen, by name."""
        raise NotImplementedError

    def problems(self, registry: str = "") -> list[ProblemRow]:
        """Return what could not be read, of one registry or all."""
        raise NotImplementedError

    def version(self, row_id: int) -> Version:
        """Return the whole version. Raises NotFound."""
        raise NotImplementedError

    def resolve(self, reference: Reference) -> VersionRow:
        """Find the one version that a reference names (rules: architecture). Raises NotFound, Conflict (lists all)."""
        raise NotImplementedError

    def find(self, registry: str, model: str, key: str) -> VersionRow | None:
        """Return the version of that identity, if the index holds it."""
        raise NotImplementedError

    def history(self, registry: str, model: str) -> AliasHistory:
        """Return the aliases of a model and their recorded moves."""
        raise NotImplementedError

    def parents(self, nodes: Sequence[Node]) -> dict[Node, list[Neighbour]]:
        """Return the edges from each node to its parents, data sets and code, and copies (proved by equal bytes)."""
        raise NotImplementedError

    def children(self, nodes: Sequence[Node], limit: int = 200) -> dict[Node, list[Neighbour]]:
        """Return the edges from each node to its children, at most `limit` each, newest first."""
        raise NotImplementedError

    def keys(self, kind: str, prefix: str = "", limit: int = 50) -> list[str]:
        """Return names in use, for completion: kind is metric, param, tag, env, model, alias, author, registry."""
        raise NotImplementedError

    def values(self, field: str, prefix: str = "", limit: int = 50) -> list[str]:
        """Return values that a field takes, for completion."""
        raise NotImplementedError

    def close(self) -> None:
        """Close all connections."""
        raise NotImplementedError
