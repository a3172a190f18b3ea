"""What a registry says when it is scanned, one record at a time."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from lineal.model.values import Tag
from lineal.model.version import Version


class NodeKind(StrEnum):
    """What stands at one end of an edge."""

    VERSION = "version"
    MODEL = "model"  # a model named without a registry, such as a card's `base_model`
    DATASET = "dataset"
    CODE = "code"


class Node(msgspec.Struct, frozen=True, order=True):
    """One end of an edge.

    | kind    | registry | name                     | key                             |
    | version | registry | model                    | the version's key               |
    | model   | ""       | the name as it was given | a revision, or "" for any       |
    | dataset | ""       | the data set's name      | its digest                      |
    | code    | ""       | the repository's URL     | the commit                      |
    """

    kind: NodeKind
    registry: str
    name: str
    key: str


class EdgeKind(StrEnum):
    """How a child came from its parent."""

    TRAINED_FROM = "trained_from"
    FINETUNED = "finetuned"
    ADAPTER = "adapter"
    MERGED = "merged"
    QUANTIZED = "quantized"
    DISTILLED = "distilled"
    RESUMED = "resumed"
    COPIED = "copied"
    TRAINED_ON = "trained_on"  # the parent is a data set
    BUILT_FROM = "built_from"  # the parent is code


class Confidence(StrEnum):
    """How well an edge is known."""

    PROVED = "proved"  # the same hash
    DECLARED = "declared"  # somebody wrote it down
    INFERRED = "inferred"  # a guess


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """`child` came from `parent`. Edges to data sets and code are made from the version itself, not by registries."""

    child: Node
    parent: Node
    kind: EdgeKind
    confidence: Confidence
    detail: str = ""  # the field or file that says so


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model of a registry, with or without versions."""

    registry: str
    name: str
    description: str = ""
    tags: tuple[Tag, ...] = ()


class AliasKind(StrEnum):
    """What kind of movable name an alias is."""

    ALIAS = "alias"
    STAGE = "stage"
    BRANCH = "branch"
    REF = "ref"  # a Hugging Face ref
    TAG = "tag"  # a plain git tag


class Alias(msgspec.Struct, frozen=True, kw_only=True):
    """A movable name that points at one version of a model, now."""

    registry: str
    model: str
    name: str
    key: str
    kind: AliasKind = AliasKind.ALIAS
    set_at: float | None = None
    set_by: str = ""


class AliasMove(msgspec.Struct, frozen=True, kw_only=True):
    """One past move of an alias, where the registry keeps a history; `after` is "" when it was taken away."""

    registry: str
    model: str
    name: str
    before: str
    after: str
    at: float
    by: str = ""


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """A version that is certainly no longer there, said within a scope that reports changes only."""

    registry: str
    model: str
    key: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something unreadable that a scan met and went past. `where` is a path, URL or name within the registry."""

    registry: str
    where: str
    message: str
    hint: str = ""


class Complete(msgspec.Struct, frozen=True, kw_only=True):
    """All that was said since the last Complete belongs to `scope`, and the scope was read to its end.

    `cursor` is handed back in the next scan. With `delta`, only changes were said: what was not mentioned stays.
    Without it the scope was said in full, and what was not mentioned is gone. The scope "" closes the scan: scopes
    that this scan did not name are gone with all they held.

    A thing belongs to the scope that said it last. In a delta, a version said again brings all its edges of that scope
    with it (older ones that are not said again are gone), and a problem replaces what was said of the same place.
    """

    registry: str
    scope: str
    cursor: str = ""
    delta: bool = False


Record = Version | Model | Alias | AliasMove | Edge | Gone | Problem | Complete
