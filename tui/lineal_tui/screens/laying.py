"""What keys and windows that come too fast must not break: screens that are laid out late, or closed twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen, Screen

from lineal_tui.widgets.lines import Lines

T = TypeVar("T")


class Overlay(ModalScreen[T], inherit_bindings=False):
    """What opens above a screen, and closes once: a second time Textual would close what lies below."""

    def dismiss(self, result: T | None = None) -> AwaitComplete:
        """Close it, unless that has happened."""
        return super().dismiss(result) if self.is_current else AwaitComplete()


def laid_out(screen: Screen[Any], act: Callable[[], object]) -> None:
    """Call `act` after the screen was laid out; windows change their size while dialogs open and close."""
    screen.call_after_refresh(lambda: act() if screen.is_attached and screen.query(Lines) else None)
