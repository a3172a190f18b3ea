"""The index is derived: however a registry got to where it is, the index says what a rebuild would say.

A toy registry of scopes is led through random states. Each state is scanned incrementally, by scopes in full or by
changes only, and the index is compared with one made anew from the last state, and with a plain model of the rules.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lineal.config import RegistrySpec
from lineal.index.clean import Said
from lineal.index.comparison import counts, rows_for_comparison
from lineal.index.database import Row
from lineal.index.opening import open_writer
from lineal.index.spool import Spool
from lineal.index.writer import Writer
from lineal.model.records import (
    Alias,
    AliasMove,
    Complete,
    Confidence,
    Edge,
    EdgeKind,
    Gone,
    Model,
    Node,
    NodeKind,
    Problem,
)
from lineal.model.values import Metric, Param, Tag
from lineal.model.version import Code, Dataset, Environment, File, Kind, Package, Version
from tests.postgres import Server

R = "toy"
SCOPES = ("", "one", "two")
_numbers = count()


class State(msgspec.Struct, frozen=True):
    """What one scope holds: versions by (model, key) with a seed of their content, and what else it says."""

    versions: dict[tuple[str, str], int]
    aliases: dict[str, str]
    edges: dict[str, str]  # child key -> parent key, of model m
    models: dict[str, int]
    problems: dict[str, int]


def version(scope: str, model: str, key: str, seed: int) -> Version:
    """Return a version of a scope: other seeds are other contents."""
    return Version(
        registry=R,
        model=model,
        key=f"{scope}-{key}",
        name=f"v{key}",
        kind=Kind.RUN,
        created_at=float(seed),
        message=f"seed {seed}",
        params=(Param("lr", seed / 8), Param("opt", "adam" if seed % 2 else seed)),
        metrics=(Metric("acc", 1 / (seed + 1)),) * (seed % 3),
        tags=(Tag("t", str(seed % 2)),),
        environment=Environment(python=f"3.{seed}", packages=(Package("torch", str(seed)),)) if seed % 2 else None,
        datasets=(Dataset(name="data", digest=str(seed % 2)),),
        code=Code(commit=str(seed)) if seed % 3 else None,
        files=tuple(File(path=f"f{i}", size=i) for i in range(seed % 3)),
    )


def said(scope: str, state: State) -> Iterator[Said]:
    """Yield all that a scope says."""
    for number, problem in state.problems.items():
        yield Problem(registry=R, where=f"{scope}/{number}", message=f"torn {problem}")
    for name, seed in state.models.items():
        yield Model(registry=R, name=f"{scope}-{name}", description=str(seed))
    for (model, key), seed in state.versions.items():
        yield version(scope, model, key, seed)
        if model == "m" and key in state.edges:
            yield edge(scope, key, state.edges[key])
    for name, key in state.aliases.items():
        yield Alias(registry=R, model="m", name=f"{scope}-{name}", key=f"{scope}-{key}")
        yield AliasMove(registry=R, model="m", name=f"{scope}-{name}", before="", after=f"{scope}-{key}", at=1.0)


def edge(scope: str, key: str, parent: str) -> Edge:
    ends = [Node(NodeKind.VERSION, R, "m", f"{scope}-{name}") for name in (key, parent)]
    return Edge(child=ends[0], parent=ends[1], kind=EdgeKind.RESUMED, confidence=Confidence.DECLARED)


def changes(scope: str, before: State, after: State) -> Iterator[Said]:
    """Yield what a scope that tells changes only says between two states."""
    for (model, key), seed in after.versions.items():
        with_edge = model == "m" and before.edges.get(key) != after.edges.get(key)
        if before.versions.get((model, key)) != seed or with_edge:
            yield version(scope, model, key, seed)
            if model == "m" and key in after.edges:
                yield edge(scope, key, after.edges[key])
    for model, key in before.versions.keys() - after.versions.keys():
        yield Gone(registry=R, model=model, key=f"{scope}-{key}")


def tellable(before: State, after: State) -> bool:
    """Say whether changes alone can lead from one state to the other: only versions and their edges changed."""
    return (before.aliases, before.models, before.problems) == (after.aliases, after.models, after.problems)


seeds = st.integers(0, 5)
names = st.sampled_from("abcd")
states = st.builds(
    State,
    versions=st.dictionaries(st.tuples(st.sampled_from(["m", "n"]), names), seeds, max_size=5),
    aliases=st.dictionaries(st.sampled_from(["prod", "dev"]), names, max_size=2),
    edges=st.dictionaries(names, names, max_size=3),
    models=st.dictionaries(st.sampled_from(["m", "x"]), seeds, max_size=2),
    problems=st.dictionaries(st.sampled_from("pq"), seeds, max_size=2),
)
worlds = st.dictionaries(st.sampled_from(SCOPES), states, max_size=3)
steps = st.lists(st.tuples(worlds, st.sampled_from(["full", "delta", "versions"])), min_size=1, max_size=6)


def apply(writer: Writer, scope: str, records: Iterator[Said], *, delta: bool) -> None:
    with Spool(R) as spool:
        for record in records:
            spool.add(record)
        writer.apply(spool, Complete(registry=R, scope=scope, cursor="now", delta=delta))


def only_versions(before: dict[str, State], after: dict[str, State]) -> dict[str, State]:
    """Return a world that differs from the one before in versions and edges only."""
    kept = {}
    for scope, state in after.items():
        old = before.get(scope, state)
        kept[scope] = State(state.versions, old.aliases, state.edges, old.models, old.problems)
    return kept


def lead(writer: Writer, path: list[tuple[dict[str, State], str]]) -> dict[str, State]:
    """Scan a world after another incrementally, and return the last."""
    before: dict[str, State] = {}
    for after, how in path:
        if how == "versions":
            after = only_versions(before, after)
        for scope, state in after.items():
            delta = how != "full" and scope in before and tellable(before[scope], state)
            records = changes(scope, before[scope], state) if delta else said(scope, state)
            apply(writer, scope, records, delta=delta)
        writer.close_scan(R, after)
        writer.settle(R, ())
        writer.succeed(R, None, 0.0)
        writer.commit()
        before = after
    return before


def rows(url: str, path: list[tuple[dict[str, State], str]]) -> tuple[dict[str, list[Row]], dict[str, State]]:
    with open_writer(url) as writer:
        writer.enter(RegistrySpec(name=R, kind="toy", url="/toy"))
        last = lead(writer, path)
        found = rows_for_comparison(writer.database)
        assert {table: len(some) for table, some in found.items()} == counts(writer.database)
    return found, last


def as_it_should_be(world: dict[str, State]) -> tuple[list[Any], list[Any]]:
    """Return the versions and edges that the rules ask for, without the index."""
    versions = [
        (f"{scope}-{key}", model, seed) for scope, at in world.items() for (model, key), seed in at.versions.items()
    ]
    edges = [
        (f"{scope}-{key}", f"{scope}-{at.edges[key]}")
        for scope, at in world.items()
        for (model, key) in at.versions
        if model == "m" and key in at.edges
    ]
    return sorted(versions), sorted(edges)


def check(incremental: str, anew: str, path: list[tuple[dict[str, State], str]]) -> None:
    found, last = rows(incremental, path)
    rebuilt, _ = rows(anew, [(last, "full")])
    assert found == rebuilt
    versions = sorted((row[3], row[1], int(row[6])) for row in found["version"])
    edges = sorted((row[3], row[7]) for row in found["edge"] if row[8] == "resumed")
    assert (versions, edges) == as_it_should_be(last)


@given(steps)
@settings(max_examples=120, deadline=None)
def test_an_incremental_index_is_the_one_that_a_rebuild_makes(path: list[tuple[dict[str, State], str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check(str(Path(folder) / "incremental.db"), str(Path(folder) / "anew.db"), path)


@pytest.mark.postgres
def test_and_so_it_is_on_postgresql_with_the_rows_of_sqlite(postgres_server: Server) -> None:
    url = postgres_server.database()

    @given(steps)
    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def same(path: list[tuple[dict[str, State], str]]) -> None:
        number = next(_numbers)
        there, anew = (f"{url}&schema={name}{number}" for name in ("incremental", "anew"))
        check(there, anew, path)
        with tempfile.TemporaryDirectory() as folder:
            assert rows(str(Path(folder) / "index.db"), path) == rows(f"{url}&schema=third{number}", path)

    same()
    postgres_server.drop(url)
