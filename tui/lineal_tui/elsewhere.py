"""Other workspaces: those that were opened lately, and the wish to open one."""

from __future__ import annotations

from msgspec import Struct

from lineal_tui.saying import Said


class Elsewhere(Struct, frozen=True):
    """A workspace that was opened before. `at` is in Unix seconds."""

    path: str
    shown: str  # with ~ for the home folder
    at: float
    gone: bool = False


class OpenWanted(Said):
    """Leave this workspace and open another in the same terminal."""

    path: str
