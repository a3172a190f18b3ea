"""Whatever is asked, the index answers what a plain walk over the versions does: on both engines, driven either way."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lineal.index import open_index
from lineal.index import rows as planning
from lineal.index.fields import Field, Pattern
from lineal.index.folding import fold, number, words
from lineal.index.index import Index
from lineal.index.opening import open_writer
from lineal.index.parsing import parse
from lineal.index.quantities import release, scaled
from lineal.index.query import All, Compare, Either, Has, Not, Op, Query, Word
from lineal.index.spool import Spool
from lineal.model.listing import Sort
from lineal.model.records import Alias, Complete
from lineal.model.values import Metric, Param, Tag
from lineal.model.version import Algorithm, Code, Dataset, Digest, Environment, File, Kind, Package, State, Version
from tests.conftest import NOW
from tests.sources.scripted import spec

DAY = 86_400
LRS: tuple[float | str, ...] = (0.1, "1e-3", 0.001, "auto")
NAMES = ("churn", "Fraud", "écoulement", "net_50%")


def versions() -> list[Version]:
    """Return 160 versions in which every field takes few values, some of them odd."""
    draw = random.Random(5)
    return [_version(at, draw) for at in range(160)]


def _version(at: int, draw: random.Random) -> Version:
    metrics = {"acc": draw.choice([0.1, 0.5, 0.5, 0.9, float("nan"), float("inf")]), "loss": draw.random()}
    return Version(
        registry="toy",
        model=draw.choice(NAMES),
        key=f"{draw.getrandbits(48):012x}",
        name=f"v{at}",
        kind=draw.choice([Kind.RUN, Kind.REGISTERED, Kind.COMMIT]),
        state=draw.choice([State.READY, State.READY, State.FAILED]),
        number=draw.choice([None, at % 7]),
        created_at=draw.choice([None, NOW - draw.randint(0, 40) * DAY]),
        author=draw.choice(["Mira", "ola", ""]),
        message=draw.choice(["first try", "Try again, better", ""]),
        params=tuple(_some(draw, [Param("lr", draw.choice(LRS)), Param("opt", "Adam W")])),
        metrics=tuple(_some(draw, [Metric(name, value) for name, value in metrics.items()])),
        tags=tuple(_some(draw, [Tag("stage", draw.choice(["Prod", "dev"])), Tag("debug")])),
        environment=draw.choice([None, _environment("2.1.0+cu118"), _environment("2.10.0"), _environment("1.9")]),
        datasets=tuple(_some(draw, [Dataset(name="Tx", digest="ab12")])),
        code=draw.choice([None, Code(commit="deadbeef01"), Code(commit="cafe02")]),
        files=tuple(_some(draw, [File(path="a/model.PT", size=5, digest=Digest(Algorithm.MD5, "ab"))])),
    )


def _environment(torch: str) -> Environment:
    return Environment(python="3.11.2", packages=(Package("torch", torch),))


def _some(draw: random.Random, items: list[Any]) -> list[Any]:
    return [item for item in items if draw.random() < 0.7]


@pytest.fixture(scope="module")
def held() -> list[Version]:
    """Give the versions that every index here holds."""
    return versions()


def aliases(held: list[Version]) -> dict[str, list[str]]:
    """Return the aliases by key: every tenth version has one of its model."""
    return {version.key: [f"Alias{at}"] for at, version in enumerate(held) if at % 10 == 0}


@pytest.fixture
def index(index_url: str, held: list[Version]) -> Iterator[Index]:
    """Give an index of the versions, on each engine."""
    with open_writer(index_url) as writer, Spool("toy") as spool:
        writer.enter(spec())
        for version in held:
            spool.add(version)
        for version in held:
            for name in aliases(held).get(version.key, ()):
                spool.add(Alias(registry="toy", model=version.model, name=name, key=version.key))
        writer.apply(spool, Complete(registry="toy", scope=""))
        writer.commit()
    index = open_index(index_url, clock=lambda: NOW)
    yield index
    index.close()


# --- the plain walk ---


def _metrics(version: Version) -> dict[str, float]:
    return {metric.name: metric.value for metric in version.metrics if metric.value == metric.value}


def _params(version: Version) -> dict[str, Any]:
    return {param.name: param.value for param in version.params}


def _tags(version: Version) -> dict[str, str]:
    return {tag.key: tag.value for tag in version.tags}


def _packages(version: Version) -> dict[str, str]:
    if version.environment is None:
        return {}
    return {"python": version.environment.python} | {one.name: one.version for one in version.environment.packages}


def _texts(version: Version, field: Field, named: list[str]) -> list[str]:
    code = version.code.commit if version.code else ""
    found = {
        Field.REGISTRY: [version.registry],
        Field.MODEL: [version.model],
        Field.NAME: [version.name],
        Field.ALIAS: named,
        Field.AUTHOR: [version.author] if version.author else [],
        Field.KIND: [version.kind.value],
        Field.STATE: [version.state.value],
        Field.DATA: [text for data in version.datasets for text in (data.name, data.digest)],
        Field.CODE: [code] if code else [],
        Field.FILE: [text for file in version.files for text in (file.path, file.path.rsplit("/", 1)[-1])],
    }
    return found[field]


def _as_number(value: Any) -> float | None:
    if isinstance(value, str):
        return number(value)
    return None if isinstance(value, bool) or value is None else float(value)


COMPARE: dict[Op, Callable[[Any, Any], bool]] = {
    Op.EQUAL: lambda a, b: a == b,
    Op.ABOVE: lambda a, b: a > b,
    Op.AT_LEAST: lambda a, b: a >= b,
    Op.BELOW: lambda a, b: a < b,
    Op.AT_MOST: lambda a, b: a <= b,
}


def passes(version: Version, named: list[str], query: Query) -> bool:
    """Say whether a version matches, the plain way."""
    match query:
        case All(parts):
            return all(passes(version, named, part) for part in parts)
        case Either(parts):
            return any(passes(version, named, part) for part in parts)
        case Not(part):
            return not passes(version, named, part)
        case Word(text, whole):
            return _has_words(version, named, text, whole=whole)
        case Has(field, key):
            return _has(version, named, field, key)
        case Compare(field, Op.NOT_EQUAL, value, key):
            equal = Compare(field, Op.EQUAL, value, key)
            return _has(version, named, field, key) and not passes(version, named, equal)
        case Compare():
            return _compares(version, named, query)
    raise AssertionError(query)


def _has_words(version: Version, named: list[str], text: str, *, whole: bool) -> bool:
    said = [version.model, version.name, version.author, version.message, *named]
    said += [part for tag in version.tags for part in (tag.key, tag.value)]
    said += [p.value for p in version.params if isinstance(p.value, str) and number(p.value) is None]
    said += [data.name for data in version.datasets]
    there = [word for one in said for word in words(one)]
    return all(any(one == word if whole else one.startswith(word) for one in there) for word in words(text))


def _has(version: Version, named: list[str], field: Field, key: Pattern | None) -> bool:
    match field:
        case Field.METRIC | Field.PARAM | Field.TAG | Field.ENV:
            there = {Field.METRIC: _metrics, Field.PARAM: _params, Field.TAG: _tags, Field.ENV: _packages}[field](
                version
            )
            return any(key is None or key.matches(name) for name in there)
        case Field.CREATED:
            return version.created_at is not None
        case Field.NUMBER:
            return version.number is not None
        case Field.MESSAGE:
            return bool(version.message)
        case Field.ID:
            return True
        case _:
            return bool(_texts(version, field, named))


def _compares(version: Version, named: list[str], term: Compare) -> bool:
    field, op, value, key = term.field, term.op, term.value, term.key
    match field:
        case Field.METRIC:
            return any(
                COMPARE[op](said, scaled(value.text))
                for name, said in _metrics(version).items()
                if key and key.matches(name)
            )
        case Field.PARAM:
            return any(_param(said, op, value) for name, said in _params(version).items() if key and key.matches(name))
        case Field.TAG:
            return any(value.matches(said) for name, said in _tags(version).items() if key and key.matches(name))
        case Field.ENV:
            return any(_env(said, op, value) for name, said in _packages(version).items() if key and key.matches(name))
        case Field.NUMBER:
            return version.number is not None and COMPARE[op](version.number, scaled(value.text))
        case Field.CREATED:
            age = float(value.text[:-1]) * DAY
            return version.created_at is not None and COMPARE[op](NOW - version.created_at, age)
        case Field.ID:
            return version.key.startswith(value.text.rstrip("*"))
        case Field.MESSAGE:
            return all(any(w.startswith(t) for w in words(version.message)) for t in words(value.text))
        case Field.CODE:
            pattern = value if value.wild or value.literal else Pattern(value.text + "*")
            return any(pattern.matches(text) for text in _texts(version, field, named))
        case _:
            return any(value.matches(text) for text in _texts(version, field, named))


def _param(said: Any, op: Op, value: Pattern) -> bool:
    mine = _as_number(said)
    if op is Op.EQUAL:
        text = said if isinstance(said, str) else repr(said)
        wanted = None if value.wild or value.literal else number(value.text)
        return value.matches(text) or (mine is not None and mine == wanted)
    return mine is not None and COMPARE[op](mine, scaled(value.text))


def _env(said: str, op: Op, value: Pattern) -> bool:
    mine, wanted = release(said), release(value.text)
    if op is Op.EQUAL:
        return value.matches(said) or (not value.wild and not value.literal and wanted is not None and mine == wanted)
    return mine is not None and wanted is not None and COMPARE[op](mine, wanted)


TERMS = (
    *("churn", "mira", "adam", '"try"', "alias1", "model:churn", "model:*u*", "model:ÉCOULEMENT", "model:net_50%"),
    *("registry:toy", "version:v1*", "version:v12", "alias:alias*", "alias:alias10", "tag:debug", "tag:stage=prod"),
    *("tag:stage=*", "metric.acc>0.4", "metric.acc:0.5", "metric.acc>=inf", "metric.acc!=0.5", "metric.*<0.3"),
    *("param.lr:1e-3", "param.lr>0.01", "param.lr:auto", "param.opt:adam*", 'param.lr:"1e-3"', "has:metric.acc"),
    *("env.torch:2.*", "env.torch>=2.2", "env.torch:2.1", "env.python:3.11.2", "has:env.torch", "author:mira"),
    *("created:<7d", "created:>20d", "has:created", "number>3", "number:2", "message:try", "message:bet"),
    *("id:a", "kind:run", "state:failed", "state:ready", "data:tx", "data:ab12", "code:dead", "commit:cafe02"),
    *("file:*.pt", "file:a/model.pt", "has:data", "has:author", "author!=ola", "env.torch!=1.9"),
)
SORTS = (
    *("created", "number", "version", "author", "model", "registry", "metric.acc", "metric.loss", "param.lr"),
    *("param.opt", "tag.stage", "env.torch", "kind", "state", "id", "metric.nope"),
)


def asked(draw: random.Random) -> str:
    """Return a random query of one to four terms, some negated, some joined by or."""
    terms = [("-" if draw.random() < 0.25 else "") + draw.choice(TERMS) for _ in range(draw.randint(1, 4))]
    joints = [" | " if draw.random() < 0.25 else " " for _ in terms[1:]]
    return terms[0] + "".join(joint + term for joint, term in zip(joints, terms[1:], strict=True))


def listed(index: Index, query: str, sort: Sort | None = None, deadline: float | None = None) -> list[Any]:
    """Return all rows of a list, page by page."""
    rows, found, number = index.rows(query, sort), [], 0
    while True:
        page = rows.page(number, deadline)
        if page is None:
            continue
        found += page
        if len(page) < rows.PAGE:
            assert rows.exact
            assert rows.count == rows.measure() == len(found)
            return found
        number += 1


@pytest.mark.parametrize("few", [10_000, 0], ids=["driven by a term", "driven by the order"])
def test_filters_find_what_a_plain_walk_finds(
    index: Index, held: list[Version], few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "_SURE", few - 1)
    monkeypatch.setattr(planning, "_COUNTED", few)
    monkeypatch.setattr(planning.Rows, "PAGE", 16)
    draw, named = random.Random(11), aliases(held)
    queries = [*TERMS, *(f"-{term}" for term in TERMS), *(asked(draw) for _ in range(150))]
    for query in queries:
        parsed = parse(query)
        wanted = {v.key for v in held if passes(v, named.get(v.key, []), parsed)}
        found = [row.key for row in listed(index, query)]
        assert len(found) == len(set(found)), query
        assert set(found) == wanted, query


@pytest.mark.parametrize("descending", [True, False])
def test_both_ways_of_driving_give_one_order(index: Index, descending: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning.Rows, "PAGE", 16)
    for field in SORTS:
        for query in ("registry:toy", "kind:run", "-tag:debug registry:toy"):
            sort = Sort(field, descending)
            monkeypatch.setattr(planning, "_SURE", 10_000)
            monkeypatch.setattr(planning, "_COUNTED", 10_000)
            driven = [row.key for row in listed(index, query, sort)]
            monkeypatch.setattr(planning, "_COUNTED", 0)
            assert [row.key for row in listed(index, query, sort)] == driven, (field, query)


@pytest.mark.parametrize("descending", [True, False])
def test_orders_are_those_of_the_values_and_what_lacks_one_comes_last(
    index: Index, held: list[Version], descending: bool
) -> None:
    by_key = {version.key: version for version in held}
    values: dict[str, Callable[[Version], Any]] = {
        "created": lambda v: v.created_at,
        "metric.acc": lambda v: _metrics(v).get("acc"),
        "author": lambda v: fold(v.author) or None,
        "version": lambda v: fold(v.name),
    }
    for field, value in values.items():
        found = [value(by_key[row.key]) for row in listed(index, "", Sort(field, descending))]
        there = [one for one in found if one is not None]
        assert len(found) == len(held)
        assert there == sorted(there, reverse=descending)
        assert found[: len(there)] == there


def test_a_list_that_is_interrupted_goes_on_where_it_was(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning.Rows, "PAGE", 16)
    whole = [row.key for row in listed(index, "-tag:debug", Sort("metric.loss"))]
    assert [row.key for row in listed(index, "-tag:debug", Sort("metric.loss"), deadline=2.0)] == whole
