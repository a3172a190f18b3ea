"""The many `dvc.lock` of a history, of which each has most stages from the one before: every stage is parsed once.

Parsing YAML takes most of the time of a scan. DVC writes a lock file in one shape: nothing but `schema` and `stages` at
the margin, and the name of each stage behind two spaces. A file of that shape can be cut before each name, since no
line inside a stage can start there. Whatever has another shape, or does not parse in pieces, is parsed as a whole.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Any

from lineal.errors import BadFormat
from lineal.formats import yaml12
from lineal.registries.dvc.outs import Out, locked, staged

_HEAD = re.compile(rb"(?:schema: '2\.0'\n)?stages:\n(?=  [^\s#-])")
_MARGIN = re.compile(rb"^(?!  |$)", re.MULTILINE)
_STAGE = re.compile(rb"^(?=  [^\s#])", re.MULTILINE)
_MOST = 20_000  # stages of one file


class Locks:
    """Reads lock files, and remembers stages by their text."""

    def __init__(self) -> None:
        self._stages: dict[tuple[str, bytes], tuple[str, list[Out]]] = {}  # folder and text: name and outs

    def read(self, path: str, data: bytes) -> list[Out]:
        """Read a `dvc.lock` at `path`. Raises BadFormat."""
        found = self._pieces(posixpath.dirname(path), data)
        return locked(path, data) if found is None else found

    def _pieces(self, folder: str, data: bytes) -> list[Out] | None:
        """Return the outs of a file in DVC's shape, else None."""
        head = _HEAD.match(data)
        if head is None or _MARGIN.search(data, head.end()):
            return None
        texts = [text for text in _STAGE.split(data[head.end() :]) if text]
        try:
            stages = [self._stage(folder, text) for text in texts[: _MOST + 1]]
        except BadFormat:
            return None
        if len(dict(stages)) != len(texts):
            return None
        return [out for _, outs in stages for out in outs]

    def _stage(self, folder: str, text: bytes) -> tuple[str, list[Out]]:
        if (folder, text) not in self._stages:
            stage: Mapping[str, Any] = yaml12.load(text)
            if not isinstance(stage, dict) or len(stage) != 1:
                raise BadFormat("not one stage")
            self._stages[folder, text] = (str(next(iter(stage))), staged(stage, folder))
        return self._stages[folder, text]
