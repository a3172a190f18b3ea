"""Databases that are old, foreign, damaged or in use: a typed error with a hint, and not one byte changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import AuthRequired, BadFormat, MissingExtra, RegistryError, Unavailable, Unsupported
from lineal.model.records import Alias, Record
from lineal.model.version import Version
from lineal.registries import connect
from lineal.registries.mlflow import sql
from lineal.testing import Fold, snapshot
from tests.postgres import Server
from tests.sources.mlflow import run

Oracle = Callable[[str], Path]
SCHEMA = """
CREATE TABLE alembic_version (version_num TEXT);
INSERT INTO alembic_version VALUES ('0584bdc529eb');
CREATE TABLE experiments (experiment_id INTEGER, name TEXT, lifecycle_stage TEXT);
CREATE TABLE runs (run_uuid TEXT, name TEXT, experiment_id INTEGER, user_id TEXT, status TEXT, start_time INTEGER,
    end_time INTEGER, artifact_uri TEXT, lifecycle_stage TEXT);
CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE metrics (key TEXT, value REAL, timestamp INTEGER, step INTEGER, is_nan BOOLEAN, run_uuid TEXT);
CREATE TABLE latest_metrics (key TEXT, value REAL, timestamp INTEGER, step INTEGER, is_nan BOOLEAN, run_uuid TEXT);
CREATE TABLE registered_models (name TEXT, creation_time INTEGER, last_updated_time INTEGER, description TEXT);
CREATE TABLE registered_model_tags (key TEXT, value TEXT, name TEXT);
CREATE TABLE registered_model_aliases (alias TEXT, version INTEGER, name TEXT);
CREATE TABLE model_versions (name TEXT, version INTEGER, creation_time INTEGER, last_updated_time INTEGER,
    description TEXT, user_id TEXT, current_stage TEXT, source TEXT, run_id TEXT, status TEXT, status_message TEXT);
CREATE TABLE model_version_tags (key TEXT, value TEXT, name TEXT, version INTEGER);
"""
ROWS = """
INSERT INTO experiments VALUES (1, 'tuning', 'active');
INSERT INTO runs VALUES ('r1', 'first', 1, 'ada', 'FINISHED', 1000, 2000, 's3://b/1/r1/artifacts', 'active');
INSERT INTO params VALUES ('lr', '0.1', 'r1');
INSERT INTO latest_metrics VALUES ('acc', 0.5, 1000, 3, 0, 'r1');
INSERT INTO registered_models VALUES ('churn', 1, 2, NULL);
INSERT INTO registered_model_aliases VALUES ('champion', 1, 'churn');
INSERT INTO model_versions VALUES
    ('churn', 1, 3000, 3000, NULL, NULL, 'None', 's3://b/1/r1/artifacts/model', 'r1', 'READY', NULL);
"""


def make(path: Path, *more: str) -> Path:
    """Make a database by hand."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(SCHEMA + ROWS + "".join(more))
        database.commit()
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with one version."""
    (tmp_path / "theirs").mkdir()
    return make(tmp_path / "theirs" / "mlflow.db")


def scan(url: object, around: Surroundings, fold: Fold | None = None) -> list[Record]:
    """Scan a database."""
    spec = RegistrySpec(name="flow", kind="mlflow", url=str(url))
    registry = connect(spec, around)
    try:
        return list(registry.scan(fold.cursors if fold else {}))
    finally:
        registry.close()


def versions(records: list[Record]) -> list[Version]:
    """Return the versions."""
    return [record for record in records if isinstance(record, Version)]


@contextmanager
def writing(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """Hold a database open, as a server does."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(f"PRAGMA journal_mode={mode}")
        yield database


def test_a_database_at_rest_stays_as_it_was(path: Path, around: Surroundings) -> None:
    """No side file is made, whatever the journal's mode."""
    for mode in ("delete", "truncate", "persist", "wal"):
        with writing(path, mode) as database:
            database.execute("UPDATE params SET value = '0.2'")
        before = snapshot(path.parent)
        assert len(versions(scan(path, around))) == 1
        assert snapshot(path.parent) == before


def test_a_database_in_use_is_read_with_what_was_committed(path: Path, around: Surroundings) -> None:
    """Its write-ahead log holds the newest rows; reading changes neither it nor its shared memory."""
    with writing(path, "wal") as database:
        database.execute("PRAGMA wal_autocheckpoint = 0")
        database.execute("UPDATE params SET value = '0.7'")
        before = snapshot(path.parent)
        (version,) = versions(scan(path, around))
        assert version.params[0].value == 0.7
        assert snapshot(path.parent) == before
        assert "mlflow.db-wal" in before


def test_a_write_that_was_cut_off_is_told(path: Path, around: Surroundings, tmp_path: Path) -> None:
    """A hot journal is not rolled back by a reader, who must change nothing."""
    with writing(path, "delete") as database:
        database.execute("PRAGMA cache_size = 1")
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT INTO params VALUES (?, ?, 'r1')", [(str(n), "x" * 500) for n in range(2000)])
        left = tmp_path / "left"
        left.mkdir()
        for name in ("mlflow.db", "mlflow.db-journal"):
            (left / name).write_bytes((path.parent / name).read_bytes())
        database.execute("ROLLBACK")
    before = snapshot(left)
    with pytest.raises(Unavailable) as caught:
        scan(left / "mlflow.db", around)
    assert caught.value.hint
    assert snapshot(left) == before


def test_a_writer_is_waited_for_and_then_named(
    path: Path, around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lock that stays is an error with a hint."""
    monkeypatch.setattr(sql, "_BUSY", 0.1)
    with writing(path, "delete") as database:
        database.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Unavailable, match="locked") as caught:
            scan(path, around)
        assert caught.value.hint
        database.execute("ROLLBACK")


def test_damaged_files_are_bad_formats(path: Path, around: Surroundings) -> None:
    """Cut short, overwritten inside, or no database at all."""
    whole = path.read_bytes()
    for data in (whole[: len(whole) // 2], whole[:4096] + b"\xff" * 8000, b"SQLite format 3\0" + b"\0" * 50):
        path.write_bytes(data)
        with pytest.raises((BadFormat, Unsupported, Unavailable)) as caught:
            scan(path, around)
        assert caught.value.hint
    path.write_bytes(b"hello")
    with pytest.raises(RegistryError):
        scan(f"sqlite:///{path}", around)


def test_foreign_and_old_databases_are_unsupported(tmp_path: Path, around: Surroundings) -> None:
    """With what to do about it."""
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as database:
        database.execute("CREATE TABLE runs (a)")
        database.commit()
    with pytest.raises(Unsupported, match="not one of MLflow's"):
        scan(foreign, around)
    old = make(tmp_path / "old.db", "DROP TABLE latest_metrics;")
    with pytest.raises(Unsupported, match="0584bdc529eb") as caught:
        scan(old, around)
    assert "mlflow db upgrade" in caught.value.hint


def test_odd_rows_are_read(tmp_path: Path, around: Surroundings) -> None:
    """Invalid UTF-8, NUL, missing values, runs that are gone, aliases of versions that are gone."""
    more = """
    UPDATE params SET value = CAST(x'ff00fe' AS TEXT);
    INSERT INTO registered_model_aliases VALUES ('dangling', 9, 'churn');
    INSERT INTO model_versions VALUES ('churn', 2, NULL, NULL, NULL, NULL, NULL, NULL, 'nowhere', NULL, NULL);
    INSERT INTO latest_metrics VALUES ('nan', 0, 1, 0, 1, 'r1'), ('inf', 1.7976931348623157e308, 1, 0, 0, 'r1');
    """
    records = scan(make(tmp_path / "odd.db", more), around)
    first, second = versions(records)
    assert first.params[0].value == "\\xff\0\\xfe"
    assert [str(metric.value) for metric in first.metrics] == ["0.5", "inf", "nan"]
    assert (second.key, second.run, second.created_at) == ("2", None, None)
    assert [record.name for record in records if isinstance(record, Alias)] == ["champion"]


def test_workspaces_keep_models_of_one_name_apart(tmp_path: Path, around: Surroundings) -> None:
    """Since 3.10 a name is unique only within its workspace; the default one stays unnamed."""
    tables = [
        *("experiments", "registered_models", "registered_model_tags", "registered_model_aliases"),
        *("model_versions", "model_version_tags"),
    ]
    more = "".join(f"ALTER TABLE {table} ADD COLUMN workspace TEXT DEFAULT 'default';" for table in tables)
    more += "INSERT INTO registered_models VALUES ('churn', 1, 2, NULL, 'team');"
    more += "INSERT INTO model_versions VALUES ('churn', 1, 1, 1, NULL, NULL, 'None', 's3://x', NULL, 'READY', NULL, "
    more += "'team');"
    found = versions(scan(make(tmp_path / "spaces.db", more), around))
    assert [(version.model, version.key) for version in found] == [("churn", "1"), ("team/churn", "1")]


@pytest.mark.parametrize("revision", ["0584bdc529eb", "7f2a7d5fae7d", "cc1f77228345", "heads"])
def test_schemas_of_earlier_releases_are_read(
    oracle: Oracle, tmp_path: Path, around: Surroundings, revision: str
) -> None:
    """As MLflow's own migrations leave them: 1.28, 2.3, 2.22 and 3.17."""
    path = tmp_path / "earlier.db"
    run(oracle("mlflow"), "mlflow_schema.py", f"sqlite:///{path}", revision, home=tmp_path / "home")
    with closing(sqlite3.connect(path)) as database:
        database.execute("INSERT INTO experiments (experiment_id, name, lifecycle_stage) VALUES (1, 'e', 'active')")
        columns = "run_uuid, experiment_id, status, start_time, artifact_uri, lifecycle_stage"
        database.execute(f"INSERT INTO runs ({columns}) VALUES ('r1', 1, 'FINISHED', 1000, 's3://b/r1', 'active')")
        database.execute("INSERT INTO params (key, value, run_uuid) VALUES ('lr', '0.1', 'r1')")
        database.execute("INSERT INTO registered_models (name) VALUES ('churn')")
        columns = "name, version, current_stage, source, run_id, status"
        database.execute(f"INSERT INTO model_versions ({columns}) VALUES ('churn', 1, 'None', 's3://b', 'r1', 'READY')")
        database.commit()
    (version,) = versions(scan(path, around))
    assert version.params[0].value == 0.1


def test_schemas_before_2_are_told_to_upgrade(oracle: Oracle, tmp_path: Path, around: Surroundings) -> None:
    """1.0's tables have no latest metrics and no registry."""
    path = tmp_path / "ancient.db"
    run(oracle("mlflow"), "mlflow_schema.py", f"sqlite:///{path}", "90e64c465722", home=tmp_path / "home")
    with pytest.raises(Unsupported, match="90e64c465722") as caught:
        scan(path, around)
    assert "mlflow db upgrade" in caught.value.hint


def test_postgres_is_read_only_and_refusals_hide_the_address(postgres_server: Server, around: Surroundings) -> None:
    """A database that is not MLflow's, one that is not there, and a user that is not let in."""
    url = postgres_server.database()
    with pytest.raises(Unsupported, match="not one of MLflow's"):
        scan(url, around)
    with sql.Postgres(url).session() as session, pytest.raises(Exception, match="read-only"):
        session.rows("CREATE TABLE x (y integer)")
    with pytest.raises((Unavailable, AuthRequired)) as caught:
        scan(url.replace("test_", "absent_"), around)
    assert caught.value.hint
    postgres_server.drop(url)


def test_postgres_without_its_driver_names_the_extra(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install, rather than a traceback."""
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(MissingExtra) as caught:
        scan("postgresql://ada@127.0.0.1:9/db", around)
    assert "lineal[postgres]" in caught.value.hint


def test_an_unchanged_database_costs_a_look_at_the_file(
    path: Path, around: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second scan opens nothing."""
    fold = Fold().apply(scan(path, around))
    rows = fold.rows()
    monkeypatch.setattr(sqlite3, "connect", None)
    assert fold.apply(scan(path, around, fold)).rows() == rows
