"""Environments: packages by distance of their versions, Python, CUDA, driver, devices; the gravest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from lineal.diff.numbers import counted
from lineal.diff.table import Frame, Judge, Table, tabulate
from lineal.environment import severity
from lineal.environment.releases import Distance, Step, distance, parse, pinned
from lineal.environment.severity import Fact, Trade
from lineal.model.diff import Cell, Facet, Row, Section, Severity, Verdict
from lineal.model.values import Value
from lineal.model.version import Environment, Version

_NOTHING = Environment()


def environment(versions: Sequence[Version], frame: Frame, names: Sequence[str]) -> Section:
    """Compare what versions were trained with. What one of them did not record is no difference."""
    recorded = [version.environment or _NOTHING for version in versions]
    tables = [
        tabulate([_facts(one) for one in recorded], _Facts(), frame, unknown=_without(recorded, _facts)),
        tabulate([_packages(one) for one in recorded], _Packages(), frame, unknown=_without(recorded, _packages)),
        tabulate([_variables(one) for one in recorded], _Variables(), frame, unknown=_without(recorded, _variables)),
    ]
    rows = sorted((row for table in tables for row in table.rows), key=lambda row: -row.severity)
    joined = Table(tuple(rows), sum(table.changed for table in tables), sum(table.total for table in tables))
    return joined.section(Facet.ENVIRONMENT, _note(recorded, names))


def _without(recorded: Sequence[Environment], part: Callable[[Environment], dict[str, str]]) -> frozenset[int]:
    return frozenset(at for at, one in enumerate(recorded) if not part(one))


def _note(recorded: Sequence[Environment], names: Sequence[str]) -> str:
    without = [name for name, one in zip(names, recorded, strict=True) if not _records(one)]
    notes = [f"not recorded: {', '.join(without)}"] if without else []
    sources = [one.sources for one in recorded if one.sources]
    if len(set(sources)) > 1:
        notes.append(f"read from different files: {' against '.join(dict.fromkeys(', '.join(one) for one in sources))}")
    return "; ".join(notes)


def _records(one: Environment) -> bool:
    return msgspec.structs.replace(one, sources=()) != _NOTHING


def _facts(one: Environment) -> dict[str, str]:
    devices = ", ".join(_grouped(one.gpus))
    facts: dict[Fact, str] = {
        Fact.PYTHON: one.python,
        Fact.CUDA: one.cuda,
        Fact.CUDNN: one.cudnn,
        Fact.DRIVER: one.driver,
        Fact.GPUS: devices,
        Fact.OS: one.os,
        Fact.CPU: one.cpu,
        Fact.MEMORY: "" if one.memory is None else str(one.memory),
        Fact.IMAGE: one.image,
    }
    return {str(fact): value for fact, value in facts.items() if value}


def _grouped(devices: Iterable[str]) -> list[str]:
    """Write equal devices once, as in `8×NVIDIA H100`."""
    times: dict[str, int] = {}
    for device in devices:
        times[device] = times.get(device, 0) + 1
    return [f"{count}×{device}" for device, count in times.items()]


def _packages(one: Environment) -> dict[str, str]:
    return {package.name: package.version for package in one.packages}


def _variables(one: Environment) -> dict[str, str]:
    return {f"${tag.key}": tag.value for tag in one.variables}


class _Ranked(Judge[str]):
    """A text of an environment; the row is as grave as its gravest cell."""

    def show(self, value: str) -> Value:
        return value

    def alike(self, base: str, value: str) -> bool:
        return base == value

    def suspects(self, base: Mapping[str, str], column: Mapping[str, str]) -> Iterable[str]:
        held = base.get
        return [*(base.keys() - column.keys()), *(name for name, value in column.items() if held(name) != value)]

    def same(self, base: str, value: str) -> bool:
        return base == value or pinned(base) == pinned(value)

    def rank(self, _name: str, _base: str | None, _value: str | None) -> Severity:
        """Return how grave it is that `_base` became `_value`."""
        return Severity.LOW

    def row(self, row: Row, values: Sequence[str | None], base: str | None) -> Row:
        if not row.changed:
            return row
        others = {
            value
            for value, cell in zip(values, row.cells, strict=True)
            if cell.verdict in (Verdict.CHANGED, Verdict.ADDED, Verdict.REMOVED)
        }
        rank = max((self.rank(row.name, base, value) for value in others), default=Severity.NONE)
        return msgspec.structs.replace(row, severity=rank, note=self.remark(row.name))

    def remark(self, _name: str) -> str:
        """Return what is to be said of a row whatever its cells say."""
        return ""


class _Facts(_Ranked):
    def differ(self, base: str, value: str) -> Cell:
        step = distance(base, value)
        note = "" if step.step is Step.OTHER else _words(base, value, step)
        return Cell(value=value, verdict=Verdict.CHANGED, note=note)

    def rank(self, name: str, base: str | None, value: str | None) -> Severity:
        if base is None or value is None:
            return Severity.LOW  # one of the two did not record it
        return severity.of_fact(Fact(name), distance(base, value))

    def row(self, row: Row, values: Sequence[str | None], base: str | None) -> Row:
        return super().row(_in_bytes(row) if row.name == Fact.MEMORY else row, values, base)


def _in_bytes(row: Row) -> Row:
    """Make the cells of the memory's row numbers again."""
    base = next((int(str(cell.value)) for cell in row.cells if cell.verdict is Verdict.BASE and cell.value), None)
    cells = []
    for cell in row.cells:
        value = int(str(cell.value)) if cell.value is not None else None
        if value is None or base is None or cell.verdict is not Verdict.CHANGED:
            cells.append(msgspec.structs.replace(cell, value=value))
            continue
        cells.append(Cell(value=value, verdict=cell.verdict, note=counted(value - base, "B")))
    return msgspec.structs.replace(row, cells=tuple(cells))


class _Packages(_Ranked):
    def __init__(self) -> None:
        self._made: dict[tuple[str, str], Cell] = {}  # many versions have few versions of a package between them

    def differ(self, base: str, value: str) -> Cell:
        if (made := self._made.get((base, value))) is None:
            note = _words(base, value, distance(base, value))
            made = self._made[base, value] = Cell(value=value, verdict=Verdict.CHANGED, note=note)
        return made

    def rank(self, name: str, base: str | None, value: str | None) -> Severity:
        return severity.of_package(name, base, value, distance(base or "", value or ""))

    def remark(self, name: str) -> str:
        return "cannot matter here" if severity.trade(name) is Trade.TOOLING else ""


class _Variables(_Ranked):
    def rank(self, name: str, _base: str | None, _value: str | None) -> Severity:
        return severity.of_variable(name.removeprefix("$"))


def _words(base: str, value: str, step: Distance) -> str:
    """Say a distance, as in `minor, CUDA build` or `patch, back`."""
    if step.step is Step.OTHER:
        return "another requirement" if base and value else "version not recorded on one side"
    words = [] if step.step is Step.BUILD else [str(step.step)]
    if step.older:
        words.append("back")
    return ", ".join([*words, _build(base, value)] if step.build else words)


def _build(base: str, value: str) -> str:
    before, after = (release.local if (release := parse(text)) else "" for text in (base, value))
    if before.startswith("cu") and after.startswith("cu"):
        return "CUDA build"
    kinds = ("cu", "cpu", "rocm", "xpu")
    if before.startswith(kinds) or after.startswith(kinds):
        return f"{after or 'default'} build, was {before or 'default'}"
    return "local build"
