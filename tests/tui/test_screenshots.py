"""Pictures of each screen on the demo workspace, written to screenshots/ where LINEAL_SCREENSHOTS is set."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
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


@pytest.mark.parametrize("size", [(80, 24), (160, 45)], ids=["80x24", "160x45"])
@pytest.mark.parametrize("name", list(SCREENS))
async def test_picture_of(around: Surroundings, name: str, size: tuple[int, int]) -> None:
    with open_workspace(around=around) as work:
        app = LinealApp(
            work, desk=lambda: office(work),
            workspace=work.root.name, cwd=str(work.root), environ=around.environ, clock=around.clock,
            sync=(sys.executable, "-c", ""), verbs=(sys.executable, "-c", ""),
            start=Place(Where.MODELS, SCREENS[name][0]),
        )  # fmt: skip
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: "auc" in seen(app) or "loss" in seen(app), "rows of the demo", 20)
            await _settled(pilot, app)
            for key in SCREENS[name][1]:
                await pilot.press(key)
                await pilot.pause(0.05)
            await _settled(pilot, app)
            SHOTS.mkdir(exist_ok=True)
            shot = SHOTS / f"{name}-{size[0]}x{size[1]}.svg"
            shot.write_text(_offline(app.export_screenshot(title="lineal")))
    assert shot.stat().st_size > 5_000


def _offline(svg: str) -> str:
    """Leave out the fonts that a picture would fetch: what is drawn in a terminal needs none of its own."""
    return re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
