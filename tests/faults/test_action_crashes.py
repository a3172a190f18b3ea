"""An action whose process is killed at any step: it is visible, can be ended, and nothing acknowledged is lost."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from lineal.actions.desk import Desk
from lineal.actions.recording import Detail, encode
from lineal.errors import Conflict, Error
from lineal.ledger import events
from lineal.model.changes import Change, Receipt, Stamp
from lineal.model.plan import State
from lineal.registries.dvc.registry import GitRegistry
from lineal.registries.native import trees
from lineal.registries.native.registry import NativeRegistry
from lineal.registries.native.shelf import Said
from lineal.store.filesystem import FileSystem, Operation
from lineal.sync import sync
from tests.desks import Bench, held

POLICY = '[[gate]]\nalias = "prod"\nregistries = ["store"]\ncounterparts = ["risk:churn"]\narchive = "archived"\n'
BEFORE = {"store prod": "v3", "store archived": "", "risk prod": "v1.0.0"}
AFTER = {"store prod": "v4", "store archived": "v3", "risk prod": "v2.0.0"}


class Steps:
    """Counts the steps of an action: file operations of the ledger, and both sides of every change of a registry."""

    def __init__(self, at: int = -1, what: Callable[[], None] = lambda: None) -> None:
        self.at, self.what, self.count = at, what, 0

    def take(self) -> None:
        self.count += 1
        if self.count - 1 == self.at:
            self.what()

    def install(self, patch: pytest.MonkeyPatch) -> None:
        step, native, git = FileSystem.step, NativeRegistry.apply, GitRegistry.apply

        def stepped(this: FileSystem, operation: Operation, action: Callable[[], Any]) -> Any:
            self.take()
            return step(this, operation, action)

        def between(apply: Callable[..., Receipt]) -> Callable[[Any, Change, Stamp], Receipt]:
            def applied(this: Any, change: Change, stamp: Stamp) -> Receipt:
                self.take()
                receipt = apply(this, change, stamp)
                self.take()
                return receipt

            return applied

        patch.setattr(FileSystem, "step", stepped)
        patch.setattr(NativeRegistry, "apply", between(native))
        patch.setattr(GitRegistry, "apply", between(git))


def standing(bench: Bench) -> dict[str, str]:
    with bench.desk(synced=False) as desk:
        return {
            "store prod": held(desk, "churn", "prod"),
            "store archived": held(desk, "churn", "archived"),
            "risk prod": held(desk, "churn", "prod", "risk"),
        }


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, Path]:
    """A workspace in which v1 is prod in both registries and v2 has the same bytes in both; and a copy of it."""
    bench = Bench(tmp_path_factory.mktemp("crash") / "lab", POLICY)
    commits = bench.repository()
    assert len(commits) == 2
    for number in (1, 2):
        bench.commit(0.9, text=f"{number}")
        (bench.folder / "out" / "weights.bin").unlink()
    with bench.work() as work, work.shelf() as shelf:
        for number in (1, 2):
            file = bench.folder / "out" / "weights.bin"
            file.write_bytes(f"weights {number}".encode() * 40)
            shelf.commit(trees.read([file]), Said(), kind="model", name="churn")
            bench.now += 60
    with bench.work() as work:
        sync(work.specs, work.around, work.index_url)
        desk = Desk(work)
        desk.execute(desk.promote(work.version("store:churn@v3"), "prod"))
        bench.now += 60
        bench.sync(work)
        desk.close()
    backup = tmp_path_factory.mktemp("crash") / "backup"
    shutil.copytree(bench.folder.parent, backup, symlinks=True)
    return bench, backup


def back(bench: Bench, backup: Path) -> None:
    shutil.rmtree(bench.folder.parent)
    shutil.copytree(backup, bench.folder.parent, symlinks=True)


def moved(bench: Bench) -> State:
    with bench.work() as work:
        desk = Desk(work)
        try:
            return desk.execute(desk.promote(work.version("store:churn@v4"), "prod")).state
        finally:
            desk.close()


def steps_of(bench: Bench) -> int:
    steps = Steps()
    with pytest.MonkeyPatch.context() as patch:
        steps.install(patch)
        assert moved(bench) is State.APPLIED
    return steps.count


def killed(bench: Bench, at: int) -> bool:
    """Run the action in a process that is killed at a step; say whether it was acknowledged."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with pytest.MonkeyPatch.context() as patch:
                Steps(at, lambda: os.kill(os.getpid(), signal.SIGKILL)).install(patch)
                status = 0 if moved(bench) is State.APPLIED else 1
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return status == 0


def test_a_process_killed_at_any_step_leaves_what_can_be_ended(ready: tuple[Bench, Path]) -> None:
    bench, backup = ready
    back(bench, backup)
    assert standing(bench) == BEFORE
    count = steps_of(bench)
    assert count > 20
    assert standing(bench) == AFTER
    seen = set()
    for at in range(count):
        back(bench, backup)
        acknowledged = killed(bench, at)
        with bench.desk(synced=False) as desk:
            open_actions = desk.open_actions()
            assert len(open_actions) <= 1
            done = desk.resume()
            assert desk.open_actions() == []
            shelf = desk.chronicle()
            assert shelf is not None
            assert shelf.ledger.verify().problems == ()
        now = standing(bench)
        assert now in (BEFORE, AFTER), (at, now)
        if acknowledged or any(one.state is State.APPLIED for one in done):
            assert now == AFTER, at
        if not open_actions and not acknowledged:
            seen.add("before" if now == BEFORE else "after")
        seen.update(one.state.value for one in done)
    assert seen >= {"before", "applied"}


def test_a_resume_that_is_killed_can_be_resumed(ready: tuple[Bench, Path]) -> None:
    bench, backup = ready
    back(bench, backup)
    count = steps_of(bench)
    for at in range(3, count, 7):
        back(bench, backup)
        killed(bench, at)
        child = os.fork()
        if child == 0:
            try:
                with bench.desk(synced=False) as desk, pytest.MonkeyPatch.context() as patch:
                    Steps(2, lambda: os.kill(os.getpid(), signal.SIGKILL)).install(patch)
                    desk.resume()
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        with bench.desk(synced=False) as desk:
            desk.resume()
            assert desk.open_actions() == []
        assert standing(bench) in (BEFORE, AFTER)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_at_any_step_leaves_all_or_nothing(ready: tuple[Bench, Path], code: int) -> None:
    bench, backup = ready
    back(bench, backup)
    count = steps_of(bench)

    def fail() -> None:
        raise OSError(code, os.strerror(code))

    for at in range(0, count, 2):
        back(bench, backup)
        with pytest.MonkeyPatch.context() as patch:
            Steps(at, fail).install(patch)
            try:
                state = moved(bench)
            except (Error, OSError):
                state = None
        with bench.desk(synced=False) as desk:
            desk.resume()
            assert desk.open_actions() == []
        now = standing(bench)
        assert now in (BEFORE, AFTER), (at, now)
        if state is State.APPLIED:
            assert now == AFTER


def test_an_action_that_runs_elsewhere_is_not_resumed_under_its_hands(ready: tuple[Bench, Path]) -> None:
    bench, backup = ready
    back(bench, backup)
    killed(bench, 30)

    with bench.desk(synced=False) as desk:
        recorder = desk.recorder()
        running = recorder.event(
            events.STARTED,
            registry="",
            model="churn",
            host="another-machine",
            detail=encode(Detail(action="promote", title="promote churn", pid=1)),
        )
        recorder.write(structs.replace(running, action=running.id))
        with pytest.raises(Conflict) as caught:
            desk.resume(running.id)
        assert "another-machine" in caught.value.message
        bench.now += 3600
        assert desk.resume(running.id)[0].state is State.APPLIED  # it had nothing left to do


def test_a_registration_that_was_made_but_not_recorded_is_ended(ready: tuple[Bench, Path]) -> None:
    bench, backup = ready
    back(bench, backup)
    track = f"outs:\n- md5: {'b' * 32}\n  size: 3\n  path: churn.bin\n"
    (bench.folder / "risk" / "churn.bin.dvc").write_text(track)
    bench.git("commit", "-qam", "another")
    commit = bench.git("rev-parse", "HEAD")
    for made in (False, True):
        with bench.desk() as desk:
            plan = desk.register(desk.row("risk", "churn", commit), "churn", "v3.0.0")
            detail = Detail(action="register", title=plan.title, subject=plan.subject, changes=plan.changes)
            desk.recorder().begin(plan, detail, "risk")
            if made:
                change = plan.changes[0]
                desk.work.registry("risk").apply(change, desk.stamp("e" * 32, bench.now, ""))
            (done,) = desk.resume()
            assert done.state is State.APPLIED
            assert "churn@v3.0.0" in bench.git("tag")
        back(bench, backup)
        (bench.folder / "risk" / "churn.bin.dvc").write_text(track)
        bench.git("commit", "-qam", "another", at=bench.now)
        commit = bench.git("rev-parse", "HEAD")
