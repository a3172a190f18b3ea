"""What the writer promises of one scope after another, on both engines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf, nan

import pytest

from lineal.config import RegistrySpec
from lineal.errors import BadFormat
from lineal.index import document
from lineal.index.clean import Said
from lineal.index.comparison import counts, rows_for_comparison
from lineal.index.document import Documents
from lineal.index.opening import open_writer
from lineal.index.scopes import Applied
from lineal.index.spool import Spool
from lineal.index.writer import Writer
from lineal.model.records import (
    Alias,
    AliasKind,
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
from lineal.model.values import Goal, Metric, Param, Tag, Value
from lineal.model.version import Code, Dataset, Environment, File, Kind, Package, Run, Version

R = "toy"


@pytest.fixture
def writer(index_url: str) -> Iterator[Writer]:
    with open_writer(index_url) as opened:
        opened.enter(RegistrySpec(name=R, kind="scripted", url="/toy"))
        yield opened


def version(key: str, model: str = "m", **more: object) -> Version:
    return Version(**({"registry": R, "model": model, "key": key, "name": f"v{key}", "kind": Kind.RUN} | more))  # type: ignore[arg-type]


def say(writer: Writer, records: Sequence[Said], scope: str = "s", *, delta: bool = False, cursor: str = "") -> Applied:
    with Spool(R) as spool:
        for record in records:
            spool.add(record)
        return writer.apply(spool, Complete(registry=R, scope=scope, cursor=cursor, delta=delta))


def keys(writer: Writer) -> list[str]:
    return [row[0] for row in writer.database.run("SELECT key FROM version ORDER BY key")]


def found(writer: Writer, word: str) -> list[str]:
    """Return the keys of versions with a word that begins so, as the engine's full text finds them."""
    if hasattr(writer.database, "path"):
        sql = "SELECT v.key FROM fts JOIN version v ON v.id = fts.rowid WHERE fts MATCH ? ORDER BY v.key"
        return [row[0] for row in writer.database.run(sql, (f'"{word}" *',))]
    sql = (
        "SELECT v.key FROM fulltext t JOIN version v ON v.id = t.version_id WHERE t.vector @@ ?::tsquery ORDER BY v.key"
    )
    return [row[0] for row in writer.database.run(sql, (f"'{word}':*",))]


def facts(writer: Writer, table: str, name: str) -> list[tuple[object, ...]]:
    sql = f"SELECT v.key, f.value FROM {table} f JOIN key k ON k.id = f.key_id JOIN version v ON v.id = f.version_id"
    return writer.database.run(f"{sql} WHERE k.name=? ORDER BY v.key, f.value", (name,))


def empty_but_for_the_registry(writer: Writer) -> bool:
    return {table: count for table, count in counts(writer.database).items() if count} == {"registry": 1}


def child(key: str, parent: str) -> Edge:
    ends = [Node(NodeKind.VERSION, R, "m", name) for name in (key, parent)]
    return Edge(child=ends[0], parent=ends[1], kind=EdgeKind.FINETUNED, confidence=Confidence.DECLARED, detail="card")


FULL = version(
    "1",
    number=7,
    created_at=1.5e9,
    author="Ann",
    message="first try",
    params=(Param("lr", 1e-3), Param("opt", "AdamW"), Param("layers", [1, {"a": nan}]), Param("flag", True)),
    metrics=(Metric("acc", 0.9, 10, Goal.MAX, "test"), Metric("acc", 0.8), Metric("loss", nan), Metric("big", inf)),
    tags=(Tag("team", "Vision"), Tag("debug")),
    environment=Environment(python="3.11.2", packages=(Package("torch", "2.1.0"),), gpus=("A100", "A100")),
    datasets=(Dataset(name="mnist", digest="d1", role="training"),),
    code=Code(repository="git@x:y", commit="c0ffee", entry="train.py"),
    run=Run(id="r1", status="FINISHED"),
    files=(File(path="a.bin", size=3, location="loc", local="/nowhere/a.bin"),),
    card="# Hello",
)


def test_a_version_comes_back_as_it_was_said(writer: Writer) -> None:
    say(writer, [FULL])
    columns = "name, kind, state, number, created_at, author, message, params, metrics, tags, detail"
    name, kind, state, number, at, author, message, *said = writer.database.run(f"SELECT {columns} FROM version")[0]
    environment = document.environment(writer.database.run("SELECT document FROM environment")[0][0])
    again = document.decode(
        Documents(*said),
        registry=R,
        model="m",
        key="1",
        name=name,
        kind=kind,
        state=state,
        number=number,
        created_at=at,
        author=author,
        message=message,
        environment=environment,
        files=FULL.files,
    )
    assert repr(again) == repr(FULL).replace("{'a': nan}", "{'a': 'NaN'}")


def test_facts_hold_numbers_texts_and_infinity_but_no_nan(writer: Writer) -> None:
    say(writer, [FULL, version("2", params=(Param("lr", "1e-3"), Param("opt", "SGD")))])
    assert facts(writer, "fact_num", "lr") == [("1", 0.001), ("2", 0.001)]
    assert facts(writer, "fact_txt", "lr") == [("1", "0.001"), ("2", "1e-3")]
    assert facts(writer, "fact_txt", "opt") == [("1", "adamw"), ("2", "sgd")]
    assert facts(writer, "fact_num", "acc") == [("1", 0.8)]  # the one for no data set, as lists show it
    assert facts(writer, "fact_num", "big") == [("1", inf)]
    assert facts(writer, "fact_num", "loss") == []
    assert facts(writer, "fact_txt", "flag") == [("1", "true")]
    assert facts(writer, "fact_txt", "debug") == [("1", "")]


def test_what_is_taken_away_leaves_no_trace(writer: Writer) -> None:
    edge = child("1", "0")
    alias = Alias(registry=R, model="m", name="prod", key="1")
    move = AliasMove(registry=R, model="m", name="prod", before="", after="1", at=1.0)
    say(writer, [FULL, edge, alias, move, Model(registry=R, name="empty", description="x")])
    writer.close_scan(R, ())
    writer.settle(R, ())
    assert empty_but_for_the_registry(writer)
    assert found(writer, "try") == []


def test_an_unchanged_version_is_not_written_again(writer: Writer) -> None:
    assert say(writer, [FULL, version("2")]) == Applied(added=2)
    before = rows_for_comparison(writer.database)
    assert say(writer, [FULL, version("2")]) == Applied(unchanged=2)
    assert rows_for_comparison(writer.database) == before


def test_a_changed_version_keeps_its_row_and_loses_its_old_facts(writer: Writer) -> None:
    say(writer, [FULL, version("2")])
    number = writer.database.run("SELECT id FROM version WHERE key='1'")
    assert say(writer, [version("1", params=(Param("lr", 5),), message="second"), version("2")]).changed == 1
    assert writer.database.run("SELECT id FROM version WHERE key='1'") == number
    assert facts(writer, "fact_num", "lr") == [("1", 5.0)]
    assert facts(writer, "fact_txt", "opt") == []
    assert found(writer, "secon") == ["1"]
    assert found(writer, "first") == []


def test_a_full_scope_sweeps_only_what_is_its_own(writer: Writer) -> None:
    say(writer, [version("1"), version("2")], "a")
    say(writer, [version("3")], "b")
    assert say(writer, [version("2")], "a") == Applied(unchanged=1, removed=1)
    assert keys(writer) == ["2", "3"]


def test_a_delta_keeps_what_it_does_not_mention_and_drops_what_is_gone(writer: Writer) -> None:
    say(writer, [version("1"), version("2")], cursor="one")
    gone = Gone(registry=R, model="m", key="1")
    assert say(writer, [version("3"), gone], delta=True, cursor="two") == Applied(added=1, removed=1)
    assert keys(writer) == ["2", "3"]
    assert writer.cursors(R) == {"s": "two"}


def test_a_version_that_another_scope_says_moves_there(writer: Writer) -> None:
    say(writer, [FULL], "a")
    say(writer, [FULL], "b")
    say(writer, [], "a")
    assert keys(writer) == ["1"]
    say(writer, [], "b")
    assert keys(writer) == []
    assert counts(writer.database)["edge"] == 0


def test_scopes_that_a_whole_scan_does_not_name_go_with_all_they_held(writer: Writer) -> None:
    say(writer, [version("1")], "a")
    say(writer, [version("2")], "b")
    assert writer.close_scan(R, {"b", ""}) == 1
    assert keys(writer) == ["2"]
    assert writer.cursors(R) == {"b": ""}


def test_a_version_said_again_in_a_delta_brings_its_edges_along(writer: Writer) -> None:
    say(writer, [version("1"), version("2"), child("1", "0"), child("2", "0")])
    say(writer, [version("1"), child("1", "9")], delta=True)
    edges = [(row[3], row[7]) for row in rows_for_comparison(writer.database)["edge"]]
    assert sorted(edges) == [("1", "9"), ("2", "0")]


def test_plain_words_find_versions_by_their_aliases_as_these_move(writer: Writer) -> None:
    def prod(key: str) -> Alias:
        return Alias(registry=R, model="m", name="Prod-EU", key=key, kind=AliasKind.STAGE)

    say(writer, [prod("1")], "aliases")  # before its version
    say(writer, [version("1"), version("2")], "versions")
    assert found(writer, "prod") == ["1"]
    say(writer, [prod("2")], "aliases")
    assert found(writer, "eu") == ["2"]
    say(writer, [version("1"), version("2", message="changed")], "versions")
    assert found(writer, "prod") == ["2"]
    say(writer, [], "aliases")
    assert found(writer, "prod") == []


def test_models_are_counted_and_go_when_nothing_speaks_of_them(writer: Writer) -> None:
    say(writer, [Model(registry=R, name="e", description="d", tags=(Tag("a", "b"),)), version("1", created_at=5.0)])
    sql = "SELECT name, versions, newest_at, description, tags FROM model ORDER BY name"
    assert writer.database.run(sql) == [("e", 0, None, "d", '{"a":"b"}'), ("m", 1, 5.0, "", "{}")]
    say(writer, [version("1", "n")])
    assert writer.database.run(sql) == [("n", 1, None, "", "{}")]


def test_problems_of_a_scope_are_those_of_its_last_scan(writer: Writer) -> None:
    def problem(place: str, message: str) -> Problem:
        return Problem(registry=R, where=place, message=message, hint="look")

    say(writer, [problem("a", "torn"), problem("b", "torn")])
    say(writer, [problem("b", "worse")], delta=True)
    said = writer.database.run("SELECT place, message FROM problem ORDER BY place")
    assert said == [("a", "torn"), ("b", "worse")]
    say(writer, [])
    assert writer.problems(R) == 0


HOSTILE = "\0\x1b[31m\ud800\u202e\U0001f600'\"\\\t\n\r|%?:{}" + "x" * 3_000


@pytest.mark.parametrize("value", [HOSTILE, 10**30, [10**30, HOSTILE, {HOSTILE: nan}], -inf, {"a": [[[None]]]}])
def test_hostile_text_and_values_are_stored_and_taken_away_again(writer: Writer, value: Value) -> None:
    nasty = version(
        HOSTILE,
        model=HOSTILE,
        name=HOSTILE,
        number=2**64 - 1,
        created_at=nan,
        author=HOSTILE,
        message=HOSTILE,
        params=(Param(HOSTILE, value), Param(HOSTILE, value)),
        metrics=(Metric(HOSTILE, 1.0), Metric(HOSTILE, nan)),
        tags=(Tag(HOSTILE, HOSTILE),),
        environment=Environment(python=HOSTILE, packages=(Package(HOSTILE, HOSTILE),)),
        datasets=(Dataset(name=HOSTILE, digest=HOSTILE, size=10**30),),
        code=Code(repository=HOSTILE, commit=HOSTILE),
        files=(File(path=HOSTILE, size=2**63, location=HOSTILE, local=HOSTILE),),
        card=HOSTILE,
    )
    alias = Alias(registry=R, model=HOSTILE, name=HOSTILE, key=HOSTILE, set_at=nan)
    said: list[Said] = [nasty, alias, Problem(registry=R, where=HOSTILE, message=HOSTILE)]
    assert say(writer, said, HOSTILE).added == 1
    assert say(writer, said, HOSTILE).unchanged == 1
    name, message = writer.database.run("SELECT name, message FROM version")[0]
    assert message == HOSTILE.replace("\0", "\\x00").replace("\ud800", "\\ud800")
    assert len(name.encode()) <= 620
    writer.close_scan(R, ())
    writer.settle(R, ())
    assert empty_but_for_the_registry(writer)


def test_a_scope_that_fails_leaves_nothing_of_itself(writer: Writer) -> None:
    say(writer, [FULL], cursor="one")
    writer.commit()
    before = rows_for_comparison(writer.database)
    with Spool(R) as spool:
        spool.add(version("2"))
        spool._file.write(b"\xff")  # a spool that cannot be read to its end
        with pytest.raises(Exception, match="requires a buffer"):
            writer.apply(spool, Complete(registry=R, scope="s", cursor="two"))
    assert rows_for_comparison(writer.database) == before
    assert say(writer, [version("2")]) == Applied(added=1, removed=1)


def test_a_registry_that_speaks_of_another_is_told_so() -> None:
    with Spool("other") as spool, pytest.raises(BadFormat, match="spoke of 'toy'"):
        spool.add(FULL)


def test_a_registry_at_another_place_is_another_registry(writer: Writer) -> None:
    say(writer, [FULL])
    writer.enter(RegistrySpec(name=R, kind="scripted", url="/elsewhere"))
    assert keys(writer) == []
    assert writer.cursors(R) == {}


def test_registries_that_are_configured_no_more_are_dropped(writer: Writer) -> None:
    say(writer, [FULL])
    assert writer.keep_only(["else"]) == [R]
    assert not any(counts(writer.database).values())


def test_many_versions_in_one_scope_are_all_there(writer: Writer) -> None:
    many = [version(f"{i:05}", f"m{i % 3}", params=(Param("i", i),)) for i in range(9_000)]
    assert say(writer, many) == Applied(added=9_000)
    assert say(writer, many[::2]) == Applied(removed=4_500, unchanged=4_500)
    assert len(facts(writer, "fact_num", "i")) == 4_500
    assert writer.database.run("SELECT sum(versions) FROM model") == [(4_500,)]
