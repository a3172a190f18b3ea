"""How two versions are related: the request and its answer."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct
from textual.message import Message

from lineal.model.diff import Diff
from lineal.model.lineage import Common, Path
from lineal.model.listing import VersionRow


class PathRequest(Struct, frozen=True):
    """The way between two versions, what changed at each step, and what both come from."""

    left: VersionRow
    right: VersionRow


class Step(Struct, frozen=True):
    """What changed between the two ends of one step: a comparison, or why there is none."""

    diff: Diff | None = None
    why: str = ""


@dataclass(eq=False, repr=False)
class PathReady(Message, bubble=False):
    """The way; `steps` are as many as its links, each from the parent to the child."""

    request: PathRequest
    path: Path
    common: Common
    steps: list[Step]
