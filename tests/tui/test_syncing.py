"""The child process of a sync ends with the application, however the application ends."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Coroutine
from pathlib import Path

import pytest

from lineal_tui.messages import SyncStep
from lineal_tui.syncing import SyncChild

# A sync that does not listen: it says who it is, and goes on whatever it is asked.
DEAF = (
    "import os, signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"
)


def _child(pid: Path) -> SyncChild:
    steps: list[SyncStep] = []
    return SyncChild([sys.executable, "-c", DEAF, str(pid)], str(pid.parent), os.environ, steps.append)


def _alive(pid: Path) -> bool:
    try:
        os.kill(int(pid.read_text()), 0)
    except (ProcessLookupError, FileNotFoundError, ValueError):
        return False
    return True


def _run_and_leave(running: Coroutine[None, None, None], until: Path | None) -> None:
    """Start it as the application does, and leave the loop while it runs: a loop that ends cancels what is left."""

    async def main() -> None:
        task = asyncio.create_task(running)
        while until is not None and not (until.exists() and until.read_text()):
            await asyncio.sleep(0.01)
        await asyncio.sleep(0)  # when there is nothing to wait for: the child is being started
        task.cancel()
        await asyncio.sleep(0)

    asyncio.run(main())


@pytest.mark.parametrize("started", [True, False], ids=["running", "starting"])
def test_a_loop_that_ends_takes_a_deaf_child_with_it(tmp_path: Path, started: bool) -> None:
    pid = tmp_path / "pid"
    before = time.monotonic()
    _run_and_leave(_child(pid).run([]), pid if started else None)
    assert not _alive(pid)
    assert time.monotonic() - before < 20
