"""The difference of a text that two versions hold: the request and its answer."""

from __future__ import annotations

from msgspec import Struct

from lineal.model.listing import VersionRow
from lineal_tui.saying import Said


class TextRequest(Struct, frozen=True):
    """How the file at `path` differs between two versions; with "" their model cards."""

    base: VersionRow
    other: VersionRow
    path: str = ""


class TextReady(Said, bubble=False):
    """A unified difference, empty where both are the same, and what is not in it."""

    request: TextRequest
    text: str
    note: str
