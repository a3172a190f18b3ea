"""What goes over the wire to a terminal: colours it has, characters it has, and an end that leaves it as it was."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from pathlib import Path

import pytest

from lineal.model.text import UNSAFE
from tests.sources.checkpoints import safetensors, trainer
from tests.tui.wire import Wire, wired


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A folder with a few checkpoints, and a home. Tests only read them."""
    top = tmp_path_factory.mktemp("wire")
    folder, home = top / "work", top / "home"
    home.mkdir()
    trainer(folder / "runs" / "bert", steps=(2, 4))
    safetensors(folder / "runs" / "müde" / "a.safetensors", {"x": b"1234"}, {"lr": "0.1"})
    return folder, home


def opened(wire: Wire) -> None:
    """Wait until the versions are on the screen."""
    wire.see("everything", "checkpoint", "synced")
    wire.settle()


def codes(wire: Wire) -> set[bytes]:
    """Return the single codes of colours, those of 256 and of RGB as one."""
    found = re.sub(
        rb"[34]8;(5;\d+|2;\d+;\d+;\d+)", lambda match: match[0].split(b";")[1] + b"-code", b" ".join(wire.colours())
    )
    return set(re.split(rb"[ ;]", found))


SIXTEEN = {
    str(code).encode() for code in (*range(10), *range(21, 30), *range(30, 38), 39, *range(40, 48), 49, *range(90, 108))
}


def top(shown: str) -> list[str]:
    """Return the first words of the tree, whichever pane and line the cursor is in."""
    return shown.splitlines()[1].replace("▌", " ").split()[:2]


def test_sixteen_colours_storms_suspension_junk_and_sigterm(lab: tuple[Path, Path]) -> None:
    folder, home = lab
    with wired(folder=folder, home=home, TERM="xterm") as wire:
        opened(wire)
        assert wire.alternate()
        fresh = wire.shown
        assert codes(wire) <= SIXTEEN | {b""}

        chance = random.Random(5)
        for _ in range(40):  # a window that is dragged about, while keys are pressed
            wire.resize(chance.randint(1, 250), chance.randint(1, 70))
            wire.type(chance.choice((b"j", b"k", b"2", b"1", b"?", b"\x1b", b"\t", b"3", b"7")))
            wire.read(0.02)
        wire.resize(50, 10)
        wire.see("Terminal too small")
        wire.resize(80, 24)
        wire.type(b"\x1b")
        time.sleep(0.3)
        wire.type(b"1g")
        wire.see("everything", "checkpoint")

        wire.type(b"\x1a")
        wire.until(wire.stopped, "a stop by ^Z")
        wire.settle()
        assert not wire.alternate()
        assert wire.restored()
        wire.resize(100, 30)
        os.kill(wire.pid, signal.SIGCONT)
        wire.until(wire.alternate, "the application again")
        wire.see("everything", "checkpoint")
        wire.resize(80, 24)
        wire.see("everything")

        junk = bytes(chance.randrange(256) for _ in range(3000)).replace(b"\x1a", b"")
        wire.type(b"\x1b[200~" + junk.replace(b"\x1b", b"") + b"\x1b[201~")
        wire.type(b"P" * 40 + b"\xff\xfe\x80" + b"\x1b]0;x\x07\x1bP1$r\x1b\\\x1b[?1;2c\x1b[999999999;1R")
        time.sleep(0.5)
        wire.type(b"\x1b")
        time.sleep(0.5)
        wire.type(b"\x1b")
        time.sleep(0.5)
        wire.type(b"1")
        wire.see("everything", "checkpoint")
        assert top(wire.shown) == top(fresh)
        assert not list((folder / ".lineal").glob("**/*")) if (folder / ".lineal").exists() else True

        os.kill(wire.pid, signal.SIGTERM)
        assert wire.ended() == 128 + signal.SIGTERM
        assert wire.restored()
        assert not wire.alternate()
        assert b"Traceback" not in wire.sent


def test_the_linux_console_without_colour_gets_ascii_and_no_question(lab: tuple[Path, Path]) -> None:
    folder, home = lab
    with wired(folder=folder, home=home, TERM="linux", NO_COLOR="1") as wire:
        opened(wire)
        for key in (b"2", b"3", b"4", b"7", b"?", b"\x1b", b"1", b"i"):
            wire.type(key)
            wire.settle()
        assert b"mude" in wire.sent
        assert wire.sent.isascii()
        assert codes(wire) <= {b"", b"0", b"1", b"2", b"3", b"4", b"7", b"39", b"49"}
        assert not re.search(rb"\x1b\[\?\d+\$p|\x1b\[>\d+u", wire.sent)
        wire.type(b"\x11")
        assert wire.ended() == 0
        assert wire.restored()


def test_256_colours_are_asked_of_a_terminal_that_has_so_many(lab: tuple[Path, Path]) -> None:
    folder, home = lab
    with wired(folder=folder, home=home) as wire:
        opened(wire)
        assert b"5-code" in codes(wire)
        assert b"2-code" not in codes(wire)
        assert wire.hung_up() == 128 + signal.SIGHUP
        assert wire.left() == []


HOSTILE = """
import os
from lineal_tui.app import LinealApp
from tests.tui.test_hostile import HOSTILE, hostile
said = HOSTILE["all"]
source = hostile(said)
LinealApp(
    source, desk=lambda: source.desk, workspace=said, cwd="/", environ=dict(os.environ), sync=("/bin/true",)
).run()
"""
KNOWN = re.compile(r"\x1b\[[<>=?]?[0-9;]*\$?[a-zA-Z]|\x1b\]52;c;[A-Za-z0-9+/=]*\x07|\r\n")
"""All that may be sent beside text: sequences of the application's own, a copy to the clipboard, ends of lines."""


def test_hostile_text_sends_no_byte_that_a_terminal_obeys(lab: tuple[Path, Path]) -> None:
    folder, home = lab
    with wired(folder=folder, home=home, code=HOSTILE) as wire:
        wire.see("everything", "prod")
        for keys in (*b" iG", 27, *b"y\r23.4567", 16, 27, *b"1P"):
            wire.type(bytes((keys,)))
            wire.settle()
        wire.type(b"\x11")
        assert wire.ended() == 0
        said = wire.sent.decode()  # it is UTF-8, all of it
        assert "\x1b]52;c;" in said
        assert UNSAFE.findall(KNOWN.sub("", said)) == []


CRASH = """
import sys
from lineal_tui.screens.models import Models
from lineal_tui.main import main
def broken(self):
    token = "a-local-secret"
    raise KeyError("https://me:pa55word@host \\x1b]0;title\\x07 hf-secret-value")
Models.do_copy = broken
sys.exit(main([]))
"""


def test_a_crash_leaves_the_terminal_clean_and_a_report_without_secrets(lab: tuple[Path, Path], tmp_path: Path) -> None:
    folder, home = lab
    state = tmp_path / "state"
    with wired(folder=folder, home=home, code=CRASH, XDG_STATE_HOME=str(state), HF_TOKEN="hf-secret-value") as wire:
        opened(wire)
        wire.type(b"y")
        assert wire.ended() == 70
        assert wire.restored()
        (report,) = (state / "lineal").glob("crash-*.txt")
        after = wire.sent.rpartition(b"\x1b[?1049l")[2].decode()
        assert report.name in after.replace("\r\n", "")
        said = report.read_text()
        assert "in broken" in said
        for secret in ("pa55word", "hf-secret-value", '"a-local-secret"\n\n'):
            assert secret not in said + after
        assert "\x1b" not in said
        assert "title\x07" not in after


def test_a_broken_configuration_is_said_at_the_top_and_defaults_stand(lab: tuple[Path, Path], tmp_path: Path) -> None:
    folder, home = lab
    settings = tmp_path / "config" / "lineal"
    settings.mkdir(parents=True)
    (settings / "config.toml").write_text('theme = "contrast"\nthemes = \x31\n')
    with wired(folder=folder, home=home, XDG_CONFIG_HOME=str(tmp_path / "config")) as wire:
        opened(wire)
        assert "Defaults stand" in wire.shown.splitlines()[1]
        assert "config.toml" in wire.shown.splitlines()[1]
        assert "[RO]" in wire.shown.splitlines()[0]
        wire.type(b"2")
        wire.see("Defaults stand", "lineage")
        wire.type(b"\x11")
        assert wire.ended() == 0
