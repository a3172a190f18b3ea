"""What the table and the tabs of the details ask for beside the version itself: requests and their answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from lineal.model.listing import Neighbour, VersionRow
from lineal.model.version import Tensor
from lineal_tui.places import Identity
from lineal_tui.present.ink import Line
from lineal_tui.saying import Said

if TYPE_CHECKING:
    from lineal_tui.messages import Rows


class TensorsRequest(Struct, frozen=True):
    """The headers of a version's tensors."""

    row: VersionRow


class KinRequest(Struct, frozen=True):
    """What a version came from, and what came from it."""

    row: VersionRow


class CardRequest(Struct, frozen=True):
    """The model card of a version, drawn in so many cells."""

    row: VersionRow
    cells: int


class RecordedRequest(Struct, frozen=True):
    """What the environments of some versions hold, for columns of a table."""

    rows: tuple[VersionRow, ...]
    names: tuple[str, ...]


class RangeRequest(Struct, frozen=True):
    """The rows of a list from one number to another, both included."""

    rows: Rows
    first: int
    last: int


class NamesRequest(Struct, frozen=True):
    """The names of metrics, parameters, tags and parts of environments that the index holds."""


Tabbed = TensorsRequest | KinRequest | CardRequest | RecordedRequest | RangeRequest | NamesRequest


class TensorsReady(Said, bubble=False):
    """Tensors in the order of their files."""

    request: TensorsRequest
    tensors: list[Tensor]


class KinReady(Said, bubble=False):
    """Parents and children of all kinds; the latter up to a limit."""

    request: KinRequest
    parents: list[Neighbour]
    children: list[Neighbour]


class CardReady(Said, bubble=False):
    """The card as lines, or where one would be looked for."""

    request: CardRequest
    lines: list[Line]


class RecordedReady(Said, bubble=False):
    """What the environments hold, by version and name; what they do not hold is left out."""

    request: RecordedRequest
    held: dict[Identity, dict[str, str]]


class RangeReady(Said, bubble=False):
    """The rows."""

    request: RangeRequest
    found: list[VersionRow]


class NamesReady(Said, bubble=False):
    """Names by what they are names of: metric, param, tag, env."""

    request: NamesRequest
    names: dict[str, list[str]]
