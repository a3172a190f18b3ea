"""Fixtures for tests of the screens."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from textual import _wait

from lineal_tui.app import LinealApp
from tests.tui import pressing
from tests.tui.fake import NOW, FakeSource, chain

MakeApp = Callable[..., LinealApp]

# The pilot takes the application for idle after a window of 20 ms in which it did nothing. Tests wait for what they
# want to see, so half of that is enough, and saves minutes.
_wait.SLEEP_GRANULARITY, _wait.SLEEP_IDLE = 1 / 100, 1 / 2000
pressing.listen()


@pytest.fixture
def source() -> FakeSource:
    """A workspace with something in every field, and a lineage."""
    made = FakeSource()
    chain(made.index)
    return made


@pytest.fixture
def make_app(tmp_path: Path) -> MakeApp:
    """Make an application on a workspace; its sync does nothing unless a command is given."""

    def make(source: FakeSource, **options: object) -> LinealApp:
        defaults: dict[str, object] = {
            "desk": lambda: source.desk,
            "workspace": "fraud-lab",
            "cwd": str(tmp_path),
            "environ": {"TERM": "xterm-256color"},
            "clock": lambda: NOW,
            "sync": (sys.executable, "-c", ""),
        }
        return LinealApp(source, **{**defaults, **options})  # type: ignore[arg-type]

    return make
