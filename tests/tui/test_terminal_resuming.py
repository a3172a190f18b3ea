"""The program itself: left and opened again in a terminal, killed, and with a file that is broken."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from lineal_tui.resuming import decode
from tests.sources.checkpoints import trainer
from tests.tui.wire import Wire, wired


@pytest.fixture
def lab(tmp_path: Path) -> tuple[Path, Path]:
    """A folder with a few checkpoints, and a home."""
    folder, home = tmp_path / "work", tmp_path / "home"
    home.mkdir()
    trainer(folder / "runs" / "bert", steps=(2, 4, 6))
    return folder, home


def kept(home: Path) -> list[Path]:
    """Return the sessions that are kept, and whatever else lies beside them."""
    folder = home / ".local" / "state" / "lineal" / "sessions"
    return sorted(folder.iterdir()) if folder.exists() else []


def opened(wire: Wire) -> None:
    """Wait until the versions are on the screen."""
    wire.see("everything", "checkpoint")
    wire.settle()


def test_what_was_left_comes_back_whatever_ended_it(lab: tuple[Path, Path]) -> None:
    folder, home = lab
    with wired(folder=folder, home=home) as wire:
        opened(wire)
        wire.type(b"/")
        wire.until(lambda: wire.shown.splitlines()[1].strip() == "/", "the filter")
        wire.settle()
        wire.type(b"checkpoint-4\r")
        wire.see("/checkpoint-4")
        wire.settle()
        os.kill(wire.pid, signal.SIGTERM)
        assert wire.ended() == 128 + signal.SIGTERM
    (file,) = kept(home)
    assert decode(file.read_bytes()).models.text == "checkpoint-4"

    with wired(folder=folder, home=home) as wire:
        wire.see("/checkpoint-4", "▸overview")
        wire.type(b"]")
        wire.until(lambda: b'"params"' in file.read_bytes(), "what is kept at rest")
        os.kill(wire.pid, signal.SIGKILL)
        assert wire.ended() == -signal.SIGKILL
    assert kept(home) == [file]
    assert decode(file.read_bytes()).tab == "params"

    with wired("--fresh", folder=folder, home=home) as wire:
        opened(wire)
        assert "/checkpoint-4" not in wire.shown
        os.kill(wire.pid, signal.SIGKILL)
        wire.ended()
    assert decode(file.read_bytes()).tab == "params"

    file.write_bytes(file.read_bytes()[:40])
    with wired(folder=folder, home=home) as wire:
        wire.see("everything", "This session begins anew")
        wire.type(b"\x11")
        assert wire.ended() == 0
        assert wire.restored()
    assert decode(file.read_bytes()).models.text == ""
