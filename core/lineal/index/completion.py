"""Names and values in use, for completion: the few that begin as what was typed, read from an index."""

from __future__ import annotations

from lineal.index.engine import Engine
from lineal.index.fields import FIELDS, Field
from lineal.index.folding import FactKind, fold
from lineal.model.version import Kind, State

_KEYS = {kind.value: kind for kind in (FactKind.METRIC, FactKind.PARAM, FactKind.TAG, FactKind.ENV)}
_FACTS = {
    Field.AUTHOR: FactKind.AUTHOR,
    Field.NAME: FactKind.NAME,
    Field.DATA: FactKind.DATASET,
    Field.CODE: FactKind.COMMIT,
    Field.FILE: FactKind.FILE,
    Field.PARAM: FactKind.PARAM,
    Field.TAG: FactKind.TAG,
}
_LAST = "\U0010ffff"
_STEPS = 400  # distinct values that are stepped through at most
_SKIPS = "SELECT value FROM {table} WHERE key_id = :key AND value > :at AND value < :end ORDER BY value LIMIT 1"


def keys(engine: Engine, kind: str, prefix: str, limit: int) -> list[str]:
    """Return names of metrics, parameters, tags and packages; also models, aliases, authors and registries."""
    if kind in _KEYS:
        sql = "SELECT name FROM key WHERE kind = :kind ORDER BY name"
        names = [row[0] for row in engine.rows(sql, {"kind": _KEYS[kind].value})]
    elif kind in ("model", "alias", "registry"):
        names = [row[0] for row in engine.rows(f"SELECT DISTINCT name FROM {kind} ORDER BY name")]
    else:
        return values(engine, kind, prefix, limit)
    wanted = fold(prefix)
    return [name for name in names if fold(name).startswith(wanted)][:limit]


def values(engine: Engine, field: str, prefix: str, limit: int) -> list[str]:
    """Return values of a field (`author`, `param.optimizer`, `env.torch`), folded as the index compares them."""
    head, _, name = field.partition(".")
    known = FIELDS.get(head)
    if known in (Field.MODEL, Field.ALIAS, Field.REGISTRY):
        return keys(engine, known.value, prefix, limit)
    if known in (Field.KIND, Field.STATE):
        return [one.value for one in (Kind if known is Field.KIND else State) if one.value.startswith(fold(prefix))]
    if known is Field.ENV:
        return _stepped(engine, "env_fact", FactKind.ENV, name, prefix, limit)
    if known in _FACTS:
        return _stepped(engine, "fact_txt", _FACTS[known], name, prefix, limit)
    return []


def _stepped(engine: Engine, table: str, kind: FactKind, name: str, prefix: str, limit: int) -> list[str]:
    """Jump from one distinct value to the next: as many look-ups as values, however many versions have each."""
    rows = engine.rows("SELECT id FROM key WHERE kind = :kind AND name = :name", {"kind": kind.value, "name": name})
    if not rows:
        return []
    start = fold(prefix)
    found: list[str] = []
    exact = engine.rows(f"SELECT 1 FROM {table} WHERE key_id = :key AND value = :at LIMIT 1", _at(rows[0][0], start))
    if exact and start:
        found.append(start)
    at = start
    while len(found) < min(limit, _STEPS):
        step = engine.rows(_SKIPS.format(table=table), {**_at(rows[0][0], at), "end": start + _LAST})
        if not step:
            break
        at = step[0][0]
        found.append(at)
    return found


def _at(key: int, value: str) -> dict[str, object]:
    return {"key": key, "at": value}
