"""The application in a real terminal, tmux: it opens, filters, is suspended, quits, and leaves all as it was."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lineal.config import Surroundings

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed: apt-get install tmux")
ROOT = Path(__file__).parents[2]


class Tmux:
    """A tmux server of its own with one window, and a shell in it."""

    def __init__(self, socket: Path, folder: Path, environ: dict[str, str]) -> None:
        self._base = ["tmux", "-S", str(socket), "-f", "/dev/null"]
        self._environ = environ
        self.run("new-session", "-d", "-x", "80", "-y", "24", "-c", str(folder), "PS1='ready> ' sh")

    def run(self, *words: str) -> str:
        """Run a tmux command and return what it writes."""
        done = subprocess.run([*self._base, *words], env=self._environ, capture_output=True, text=True, check=True)
        return done.stdout

    def keys(self, *names: str) -> None:
        """Press keys."""
        for name in names:
            self.run("send-keys", name)
            time.sleep(0.05)

    def type(self, text: str) -> None:
        """Type a text as it is."""
        self.run("send-keys", "-l", text)

    def screen(self) -> str:
        """Return what is on the screen."""
        return self.run("capture-pane", "-p")

    def flag(self, name: str) -> str:
        """Return a format of the pane, such as `alternate_on`."""
        return self.run("display-message", "-p", f"#{{{name}}}").strip()

    def until(self, true: Callable[[str], bool], what: str) -> str:
        """Wait until the screen is as expected."""
        for _ in range(200):
            if true(shown := self.screen()):
                return shown
            time.sleep(0.1)
        raise AssertionError(f"never came: {what}\n{self.screen()}")

    def see(self, *texts: str) -> str:
        """Wait until every text is on the screen."""
        return self.until(lambda shown: all(text in shown for text in texts), " and ".join(texts))


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    """A terminal in the demo, which nothing has synced yet."""
    from lineal.demo import build

    environ = {
        "HOME": str(tmp_path / "home"), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm-256color",
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("core", "tui")),
    }  # fmt: skip
    (tmp_path / "home").mkdir()
    demo = tmp_path / "demo"
    build(demo, Surroundings(tmp_path, tmp_path / "home", environ), lambda said: None)
    made = Tmux(tmp_path / "tmux", demo, environ)
    yield made
    made.run("kill-server")


def test_a_first_minute_in_a_terminal(tmux: Tmux) -> None:
    tmux.see("ready>")
    tmux.type(f"{shlex.quote(sys.executable)} -m lineal_tui.main")
    tmux.keys("Enter")
    tmux.see("risk-models", "auc▲", "synced")  # filled by a sync that nobody asked for
    assert tmux.flag("alternate_on") == "1"
    tmux.keys("/")
    tmux.until(lambda shown: any(line.strip() == "/" for line in shown.splitlines()), "the open filter")
    tmux.type("registry:mlflow version:v6")
    tmux.keys("Enter")
    tmux.see("fraud-scorer v6", "beside champion v8")
    tmux.keys("c")
    tmux.see("v8 ◂", "worse", "▼ 0.9004")
    tmux.keys("Escape", "Escape")
    tmux.until(lambda shown: "everything          57" in shown, "all versions again")
    tmux.keys("C-z")
    tmux.until(lambda shown: "everything" not in shown and "ready>" in shown, "the shell, for a while")
    assert (tmux.flag("alternate_on"), tmux.flag("mouse_any_flag"), tmux.flag("cursor_flag")) == ("0", "0", "1")
    tmux.run("resize-window", "-x", "120", "-y", "40")
    tmux.type("fg")
    tmux.keys("Enter")
    tmux.see("everything                  57", "auc▲", "? keys")  # the tree is wider now
    tmux.keys("q")
    tmux.see("quit?")
    tmux.keys("q")
    shown = tmux.until(lambda shown: "everything" not in shown and "ready>" in shown, "the shell")
    assert "Traceback" not in shown
    assert (tmux.flag("alternate_on"), tmux.flag("mouse_any_flag"), tmux.flag("cursor_flag")) == ("0", "0", "1")
    tmux.type("echo st''ill here")
    tmux.keys("Enter")
    tmux.see("still here")
