"""The only module that touches the workspace: a request comes in from a screen, a message goes out from a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from enum import Enum
from threading import Lock
from typing import TYPE_CHECKING, assert_never

from textual.message import Message

from lineal.errors import Error, NotFound
from lineal.index.index import Index
from lineal.index.query import quoted
from lineal.model.listing import Neighbour, RegistryRow, Sort, VersionRow
from lineal.model.records import Node, NodeKind
from lineal.model.values import Goal, Series
from lineal.model.version import Version
from lineal_tui import acts, commands, tabs
from lineal_tui import messages as m
from lineal_tui.holders import HOLDERS, holder
from lineal_tui.lanes import Lane
from lineal_tui.naming import find
from lineal_tui.places import Scope, identity
from lineal_tui.recall import recall
from lineal_tui.recent import VisitedReady, VisitedRequest
from lineal_tui.saying import Asker
from lineal_tui.seeking import scoped as scoped
from lineal_tui.seeking import sought
from lineal_tui.source import Source as Source

if TYPE_CHECKING:
    from lineal.model.diff import Diff
    from lineal.model.lineage import Tree
    from lineal_tui.charting import Easel
    from lineal_tui.desking import Desk

_CHART_MOST = 20_000
"""Versions of one model that a chart reads at most: the newest."""
_PATIENCE = 0.2  # seconds that quitting waits for an action that runs; a killed one can be resumed


class _Lane(Enum):
    """Who waits for whom: a slow thing never stands before a quick one."""

    QUICK = 1  # pages, lists, details: one read of the index
    SLOW = 2  # counting, curves, fingerprints of sources
    THINK = 3  # comparison and lineage
    CHART = 4  # plotext keeps its state in one global figure: one thread only
    PLAN = 5  # what would be done: policy, differences, the state of the registries
    ACT = 6  # what is done, commands of the policy included: minutes
    RECORD = 7  # inbox, log and timelines
    WORDS = 8  # the command line: its parser, loaded when it is first typed in


_LANES: dict[type[m.Request], _Lane] = {
    m.MeasureRequest: _Lane.SLOW,
    m.CurvesRequest: _Lane.SLOW,
    m.FreshRequest: _Lane.SLOW,
    m.StatisticsRequest: _Lane.SLOW,
    tabs.TensorsRequest: _Lane.SLOW,
    tabs.NamesRequest: _Lane.SLOW,
    tabs.CardRequest: _Lane.THINK,
    m.DiffRequest: _Lane.THINK,
    m.LineageRequest: _Lane.THINK,
    m.PathRequest: _Lane.THINK,
    m.TextRequest: _Lane.THINK,
    m.ChartRequest: _Lane.CHART,
    acts.StandingRequest: _Lane.RECORD,
    acts.InboxRequest: _Lane.RECORD,
    acts.RecordRequest: _Lane.RECORD,
    acts.TargetsRequest: _Lane.PLAN,
    acts.PlanRequest: _Lane.PLAN,
    acts.ExecuteRequest: _Lane.ACT,
    acts.ReportRequest: _Lane.ACT,
    commands.CommandRequest: _Lane.WORDS,
    commands.WordsRequest: _Lane.WORDS,
}


class Worker:
    """Answers requests from threads of its own. `crash` is told of bugs."""

    def __init__(self, source: Source, crash: Callable[[m.Crashed], object], desk: Callable[[], Desk]) -> None:
        self._source = source
        self._crash = crash
        self._open_desk = desk
        self._desk: Desk | None = None
        self._desk_lock = Lock()
        self._lanes = {lane: Lane(f"lineal-{lane.name.lower()}") for lane in _Lane}
        self._goals: dict[str, Goal | None] = {}
        self._easel: Easel | None = None
        self._opening = Lock()  # the workspace opens things when first asked, which two threads may do at once
        self._registry = Lock()  # registries may be asked from any thread, but not from two at once
        self._closed = False

    def ask(self, request: m.Request, asker: Asker) -> None:
        """Queue a request; the answer, or `Failed`, is posted to `asker`.

        A newer request of a kind replaces one that still waits.
        """
        lane = self._lanes[_LANES.get(type(request), _Lane.QUICK)]
        number = request.number if isinstance(request, m.PageRequest) else 0
        lane.put((id(asker), type(request), number), lambda: self._run(request, asker))

    def warm(self) -> None:
        """Load what the first comparison needs, where comparisons wait."""
        from lineal_tui.comparing import load

        self._lanes[_Lane.THINK].put("warm", load)

    def close(self) -> None:
        """Stop; what still runs is left to end by itself, and nobody hears of it."""
        self._closed = True
        for lane in self._lanes.values():
            lane.close()
        if self._desk_lock.acquire(timeout=_PATIENCE):
            if self._desk is not None:
                self._desk.close()
            self._desk_lock.release()

    def _run(self, request: m.Request, asker: Asker) -> None:
        try:
            answer: Message = self._answer(request, asker)
        except Error as error:
            answer = m.Failed(request, error)
        except Exception as error:  # the boundary of a thread: a bug must end the application, not only this thread
            if not self._closed:
                self._crash(m.Crashed(error))
            return
        if not self._closed:
            asker.post_message(answer)

    @property
    def _index(self) -> Index:
        with self._opening:
            return self._source.index

    def _answer(self, request: m.Request, asker: Asker) -> Message:
        if isinstance(request, acts.Act):
            return self._act(request, asker)
        if isinstance(request, tabs.Tabbed):
            return self._tabbed(request)
        index = self._index
        if isinstance(request, commands.Commanded):
            from lineal_tui import parsing

            return parsing.answer(request, self._source)
        match request:
            case m.RowsRequest():
                return self._rows(request)
            case m.PageRequest():
                return m.PageReady(request, request.rows.page(request.number) or [])
            case m.MeasureRequest():
                request.rows.measure()
                return m.MeasureReady(request)
            case m.ModelsRequest():
                return m.ModelsReady(request, self._registries(), index.models(request.text))
            case m.DetailRequest():
                return self._detail(request)
            case m.RivalRequest():
                return m.RivalReady(request, self._rival(request.row))
            case m.CurvesRequest():
                with self._registry:
                    return m.CurvesReady(request, self._curves(request))
            case m.DiffRequest():
                return m.DiffReady(request, self._diff(request))
            case m.LineageRequest():
                tree = self._tree(request)
                goals = self._goals_of([row for member in tree.members[:200] if (row := member.version)])
                return m.LineageReady(request, tree, dict(sorted(goals.items())))
            case m.PathRequest():
                from lineal_tui.relating import path

                return path(index, request, lambda *pair: self._diff(m.DiffRequest(pair)))
            case m.TextRequest():
                from lineal_tui.comparing import texts

                with self._registry:
                    return texts(self._source, index, request)
            case m.ChartRequest():
                return self._chart(request)
            case m.SourcesRequest():
                return m.SourcesReady(request, self._registries(), index.problems(), [])
            case m.FreshRequest():
                with self._registry:
                    new = dict.fromkeys([*self._source.stale(), *self._source.unseen()])
                return m.FreshReady(request, self._registries(), list(new))
            case m.StatisticsRequest():
                with self._registry:
                    return self._statistics(request)
            case m.CompleteRequest():
                return self._complete(request)
            case VisitedRequest():
                return VisitedReady(request, index.find(*request.visited.identity))
            case m.FindRequest():
                return find(index, request)
            case m.RecallRequest():
                return recall(index, request)
            case _:
                assert_never(request)

    def _act(self, request: acts.Act, asker: Asker) -> Message:
        """Answer about actions. The desk is one thread's at a time; it has registries of its own."""
        from lineal_tui import desking

        with self._desk_lock:
            try:
                desk = self._desk = self._desk or self._open_desk()
            except Error as error:
                if not isinstance(request, acts.StandingRequest):
                    raise
                return acts.StandingReady(request, acts.Standing(read_only=error.message))
            match request:
                case acts.StandingRequest():
                    return acts.StandingReady(request, desking.standing(desk, request.registries))
                case acts.TargetsRequest():
                    return acts.TargetsReady(request, tuple(desk.targets(desking.now(desk, request.row))))
                case acts.PlanRequest():
                    return acts.PlanReady(request, desking.drawn(desk, request))
                case acts.ExecuteRequest():
                    return acts.Executed(request, desking.execute(desk, request, self._hear(request, asker)))
                case acts.InboxRequest():
                    return acts.InboxReady(request, desking.inbox(desk))
                case acts.RecordRequest():
                    return desking.record(desk, request)
                case acts.ReportRequest():
                    return acts.ReportReady(request, desking.report(desk, request))
                case _:
                    assert_never(request)

    def _tabbed(self, request: tabs.Tabbed) -> Message:
        """Answer for a tab of the details or a column of the table; only tensors ask a registry."""
        from lineal_tui import tabbing

        with self._registry if isinstance(request, tabs.TensorsRequest) else nullcontext():
            return tabbing.answer(request, self._index, self._source, self._now)

    def _hear(self, request: acts.ExecuteRequest, asker: Asker) -> Callable[[str], None]:
        def hear(said: str) -> None:
            if not self._closed:
                asker.post_message(acts.StepSaid(request, said))

        return hear

    # --- lists ---

    def _rows(self, request: m.RowsRequest) -> m.RowsReady:
        if request.text and request.scope != Scope():
            self._index.rows(request.text, request.sort)  # an error must point into what the person wrote
        rows = self._index.rows(scoped(request.text, request.scope), request.sort)
        first = rows.page(0) or []
        return m.RowsReady(request, rows, first, self._goals_of(first[:32]), sought(rows, first, request.seek))

    def _registries(self) -> list[RegistryRow]:
        """Those the index knows, and those that were found since."""
        known = {row.name: row for row in self._index.registries()}
        with self._opening:
            specs = self._source.specs
        for spec in specs:
            known.setdefault(spec.name, RegistryRow(name=spec.name, kind=spec.kind, url=spec.url, origin=spec.origin))
        return [known[name] for name in sorted(known)]

    def _statistics(self, request: m.StatisticsRequest) -> m.StatisticsReady:
        totals, saved = self._source.statistics(request.registry)
        models = [(one.model, one.versions, one.whole, one.stored) for one in saved]
        return m.StatisticsReady(request, *totals, models)

    def _goals_of(self, rows: Sequence[VersionRow]) -> dict[str, Goal]:
        names = {name for row in rows for name in row.metrics}
        for name in names - self._goals.keys():
            self._goals[name] = self._source.goals.of(name)[0]
        return {name: goal for name in names if (goal := self._goals[name])}

    # --- one version ---

    def _now(self, row: VersionRow) -> VersionRow:
        """Return the row of the same version in the index as it is now: a sync may have given it another id."""
        found = self._index.find(*identity(row))
        if found is None:
            raise NotFound(f"{row.model} {row.name} is no longer in the index", hint="its registry no longer holds it")
        return found

    def _version(self, row: VersionRow) -> Version:
        return self._index.version(self._now(row).id)

    def _detail(self, request: m.DetailRequest) -> m.DetailReady:
        node = Node(NodeKind.VERSION, *identity(request.row))
        parents: list[Neighbour] = self._index.parents([node]).get(node, [])
        held = self._holder(request.row)
        return m.DetailReady(request, self._version(request.row), parents, self._goals_of([request.row]), held)

    def _holder(self, row: VersionRow) -> VersionRow | None:
        """Return the live version of the same model."""
        aliases = " | ".join(f"alias:{name}" for name in HOLDERS)
        rows = self._index.rows(scoped(aliases, Scope(row.registry, row.model)))
        return holder(rows.page(0) or [])

    def _rival(self, row: VersionRow) -> VersionRow | None:
        held = self._holder(row)
        return held if held and identity(held) != identity(row) else self._before(row)

    def _before(self, row: VersionRow) -> VersionRow | None:
        """Return the version of the same model that was made before, if it is among the newest thousands."""
        rows = self._index.rows(scoped("", Scope(row.registry, row.model)))
        at = sought(rows, rows.page(0) or [], identity(row))
        if at is None:
            return None
        number, offset = divmod(at + 1, rows.PAGE)
        page = rows.page(number) or []
        return page[offset] if offset < len(page) else None

    def _curves(self, request: m.CurvesRequest) -> dict[str, list[float]]:
        row = self._now(request.row)
        return {metric: self._source.series(row, metric).values for metric in request.metrics}

    def _diff(self, request: m.DiffRequest) -> Diff:
        from lineal_tui.comparing import compared

        with self._registry:
            return compared(self._source, self._index, request)

    def _tree(self, request: m.LineageRequest) -> Tree:
        from lineal_tui.relating import family

        row = self._now(request.row)
        return family(self._index, row) if request.siblings else self._source.lineage(row)

    # --- charts ---

    def _chart(self, request: m.ChartRequest) -> m.ChartReady:
        from lineal_tui.charting import Easel

        if self._easel is None:
            policy = self._source.policy
            self._easel = Easel(self._chart_rows, self._chart_series, self._goals_of, self._holder, policy)
        return self._easel.draw(request)

    def _chart_series(self, row: VersionRow, metric: str) -> Series:
        with self._registry:
            return self._source.series(self._now(row), metric)

    def _chart_rows(self, request: m.ChartRequest) -> list[VersionRow]:
        """Return the newest versions that have one of the metrics, the oldest first."""
        metrics = {request.metric, *request.view.pinned}
        only = f" has:metric.{quoted(request.metric)}" if len(metrics) == 1 else ""
        rows = self._index.rows(scoped("", request.scope) + only, Sort("created", descending=True))
        found: list[VersionRow] = []
        read = 0
        while read < _CHART_MOST:
            page = rows.page(read // rows.PAGE) or []
            found += [row for row in page if not metrics.isdisjoint(row.metrics)]
            read += len(page)
            if len(page) < rows.PAGE:
                break
        return found[:_CHART_MOST][::-1]

    # --- words ---

    def _complete(self, request: m.CompleteRequest) -> m.CompleteReady:
        from lineal_tui.completion import complete

        return m.CompleteReady(request, *complete(self._index, request.text, request.at))
