"""`lineal sync`: progress for people and programs, failures that stop nobody else, and an end in the middle."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import time
from typing import Any

from tests.cli import running
from tests.cli.conftest import Lab
from tests.sources.checkpoints import safetensors


def events(text: str) -> list[dict[str, Any]]:
    """Read JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


def everything(lab: Lab) -> Any:
    """Return the list of versions as the index has it now."""
    return json.loads(lab.ok("--no-sync", "ls", "--format", "json"))


def test_text_is_narration_on_stderr(small: Lab) -> None:
    said = small.run("sync")
    assert (said.code, said.out) == (0, "")
    assert re.search(r"^runs: 4 new in [0-9.]+ s$", said.err, re.M), said.err
    assert re.search(r"^up to date after [0-9.]+ s, \d+ files hashed$", said.err, re.M)
    assert "nothing new" in small.run("sync").err


def test_events_are_json_lines_on_stdout_from_the_start_to_a_summary(small: Lab) -> None:
    said = small.run("sync", "--events", "jsonl")
    told = events(said.out)
    assert said.err == ""
    assert told[0] == {"event": "started", "registries": ["runs"]}
    assert told[-1]["event"] == "summary"
    assert told[-1]["finished"][0]["added"] == 4
    assert {event["event"] for event in told} <= {
        "started",
        "progress",
        "problem",
        "finished",
        "fingerprinting",
        "summary",
    }


def test_silence_where_it_is_asked_for(small: Lab) -> None:
    assert small.run("sync", "--events", "none") == (0, "", "")


def test_only_the_named_registries_are_read(copy: Lab) -> None:
    copy.ok("sync", "hub")
    assert {item["registry"] for item in everything(copy)} == {"hub"}
    copy.ok("sync", "runs")
    assert {item["registry"] for item in everything(copy)} == {"hub", "runs"}


def test_an_unknown_name_is_not_found(small: Lab) -> None:
    said = small.run("sync", "nobody")
    assert said.code == 4
    assert "'nobody'" in said.err
    assert "lineal registry ls" in said.err


def test_one_that_is_gone_ends_with_6_and_the_others_still_show(copy: Lab) -> None:
    assert copy.run("sync").code == 0
    before = everything(copy)
    shutil.rmtree(copy.folder / "mlruns")
    said = copy.run("sync")
    assert said.code == 6
    assert "mlflow: " in said.err
    assert "1 could not be read" in said.err
    assert everything(copy) == before, "what was known of a registry that cannot be read stays"
    read = copy.run("ls", "--format", "json")
    assert read.code == 0
    assert json.loads(read.out) == before
    assert "note: mlflow: " in read.err
    rows = {item["name"]: item["error"] for item in copy.json("registry", "ls")}
    assert rows["mlflow"]
    assert not rows["hub"]


def test_a_server_that_nobody_answers_for_ends_with_6_and_the_others_are_synced(small: Lab) -> None:
    (small.folder / "lineal.toml").write_text('[registries.far]\nkind = "mlflow"\nurl = "http://127.0.0.1:9"\n')
    said = small.run("sync", env={"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"})
    assert said.code == 6
    assert re.search(r"^far: .*127\.0\.0\.1:9", said.err, re.M), said.err
    assert len(everything(small)) == 4


def test_local_leaves_servers_alone(small: Lab) -> None:
    (small.folder / "lineal.toml").write_text('[registries.far]\nkind = "mlflow"\nurl = "http://127.0.0.1:9"\n')
    assert small.run("sync", "--local").code == 0


def test_what_changed_is_read_before_a_verb_answers(small: Lab) -> None:
    assert len(small.json("ls")) == 4
    safetensors(small.folder / "runs" / "loose" / "b.safetensors", {"x": b"new"})
    assert len(everything(small)) == 4
    assert len(small.json("ls")) == 5
    (small.folder / "runs" / "loose" / "b.safetensors").unlink()
    assert len(small.json("ls")) == 4


def test_a_rebuild_gives_the_same_rows_aside_and_leaves_nothing_beside_the_index(copy: Lab) -> None:
    copy.ok("sync")
    before = everything(copy)
    shown = copy.ok("lineage", "mlflow:fraud-scorer@champion", "--format", "json")
    copy.ok("sync", "--rebuild")
    assert everything(copy) == before
    assert copy.ok("lineage", "mlflow:fraud-scorer@champion", "--format", "json") == shown
    left = {path.suffix for path in copy.index.parent.iterdir()}
    assert left <= {".db", ".lock", ".db-wal", ".db-shm"}, left


def test_a_deleted_index_comes_back_row_for_row(copy: Lab) -> None:
    copy.ok("sync")
    before = everything(copy)
    shutil.rmtree(copy.index.parent)
    assert copy.json("ls") == before


def test_unreadable_entries_are_told_and_counted(small: Lab) -> None:
    (small.folder / "runs" / "loose" / "bad.safetensors").write_bytes(b"\xff" * 64)
    said = small.run("sync")
    assert said.code == 0
    assert "bad.safetensors" in said.err
    assert "unreadable entr" in said.err
    (met,) = [event for event in events(small.run("sync", "--rebuild", "--events", "jsonl").out)
              if event["event"] == "problem"]  # fmt: skip
    assert met["problem"]["where"].endswith("bad.safetensors")
    assert met["problem"]["message"]


def slow(lab: Lab) -> None:
    """Give the workspace many small registries, so that a sync of it lasts some seconds."""
    lines = []
    for number in range(40):
        folder = lab.folder / "many" / f"r{number:02}"
        for at in range(40):
            safetensors(folder / f"m{at}" / "model.safetensors", {"w": f"{number} {at}".encode()})
        lines.append(f'[registries.r{number:02}]\nkind = "checkpoints"\nurl = "many/r{number:02}"\n')
    (lab.folder / "lineal.toml").write_text("[discovery]\nenabled = false\n" + "\n".join(lines))


def test_ctrl_c_ends_with_130_and_leaves_whole_scopes_that_a_later_sync_completes(small: Lab) -> None:
    slow(small)
    pressed: list[float] = []

    def watch(sent: bytes, terminal: int) -> None:
        if b" new in " in sent and not pressed:
            pressed.append(time.monotonic())
            os.write(terminal, b"\x03")

    code, sent = running.on_terminal("sync", cwd=small.folder, home=small.home, watch=watch)
    assert pressed
    assert time.monotonic() - pressed[0] < 20
    assert code == 130, sent[-500:]
    assert b"Traceback" not in sent
    held = {item["reference"]: item for item in everything(small)}
    small.ok("sync")
    complete = {item["reference"]: item for item in everything(small)}
    assert 0 < len(held) < len(complete) == 1600
    assert held == {reference: complete[reference] for reference in held}, "what is there is there whole"


def test_sigterm_ends_it_as_ctrl_c_does(small: Lab) -> None:
    slow(small)
    process = running.start("sync", "--events", "jsonl", cwd=small.folder, home=small.home)
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line)["event"] == "finished":
            break
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert events(out)[-1]["event"] == "summary"
    assert events(out)[-1]["cancelled"] is True
    with sqlite3.connect(small.index) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
