"""Where hub caches lie: the rules of `huggingface_hub.constants`, on the surroundings that were handed down."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from string import Template

from lineal.config import Surroundings

PREFIX = "models--"
_LOOKED_AT = 10_000  # entries of a folder looked at before it counts as no cache
_BELOW = ("", "hub", "huggingface/hub", ".cache/huggingface/hub", "hf-cache", "hf-cache/hub")


def _expand(value: str, around: Surroundings) -> Path:
    """`$NAME` and a leading `~`, as the hub client expands them; relative paths start at the working folder."""
    value = Template(value).safe_substitute(around.environ)
    if value == "~" or value.startswith("~/"):
        return around.home / value[2:]
    return around.cwd / value


def cache_of(around: Surroundings) -> Path:
    """Return the cache that the hub client would use here, whether or not it exists.

    Source: `huggingface_hub/constants.py`: HF_HUB_CACHE, then the older HUGGINGFACE_HUB_CACHE, then HF_HOME/hub, then
    XDG_CACHE_HOME/huggingface/hub, then ~/.cache/huggingface/hub.
    """
    environ = around.environ
    for name, below in (("HF_HUB_CACHE", ""), ("HUGGINGFACE_HUB_CACHE", ""), ("HF_HOME", "hub")):
        if value := environ.get(name):
            return _expand(value, around) / below
    if value := environ.get("XDG_CACHE_HOME"):
        return _expand(value, around) / "huggingface" / "hub"
    return around.home / ".cache" / "huggingface" / "hub"


def caches_below(folder: Path) -> Iterator[Path]:
    """Yield the places in `folder` where people keep a cache of a project's own."""
    for below in _BELOW:
        yield folder / below


def is_cache(place: Path) -> bool:
    """Say whether `place` holds at least one model as the hub client lays it out."""
    try:
        with os.scandir(place) as entries:
            for entry in islice(entries, _LOOKED_AT):
                if entry.name.startswith(PREFIX) and Path(entry.path, "snapshots").is_dir():
                    return True
    except OSError:
        return False
    return False
