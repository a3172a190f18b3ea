"""What goes wrong is one sentence on stderr, with a hint and the exit code that README promises."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from lineal.cli.root import VERBS
from lineal.index.identity import SCHEMA
from lineal.index.lock import holding
from tests.cli.conftest import Lab
from tests.cli.running import Said
from tests.sources.checkpoints import safetensors

READS = [("ls",), ("show", "bert"), ("diff", "bert", "bert@final"), ("lineage", "bert"), ("metrics",)]


def refused(said: Said, code: int, *words: str) -> None:
    """Check that a command failed in words, and wrote no data."""
    assert said.code == code, said.err
    assert said.out == ""
    assert "Traceback" not in said.err
    assert said.err.startswith(("lineal: ", "Usage: ")), said.err
    for word in words:
        assert word in said.err


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_that_teaches(lab: Lab, verb: str) -> None:
    for option in ("--help", "-h"):
        said = lab.run(verb, option)
        assert (said.code, said.err) == (0, "")
        assert said.out.startswith(f"Usage: lineal {verb} ")
        assert max(map(len, said.out.splitlines())) <= 120
    assert len(said.out.splitlines()) > 5


def test_the_help_of_the_whole_lists_every_verb_and_the_exit_codes(lab: Lab) -> None:
    out = lab.ok("--help")
    assert all(re.search(rf"^  {verb} +\w", out, re.M) for verb in VERBS)
    assert "Exit codes: 0 done" in out
    assert "lineal demo" in out


@pytest.mark.parametrize(("typed", "meant"), [("lss", "ls"), ("dif", "diff"), ("lineag", "lineage"), ("syn", "sync")])
def test_an_unknown_verb_suggests_the_one_that_was_meant(lab: Lab, typed: str, meant: str) -> None:
    refused(lab.run(typed), 2, f"Did you mean '{meant}'?")


def test_an_unknown_option_or_value_is_a_usage_error(lab: Lab) -> None:
    refused(lab.run("ls", "--colour"), 2, "--colour")
    refused(lab.run("ls", "--format", "xml"), 2, "xml")
    refused(lab.run("ls", "--limit", "0"), 2, "--limit")
    refused(lab.run("show"), 2, "VERSION")


def test_a_model_or_version_that_is_not_there_is_4_and_close_ones_are_named(lab: Lab) -> None:
    refused(lab.run("show", "fraud-scorr"), 4, "fraud-scorr", "did you mean", "fraud-scorer")
    refused(lab.run("show", "mlflow:fraud-scorer@v99"), 4, "v99", "champion")
    refused(lab.run("diff", "mlflow:fraud-scorer@v1", "nobody:fraud-scorer@v1"), 4, "nobody:fraud-scorer")


def test_an_ambiguous_reference_is_5_and_lists_both(small: Lab) -> None:
    safetensors(small.folder / "more" / "loose" / "c.safetensors", {"x": b"1"})
    (small.folder / "lineal.toml").write_text(
        '[registries.one]\nkind = "checkpoints"\nurl = "runs"\n[registries.two]\nkind = "checkpoints"\nurl = "more"\n'
    )
    refused(small.run("show", "loose"), 5, "one:loose@a.safetensors", "two:loose@c.safetensors")
    assert small.json("show", "two:loose")["registry"] == "two"


@pytest.mark.parametrize("text", ["", "@", "Bad Name:x", "a:b:"])
def test_what_is_no_reference_is_said_to_be_none(lab: Lab, text: str) -> None:
    said = lab.run("show", text)
    assert said.code in (2, 4), said.err
    assert said.out == ""
    assert said.err.startswith("lineal: ")


def test_a_folder_that_does_not_exist(lab: Lab) -> None:
    refused(lab.run("-C", "no/such/folder", "ls"), 4, "is not a folder")


@pytest.mark.parametrize("text", ["not toml [", "[registrys.a]\nurl = 'x'\n", "[metrics]\nauc = 'up'\n"])
def test_a_configuration_that_cannot_be_used(small: Lab, text: str) -> None:
    (small.folder / "lineal.toml").write_text(text)
    refused(small.run("ls"), 2, "lineal.toml", "hint: ")
    said = small.run("doctor", "--format", "json")
    assert said.code == 1
    assert "lineal.toml" in said.out


def test_an_empty_folder_says_what_to_do_next(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "home").mkdir()
    said = Lab(tmp_path / "work", tmp_path / "home").run("ls")
    assert said.code == 0
    assert len(said.out.splitlines()) <= 1
    assert "lineal demo" in said.err
    assert "lineal registry add" in said.err


@contextmanager
def locked(small: Lab) -> Iterator[None]:
    """Hold the index as another sync would."""
    small.ok("sync")
    with holding(str(small.index)):
        yield


def test_a_sync_that_finds_the_index_held_says_so_with_8(small: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineal.cli.sync._WAIT", 0.2)
    with locked(small):
        refused(small.run("sync"), 8, "another sync", "hint: ")
        refused(small.run("sync", "--rebuild"), 8, "another sync", "hint: ")


def test_reads_go_on_while_another_sync_holds_the_index(small: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lineal.cli.sync._READ_WAIT", 0.2)
    with locked(small):
        safetensors(small.folder / "runs" / "loose" / "b.safetensors", {"x": b"new"})
        said = small.run("ls", "--format", "json")
        assert said.code == 0
        assert len(json.loads(said.out)) == 4
        assert said.err.startswith("note: another sync of this index is running")
    assert len(small.json("ls")) == 5


def test_a_damaged_memory_of_fingerprints_is_made_anew(small: Lab) -> None:
    small.ok("sync")
    before = small.json("show", "bert")
    memory = small.index.parent / "fingerprints.db"
    memory.write_bytes(b"this is no database" * 1000)
    small.ok("sync", "--rebuild")
    assert small.json("show", "bert") == before


@pytest.mark.parametrize("words", READS, ids=lambda words: words[0])
def test_a_damaged_index_is_8_with_the_way_out(small: Lab, words: tuple[str, ...]) -> None:
    small.ok("sync")
    small.index.write_bytes(b"this is no database" * 1000)
    refused(small.run(*words), 8, str(small.index), "hint: ", "lineal sync --rebuild")


def test_a_rebuild_mends_a_damaged_index(small: Lab) -> None:
    before = small.json("ls")
    small.index.write_bytes(os.urandom(50_000))
    small.ok("sync", "--rebuild")
    assert small.json("ls") == before


def test_pages_damaged_within_are_8_and_no_traceback(small: Lab) -> None:
    small.ok("sync")
    with closing(sqlite3.connect(small.index)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(small.index.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    small.index.write_bytes(data)
    refused(small.run("--no-sync", "ls"), 8, "hint: ", "lineal sync --rebuild")
    small.ok("sync", "--rebuild")
    assert len(small.json("ls")) == 4


def test_an_index_of_another_schema_is_8_and_left_alone(small: Lab) -> None:
    small.ok("sync")
    with closing(sqlite3.connect(small.index)) as database:
        database.execute(f"PRAGMA user_version = {SCHEMA + 1}")
        database.commit()
    before = small.index.read_bytes()
    refused(small.run("--index", str(small.index), "ls"), 8, "hint: ")
    assert small.index.read_bytes() == before


def test_a_file_that_is_something_else_is_not_written_over(small: Lab) -> None:
    other = small.folder / "thesis.db"
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE words (word TEXT)")
        database.commit()
    before = other.read_bytes()
    refused(small.run("--index", str(other), "ls"), 8, "hint: ")
    refused(small.run("--index", str(other), "sync"), 8, "hint: ")
    assert other.read_bytes() == before


def test_a_cache_folder_that_cannot_be_made_is_8(small: Lab) -> None:
    (small.home / ".cache").write_text("a file where the folder should be")
    refused(small.run("ls"), 8, "hint: ", "--index")
    assert small.run("--index", str(small.folder / "here.db"), "ls").code == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes where it likes")
def test_a_cache_folder_that_cannot_be_written_is_8(small: Lab) -> None:
    (small.home / ".cache").mkdir()
    (small.home / ".cache").chmod(stat.S_IRUSR | stat.S_IXUSR)
    refused(small.run("ls"), 8, "hint: ", "--index")


def test_an_index_url_of_another_kind_is_refused(small: Lab) -> None:
    refused(small.run("--index", "mysql://host/db", "ls"), 2, "hint: ")


def test_a_bug_leaves_a_report_and_says_where(small: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("with \x1b[31mcolour")

    monkeypatch.setattr("lineal.cli.ls._table", broken)
    said = small.run("ls")
    assert (said.code, said.out) == (70, "")
    assert "\x1b" not in said.err
    report = next((small.home / ".local" / "state" / "lineal").glob("crash-*.txt"))
    assert str(report) in said.err
    assert "ZeroDivisionError" in report.read_text()


def test_the_application_needs_a_terminal(small: Lab) -> None:
    refused(small.run(), 2, "hint: ")
