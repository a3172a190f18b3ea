"""Fixtures that every test may ask for."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lineal.config import Surroundings
from tests import ceph, oracles
from tests.postgres import index_url, postgres, postgres_server

__all__ = ["around", "index_url", "oracle", "postgres", "postgres_server", "rgw"]

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's threads only get in one another's way in the demo
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell leaves it in `pytest &`; children would inherit it
    signal.signal(signal.SIGINT, signal.default_int_handler)
NOW = 1_790_000_000.0  # the fixed clock: 2026-09-21 13:33:20 UTC


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    """Surroundings that hold nothing: empty folders for work and home, no variables, a fixed clock."""
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    home.mkdir()
    return Surroundings(work, home, {}, lambda: NOW)


@pytest.fixture(scope="session")
def rgw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Ceph RGW, one for all tests: it takes 12 s to start."""
    if missing := ceph.missing():
        pytest.skip(f"needs {', '.join(missing)}: apt-get install radosgw ceph-mon ceph-osd")
    with ceph.rgw(tmp_path_factory.mktemp("ceph")) as endpoint:
        yield endpoint


def interpreter(name: str) -> Path:
    """Return the interpreter that has the foreign tool `name`, or skip the test and say what it needs."""
    if not oracles.ready(name):
        pytest.skip(f"needs {name}: run `python -m tests.oracles {name}`")
    return oracles.python(name)


@pytest.fixture(scope="session")
def oracle() -> Callable[[str], Path]:
    """Give the interpreter that has a foreign tool."""
    return interpreter
