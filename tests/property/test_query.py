"""Whatever is asked and however it is sorted, the index answers as a plain reading of the versions does."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lineal.config import RegistrySpec
from lineal.errors import QueryError
from lineal.index import open_index, rows
from lineal.index.engine import TooSlow
from lineal.index.index import Index
from lineal.index.opening import open_writer
from lineal.index.parsing import parse
from lineal.index.query import Query
from lineal.index.query import format as printed
from lineal.index.spool import Spool
from lineal.model.listing import Sort, VersionRow
from lineal.model.records import Alias, Complete
from lineal.model.version import Version
from tests.drawn import NOW, REGISTRIES, World, queries, sorts, worlds
from tests.naive import Held, matches, ordered
from tests.postgres import Server

_numbers = count()
asked = st.lists(st.tuples(queries, sorts), min_size=1, max_size=12)


def write(url: str, world: World) -> None:
    with open_writer(url) as writer:
        for name in REGISTRIES:
            writer.enter(RegistrySpec(name=name, kind="scripted", url=f"/{name}"))
            with Spool(name) as spool:
                said: list[Version | Alias] = [*world.versions, *world.aliases]
                for record in said:
                    if record.registry == name:
                        spool.add(record)
                writer.apply(spool, Complete(registry=name, scope="all"))


def held(world: World) -> list[Held]:
    """Return each version with the names that point at it."""
    return [
        (v, frozenset(a.name for a in world.aliases if (a.registry, a.model, a.key) == (v.registry, v.model, v.key)))
        for v in world.versions
    ]


def paged(index: Index, query: str, sort: Sort) -> list[VersionRow]:
    """Read all pages, then their number must be exact, and each page the same again."""
    found = index.rows(query, sort)
    out: list[VersionRow] = []
    for number in count():
        page = found.page(number)
        assert page is not None
        out += page
        assert [row.id for row in found.page(number) or ()] == [row.id for row in page]
        if len(page) < found.PAGE:
            break
    assert (found.exact or not out, found.count, found.measure()) == (True, len(out), len(out))
    return out


@contextmanager
def driving(sure: int, counted: int, page: int) -> Iterator[None]:
    """Sort terms that up to `sure` versions pass at once, those up to `counted` where a scan takes long."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "_SURE", sure)
        patch.setattr(rows, "_COUNTED", counted)
        patch.setattr(rows, "_SEGMENT", 1)
        patch.setattr(rows.Rows, "PAGE", page)
        yield


WAYS = ((1_000, 1_000, 3), (-1, 0, 3), (0, 1_000, 1), (0, 1_000, 128))  # from the terms, in order, and mixed


def check(url: str, world: World, wanted: list[tuple[Query, Sort]]) -> None:
    write(url, world)
    versions = held(world)
    with closing(open_index(url, clock=lambda: NOW)) as index:
        ids = {(row.registry, row.model, row.key): row.id for row in paged(index, "", Sort())}
        assert len(ids) == len(versions)
        for query, sort in wanted:
            passing = {ids[v.registry, v.model, v.key] for v, names in versions if matches(query, (v, names), NOW)}
            right = [number for number in ordered(sort, versions, ids) if number in passing]
            for way in WAYS:
                with driving(*way):
                    assert [row.id for row in paged(index, printed(query), sort)] == right, (printed(query), sort, way)


@given(worlds, asked)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_filter_and_order_is_a_plain_reading_of_the_versions(
    world: World, wanted: list[tuple[Query, Sort]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check(str(Path(folder) / "index.db"), world, wanted)


@pytest.mark.postgres
def test_and_so_it_is_on_postgresql(postgres_server: Server) -> None:
    url = postgres_server.database()

    @given(worlds, asked)
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def same(world: World, wanted: list[tuple[Query, Sort]]) -> None:
        check(f"{url}&schema=query{next(_numbers)}", world, wanted)

    same()
    postgres_server.drop(url)


@given(worlds, queries, sorts, st.lists(st.integers(0, 4), max_size=40))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_reading_that_is_cut_off_anywhere_goes_on_to_the_same_rows(
    world: World, query: Query, sort: Sort, cuts: list[int]
) -> None:
    with tempfile.TemporaryDirectory() as folder, driving(0, 10, 1):
        url = str(Path(folder) / "index.db")
        write(url, world)
        with closing(open_index(url, clock=lambda: NOW)) as index:
            right = [row.id for row in paged(index, printed(query), sort)]
            assert [row.id for row in _interrupted(index, printed(query), sort, cuts)] == right


def _interrupted(index: Index, query: str, sort: Sort, cuts: list[int]) -> list[VersionRow]:
    """Read all pages, each read of the index cut off after so many statements as `cuts` say, until they are used up."""
    found, left = index.rows(query, sort), list(cuts)
    engine = found._engine
    plain, allowed = engine.rows, left.pop() if left else None

    def hurried(sql: str, parameters: object = None, until: float | None = None) -> object:
        nonlocal allowed
        if allowed == 0:
            allowed = left.pop() if left else None
            raise TooSlow
        allowed = None if allowed is None else allowed - 1
        return plain(sql, parameters or {}, until)  # type: ignore[arg-type]

    out: list[VersionRow] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "rows", hurried)
        for number in count():
            while (page := found.page(number, 60_000)) is None:
                pass
            out += page
            if len(page) < found.PAGE:
                return out
    raise AssertionError


@given(queries)
@settings(max_examples=400, deadline=None)
def test_a_query_that_is_printed_reads_back_as_itself(query: Query) -> None:
    assert parse(printed(query)) == query


_bits = st.sampled_from(
    [
        *'()|":=!<>.*?-\\ ',
        *"aé1",
        "tag:",
        "metric.acc",
        "has:",
        "created:",
        "..",
        "7d",
        "0.5",
        "id:",
        "env.torch",
        "by:",
    ]
)


@given(st.lists(_bits, max_size=14).map("".join))
@example("tag:a:*")
@example('metric."a b">1')
@settings(max_examples=800, deadline=None)
def test_whatever_is_typed_is_read_or_pointed_at(text: str) -> None:
    try:
        query = parse(text)
    except QueryError as error:
        wrong = error
    else:
        assert parse(printed(query)) == query
        return
    assert 0 <= wrong.start < wrong.end <= max(len(text), wrong.start + 1)
    assert wrong.message
    assert wrong.hint
