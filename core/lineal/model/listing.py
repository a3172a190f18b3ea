"""Rows of lists: what the index answers page by page, for tables and trees."""

from __future__ import annotations

import msgspec

from lineal.model.records import Alias, AliasMove, Confidence, EdgeKind, Node
from lineal.model.values import Value


class Sort(msgspec.Struct, frozen=True):
    """An order of versions. `field` is a field of the query language (`created`, `name`, `metric.acc`, `param.lr`).

    Versions without the field come last, whichever the direction.
    """

    field: str = "created"
    descending: bool = True


class VersionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One version in a list. `id` is private to this index and this process."""

    id: int
    registry: str
    model: str
    key: str
    name: str
    kind: str
    state: str
    number: int | None = None
    created_at: float | None = None
    author: str = ""
    message: str = ""
    aliases: tuple[str, ...] = ()
    params: dict[str, Value] = {}
    metrics: dict[str, float] = {}
    tags: dict[str, str] = {}


class ModelRow(msgspec.Struct, frozen=True, kw_only=True):
    """One model in a list. `newest_at` is in Unix seconds."""

    registry: str
    model: str
    versions: int
    newest_at: float | None = None
    description: str = ""


class RegistryRow(msgspec.Struct, frozen=True, kw_only=True):
    """One registry and how fresh the index is about it. Times are Unix seconds."""

    name: str
    kind: str
    url: str
    origin: str
    models: int = 0
    versions: int = 0
    problems: int = 0
    synced_at: float | None = None  # end of the last sync that reached its end
    error: str = ""  # why the last sync did not
    hint: str = ""
    fingerprint: str | None = None  # of the last completed sync; None for remote ones


class ProblemRow(msgspec.Struct, frozen=True, kw_only=True):
    """One unreadable thing that the last scan of its scope met."""

    registry: str
    where: str
    message: str
    hint: str = ""


class Neighbour(msgspec.Struct, frozen=True, kw_only=True):
    """One edge seen from a node: what stands at its other end, and the version there if the index holds it."""

    node: Node
    kind: EdgeKind
    confidence: Confidence
    detail: str = ""
    version: VersionRow | None = None


class AliasHistory(msgspec.Struct, frozen=True, kw_only=True):
    """The aliases of a model now, and their moves where the registry keeps a history, oldest first."""

    aliases: tuple[Alias, ...] = ()
    moves: tuple[AliasMove, ...] = ()
