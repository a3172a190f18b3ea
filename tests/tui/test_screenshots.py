"""Pictures of each screen on the demo workspace, written to screenshots/ where LINEAL_SCREENSHOTS is set."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from textual.pilot import Pilot

from lineal.config import Surroundings
from lineal.workspace import open_workspace
from lineal_tui.app import LinealApp
from tests.tui.seeing import seen, until

SHOTS = Path(__file__).parents[2] / "screenshots"
SCREENS = {
    "models": (), "lineage": ("2",), "compare": ("space", "j", "j", "space", "c"), "charts": ("4",), "sources": ("7",),
    "help": ("question_mark",), "filter": ("slash", *"metric.auc>=0.9 "), "details": ("i",),
}  # fmt: skip

pytestmark = pytest.mark.skipif("LINEAL_SCREENSHOTS" not in os.environ, reason="set LINEAL_SCREENSHOTS=1 to write them")


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Surroundings:
    """Build and sync the demo workspace."""
    from lineal.demo import build

    home = tmp_path_factory.mktemp("home")
    place = Surroundings(home / "demo", home, {"TERM": "xterm-256color", "HOME": str(home)})
    build(place.cwd, place, lambda said: None)
    environ = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")}
    done = subprocess.run(
        [sys.executable, "-m", "lineal", "sync"], cwd=place.cwd, env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return Surroundings(place.cwd, home, {**place.environ, "XDG_CACHE_HOME": str(home / ".cache")})


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
            work, workspace=work.root.name, cwd=str(work.root), environ=around.environ, clock=around.clock,
            sync=(sys.executable, "-c", ""),
        )  # fmt: skip
        async with app.run_test(size=size) as pilot:
            await until(pilot, lambda: "auc" in seen(app) or "loss" in seen(app), "rows of the demo", 20)
            await _settled(pilot, app)
            for key in SCREENS[name]:
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
