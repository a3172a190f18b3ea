"""What a person would see: the cells of the screen as text, and a pilot that waits for the worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from textual.pilot import Pilot

from lineal_tui.app import LinealApp


def screen_text(app: LinealApp) -> list[str]:
    """Return the lines that are on screen now."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    return [
        "".join(segment.text for segment in strip).rstrip()
        for strip in strips[:height]
        if strip.cell_length <= width + 1
    ]


def seen(app: LinealApp) -> str:
    """Return the screen as one text."""
    return "\n".join(screen_text(app))


async def until(pilot: Pilot[int], true: Callable[[], bool], what: str = "", seconds: float = 8.0) -> None:
    """Wait until something holds; fail with the screen otherwise."""
    for _ in range(int(seconds / 0.02)):
        await pilot.pause()
        if true():
            return
        await asyncio.sleep(0.02)
    app = pilot.app
    assert isinstance(app, LinealApp)
    raise AssertionError(f"never came: {what}\n{seen(app)}")


async def until_seen(pilot: Pilot[int], *texts: str) -> None:
    """Wait until every text is on screen."""
    app = pilot.app
    assert isinstance(app, LinealApp)
    await until(pilot, lambda: all(text in seen(app) for text in texts), " and ".join(texts))
