"""Screens and flows over the demo: a real workspace, a real index, real registries."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from lineal.config import Surroundings
from lineal.workspace import Workspace, open_workspace
from lineal_tui.app import LinealApp
from lineal_tui.main import SYNC
from lineal_tui.office import office
from lineal_tui.screens.models import Models
from tests.conftest import NOW
from tests.tui.seeing import screen_text, seen, until, until_seen
from tests.tui.test_screens import press

ROOT = Path(__file__).parents[2]
HEAVY = ("sqlalchemy", "numpy", "deepdiff", "plotext", "boto3", "yaml", "urllib3", "click")
both = pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=lambda size: f"{size[0]}x{size[1]}")


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Surroundings:
    """The demo, synced once. Tests only read it."""
    from lineal.demo import build

    home = tmp_path_factory.mktemp("home")
    environ = {"TERM": "xterm-256color", "HOME": str(home), "PATH": os.environ["PATH"]}
    place = Surroundings(home / "demo", home, environ, lambda: NOW)
    build(place.cwd, place, lambda said: None)
    done = subprocess.run([*SYNC], cwd=place.cwd, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture
def work(around: Surroundings) -> Iterator[Workspace]:
    """The workspace, opened."""
    with open_workspace(around=around) as made:
        yield made


def app_of(work: Workspace) -> LinealApp:
    """Return the application as `lineal` opens it."""
    return LinealApp(
        work, desk=lambda: office(work),
        workspace=work.root.name, cwd=str(work.around.cwd), environ=work.around.environ,
        clock=work.around.clock, sync=SYNC, child={"LINEAL_INDEX": work.index_url},
    )  # fmt: skip


async def filtered(pilot: Pilot[int], text: str, *expected: str) -> None:
    """Open the filter, type, keep it, and wait for what should be there."""
    await press(pilot, "slash")
    await until(pilot, lambda: pilot.app.focused is not None and pilot.app.focused.id is None, "the filter box")
    for character in text:
        await pilot.press(character)
    await press(pilot, "enter")
    await until_seen(pilot, *expected)


@both
async def test_models_show_every_registry_with_telling_columns(work: Workspace, size: tuple[int, int]) -> None:
    app = app_of(work)
    async with app.run_test(size=size) as pilot:
        await until_seen(pilot, "hub", "mlflow", "risk-models", "runs", "auc▲", "champion" if size[1] > 30 else "main")
        assert all(len(line) <= size[0] for line in screen_text(app))


@both
async def test_three_keys_say_why_a_version_must_not_ship(work: Workspace, size: tuple[int, int]) -> None:
    """From the version, one key compares it with the live one: what got worse stands first, counted and marked."""
    app = app_of(work)
    async with app.run_test(size=size) as pilot:
        await until_seen(pilot, "auc▲")
        await filtered(pilot, "registry:mlflow version:v6", "fraud-scorer v6", "beside champion v8", "▼ −0.0232")
        await press(pilot, "c")
        await until_seen(pilot, "v8 ◂", "v6", "metrics", "worse", "auc", "▼ 0.9004", "−0.0232")
        metrics = next(i for i, line in enumerate(screen_text(app)) if "▾ metrics" in line)
        assert "auc" in screen_text(app)[metrics + 1]


@both
async def test_marked_versions_are_compared_across_registries(work: Workspace, size: tuple[int, int]) -> None:
    app = app_of(work)
    async with app.run_test(size=size) as pilot:
        await until_seen(pilot, "auc▲")
        await filtered(pilot, "alias:champion", "v8")
        await press(pilot, "G", "space", "escape")
        await filtered(pilot, "registry:risk-models model:fraud alias:staging", "v2.3.0")
        await press(pilot, "c")
        await until_seen(pilot, "compare   2 versions", "metrics", "params")
        await press(pilot, "full_stop")
        await until_seen(pilot, "everything")


@both
async def test_lineage_crosses_registries_and_goes_there(work: Workspace, size: tuple[int, int]) -> None:
    app = app_of(work)
    async with app.run_test(size=size) as pilot:
        await until_seen(pilot, "auc▲")
        await filtered(pilot, "registry:mlflow version:v9", "fraud-scorer v9")
        await press(pilot, "2")
        await until_seen(pilot, "lineage   fraud-scorer v9", "proved", "inferred?", "v2.3.0", "risk-models", "hub")
        await press(pilot, "k", "enter")
        await until(pilot, lambda: "lineage   fraud-scorer v9" not in seen(app), "another version's lineage")
        await press(pilot, "escape")
        await until_seen(pilot, "lineage   fraud-scorer v9")


@both
async def test_charts_draw_versions_with_the_live_one_and_the_steps_of_marked_ones(
    work: Workspace, size: tuple[int, int]
) -> None:
    app = app_of(work)
    async with app.run_test(size=size) as pilot:
        await until_seen(pilot, "auc▲")
        await filtered(pilot, "registry:mlflow model:fraud-scorer (version:v8 | version:v9)", "v8", "v9")
        await press(pilot, "space", "space", "4")
        await until_seen(pilot, "v8 champion", "higher is better")
        await press(pilot, "x")
        await until_seen(pilot, "auc  v9, v8 by step", "logged once")
        await press(pilot, *["j"] * 7)
        await until_seen(pilot, "train_loss  v9, v8", "77 points")


@both
async def test_a_sync_from_sources_reads_all_again(work: Workspace, size: tuple[int, int]) -> None:
    app = app_of(work)
    async with app.run_test(size=size) as pilot:
        await until_seen(pilot, "auc▲")
        await press(pilot, "7")
        await until_seen(pilot, "huggingface", "checkpoints", "nothing unreadable was met")

        def oldest() -> float:
            return min(row.synced_at or 0.0 for row in app.session.registries)

        before = oldest()
        await press(pilot, "a")
        await until(pilot, lambda: oldest() > before, "a later reading of all registries", 30)
        assert "could not be read" not in seen(app)


async def test_a_refresh_leaves_the_cursor_on_its_version(work: Workspace) -> None:
    from lineal_tui.messages import Refresh

    app = app_of(work)
    async with app.run_test(size=(80, 24)) as pilot:
        await until_seen(pilot, "auc▲")
        screen = app.screen
        assert isinstance(screen, Models)
        await press(pilot, *["j"] * 7)
        row = screen.subject()
        assert row is not None
        screen.post_message(Refresh())
        await pilot.pause(0.3)
        again = screen.subject()
        assert again is not None
        assert (again.model, again.key) == (row.model, row.key)


_FIRST_PAINT = f"""
import asyncio, sys
from lineal.workspace import open_workspace
from lineal_tui.app import LinealApp
from lineal_tui.main import desk

async def main():
    with open_workspace() as work:
        app = LinealApp(
            work, desk=lambda: desk(work), workspace="w", cwd=".", environ={{"TERM": "xterm"}}, sync=("/bin/true",)
        )
        async with app.run_test(size=(80, 24)) as pilot:
            while not app.screen.query_one("#table").total():
                await pilot.pause(0.01)
            print(*[name for name in {HEAVY!r} if name in sys.modules])

asyncio.run(main())
"""


def test_nothing_heavy_is_imported_at_first_paint_of_a_real_workspace(around: Surroundings) -> None:
    environ = {**around.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("core", "tui"))}
    done = subprocess.run(
        [sys.executable, "-c", _FIRST_PAINT], cwd=around.cwd, env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
