"""What the index answers about registries, models, versions, references and names in use, on both engines."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lineal.errors import Conflict, IndexUnavailable, NotFound
from lineal.index import open_index
from lineal.index.clean import Said
from lineal.index.index import Index
from lineal.index.opening import open_writer
from lineal.index.replacing import take_place
from lineal.model.listing import ModelRow
from lineal.model.records import Alias, AliasKind, AliasMove, Model, Problem
from lineal.model.reference import parse
from lineal.model.values import Goal, Metric, Param, Tag
from lineal.model.version import (
    Algorithm,
    Code,
    Dataset,
    Digest,
    Environment,
    File,
    Kind,
    Package,
    Place,
    Run,
    State,
    Version,
)
from tests.filling import filled, made

FULL = made(
    "9f2c41ab00",
    "churn",
    name="v7",
    number=7,
    created_at=1.75e9,
    author="Mira",
    message="warm up",
    state=State.PARTIAL,
    params=(Param("lr", 1e-3), Param("layers", [1, {"a": None}]), Param("lr", 0.5)),
    metrics=(Metric("acc", 0.9, 10, Goal.MAX), Metric("acc", 0.8, dataset="val"), Metric("bad", float("inf"))),
    tags=(Tag("stage", "prod"), Tag("gold")),
    environment=Environment(python="3.11.2", packages=(Package("torch", "2.1"),), memory=1 << 40),
    datasets=(Dataset(name="customers", digest="d1", role="training", rows=10),),
    code=Code(repository="https://example.com/r.git", commit="abc", dirty=True),
    run=Run(id="r1", name="swift fox", started_at=1.0),
    files=(
        File(path="z.pt", size=5, digest=Digest(Algorithm.MD5, "aa"), place=Place.CACHE, location="l", local="/z"),
        File(path="a/", size=None),
    ),
    card="# Card",
)
SAID: list[Said] = [
    FULL,
    made("aaaaaa1", "churn", name="v8", created_at=2e9, number=8, kind=Kind.REGISTERED),
    made("aaaaaa2", "churn", name="prod", created_at=1e9),
    made("aaaaaa3", "churn", name="v9"),
    made("b1", "a@b:c", name="1.0"),
    made("same", "churn", "other", name="v7", created_at=3e9),
    made("only", "solo", "other", name="latest", number=2),
    made("old", "solo", "other", name="old", number=1),
    made("t1", "twins", name="v1"),
    made("t2", "twins", name="v1"),
    Model(registry="toy", name="empty", description="nothing yet"),
    Alias(registry="toy", model="churn", name="prod", key="aaaaaa1"),
    Alias(registry="toy", model="churn", name="live", key="aaaaaa1", set_at=5.0, set_by="Mira"),
    Alias(registry="toy", model="churn", name="live", key="aaaaaa2", kind=AliasKind.STAGE),
    Alias(registry="toy", model="churn", name="gone", key="nothing"),
    Alias(registry="toy", model="twins", name="dev", key="t1"),
    AliasMove(registry="toy", model="twins", name="dev", before="", after="t2", at=1.0),
    AliasMove(registry="toy", model="twins", name="dev", before="t2", after="t1", at=2.0, by="Ola"),
    Problem(registry="toy", where="b", message="torn", hint="mend it"),
    Problem(registry="toy", where="a", message="odd"),
]


@pytest.fixture
def index(index_url: str) -> Iterator[Index]:
    opened = open_index(filled(index_url, SAID), clock=lambda: 2e9)
    yield opened
    opened.close()


def resolved(index: Index, text: str) -> tuple[str, str]:
    row = index.resolve(parse(text))
    return row.registry, row.key


def test_registries_are_listed_with_what_they_hold(index: Index) -> None:
    rows = [(r.name, r.kind, r.url, r.models, r.versions, r.problems, r.synced_at) for r in index.registries()]
    assert rows == [("other", "scripted", "/other", 2, 3, 0, 1.7e9), ("toy", "scripted", "/toy", 4, 7, 2, 1.7e9)]


def test_models_are_listed_with_their_counts_or_those_that_match(index: Index) -> None:
    rows = [(row.registry, row.model, row.versions, row.newest_at) for row in index.models()]
    assert rows == [
        ("other", "churn", 1, 3e9),
        ("other", "solo", 2, None),
        ("toy", "a@b:c", 1, None),
        ("toy", "churn", 4, 2e9),
        ("toy", "empty", 0, None),
        ("toy", "twins", 2, None),
    ]
    assert index.models()[4] == ModelRow(registry="toy", model="empty", versions=0, description="nothing yet")
    assert [(row.model, row.versions) for row in index.models("registry:toy version:v*")] == [
        ("churn", 3),
        ("twins", 2),
    ]


def test_problems_are_listed_by_registry_and_place(index: Index) -> None:
    rows = [(row.registry, row.where, row.message, row.hint) for row in index.problems()]
    assert rows == [("toy", "a", "odd", ""), ("toy", "b", "torn", "mend it")]
    assert index.problems("toy") == index.problems()
    assert index.problems("other") == []


def test_a_version_is_read_as_it_was_written(index: Index) -> None:
    row = index.find("toy", "churn", FULL.key)
    assert row is not None
    assert index.version(row.id) == FULL
    assert (row.params["lr"], row.metrics, row.tags) == (
        0.5,
        {"acc": 0.9, "bad": float("inf")},
        {"stage": "prod", "gold": ""},
    )
    for said in (one for one in SAID if isinstance(one, Version)):
        found = index.find(said.registry, said.model, said.key)
        assert found is not None
        assert index.version(found.id) == said


def test_a_version_that_is_gone_is_not_found(index: Index) -> None:
    with pytest.raises(NotFound, match="no longer in the index"):
        index.version(10**9)
    assert index.find("toy", "churn", "nothing") is None


REFERENCES = [
    ("toy:churn@v7", FULL.key),  # a version's name
    ("toy:churn@prod", "aaaaaa2"),  # a name before an alias
    ("toy:churn@alias:prod", "aaaaaa1"),
    ("toy:churn@v:prod", "aaaaaa2"),
    ("toy:churn@9f2c41", FULL.key),  # the beginning of an id
    ("toy:churn@id:9f2c41ab00", FULL.key),
    ("other:churn@id:same", "same"),  # a whole id, however short
    ("toy:churn", "aaaaaa1"),  # the newest by time
    ("toy:churn@latest", "aaaaaa1"),
    ("solo", "only"),  # the newest by number where no time is known
    ("solo@v:latest", "only"),
    ("solo@old", "old"),
    ("churn@v8", "aaaaaa1"),  # one registry alone has it
    ("a@b:c", "b1"),  # a model's raw name wins over what else the text may mean
    ("toy:a%40b%3Ac@1.0", "b1"),
    ("twins@dev", "t1"),
    ("twins@dev~1", "t2"),  # what it pointed at before
]


@pytest.mark.parametrize(("text", "key"), REFERENCES, ids=[text for text, _ in REFERENCES])
def test_a_reference_finds_its_version(index: Index, text: str, key: str) -> None:
    assert resolved(index, text)[1] == key


AMBIGUOUS = [
    ("churn@v7", ["other:churn@v7", "toy:churn@v7"]),  # in two registries
    ("churn", ["other:churn@v7", "toy:churn@v8"]),  # each registry has its newest
    ("twins@v1", ["toy:twins@id:t1", "toy:twins@id:t2"]),  # two of the same name are told apart by their ids
    ("toy:churn@aaaaaa", ["toy:churn@id:aaaaaa1", "toy:churn@id:aaaaaa2", "toy:churn@id:aaaaaa3"]),
    ("toy:churn@live", ["toy:churn@id:aaaaaa1", "toy:churn@id:aaaaaa2"]),  # an alias and a stage of one name
]


@pytest.mark.parametrize(("text", "named"), AMBIGUOUS, ids=[text for text, _ in AMBIGUOUS])
def test_two_answers_are_a_conflict_that_lists_references_to_each(index: Index, text: str, named: list[str]) -> None:
    with pytest.raises(Conflict) as caught:
        index.resolve(parse(text))
    assert caught.value.exit_code == 5
    listed = sorted(caught.value.hint.removeprefix("say which: ").split(", "))
    assert listed == named
    keys = [resolved(index, one) for one in listed]
    assert len(set(keys)) == len(named)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("chrun", "did you mean churn?"),
        ("toy:churn@v77", "prod"),
        ("toy:churn@9f2c4", "v9"),  # too short for an id
        ("toy:churn@alias:v7", "prod"),
        ("toy:churn@gone", "prod"),  # an alias of a version that is not there
        ("twins@dev~2", "dev"),  # it pointed at nothing before
        ("twins@dev~9", "dev"),
        ("empty", "no versions"),
        ("other:twins", "toy"),
    ],
)
def test_a_reference_to_nothing_says_what_is_close(index: Index, text: str, hint: str) -> None:
    with pytest.raises(NotFound) as caught:
        index.resolve(parse(text))
    assert caught.value.exit_code == 4
    assert hint in caught.value.hint


def test_the_aliases_of_a_model_and_their_moves_are_its_history(index: Index) -> None:
    history = index.history("toy", "twins")
    assert [(alias.name, alias.key) for alias in history.aliases] == [("dev", "t1")]
    assert [(move.before, move.after, move.at, move.by) for move in history.moves] == [
        ("", "t2", 1.0, ""),
        ("t2", "t1", 2.0, "Ola"),
    ]
    assert [
        (a.name, a.kind, a.set_at, a.set_by) for a in index.history("toy", "churn").aliases if a.name == "live"
    ] == [
        ("live", AliasKind.ALIAS, 5.0, "Mira"),
        ("live", AliasKind.STAGE, None, ""),
    ]


def test_names_and_values_in_use_complete_what_was_typed(index: Index) -> None:
    assert index.keys("metric") == ["acc", "bad"]
    assert index.keys("param", "L") == ["layers", "lr"]
    assert index.keys("tag", "go") == ["gold"]
    assert index.keys("env") == ["python", "torch"]
    assert index.keys("model", "c") == ["churn"]
    assert index.keys("alias") == ["dev", "gone", "live", "prod"]
    assert index.keys("registry") == ["other", "toy"]
    assert index.keys("author", "m") == ["mira"]
    assert index.keys("model", limit=2) == ["a@b:c", "churn"]
    assert index.values("tag.stage") == ["prod"]
    assert index.values("env.torch", "2") == ["2.1"]
    assert index.values("version", "v") == ["v1", "v7", "v8", "v9"]
    assert index.values("data") == ["customers", "d1"]
    assert index.values("file", "z") == ["z.pt"]
    assert index.values("kind", "reg") == ["registered"]
    assert index.values("metric.acc") == []
    assert index.values("none") == []


def test_an_index_that_is_not_there_reads_as_empty(index_url: str) -> None:
    index = open_index(index_url)
    rows = index.rows("model:x metric.acc>1 | word -has:alias")
    assert (rows.page(0), rows.count, rows.exact) == ([], 0, True)
    assert (index.models(), index.models("x"), index.registries(), index.problems()) == ([], [], [], [])
    assert (index.keys("metric"), index.values("author")) == ([], [])
    with pytest.raises(NotFound):
        index.resolve(parse("m@v1"))
    filled(index_url, SAID)
    assert len(index.rows().page(0) or ()) == 10  # and is seen once it is made
    index.close()


def _other_version(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=999")
    connection.close()


def _torn(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[100:] = b"\xff" * (len(data) - 100)
    path.write_bytes(data)


def _something_else(path: Path) -> None:
    path.write_bytes(b"this is no database, but it is long enough to be taken for one" * 20)


@pytest.mark.parametrize(
    ("harm", "said"), [(_other_version, "another version"), (_torn, "damaged"), (_something_else, "damaged")]
)
def test_a_file_that_is_no_index_of_ours_says_so_and_how_to_mend_it(
    tmp_path: Path, harm: Callable[[Path], None], said: str
) -> None:
    path = tmp_path / "index.db"
    filled(str(path), SAID)
    harm(path)
    index = open_index(str(path))
    with pytest.raises(IndexUnavailable, match=said) as caught:
        index.rows().page(0)
    assert caught.value.exit_code == 8
    assert caught.value.hint
    index.close()


@pytest.mark.postgres
def test_an_index_of_another_version_on_postgresql_says_so(postgres: str) -> None:
    import psycopg

    filled(postgres, SAID)
    with psycopg.connect(postgres, autocommit=True) as connection:
        rows = connection.execute("SELECT schemaname FROM pg_tables WHERE tablename='registry'").fetchall()
        connection.execute(f"COMMENT ON TABLE {rows[0][0]}.registry IS 'lineal index, schema 999'".encode())
    index = open_index(postgres)
    with pytest.raises(IndexUnavailable, match="another version") as caught:
        index.models()
    assert caught.value.hint
    index.close()


def test_a_server_that_cannot_be_reached_says_so(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")
    index = open_index(f"postgresql://nobody@/none?host={tmp_path}")
    with pytest.raises(IndexUnavailable, match="cannot be reached") as caught:
        index.rows().page(0)
    assert caught.value.exit_code == 8
    assert "check the server" in caught.value.hint
    index.close()


def test_a_reader_sees_the_index_that_takes_the_place_of_its_own(index_url: str) -> None:
    filled(index_url, [made("1"), made("2")])
    index = open_index(index_url)
    assert len(index.rows().page(0) or ()) == 2
    new = f"{index_url}.new" if "://" not in index_url else f"{index_url}&schema=aside"
    filled(new, [made("3", metrics=(Metric("acc", 1.0),))])
    take_place(new, index_url)
    assert [row.key for row in index.rows("metric.acc:1").page(0) or ()] == ["3"]
    index.close()


def test_a_reader_sees_a_file_that_was_put_in_the_place_of_its_own(tmp_path: Path) -> None:
    path, new = tmp_path / "index.db", tmp_path / "new.db"
    filled(str(path), [made("1")])
    index = open_index(str(path))
    assert [row.key for row in index.rows().page(0) or ()] == ["1"]
    filled(str(new), [made("2")])
    new.replace(path)
    assert [row.key for row in index.rows().page(0) or ()] == ["2"]
    path.unlink()
    assert index.rows().page(0) == []
    index.close()


def test_a_list_that_was_read_leaves_out_what_is_gone_meanwhile(index_url: str) -> None:
    filled(index_url, [made("1", created_at=1.0), made("2", created_at=2.0)])
    index = open_index(index_url)
    rows = index.rows()
    assert len(rows.page(0) or ()) == 2
    with open_writer(index_url) as writer:
        writer.drop(["toy"])
    assert rows.page(0) == []
    index.close()


def test_reading_never_writes_into_the_folder_of_an_index(tmp_path: Path) -> None:
    index = open_index(str(tmp_path / "deep" / "index.db"))
    assert index.rows().page(0) == []
    assert not list(tmp_path.iterdir())
    index.close()
    with pytest.raises(IndexUnavailable, match="closed"):
        index.models()
