"""Versions of an earlier session, found again by what names them for ever: request and answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from lineal.model.listing import VersionRow
from lineal_tui.places import Identity
from lineal_tui.saying import Said

if TYPE_CHECKING:
    from lineal.index.index import Index


class RecallRequest(Struct, frozen=True):
    """The rows of these versions, and which models there are."""

    wanted: tuple[Identity, ...]


class RecallReady(Said, bubble=False):
    """The versions that are still there, and every registry and model."""

    request: RecallRequest
    found: dict[Identity, VersionRow]
    models: set[tuple[str, str]]


def recall(index: Index, request: RecallRequest) -> RecallReady:
    """Look the versions up."""
    found = {one: row for one in request.wanted if (row := index.find(*one))}
    return RecallReady(request, found, {(row.registry, row.model) for row in index.models()})
