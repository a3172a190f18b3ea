"""Comparison for the worker: the versions as the index holds them now, texts, and what is loaded ahead."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lineal.errors import NotFound
from lineal.index.index import Index
from lineal.model.listing import VersionRow
from lineal_tui.messages import DiffRequest
from lineal_tui.texting import TextReady, TextRequest

if TYPE_CHECKING:
    from lineal.model.diff import Diff
    from lineal_tui.source import Source

_AHEAD = ("lineal.diff", "lineal_tui.screens.compare")
"""DeepDiff is not among them: it brings NumPy, 20 MB, and only lists in which something moved need it."""


def load() -> None:
    """Import what a first comparison would wait for."""
    for name in _AHEAD:
        import_module(name)


def current(index: Index, row: VersionRow) -> VersionRow:
    """Return the row under the number that its version has now: a sync may have given it another."""
    found = index.current_id(row.registry, row.model, row.key)
    if found is None:
        raise NotFound(f"{row.model} {row.name} is no longer in the index", hint="its registry no longer holds it")
    return replace(row, id=found)


def compared(source: Source, index: Index, request: DiffRequest) -> Diff:
    """Compare versions; where there is code to show, load what colours it."""
    rows = [current(index, row) for row in request.rows]
    found = source.diff(rows, baseline=request.baseline, changed_only=request.changed_only, most=request.most)
    for section in found.sections:
        _colours(section.text)
    return found


def texts(source: Source, index: Index, request: TextRequest) -> TextReady:
    """Compare a text of two versions."""
    found = source.text_diff(current(index, request.base), current(index, request.other), request.path)
    _colours(found.text)
    return TextReady(request, found.text, found.note)


def _colours(text: str) -> None:
    if text:
        from lineal_tui.present.code import known, languages

        known(set(languages(text.splitlines())))
