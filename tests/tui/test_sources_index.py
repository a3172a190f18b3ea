"""The index goes away, or is damaged, while the application is open: it stays up, says so, and recovers."""

from __future__ import annotations

import json
import os
import struct
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from lineal.config import Surroundings
from lineal.errors import IndexUnavailable
from lineal.index.place import SqlitePlace, read
from lineal.workspace import open_workspace
from lineal_tui.main import SYNC
from lineal_tui.screens.sources import Sources
from tests.conftest import NOW
from tests.tui.conftest import MakeApp
from tests.tui.fake import FakeSource
from tests.tui.seeing import seen, until, until_seen
from tests.tui.test_real import app_of
from tests.tui.test_screens import opened, press


def _fails(*args: object) -> NoReturn:
    raise IndexUnavailable("the index /x/y.db is damaged", hint="`lineal sync --rebuild` makes it anew")


async def test_sources_keep_saying_why_the_index_cannot_be_read(
    source: FakeSource, make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "7")
        await until_seen(pilot, "risk-models")
        with monkeypatch.context() as broken:
            broken.setattr(source.index, "registries", _fails)
            await press(pilot, "1", "7")
            await until_seen(pilot, "✘ the index /x/y.db is damaged", "→ `lineal sync --rebuild`", "is from before")
            assert isinstance(app.screen, Sources)
            assert app.screen._wrong is not None
            await press(pilot, "j", "k", "tab", "j")  # every key is answered
            assert "what is shown is from before" in seen(app)
        await press(pilot, "1", "7")
        await until(pilot, lambda: "damaged" not in seen(app), "the index again")
        assert app.screen._wrong is None


def _folder(tmp_path: Path) -> Surroundings:
    """Make a folder with one model file, and read it."""
    root = tmp_path / "work"
    (root / "runs").mkdir(parents=True)
    head = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (root / "runs" / "tiny.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + b"\0" * 4)
    written = '[registries.runs]\nkind = "checkpoints"\nurl = "runs"\n[discovery]\nenabled = false\n'
    (root / "lineal.toml").write_text(written)
    environ = {"TERM": "xterm-256color", "HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run([*SYNC], cwd=root, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return Surroundings(root, tmp_path, environ, lambda: NOW)


async def test_an_index_that_vanishes_is_read_anew(tmp_path: Path) -> None:
    with open_workspace(around=_folder(tmp_path)) as work:
        place = read(work.index_url)
        assert isinstance(place, SqlitePlace)
        app = app_of(work)
        async with app.run_test(size=(80, 24)) as pilot:
            await until_seen(pilot, "runs", "tiny")
            idle = "the first look at what is new is over"
            await until(pilot, lambda: app.session.standing is not None and app.session.sync is None, idle)
            for end in ("", "-wal", "-shm"):
                Path(f"{place.path}{end}").unlink(missing_ok=True)
            await press(pilot, "7")
            await until_seen(pilot, "never synced", "nothing of it was read yet")
            await press(pilot, "5", "6", "7", "s")
            await until_seen(pilot, "nothing unreadable was met")
            await press(pilot, "1")
            await until_seen(pilot, "tiny")
            await until(pilot, lambda: app.session.sync is None, "the end of the sync")
