"""Where an index is, and who may write it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from lineal.config import Surroundings
from lineal.errors import ConfigError, IndexUnavailable
from lineal.index.identity import SCHEMA
from lineal.index.lock import holding
from lineal.index.opening import open_writer
from lineal.index.place import PostgresPlace, SqlitePlace, default, named, read


def test_each_workspace_has_a_file_of_its_own_in_the_users_cache(around: Surroundings) -> None:
    here, there = default(Path("/a"), around), default(Path("/b"), around)
    assert here != there
    assert here.startswith(str(around.home / ".cache" / "lineal" / "index"))
    assert here.endswith(f"-v{SCHEMA}.db")


def test_a_database_gets_a_schema_for_each_workspace_unless_one_is_named(around: Surroundings) -> None:
    url = named("postgresql://u@h/db?sslmode=require", Path("/a"), around)
    place = read(url)
    assert isinstance(place, PostgresPlace)
    assert place.url == "postgresql://u@h/db?sslmode=require"
    assert place.schema.startswith("lineal_")
    assert place.schema.endswith(f"_v{SCHEMA}")
    assert named("postgresql://h/db?schema=mine", Path("/a"), around) == "postgresql://h/db?schema=mine"


def test_paths_and_sqlite_urls_are_files() -> None:
    assert read("/x/y.db") == SqlitePlace("/x/y.db")
    assert read("sqlite:////x/y.db") == SqlitePlace("/x/y.db")


@pytest.mark.parametrize("bad", ["mysql://h/db", "postgresql://h/db?schema=a;drop", "postgresql://h/db?schema="])
def test_what_names_no_index_is_told_with_a_hint(bad: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(bad)
    assert caught.value.hint


def test_opening_twice_makes_the_tables_once(index_url: str) -> None:
    open_writer(index_url).close()
    with open_writer(index_url) as writer:
        assert writer.cursors("none") == {}


def test_a_second_sync_is_told_that_one_is_running(index_url: str) -> None:
    with holding(index_url), pytest.raises(IndexUnavailable, match="another sync"), holding(index_url):
        pytest.fail("two hold it")
    with holding(index_url):
        pass


def test_an_index_of_another_version_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    open_writer(str(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(IndexUnavailable, match="another version") as caught:
        open_writer(str(path))
    assert "--rebuild" in caught.value.hint
    assert caught.value.exit_code == 8


def test_a_database_of_something_else_is_not_written_into(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE runs (id)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(IndexUnavailable, match="something else"):
        open_writer(str(path))
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mlflow.db"]


def test_a_damaged_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "index.db"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(IndexUnavailable) as caught:
        open_writer(str(path))
    assert "--rebuild" in caught.value.hint


def test_an_unreachable_server_is_told_with_a_hint(tmp_path: Path) -> None:
    with pytest.raises(IndexUnavailable, match="cannot be reached") as caught:
        open_writer(f"postgresql://u@/db?host={tmp_path}")
    assert caught.value.hint
