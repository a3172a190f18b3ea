"""After an event: run a command, or POST to a URL. The action never waits for it, and what became of it is recorded.

`in_background` hands the hooks to a process of their own, so that a command line may end; that process is this module
run by name. It reads its job from its stdin, gets secrets by its environment only, and writes what became of each hook
into the ledger of the workspace.
"""

from __future__ import annotations

import os
import platform
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from lineal.actions.deliveries import Delivery, Happening, Outcome, Told, body
from lineal.actions.hook_commands import held, run
from lineal.config import Surroundings
from lineal.errors import Error
from lineal.ledger.events import DELIVERED, Event
from lineal.model.plain import finite, spelt
from lineal.policy.rules import Hook

_LOG = "hooks.log"  # in the user's state folder: what could not be written into a ledger
_LOG_BYTES = 1 << 20

__all__ = ["Delivery", "Happening", "Outcome", "Started", "deliver", "event_of", "in_background"]


def deliver(
    hooks: Iterable[Hook],
    happening: Happening,
    around: Surroundings,
    trusted: Callable[[Hook], bool],
    record: Callable[[Delivery], None],
) -> list[Delivery]:
    """Tell every hook that waits for this, one after the other, and return what became of each.

    Args:
        hooks: those of the policy.
        happening: what happened.
        around: the folder that commands run in, and the environment with the secrets that sign.
        trusted: whether a person allowed a hook here; also asked for hooks with a URL.
        record: told of each delivery as soon as it is over.
    """
    made = []
    wanting = [hook for hook in hooks if hook.wants(happening.event, happening.model, happening.alias)]
    hidden = frozenset(hook.secret_env for hook in wanting if hook.secret_env)
    for hook in wanting:
        delivery = _delivered(hook, happening, around, trusted, hidden)
        made.append(delivery)
        record(delivery)
    return made


def _delivered(
    hook: Hook, happening: Happening, around: Surroundings, trusted: Callable[[Hook], bool], hidden: frozenset[str]
) -> Delivery:
    delivery, at, began = secrets.token_hex(16), around.clock(), time.monotonic()
    try:
        if trusted(hook):
            told = _told(hook, happening, delivery, around, hidden)
        else:
            told = Told(outcome=Outcome.UNTRUSTED, reason="`lineal trust` allows it", tries=0)
    except (Error, OSError, ValueError, TypeError) as error:
        told = Told(outcome=Outcome.FAILED, reason=f"{type(error).__name__}: {error}"[:300])
    return Delivery(
        id=delivery,
        hook=hook.name,
        event=happening.event,
        of=happening.id,
        target=_target(hook),
        outcome=told.outcome,
        reason=told.reason,
        status=told.status,
        output=told.output,
        tries=told.tries,
        at=at,
        seconds=round(time.monotonic() - began, 3),
    )


def _told(hook: Hook, happening: Happening, delivery: str, around: Surroundings, hidden: frozenset[str]) -> Told:
    said = body(happening, hook, delivery)
    if hook.run:
        return run(hook, happening, said, delivery, around, hidden)
    from lineal.actions.hook_posts import post

    return post(hook, happening.event, said, delivery, around)


def _target(hook: Hook) -> str:
    """Return the program, or the host: the path of a URL may be what lets one post there."""
    if hook.run:
        return hook.run[0]
    from lineal.formats.http import origin

    try:
        scheme, host, port = origin(hook.url)
    except Error:
        return ""
    return f"{scheme}://{host}:{port}"


def event_of(delivery: Delivery, happening: Happening) -> Event:
    """Return the event that records a delivery; its id is that of the delivery."""
    return Event(
        id=delivery.id,
        kind=DELIVERED,
        at=delivery.at,
        by=happening.by,
        host=platform.node(),
        registry=happening.registry,
        model=happening.model,
        version=happening.version,
        alias=happening.alias,
        message=delivery.summary,
        of=happening.id,
        action=happening.action,
        detail=msgspec.json.encode(_plain(delivery), order="sorted").decode(),
    )


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """Hooks that are told in the background: their names, and why not, where the process could not be started."""

    hooks: tuple[str, ...] = ()
    pid: int = 0
    error: str = ""


class _Job(msgspec.Struct, frozen=True, kw_only=True):
    """What the process in the background is to do."""

    root: str
    home: str
    happening: Happening
    hooks: tuple[Hook, ...]
    trusted: tuple[bool, ...]


def in_background(
    hooks: Iterable[Hook], happening: Happening, around: Surroundings, trusted: Callable[[Hook], bool], root: Path
) -> Started:
    """Tell the hooks that wait for this in another process, which outlives this one, and return at once.

    Args:
        hooks: those of the policy.
        happening: what happened.
        around: the environment with the secrets that sign; the process gets it.
        trusted: whether a person allowed a hook here: asked now, not in the background.
        root: the workspace, in which commands run and in whose ledger deliveries are recorded.
    """
    wanting = tuple(hook for hook in hooks if hook.wants(happening.event, happening.model, happening.alias))
    names = tuple(hook.name for hook in wanting)
    if not wanting:
        return Started()
    try:
        allowed = tuple(trusted(hook) for hook in wanting)
        job = _Job(root=str(root), home=str(around.home), happening=happening, hooks=wanting, trusted=allowed)
        pid = _spawned(msgspec.json.encode(_plain(job)), around)
    except (Error, OSError, ValueError, TypeError) as error:
        return Started(hooks=names, error=f"hooks could not be started: {error}"[:300])
    return Started(hooks=names, pid=pid)


def _spawned(job: bytes, around: Surroundings) -> int:
    with held(job) as stdin:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "lineal.actions.hooks"],  # -P: nothing is imported from the working folder
            cwd="/",
            env=dict(around.environ),
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    threading.Thread(target=process.wait, name="hooks", daemon=True).start()  # so that no zombie stays
    return process.pid


def _plain(value: object) -> object:
    return spelt(finite(msgspec.to_builtins(value)))


def main() -> int:
    """Tell the hooks of the job on stdin; return 1 where something could not be recorded."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=_Job)
    around = Surroundings(Path(job.root), Path(job.home), dict(os.environ))
    allowed = {hook for hook, holds in zip(job.hooks, job.trusted, strict=True) if holds}
    failed = []

    def record(delivery: Delivery) -> None:
        try:
            _append(event_of(delivery, job.happening), around)
        except (Error, OSError, ValueError) as error:
            failed.append(delivery)
            _leave_a_line(f"{delivery.summary}; not recorded in the ledger: {error}", around)

    deliver(job.hooks, job.happening, around, allowed.__contains__, record)
    return 1 if failed else 0


def _append(event: Event, around: Surroundings) -> None:
    from lineal.workspace import open_workspace

    with open_workspace(around.cwd, around=around) as work:
        shelf = work.chronicle()
        try:
            shelf.ledger.append(lambda _: event)
        finally:
            shelf.close()


def _leave_a_line(line: str, around: Surroundings) -> None:
    """Keep in the user's state folder what the ledger did not take."""
    try:
        file = around.state_folder() / _LOG
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not file.exists() or file.stat().st_size < _LOG_BYTES:
            with file.open("a", encoding="utf-8", errors="backslashreplace") as stream:
                stream.write(f"{around.clock():.0f} {around.cwd} {' '.join(line.split())[:1000]}\n")
    except OSError:
        return  # there is nowhere left to say it


if __name__ == "__main__":
    raise SystemExit(main())
