"""The store on the screens: sizes before and after, what is saved, and its verbs run from the palette."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from lineal.config import Surroundings
from lineal.workspace import Workspace, open_workspace
from lineal_tui.app import LinealApp
from lineal_tui.main import SYNC, VERBS
from lineal_tui.messages import RunWanted, SyncStep
from lineal_tui.office import office
from tests import shelves
from tests.tui.seeing import until, until_seen
from tests.tui.test_screens import press

SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=lambda size: f"{size[0]}x{size[1]}")


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace with a store of two versions, a model file that is not in it, and a remote."""
    place, home = tmp_path / "lab", tmp_path / "home"
    place.mkdir()
    home.mkdir()
    environ = {"TERM": "xterm-256color", "HOME": str(home), "PATH": os.environ["PATH"], "LINEAL_AUTHOR": "mira"}
    around = Surroundings(place, home, environ)
    (place / "lineal.toml").write_text('[remotes.nas]\nurl = "nas"\n')
    with open_workspace(around=around) as made, made.shelf(create=True) as shelf:
        for weights in shelves.chain(2):
            shelves.commit(shelf, {"model.safetensors": shelves.safetensors(weights)}, tmp_path, "churn")
    (place / "fresh.safetensors").write_bytes(shelves.safetensors(shelves.chain(1, seed=5)[0]))
    with open_workspace(around=around) as made:
        yield made


def app_of(work: Workspace) -> LinealApp:
    return LinealApp(
        work, desk=lambda: office(work),
        workspace="lab", cwd=str(work.around.cwd), environ=work.around.environ, sync=SYNC, verbs=VERBS,
        child={"LINEAL_INDEX": work.index_url},
    )  # fmt: skip


async def ready(pilot: Pilot[int], app: LinealApp) -> None:
    """Wait until the first sync has shown what there is."""
    await until_seen(pilot, "churn", "v2", "[RW]")
    await until(pilot, lambda: app.session.sync is None, "the end of the sync")


async def run(pilot: Pilot[int], chosen: str, line: str) -> None:
    """Choose a verb in the palette, finish its line, and run it."""
    await press(pilot, "ctrl+p")
    await until(pilot, lambda: bool(pilot.app.screen.query(Input)), "the palette")
    pilot.app.screen.query_one(Input).value = chosen
    await pilot.pause()
    await press(pilot, "enter")
    await until_seen(pilot, "enter runs it")
    await until(pilot, lambda: isinstance(pilot.app.focused, Input), "the cursor in the line")
    pilot.app.screen.query_one(Input).value += line
    await press(pilot, "enter")


@SIZES
async def test_files_show_their_sizes_before_and_after(work: Workspace, size: tuple[int, int]) -> None:
    app = app_of(work)
    async with app.run_test(size=size) as pilot:
        await ready(pilot, app)
        await press(pilot, "apostrophe")
        await until_seen(pilot, "jump to")
        for character in "churn@v2":
            await pilot.press(character)
        await until_seen(pilot, "churn v2")
        await press(pilot, "enter")
        await until(pilot, lambda: len(app.screen_stack) == 1, "the end of the jump")
        await press(pilot, "i")
        await until_seen(pilot, "model.safetensors", " → ")


async def test_a_model_is_committed_pushed_and_brought_back_from_the_palette(work: Workspace) -> None:
    app = app_of(work)
    async with app.run_test(size=(160, 45)) as pilot:
        await ready(pilot, app)
        await run(pilot, "commit", "fresh.safetensors --model fraud")
        await until_seen(pilot, "fraud")
        await until(pilot, lambda: app.session.sync is None, "the end of the commit")
        await run(pilot, "push", "nas")
        await until(pilot, lambda: (work.root / "nas" / "format").is_file(), "the remote", 20)
        await until(pilot, lambda: app.session.sync is None, "the end of the push")
        await run(pilot, "verify", "")
        await until_seen(pilot, "whole")


async def test_what_goes_wrong_is_said_with_what_to_do(work: Workspace) -> None:
    app = app_of(work)
    async with app.run_test(size=(160, 45)) as pilot:
        await ready(pilot, app)
        await run(pilot, "commit", "nothing.bin --model fraud")
        await until_seen(pilot, "is not there")
        await run(pilot, "push", "nowhere")
        await until_seen(pilot, "no remote is called")


@SIZES
async def test_sources_show_what_the_store_saves(work: Workspace, size: tuple[int, int]) -> None:
    app = app_of(work)
    async with app.run_test(size=size) as pilot:
        await ready(pilot, app)
        await press(pilot, "7")
        await until_seen(pilot, "native")
        await press(pilot, "G")
        await until_seen(pilot, "packs", "churn", " → ")


async def test_a_verb_that_is_asked_for_during_a_sync_runs_behind_it(work: Workspace) -> None:
    app = app_of(work)
    async with app.run_test(size=(160, 45)) as pilot:
        await ready(pilot, app)
        app.session.sync = SyncStep(registry="slow")
        app.post_message(RunWanted(("verify",)))
        await until_seen(pilot, "waits for what runs now")
        app._synced(SyncStep(running=False))
        await until_seen(pilot, "2 versions", "whole")


async def typed(pilot: Pilot[int], line: str) -> None:
    """Type into the command line."""
    await press(pilot, "colon")
    await until(pilot, lambda: isinstance(pilot.app.focused, Input), "the command line")
    field = pilot.app.screen.query_one(Input)
    field.value = line
    field.cursor_position = len(line)
    await pilot.pause()


async def test_the_command_line_is_the_real_one(work: Workspace) -> None:
    app = app_of(work)
    async with app.run_test(size=(160, 45)) as pilot:
        await ready(pilot, app)
        await typed(pilot, "show churn@")
        await until_seen(pilot, "churn@v1", "churn@v2")
        await press(pilot, "escape")
        await typed(pilot, "commit fresh.safetensors --model fraud")
        await press(pilot, "enter")
        await until_seen(pilot, "exit code 0: done")
        await press(pilot, "escape")
        await until_seen(pilot, "fraud v1", "proved")
        await typed(pilot, "tag churn@v1 owner=mira")
        await press(pilot, "enter")
        await until_seen(pilot, "T again confirms")
        await press(pilot, "T")
        await until_seen(pilot, "✔ done")
        await until(pilot, lambda: "owner" in work.version("churn@v1").tags, "the tag")
        await typed(pilot, "show churn@v9")
        await press(pilot, "enter")
        await until_seen(pilot, "exit code 4: not found", "hint: ")


async def test_a_read_only_workspace_is_not_changed_by_the_command_line(work: Workspace) -> None:
    environ = {**work.around.environ, "LINEAL_READ_ONLY": "page"}
    around = Surroundings(work.around.cwd, work.around.home, environ)
    with open_workspace(around=around) as closed:
        app = app_of(closed)
        async with app.run_test(size=(160, 45)) as pilot:
            await until_seen(pilot, "churn", "[RO]")
            await until(pilot, lambda: app.session.sync is None, "the end of the sync")
            await typed(pilot, "commit fresh.safetensors --model fraud")
            await press(pilot, "enter")
            await until_seen(pilot, "read-only: `lineal serve --write`")
            field = pilot.app.screen.query_one(Input)
            field.value = "get churn@v1 out"
            await press(pilot, "enter")
            await until_seen(pilot, "get is not for a page")
            field.value = "ls"
            await press(pilot, "enter")
            await until_seen(pilot, "exit code 0: done", "churn")
            assert not (closed.root / "out").exists()
            assert {row.model for row in work.index.models() if row.registry == "store"} == {"churn"}
