"""Orders of versions: by any column, metric, parameter, tag, package, model or registry.

An order is a sequence of *segments*, each read from an index in its own order: versions that have the value come first,
whichever the direction, then those that lack it. Ties go by the version's id.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import msgspec

from lineal.errors import QueryError
from lineal.index.conditions import ALWAYS, Conditions
from lineal.index.engine import Engine
from lineal.index.fields import FIELDS, NAMED, Field
from lineal.index.folding import FactKind
from lineal.index.quantities import release
from lineal.model.listing import Sort
from lineal.model.version import State

_FACT = {
    Field.METRIC: (FactKind.METRIC, ("fact_num",)),
    Field.PARAM: (FactKind.PARAM, ("fact_num", "fact_txt")),
    Field.TAG: (FactKind.TAG, ("fact_txt",)),
    Field.NAME: (FactKind.NAME, ("fact_txt",)),
    Field.AUTHOR: (FactKind.AUTHOR, ("fact_txt",)),
    Field.CODE: (FactKind.COMMIT, ("fact_txt",)),
}
_COLUMN = {
    Field.CREATED: ("created_at", "version_created"),
    Field.NUMBER: ("number", "version_number"),
    Field.ID: ("key", "version_key"),
    Field.KIND: ("kind", "version_kind"),
}
_APART = 50  # environments with one value that are read each in its order; more are sorted
Values = Sequence[Any]


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of an order.

    `source` has a version `v`, or is a table of facts `s`; `key` is "" where only ids count. `among` is as much of
    `where` as costs no look at another table. `any_of` are parts of the segment that are each in its order.
    `fact` is the key of the fact that orders it, or that its versions lack.
    """

    where: str
    any_of: Sequence[str] = ()
    fact: int | None = None
    among: str = ""
    source: str = "version v"
    key: str = ""
    falling: bool


class Order(Protocol):
    """A way to sort. `columns` are SQL over `v`; `place` turns their values into the number of a segment and a key."""

    @property
    def columns(self) -> Sequence[str]:
        """SQL expressions over `v`."""
        ...

    def segments(self) -> Iterator[Segment]:
        """Yield the stretches in their order."""
        ...

    def place(self, values: Values) -> tuple[int, Any, bool]:
        """Return the segment's number, the key within it, and whether keys fall there."""
        ...


def order(sort: Sort, conditions: Conditions, engine: Engine, among: frozenset[int] | None = None) -> Order:
    """Return the order that a sort names; `among` are the models whose versions are asked for, if not all.

    Raises:
        QueryError: there is no such field, or it cannot be sorted by.
    """
    head, dot, name = sort.field.partition(".")
    field = FIELDS.get(head)
    if field is None or bool(dot) != (field in NAMED):
        raise QueryError(
            f"there is nothing to sort by called {sort.field!r}", 0, max(len(sort.field), 1), hint=_close(head, dot)
        )
    if field in _COLUMN:
        return Columns(*_COLUMN[field], sort.descending, engine)
    if field in _FACT:
        kind, tables = _FACT[field]
        key = conditions.key(kind, name)
        return Facts(key, [table for table in tables if _has(engine, table, key)], sort.descending, engine)
    if field is Field.ENV:
        return _by_environment(conditions, engine, name, sort.descending)
    if field in (Field.MODEL, Field.REGISTRY):
        return _by_model(engine, field, sort.descending, among)
    if field is Field.STATE:
        return States(sort.descending, engine)
    hint = "sort by created, version, number, author, model, registry, metric.X, param.X, tag.X or env.X"
    raise QueryError(f"versions cannot be sorted by {field}", 0, len(sort.field), hint=hint)


def _close(head: str, dot: str) -> str:
    """Return the hint for a field that is none: one that is called nearly so, with or without a name of its own."""
    names = [str(one) if dot else name for name, one in FIELDS.items() if (one in NAMED) is bool(dot)]
    close = difflib.get_close_matches(head, names, 1)
    return f"did you mean {close[0]}{dot}?" if close else "as in created, version, metric.acc, param.lr"


class Columns:
    """By a column of the version itself."""

    def __init__(self, column: str, index: str, falling: bool, engine: Engine) -> None:
        self.columns = [f"v.{column}"]
        self._column, self._falling = column, falling
        # Without statistics SQLite may prefer an index that filters and then sort everything.
        self._source = f"version v INDEXED BY {index}" if index and not engine.postgres else "version v"

    def segments(self) -> Iterator[Segment]:
        """Yield those with a value, then those without."""
        there = f"v.{self._column} IS NOT NULL"
        yield Segment(where=there, source=self._source, key=f"v.{self._column}", falling=self._falling)
        yield Segment(where=f"v.{self._column} IS NULL", falling=self._falling)

    def place(self, values: Values) -> tuple[int, Any, bool]:
        """Place a version by its column."""
        return int(values[0] is None), values[0], self._falling


class States:
    """By state; within one the newest first. Nearly all are ready, the others are read from an index of their own."""

    columns = ("v.state", "v.created_at")

    def __init__(self, falling: bool, engine: Engine) -> None:
        self._values = sorted((one.value for one in State), reverse=falling)
        self._newest = "version v" if engine.postgres else "version v INDEXED BY version_created"

    def segments(self) -> Iterator[Segment]:
        """Yield each state, those with a time before those without."""
        for value in self._values:
            ready = value == State.READY
            where = f"v.state = '{value}'" if ready else f"v.state <> 'ready' AND v.state = '{value}'"
            source = self._newest if ready else "version v"
            yield Segment(
                where=f"{where} AND v.created_at IS NOT NULL", source=source, key="v.created_at", falling=True
            )
            yield Segment(where=f"{where} AND v.created_at IS NULL", falling=True)

    def place(self, values: Values) -> tuple[int, Any, bool]:
        """Place a version by its state and time."""
        return self._values.index(values[0]) * 2 + int(values[1] is None), values[1], True


class Facts:
    """By a fact: numbers first where there are numbers and texts."""

    def __init__(self, key: int | None, tables: Sequence[str], falling: bool, engine: Engine) -> None:
        self._key, self._tables, self._falling = key, tables, falling
        values = [self._value(table) for table in tables]
        self._absent = " AND ".join(f"{value} IS NULL" for value in values) or ALWAYS
        self.columns = [
            values[0] if len(values) == 1 else _either(*values, typed=engine.postgres) if values else "NULL"
        ]

    def _value(self, table: str) -> str:
        return f"(SELECT f.value FROM {table} f WHERE f.version_id = v.id AND f.key_id = {self._key})"

    def segments(self) -> Iterator[Segment]:
        """Yield those with a number, those with a text only, those without."""
        before = ""
        for table in self._tables:
            among = f"s.key_id = {self._key}"
            where = among + before
            yield Segment(where=where, among=among, source=table, key="s.value", fact=self._key, falling=self._falling)
            before += f" AND {self._value(table)} IS NULL"
        yield Segment(where=self._absent, among="v.id IS NOT NULL", fact=self._key, falling=self._falling)

    def place(self, values: Values) -> tuple[int, Any, bool]:
        """Place a version by the number or the text that it has."""
        value = values[0]
        if value is None:
            return len(self._tables), None, self._falling
        if len(self._tables) == 1:
            return 0, value, self._falling
        text = isinstance(value, str) and value.startswith(_TEXT)
        return int(text), value[len(_TEXT) :] if text else float(value), self._falling


_TEXT = "="
FACT_TABLES = ("fact_num", "fact_txt")


def _either(number: str, text: str, *, typed: bool) -> str:
    """Return one column for a number, else a marked text, which is looked up only where there is no number."""
    number = f"CAST({number} AS text)" if typed else number  # SQLite would round it
    return f"coalesce({number}, '{_TEXT}' || {text})"


class Groups:
    """By a rank of some column; within a rank the newest first."""

    def __init__(self, column: str, groups: Sequence[Sequence[int]], falling: bool) -> None:
        self.columns = [f"v.{column}", "v.created_at"]
        self._column, self._groups, self._falling = column, groups, falling
        self._ranks = {number: rank for rank, group in enumerate(groups) for number in group}

    def segments(self) -> Iterator[Segment]:
        """Yield each rank, those with a time before those without, then what has no rank."""
        for group in self._groups:
            yield from self._rank([f"v.{self._column} = {number}" for number in group])
        if self._column == "environment_id":
            known = ", ".join(map(str, self._ranks)) or "-1"
            yield from self._rank([f"(v.environment_id IS NULL OR v.environment_id NOT IN ({known}))"])

    def _rank(self, parts: Sequence[str]) -> Iterator[Segment]:
        apart = parts if 1 < len(parts) <= _APART else ()
        where = ALWAYS if apart else f"({' OR '.join(parts)})"
        dated, undated = f"{where} AND v.created_at IS NOT NULL", f"{where} AND v.created_at IS NULL"
        yield Segment(where=dated, any_of=apart, key="v.created_at", falling=True)
        yield Segment(where=undated, any_of=apart, falling=True)

    def place(self, values: Values) -> tuple[int, Any, bool]:
        """Place a version by its rank and time."""
        rank = self._ranks.get(values[0], len(self._groups))
        return rank * 2 + int(values[1] is None), values[1], True


def _has(engine: Engine, table: str, key: int | None) -> bool:
    """Say whether there are such facts: a segment less, where a parameter is never a number."""
    return key is not None and bool(engine.rows(f"SELECT 1 FROM {table} WHERE key_id = :key LIMIT 1", {"key": key}))


def _by_model(engine: Engine, field: Field, falling: bool, among: frozenset[int] | None) -> Groups:
    sql = "SELECT m.id, m.name, r.name FROM model m JOIN registry r ON r.id = m.registry_id WHERE m.versions > 0"
    rows = [row for row in engine.rows(sql) if among is None or row[0] in among]
    key: Callable[[Any], Any] = (
        (lambda row: (row[1], row[2])) if field is Field.MODEL else (lambda row: (row[2], row[1]))
    )
    return Groups("model_id", [[row[0]] for row in sorted(rows, key=key, reverse=falling)], falling)


def _by_environment(conditions: Conditions, engine: Engine, name: str, falling: bool) -> Groups:
    key = conditions.key(FactKind.ENV, name)
    by_value: dict[str, list[int]] = {}
    for value, number in engine.rows("SELECT value, environment_id FROM env_fact WHERE key_id = :key", {"key": key}):
        by_value.setdefault(value, []).append(number)
    ordered = sorted(by_value, key=_release_first, reverse=falling)
    seen: set[int] = set()
    groups = []
    for value in ordered:  # an environment with two values, such as two GPUs, counts by the first
        fresh = [number for number in sorted(by_value[value]) if number not in seen]
        seen.update(fresh)
        groups.append(fresh)
    return Groups("environment_id", [group for group in groups if group], falling)


def _release_first(value: str) -> tuple[bool, Any, str]:
    """Releases sort as releases, and after everything that is none."""
    found = release(value)
    return (found is not None, found or (), value)
