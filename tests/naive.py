"""What a query and a sort mean, said once more and as plainly as possible: over versions in memory, without SQL.

The index is held to this. Nothing here is shared with it but the terms of a query and how a number, a date and a
release are read, which have tests of their own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from lineal.index.fields import Field, Pattern
from lineal.index.quantities import age, exact, interval, release, scaled
from lineal.index.query import All, Between, Compare, Either, Has, Not, Op, Query, Word
from lineal.model.listing import Sort
from lineal.model.version import Version

_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
Held = tuple[Version, frozenset[str]]
"""A version and the names of the aliases that point at it."""


def _fold(text: str) -> str:
    return text.casefold()[:256]


def like(pattern: Pattern, text: str) -> bool:
    """Say whether a text matches, by trying every length of every star."""
    if pattern.literal:
        return _fold(pattern.text) == _fold(text)
    return _glob(_fold(pattern.text), _fold(text))


def _glob(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(_glob(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and _glob(pattern[1:], text[1:])


def _split(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.casefold())


# --- what a version holds ---


def _metrics(version: Version) -> dict[str, float]:
    """The last value of a name counts, but one without a data set counts more than any with one."""
    plain = {metric.name for metric in version.metrics if not metric.dataset}
    said = [metric for metric in version.metrics if not metric.dataset or metric.name not in plain]
    return {metric.name: float(metric.value) for metric in said}


def _text_of(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "infinity" if value > 0 else "-infinity"
    return msgspec.json.encode(value).decode()


def _number_of(value: Any) -> float | None:
    if isinstance(value, str):
        return float(value) if _DECIMAL.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _named(version: Version, field: Field) -> dict[str, list[Any]]:
    """Return the values of a field that has names."""
    match field:
        case Field.METRIC:
            return {name: [value] for name, value in _metrics(version).items() if not math.isnan(value)}
        case Field.PARAM:
            return {param.name: [param.value] for param in version.params}
        case Field.TAG:
            return {tag.key: [tag.value] for tag in version.tags}
        case _:
            return _environment(version)


def _environment(version: Version) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    if version.environment is None:
        return found
    for name in ("python", "os", "cuda", "cudnn", "driver", "cpu", "image"):
        if value := getattr(version.environment, name):
            found.setdefault(name, []).append(value)
    for gpu in version.environment.gpus:
        found.setdefault("gpu", []).append(gpu)
    for package in version.environment.packages:
        found.setdefault(package.name, []).append(package.version)
    return found


def _texts(held: Held, field: Field) -> list[str]:
    version, aliases = held
    match field:
        case Field.REGISTRY | Field.MODEL | Field.NAME | Field.AUTHOR | Field.KIND | Field.STATE:
            return [said] if (said := str(getattr(version, "name" if field is Field.NAME else field.value))) else []
        case Field.ALIAS:
            return list(aliases)
        case Field.DATA:
            return [text for data in version.datasets for text in (data.name, data.digest) if text]
        case Field.CODE:
            return [version.code.commit] if version.code and version.code.commit else []
        case Field.FILE:
            return [text for file in version.files for text in _path(file.path)]
        case _:
            return [version.message] if field is Field.MESSAGE and version.message else []


def _path(path: str) -> tuple[str, ...]:
    """Return what a file is known by: its path, and its last part; those of a folder without the `/` at the end."""
    bare = path.rstrip("/")
    return path, bare, bare.rsplit("/", 1)[-1]


def _words(held: Held) -> list[str]:
    version, aliases = held
    texts = [version.model, version.name, version.author, version.message, *aliases]
    texts += [text for tag in version.tags for text in (tag.key, tag.value)]
    texts += [text for param in version.params if isinstance(text := param.value, str) and _number_of(text) is None]
    texts += [data.name for data in version.datasets]
    return [word for text in texts for word in _split(text)]


# --- queries ---


def matches(query: Query, held: Held, now: float) -> bool:
    """Say whether a version passes."""
    match query:
        case All(parts):
            return all(matches(part, held, now) for part in parts)
        case Either(parts):
            return any(matches(part, held, now) for part in parts)
        case Not(part):
            return not matches(part, held, now)
        case Word(text, whole):
            return _said(text, _words(held), whole=whole)
        case Has(field, key):
            return _has(held, field, key)
        case Compare(field, Op.NOT_EQUAL, value, key):
            return _has(held, field, key) and not matches(Compare(field, Op.EQUAL, value, key), held, now)
        case Compare():
            return _compare(query, held, now)
        case Between():
            return _between(query, held, now)


def _said(text: str, among: list[str], *, whole: bool) -> bool:
    return all(any(word == token or (not whole and word.startswith(token)) for word in among) for token in _split(text))


def _has(held: Held, field: Field, key: Pattern | None) -> bool:
    version = held[0]
    match field:
        case Field.METRIC | Field.PARAM | Field.TAG | Field.ENV:
            return any(key is None or like(key, name) for name in _named(version, field))
        case Field.CREATED:
            return version.created_at is not None
        case Field.NUMBER:
            return version.number is not None
        case Field.ID:
            return True
        case _:
            return bool(_texts(held, field))


def _compare(term: Compare, held: Held, now: float) -> bool:
    version, value = held[0], term.value
    if term.key is not None:
        found = _named(version, term.field).items()
        return any(_equal_or_ordered(term, one) for name, some in found if like(term.key, name) for one in some)
    match term.field:
        case Field.CREATED:
            return version.created_at is not None and _when(term.op, value.text, version.created_at, now)
        case Field.NUMBER:
            return version.number is not None and _order(term.op, version.number, scaled(value.text))
        case Field.ID:
            return version.key.startswith(value.text if value.literal else value.text.rstrip("*"))
        case Field.MESSAGE:
            return _said(value.text, _split(version.message), whole=value.literal)
        case Field.CODE if not value.literal and not value.wild:
            return any(_fold(commit).startswith(_fold(value.text)) for commit in _texts(held, term.field))
        case _:
            return any(like(value, text) for text in _texts(held, term.field))


def _order(op: Op, left: Any, right: Any) -> bool:
    match op:
        case Op.EQUAL:
            return bool(left == right)
        case Op.ABOVE:
            return bool(left > right)
        case Op.AT_LEAST:
            return bool(left >= right)
        case Op.BELOW:
            return bool(left < right)
        case _:
            return bool(left <= right)


def _equal_or_ordered(term: Compare, value: Any) -> bool:
    if term.field is Field.TAG:
        return like(term.value, value)
    if term.field is Field.ENV:
        said, wanted = release(value), release(term.value.text)
        if term.op is Op.EQUAL:
            alike = said is not None and said == wanted and not term.value.literal and not term.value.wild
            return like(term.value, value) or alike
        return said is not None and _order(term.op, said, wanted)
    number = value if term.field is Field.METRIC else _number_of(value)
    if term.op is not Op.EQUAL:
        return number is not None and _order(term.op, number, scaled(term.value.text))
    wanted_number = None if term.value.wild else exact(term.value.text)
    if term.field is Field.METRIC:
        return bool(number == wanted_number)
    same = number is not None and number == wanted_number and not term.value.literal
    return same or like(term.value, _text_of(value))


def _when(op: Op, text: str, at: float, now: float) -> bool:
    span = interval(text, now)
    if span is None:  # an age: `<7d` is younger than that
        return _order(op, now - at, age(text))
    low, high = span
    match op:
        case Op.ABOVE:
            return at >= high
        case Op.AT_LEAST:
            return at >= low
        case Op.BELOW:
            return at < low
        case Op.AT_MOST:
            return at < high
        case _:
            return low <= at < high


def _between(term: Between, held: Held, now: float) -> bool:
    version = held[0]
    if term.field is Field.CREATED:
        return version.created_at is not None and _within(term.low, term.high, version.created_at, now)
    read: Callable[[str], Any] = release if term.field is Field.ENV else scaled
    low, high = (read(text) if text else None for text in (term.low, term.high))
    for value in _range_values(term, version):
        if value is not None and (low is None or value >= low) and (high is None or value <= high):
            return True
    return False


def _range_values(term: Between, version: Version) -> Iterator[Any]:
    if term.key is None:
        yield version.number
        return
    read: Callable[[Any], Any] = release if term.field is Field.ENV else _number_of
    if term.field is Field.METRIC:
        read = float
    for name, some in _named(version, term.field).items():
        if like(term.key, name):
            yield from map(read, some)


def _within(low: str, high: str, at: float, now: float) -> bool:
    """Ages may be written either way round; a date is all of the time that it spans."""
    moments = [(text, _moment(text, now)) for text in (low, high) if text]
    if len(moments) == 2 and moments[0][1][0] > moments[1][1][1]:
        moments.reverse()
        low, high = high, low
    return (not low or at >= _moment(low, now)[0]) and (not high or at < _moment(high, now)[1])


def _moment(text: str, now: float) -> tuple[float, float]:
    return interval(text, now) or (now - (age(text) or 0.0),) * 2


# --- orders ---


def ordered(sort: Sort, held: Iterable[Held], ids: dict[tuple[str, str, str], int]) -> list[int]:
    """Return the ids of versions in the order of `sort`; `ids` are the index's own, which decide ties."""
    head, _, name = sort.field.partition(".")
    rows = [(version, ids[version.registry, version.model, version.key]) for version, _ in held]
    if name:
        known = sorted({said for version, _ in rows for said in _named(version, Field(head))})
        name = name if name in known else next((said for said in known if _fold(said) == _fold(name)), name)
    down = sort.descending
    if head in ("model", "registry", "env", "state"):
        return _grouped(rows, head, name, down=down)
    values = [(_value(version, head, name), number) for version, number in rows]
    out: list[int] = []
    for rank in sorted({value[0] for value, _ in values}):
        part = [(value[1], number) for value, number in values if value[0] == rank]
        out += [number for _, number in sorted(part, reverse=down)]
    return out


def _value(version: Version, head: str, name: str) -> tuple[int, Any]:
    """Return a rank (numbers before texts before nothing) and what is compared within it."""
    match head:
        case "metric":
            value = {k: v[0] for k, v in _named(version, Field.METRIC).items()}.get(name)
        case "param":
            params = _named(version, Field.PARAM)
            if name not in params:
                return (2, 0)
            number = _number_of(params[name][0])
            return (0, number) if number is not None else (1, _fold(_text_of(params[name][0])))
        case "tag":
            tag = _named(version, Field.TAG).get(name)
            value = None if tag is None else _fold(tag[0])
        case "created" | "number" | "id":
            value = getattr(version, {"created": "created_at", "id": "key"}.get(head, head))
        case "kind":
            value = str(version.kind)
        case "code":
            value = _fold(version.code.commit) or None if version.code else None
        case _:
            value = _fold(getattr(version, {"version": "name"}.get(head, head))) or None
    return (2, 0) if value is None else (0, value)


def _grouped(rows: list[tuple[Version, int]], head: str, name: str, *, down: bool) -> list[int]:
    """Groups by their rank; within one the newest come first, then those of no date, whichever the direction."""
    groups: dict[Any, list[tuple[Version, int]]] = {}
    without: list[tuple[Version, int]] = []
    for version, number in rows:
        if head == "env":
            said = [_fold(value) for value in _environment(version).get(name, [])]
            ranks = [(release(text) is not None, release(text) or (), text) for text in said]
            key: Any = (max(ranks) if down else min(ranks)) if ranks else None
        elif head == "state":
            key = str(version.state)
        else:
            key = (version.model, version.registry) if head == "model" else (version.registry, version.model)
        (without if key is None else groups.setdefault(key, [])).append((version, number))
    chosen = [groups[key] for key in sorted(groups, reverse=down)]
    return [number for group in [*chosen, without] for number in _newest_first(group)]


def _newest_first(group: list[tuple[Version, int]]) -> list[int]:
    dated = [(version.created_at, number) for version, number in group if version.created_at is not None]
    undated = [number for version, number in group if version.created_at is None]
    return [number for _, number in sorted(dated, reverse=True)] + sorted(undated, reverse=True)
