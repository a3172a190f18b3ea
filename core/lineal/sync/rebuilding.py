"""The index made anew from the registries, aside, and put in the old one's place only when it is whole."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from lineal.config import RegistrySpec, Surroundings
from lineal.errors import IndexUnavailable
from lineal.index.lock import holding
from lineal.index.opening import open_writer
from lineal.index.replacing import aside, discard, take_place
from lineal.sync.events import Event, Summary
from lineal.sync.run import Options, Sync


def rebuild(
    specs: Sequence[RegistrySpec],
    around: Surroundings,
    index_url: str,
    *,
    on_event: Callable[[Event], None] = lambda _: None,
    cancel: threading.Event | None = None,
    fingerprint: bool = True,
    bytes_per_second: int = 0,
    wait: float = 0.0,
) -> Summary:
    """Read every registry from its beginning into a new index, which replaces the old one, damaged or not.

    Where a registry fails or `cancel` is set, a usable old index stays: what it knows of an unreachable registry is
    not given up. Arguments and errors are those of `sync`.
    """
    options = Options(fingerprint=fingerprint, bytes_per_second=bytes_per_second, wait=wait)
    new = aside(index_url)
    with holding(index_url, wait):
        discard(new)  # of a rebuild that was killed
        try:
            with open_writer(new) as writer:
                summary = Sync(writer, around, on_event, cancel or threading.Event(), options).run(specs, specs)
            if not (summary.failed or summary.cancelled) or not _usable(index_url):
                take_place(new, index_url)
        finally:
            discard(new)
    return summary


def _usable(index_url: str) -> bool:
    try:
        open_writer(index_url).close()
    except IndexUnavailable:
        return False
    return True
