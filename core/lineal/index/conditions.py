"""Terms of a query as SQL: a check of one version `v`, and where an index knows them, the versions that pass.

Both say exactly the same, so the planner may drive a query from either. Texts, aliases and environments that match a
pattern are found first, among the few distinct ones; what remains for SQL are plain comparisons. Every check is true or
false, never NULL, so that it can be negated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from lineal.index.bounds import SIGNS, Bound, bounds, ends, moments, release_range, release_test, span, whole
from lineal.index.engine import Engine, listed
from lineal.index.fields import Field, Pattern, like
from lineal.index.folding import WORD, FactKind, fold, words
from lineal.index.quantities import exact, scaled
from lineal.index.query import All, Between, Compare, Either, Has, Not, Op, Query, Word
from lineal.index.words import MESSAGE

_FACTS = {Field.METRIC: FactKind.METRIC, Field.PARAM: FactKind.PARAM, Field.TAG: FactKind.TAG, Field.ENV: FactKind.ENV}
_UNNAMED = {
    Field.AUTHOR: FactKind.AUTHOR,
    Field.NAME: FactKind.NAME,
    Field.DATA: FactKind.DATASET,
    Field.CODE: FactKind.COMMIT,
    Field.FILE: FactKind.FILE,
}
_ALWAYS_THERE = frozenset({Field.REGISTRY, Field.MODEL, Field.KIND, Field.STATE})
_LAST = "\U0010ffff"
_APART = 20  # keys that are each looked up on their own: engines may read all values for a set of keys
NEVER, ALWAYS = "1=0", "1=1"


class Condition(msgspec.Struct, frozen=True):
    """SQL that tells whether a version `v` passes, and a SELECT of all ids that do, "" where that costs a scan."""

    check: str
    ids: str = ""
    exact: bool = True  # False: `ids` has others too, which the check tells
    slow: int = 0  # how long it takes to read any of `ids`; 0: no longer than there are
    models: frozenset[int] | None = None  # the models whose versions may pass, where the term is about that
    own: tuple[str, int, str] | None = None  # the table, the key and the test of `f.value`, where that is all of it


class Conditions:
    """Makes the conditions of one query; `parameters` are the named ones of all of them."""

    def __init__(self, engine: Engine, now: float) -> None:
        self._engine = engine
        self._now = now
        self.parameters: dict[str, Any] = {}

    def of(self, query: Query) -> Condition:
        """Return the condition of a query."""
        match query:
            case All(parts):
                return self._all([self.of(part) for part in parts])
            case Either(parts):
                return self._either([self.of(part) for part in parts])
            case Not(part):
                return self._not(part)
            case Word(text, whole):
                return self._words([*words(text)], whole=whole)
            case Has(field, key):
                return self._has(field, key)
            case Compare():
                return self._compare(query)
            case Between():
                return self._between(query)

    def _not(self, part: Query) -> Condition:
        """Return what does not match; of fields that every version has, and that have few values, it is the others."""
        match part:
            case Compare(field, Op.EQUAL, value) if field in (Field.REGISTRY, Field.MODEL):
                return self._models(field, lambda text: not value.matches(text))
            case Compare(field, Op.EQUAL, value) if field in (Field.KIND, Field.STATE):
                return self._closed(field, lambda text: not value.matches(text))
            case Compare(field, Op.NOT_EQUAL, value, key) if field in _ALWAYS_THERE:
                return self.of(Compare(field, Op.EQUAL, value, key))
            case _:
                return Condition(f"NOT ({self.of(part).check})")

    def _all(self, parts: list[Condition]) -> Condition:
        driving = sorted((part for part in parts if part.ids), key=lambda part: part.slow)
        if driving and driving[-1].slow:  # beginnings of words are read whole: only the rarest, if any
            driving = [part for part in driving if not part.slow] or driving[:1]
        ids = " INTERSECT ".join(f"SELECT id FROM ({part.ids}) a" for part in driving)
        exact = len(driving) == len(parts) and all(part.exact for part in parts)
        slow = max((part.slow for part in driving), default=0)
        return Condition(" AND ".join(part.check for part in parts) or ALWAYS, ids, exact, slow)

    def _either(self, parts: list[Condition]) -> Condition:
        check = "(" + " OR ".join(f"({part.check})" for part in parts) + ")"
        ids = (
            " UNION ALL ".join(f"SELECT id FROM ({part.ids}) o" for part in parts) if all(p.ids for p in parts) else ""
        )
        return Condition(check, ids, all(part.exact for part in parts), max(part.slow for part in parts))

    def put(self, value: Any) -> str:
        """Name a parameter and return it as SQL writes it."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f":{name}"

    def among(self, column: str, values: Sequence[int] | Sequence[str]) -> str:
        """Return SQL that tells whether a column has one of some values."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = listed(self._engine, values)
        return self._engine.among(column, name, str if values and isinstance(values[0], str) else int)

    # --- words ---

    def _words(self, tokens: list[str], *, whole: bool) -> Condition:
        if not tokens:
            return Condition(ALWAYS)
        inside = "strpos" if self._engine.postgres else "instr"
        end = " " if whole else ""
        said = " AND ".join(
            f"{inside}(' ' || t.words || ' ' || t.aliases || ' ', {self.put(f' {token}{end}')}) > 0" for token in tokens
        )
        check = _exists(f"SELECT 1 FROM fulltext t WHERE t.version_id = v.id AND {said}")
        if self._engine.postgres:
            wanted = " & ".join(f"'{token}'" + ("" if whole else ":*") for token in tokens)
            ids = f"SELECT version_id AS id FROM fulltext WHERE vector @@ CAST({self.put(wanted)} AS tsquery)"
        else:
            wanted = " AND ".join(f'"{token}"' + ("" if whole else " *") for token in tokens)
            ids = f"SELECT rowid AS id FROM fts WHERE fts MATCH {self.put(wanted)}"
        slow = 2 * WORD - max(map(len, tokens)) - (WORD if whole else 0)  # long words are rare
        return Condition(check, ids, slow=slow)

    # --- presence ---

    def _has(self, field: Field, key: Pattern | None) -> Condition:
        if field is Field.ENV:
            return self._environments(self._env_ids(key, lambda _: True))
        if field in _FACTS or field in _UNNAMED:
            keys = self.keys(_FACTS.get(field) or _UNNAMED[field], key)
            return self._fact("fact_num" if field is Field.METRIC else "fact_txt", keys, "")
        match field:
            case Field.ALIAS:
                return self._aliases(lambda _: True)
            case Field.CREATED:
                return Condition("v.created_at IS NOT NULL", "SELECT id FROM version WHERE created_at IS NOT NULL")
            case Field.NUMBER:
                return Condition("v.number IS NOT NULL", "SELECT id FROM version WHERE number IS NOT NULL")
            case Field.MESSAGE:
                return Condition("v.message <> ''")
            case _:
                return Condition(ALWAYS)

    # --- comparisons ---

    def _compare(self, term: Compare) -> Condition:
        if term.op is Op.NOT_EQUAL:
            equal = msgspec.structs.replace(term, op=Op.EQUAL)
            if term.field in _ALWAYS_THERE:
                return self._not(equal)
            return Condition(f"({self._has(term.field, term.key).check}) AND NOT ({self._compare(equal).check})")
        match term.field:
            case Field.REGISTRY | Field.MODEL:
                return self._models(term.field, term.value.matches)
            case Field.METRIC | Field.PARAM:
                return self._number(term)
            case Field.TAG:
                return self._text(FactKind.TAG, term.key, term.value)
            case Field.ENV:
                return self._environments(self._env_ids(term.key, release_test(term.op, term.value)))
            case Field.ALIAS:
                return self._aliases(term.value.matches)
            case Field.CREATED:
                return self._column("created_at", *moments(term.op, term.value.text, self._now))
            case Field.NUMBER:
                value = scaled(term.value.text) if term.op is not Op.EQUAL else exact(term.value.text)
                return self._column("number", *map(whole, bounds(term.op, value or 0.0)))
            case _:
                return self._said(term.field, term.value)

    def _said(self, field: Field, value: Pattern) -> Condition:
        """Return the condition of a field that holds a text."""
        if kind := _UNNAMED.get(field):
            return self._text(kind, None, value)
        match field:
            case Field.MESSAGE:
                whole = value.literal
                return self._words([MESSAGE + token for token in words(value.text)], whole=whole)
            case Field.ID:
                return self._prefix(value.text if value.literal else value.text.rstrip("*"))
            case _:
                return self._closed(field, value.matches)

    def _prefix(self, text: str) -> Condition:
        low, high = self.put(text), self.put(text + _LAST)
        there = f"key >= {low} AND key < {high}"
        return Condition(f"(v.{there.replace(' AND ', ' AND v.')})", f"SELECT id FROM version WHERE {there}")

    def _closed(self, field: Field, matches: Callable[[str], bool]) -> Condition:
        from lineal.model.version import Kind, State

        names = [name for name in (Kind if field is Field.KIND else State) if matches(name.value)]
        column = field.value
        among = ", ".join(f"'{name.value}'" for name in names) or "''"
        if field is Field.STATE and State.READY not in names:  # the index holds only these
            rare = f"state <> 'ready' AND state IN ({among})"
            return Condition(f"v.{column} IN ({among})", f"SELECT id FROM version WHERE {rare}")
        ids = f"SELECT id FROM version WHERE {column} IN ({among})" if field is Field.KIND else ""
        return Condition(f"v.{column} IN ({among})", ids)

    def _models(self, field: Field, matches: Callable[[str], bool]) -> Condition:
        rows = self._engine.rows("SELECT m.id, m.name, r.name FROM model m JOIN registry r ON r.id = m.registry_id")
        found = [row[0] for row in rows if matches(row[2] if field is Field.REGISTRY else row[1])]
        if not found:
            return Condition(NEVER, f"SELECT id FROM version WHERE {NEVER}", models=frozenset())
        one = f"model_id = {found[0]}" if len(found) == 1 else ""
        ids = f"SELECT id FROM version WHERE {one or self.among('model_id', found)}"
        check = f"v.{one}" if one else self.among("v.model_id", found)
        return Condition(check, ids, models=frozenset(found))

    def _aliases(self, test: Callable[[str], bool]) -> Condition:
        names = [name for (name,) in self._engine.rows("SELECT DISTINCT name FROM alias") if test(name)] or [""]
        among = self.among("a.name", names)
        check = _exists(f"SELECT 1 FROM alias a WHERE a.model_id = v.model_id AND a.key = v.key AND {among}")
        joined = "JOIN version x ON x.model_id = a.model_id AND x.key = a.key"
        return Condition(check, f"SELECT DISTINCT x.id FROM alias a {joined} WHERE {among}")

    # --- facts ---

    def keys(self, kind: FactKind, name: Pattern | None) -> list[int]:
        """Return the ids of keys whose name matches; all of a kind that has no names."""
        rows = self._engine.rows("SELECT id, name FROM key WHERE kind = :kind", {"kind": kind.value})
        return [number for number, said in rows if name is None or name.matches(said)]

    def key(self, kind: FactKind, name: str) -> int | None:
        """Return the id of the one key that a name means: its very own, else the first that differs in case only."""
        rows = self._engine.rows("SELECT id, name FROM key WHERE kind = :kind ORDER BY name", {"kind": kind.value})
        alike = [(said != name, at, number) for at, (number, said) in enumerate(rows) if fold(said) == fold(name)]
        return min(alike)[2] if alike else None

    def _fact(self, table: str, keys: list[int], test: str) -> Condition:
        if not keys:
            return Condition(NEVER, f"SELECT id FROM version WHERE {NEVER}")
        among = f"f.key_id = {keys[0]}" if len(keys) == 1 else f"f.key_id IN ({', '.join(map(str, keys))})"
        more = f" AND {test}" if test else ""
        check = _exists(f"SELECT 1 FROM {table} f WHERE f.version_id = v.id AND {among}{more}")
        start = f"SELECT f.version_id AS id FROM {table} f WHERE"
        if len(keys) > _APART:
            return Condition(check, f"{start} {among}{more}")
        ids = " UNION ALL ".join(f"{start} f.key_id = {key}{more}" for key in keys)
        return Condition(check, ids, own=(table, keys[0], test or ALWAYS) if len(keys) == 1 else None)

    def _text(self, kind: FactKind, key: Pattern | None, value: Pattern) -> Condition:
        keys = self.keys(kind, key)
        if kind is FactKind.COMMIT and not value.wild:  # commits are named by their first characters
            value = Pattern(value.text + "*") if not value.literal else value
        if not value.wild:
            return self._fact("fact_txt", keys, f"f.value = {self.put(fold(value.text))}")
        start = value.prefix
        test = f"f.value LIKE {self.put(like(value))} ESCAPE '!'"
        if start:
            test = f"f.value >= {self.put(start)} AND f.value < {self.put(start + _LAST)} AND {test}"
        return self._fact("fact_txt", keys, test)

    def _number(self, term: Compare) -> Condition:
        kind = _FACTS[term.field]
        if term.op is not Op.EQUAL:
            value = self.put(scaled(term.value.text))
            return self._fact("fact_num", self.keys(kind, term.key), f"f.value {SIGNS[term.op]} {value}")
        number = None if term.value.wild else exact(term.value.text)
        if kind is FactKind.METRIC:
            return self._fact("fact_num", self.keys(kind, term.key), f"f.value = {self.put(number)}")
        text = self._text(kind, term.key, term.value)
        if number is None or term.value.literal:
            return text
        equal = self._fact("fact_num", self.keys(kind, term.key), f"f.value = {self.put(number)}")
        ids = f"SELECT id FROM ({text.ids} UNION {equal.ids}) e" if text.ids and equal.ids else ""
        return Condition(f"({text.check} OR {equal.check})", ids)

    # --- environments ---

    def _env_ids(self, key: Pattern | None, test: Callable[[str], bool]) -> list[int]:
        keys = self.keys(FactKind.ENV, key)
        sql = f"SELECT DISTINCT value FROM env_fact WHERE key_id IN {self._set(keys)}"
        values = [value for (value,) in self._engine.rows(sql, self._last) if test(value)]
        sql = f"SELECT DISTINCT environment_id FROM env_fact WHERE key_id IN {self._set(keys)}"
        chosen = {**self._last, "values": listed(self._engine, values)}
        return [row[0] for row in self._engine.rows(f"{sql} AND value IN {self._engine.within('values', str)}", chosen)]

    def _set(self, numbers: list[int]) -> str:
        self._last = {"numbers": listed(self._engine, numbers)}
        return self._engine.within("numbers")

    def _environments(self, found: list[int]) -> Condition:
        if not found:
            return Condition(NEVER, f"SELECT id FROM version WHERE {NEVER}")
        check = f"(v.environment_id IS NOT NULL AND {self.among('v.environment_id', found)})"
        return Condition(check, f"SELECT id FROM version WHERE {self.among('environment_id', found)}")

    # --- ranges ---

    def _between(self, term: Between) -> Condition:
        match term.field:
            case Field.CREATED:
                return self._column("created_at", *span(term.low, term.high, self._now))
            case Field.NUMBER:
                return self._column("number", *map(whole, ends(term.low, term.high)))
            case Field.ENV:
                return self._environments(self._env_ids(term.key, release_range(term.low, term.high)))
            case _:
                keys = self.keys(_FACTS[term.field], term.key)
                return self._fact("fact_num", keys, self._inside("f.value", *ends(term.low, term.high)))

    def _column(self, column: str, low: Bound, high: Bound) -> Condition:
        inside = self._inside(column, low, high)
        mine = self._inside(f"v.{column}", low, high)
        there = f"(v.{column} IS NOT NULL AND {mine})"
        return Condition(there, f"SELECT id FROM version WHERE {column} IS NOT NULL AND {inside}")

    def _inside(self, column: str, low: Bound, high: Bound) -> str:
        tests = [f"{column} {bound[0]} {self.put(bound[1])}" for bound in (low, high) if bound]
        return " AND ".join(tests) or ALWAYS


def _exists(select: str) -> str:
    """Return a test that PostgreSQL leaves where it stands: the offset keeps it from reading all that pass, to join."""
    return f"EXISTS ({select} LIMIT 1 OFFSET 0)"
