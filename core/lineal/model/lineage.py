"""What came from what: the answers to questions about lineage, as data that a table, a tree or JSON can show.

As JSON (msgspec's encoding), a model that was fine-tuned from a base and quantised once:

    {"start": 0,
     "members": [{"node": {"kind": "version", "registry": "prod", "name": "fraud", "key": "41"},
                  "generation": 0, "more": false, "version": {"name": "v41", ...}},
                 {"node": {"kind": "version", "registry": "hf", "name": "bert", "key": "86b5"}, "generation": -1, ...},
                 {"node": {"kind": "version", "registry": "runs", "name": "int8", "key": "q"}, "generation": 1, ...}],
     "links": [{"parent": 1, "child": 0, "kind": "finetuned", "confidence": "declared", "detail": "base_model"},
               {"parent": 0, "child": 2, "kind": "quantized", "confidence": "declared", "detail": "README.md"}],
     "cut": false}
"""

from __future__ import annotations

import msgspec

from lineal.model.listing import VersionRow
from lineal.model.records import Confidence, EdgeKind, Node


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One node of an answer. `generation` is negative for ancestors, 0 for the start, positive for descendants."""

    node: Node
    version: VersionRow | None = None  # if the index holds it
    generation: int = 0
    more: bool = False  # it has relatives that were not followed: a limit was reached


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One edge of an answer; `parent` and `child` are indexes into its members."""

    parent: int
    child: int
    kind: EdgeKind
    confidence: Confidence
    detail: str = ""  # the field or file that says so


class Tree(msgspec.Struct, frozen=True, kw_only=True):
    """The surroundings of one node: its ancestors and descendants, in the order of their distance from it.

    It is a graph: a merged model has several parents, and foreign registries may even state a cycle.
    """

    members: tuple[Member, ...]
    links: tuple[Link, ...] = ()
    start: int = 0
    cut: bool = False  # there is more than the limits let through


class Path(msgspec.Struct, frozen=True, kw_only=True):
    """A shortest way between two nodes: `links[i]` joins members i and i + 1, whichever of them is the parent.

    Without a way there are no members; `cut` then says that the search ended at its limit.
    """

    members: tuple[Member, ...] = ()
    links: tuple[Link, ...] = ()
    cut: bool = False


class Shared(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that two nodes come from, and how many generations it is from each."""

    member: Member
    left: int
    right: int


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """What two nodes have in common: the nearest ancestors, and all data sets and code, the nearest first."""

    ancestors: tuple[Shared, ...] = ()
    inputs: tuple[Shared, ...] = ()
    cut: bool = False


class ModelCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many versions of one model are among those that something had an influence on."""

    registry: str
    model: str
    versions: int


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    """What was made from a data set, a commit or a model, directly or through others.

    `live` are indexes of the tree's members that an alias points at: what somebody may be serving now.
    """

    tree: Tree
    versions: int
    models: tuple[ModelCount, ...] = ()
    live: tuple[int, ...] = ()
