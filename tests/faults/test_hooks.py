"""Hooks that hang, flood, fork, fail, redirect or lie: each is stopped in time and recorded, and none raises."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lineal.actions.deliveries import MAX_OUTPUT, Delivery, Happening, Outcome, body
from lineal.actions.hook_commands import variables
from lineal.actions.hooks import deliver, event_of, in_background
from lineal.config import Surroundings
from lineal.errors import ConfigError
from lineal.ledger.events import Entry, decode, encode
from lineal.policy.rules import Hook
from tests.sources.web import Asked, always, reply, web

HAPPENING = Happening(event="promoted", id="e" * 32, model="churn", alias="prod", at=1_790_000_000.0)


def hook(*run: str, url: str = "", timeout: float = 5.0, tries: int = 1, secret_env: str = "") -> Hook:
    return Hook(name="mine", event=("*",), run=run, url=url, timeout=timeout, tries=tries, secret_env=secret_env)


def python(code: str, timeout: float = 5.0) -> Hook:
    return hook(sys.executable, "-c", code, timeout=timeout)


def told(one: Hook, around: Surroundings, most: float = 8.0, happening: Happening = HAPPENING) -> Delivery:
    """Tell a hook; it must end within `most` seconds, and be recorded."""
    kept: list[Delivery] = []
    began = time.monotonic()
    deliver([one], happening, around, lambda _: True, kept.append)
    assert time.monotonic() - began < most
    (found,) = kept
    assert len(found.output.encode("utf-8", "surrogatepass")) <= MAX_OUTPUT
    return found


def alive(pid: int) -> bool:
    """Say whether a process runs; one that is dead but not yet buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_command_that_hangs_is_stopped(around: Surroundings) -> None:
    code = "import signal,time;signal.signal(signal.SIGTERM,signal.SIG_IGN);print('on',flush=True);time.sleep(60)"
    found = told(python(code, 1.0), around, 4.0)
    assert (found.outcome, found.output) == (Outcome.LATE, "on\n")
    assert "1 s" in found.reason


def test_a_command_that_closes_its_output_and_hangs_is_stopped(around: Surroundings) -> None:
    found = told(python("import os,time;os.close(1);os.close(2);time.sleep(60)", 1.0), around, 4.0)
    assert found.outcome is Outcome.LATE


@pytest.mark.parametrize("parent", ["pass", "time.sleep(60)"])
def test_children_of_a_command_do_not_outlive_it(around: Surroundings, parent: str) -> None:
    """Neither where it is stopped, nor where it ends by itself and its child holds the pipe open."""
    code = "import os,time\npid=os.fork()\nif pid==0:\n time.sleep(60)\nelse:\n print(pid,flush=True)\n " + parent
    found = told(python(code, 1.5), around, 5.0)
    assert found.outcome is (Outcome.DELIVERED if parent == "pass" else Outcome.LATE)
    end = time.monotonic() + 5
    while alive(int(found.output)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not alive(int(found.output))


def test_a_child_that_escapes_does_not_hold_us_up(around: Surroundings) -> None:
    code = (
        "import os,time\npid=os.fork()\n"
        "if pid==0:\n os.setsid()\n end=time.time()+4\n while time.time()<end: os.write(1,b'x'*9999)\n"
        "else:\n time.sleep(.2)"
    )
    found = told(python(code, 3.0), around, 3.0)
    assert found.outcome is Outcome.DELIVERED


@pytest.mark.parametrize("stream", [1, 2])
def test_megabytes_of_output_are_cut_and_hold_nothing_up(around: Surroundings, stream: int) -> None:
    found = told(python(f"import os\nfor _ in range(64): os.write({stream}, b'y'*(1<<20))"), around)
    assert found.outcome is Outcome.DELIVERED
    assert found.output == "y" * MAX_OUTPUT


def test_output_without_end_is_stopped(around: Surroundings) -> None:
    found = told(python("import os\nwhile True: os.write(1, b'\\xff\\0\\x1b'*9999)", 1.0), around, 4.0)
    assert found.outcome is Outcome.LATE
    assert found.output


def test_a_command_that_does_not_read_is_none_the_worse(around: Surroundings) -> None:
    """Though what it is told is more than a pipe takes."""
    happening = Happening(event="promoted", model="churn", reason="x" * (1 << 20))
    found = told(python("print('fine')"), around, happening=happening)
    assert (found.outcome, found.output) == (Outcome.DELIVERED, "fine\n")


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [("raise SystemExit(3)", 3, "status 3"), ("import os;os.kill(os.getpid(),9)", -9, "signal 9")],
)
def test_a_command_that_fails_is_recorded_with_its_status(
    around: Surroundings, code: str, status: int, said: str
) -> None:
    found = told(python(f"print('why',flush=True);{code}"), around)
    assert (found.outcome, found.status, found.output) == (Outcome.FAILED, status, "why\n")
    assert said in found.reason


@pytest.mark.parametrize("run", ["/nowhere/at/all", "no-such-program", "/etc/hostname", ".", "a\0b", "x" * 5000])
def test_a_command_that_cannot_be_started_is_recorded(around: Surroundings, run: str) -> None:
    found = told(hook(run), around)
    assert found.outcome is Outcome.FAILED
    assert found.reason


def test_one_that_fails_does_not_stop_the_others(around: Surroundings) -> None:
    kept: list[Delivery] = []
    hooks = [hook("/nowhere"), python("raise SystemExit(1)"), hook(url="http://127.0.0.1:1/"), python("print(1)")]
    deliver(hooks, HAPPENING, around, lambda _: True, kept.append)
    assert [one.outcome for one in kept] == [Outcome.FAILED] * 3 + [Outcome.DELIVERED]


def test_a_question_of_trust_that_fails_is_a_no(around: Surroundings) -> None:
    def trusted(_: Hook) -> bool:
        raise ConfigError("the policy vanished")

    (found,) = deliver([python("print(1)")], HAPPENING, around, trusted, lambda _: None)
    assert (found.outcome, found.output) == (Outcome.FAILED, "")
    assert "vanished" in found.reason


FOREIGN = st.text(st.characters(codec=None), max_size=30)


@given(st.builds(Happening, event=FOREIGN, model=FOREIGN, by=FOREIGN, reason=FOREIGN, at=st.floats()))
@settings(max_examples=200, deadline=None)
def test_whatever_happened_can_be_told_and_recorded(happening: Happening) -> None:
    assert body(happening, hook("x"), "d" * 32)
    for name, value in variables(happening, "d" * 32).items():
        assert "\0" not in value
        os.fsencode(f"{name}={value}")
    delivery = Delivery(id="d" * 32, hook="x", event=happening.event, outcome=Outcome.FAILED, at=1.0)
    entry = Entry(number=1, before="", event=event_of(delivery, happening))
    assert decode(encode(entry)).event.kind == "delivered"


# --- servers ---


def test_a_redirect_is_not_followed(around: Surroundings) -> None:
    with web(always(reply(b"secret"))) as inner, web(always(reply(b"", 307, Location=inner.url))) as server:
        found = told(hook(url=server.url, tries=3), around)
    assert (found.outcome, found.status, found.tries) == (Outcome.FAILED, 307, 1)
    assert "not followed" in found.reason
    assert not inner.asked


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_a_refusal_is_not_tried_again(around: Surroundings, status: int) -> None:
    with web(always(reply(b"no", status))) as server:
        found = told(hook(url=server.url, tries=3), around)
    assert (found.outcome, found.status, found.output, found.tries) == (Outcome.FAILED, status, "no", 1)


def test_a_server_that_goes_on_failing_is_left_alone(around: Surroundings) -> None:
    with web(always(reply(b"oh", 500))) as server:
        found = told(hook(url=server.url, tries=3), around)
    assert (found.outcome, found.status, found.output, found.tries) == (Outcome.FAILED, 500, "oh", 3)
    assert len(server.asked) == 3


def test_a_server_that_wants_to_be_asked_much_later_is_not(around: Surroundings) -> None:
    with web(always(reply(b"", 429, Retry_After="99999"))) as server:
        found = told(hook(url=server.url, tries=3, timeout=2.0), around, 1.5)
    assert (found.outcome, found.status, found.tries) == (Outcome.FAILED, 429, 1)


def _silent(asked: Asked, connection: socket.socket) -> None:
    time.sleep(5)


def _dripping(start: bytes, piece: bytes) -> Callable[[Asked, socket.socket], None]:
    def answer(asked: Asked, connection: socket.socket) -> None:
        connection.sendall(start)
        for _ in range(200):
            connection.sendall(piece)
            time.sleep(0.05)

    return answer


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (_silent, Outcome.LATE),
        (_dripping(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"y"), Outcome.LATE),
        (_dripping(b"", b"H"), Outcome.LATE),
        (_dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"x"), Outcome.DELIVERED),
        (_dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), Outcome.DELIVERED),
        (_dripping(b"HTTP/1.1 500 No\r\nConnection: close\r\n\r\n", b"z"), Outcome.FAILED),
    ],
    ids=["silent", "headers", "status", "body", "chunks", "failure"],
)
def test_a_slow_server_is_cut_at_the_deadline(
    around: Surroundings, answer: Callable[[Asked, socket.socket], None], outcome: Outcome
) -> None:
    with web(answer) as server:
        found = told(hook(url=server.url, tries=3, timeout=1.0), around, 2.5)
    assert found.outcome is outcome


def test_a_huge_answer_is_not_read_to_its_end(around: Surroundings) -> None:
    def answer(asked: Asked, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
        while True:
            connection.sendall(b"x" * (1 << 16))

    with web(answer) as server:
        found = told(hook(url=server.url), around, 3.0)
    assert (found.outcome, found.output) == (Outcome.DELIVERED, "x" * MAX_OUTPUT)


@pytest.mark.parametrize(
    "said", [b"nonsense\r\n\r\n", b"HTTP/1.1 999999 X\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 999]
)
def test_what_is_no_http_is_a_failure(around: Surroundings, said: bytes) -> None:
    with web(always(said)) as server:
        assert told(hook(url=server.url, timeout=1.0), around, 3.0).outcome in (Outcome.FAILED, Outcome.LATE)


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://[::ffff:169.254.169.254]/",
        "http://[fd00:ec2::254]/",
        "http://[fe80::1]/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "unix:///run/docker.sock",
        "http://",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:1/",
        "http://a..b/",
        "http://127.0.0.1:1/\r\nX: y",
        "http://no-such-host.invalid/",
        "",
    ],
)
def test_an_address_that_cannot_or_must_not_be_asked(around: Surroundings, url: str) -> None:
    found = told(hook(url=url, timeout=2.0), around)
    assert found.outcome in (Outcome.FAILED, Outcome.LATE)
    assert found.reason
    assert found.status is None


def test_a_link_local_address_is_asked_once_and_said(around: Surroundings) -> None:
    found = told(hook(url="http://169.254.169.254/", tries=3), around, 1.0)
    assert (found.tries, "link-local" in found.reason) == (1, True)


def test_without_its_secret_nothing_is_sent(around: Surroundings) -> None:
    with web(always(reply(b""))) as server:
        found = told(hook(url=server.url, secret_env="HOOK"), around)
    assert (found.outcome, found.tries, server.asked) == (Outcome.FAILED, 0, [])
    assert "HOOK is not set" in found.reason


def test_the_path_of_a_url_is_kept_nowhere(around: Surroundings) -> None:
    """It may be what lets one post there."""
    for url in ("http://127.0.0.1:1/s3cret", "http://me:s3cret@127.0.0.1:1/", "http://a..b/s3cret"):
        found = told(hook(url=url, timeout=1.0), around)
        assert "s3cret" not in repr(found)
        assert "s3cret" not in found.summary


# --- in the background ---


def _ended(pid: int) -> bool:
    end = time.monotonic() + 20
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    return not alive(pid)


def test_what_no_ledger_takes_is_left_in_the_state_folder(around: Surroundings) -> None:
    """There is no store at all, and none is made for it."""
    home = Surroundings(around.cwd, around.home, {"HOME": str(around.home)}, around.clock)
    started = in_background([python("print(1)")], HAPPENING, home, lambda _: True, around.cwd)
    assert _ended(started.pid)
    (line,) = (around.home / ".local/state/lineal/hooks.log").read_text().splitlines()
    assert "mine" in line
    assert "not recorded in the ledger" in line
    assert not (around.cwd / ".lineal").exists()


def test_nothing_is_imported_from_the_working_folder(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repository with a `lineal` or `msgspec` of its own does not run by being promoted in."""
    for name in ("msgspec.py", "lineal.py"):
        (around.cwd / name).write_text(f"open({str(around.home / 'owned')!r}, 'w')\nraise SystemExit\n")
    monkeypatch.chdir(around.cwd)
    started = in_background([python("print(1)")], HAPPENING, around, lambda _: True, around.cwd)
    assert _ended(started.pid)
    assert not (around.home / "owned").exists()
    assert (around.home / ".local/state/lineal/hooks.log").exists()


def test_a_process_that_cannot_be_started_is_said(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    started = in_background([python("print(1)")], HAPPENING, around, lambda _: True, around.cwd)
    assert (started.hooks, started.pid) == (("mine",), 0)
    assert "could not be started" in started.error


def test_the_background_outlives_a_hangup(around: Surroundings) -> None:
    """It is in a session of its own, so a terminal that closes does not end it."""
    started = in_background([python("import time;time.sleep(1)")], HAPPENING, around, lambda _: True, around.cwd)
    assert os.getsid(started.pid) == started.pid != os.getsid(0)
    assert _ended(started.pid)
