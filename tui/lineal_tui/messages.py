"""Every request to the worker and every result, and what widgets tell their screen.

A request is a frozen struct inside `Ask`; the answer is a message of its own, posted to whoever asked, and carries
the request it answers, so that a screen can tell a late answer from the one it waits for.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct
from textual.message_pump import MessagePump

from lineal.errors import Error
from lineal.model.diff import Diff
from lineal.model.lineage import Tree
from lineal.model.listing import ModelRow, Neighbour, ProblemRow, RegistryRow, Sort, VersionRow
from lineal.model.values import Goal
from lineal.model.version import Version
from lineal_tui.acts import Act
from lineal_tui.chartview import Readable, View
from lineal_tui.commands import Commanded
from lineal_tui.kinship import PathRequest as PathRequest
from lineal_tui.places import EVERYTHING, Identity, Scope
from lineal_tui.recall import RecallRequest as RecallRequest
from lineal_tui.recent import VisitedRequest
from lineal_tui.saying import Said
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
from lineal_tui.tabs import Tabbed
from lineal_tui.texting import TextRequest as TextRequest

NEWEST = Sort()
FIRST = 100
"""Rows of parameters in a first answer: more than any screen shows. The rest comes after it."""


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
    """Compare versions; of parameters at most so many rows, if `most` is not 0."""

    rows: tuple[VersionRow, ...]
    baseline: int = 0
    changed_only: bool = True
    most: int = 0


class LineageRequest(Struct, frozen=True):
    """Where a version came from and what came from it, with siblings if they are wanted."""

    row: VersionRow
    siblings: bool = False


class ChartRequest(Struct, frozen=True):
    """Draw a metric: across the versions of a model, or along the training of some versions.

    Width and height are in cells. What is drawn from is read again when `turn` is another.
    """

    metric: str
    scope: Scope
    rows: tuple[VersionRow, ...]
    width: int
    height: int
    steps: bool = False
    view: View = View()
    colour: bool = True
    turn: int = 0


class SourcesRequest(Struct, frozen=True):
    """List registries and what could not be read."""


class CompleteRequest(Struct, frozen=True):
    """Which words may stand where the cursor of the filter is."""

    text: str
    at: int


class FindRequest(Struct, frozen=True):
    """Find versions and models by the first letters of a name, those in a scope first."""

    text: str
    scope: Scope = EVERYTHING


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
    | PathRequest
    | TextRequest
    | Tabbed
    | Commanded
    | VisitedRequest
    | ChartRequest
    | SourcesRequest
    | CompleteRequest
    | FindRequest
    | FreshRequest
    | RecallRequest
    | StatisticsRequest
    | Act
)


class Ask(Said):
    """A screen or widget wants something; the answer is posted to `asker`."""

    request: Request
    asker: MessagePump

    def __post_init__(self) -> None:
        """Take the asker for the sender: Textual lets no message rise above its sender, often a screen's handler."""
        super().__post_init__()
        self._sender = self.asker


# --- answers ------------------------------------------------------------------------------------------------------


class RowsReady(Said, bubble=False):
    """A list, with its first page loaded."""

    request: RowsRequest
    rows: Rows
    first: list[VersionRow]
    goals: dict[str, Goal]
    at: int | None = None  # the row of what was sought, if it is not too far down


class PageReady(Said, bubble=False):
    """One page."""

    request: PageRequest
    page: list[VersionRow]


class MeasureReady(Said, bubble=False):
    """The list of the request knows its length now."""

    request: MeasureRequest


class ModelsReady(Said, bubble=False):
    """Registries and models by name, and the specs that the index has not met yet (their names)."""

    request: ModelsRequest
    registries: list[RegistryRow]
    models: list[ModelRow]


class DetailReady(Said, bubble=False):
    """One version in full, and where it came from."""

    request: DetailRequest
    version: Version
    parents: list[Neighbour]
    goals: dict[str, Goal]
    holder: VersionRow | None = None  # the live version of the same model


class RivalReady(Said, bubble=False):
    """The live version of the model; for that one itself the version before it; None if there is neither."""

    request: RivalRequest
    rival: VersionRow | None


class CurvesReady(Said, bubble=False):
    """Values along training, by metric."""

    request: CurvesRequest
    curves: dict[str, list[float]]


class DiffReady(Said, bubble=False):
    """The comparison."""

    request: DiffRequest
    diff: Diff


class LineageReady(Said, bubble=False):
    """The lineage."""

    request: LineageRequest
    tree: Tree
    goals: dict[str, Goal]


class ChartReady(Said, bubble=False):
    """A chart as text with ANSI colours that plotext wrote, and how many points stand behind it."""

    request: ChartRequest
    text: str
    points: int
    note: str = ""
    readable: Readable | None = None  # None where there is no x axis to read along


class SourcesReady(Said, bubble=False):
    """Registries and problems."""

    request: SourcesRequest
    registries: list[RegistryRow]
    problems: list[ProblemRow]
    stale: list[str]


class CompleteReady(Said, bubble=False):
    """Words for the place of the cursor: the text before it would become `head` + one of `words`."""

    request: CompleteRequest
    head: str
    words: list[str]


class FindReady(Said, bubble=False):
    """Models and versions whose name begins so."""

    request: FindRequest
    models: list[ModelRow]
    rows: list[VersionRow]


class FreshReady(Said, bubble=False):
    """Registries as the index knows them, and the names of those with something new: here, or not yet read at all."""

    request: FreshRequest
    registries: list[RegistryRow]
    stale: list[str]


class StatisticsReady(Said, bubble=False):
    """What a native store holds and saves; `lines` are (model, versions, bytes whole, bytes stored)."""

    request: StatisticsRequest
    packs: int
    blocks: int
    bytes: int
    models: list[tuple[str, int, int, int]]


class Failed(Said, bubble=False):
    """A request that could not be answered, and why."""

    request: Request
    error: Error


class Crashed(Said, bubble=False):
    """A bug in the worker: the application must end visibly."""

    error: BaseException
