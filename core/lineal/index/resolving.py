"""References to versions: which one is meant, by the rules of `model.reference`."""

from __future__ import annotations

from difflib import get_close_matches

from lineal.errors import Conflict, NotFound
from lineal.index.engine import Engine
from lineal.index.rows import SELECT, rows_of
from lineal.model.listing import VersionRow
from lineal.model.reference import ID_PREFIX, Reference, Selector, SelectorKind, canonical

_SHOWN = 10
_LAST = "\U0010ffff"


def resolve(engine: Engine, reference: Reference) -> VersionRow:
    """Find the one version that a reference names.

    Raises:
        NotFound: there is none; the hint names what is close.
        Conflict: there are several, which the hint lists.
    """
    exact = _models(engine, "", reference.raw)
    models = exact or _models(engine, reference.registry, reference.model)
    selector = Selector() if exact else reference.selector
    if not models:
        raise NotFound(f"no model is called {reference.raw!r}", hint=_close_models(engine, reference))
    found: dict[int, None] = {}
    for number, _, _ in models:
        found |= dict.fromkeys(_select(engine, number, selector))
    if not found:
        raise NotFound(f"{reference.raw!r} names no version", hint=_close_versions(engine, models[0]))
    if len(found) > 1 or (len(models) > 1 and selector.kind is SelectorKind.LATEST):
        raise Conflict(f"{reference.raw!r} names more than one version", hint=_listed(rows_of(engine, list(found))))
    return rows_of(engine, list(found))[0]


def _models(engine: Engine, registry: str, name: str) -> list[tuple[int, str, str]]:
    sql = "SELECT m.id, r.name, m.name FROM model m JOIN registry r ON r.id = m.registry_id WHERE m.name = :name"
    rows = engine.rows(f"{sql} ORDER BY r.name", {"name": name})
    return [(row[0], row[1], row[2]) for row in rows if registry in ("", row[1])]


def _select(engine: Engine, model: int, selector: Selector) -> list[int]:
    """Return the versions of a model that a selector names: names first, then aliases, then ids."""
    kind, value = selector.kind, selector.value
    if kind is SelectorKind.LATEST:
        return _newest(engine, model)
    if kind in (SelectorKind.ANY, SelectorKind.VERSION) and (found := _by_name(engine, model, value)):
        return found
    if kind in (SelectorKind.ANY, SelectorKind.ALIAS) and (found := _by_alias(engine, model, value, selector.back)):
        return found
    if kind in (SelectorKind.ANY, SelectorKind.ID):
        return _by_id(engine, model, value)
    return []


def _newest(engine: Engine, model: int) -> list[int]:
    """Return the newest version: by time, then by number; where no time is known, by number."""
    top = engine.rows("SELECT max(created_at) FROM version WHERE model_id = :model", {"model": model})
    at = top[0][0] if top else None
    when = "created_at IS NULL" if at is None else "created_at = :at"
    sql = (
        f"SELECT id FROM version WHERE model_id = :model AND {when} ORDER BY coalesce(number, -1) DESC, id DESC LIMIT 1"
    )
    return [row[0] for row in engine.rows(sql, {"model": model, "at": at})]


def _by_name(engine: Engine, model: int, name: str) -> list[int]:
    sql = "SELECT id FROM version WHERE model_id = :model AND name = :name ORDER BY id"
    return [row[0] for row in engine.rows(sql, {"model": model, "name": name})]


def _by_alias(engine: Engine, model: int, name: str, back: int) -> list[int]:
    sql = "SELECT DISTINCT key FROM alias WHERE model_id = :model AND name = :name ORDER BY key"
    now = [row[0] for row in engine.rows(sql, {"model": model, "name": name})]
    keys = [before] if back and (before := _before(engine, model, name, back)) else [] if back else now
    return [number for key in keys for number in _by_key(engine, model, key)]


def _before(engine: Engine, model: int, name: str, back: int) -> str:
    """Return what an alias pointed at so many moves ago; "" where that is not known, or was nothing."""
    sql = "SELECT before, at FROM alias_move WHERE model_id = :model AND name = :name ORDER BY at"
    moves = engine.rows(sql, {"model": model, "name": name})
    return moves[-back][0] if back <= len(moves) else ""


def _by_key(engine: Engine, model: int, key: str) -> list[int]:
    sql = "SELECT id FROM version WHERE model_id = :model AND key = :key"
    return [row[0] for row in engine.rows(sql, {"model": model, "key": key})]


def _by_id(engine: Engine, model: int, prefix: str) -> list[int]:
    if exact := _by_key(engine, model, prefix):
        return exact
    if len(prefix) < ID_PREFIX:
        return []
    sql = "SELECT id FROM version WHERE model_id = :model AND key >= :low AND key < :high ORDER BY key LIMIT 20"
    rows = engine.rows(sql, {"model": model, "low": prefix, "high": prefix + _LAST})
    return [row[0] for row in rows]


def _listed(rows: list[VersionRow]) -> str:
    named = [canonical(row.registry, row.model, Selector(SelectorKind.ID, row.key)) for row in rows[:_SHOWN]]
    if len({(row.registry, row.model) for row in rows}) == len(rows):
        named = [canonical(row.registry, row.model, row.name) for row in rows[:_SHOWN]]
    more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return f"say which: {', '.join(named)}{more}"


def _close_models(engine: Engine, reference: Reference) -> str:
    elsewhere = [canonical(registry, model) for _, registry, model in _models(engine, "", reference.model)]
    sql = "SELECT DISTINCT m.name FROM model m JOIN registry r ON r.id = m.registry_id ORDER BY m.name LIMIT 5000"
    names = [] if elsewhere else [row[0] for row in engine.rows(sql)]
    close = elsewhere[:_SHOWN] or get_close_matches(reference.model, names, 3)
    return f"did you mean {', '.join(close)}?" if close else "`lineal ls --models` lists them"


def _close_versions(engine: Engine, model: tuple[int, str, str]) -> str:
    rows = engine.rows(f"{SELECT} WHERE v.model_id = :model ORDER BY v.id DESC LIMIT 3", {"model": model[0]})
    aliases = engine.rows("SELECT DISTINCT name FROM alias WHERE model_id = :model LIMIT 5", {"model": model[0]})
    names = [row[0] for row in aliases] + [row[4] for row in rows]
    return f"there are, among others: {', '.join(names)}" if names else "that model has no versions"
