"""Text mode on real workspaces, through a pipe and through a terminal: a review, a promotion and the way back."""

from __future__ import annotations

import io
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lineal.config import Surroundings
from lineal.demo import build, reviewing
from lineal.opening import open_anyway
from lineal.sync import sync
from lineal.workspace import open_workspace
from lineal_tui.main import SYNC, VERBS
from lineal_tui.office import office
from lineal_tui.plain.conversation import Conversation
from lineal_tui.plain.voice import Voice
from tests.desks import Bench, held
from tests.tui.hearing import FORBIDDEN, after

ROOT = Path(__file__).parents[2]
POLICY = """
[[gate]]
alias = "prod"
approvals = 1

[[gate.metric]]
name = "auc"
min = 0.9
no_worse = true
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Two versions of a model in the store, the first of them in prod, and somebody who asks for the second."""
    bench = Bench(tmp_path)
    bench.commit(0.92)
    bench.commit(0.94)
    with bench.desk() as desk:
        desk.execute(desk.promote(desk.work.version("churn@v1"), "prod"))
    bench.now += 60
    bench.policy(POLICY)
    with bench.desk("ola <ola@example.com>") as desk:
        desk.execute(desk.say(desk.work.version("churn@v2"), "requested", alias="prod", text="please"))
    return bench


def hear(bench: Bench, *typed: str) -> list[str]:
    """Return what is said to sven while these lines are typed."""
    bench.who = "sven <sven@example.com>"
    out = io.StringIO()
    with bench.work() as work:
        environ = {**work.around.environ, "HOME": str(bench.home), "LINEAL_INDEX": work.index_url, "TERM": "dumb"}
        talk = Conversation(
            work, Voice(io.StringIO("".join(f"{line}\n" for line in typed)), out), desk=lambda: office(work),
            workspace="lab", cwd=str(bench.folder), environ=environ, clock=work.around.clock, sync=SYNC, verbs=VERBS,
        )  # fmt: skip
        assert talk.run() == 0
    assert not [one for one in FORBIDDEN if one in out.getvalue()]
    return out.getvalue().splitlines()


def now_held(bench: Bench) -> str:
    """Return what prod is by the registry."""
    with bench.desk(synced=False) as desk:
        return held(desk, "churn", "prod")


def test_a_review_is_approved_promoted_rolled_back_and_on_record(bench: Bench) -> None:
    heard = hear(bench, "review", "1", "promote", "", "approve", "approve", "promote", "promote", "quit", "rollback")
    assert any(line.startswith("1: churn v2 for prod, asked for by ola ") for line in after(heard, "review"))
    assert "It is blocked by 1 check: approvals." in after(heard, "1")
    assert "churn v2 for prod now: nothing stands in its way." in heard
    assert "Done: prod was v1 and is v2 now." in heard
    assert now_held(bench) == "v2"
    bench.now += 3600
    heard = hear(bench, "'v2", "1", "rollback", "errors since noon", "rollback", "history")
    assert "Done: prod was v2 and is v1 now." in heard
    record = after(heard, "history")
    assert record[1].startswith("churn prod is v1 since 15:16, by sven, before that v2 until 15:16")
    assert any("churn prod from v1 to v2 by sven, by Lineal, approved by sven" in line for line in record)
    assert now_held(bench) == "v1"


def test_a_refused_promotion_leaves_the_registry_as_it_was(bench: Bench) -> None:
    heard = hear(bench, "review", "1", "promote", "promote", "override", "", "", "reject", "not yet", "reject")
    assert "Without a reason it stays blocked." in heard
    assert "Done: reject churn v2 for prod." in heard
    assert now_held(bench) == "v1"


def test_evidence_is_written_into_a_folder(bench: Bench) -> None:
    folder = bench.folder / "evidence" / "churn-v2-prod"
    heard = hear(bench, "review", "1", "evidence", "")
    assert f"5 files written into {folder}." in heard
    assert {path.name for path in folder.iterdir()} == {
        "report.md", "report.json", "junit.xml", "report.svg", "SHA256SUMS",
    }  # fmt: skip


def test_a_broken_policy_means_read_only_and_is_said_first(bench: Bench) -> None:
    bench.policy("[[gate]]\nalais = 1\n")
    heard = hear(bench, "'v2", "1", "promote", "promote")
    assert heard[1].startswith("Read-only, nothing can be changed: ")
    assert after(heard, "promote")[0].startswith("promote is off now: read-only: ")
    assert now_held(bench) == "v1"


def test_a_configuration_that_cannot_be_read_is_said_first(bench: Bench) -> None:
    (bench.folder / "lineal.toml").write_text("[registries")
    heard = io.StringIO()
    with open_anyway(around=bench.around()) as work:
        typed = Voice(io.StringIO("'v2\n1\npromote\npromote\n"), heard)
        Conversation(
            work, typed, desk=lambda: office(work), workspace="lab", cwd=str(bench.folder), environ={}, sync=(),
            clock=work.around.clock, wrong=work.config.wrong,
        ).run()  # fmt: skip
    assert heard.getvalue().splitlines()[1].startswith("Defaults stand, and nothing may be changed: ")
    assert "lineal.toml" in heard.getvalue().splitlines()[1]
    bench.policy(POLICY)
    assert now_held(bench) == "v1"


def test_only_a_broken_registry_is_told_with_what_to_do(tmp_path: Path) -> None:
    bench = Bench(tmp_path, '[discovery]\nenabled = false\n[registries.old]\nkind = "mlflow"\nurl = "missing.db"\n')
    with bench.work() as work:
        bench.sync(work)
    heard = hear(bench, "sources", "1")
    assert "1 registry cannot be read: old; type sources for why." in heard
    assert any(line.startswith("Error: ") for line in after(heard, "1"))
    assert any(line.startswith("What to do: ") for line in after(heard, "1"))


# --- the process itself -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The demo, synced and with what waits for a review, and the environment of whoever looks at it."""
    folder = tmp_path_factory.mktemp("plain")
    environ = {
        "HOME": str(folder / "home"), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "dumb",
        "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in ("core", "tui")),
        "LINEAL_AUTHOR": "Nora Bay <nora@fraud-lab.example>",
    }  # fmt: skip
    (folder / "home").mkdir()
    around = Surroundings(folder / "demo", folder / "home", environ, time.time)
    build(folder / "demo", around, lambda said: None)
    with open_workspace(around=around) as work:
        sync(work.specs, around, work.index_url)
        assert reviewing.act(work) == ""
    return folder / "demo", environ


COMMAND = (sys.executable, "-m", "lineal_tui.main")


def test_a_whole_review_through_a_pipe(demo: tuple[Path, dict[str, str]]) -> None:
    folder, environ = demo
    typed = "review\n1\napprove\napprove\npromote\npromote\nrollback\nerrors\nrollback\n:who fraud@prod\n"
    done = subprocess.run([*COMMAND, "--plain"], input=typed.encode(), cwd=folder, env=environ, capture_output=True)
    assert done.returncode == 0
    assert done.stderr == b""
    said = done.stdout.decode()
    assert not [one for one in FORBIDDEN if one in said]
    assert "Done: prod was v2.2.0 and is v2.3.0 now.\n" in said
    assert "Done: prod was v2.3.0 and is v2.2.0 now.\n" in said
    assert said.endswith("The input has ended.\n")


class Terminal:
    """A pseudo-terminal with text mode in it."""

    def __init__(self, folder: Path, environ: dict[str, str], *words: str) -> None:
        self._own, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [*COMMAND, *words], stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=environ,
            start_new_session=True, preexec_fn=_controlled,
        )  # fmt: skip
        os.close(theirs)
        self.said = b""
        self._heard = 0  # bytes of it that were waited for

    def see(self, said: str, seconds: float = 60.0) -> None:
        """Wait until something was said since this was last asked."""
        end = time.monotonic() + seconds
        while (at := self.said.find(said.encode(), self._heard)) < 0:
            ready, _, _ = select.select([self._own], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"never said: {said}\n{self.said[self._heard :].decode()}"
            self.said += os.read(self._own, 65_536)
        self._heard = at + len(said)

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self._own, line.encode())

    def close(self) -> None:
        """Let go of it."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._own)


def _controlled() -> None:
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextmanager
def terminal(demo: tuple[Path, dict[str, str]], *words: str, **environ: str) -> Iterator[Terminal]:
    """Open a terminal in the demo; afterwards not one escape was written."""
    made = Terminal(demo[0], {**demo[1], **environ}, *words)
    try:
        yield made
    finally:
        made.close()
    assert b"\x1b" not in made.said
    assert b"\r" not in made.said.replace(b"\r\n", b"")  # the terminal itself puts one before each new line


def test_a_terminal_that_can_do_nothing_gets_text_mode_by_itself(demo: tuple[Path, dict[str, str]]) -> None:
    with terminal(demo) as shown:
        shown.see("models> ")
        shown.type("review\n")
        shown.see("review> ")
        shown.type("quit\n")
        assert shown.process.wait(20) == 0


def test_text_mode_can_be_asked_for_by_option_and_by_variable(demo: tuple[Path, dict[str, str]]) -> None:
    for words, environ in ((("--plain",), {}), ((), {"LINEAL_PLAIN": "1"})):
        with terminal(demo, *words, TERM="xterm-256color", **environ) as shown:
            shown.see("models> ")
            shown.type("\x04")  # the end of what is typed
            shown.see("The input has ended.")
            assert shown.process.wait(20) == 0


def test_ctrl_c_says_how_to_leave_and_a_second_leaves(demo: tuple[Path, dict[str, str]]) -> None:
    with terminal(demo, "--plain") as shown:
        shown.see("models> ")
        shown.type("\x03")
        shown.see("ctrl+c again, or quit, leaves Lineal.")
        shown.see("models> ")
        shown.type("\x03")
        assert shown.process.wait(20) == 130


def test_ctrl_c_stops_a_sync_that_hangs_and_nothing_else(bench: Bench) -> None:
    heard = io.StringIO()
    hanging = (sys.executable, "-S", "-c", "import time; print(flush=True); time.sleep(60)")
    with bench.work() as work:
        talk = Conversation(
            work, Voice(io.StringIO("sources\n"), heard), desk=lambda: office(work), workspace="lab",
            cwd=str(bench.folder), environ=work.around.environ, sync=hanging, clock=work.around.clock,
        )  # fmt: skip
        before = signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
        try:
            signal.setitimer(signal.ITIMER_REAL, 2.0)
            talk.sync(())
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, before)
    assert "Stopped reading; what was read stays.\n" in heard.getvalue()
