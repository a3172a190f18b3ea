"""Where tensors lie in a model file: stretches without gaps, told from the file's own headers and nothing else."""

from __future__ import annotations

import msgspec

from lineal.formats.window import Window
from lineal.store.manifest import View


class Stretch(msgspec.Struct, frozen=True):
    """Bytes `start` to `stop` of a file: one tensor's, or those between tensors (`name` and `dtype` empty)."""

    start: int
    stop: int
    name: str = ""
    dtype: str = ""


class Segmentation(msgspec.Struct, frozen=True):
    """A file in stretches, without gaps from 0 to its size; `views` are its tensors, contiguous ones only."""

    format: str
    stretches: tuple[Stretch, ...]
    views: tuple[View, ...]


def segmentation(window: Window, name: str) -> Segmentation | None:
    """Say where the tensors of the file called `name` lie, or None where it is of no format that is known.

    Never raises BadFormat: a file that is damaged, hostile or past a cap is simply not known, and is kept as plain bytes.
    """
    raise NotImplementedError
