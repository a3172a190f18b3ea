"""Versions as a table: which columns, how wide, and what stands in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Self

from lineal.model.listing import Sort, VersionRow
from lineal.model.values import Goal, Value
from lineal_tui.holders import HOLDERS
from lineal_tui.places import Identity, identity
from lineal_tui.present import text
from lineal_tui.present.ink import Line, Span, Tone, fit, fit_path, fit_right, width
from lineal_tui.present.telling import telling


class Source(StrEnum):
    """Where a column's cells come from."""

    NAME = "name"
    REGISTRY = "registry"
    MODEL = "model"
    ALIASES = "aliases"
    METRIC = "metric"
    PARAM = "param"
    TAG = "tag"
    ENV = "env"
    AUTHOR = "author"
    AGE = "age"
    MESSAGE = "message"
    STATE = "state"
    KIND = "kind"


class Column(NamedTuple):
    """One column. `key` names the metric, parameter, tag or part of the environment."""

    source: Source
    key: str = ""

    @property
    def id(self) -> str:
        """Return the name by which it is chosen and sorted."""
        return f"{self.source}.{self.key}" if self.key else self.source

    @classmethod
    def of(cls, id: str) -> Self | None:  # noqa: A002 - it is one
        """Return the column of that id; None where there is none such, as an older session may say."""
        source, _, key = id.partition(".")
        found = next((one for one in Source if one == source), None)
        return cls(found, key) if found and (found in KEYED) is bool(key) else None

    @property
    def order(self) -> str:
        """Return the field that this column is sorted by; "" where it cannot be."""
        return "" if self.source in (Source.ALIASES, Source.MESSAGE) else _ORDERS.get(self.source, self.id)

    def right(self, rows: Iterable[VersionRow]) -> bool:
        """Whether cells stand at the right: times, and what is a number in all of these rows."""
        if self.source is not Source.PARAM:
            return self.source in (Source.METRIC, Source.AGE)
        return all(isinstance(row.params.get(self.key, 0), int | float) for row in rows)


KEYED = frozenset({Source.METRIC, Source.PARAM, Source.TAG, Source.ENV})
"""Sources of which a column shows one by its name."""
_ORDERS = {Source.NAME: "version", Source.AGE: "created"}
FIXED = (Column(Source.NAME), Column(Source.ALIASES))
_LONGEST = {
    Source.NAME: 28,
    Source.REGISTRY: 16,
    Source.MODEL: 24,
    Source.ALIASES: 18,
    Source.MESSAGE: 60,
    Source.AUTHOR: 12,
    Source.METRIC: 12,
    Source.PARAM: 12,
    Source.TAG: 16,
    Source.ENV: 16,
    Source.AGE: 8,
    Source.STATE: 8,
    Source.KIND: 10,
}
_HEADS = {Source.NAME: "version", Source.ALIASES: "", Source.AUTHOR: "by", Source.AGE: "when"}
_AGE = Column(Source.AGE)
_TAIL = (Column(Source.AUTHOR), _AGE, Column(Source.MESSAGE))
_ENOUGH = 16  # different values of a parameter that say how long its values are
_MEASURED = 64  # rows from which widths are taken: more than most windows show at first
_NARROW = {Source.NAME: 4, Source.ALIASES: 6, Source.MODEL: 5, Source.REGISTRY: 5}
"""The part of the room that these take at most: one nth."""
_READ = 8  # cells for what has not been read yet

Recorded = Mapping[Identity, Mapping[str, str]]
"""What environments hold, by version and name, of the versions that were asked for."""


def head(column: Column, goal: Goal | None = None) -> str:
    """Return what stands above a column: metrics with the way in which they get better."""
    if not column.key:
        return _HEADS.get(column.source, column.source.value)
    arrow = {Goal.MAX: "▲", Goal.MIN: "▼", None: ""}[goal]
    return text.safe(column.key.rpartition(".")[2].rpartition("/")[2] or column.key, 14) + arrow


def cell(column: Column, row: VersionRow, now: float, recorded: Recorded) -> str:
    """Return the safe text of one cell; `…` where the environment is still to be read."""
    match column.source:
        case Source.METRIC:
            found = row.metrics.get(column.key)
            return "" if found is None else text.number(float(found))
        case Source.PARAM:
            return text.value(row.params[column.key], 40) if column.key in row.params else ""
        case Source.TAG:
            return text.safe(row.tags[column.key] or "yes", 40) if column.key in row.tags else ""
        case Source.ENV:
            held = recorded.get(identity(row))
            return "…" if held is None else text.safe(held.get(column.key, ""), 40)
        case Source.AGE:
            return text.age(row.created_at, now)
        case Source.ALIASES:
            return text.safe(" ".join(sorted(row.aliases, key=_weight)), 60)
        case Source.STATE:
            return "" if row.state == "ready" else text.safe(row.state, 20)
        case _:
            return text.safe(str(getattr(row, column.source.value)), 120)


def _weight(alias: str) -> tuple[int, str]:
    """Put the alias that says most first: the live one, what may become it, then branches and the like."""
    known = (*HOLDERS, "staging", "challenger", "candidate")
    return (known.index(alias.lower()) if alias.lower() in known else len(known), alias)


def _varied(rows: Sequence[VersionRow]) -> list[str]:
    """Parameters by how well they tell these rows apart: those with a few different short values first."""
    seen: dict[str, set[Value]] = {}
    for row in rows:
        for name, value in row.params.items():
            values = seen.setdefault(name, set())
            if len(values) < _ENOUGH:
                values.add(text.value(value, 40) if isinstance(value, list | dict) else value)
    several = [name for name, values in seen.items() if len(values) > 1]
    return sorted(several, key=lambda name: (_longest(seen[name]) > 12, name.count("."), len(name), name))


def _longest(values: set[Value]) -> int:
    return max(len(text.value(value, 40)) for value in values)


def _metrics(rows: Sequence[VersionRow]) -> list[str]:
    """Metrics that many rows have, then those that say most about them, then as their first row has them."""
    counts = Counter(name for row in rows for name in row.metrics)
    order = {name: i for i, name in enumerate(counts)}
    most = max(counts.values(), default=0)
    return sorted(counts, key=lambda name: (counts[name] < most / 2, telling(name), -counts[name], order[name]))


def every(rows: Sequence[VersionRow]) -> list[Column]:
    """Return all columns that these rows could fill."""
    params = sorted({name for row in rows for name in row.params})
    tags = sorted({name for row in rows for name in row.tags})
    return [
        Column(Source.REGISTRY),
        Column(Source.MODEL),
        *(Column(Source.METRIC, m) for m in sorted(_metrics(rows))),
        *(Column(Source.PARAM, p) for p in params),
        *(Column(Source.TAG, t) for t in tags),
        Column(Source.AUTHOR),
        Column(Source.AGE),
        Column(Source.STATE),
        Column(Source.KIND),
        Column(Source.MESSAGE),
    ]


def choose(rows: Sequence[VersionRow], sort: Sort) -> list[Column]:
    """Return the columns that tell these rows apart, the most telling first; what is sorted by is among them."""
    metrics = [Column(Source.METRIC, name) for name in _metrics(rows)]
    params = [Column(Source.PARAM, name) for name in _varied(rows)]
    chosen = [*metrics[:2], *params[:1], *metrics[2:4], *params[1:4], *metrics[4:8], *params[4:8]]
    chosen = led(chosen, sort)
    if len({(row.registry, row.model) for row in rows}) > 1:
        chosen.insert(0, Column(Source.MODEL))
    if any(row.state != "ready" for row in rows):
        chosen.append(Column(Source.STATE))
    return chosen


def led(columns: Sequence[Column], sort: Sort) -> list[Column]:
    """Return the columns with the one that is sorted by as the first, where it is one by name."""
    by = Column.of(sort.field)
    return [by, *(column for column in columns if column != by)] if by and by.key else [*columns]


class Layout(NamedTuple):
    """Columns with their widths, for one window width. The first `frozen` never scroll."""

    columns: tuple[Column, ...]
    widths: tuple[int, ...]
    rights: tuple[bool, ...]
    frozen: int
    offset: int
    room: int
    now: float
    goals: dict[str, Goal]
    recorded: Recorded

    @classmethod
    def empty(cls) -> Self:
        """Return the layout of no rows."""
        return cls((), (), (), 0, 0, 0, 0.0, {}, {})

    @classmethod
    def of(
        cls,
        rows: Sequence[VersionRow],
        chosen: Sequence[Column],
        room: int,
        now: float,
        goals: dict[str, Goal],
        recorded: Recorded,
    ) -> Self:
        """Lay out the chosen columns between the fixed ones and who and when, widths taken from these rows.

        What does not fit stands behind, for who scrolls.
        """
        fixed = [c for c in FIXED if c.source is not Source.ALIASES or any(row.aliases for row in rows)]
        tail = [c for c in _TAIL if c not in chosen]
        columns = [*fixed, *chosen, *tail]
        widths = [_width(column, rows[:_MEASURED], room, now, goals, recorded) for column in columns]
        order = _order(columns, widths, len(fixed), room)
        rights = tuple(columns[i].right(rows) for i in order)
        shown = tuple(columns[i] for i in order)
        return cls(shown, tuple(widths[i] for i in order), rights, len(fixed), 0, room, now, goals, recorded)

    def scrolled(self, by: int) -> Self:
        """Return the layout shifted by so many columns."""
        last = max(0, len(self.columns) - self.frozen - 1)
        if by > 0 and self._shown() and self._shown()[-1] == len(self.columns) - 1:
            return self
        return self._replace(offset=max(0, min(last, self.offset + by)))

    def _shown(self) -> list[int]:
        shown: list[int] = []
        used = 0
        for i in (*range(self.frozen), *range(self.frozen + self.offset, len(self.columns))):
            if used + self.widths[i] > self.room and shown:
                break
            used += self.widths[i] + 2
            shown.append(i)
        return shown

    def head(self) -> Line:
        """Return the line above the rows."""
        return tuple(Span(self._put(i, head(self.columns[i], self._goal(i))), Tone.HEAD) for i in self._shown())

    def line(self, row: VersionRow) -> Line:
        """Return the line of one version."""
        return tuple(
            Span(self._put(i, cell(self.columns[i], row, self.now, self.recorded)), _tone(self.columns[i], row))
            for i in self._shown()
        )

    def names(self) -> tuple[str, ...]:
        """Return the parts of environments that its columns show."""
        return tuple(column.key for column in self.columns if column.source is Source.ENV)

    def _goal(self, i: int) -> Goal | None:
        column = self.columns[i]
        return self.goals.get(column.key) if column.source is Source.METRIC else None

    def _put(self, i: int, content: str) -> str:
        put = _fitter(self.columns[i], right=self.rights[i])(content, self.widths[i])
        return f"  {put}" if i else put


def _fitter(column: Column, *, right: bool) -> Callable[[str, int], str]:
    return fit_right if right else fit_path if column.source is Source.MODEL else fit


def _tone(column: Column, row: VersionRow) -> Tone:
    match column.source:
        case Source.NAME:
            return Tone.DIM if row.state in ("failed", "partial") else Tone.PLAIN
        case Source.ALIASES:
            return Tone.ALIAS
        case Source.STATE:
            return Tone.WARN
        case Source.AGE | Source.AUTHOR | Source.REGISTRY | Source.MODEL | Source.MESSAGE | Source.KIND:
            return Tone.DIM
        case _:
            return Tone.PLAIN


def _width(
    column: Column, rows: Iterable[VersionRow], room: int, now: float, goals: dict[str, Goal], recorded: Recorded
) -> int:
    title = head(column, goals.get(column.key))
    cells = max((width((Span(cell(column, row, now, recorded)),)) for row in rows), default=0)
    longest = _LONGEST[column.source]
    if column.source is Source.ENV and not recorded:
        cells = max(cells, _READ)
    if column.source in _NARROW:
        longest = min(longest, max(9, room // _NARROW[column.source]))
    return max(width((Span(title),)), min(longest, cells), 1)


def _order(columns: list[Column], widths: list[int], frozen: int, room: int) -> list[int]:
    """Return the columns with those that fit first, in their natural order.

    They are fitted in that order too, but how old a version is comes after the two columns that tell most.
    """
    used = sum(widths[i] + 2 for i in range(frozen)) - 2
    rest = sorted(range(frozen, len(columns)), key=lambda i: frozen + 1.5 if columns[i] == _AGE else i)
    kept: list[int] = []
    for i in rest:
        if used + widths[i] + 2 <= room:
            kept.append(i)
            used += widths[i] + 2
    behind = [i for i in range(frozen, len(columns)) if i not in kept]
    return [*range(frozen), *sorted(kept), *behind]
