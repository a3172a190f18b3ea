"""Which keys of the table the tests have pressed: noted where Textual hands a bound key to a screen."""

from __future__ import annotations

import re
from typing import Any

from textual.app import App

from lineal_tui.keys import Where
from lineal_tui.screens.dialog import Dialog
from lineal_tui.screens.frame import Frame
from lineal_tui.screens.output import Output
from lineal_tui.screens.preview import Preview

PRESSED: set[tuple[Where, str]] = set()
"""Screens and ids of keys that did something there: one that is off only says why."""
_KEY = re.compile(r"key\('(\w+)'\)")


def listen() -> None:
    """Note from now on what is pressed in any application of this process."""
    run = App.run_action

    async def noting(self: App[Any], action: Any, default_namespace: Any = None, *more: Any, **named: Any) -> bool:
        found = _KEY.fullmatch(action) if isinstance(action, str) else None
        where = _where(default_namespace)
        if found and where and not (isinstance(default_namespace, Frame) and default_namespace.off(found[1])):
            PRESSED.add((where, found[1]))
        return await run(self, action, default_namespace, *more, **named)

    App.run_action = noting  # type: ignore[method-assign]


def _where(screen: object) -> Where | None:
    if isinstance(screen, Frame):
        return screen.WHERE
    if isinstance(screen, Preview):
        return Where.PREVIEW
    if isinstance(screen, Output):
        return Where.OUTPUT
    return Where.DIALOG if isinstance(screen, Dialog) else None
