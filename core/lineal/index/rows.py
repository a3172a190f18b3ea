"""One list of versions, filtered and sorted, in pages.

A filter is driven either from the term that fewest versions pass (all of them are read and sorted, which is exact at
once) or from the order, checking one version after the other. What is cheaper is found by counting up to a bound and by
asking a few versions at random; chance may be wrong where a filter and an order go together, so a scan that finds no
page among as many versions as the term has gives way to sorting these. The ids seen so far are kept, eight bytes each,
so that any page is read again at once.
"""

from __future__ import annotations

import random
import re
import threading
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from lineal.errors import QueryError
from lineal.index import document
from lineal.index.conditions import Condition, Conditions
from lineal.index.database import Row
from lineal.index.engine import Engine, TooSlow, listed
from lineal.index.ordering import FACT_TABLES, Segment, order
from lineal.index.parsing import parse
from lineal.index.query import All
from lineal.model.listing import Sort, VersionRow

_SURE = 300  # versions that are sorted at once, whatever a scan might cost
_COUNTED = 40_000  # up to which terms are counted, and may be sorted
_ASKED = 256  # versions asked at random
_RARE = 8  # of them: terms that more pass are not worth counting if that takes long
_SORTING = 2  # what it costs to sort a version, in versions checked
_SEGMENT = 50  # what the look at one more segment costs, in versions checked
_CHUNK = 20_000  # ids that `measure` reads at a time
_NEWEST = Sort()
Place = tuple[Any, int]
"""Where in a segment a row stands: its key and its id."""
_COLUMNS = "v.id, r.name, m.name, v.key, v.name, v.kind, v.state, v.number, v.created_at, v.author, v.message"
SELECT = (
    f"SELECT {_COLUMNS}, v.params, v.metrics, v.tags, v.model_id FROM version v "
    "JOIN model m ON m.id = v.model_id JOIN registry r ON r.id = m.registry_id"
)
_OTHER_COLUMN = re.compile(r"\bv\.(?!id\b)")


class Rows:
    """One ordered list of versions (a filter and a sort), read in pages of `PAGE` rows by ordinal. Thread-safe."""

    PAGE = 128

    def __init__(self, engine: Engine, query: str, sort: Sort | None, now: float) -> None:
        """Parse and compile; nothing is counted yet. Raises QueryError."""
        self._engine = engine
        self._conditions = Conditions(engine, now)
        sort = sort or _NEWEST
        with _quoting(query):
            parsed = parse(query)
        parts = parsed.parts if isinstance(parsed, All) else (parsed,)
        self._parts = [self._conditions.of(part) for part in parts]
        with _quoting(sort.field):
            self._order = order(sort, self._conditions, engine, self._models())
        self._ids = array("q")
        self._planned = False
        self._segments = self._narrowed(self._order.segments())
        self._segment: Segment | None = None
        self._last: Place | None = None  # of the row before the next one of the segment
        self._driver = ""  # SELECT of the ids of a term which is sorted where a scan takes too long
        self._few = 0  # of them
        self._left = 0  # versions that a scan may still check for the next rows
        self._until: float | None = None
        self._lock = threading.Lock()
        self.count = 0  # rows known to exist so far
        self.exact = False

    def page(self, number: int, deadline_ms: float | None = None) -> list[VersionRow] | None:
        """Return rows [number*PAGE, number*PAGE+PAGE); None if `deadline_ms` passed first."""
        until = None if deadline_ms is None else time.monotonic() + deadline_ms / 1000
        ids = self._upto(number, until)
        if ids is None:
            return None
        try:
            return rows_of(self._engine, ids, until)
        except TooSlow:
            return None

    def ids(self, first: int, last: int) -> list[int]:
        """Return the ids of rows that were read already."""
        return list(self._ids[first:last])

    def measure(self) -> int:
        """Read all ids and return their exact number; slow, for a background thread."""
        while not self.exact:
            with self._lock:
                self._extend(len(self._ids) + _CHUNK, None)
        return self.count

    def _upto(self, number: int, until: float | None) -> list[int] | None:
        """Return the ids of a page; None if the time was up, or another thread is reading."""
        first, last = number * self.PAGE, (number + 1) * self.PAGE
        if len(self._ids) >= last or self.exact:
            return list(self._ids[first:last])
        if not self._lock.acquire(timeout=-1 if until is None else max(0.0, until - time.monotonic())):
            return None
        try:
            self._extend(last, until)
            return list(self._ids[first:last])
        except TooSlow:
            return None
        finally:
            self._lock.release()

    def _extend(self, wanted: int, until: float | None) -> None:
        """Read on until there are `wanted` ids, or no more. Raises TooSlow; then this goes on where it was."""
        self._until = until
        try:
            if not self._planned:
                self._plan()
                self._planned = True
            while len(self._ids) < wanted and not self.exact:
                self._step(max(self.PAGE, wanted - len(self._ids)))
        finally:
            self.count = len(self._ids)

    def _rows(self, sql: str, more: dict[str, Any] | None = None) -> list[Row]:
        return self._engine.rows(sql, {**self._conditions.parameters, **(more or {})}, self._until)

    def _models(self) -> frozenset[int] | None:
        """Return the models whose versions may pass; None for any."""
        told = [part.models for part in self._parts if part.models is not None]
        return frozenset.intersection(*told) if told else None

    # --- planning ---

    def _plan(self) -> None:
        """Sort the versions of a term at once, or prepare to scan."""
        few, ids = self._fewest([part.ids for part in self._parts if part.ids and not part.slow])
        if ids and few <= _SURE:
            self._sort(ids)
        elif any(part.ids for part in self._parts):
            few, ids, share = self._weighed(few, ids)
            long = share * few * _SORTING < self.PAGE if few < _COUNTED else not share  # what a scan would take
            if ids and (long or few <= _SURE):
                self._sort(ids)
            elif few < _COUNTED:
                self._driver, self._few, self._left = ids, few, few

    def _weighed(self, few: int, ids: str) -> tuple[int, str, float]:
        """Return the term that fewest pass, among those too whose counting takes long, and which part passes all."""
        top, asked, passed, hits = self._sample()
        slow = sorted((part.slow, part.ids) for part, of in zip(self._parts, hits, strict=True) if of <= _RARE)
        few, ids = min((few, ids), self._fewest([said for rank, said in slow if rank and said]))
        if not passed and few == _COUNTED:  # most of the index would be scanned
            ids = min((of, part.ids) for part, of in zip(self._parts, hits, strict=True) if part.ids)[1]
        alone = len(self._parts) == 1 and few < _COUNTED
        return few, ids, few / top if alone else passed / asked

    def _fewest(self, driving: Sequence[str]) -> tuple[int, str]:
        """Return the term that fewest versions pass and their number; none is counted beyond one that has few."""
        few, found = _COUNTED, ""
        for ids in driving:
            rows = self._rows(f"SELECT count(*) FROM (SELECT 1 FROM ({ids}) q LIMIT {_COUNTED}) n")
            few, found = min((int(rows[0][0]) if rows else 0, ids), (few, found or ids))
            if few <= _SURE:
                break
        return few, found

    def _sample(self) -> tuple[int, int, int, list[int]]:
        """Ask versions at random; return the highest id, how many were there, passed, and passed each part."""
        rows = self._rows("SELECT max(id) FROM version")
        top = (rows[0][0] if rows else None) or 1
        draw = random.Random(7)
        some = {"some": listed(self._engine, [draw.randint(1, top) for _ in range(_ASKED)])}
        each = [self._check(), *(part.check for part in self._parts)]
        sums = ", ".join(f"coalesce(sum(CASE WHEN {check} THEN 1 ELSE 0 END), 0)" for check in each)
        rows = self._rows(f"SELECT count(*), {sums} FROM version v WHERE v.id IN {self._engine.within('some')}", some)
        asked, passed, *hits = map(int, rows[0]) if rows else (0, 0, *(0 for _ in self._parts))
        return top, max(asked, 1), passed, hits

    def _check(self, parts: Sequence[Condition] | None = None) -> str:
        return " AND ".join(f"({part.check})" for part in (self._parts if parts is None else parts)) or "1=1"

    # --- all of a term, sorted here ---

    def _sort(self, driver: str) -> None:
        others = [part for part in self._parts if part.ids != driver or not part.exact]
        columns = ", ".join(["v.id", *self._order.columns])
        check = self._check(others)
        if _OTHER_COLUMN.search(f"{columns} {check}"):
            source, where = "version v", f"v.id IN ({driver}) AND {check}"
        else:  # no look at the versions themselves
            source, where = f"(SELECT DISTINCT id FROM ({driver}) d) v", check
        sql = f"SELECT {columns} FROM {source} WHERE {where}"
        groups: dict[int, list[tuple[Any, int]]] = {}
        falling: dict[int, bool] = {}
        for number, *values in self._rows(sql):
            group, key, falls = self._order.place(values)
            groups.setdefault(group, []).append((key, number))
            falling[group] = falls
        ids = array("q")
        for group in sorted(groups):
            found = groups[group]
            keyed = any(key is not None for key, _ in found)
            found.sort(key=None if keyed else lambda pair: pair[1], reverse=falling[group])
            ids.extend(number for _, number in found)
        self._ids, self.exact = ids, True

    # --- in order, checking ---

    def _step(self, limit: int) -> None:
        """Read one stretch of the segment that is due, at most `limit` rows of it."""
        if self._driver and (self._left <= 0 or limit > self._few):
            self._sort(self._driver)
        elif self._segment is None:
            self._segment = next(self._segments, None)
            self._last = None
            self._left -= _SEGMENT
            self.exact = self._segment is None
        else:
            self._read(self._segment, limit)

    def _narrowed(self, segments: Iterator[Segment]) -> Iterator[Segment]:
        """Narrow segments by what the filter says of the fact that sorts them; leave out those that it rules out."""
        told = [part.own for part in self._parts if part.own is not None]
        for segment in segments:
            same = [(table, test) for table, key, test in told if key == segment.fact]
            tests = " AND ".join(test.replace("f.value", "s.value") for table, test in same if table == segment.source)
            if tests:
                where, among = f"{segment.where} AND {tests}", f"{segment.among} AND {tests}"
                yield replace(segment, where=where, among=among)
            elif not any(table == "fact_num" or segment.source not in FACT_TABLES for table, _ in same):
                yield segment

    def _read(self, segment: Segment, limit: int) -> None:
        end = self._end(segment) if self._driver else None
        rows = self._stretch(segment, limit, self._check(), end)
        self._ids.extend(row[0] for row in rows)
        if len(rows) == limit:
            self._last, self._left = (rows[-1][1], rows[-1][0]), self._few
        elif end is None:
            self._segment = None
        else:
            self._last, self._left = end, 0

    def _end(self, segment: Segment) -> Place | None:
        """Return the place up to which a scan may go; None where the segment ends before."""
        segment = replace(segment, where=segment.among or segment.where)
        rows = self._stretch(segment, 1, "1=1", None, skip=self._left)
        return (rows[0][1], rows[0][0]) if rows else None

    def _stretch(self, segment: Segment, limit: int, check: str, end: Place | None, skip: int = 0) -> list[Row]:
        """Return (id, key) of rows of a segment behind `self._last`, up to `end`, that pass a check."""
        where, source, number = segment.where, segment.source, "v.id"
        if not source.startswith("version"):
            number = "s.version_id"
            joined = _OTHER_COLUMN.search(f"{check} {where}") is not None
            source = f"{source} s CROSS JOIN version v" if joined else f"{source} s"
            where = f"v.id = s.version_id AND {where}" if joined else where.replace("v.id", number)
            check = check if joined else check.replace("v.id", number)
        more: dict[str, Any] = {"limit": limit, "skip": skip}
        key, way, (before, behind) = segment.key, *((" DESC", "><") if segment.falling else ("", "<>"))
        for name, sign, place in (("last", behind, self._last), ("end", f"{before}=", end)):
            if place is not None:
                where += (
                    f" AND ({key}, {number}) {sign} (:{name}_key, :{name})" if key else f" AND {number} {sign} :{name}"
                )
                more |= {f"{name}_key": place[0], name: place[1]} if key else {name: place[1]}
        by = f"{key}{way}, {number}{way}" if key else f"{number}{way}"
        sql = f"SELECT {number} AS id, {key or '0'} AS key FROM {source} WHERE {where} AND {check}"
        if not segment.any_of:
            return self._rows(f"{sql} ORDER BY {by} LIMIT :limit OFFSET :skip", more)
        parts = (f"SELECT * FROM ({sql} AND {part} ORDER BY {by} LIMIT :most) p" for part in segment.any_of)
        order = f"{'key' + way + ', ' if key else ''}id{way} LIMIT :limit OFFSET :skip"
        return self._rows(f"{' UNION ALL '.join(parts)} ORDER BY {order}", {**more, "most": limit + skip})


@contextmanager
def _quoting(text: str) -> Iterator[None]:
    """Give an error the text that its place is in."""
    try:
        yield
    except QueryError as e:
        e.query = text
        raise


def rows_of(engine: Engine, ids: Sequence[int], until: float | None = None) -> list[VersionRow]:
    """Return the versions of `ids`, in their order; one that is gone meanwhile is left out. Raises TooSlow."""
    if not ids:
        return []
    chosen = {"ids": listed(engine, list(ids))}
    found = engine.rows(f"{SELECT} WHERE v.id IN {engine.within('ids')}", chosen, until)
    sql = "SELECT v.id, a.name FROM version v JOIN alias a ON a.model_id = v.model_id AND a.key = v.key"
    aliases: dict[int, list[str]] = {}
    for number, name in engine.rows(f"{sql} WHERE v.id IN {engine.within('ids')} ORDER BY a.name", chosen, until):
        aliases.setdefault(number, []).append(name)
    by_id = {row[0]: version_row(row, aliases.get(row[0], [])) for row in found}
    return [by_id[number] for number in ids if number in by_id]


def version_row(row: Row, aliases: Sequence[str]) -> VersionRow:
    """Make a row of a list out of a row of `SELECT`."""
    number, registry, model, key, name, kind, state, order_number, created_at, author, message = row[:11]
    return VersionRow(
        id=number,
        registry=registry,
        model=model,
        key=key,
        name=name,
        kind=kind,
        state=state,
        number=order_number,
        created_at=created_at,
        author=author,
        message=message,
        aliases=tuple(dict.fromkeys(aliases)),
        params=document.objects(row[11]),
        metrics=document.metrics(row[12]),
        tags=document.objects(row[13]),
    )
