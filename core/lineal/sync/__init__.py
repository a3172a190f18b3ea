"""Registries into the index: in parallel, incrementally, with progress; what was completed is never half-written."""

from __future__ import annotations

from lineal.sync.events import (
    Event,
    Failed,
    Fingerprinting,
    Finished,
    Met,
    Progress,
    Started,
    Summary,
)
from lineal.sync.rebuilding import rebuild
from lineal.sync.run import Options, sync

__all__ = [
    "Event",
    "Failed",
    "Fingerprinting",
    "Finished",
    "Met",
    "Options",
    "Progress",
    "Started",
    "Summary",
    "rebuild",
    "sync",
]
