"""What a server holds, and what of it must be asked for again."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import msgspec

from lineal.errors import BadFormat, NotFound
from lineal.registries.base import Cursors
from lineal.registries.mlflow.memory import MemoryShelf
from lineal.registries.mlflow.rest import Rest
from lineal.registries.mlflow.rows import (
    DELETED_STAGE,
    ExperimentRow,
    LoggedRow,
    RegisteredRow,
    RunRow,
    VersionRow,
)
from lineal.registries.mlflow.shelf import EXPERIMENT_SCOPE, MODEL_SCOPE, digest

FULL_AFTER = 24 * 3600.0  # seconds
_MARGIN = 600_000  # ms
_SEEN = 5_000  # runs whose hashes a cursor keeps
_LOST = 2_000  # runs of experiments that are not listed, asked for one by one
_HISTORY = "tags.\"mlflow.log-model.history\" ILIKE '%'"
_UNFINISHED = ("RUNNING", "SCHEDULED")
_PARENT = "mlflow.parentRunId"


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What the closing cursor keeps: how far runs and LoggedModels were read, and which runs had not ended."""

    full_at: float = 0.0
    ended: int = 0  # the latest end of a run, ms
    updated: int = 0  # the latest change of a LoggedModel, ms
    unfinished: list[str] = []  # ids
    seen: list[str] = []  # hashes of the runs that had not ended, or ended lately
    deleted: str = ""  # a hash of the ids of deleted runs

    @classmethod
    def read(cls, cursor: str) -> Memory:
        """Read a cursor; one that is none remembers nothing."""
        try:
            return msgspec.json.decode(cursor, type=cls) if cursor else cls()
        except msgspec.MsgspecError:
            return cls()

    def text(self) -> str:
        """Return the cursor."""
        return msgspec.json.encode(self).decode()


class Catalogue:
    """One reading of a server. Models, versions and experiments are listed in full when first asked for."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._has_logged = True

    @cached_property
    def models(self) -> list[RegisteredRow]:
        """The registered models."""
        return list({row.name: row for row in self._rest.models()}.values())

    @cached_property
    def versions(self) -> dict[str, dict[str, VersionRow]]:
        """The versions of each model, oldest first."""
        found: dict[str, dict[str, VersionRow]] = {model.name: {} for model in self.models}
        for row in self._rest.versions():
            if row.name in found and row.current_stage != DELETED_STAGE:
                found[row.name][row.version] = row
        return {name: dict(sorted(rows.items(), key=lambda item: _number(item[0]))) for name, rows in found.items()}

    @cached_property
    def experiments(self) -> dict[str, ExperimentRow]:
        """All experiments, deleted ones too, by id."""
        return {row.experiment_id: row for row in self._rest.experiments()}

    @cached_property
    def active(self) -> dict[str, ExperimentRow]:
        """The active experiments, by id."""
        return {key: row for key, row in self.experiments.items() if row.lifecycle_stage == "active"}

    @cached_property
    def deleted(self) -> str:
        """A hash of the ids of deleted runs that may have been versions."""
        rows = self._rest.runs(list(self.active), view="DELETED_ONLY")
        return digest(sorted(row.info.run_id for row in rows))

    def must_be_read_in_full(self, since: Cursors, memory: Memory, now: float) -> bool:
        """Say whether what the server tells is not enough to go on from `memory`."""
        if not memory.full_at or not 0 <= now - memory.full_at < FULL_AFTER:
            return True
        scopes = {EXPERIMENT_SCOPE + row.experiment_id: self.experiment_cursor(row) for row in self.active.values()}
        before = {scope: cursor for scope, cursor in since.items() if scope.startswith(EXPERIMENT_SCOPE)}
        return scopes != before or self._lost_versions(since) or self.deleted != memory.deleted

    def _lost_versions(self, since: Cursors) -> bool:
        """Say whether a version was taken away: its run may stand for itself again."""
        here = {MODEL_SCOPE + model.name for model in self.models}
        if any(scope.startswith(MODEL_SCOPE) and scope not in here for scope in since):
            return True
        return any(self._fewer(model.name, since.get(MODEL_SCOPE + model.name, "")) for model in self.models)

    def _fewer(self, name: str, cursor: str) -> bool:
        """Say whether one of the versions that `cursor` counted is gone: numbers are never given twice."""
        _, count, top = [*cursor.split("."), "0", "0"][:3]
        old = [version for version in self.versions[name] if _number(version) <= _number(top)]
        return len(old) < _number(count)

    def model_cursor(self, model: RegisteredRow) -> str:
        """Return a hash of a model and its versions, their count and the highest number."""
        rows = self.versions[model.name]
        top = max(map(_number, rows), default=0)
        return f"{digest(model, list(rows.values()))}.{len(rows)}.{top}"

    def experiment_cursor(self, experiment: ExperimentRow) -> str:
        """Return a hash of an experiment's own row."""
        return digest(experiment)

    def everything(self, now: float) -> tuple[MemoryShelf, Memory]:
        """Read all runs and LoggedModels that matter."""
        deleted = self.deleted
        logged = {row.info.model_id: row for row in self._logged()}
        runs = {row.info.run_id: row for row in self._rest.runs(list(self.active), _HISTORY)}
        wanted = self._registered_runs() | {row.info.source_run_id for row in logged.values()}
        self._add_runs(runs, wanted - {""})
        self._add_parents(runs)
        ended = self._rest.latest_end(list(self.active))
        fresh = self._fresh(ended, now)
        memory = Memory(
            full_at=now,
            ended=ended,
            updated=max((row.info.last_updated_timestamp_ms for row in logged.values()), default=0),
            unfinished=_unfinished(fresh),
            seen=_hashes(fresh),
            deleted=deleted,
        )
        return self._shelf(runs, logged), memory

    def changes(self, since: Cursors, memory: Memory, now: float) -> tuple[MemoryShelf, dict[str, RunRow], Memory]:
        """Read what may have changed: the shelf, the runs that did, and what to remember."""
        fresh = self._fresh(memory.ended, now)
        runs = dict(fresh)
        self._add_runs(runs, set(memory.unfinished))
        seen = set(memory.seen)
        runs = {key: row for key, row in runs.items() if digest(row) not in seen}
        logged = {row.info.model_id: row for row in self._logged(f"last_updated_timestamp > {memory.updated}")}
        updated = max([memory.updated, *(row.info.last_updated_timestamp_ms for row in logged.values())])
        self._add_runs(runs, {row.info.source_run_id for row in logged.values()} - {""})
        changed = dict(runs)
        dirty = [model for model in self.models if self._is_dirty(model, since, changed)]
        rows = [row for model in dirty for row in self.versions[model.name].values()]
        self._add_runs(runs, {row.run_id for row in rows} - {""})
        self._add_parents(runs)
        shelf = self._shelf(runs, logged)
        self._add_logged(shelf, rows, changed.values())
        ended = max([memory.ended, *(row.info.end_time for row in fresh.values())])
        after = msgspec.structs.replace(
            memory, ended=ended, updated=updated, unfinished=_unfinished(fresh), seen=_hashes(fresh)
        )
        return shelf, changed, after

    def _is_dirty(self, model: RegisteredRow, since: Cursors, changed: dict[str, RunRow]) -> bool:
        if since.get(MODEL_SCOPE + model.name) != self.model_cursor(model):
            return True
        return any(row.run_id in changed for row in self.versions[model.name].values())

    def _registered_runs(self) -> set[str]:
        return {row.run_id for rows in self.versions.values() for row in rows.values()}

    def _fresh(self, ended: int, now: float) -> dict[str, RunRow]:
        """Return the runs that have not ended, or ended not long before `ended`, by id.

        Ends are told by the clocks of the machines that trained: some are late, and one that is ahead must not hide
        the others, hence the margin and the comparison with our own clock.
        """
        since = max(0, min(ended, int(now * 1000)) - _MARGIN)
        wheres = [f"attributes.status = '{status}'" for status in _UNFINISHED] + [f"attributes.end_time > {since}"]
        rows = (row for where in wheres for row in self._rest.runs(list(self.active), where, "ACTIVE_ONLY"))
        return {row.info.run_id: row for row in rows}

    def _add_runs(self, runs: dict[str, RunRow], wanted: set[str]) -> None:
        """Add the runs with these ids; those in no listed experiment are asked for one by one."""
        missing = sorted(wanted - runs.keys())
        runs.update((row.info.run_id, row) for row in self._rest.runs_of(list(self.experiments), missing))
        for run_id in [run_id for run_id in missing if run_id not in runs][:_LOST]:
            if row := self._rest.run(run_id):
                runs[run_id] = row

    def _add_parents(self, runs: dict[str, RunRow]) -> None:
        self._add_runs(runs, {parent for row in list(runs.values()) if (parent := row.tag(_PARENT))})

    def _logged(self, where: str = "") -> Iterable[LoggedRow]:
        """Yield LoggedModels; none on servers that do not know them."""
        try:
            yield from self._rest.logged(list(self.active), where)
        except NotFound:
            self._has_logged = False

    def _add_logged(self, shelf: MemoryShelf, rows: list[VersionRow], changed: Iterable[RunRow]) -> None:
        """Add the LoggedModels behind versions and runs."""
        ids = {output.model_id for run in changed for output in run.outputs.model_outputs}
        ids |= {shelf.behind(row) for row in rows}
        wanted = sorted(identity for identity in ids if identity and shelf.logged(identity) is None)
        if self._has_logged and wanted:
            try:
                shelf.add(self._rest.logged_of(list(self.experiments), wanted))
            except NotFound as error:
                raise BadFormat("the server knows LoggedModels at one time and not at another") from error

    def _shelf(self, runs: dict[str, RunRow], logged: dict[str, LoggedRow]) -> MemoryShelf:
        ordered = dict(sorted(runs.items(), key=lambda item: (item[1].info.start_time, item[0])))
        return MemoryShelf(
            experiments=self.active, models=self.models, versions=self.versions, runs=ordered, logged=logged
        )


def _unfinished(runs: dict[str, RunRow]) -> list[str]:
    return sorted(key for key, row in runs.items() if row.info.status in _UNFINISHED)


def _hashes(runs: dict[str, RunRow]) -> list[str]:
    """Return what tells these runs again; nothing for very many, which are then said again."""
    return sorted(digest(row) for row in runs.values()) if len(runs) <= _SEEN else []


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
