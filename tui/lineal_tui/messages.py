"""Every request to the worker and every result, and what widgets tell their screen.

A request is a frozen struct inside `Ask`; the answer is a message of its own, posted to whoever asked, and carries
the request it answers, so that a screen can tell a late answer from the one it waits for. Answers have no `eq` and no
`repr`: writing these for so many classes would take a tenth of the time to the first paint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct
from textual.message import Message
from textual.message_pump import MessagePump

from lineal.errors import Error
from lineal.model.diff import Diff
from lineal.model.lineage import Tree
from lineal.model.listing import ModelRow, Neighbour, ProblemRow, RegistryRow, Sort, VersionRow
from lineal.model.values import Goal
from lineal.model.version import Version
from lineal_tui.acts import Act
from lineal_tui.places import EVERYTHING, Identity, Scope
from lineal_tui.signals import (
    Acted as Acted,
)
from lineal_tui.signals import (
    CancelSync as CancelSync,
)
from lineal_tui.signals import (
    Chosen as Chosen,
)
from lineal_tui.signals import (
    Copy as Copy,
)
from lineal_tui.signals import (
    Entered as Entered,
)
from lineal_tui.signals import (
    FilterChanged as FilterChanged,
)
from lineal_tui.signals import (
    FilterClosed as FilterClosed,
)
from lineal_tui.signals import (
    Go as Go,
)
from lineal_tui.signals import (
    Moved as Moved,
)
from lineal_tui.signals import (
    Refresh as Refresh,
)
from lineal_tui.signals import (
    RunWanted as RunWanted,
)
from lineal_tui.signals import (
    SyncStep as SyncStep,
)
from lineal_tui.signals import (
    SyncWanted as SyncWanted,
)

NEWEST = Sort()


class Rows(Protocol):
    """A list of versions read in pages by ordinal, as a table needs it. May be called from any thread."""

    PAGE: int
    count: int
    exact: bool

    def page(self, number: int, deadline_ms: float | None = None) -> list[VersionRow] | None:
        """Return one page of rows; None if the deadline passed first."""
        ...

    def measure(self) -> int:
        """Count exactly; slow."""
        ...


# --- requests -----------------------------------------------------------------------------------------------------


class RowsRequest(Struct, frozen=True):
    """List versions: a filter, within a scope, in an order. `seek` is a version whose row number is wanted too."""

    text: str = ""
    scope: Scope = EVERYTHING
    sort: Sort = NEWEST
    seek: Identity | None = None


class PageRequest(Struct, frozen=True):
    """Load one page that was too slow for the screen's own thread."""

    rows: Rows
    number: int


class MeasureRequest(Struct, frozen=True):
    """Count a list exactly."""

    rows: Rows


class ModelsRequest(Struct, frozen=True):
    """List registries and models, those with a version that matches."""

    text: str = ""


class DetailRequest(Struct, frozen=True):
    """Everything about one version."""

    row: VersionRow


class RivalRequest(Struct, frozen=True):
    """Which version of its model another is best compared with."""

    row: VersionRow


class CurvesRequest(Struct, frozen=True):
    """The per-step curves of one version's metrics."""

    row: VersionRow
    metrics: tuple[str, ...]


class DiffRequest(Struct, frozen=True):
    """Compare versions."""

    rows: tuple[VersionRow, ...]
    baseline: int = 0
    changed_only: bool = True


class LineageRequest(Struct, frozen=True):
    """Where a version came from and what came from it."""

    row: VersionRow


class ChartRequest(Struct, frozen=True):
    """Draw a metric: across the versions of a model, or along the training of some versions.

    `newest` keeps so many of the newest points of the x axis, 0 all; width and height are in cells.
    """

    metric: str
    scope: Scope
    rows: tuple[VersionRow, ...]
    width: int
    height: int
    steps: bool = False
    newest: int = 0
    colour: bool = True


class SourcesRequest(Struct, frozen=True):
    """List registries and what could not be read."""


class CompleteRequest(Struct, frozen=True):
    """Which words may stand where the cursor of the filter is."""

    text: str
    at: int


class FindRequest(Struct, frozen=True):
    """Find versions and models by the first letters of a name."""

    text: str


class StatisticsRequest(Struct, frozen=True):
    """What a native store holds and saves."""

    registry: str


class FreshRequest(Struct, frozen=True):
    """How old the index is, and which local registries have something new."""


Request = (
    RowsRequest
    | PageRequest
    | MeasureRequest
    | ModelsRequest
    | DetailRequest
    | RivalRequest
    | CurvesRequest
    | DiffRequest
    | LineageRequest
    | ChartRequest
    | SourcesRequest
    | CompleteRequest
    | FindRequest
    | FreshRequest
    | StatisticsRequest
    | Act
)


@dataclass(eq=False, repr=False)
class Ask(Message):
    """A screen or widget wants something; the answer is posted to `asker`."""

    request: Request
    asker: MessagePump

    def __post_init__(self) -> None:
        """Take the asker for the sender: Textual lets no message rise above its sender, often a screen's handler."""
        super().__post_init__()
        self._sender = self.asker


# --- answers ------------------------------------------------------------------------------------------------------


@dataclass(eq=False, repr=False)
class RowsReady(Message, bubble=False):
    """A list, with its first page loaded."""

    request: RowsRequest
    rows: Rows
    first: list[VersionRow]
    goals: dict[str, Goal]
    at: int | None = None  # the row of what was sought, if it is not too far down


@dataclass(eq=False, repr=False)
class PageReady(Message, bubble=False):
    """One page."""

    request: PageRequest
    page: list[VersionRow]


@dataclass(eq=False, repr=False)
class MeasureReady(Message, bubble=False):
    """The list of the request knows its length now."""

    request: MeasureRequest


@dataclass(eq=False, repr=False)
class ModelsReady(Message, bubble=False):
    """Registries and models by name, and the specs that the index has not met yet (their names)."""

    request: ModelsRequest
    registries: list[RegistryRow]
    models: list[ModelRow]


@dataclass(eq=False, repr=False)
class DetailReady(Message, bubble=False):
    """One version in full, and where it came from."""

    request: DetailRequest
    version: Version
    parents: list[Neighbour]
    goals: dict[str, Goal]
    holder: VersionRow | None = None  # the live version of the same model


@dataclass(eq=False, repr=False)
class RivalReady(Message, bubble=False):
    """The live version of the model; for that one itself the version before it; None if there is neither."""

    request: RivalRequest
    rival: VersionRow | None


@dataclass(eq=False, repr=False)
class CurvesReady(Message, bubble=False):
    """Values along training, by metric."""

    request: CurvesRequest
    curves: dict[str, list[float]]


@dataclass(eq=False, repr=False)
class DiffReady(Message, bubble=False):
    """The comparison."""

    request: DiffRequest
    diff: Diff


@dataclass(eq=False, repr=False)
class LineageReady(Message, bubble=False):
    """The lineage."""

    request: LineageRequest
    tree: Tree
    goals: dict[str, Goal]


@dataclass(eq=False, repr=False)
class ChartReady(Message, bubble=False):
    """A chart as text with ANSI colours that plotext wrote, and how many points stand behind it."""

    request: ChartRequest
    text: str
    points: int
    note: str = ""


@dataclass(eq=False, repr=False)
class SourcesReady(Message, bubble=False):
    """Registries and problems."""

    request: SourcesRequest
    registries: list[RegistryRow]
    problems: list[ProblemRow]
    stale: list[str]


@dataclass(eq=False, repr=False)
class CompleteReady(Message, bubble=False):
    """Words for the place of the cursor: the text before it would become `head` + one of `words`."""

    request: CompleteRequest
    head: str
    words: list[str]


@dataclass(eq=False, repr=False)
class FindReady(Message, bubble=False):
    """Models and versions whose name begins so."""

    request: FindRequest
    models: list[ModelRow]
    rows: list[VersionRow]


@dataclass(eq=False, repr=False)
class FreshReady(Message, bubble=False):
    """Registries as the index knows them, and the names of those with something new: here, or not yet read at all."""

    request: FreshRequest
    registries: list[RegistryRow]
    stale: list[str]


@dataclass(eq=False, repr=False)
class StatisticsReady(Message, bubble=False):
    """What a native store holds and saves; `lines` are (model, versions, bytes whole, bytes stored)."""

    request: StatisticsRequest
    packs: int
    blocks: int
    bytes: int
    models: list[tuple[str, int, int, int]]


@dataclass(eq=False, repr=False)
class Failed(Message, bubble=False):
    """A request that could not be answered, and why."""

    request: Request
    error: Error


@dataclass(eq=False, repr=False)
class Crashed(Message, bubble=False):
    """A bug in the worker: the application must end visibly."""

    error: BaseException
