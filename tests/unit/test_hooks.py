"""Hooks are told what happened: commands by stdin and variables, servers by a signed POST, and it is recorded."""

from __future__ import annotations

import hashlib
import hmac
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from lineal.actions import hook_posts
from lineal.actions.deliveries import Delivery, Happening, Outcome
from lineal.actions.hook_commands import variables
from lineal.actions.hooks import deliver, event_of, in_background
from lineal.actions.processes import without_secrets
from lineal.config import Surroundings
from lineal.ledger import events
from lineal.ledger.events import Event
from lineal.model.plan import CheckResult
from lineal.model.plan import Outcome as Verdict
from lineal.policy.rules import Hook
from lineal.registries.native.shelf import Shelf
from lineal.workspace import open_workspace
from tests.sources.web import always, in_turn, reply, web

CHECK = CheckResult(id="metric.auc", title="auc", outcome=Verdict.PASS, value=0.94, evidence="long")
HAPPENING = Happening(
    event="promoted",
    id="e" * 32,
    registry="mlflow",
    model="churn",
    version="41",
    alias="prod",
    before="v40",
    after="v41",
    by="Alice <alice@example.com>",
    at=1_790_000_000.0,
    reason="better; \u00fc",
    action="a" * 32,
    command="lineal promote churn@v41 --to prod",
    checks=(CHECK,),
)
COPY = "import sys,os;d=sys.stdin.buffer.read();open('got','wb').write(d);print(os.environ['LINEAL_MODEL'],os.getcwd())"


def command(code: str, **said: object) -> Hook:
    """Return a hook that runs Python."""
    fields = {"name": "mine", "event": ("promoted",), "run": (sys.executable, "-c", code)} | said
    return msgspec.convert(fields, Hook)


def told(hook: Hook, around: Surroundings, happening: Happening = HAPPENING) -> Delivery:
    """Tell one hook, which must be told and recorded once."""
    kept: list[Delivery] = []
    found = deliver([hook], happening, around, lambda _: True, kept.append)
    assert kept == found
    assert len(found) == 1
    return found[0]


def within(around: Surroundings, **environ: str) -> Surroundings:
    """Return surroundings with variables."""
    return Surroundings(around.cwd, around.home, environ, around.clock)


def test_a_command_gets_the_event_on_stdin_and_in_variables(around: Surroundings) -> None:
    found = told(command(COPY), around)
    assert (found.outcome, found.status, found.tries) == (Outcome.DELIVERED, 0, 1)
    assert found.output == f"churn {around.cwd}\n"
    said = msgspec.json.decode((around.cwd / "got").read_bytes())
    assert {name: said[name] for name in ("event", "model", "before", "after", "reason", "hook")} == {
        "event": "promoted",
        "model": "churn",
        "before": "v40",
        "after": "v41",
        "reason": "better; ü",
        "hook": "mine",
    }
    assert said["delivery"] == found.id
    assert said["checks"] == [{"id": "metric.auc", "title": "auc", "outcome": "pass", "value": 0.94}]


def test_variables_are_named_after_what_they_hold() -> None:
    assert variables(HAPPENING, "d" * 32) == {
        "LINEAL_EVENT": "promoted",
        "LINEAL_ID": "e" * 32,
        "LINEAL_REGISTRY": "mlflow",
        "LINEAL_MODEL": "churn",
        "LINEAL_VERSION": "41",
        "LINEAL_ALIAS": "prod",
        "LINEAL_BEFORE": "v40",
        "LINEAL_AFTER": "v41",
        "LINEAL_BY": "Alice <alice@example.com>",
        "LINEAL_AT": "1790000000.0",
        "LINEAL_REASON": "better; ü",
        "LINEAL_ACTION": "a" * 32,
        "LINEAL_COMMAND": "lineal promote churn@v41 --to prod",
        "LINEAL_DELIVERY": "d" * 32,
    }


def test_a_command_does_not_get_secrets(around: Surroundings) -> None:
    environ = {
        "PATH": "/bin",
        "LANG": "C.UTF-8",
        "AUTHOR": "me",
        "MONKEY": "see",
        "MLFLOW_TRACKING_PASSWORD": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_ACCESS_KEY_ID": "x",
        "GITHUB_TOKEN": "x",
        "SIGNING_KEY": "x",
        "DATABASE_URL": "postgres://me:word@db/x",
        "WEBHOOK": "x",
    }
    assert without_secrets(environ, {"WEBHOOK"}).keys() == {"PATH", "LANG", "AUTHOR", "MONKEY"}
    code = "import os;print(sorted(one for one in os.environ if 'LINEAL_' not in one))"
    found = told(command(code, secret_env="WEBHOOK"), within(around, **environ))
    assert "WEBHOOK" not in found.output
    assert "PASSWORD" not in found.output
    assert "MONKEY" in found.output


def test_only_hooks_that_wait_for_it_are_told(around: Surroundings) -> None:
    hooks = [
        command("", name="all", event=("*",)),
        command("", name="these", event=("rolled_back", "promoted"), models=("ch*",), aliases=("prod",)),
        command("", name="other event", event=("approved",)),
        command("", name="other model", models=("fraud*",)),
        command("", name="other alias", aliases=("staging",)),
    ]
    found = deliver(hooks, HAPPENING, around, lambda _: True, lambda _: None)
    assert [one.hook for one in found] == ["all", "these"]


def test_what_nobody_allowed_is_not_run(around: Surroundings) -> None:
    with web(always(reply(b""))) as server:
        post = Hook(name="post", event=("*",), url=server.url)
        found = deliver([command(COPY), post], HAPPENING, around, lambda _: False, lambda _: None)
    assert [one.outcome for one in found] == [Outcome.UNTRUSTED] * 2
    assert "lineal trust" in found[0].summary
    assert not (around.cwd / "got").exists()
    assert not server.asked


def test_a_server_gets_a_signed_post(around: Surroundings) -> None:
    with web(always(reply(b"thanks"))) as server:
        hook = Hook(name="chat", event=("*",), url=f"{server.url}/services/T0/secret?x=1", secret_env="HOOK")
        found = told(hook, within(around, HOOK="k3y"))
    (asked,) = server.asked
    assert (found.outcome, found.status, found.output) == (Outcome.DELIVERED, 200, "thanks")
    assert found.target == server.url
    assert (asked.method, asked.target) == ("POST", "/services/T0/secret?x=1")
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["x-lineal-event"] == "promoted"
    assert asked.headers["x-lineal-delivery"] == found.id
    assert asked.headers["x-lineal-timestamp"] == "1790000000"
    digest = hmac.new(b"k3y", b"1790000000." + asked.body, hashlib.sha256).hexdigest()
    assert asked.headers["x-lineal-signature"] == f"sha256={digest}"
    assert msgspec.json.decode(asked.body)["model"] == "churn"


def test_a_hook_without_a_secret_is_not_signed(around: Surroundings) -> None:
    with web(always(reply(b"", 204))) as server:
        assert told(Hook(name="chat", event=("*",), url=server.url), around).status == 204
    assert "x-lineal-signature" not in server.asked[0].headers


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_server_that_fails_is_told_again(around: Surroundings, status: int) -> None:
    pauses: list[float] = []
    with web(in_turn(reply(b"", status), b"", reply(b"fine"))) as server:
        hook = Hook(name="chat", event=("*",), url=server.url, tries=3)
        found = hook_posts.post(hook, "promoted", b"{}", "d" * 32, around, pauses.append)
    assert (found.outcome, found.tries) == (Outcome.DELIVERED, 3)
    assert pauses == [0.25, 0.5]
    assert {asked.headers["x-lineal-delivery"] for asked in server.asked} == {"d" * 32}


def test_a_delivery_is_an_event(around: Surroundings) -> None:
    delivery = told(command("print('hello')"), around)
    event = event_of(delivery, HAPPENING)
    assert (event.kind, event.of, event.action, event.id) == (events.DELIVERED, "e" * 32, "a" * 32, delivery.id)
    assert event.message == f"mine ({sys.executable}) delivered"
    assert msgspec.json.decode(event.detail, type=Delivery) == delivery


def test_nothing_is_started_where_nobody_waits(around: Surroundings) -> None:
    assert in_background([], HAPPENING, around, lambda _: True, around.cwd).pid == 0
    other = command("", event=("approved",))
    assert in_background([other], HAPPENING, around, lambda _: True, around.cwd).hooks == ()


@pytest.fixture
def workspace(around: Surroundings) -> Surroundings:
    """A workspace with a store of its own."""
    (around.cwd / "lineal.toml").write_text("")
    with open_workspace(around=around) as work:
        work.shelf(create=True).close()
    return around


def recorded(around: Surroundings, count: int, seconds: float = 30.0) -> list[Event]:
    """Wait until so many deliveries are in the ledger."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        shelf = Shelf.open(open_workspace(around=around).config.store, around)
        found = [one.event for one in shelf.ledger.entries() if one.event.kind == events.DELIVERED]
        shelf.close()
        if len(found) >= count:
            return found
        time.sleep(0.1)
    raise AssertionError(f"only {len(found)} deliveries")


def gone(pid: int, seconds: float = 20.0) -> bool:
    """Wait until a process has ended and nothing is left of it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_hooks_run_in_the_background_and_are_recorded(workspace: Surroundings) -> None:
    with web(always(reply(b"ok"))) as server:
        around = within(workspace, HOOK="k3y", PATH=os.environ["PATH"])
        hooks = [
            command("import time;time.sleep(1);print('done')", name="slow"),
            Hook(name="chat", event=("*",), url=server.url, secret_env="HOOK"),
            command(COPY, name="strange"),
        ]
        allowed: Callable[[Hook], bool] = lambda hook: hook.name != "strange"  # noqa: E731
        began = time.monotonic()
        started = in_background(hooks, HAPPENING, around, allowed, workspace.cwd)
        assert time.monotonic() - began < 0.5
        assert (started.hooks, started.error) == (("slow", "chat", "strange"), "")
        found = recorded(workspace, 3)
    said = [msgspec.json.decode(one.detail, type=Delivery) for one in found]
    assert [(one.hook, one.outcome) for one in said] == [
        ("slow", Outcome.DELIVERED),
        ("chat", Outcome.DELIVERED),
        ("strange", Outcome.UNTRUSTED),
    ]
    assert {one.of for one in found} == {"e" * 32}
    assert said[0].output == "done\n"
    assert "x-lineal-signature" in server.asked[0].headers
    assert gone(started.pid)


def test_no_secret_stands_on_a_command_line_or_in_a_file(workspace: Surroundings, tmp_path: Path) -> None:
    """What `ps` shows, and everything written beneath the test's folder."""
    with web(always(reply(b"ok"))) as server:
        around = within(workspace, HOOK="k3y-of-the-hook", PATH=os.environ["PATH"])
        hook = Hook(name="chat", event=("*",), url=server.url, secret_env="HOOK")
        wait = command("import time;time.sleep(1)", name="wait")
        started = in_background([wait, hook], HAPPENING, around, lambda _: True, workspace.cwd)
        line = Path(f"/proc/{started.pid}/cmdline")
        assert not line.exists() or b"k3y" not in line.read_bytes()
        recorded(workspace, 2)
    assert gone(started.pid)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if b"k3y-of-the-hook" in path.read_bytes()]
