"""Leases: who writes now, so that nothing is taken away that a writer counts on.

A writer leaves `locks/writer-<id>` and then looks for `locks/gc`; whoever takes packs away leaves `locks/gc` and then
looks for writers. Either order ends with one of them giving way. A lease that was not taken back is void after a day.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lineal.errors import Conflict, NotFound
from lineal.store.backend import Backend

GC = "locks/gc"
VOID_AFTER = 24 * 3600.0  # seconds


@contextmanager
def writing(backend: Backend, now: float | None = None) -> Iterator[None]:
    """Hold a lease while something is written. Raises Conflict while packs are taken away."""
    now = time.time() if now is None else now
    key = f"locks/writer-{secrets.token_hex(8)}"
    backend.create(key, _said(now))
    try:
        if _held(backend, GC, now):
            raise Conflict(
                f"{backend.url} is being cleaned up", hint="`lineal gc` runs there; try again when it is done"
            )
        yield
    finally:
        backend.delete(key)


@contextmanager
def clearing(backend: Backend, now: float | None = None) -> Iterator[None]:
    """Hold the lease of whoever takes packs away. Raises Conflict while somebody writes, or does the same."""
    now = time.time() if now is None else now
    if not backend.create(GC, _said(now)):
        if _held(backend, GC, now):
            raise Conflict(f"{backend.url} is being cleaned up already", hint="try again when it is done")
        backend.delete(GC)
        backend.create(GC, _said(now))
    try:
        writers = [one for one in backend.list("locks/") if one.key != GC]
        if any(now - one.modified < VOID_AFTER for one in writers):
            raise Conflict(f"somebody writes into {backend.url}", hint="try again when they are done")
        for one in writers:
            backend.delete(one.key)
        yield
    finally:
        backend.delete(GC)


def _held(backend: Backend, key: str, now: float) -> bool:
    """Say whether a lease is there and not void; by reading it, for a listing may lag behind."""
    try:
        said = backend.read(key, 0, 4096).split()
    except NotFound:
        return False
    since = float(said[-1]) if said and said[-1].isdigit() else now
    return now - since < VOID_AFTER


def _said(now: float) -> bytes:
    import os
    import platform

    return f"{platform.node()} {os.getpid()} {now:.0f}\n".encode()
