"""Other workspaces: remembered, offered by the palette, and opened in the same terminal."""

from __future__ import annotations

from pathlib import Path

import msgspec
from textual.widgets import Input

from lineal_tui.keeping import Keeper
from lineal_tui.screens.prompt import Prompt
from lineal_tui.workspaces import MOST, Workspaces
from tests.sources.checkpoints import trainer
from tests.tui.conftest import MakeApp
from tests.tui.fake import NOW, FakeSource
from tests.tui.seeing import seen, until, until_seen
from tests.tui.test_resuming import press
from tests.tui.wire import wired


def test_they_are_remembered_newest_first_and_bounded(tmp_path: Path) -> None:
    file = tmp_path / "state" / "workspaces.json"
    for number in range(MOST + 10):
        Workspaces(file, tmp_path / str(number), tmp_path, float(number)).note()
    others = Workspaces(file, tmp_path / "3", tmp_path, 999.0).note()
    assert len(others) == MOST
    assert others[0].shown == f"~/{MOST + 9}"
    assert all(one.gone for one in others)
    for broken in (b"", b"{}", b'[{"root":1}]', b"\xff", b"[" * 9999):
        file.write_bytes(broken)
        assert Workspaces(file, tmp_path, tmp_path, 1.0).note() == ()
    file.write_bytes(msgspec.json.encode([{"root": "relative", "at": 1.0}, {"root": "/a\0b", "at": 2.0}]))
    assert Workspaces(file, tmp_path, tmp_path, 1.0).note() == ()


async def test_the_palette_offers_them_and_a_folder_is_typed(
    source: FakeSource, make_app: MakeApp, tmp_path: Path
) -> None:
    file = tmp_path / "state" / "workspaces.json"
    (tmp_path / "one").mkdir()
    for name, at in (("one", NOW - 3600), ("evil\x1b]0;x\x07", NOW - 7200)):
        Workspaces(file, tmp_path / name, tmp_path, at).note()
    keeper = Keeper(tmp_path / "state" / "sessions" / "x.json")
    keeper.workspaces = Workspaces(file, tmp_path, tmp_path, NOW)
    app = make_app(source, keeper=keeper)
    async with app.run_test(size=(100, 30)) as pilot:
        await until_seen(pilot, "fraud-scorer")
        await until(pilot, lambda: len(app.session.elsewhere) == 2, "the others")
        await press(pilot, "ctrl+p", *"workspace")
        await until_seen(pilot, "Workspace: ~/one", "its folder is gone")
        assert "\x1b" not in seen(app)
        await press(pilot, "escape", "ctrl+p", *"evil", "enter")
        await until_seen(pilot, "any more")
        assert keeper.next == ""
        await press(pilot, "ctrl+p", *"open", "space", *"folder", "enter")
        await until(pilot, lambda: isinstance(app.screen, Prompt), "the line")
        await press(pilot, *"nowhere", "enter")
        await until_seen(pilot, "there is no")
        app.screen.query_one(Input).value = "~/one"
        await press(pilot, "enter")
        await until(pilot, lambda: keeper.next == str(tmp_path / "one"), "the next")
    assert (tmp_path / "state" / "sessions" / "x.json").exists()


async def test_a_page_shows_one_workspace(source: FakeSource, make_app: MakeApp) -> None:
    app = make_app(source)
    async with app.run_test(size=(100, 30)) as pilot:
        await until_seen(pilot, "fraud-scorer")
        await press(pilot, "ctrl+p", *"open", "space", *"folder", "enter")
        await until_seen(pilot, "A page shows one workspace")


def test_another_opens_in_the_same_terminal(tmp_path: Path) -> None:
    home, one, two = tmp_path / "home", tmp_path / "one", tmp_path / "two"
    home.mkdir()
    trainer(one / "runs" / "bert", steps=(2, 4))
    trainer(two / "runs" / "gpt", steps=(2, 4))
    with wired(folder=one, home=home) as wire:
        wire.see("everything", "checkpoint", " one ")
        wire.settle()
        wire.type(b"\x10")
        wire.see(" do: ")
        wire.settle()
        wire.type(b"open folder")
        wire.see("Open a folder")
        wire.type(b"\r")
        wire.see(" open: ")
        wire.settle()
        wire.type(b"../two\r")
        wire.see("everything", "checkpoint", " two ")
        wire.settle()
        wire.type(b"\x11")
        assert wire.ended() == 0
        assert wire.restored()
