"""Pictures of each screen on the demo, and a tour, written to screenshots/ where LINEAL_SCREENSHOTS is set."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from lineal.config import Surroundings
from lineal.workspace import open_workspace
from lineal_tui.app import LinealApp
from lineal_tui.keys import Where
from lineal_tui.office import office
from lineal_tui.places import EVERYTHING, Place, Scope
from tests.conftest import NOW
from tests.tui import picturing
from tests.tui.picturing import Frame
from tests.tui.seeing import seen, until

SHOTS = Path(__file__).parents[2] / "screenshots"
_SCORER = Scope("mlflow", "fraud-scorer")
_FRAUD = Scope("risk-models", "fraud")
SCREENS: dict[str, tuple[Scope, tuple[str, ...]]] = {
    "models": (_SCORER, ()),
    "everything": (EVERYTHING, ()),
    "lineage": (_SCORER, ("2",)),
    "compare": (_SCORER, ("j", "j", "j", "c")),
    "charts": (_SCORER, ("4",)),
    "steps": (_SCORER, ("space", "space", "space", "4", *["j"] * 7, "x")),
    "review": (_FRAUD, ("5", "j", "j")),
    "history": (_FRAUD, ("6",)),
    "promote": (_FRAUD, ("j", "j", "j", "P")),
    "sources": (EVERYTHING, ("7",)),
    "help": (_SCORER, ("question_mark",)),
    "filter": (EVERYTHING, ("slash", *"metric.auc>=0.9 ")),
    "details": (_SCORER, ("i",)),
}
"""Where each begins, and the keys from there."""

_ENVIRON = {"TERM": "xterm-256color", "LINEAL_AUTHOR": "Nina Ruiz <nina@fraud-lab.example>"}

pytestmark = pytest.mark.skipif("LINEAL_SCREENSHOTS" not in os.environ, reason="set LINEAL_SCREENSHOTS=1 to write them")


@pytest.fixture(scope="module")
def around() -> Iterator[Surroundings]:
    """The demo, built and synced at a fixed time in a fixed place, for pictures show both."""
    from lineal.cli.sync import freshen
    from lineal.demo import build, reviewing

    home = Path(tempfile.gettempdir()) / "lineal"
    shutil.rmtree(home, ignore_errors=True)
    place = Surroundings(home / "fraud-lab", home, _ENVIRON | {"HOME": str(home)}, lambda: NOW)
    build(place.cwd, place, lambda said: None)
    with open_workspace(around=place) as work:
        freshen(work, [spec.name for spec in work.specs], fingerprint=True)
        assert reviewing.act(work) == ""
    yield Surroundings(place.cwd, home, place.environ, lambda: NOW + 120)
    shutil.rmtree(home)


async def _settled(pilot: Pilot[int], app: LinealApp) -> None:
    """Wait until the screen has stayed the same for a while."""
    last, same = "", 0
    while same < 8:
        await pilot.pause(0.1)
        now = seen(app)
        same, last = (same + 1, last) if now == last else (0, now)


@asynccontextmanager
async def _open(
    around: Surroundings, scope: Scope, size: tuple[int, int], theme: str = "lineal-dark"
) -> AsyncIterator[tuple[LinealApp, Pilot[int]]]:
    """Open the demo with the cursor on the newest version of a model."""
    with open_workspace(around=around) as work:
        app = LinealApp(
            work, desk=lambda: office(work),
            workspace=work.root.name, cwd=str(work.root), environ=around.environ, clock=around.clock,
            sync=(sys.executable, "-c", ""), verbs=(sys.executable, "-c", ""),
            start=Place(Where.MODELS, scope),
        )  # fmt: skip
        app.theme = theme
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: "auc" in seen(app) or "loss" in seen(app), "rows of the demo", 20)
            await _settled(pilot, app)
            yield app, pilot


async def _press(pilot: Pilot[int], app: LinealApp, *names: str) -> str:
    """Press keys one after another and return the picture of what came of it."""
    for key in names:
        await pilot.press(key)
        await pilot.pause(0.05)
    await _settled(pilot, app)
    return picturing.offline(app.export_screenshot(title="lineal"))


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=["80x24", "160x45"])
@pytest.mark.parametrize("name", list(SCREENS))
async def test_picture_of(around: Surroundings, name: str, size: tuple[int, int], theme: str) -> None:
    scope, pressed = SCREENS[name]
    async with _open(around, scope, size, f"lineal-{theme}") as (app, pilot):
        svg = await _press(pilot, app, *pressed)
    SHOTS.mkdir(exist_ok=True)
    shot = SHOTS / f"{name}-{size[0]}x{size[1]}-{theme}.svg"
    shot.write_text(svg)
    assert shot.stat().st_size > 5_000
    if name in {*Where} and picturing.browser():
        picturing.draw(shot, shot.with_suffix(".png"))


TOUR: tuple[tuple[tuple[str, ...], str, float], ...] = (
    ((), "lineal: the models of every registry you have, in one terminal", 3.5),
    (("slash", *"metric.auc>=0.92"), "/  filter as you type: fields, metrics, dates", 3),
    (("escape", "escape", "j", "j", "j", "c"), "c  what changed since prod, and is it better?", 4),
    (("1", "2"), "2  where it came from, and what came from it, across registries", 4),
    (("1", "4"), "4  a metric across versions, with the one that is live", 3.5),
    (("1", "5", "j", "j"), "5  why a version must not ship: the gates, the reasons, the exact calls", 4.5),
    (("6",), "6  what was prod on any day, who moved it and why", 4),
    (("7",), "7  registries: how fresh, and what each can do", 3),
)
"""What is pressed, what is said of it, and for how many seconds it stands."""


async def test_a_tour(around: Surroundings) -> None:
    frames = []
    async with _open(around, _FRAUD, (100, 30)) as (app, pilot):
        for pressed, caption, seconds in TOUR:
            frames.append(Frame(await _press(pilot, app, *pressed), caption, seconds))
    (SHOTS / "tour.svg").write_text(picturing.tour(frames))
    assert len({frame.svg for frame in frames}) == len(TOUR)
